"""Reaching an account's records from compiled code through one handle.

Handing a dozen arrays to every function costs more than the rules themselves: each array is seven words, copied at
each call. A *handle* is one record with the addresses and lengths of all of them, so that a call passes one pointer.
The functions here turn a handle and an index into a record. In plain Python (compilation switched off) they do the
same, slowly. The arrays behind a handle must be kept alive by whoever made it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numba.np.numpy_support import carray
from numpy.typing import NDArray

from trading.engine.records import (
    ACCOUNT,
    BAR,
    FILL,
    INTENT,
    LINE,
    NOTICE,
    ORDER,
    POSITION,
    RECENT_TRADES,
    RULES,
    TRADE,
    Book,
    Tape,
)

#: One HANDLE record; its fields cannot be typed.
Handle = Any

#: The arrays that a handle names, with the type of their elements.
_REACHED: dict[str, np.dtype[Any]] = {
    "rules": RULES,
    "account": ACCOUNT,
    "lines": LINE,
    "positions": POSITION,
    "orders": ORDER,
    "dying": ORDER,
    "recent": RECENT_TRADES,
    "fills": FILL,
    "trades": TRADE,
    "intents": INTENT,
    "notices": NOTICE,
    "links": np.dtype(np.uint8),
}

#: An address and a length for each array; `n` is the number of lines, `row` the bar of each market at hand.
HANDLE = np.dtype(
    [
        ("n", "i8"),
        *((f"{name}_{part}", "i8") for name in _REACHED for part in ("at", "count")),
        ("row_at", "i8"),
        ("row_count", "i8"),
    ]
)


def new_handle(book: Book, tape: Tape) -> NDArray[Any]:
    """Give the handle of an account and its tape, shape (1,); both must outlive it."""
    out = np.zeros(1, HANDLE)
    out["n"] = len(book.lines)
    for name in _REACHED:
        array = getattr(book, name) if name in Book._fields else getattr(tape, name)
        out[f"{name}_at"] = array.ctypes.data
        out[f"{name}_count"] = array.size
    return out


def _read_address(typing_context: Any, address: Any) -> Any:
    """Read an integer as a memory address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), generate


_pointer: Any = intrinsic(_read_address)


def _fetch_line(typing_context: Any, address: Any) -> Any:
    """Ask for the cache line at an address; nothing waits for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        where = builder.inttoptr(arguments[0], cgutils.voidptr_t)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        declare: Any = cgutils.get_or_insert_function
        function = declare(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [where, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(address), generate


_fetch: Any = intrinsic(_fetch_line)


def fetch(address: int) -> None:
    """Ask for the memory at an address ahead of its use; without compilation there is nothing to ask."""


@overload(fetch)
def _fetch_compiled(address: Any) -> Any:
    def ask(address: Any) -> Any:
        _fetch(address)

    return ask


def _view(handle: Any, name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    count = int(handle[f"{name}_count"])
    buffer: Any = (ctypes.c_char * (count * dtype.itemsize)).from_address(int(handle[f"{name}_at"]))
    return np.frombuffer(buffer, dtype, count)


def whole(name: str, dtype: np.dtype[Any]) -> Callable[[Any], Any]:
    """Make the function that gives a whole array behind a handle; it counts no references."""
    at, count = f"{name}_at", f"{name}_count"

    def reach(handle: Any) -> Any:
        return _view(handle, name, dtype)

    @overload(reach)
    def _compiled(handle: Any) -> Any:
        def view(handle: Any) -> Any:
            return carray(_pointer(handle[at]), (handle[count],), dtype)

        return view

    return reach


def by_address(dtype: np.dtype[Any]) -> Callable[[int], Any]:
    """Make the function that gives the record at an address."""

    def reach(address: int) -> Any:
        buffer: Any = (ctypes.c_char * dtype.itemsize).from_address(int(address))
        return np.frombuffer(buffer, dtype, 1)[0]

    @overload(reach)
    def _compiled(address: Any) -> Any:
        def only(address: Any) -> Any:
            return carray(_pointer(address), (1,), dtype)[0]

        return only

    return reach


def one(name: str, dtype: np.dtype[Any]) -> Callable[[Any, int], Any]:
    """Make the function that gives one record behind a handle."""
    at, size = f"{name}_at", dtype.itemsize
    element_at = by_address(dtype)

    def reach(handle: Any, i: int) -> Any:
        return element_at(int(handle[at]) + int(i) * size)

    @overload(reach)
    def _compiled(handle: Any, i: Any) -> Any:
        def element(handle: Any, i: Any) -> Any:
            # Counted from the address: an array would be asked whether the index counts from its end.
            return carray(_pointer(handle[at] + i * size), (1,), dtype)[0]

        return element

    return reach


def _one(name: str) -> Callable[[Any, int], Any]:
    return one(name, _REACHED[name])


def _first(name: str) -> Callable[[Any], Any]:
    """Make the function that gives the only record of an array behind a handle."""
    dtype, at = _REACHED[name], f"{name}_at"

    def reach(handle: Any) -> Any:
        return _view(handle, name, dtype)[0]

    @overload(reach)
    def _compiled(handle: Any) -> Any:
        def only(handle: Any) -> Any:
            return carray(_pointer(handle[at]), (1,), dtype)[0]

        return only

    return reach


#: The float64 or the byte at an address.
number_at = by_address(np.dtype(np.float64))
byte_at = by_address(np.dtype(np.uint8))
rules_of = _first("rules")
account_of = _first("account")
line_of = _one("lines")
position_of = _one("positions")
order_of = _one("orders")
dying_of = _one("dying")
all_dying = whole("dying", _REACHED["dying"])
recent_of = _one("recent")
all_recent = whole("recent", _REACHED["recent"])
fill_at = _one("fills")
trade_at = _one("trades")
intent_at = _one("intents")
notice_at = _one("notices")
market_bar = one("row", BAR)
all_links = whole("links", _REACHED["links"])

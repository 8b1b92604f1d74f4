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
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numba.np.numpy_support import carray
from numpy.typing import NDArray

from trading.engine.records import (
    ACCOUNT,
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

#: An address and a length for each array; `n` is the number of lines.
HANDLE = np.dtype([("n", "i8"), *((f"{name}_{part}", "i8") for name in _REACHED for part in ("at", "count"))])


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


def _one(name: str) -> Callable[[Any, int], Any]:
    """Make the function that gives one record behind a handle."""
    dtype, at, count = _REACHED[name], f"{name}_at", f"{name}_count"

    def reach(handle: Any, i: int) -> Any:
        return _view(handle, name, dtype)[i]

    @overload(reach)
    def _compiled(handle: Any, i: Any) -> Any:
        def element(handle: Any, i: Any) -> Any:
            return carray(_pointer(handle[at]), (handle[count],), dtype)[i]

        return element

    return reach


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


def by_address(dtype: np.dtype[Any]) -> Callable[[int], Any]:
    """Make the function that gives the record at an address."""

    def reach(address: int) -> Any:
        buffer: Any = (ctypes.c_char * dtype.itemsize).from_address(address)
        return np.frombuffer(buffer, dtype, 1)[0]

    @overload(reach)
    def _compiled(address: Any) -> Any:
        def only(address: Any) -> Any:
            return carray(_pointer(address), (1,), dtype)[0]

        return only

    return reach


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
all_links = whole("links", _REACHED["links"])

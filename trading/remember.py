"""Columns computed once for many parameter sets: whoever runs a sweep opens a memory, whoever computes asks it.

Outside of a memory nothing is kept: a single backtest computes as if this file were not there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = tuple[NDArray[np.float64], ...]

#: Bytes that a memory holds before it forgets what was used longest ago.
MOST_BYTES = 96 * 2**20


class Memory:
    """Columns by key; safe to share between threads. What it gives is shared: nobody writes into it."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._known: OrderedDict[Hashable, tuple[Columns, Any]] = OrderedDict()
        self._most_bytes, self._bytes, self._lock = most_bytes, 0, Lock()

    def get(self, key: Hashable, compute: Callable[[], Columns], *, alive: Any) -> Columns:
        """Give the columns of a key, computed when they are not known.

        Args:
            alive: kept as long as the columns, so that identities in the key are not given to another object.
        """
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key][0]
        found = compute()
        with self._lock:
            if key not in self._known:
                self._known[key] = (found, alive)
                self._bytes += sum(one.nbytes for one in found)
            while self._bytes > self._most_bytes and len(self._known) > 1:
                _, (dropped, _) = self._known.popitem(last=False)
                self._bytes -= sum(one.nbytes for one in dropped)
        return found


_MEMORY: ContextVar[Memory | None] = ContextVar("columns_memory", default=None)


@contextmanager
def remembering(memory: Memory) -> Iterator[None]:
    """Keep what is computed inside, in this thread."""
    token = _MEMORY.set(memory)
    try:
        yield
    finally:
        _MEMORY.reset(token)


def remembered(source: object, market: Any, compute: Callable[[], Columns]) -> Columns:
    """Give what a source computes over a market, from the open memory where it holds it.

    Args:
        source: told apart by its class and its attributes; one that cannot be told apart is computed anew.
        market: a MarketView; told apart by the candles and series that it holds.
    """
    memory = _MEMORY.get()
    if memory is None:
        return compute()
    key = (
        type(source),
        tuple(sorted(vars(source).items())) if hasattr(source, "__dict__") else id(source),
        id(market.candles),
        tuple((name, id(one)) for name, one in market.others.items()),
        tuple((name, id(one)) for name, one in market.series.items()),
    )
    try:
        hash(key)
    except TypeError:
        return compute()
    return memory.get(key, compute, alive=(source, market))

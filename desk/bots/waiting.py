"""Bars between the feed and an account, a bounded number of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from desk.ports import ClosedBars

#: Bars of one transaction, when they come faster than commits.
BATCH_BARS = 32
#: Bars that the feed may be ahead.
_AHEAD_BARS = 64


class Waiting:
    """Bars that were read and are not taken yet."""

    def __init__(self, wake: asyncio.Event) -> None:
        self._wake = wake
        self._space = asyncio.Event()
        self._bars: deque[ClosedBars] = deque()

    def __len__(self) -> int:
        return len(self._bars)

    async def read(self, bars: AsyncIterator[ClosedBars]) -> None:
        """Take bars from the feed while there is room."""
        async for group in bars:
            while len(self._bars) >= _AHEAD_BARS:
                self._space.clear()
                await self._space.wait()
            self._bars.append(group)
            self._wake.set()

    def take(self, most: int = BATCH_BARS) -> list[ClosedBars]:
        """Give the bars that wait, up to a batch."""
        batch = [self._bars.popleft() for _ in range(min(most, len(self._bars)))]
        self._space.set()
        return batch

"""Hands: processes for heavy jobs, started fresh, ended when a job must end, and a warm one ready where they die."""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections.abc import Callable
from typing import Any

import structlog

from desk.ending import ended
from trading.errors import RequestProblem
from workers.hand import Result, unpacked

log = structlog.get_logger(__name__)

#: Memory that one job may have; private memory, code and caches do not count.
MEMORY_BYTES = 4 * 1024**3

#: Jobs after which a process is replaced: whatever a library leaks is given back.
RECYCLE_AFTER = 500

#: Low priority from the first line on: imports are most of what a start costs.
_START = (
    "import os, sys; getattr(os, 'nice', abs)({nice}); sys.path[:0] = {path!r}; "
    "from workers.hand import main; main({limit})"
)

#: What a hand leaves to the house, which trades.
_NICE = 10


class HandDied(Exception):
    """The process ended in the middle of a job."""


class JobFailed(Exception):
    """The job's own code failed; trying again may help."""


class JobRefused(RequestProblem):
    """The job cannot be done as it was asked for; trying again would not help."""


class Hand:
    """One process, one job at a time."""

    def __init__(self, *, memory_bytes: int = MEMORY_BYTES, recycle_after: int = RECYCLE_AFTER) -> None:
        self._memory_bytes = memory_bytes
        self._recycle_after = recycle_after
        self._process: asyncio.subprocess.Process | None = None
        self._done = 0

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return None if self._process is None else self._process.pid

    async def work(self, function: str, payload: Any, tell: Callable[[str, float, float], None]) -> Result:
        """Do a job.

        Args:
            function: "module:name" of what does it, called as name(payload, tell).

        Raises:
            HandDied, JobFailed, JobRefused: what came of it instead.
        """
        process = await self._running()
        assert process.stdin is not None, "the process was started with a pipe"
        assert process.stdout is not None, "the process was started with a pipe"
        body = pickle.dumps((function, payload), protocol=5)
        try:
            process.stdin.write(len(body).to_bytes(8, "big"))
            process.stdin.write(body)
            await process.stdin.drain()
            while True:
                length = int.from_bytes(await process.stdout.readexactly(8), "big")
                (kind, *rest), files = unpacked(await process.stdout.readexactly(length))
                if kind != "progress":
                    break
                tell(*rest)
        except (OSError, asyncio.IncompleteReadError) as problem:
            await self.end()
            raise HandDied("The process that worked on it died.") from problem
        except BaseException:
            # An answer that nobody reads would be taken for the next job's.
            await self.end()
            raise
        self._done += 1
        if self._done >= self._recycle_after:
            await self.end()
        if kind == "refused":
            raise JobRefused(rest[0])
        if kind == "failed":
            raise JobFailed(rest[0])
        return Result(values=rest[0], files=files)

    async def end(self) -> None:
        """End the process, also in the middle of a job."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()
        # The pipe's transport would otherwise warn when the loop is already gone.
        transport = getattr(process, "_transport", None)
        if transport is not None:
            transport.close()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is not None:
            await self.end()
        if self._process is None:
            self._done = 0
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                _START.format(path=[one for one in sys.path if one], limit=self._memory_bytes, nice=_NICE),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                # A Ctrl-C in the terminal is for the house, which then ends this process in order.
                start_new_session=True,
            )
        return self._process


class Hands:
    """Hands lent one at a time.

    From the first one that ended, or that a long job keeps, a spare is there: started, with the code of the last job
    loaded. So the death of a hand costs the next job nothing, and before that the spare costs no memory.

    Args:
        count: of hands that are kept when nothing is done, but for the spare.
    """

    def __init__(self, count: int, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self.count = count
        self._memory_bytes = memory_bytes
        self._all: set[Hand] = set()
        self._free: list[Hand] = []
        self._spare: asyncio.Task[Hand] | None = None
        self._keeps_spare = False
        self._is_ended = False
        self._function = ""

    async def take(self, function: str) -> Hand:
        """Give a hand for a job of "module:name"; give it back with `give`."""
        self._function = function
        if self._free:
            hand = self._free.pop()
        elif self._spare is not None:
            spare, self._spare = self._spare, None
            hand = await spare
        else:
            hand = self._new()
        self._look_for_spare()
        return hand

    async def give(self, hand: Hand) -> None:
        """Give a hand back."""
        if hand.pid is None:
            self._all.discard(hand)
            self.keep_spare()
            return
        self._free.append(hand)
        while len(self._free) > self.count:
            await self._drop(self._free.pop(0))

    def keep_spare(self) -> None:
        """Have a spare from now on: hands end here, or are kept for long."""
        self._keeps_spare = True
        self._look_for_spare()

    async def end(self) -> None:
        """End them all."""
        self._is_ended = True
        if self._spare is not None:
            await ended(self._spare)
        for one in tuple(self._all):
            await self._drop(one)

    def _look_for_spare(self) -> None:
        if self._keeps_spare and not (self._free or self._spare or self._is_ended):
            self._spare = asyncio.create_task(self._warmed(self._function), name="spare hand")

    async def _warmed(self, function: str) -> Hand:
        hand = self._new()
        try:
            await hand.work("workers.hand:load", function, lambda *_: None)
        except (HandDied, JobFailed, OSError) as problem:
            # It starts by itself, or fails by itself, when it is given a job.
            log.warning("spare_hand_failed", problem=str(problem))
        return hand

    def _new(self) -> Hand:
        hand = Hand(memory_bytes=self._memory_bytes)
        self._all.add(hand)
        return hand

    async def _drop(self, hand: Hand) -> None:
        self._all.discard(hand)
        await hand.end()

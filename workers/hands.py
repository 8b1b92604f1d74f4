"""Hands: processes for heavy jobs, started fresh, ended when a job must end, replaced when they die."""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections.abc import Callable
from typing import Any

from trading.errors import RequestProblem
from workers.hand import Result, unpacked

#: Memory that one job may have; private memory, code and caches do not count.
MEMORY_BYTES = 4 * 1024**3

#: Jobs after which a process is replaced: whatever a library leaks is given back.
RECYCLE_AFTER = 500

_START = "import sys; sys.path[:0] = {path!r}; from workers.hand import main; main({limit})"


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
                _START.format(path=[one for one in sys.path if one], limit=self._memory_bytes),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                # A Ctrl-C in the terminal is for the house, which then ends this process in order.
                start_new_session=True,
            )
        return self._process


class Hands:
    """A fixed number of hands, lent one at a time."""

    def __init__(self, count: int, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self._all = [Hand(memory_bytes=memory_bytes) for _ in range(count)]
        self._free: asyncio.LifoQueue[Hand] = asyncio.LifoQueue()
        for one in self._all:
            self._free.put_nowait(one)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._all)

    async def take(self) -> Hand:
        """Wait for a free hand; give it back with `give`."""
        return await self._free.get()

    def give(self, hand: Hand) -> None:
        """Give a hand back."""
        self._free.put_nowait(hand)

    async def end(self) -> None:
        """End them all."""
        for one in self._all:
            await one.end()

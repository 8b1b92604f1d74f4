"""The painter: pictures drawn in a process of their own, one at a time, within a time limit.

A process of its own keeps matplotlib (100 MB, a second of CPU) out of the event loop; it is started fresh, never
forked, because a fork would copy a loop with its threads (ADR 0081).
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import structlog

from desk.charts.worker import MAX_FRAME, frame

log = structlog.get_logger(__name__)

#: A picture that takes longer is given up, and its process with it.
TIME_LIMIT_S = 10.0
#: Pictures drawn before the process is replaced: whatever a library leaks is given back.
RECYCLE_AFTER = 200
#: Pictures remembered by content.
REMEMBERED = 64

_START = "import sys; sys.path[:0] = {path!r}; from desk.charts.worker import main; main()"


def _as_list(value: Any) -> Any:
    """Give an array that the encoder does not take as it lies in memory (a column of a table) as a list."""
    if isinstance(value, np.ndarray | tuple):
        return list(value) if isinstance(value, tuple) else value.tolist()
    raise TypeError(f"{type(value).__name__} is no plain value")


class ProcessPainter:
    """Draws pictures away from the event loop.

    Args:
        cache_dir: where matplotlib may keep its font list; None leaves that to matplotlib.
    """

    def __init__(
        self,
        *,
        time_limit_s: float = TIME_LIMIT_S,
        recycle_after: int = RECYCLE_AFTER,
        cache_dir: Path | None = None,
    ) -> None:
        self._time_limit_s = time_limit_s
        self._recycle_after = recycle_after
        self._cache_dir = cache_dir
        self._process: asyncio.subprocess.Process | None = None
        self._drawn = 0
        self._is_closed = False
        self._turn = asyncio.Lock()
        self._remembered: OrderedDict[bytes, bytes] = OrderedDict()

    async def draw(self, kind: str, spec: Mapping[str, Any]) -> bytes | None:
        """Give a PNG; None when it could not be drawn in time, or at all."""
        try:
            body = orjson.dumps(
                {"kind": kind, "spec": spec},
                default=_as_list,
                option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_SORT_KEYS,
            )
        except TypeError as problem:
            log.warning("picture_failed", kind=kind, reason=str(problem))
            return None
        key = hashlib.sha256(body).digest()
        if (known := self._recall(key)) is not None:
            return known
        async with self._turn:
            # Somebody may have drawn the same while we waited.
            if (known := self._recall(key)) is not None:
                return known
            if self._is_closed or len(body) > MAX_FRAME:
                return None
            try:
                async with asyncio.timeout(self._time_limit_s):
                    answer = await self._ask(body)
            except (TimeoutError, OSError, asyncio.IncompleteReadError) as problem:
                log.warning("picture_failed", kind=kind, reason=type(problem).__name__)
                await self._end()
                return None
            except asyncio.CancelledError:
                # An answer that nobody reads would be taken for the next picture's.
                await self._end()
                raise
            if answer[:1] != b"P":
                log.warning("picture_failed", kind=kind, reason=answer[1:].decode(errors="replace"))
                return None
            picture = answer[1:]
            self._remember(key, picture)
            await self._recycle()
            return picture

    async def close(self) -> None:
        """End the process; later pictures are None."""
        self._is_closed = True
        async with self._turn:
            await self._end()

    async def _ask(self, body: bytes) -> bytes:
        process = await self._running()
        assert process.stdin is not None, "the process was started with a pipe"
        assert process.stdout is not None, "the process was started with a pipe"
        process.stdin.write(frame(body))
        await process.stdin.drain()
        length = int.from_bytes(await process.stdout.readexactly(4), "big")
        if length > MAX_FRAME:
            raise OSError(f"a picture of {length} bytes was announced")
        return await process.stdout.readexactly(length)

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._drawn = 0
            environment = {"PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}
            if self._cache_dir is not None:
                environment["MPLCONFIGDIR"] = str(self._cache_dir)
            program = "import os; os.environ.update({environment!r}); " + _START
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                program.format(environment=environment, path=[one for one in sys.path if one]),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=MAX_FRAME,
                # A Ctrl-C in the terminal is for the house, which then ends this process in order.
                start_new_session=True,
            )
        return self._process

    async def _recycle(self) -> None:
        self._drawn += 1
        if self._drawn >= self._recycle_after:
            await self._end()

    async def _end(self) -> None:
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

    def _recall(self, key: bytes) -> bytes | None:
        if key in self._remembered:
            self._remembered.move_to_end(key)
        return self._remembered.get(key)

    def _remember(self, key: bytes, picture: bytes) -> None:
        self._remembered[key] = picture
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

"""The process that does heavy jobs, one at a time: it reads a job from its input, works, and writes what came of it.

It knows no store, no network and no house: everything that it needs comes with the job. When whoever started it is
gone, it ends at once, also in the middle of a job.
"""

from __future__ import annotations

import importlib
import os
import pickle
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, BinaryIO

import orjson

#: Between two words about progress, so that a fast loop does not drown the pipe.
_QUIET_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a job gives.

    Attributes:
        values: for the job's row; decimals become text, arrays lists, NaN null.
        files: name → (media type, contents).
    """

    values: dict[str, Any]
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)


#: Told (bar, done, total).
Tell = Callable[[str, float, float], None]


def write_frame(stream: BinaryIO, body: bytes) -> None:
    """Write eight bytes of length, then the body."""
    stream.write(len(body).to_bytes(8, "big") + body)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes:
    """Read one frame; empty at the end of the stream."""
    head = stream.read(8)
    if len(head) < 8:
        return b""
    return stream.read(int.from_bytes(head, "big"))


def packed(head: Sequence[Any], files: Mapping[str, tuple[str, bytes]] | None = None) -> bytes:
    """Give an answer as data: four bytes of length, JSON, then the files' contents in order."""
    listed = [[name, media_type, len(data)] for name, (media_type, data) in (files or {}).items()]
    body = orjson.dumps([*head, listed], default=_plain, option=orjson.OPT_SERIALIZE_NUMPY)
    return len(body).to_bytes(4, "big") + body + b"".join(data for _, data in (files or {}).values())


def _plain(value: Any) -> Any:
    """Give decimals as text and any mapping as one of plain values."""
    return format(value, "f") if isinstance(value, Decimal) else dict(value)


def unpacked(body: bytes) -> tuple[list[Any], dict[str, tuple[str, bytes]]]:
    """Read an answer. It comes from a process that ran somebody's strategy, so it is read as data and nothing else."""
    at = 4 + int.from_bytes(body[:4], "big")
    *head, listed = orjson.loads(body[4:at])
    files: dict[str, tuple[str, bytes]] = {}
    for name, media_type, size in listed:
        files[name] = (media_type, body[at : at + size])
        at += size
    return head, files


def limit_memory(limit_bytes: int) -> None:
    """Let the machine refuse more memory than that: one greedy job must not take the house with it."""
    if not limit_bytes:
        return
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return
    resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))


def main(limit_bytes: int = 0) -> None:
    """Work until the input ends."""
    limit_memory(limit_bytes)
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What a strategy prints must not be taken for an answer.
    os.dup2(2, 1)
    waiting: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read, args=(incoming, waiting), daemon=True).start()
    lock = threading.Lock()
    while True:
        given = pickle.loads(waiting.get())  # noqa: S301 - our own parent's pipe
        answer = _answer(given, _teller(outgoing, lock))
        with lock:
            write_frame(outgoing, answer)


def load(function: str, tell: Tell) -> Result:
    """Import what a job of "module:name" needs, so that the next one does not wait for it."""
    importlib.import_module(function.partition(":")[0])
    return Result(values={})


def _read(incoming: BinaryIO, waiting: queue.Queue[bytes]) -> None:
    while frame := read_frame(incoming):
        waiting.put(frame)
    os._exit(0)


def _teller(outgoing: BinaryIO, lock: threading.Lock) -> Tell:
    said: dict[str, float] = {}

    def tell(bar: str, done: float, total: float) -> None:
        now = time.monotonic()
        if done < total and now - said.get(bar, 0.0) < _QUIET_S:
            return
        said[bar] = now
        with lock:
            write_frame(outgoing, packed(("progress", bar, float(done), float(total))))

    return tell


def _answer(given: tuple[str, Any], tell: Tell) -> bytes:
    from trading.errors import RequestProblem

    function, payload = given
    try:
        module, _, name = function.partition(":")
        work: Callable[[Any, Tell], Result] = getattr(importlib.import_module(module), name)
        done = work(payload, tell)
        return packed(("done", done.values), done.files)
    except RequestProblem as problem:
        return packed(("refused", " ".join(str(problem).split())))
    except MemoryError:
        return packed(("failed", "It needed more memory than a job may have."))
    except Exception as problem:  # noqa: BLE001 - whatever a strategy raises is told, not lost
        return packed(("failed", f"{type(problem).__name__}: {problem}"[:2_000]))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)

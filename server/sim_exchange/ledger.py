"""The witness: every request, order, fill and balance change on disk before the answer goes out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson


class Ledger:
    """An append-only file of JSON lines, synced to the disk line by line.

    Args:
        path: None keeps the lines in memory only.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._file: BinaryIO | None = None
        self._lines: list[dict[str, Any]] = []
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=0)
            os.fchmod(self._file.fileno(), 0o600)

    def write(self, kind: str, at_ms: int, **values: Any) -> None:
        """Append one line; it is on the disk when this returns."""
        line = {"kind": kind, "at_ms": at_ms, **values}
        if self._file is None:
            self._lines.append(line)
            return
        self._file.write(orjson.dumps(line) + b"\n")
        os.fdatasync(self._file.fileno())

    @property
    def lines(self) -> tuple[dict[str, Any], ...]:
        """What was written, where no file was named."""
        return tuple(self._lines)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def read_ledger(path: Path) -> Iterator[dict[str, Any]]:
    """Give the lines of a ledger, oldest first; half a line at the end is what a kill left and is passed over."""
    for raw in path.read_bytes().splitlines(keepends=True):
        if raw.endswith(b"\n"):
            yield orjson.loads(raw)

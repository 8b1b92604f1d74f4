"""The journal of a search: one line per trial, kept while it runs, so that it can be resumed after an interrupt."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from trading.backtest.trials import Trial, read_trials
from trading.errors import Conflict


class TrialJournal:
    """A file of trials. The first line says what was searched; another search does not continue it.

    Args:
        path: created with its folder when absent.
        subject: strategy, candles, costs, objective …: everything that decides what a trial gives.

    Raises:
        Conflict: the file holds the trials of another subject.
    """

    def __init__(self, path: Path, subject: Mapping[str, Any]) -> None:
        self._path = path
        self._head = json.dumps({"search": _fingerprint(subject), "subject": dict(subject)}, sort_keys=True)
        self._file: IO[str] | None = None
        self.known: tuple[Trial, ...] = ()

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        if lines and lines[0] != self._head:
            raise Conflict(
                f"{self._path.name} holds the trials of another search.",
                hint="Give another journal file, or the same strategy, candles and settings.",
            )
        self.known = read_trials(lines[1:])
        # Written anew without a torn last line, in one move.
        draft = self._path.with_suffix(self._path.suffix + ".new")
        draft.write_text(
            "".join(f"{line}\n" for line in (self._head, *(trial.as_line() for trial in self.known))),
            encoding="utf-8",
        )
        draft.replace(self._path)
        self._file = self._path.open("a", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    def record(self, trial: Trial) -> None:
        """Add a trial; it survives the end of this process at once."""
        if self._file is None:
            raise Conflict("The journal is not open.", hint="Use it in a with block.")
        self._file.write(trial.as_line() + "\n")
        self._file.flush()


def _fingerprint(subject: Mapping[str, Any]) -> str:
    text = json.dumps(dict(subject), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

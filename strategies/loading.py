"""Strategies from plain files: a folder is read, watched by content, and a broken file never takes the old one away."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from strategies.base import BaseStrategy
from trading.errors import StrategyFailure


class StrategyFolder:
    """A folder of strategy files. Names that begin with `_` are not read."""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise StrategyFailure(
                f"Strategy path '{path}' is not a folder.", hint="Name an existing folder of .py files."
            )
        self.path = path
        self.failures: dict[Path, StrategyFailure] = {}
        self._seen: dict[Path, tuple[int, int, str]] = {}

    def changed(self) -> Iterator[tuple[Path, tuple[type[BaseStrategy], ...]]]:
        """Give the classes of every file that is new or whose content changed; failures are kept beside."""
        for file in sorted(self.path.glob("*.py")):
            if file.name.startswith("_") or not self._is_changed(file):
                continue
            try:
                classes = load_file(file)
            except StrategyFailure as failure:
                self.failures[file] = failure
                continue
            self.failures.pop(file, None)
            yield file, classes

    def removed(self) -> tuple[Path, ...]:
        """Give files that were read and are gone, once."""
        gone = tuple(file for file in self._seen if not file.exists())
        for file in gone:
            del self._seen[file]
            self.failures.pop(file, None)
        return gone

    def _is_changed(self, file: Path) -> bool:
        stat = file.stat()
        before = self._seen.get(file)
        # The hash decides; time and size only spare the reading.
        if before is not None and before[:2] == (stat.st_mtime_ns, stat.st_size):
            return False
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        self._seen[file] = (stat.st_mtime_ns, stat.st_size, digest)
        return before is None or before[2] != digest


def load_file(file: Path) -> tuple[type[BaseStrategy], ...]:
    """Run a file and give the concrete strategies it defines.

    Raises:
        StrategyFailure: it does not run, or it defines none; the message names line and reason.
    """
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    module_name = f"breakwater_strategy_{file.stem}_{digest}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise StrategyFailure(f"Strategy file '{file.name}' cannot be read as Python.")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickles look a module up by name while it is being run.
    sys.modules[module_name] = module
    try:
        # Compiled from source here: a cached .pyc of the same second would hide an edit.
        code = compile(file.read_bytes(), str(file), "exec")
        exec(code, module.__dict__)  # noqa: S102 - running the owner's strategy file is the point
    except Exception as cause:
        sys.modules.pop(module_name, None)
        raise StrategyFailure(
            f"Strategy file '{file.name}' failed{_line(cause, file)}: {type(cause).__name__}: {cause}.",
            hint="The version loaded before stays in use.",
        ) from cause
    classes = tuple(
        found
        for found in vars(module).values()
        if inspect.isclass(found)
        and issubclass(found, BaseStrategy)
        and found.__module__ == module_name
        and not inspect.isabstract(found)
    )
    if not classes:
        raise StrategyFailure(
            f"Strategy file '{file.name}' defines no strategy; one class with columns() or plan() is needed."
        )
    return classes


def _line(cause: BaseException, file: Path) -> str:
    if isinstance(cause, SyntaxError):
        return f" in line {cause.lineno}"
    line = None
    trace = cause.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" in line {line}" if line else ""

"""What the command line prints: tables for people, one JSON document for programs, problems on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from trading.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


def problem(message: str) -> None:
    """Say on stderr what went wrong, on one line."""
    print(f"breakwater: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201 - this is the program's mouth


def note(message: str) -> None:
    """Say something on stderr that is not part of the answer."""
    print(message, file=sys.stderr)  # noqa: T201 - this is the program's mouth


def emit_json(document: Any) -> None:
    """Print one JSON document, and nothing else, on stdout. NaN and infinity become null."""
    sys.stdout.write(as_json(document) + "\n")
    sys.stdout.flush()


def as_json(document: Any) -> str:
    """Give JSON text: decimals as strings, numpy arrays as lists, NaN and infinity as null."""
    return orjson.dumps(
        document, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z
    ).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def console() -> Console:
    """Give the terminal for people."""
    from rich.console import Console

    return Console(highlight=False)


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()
) -> None:
    """Print a table; `right` names the columns that hold numbers."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    grid = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    numbers = set(right)
    for i, name in enumerate(columns):
        grid.add_column(name, justify="right" if i in numbers else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(one) for one in row))
    console().print(grid)


def entry(name: str, text: str) -> None:
    """Print something of a list, and what it is under it."""
    from rich.padding import Padding
    from rich.text import Text

    console().print(Padding(Text(name), (0, 0, 0, 2), expand=False))
    console().print(Padding(Text(text), (0, 0, 0, 6), expand=False))


def fitting(columns: Sequence[str], rows: Sequence[Sequence[str]], *, spare: Sequence[str]) -> list[int]:
    """Give which columns fit beside each other; those in `spare` go first, in that order, where the screen is narrow."""
    widths = {name: max(len(name), *(len(row[i]) for row in rows)) for i, name in enumerate(columns)}
    left = console().width
    for name in spare:
        # Two spaces and a rule between columns, one at each edge.
        if sum(widths.values()) + 3 * len(widths) <= left:
            break
        del widths[name]
    return [i for i, name in enumerate(columns) if name in widths]


def figures(
    title: str, values: Mapping[str, Any], reasons: Mapping[str, str], *, is_share: bool = False
) -> None:
    """Print named figures with what they are; one that is undefined shows its reason.

    Args:
        is_share: money is meant as a share of the capital, as where windows are chained.
    """
    from desk.reports.figures import WORDED, shown
    from trading.backtest.metrics import REASONS

    rows = []
    for name, value in values.items():
        words, kind = WORDED[name]
        text, _, unit = shown(value, "percent" if is_share and kind == "money" else kind).partition(" ")
        code = reasons.get(name, "")
        rows.append((name, text, unit, REASONS.get(code, code) if value is None else words))
    table(title, ("figure", "value", "", ""), rows, right=(1,))


def figure(values: Mapping[str, Any] | None, name: str) -> str:
    """Give one of the figures by its name, for people's eyes."""
    from desk.reports.figures import WORDED, shown

    return shown((values or {}).get(name), WORDED[name][1])


def progress() -> AbstractContextManager[Progress]:
    """Give a progress bar on stderr with rate and remaining time; it shows nothing where nobody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    terminal = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=terminal,
        transient=True,
        disable=not terminal.is_terminal,
    )


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all.

    Raises:
        InvalidInput: the folder does not exist or cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as failed:
        raise InvalidInput(
            f"'{path}' cannot be written: {failed.strerror}.",
            hint="Name a file in a folder that exists and is yours.",
        ) from failed

"""`sentiment`: how texts sound to traders."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from server.cli import output
from server.cli.options import AsJson
from trading.errors import InvalidInput

sentiment = typer.Typer(help="How texts sound to traders.", no_args_is_help=True)

#: Texts of a file that are scored, and characters of one, at most.
_MOST_TEXTS = 1_000_000
_LONGEST = 1_000_000


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.add_typer(sentiment, name="sentiment")


@sentiment.callback()
def group() -> None:
    """How texts sound to traders."""


@sentiment.command("score")
def score(
    text: Annotated[
        str,
        typer.Argument(help="A text, or a file: one text a line, or a CSV with a column 'text' (.gz too)."),
    ],
    model: Annotated[
        str,
        typer.Option(
            help="Folder with model.onnx and tokenizer.json, or a model of Hugging Face with an ONNX file; "
            "default: BREAKWATER_SENTIMENT_MODEL, else the one that comes along."
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Score a text, or each text of a file. Gives -1 bearish, 0 neutral or 1 bullish, and a score from -1 to 1."""
    from desk.predictors import sentiment_model
    from server.cli.house import settings

    path = Path(text)
    texts = list(_texts(path)) if _is_file(text) else [text]
    scorer = sentiment_model(model or settings().sentiment_model)
    found = []
    for one in texts:
        # A line without words keeps its place.
        said = scorer.score(one) if scorer.has_words(one) else None
        found.append(
            {
                "text": one,
                "label": 0 if said is None else said.label,
                "score": 0.0 if said is None else round(said.score, 6),
            }
        )
    if as_json:
        output.emit_json({"model": scorer.name, "texts": found})
        return
    names = {-1: "bearish", 0: "neutral", 1: "bullish"}
    output.table(
        "Sentiment",
        ("text", "sounds", "score"),
        [(str(one["text"]), names[int(str(one["label"]))], f"{one['score']:+.2f}") for one in found],
        right=(2,),
    )


def _is_file(text: str) -> bool:
    """Tell whether the argument names a file; a long headline is no name that a system would take."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _texts(path: Path) -> Iterator[str]:
    """Give the texts of a file.

    Raises:
        InvalidInput: not text, too many or too long ones, or a CSV without the column.
    """
    is_packed = path.suffix.lower() == ".gz"
    is_csv = (path.with_suffix("") if is_packed else path).suffix.lower() == ".csv"
    try:
        with _opened(path, is_packed) as stream:
            for number, one in enumerate(_of_csv(path, stream) if is_csv else _of_lines(path, stream)):
                if number >= _MOST_TEXTS:
                    raise InvalidInput(
                        f"'{path}' has more than {_MOST_TEXTS} texts; cut it into several files."
                    )
                yield one
    except UnicodeDecodeError as problem:
        raise InvalidInput(f"'{path}' is not UTF-8 text: {problem.reason}.") from problem
    except (csv.Error, OSError, EOFError) as problem:
        raise InvalidInput(f"'{path}' cannot be read: {problem}.") from problem


def _opened(path: Path, is_packed: bool) -> IO[str]:
    if is_packed:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _of_lines(path: Path, stream: IO[str]) -> Iterator[str]:
    while line := stream.readline(_LONGEST + 1):
        if len(line) > _LONGEST:
            raise InvalidInput(
                f"'{path}' has a line of more than {_LONGEST} characters; one text a line is allowed."
            )
        yield line.rstrip("\r\n")


def _of_csv(path: Path, stream: IO[str]) -> Iterator[str]:
    rows: csv.DictReader[Any] = csv.DictReader(stream)
    if "text" not in (rows.fieldnames or ()):
        raise InvalidInput(
            f"'{path}' has the columns {', '.join(rows.fieldnames or ()) or 'none'}; one called text is needed."
        )
    for row in rows:
        yield row["text"] or ""

"""The words, numbers and dates inside a picture, in the reader's language. A spec brings the words; English is built in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

#: Every word that a picture may hold. `group`, `point` and `months` are how numbers and dates are written.
ENGLISH: Mapping[str, str] = {
    "group": ",",
    "point": ".",
    "percent": " %",
    "months": "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec",
    "volume": "volume",
    "entry": "entry",
    "stop": "stop",
    "first_stop": "first stop",
    "stop_moved": "stop as it moved",
    "alternate": "alternate: {name}",
    "count": "count",
    "equity": "equity",
    "holding": "holding",
    "deepest": "drawdown, deepest {depth} on {day}",
    "sum": "sum",
    "total": "total",
    "others": "others",
    "live": "live",
    "replay": "replayed",
    "difference": "difference",
    "reached": "reached",
    "linked": "linked from {threshold} up",
    "before": "before",
    "after": "after",
    "best": "best so far",
    "trial": "trial",
}

_GAP = re.compile(r"\{([a-z]+)\}")
_SPOKEN: ContextVar[Mapping[str, str]] = ContextVar("picture_words", default=ENGLISH)


@contextmanager
def speaking(words: Mapping[str, str]) -> Iterator[None]:
    """Draw in the language of some words; what is missing stays English."""
    token = _SPOKEN.set({**ENGLISH, **words})
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def word(name: str, /, **gaps: str) -> str:
    """Give a word in the language of the picture; what is put into a gap is never read for gaps again."""
    return _GAP.sub(lambda found: gaps.get(found.group(1), "?"), _SPOKEN.get()[name])


def month(number: int) -> str:
    """Give the short name of a month, 1 to 12."""
    names = _SPOKEN.get()["months"].split("|")
    return names[number - 1] if len(names) == 12 else ENGLISH["months"].split("|")[number - 1]


def numeral(written: str) -> str:
    """Give a number that was written the English way as the language writes it."""
    spoken = _SPOKEN.get()
    return (
        written.translate(str.maketrans(",.", "\0\1"))
        .replace("\0", spoken["group"])
        .replace("\1", spoken["point"])
    )

"""Labelled texts: read, cleaned, grouped by likeness, and split so that no likeness crosses the split."""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from desk.predictors import clean
from trading.errors import InvalidInput

#: Texts this alike count as the same; measured on character n-grams.
ALIKE = 0.8

#: Shares of the licensed texts, by group.
_VALID_SHARE, _TEST_SHARE = 0.1, 0.15

_GRAMS = (3, 4, 5)
_COLUMNS = 1 << 18
_BLOCK = 1024


class Split(StrEnum):
    """What a text is for."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"
    FOREIGN = "foreign"  # without a licence: for judging only, never trained on


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledText:
    """A text that a person labelled.

    Attributes:
        label: -1 bearish, 0 neutral, 1 bullish.
        date: ISO, empty where the source has none.
    """

    source: str
    text: str
    label: int
    date: str = ""


def read_labelled(path: Path) -> list[LabelledText]:
    """Read a CSV (plain or gzip) with the columns source, text, label, date.

    Raises:
        InvalidInput: a column is missing, or a label is not -1, 0 or 1.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        if not {"source", "text", "label"} <= set(rows.fieldnames or ()):
            raise InvalidInput(
                f"'{path.name}' has the columns {', '.join(rows.fieldnames or ())}; source, text and label are needed."
            )
        found: list[LabelledText] = []
        for number, row in enumerate(rows, start=2):
            if row["label"] not in {"-1", "0", "1"}:
                raise InvalidInput(
                    f"Row {number} of '{path.name}' has the label '{row['label']}'; -1, 0 or 1 is allowed."
                )
            if text := clean(row["text"]):
                found.append(
                    LabelledText(
                        source=row["source"], text=text, label=int(row["label"]), date=row.get("date") or ""
                    )
                )
    return found


def groups(texts: Sequence[str]) -> NDArray[np.int64]:
    """Give each text the number of its group: texts that are alike, directly or by way of others, share one."""
    matrix = _grams(texts)
    leader = np.arange(len(texts), dtype=np.int64)

    def root(at: int) -> int:
        while leader[at] != at:
            leader[at] = leader[leader[at]]
            at = int(leader[at])
        return at

    for start in range(0, len(texts), _BLOCK):
        alike = (matrix[start : start + _BLOCK] @ matrix.T).tocoo()
        close = alike.data >= ALIKE
        for row, column in zip(alike.row[close] + start, alike.col[close], strict=True):
            if column < row:
                one, other = root(int(row)), root(int(column))
                leader[max(one, other)] = min(one, other)
    return np.array([root(at) for at in range(len(texts))], dtype=np.int64)


def split(texts: Sequence[LabelledText], licensed: Iterable[str]) -> list[Split]:
    """Split by source first, then by the hash of each group of like texts.

    A group in which a foreign text lies is not trained on at all: it would be seen in judging.
    """
    allowed = set(licensed)
    found = groups([one.text for one in texts])
    has_foreign = {int(group) for group, one in zip(found, texts, strict=True) if one.source not in allowed}
    given: list[Split] = []
    for group, one in zip(found, texts, strict=True):
        if one.source not in allowed:
            given.append(Split.FOREIGN)
        elif int(group) in has_foreign:
            given.append(Split.TEST)
        else:
            given.append(_of_hash(texts[int(group)].text))
    return given


def in_test_share(text: str) -> bool:
    """Tell whether a text would be a test text if its source were a licensed one.

    So a table over all sources can give each the same share, instead of counting a foreign one six times.
    """
    return _of_hash(text) is Split.TEST


def _of_hash(text: str) -> Split:
    share = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
    if share < _TEST_SHARE:
        return Split.TEST
    return Split.VALID if share < _TEST_SHARE + _VALID_SHARE else Split.TRAIN


def _grams(texts: Sequence[str]) -> Any:
    """Give character n-grams, weighted by rarity, one row of length one per text."""
    rows: list[int] = []
    columns: list[int] = []
    for at, text in enumerate(texts):
        plain = f" {''.join(one for one in text.casefold() if one.isalnum() or one == ' ')} "
        for size in _GRAMS:
            for start in range(max(0, len(plain) - size + 1)):
                rows.append(at)
                columns.append(_column(plain[start : start + size]))
    counts: Any = sparse.csr_matrix(
        (np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=(len(texts), _COLUMNS)
    )
    seen = np.asarray((counts > 0).sum(axis=0)).ravel()
    rarity = np.log((1.0 + len(texts)) / (1.0 + seen)).astype(np.float32) + 1.0
    weighted = counts.multiply(rarity).tocsr()
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return sparse.diags(1.0 / np.maximum(length, 1e-12)) @ weighted


def _column(gram: str) -> int:
    return int.from_bytes(hashlib.blake2b(gram.encode(), digest_size=4).digest(), "big") % _COLUMNS

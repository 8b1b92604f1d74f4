"""Snapshots: an account's state as bytes that later versions can read. A snapshot only accelerates a start.

Layout: magic, length of a JSON header, header, then each array's bytes. The header names version, account, lines and
the fields of every record, so that a field added later reads as its starting value and a removed one is skipped.
"""

from __future__ import annotations

import json
import zlib
from functools import cache
from typing import Any

import numpy as np

from trading.engine.build import new_book
from trading.engine.config import AccountConfig
from trading.engine.records import Book
from trading.errors import InvalidInput

_MAGIC = b"BWSNAP"
#: Raised when old bytes can no longer be read by field names alone.
VERSION = 1

_PER_LINE = ("positions", "orders", "dying", "recent")


def save(book: Book, config: AccountConfig) -> bytes:
    """Give the state of an account as bytes."""
    arrays = {name: getattr(book, name) for name in ("account", *_PER_LINE)}
    body = b"".join(array.tobytes() for array in arrays.values()) + book.links.tobytes()
    header = {
        "version": VERSION,
        "account": config.account_id,
        "lines": [[line.bot_id, line.instrument.pair, str(line.instrument.step)] for line in config.lines],
        "fields": {name: _fields(array.dtype) for name, array in arrays.items()},
        "crc": zlib.crc32(body),
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    return _MAGIC + len(text).to_bytes(4, "big") + text + body


def load(book: Book, config: AccountConfig, data: bytes) -> None:
    """Write a snapshot's state into an account's records.

    Raises:
        InvalidInput: not a snapshot, damaged, of another account or version, or a line's step changed.
    """
    header, body = _header(data)
    if header["account"] != config.account_id:
        raise InvalidInput(
            f"The snapshot is of account '{header['account']}'; '{config.account_id}' is needed."
        )
    saved = [tuple(line) for line in header["lines"]]
    places = _places(saved, config)
    fresh = new_book(config)
    at = 0
    for name in ("account", *_PER_LINE):
        dtype = np.dtype([_field(item) for item in header["fields"][name]])
        count = 1 if name == "account" else len(saved)
        stored = np.frombuffer(body, dtype, count, at)
        at += stored.nbytes
        target = getattr(book, name)
        target[...] = getattr(fresh, name)
        for field in set(dtype.names or ()) & set(target.dtype.names):
            if name == "account":
                target[field] = stored[field]
            else:
                for source, place in places:
                    target[field][place] = stored[field][source]
    n = len(saved)
    links = np.frombuffer(body, np.uint8, 2 * n * n, at).reshape(2, n, n)
    book.links[...] = fresh.links
    for a, to_a in places:
        for b, to_b in places:
            book.links[:, to_a, to_b] = links[:, a, b]


def _header(data: bytes) -> tuple[dict[str, Any], bytes]:
    start = len(_MAGIC) + 4
    if data[: len(_MAGIC)] != _MAGIC or len(data) < start:
        raise InvalidInput("The bytes are not a snapshot of an account.")
    length = int.from_bytes(data[len(_MAGIC) : start], "big")
    try:
        header = json.loads(data[start : start + length])
    except ValueError as error:
        raise InvalidInput(
            "The snapshot's header cannot be read.", hint="Rebuild the state from the events."
        ) from error
    body = data[start + length :]
    if header.get("version") != VERSION:
        raise InvalidInput(f"The snapshot has version {header.get('version')}; {VERSION} is readable.")
    if zlib.crc32(body) != header["crc"]:
        raise InvalidInput("The snapshot is damaged.", hint="Rebuild the state from the events.")
    return header, body


def _places(saved: list[tuple[Any, ...]], config: AccountConfig) -> list[tuple[int, int]]:
    """Pair the saved lines with the configured ones by bot and pair; new lines start empty."""
    now = {
        (line.bot_id, line.instrument.pair): (i, str(line.instrument.step))
        for i, line in enumerate(config.lines)
    }
    places = []
    for source, (bot_id, pair, step) in enumerate(saved):
        if (bot_id, pair) not in now:
            continue
        place, step_now = now[(bot_id, pair)]
        if step != step_now:
            raise InvalidInput(
                f"{pair}: the snapshot counts lots of {step}, the instrument now has {step_now}.",
                hint="Rebuild the state from the events.",
            )
        places.append((source, place))
    return places


@cache
def _fields(dtype: np.dtype[Any]) -> list[list[Any]]:
    out: list[list[Any]] = []
    for name in dtype.names or ():
        kind = dtype[name]
        out.append([name, kind.base.str, list(kind.shape)])
    return out


def _field(item: list[Any]) -> tuple[str, str, tuple[int, ...]]:
    return item[0], item[1], tuple(item[2])

"""Opaque global ids and cursors."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import NewType
from uuid import UUID

from trading.errors import InvalidInput, NotFound

#: A place in a list or in the journal; opaque to clients.
Cursor = NewType("Cursor", str)

#: Types that `node(id:)` can find.
NODE_TYPES = frozenset(
    {
        "Workspace",
        "Member",
        "ApiToken",
        "Account",
        "Bot",
        "Order",
        "Position",
        "Trade",
        "Signal",
        "Alert",
        "Job",
    }
)


@lru_cache(maxsize=16_384)
def global_id(kind: str, own_id: str) -> str:
    """Give the id of an object as clients see it; empty stays empty."""
    return _pack(f"{kind}:{own_id}") if own_id else ""


def split_id(wanted: str) -> tuple[str, str]:
    """Give type and own id.

    Raises:
        NotFound: this was never an id of ours; the same answer as for an object that is not there.
    """
    kind, _, own_id = _unpack(wanted).partition(":")
    if not own_id or not _is_uuid(own_id):
        raise not_found(wanted)
    return kind, own_id


def own_id(kind: str, wanted: str) -> str:
    """Give the own id of an object of one type.

    Raises:
        NotFound: the id is of another type or malformed.
    """
    found, own = split_id(wanted)
    if found != kind:
        raise not_found(wanted)
    return own


def id_or_name(kind: str, wanted: str | None) -> str:
    """Give the own id of an object of one type, or its name as it was given; empty for nothing.

    Raises:
        NotFound: it is the id of something of another type.
    """
    if not wanted:
        return ""
    _, _, own = _unpack(wanted).partition(":")
    return own_id(kind, wanted) if _is_uuid(own) else wanted


def not_found(wanted: str) -> NotFound:
    """Say that nothing is there, in the same words whatever the cause."""
    shown = wanted if len(wanted) <= 120 else wanted[:117] + "..."
    return NotFound(
        f"Nothing was found under the id '{shown}'.", hint="Ids come from earlier answers of this API."
    )


def journal_cursor(sequence: int) -> Cursor:
    """Give the cursor of a place in the journal."""
    return Cursor(_pack(f"journal:{sequence}"))


def journal_sequence(cursor: str) -> int:
    """Give the place in the journal that a cursor names.

    Raises:
        InvalidInput: it is not a cursor of the journal.
    """
    kind, _, sequence = _unpack(cursor).partition(":")
    if kind != "journal" or not sequence.isdecimal() or len(sequence) > 18:
        raise InvalidInput(
            f"'{cursor[:120]}' is not a cursor of the journal.",
            hint="Take the `cursor` of an earlier event, or leave `after` out.",
        )
    return int(sequence)


def wave_cursor(bar_ms: int, place: int) -> Cursor:
    """Give the cursor of a fact of the wave engine: its bar, and its place among the facts of that bar."""
    return Cursor(_pack(f"wave:{bar_ms}:{place}"))


def wave_place(cursor: str) -> tuple[int, int]:
    """Give bar and place that a cursor names.

    Raises:
        InvalidInput: it is not a cursor of wave events.
    """
    kind, _, rest = _unpack(cursor).partition(":")
    bar, _, place = rest.partition(":")
    if kind != "wave" or not (bar.isdecimal() and place.isdecimal()) or len(rest) > 30:
        raise InvalidInput(
            f"'{cursor[:120]}' is not a cursor of wave events.",
            hint="Take the `cursor` of an earlier event, or leave `after` out.",
        )
    return int(bar), int(place)


def row_cursor(sort_key: str) -> Cursor:
    """Wrap the store's sort position."""
    return Cursor(_pack(f"row:{sort_key}"))


def row_position(cursor: str | None) -> str:
    """Give the store's sort position back; empty for none.

    Raises:
        InvalidInput: it is not a cursor of a list.
    """
    if not cursor:
        return ""
    kind, _, position = _unpack(cursor).partition(":")
    if kind != "row" or not position:
        raise InvalidInput(
            f"'{cursor[:120]}' is not a cursor of a list.", hint="Take `endCursor` of the page before."
        )
    return position


#: The alphabet of URLs, as `base64.urlsafe_b64encode` has it, without its second call.
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _pack(text: str) -> str:
    packed = binascii.b2a_base64(text.encode(), newline=False)
    return packed.translate(_URL_SAFE).decode().rstrip("=")


def _unpack(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return ""

"""What goes with a card and cannot be shown in a terminal: its picture and its file are written to a folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from chatops.cards import Card
from chatops.pictures import drawn
from chatops.room import Room


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """Where they lie; empty where there is none, or where it could not be drawn or written."""

    picture: str = ""
    file: str = ""


async def saved(room: Room, card: Card, folder: Path | None) -> Saved:
    """Write a card's picture and file, each under a name of its own content, so that nothing is written over."""
    if folder is None:
        return Saved()
    png = await drawn(card, room.painter) if card.chart is not None else None
    return Saved(
        picture=_written(folder, f"{card.chart.name}.png", png) if card.chart is not None and png else "",
        file=_written(folder, card.file.name, card.file.content) if card.file is not None else "",
    )


def _written(folder: Path, name: str, content: bytes) -> str:
    safe = Path(_safe(name))
    path = folder / f"{safe.stem[:80]}-{hashlib.sha256(content).hexdigest()[:8]}{safe.suffix[:10]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError:
        return ""
    return str(path)


def _safe(name: str) -> str:
    return "".join(one if one.isascii() and (one.isalnum() or one in "-_.") else "-" for one in name)

"""Words inside pictures in the reader's language; the door's renderer never touches a picture."""

from __future__ import annotations

from dataclasses import replace

from chatops.cards import Card
from chatops.texts.catalogue import LANGUAGES, catalogue

_ROOM = "picture."


def in_language(card: Card, language: str) -> Card:
    """Give a card whose picture is drawn in a language; the first language is built into the pictures."""
    if card.chart is None or language == LANGUAGES[0]:
        return card
    words = {
        code.removeprefix(_ROOM): text
        for code, text in catalogue(language).items()
        if code.startswith(_ROOM) and isinstance(text, str)
    }
    return replace(card, chart=replace(card.chart, spec={**card.chart.spec, "words": words}))

"""Words inside pictures in the reader's language; the door's renderer never touches a picture."""

from __future__ import annotations

from dataclasses import replace

from chatops.cards import Card, Chart
from chatops.texts.catalogue import LANGUAGES, catalogue
from desk.ports import Painter

_ROOM = "picture."


def in_language(card: Card, language: str) -> Card:
    """Give a card whose picture is drawn in a language."""
    if card.chart is None or language == LANGUAGES[0]:
        return card
    return replace(card, chart=spoken(card.chart, language))


async def drawn(card: Card, painter: Painter | None) -> bytes | None:
    """Give a card's picture as a PNG; None where there is none, or it could not be drawn."""
    if card.chart is None or card.chart.png is not None or painter is None:
        return card.chart.png if card.chart else None
    return await painter.draw(card.chart.kind, card.chart.spec)


def spoken(chart: Chart, language: str) -> Chart:
    """Give a picture with its words in a language; the first language is built into the pictures."""
    if language == LANGUAGES[0]:
        return chart
    words = {
        code.removeprefix(_ROOM): text
        for code, text in catalogue(language).items()
        if code.startswith(_ROOM) and isinstance(text, str)
    }
    return replace(chart, spec={**chart.spec, "words": words})

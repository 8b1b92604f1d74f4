"""What every card must keep to as embeds, whatever it holds; shared by the suite and the long proof."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import orjson

from chatops.cards import Card
from chatops.discord_bot.components import Labelled, rows_of
from chatops.discord_bot.rendering import sheets_of
from chatops.texts.speaker import Speaker, harmless
from tests.chatops.hostile import card_with
from tests.support.discord_markdown import read
from tests.support.discord_rules import check_message

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d"))


def messages_of(card: Card, speaker: Speaker) -> list[dict[str, Any]]:
    """Give a card as messages that Discord takes; refuses what it would refuse."""
    found = [
        {"embeds": [one.as_dict() for one in sheet.embeds], "allowed_mentions": {"parse": []}}
        for sheet in sheets_of(card, speaker)
    ]
    for one in found:
        check_message(one)
    return found


def squeezed(text: str) -> str:
    """Give a text without spaces and invisible marks: folding and padding are no loss."""
    return "".join(text.translate(_INVISIBLE).split())


def shown_text(messages: list[dict[str, Any]]) -> tuple[str, list[tuple[str, str]]]:
    """Give everything that a client shows of messages, squeezed, and the marks that it obeyed."""
    text, marks = "", []
    for embed in (one for message in messages for one in message["embeds"]):
        parts = [embed.get("title", ""), embed.get("description", "")]
        parts += [each[key] for each in embed.get("fields", ()) for key in ("name", "value")]
        for part in parts:
            seen = read(part)
            text += squeezed(seen.text)
            marks += seen.marks
        text += squeezed((embed.get("footer") or {}).get("text", ""))
    return text, marks


def check_as_embeds(text: str, language: str = "en") -> None:
    """Render a string: within the limits, nothing obeyed, nothing lost, no control character."""
    card, speaker = card_with(text), Speaker(language)
    messages = messages_of(card, speaker)
    seen, marks = shown_text(messages)
    shown = squeezed(harmless(text))

    assert all(name == "code" or inner == f"**{speaker.label('table', 'bots')}**" for name, inner in marks), (
        marks
    )
    # The title is cut at 128 letters; body, field, cells and note hold the whole.
    body = messages[0]["embeds"][0].get("description", "")
    assert shown in squeezed(read(body).text)
    fields = [one for message in messages for embed in message["embeds"] for one in embed.get("fields", ())]
    names = [squeezed(read(one["name"]).text) for one in fields]
    first = next(at for at, name in enumerate(names) if name == squeezed(speaker.label("field", "bot")))
    value = ""
    for at in range(first, len(fields)):
        if at > first and names[at]:
            break
        value += squeezed(read(fields[at]["value"]).text)
    assert value == shown
    # Cells are folded in columns, so their letters stand in order, with other columns between them.
    cells = squeezed("".join(inner for name, inner in marks if name == "code"))
    assert _holds_in_order(cells, shown)
    bad = [one for one in seen if unicodedata.category(one) in {"Cc", "Cs"}]
    assert bad == [], [hex(ord(one)) for one in bad]

    rows = rows_of([Labelled(button=card.buttons[0], label=harmless(text) or "x", token="t" * 22)], "Choose")
    check_message(
        {
            "content": "x",
            "components": [{"type": 1, "components": row} for row in rows],
            "allowed_mentions": {"parse": []},
        }
    )


def _holds_in_order(text: str, wanted: str) -> bool:
    at = 0
    for one in wanted:
        at = text.find(one, at) + 1
        if not at:
            return False
    return True


def masked(messages: list[dict[str, Any]]) -> str:
    """Give what messages show, without references and ids, which differ from house to house."""
    shown = [
        {key: value for key, value in sorted(embed.items()) if key not in {"type", "flags"}}
        for one in messages
        for embed in one["embeds"]
    ]
    text = (
        orjson.dumps(shown, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2).decode().replace("\\n", "\n")
    )
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{6}\b|\b(?:[A-Z2-9]{6}|[A-Z2-7]{26})\b", "#", text)


__all__ = ["check_as_embeds", "masked", "messages_of", "shown_text", "squeezed"]

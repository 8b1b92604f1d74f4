"""What Discord hands over, in the words of every door: a line that was said, or a button that was tapped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import discord

from chatops.book import Book
from chatops.discord_bot.components import read_id
from chatops.discord_bot.tree import line_of
from chatops.doors.heard import Heard, Person, Place

if TYPE_CHECKING:
    from chatops.discord_bot.client import DeskClient

PLATFORM = "discord"

#: The input of the form that asks for a confirmation's word.
WORD_INPUT = "word"


def person_of(interaction: discord.Interaction[DeskClient]) -> Person:
    """Give who did it; only the platform's id counts."""
    user = interaction.user
    return Person(
        platform=PLATFORM,
        user_id=str(user.id),
        name=user.name,
        language=interaction.locale.value.split("-")[0],
    )


def place_of(interaction: discord.Interaction[DeskClient]) -> Place:
    """Give where; a thread is a channel of its own, so that buttons are bound to it."""
    channel = interaction.channel
    parent = getattr(channel, "parent_id", None)
    return Place(
        platform=PLATFORM,
        chat_id=str(interaction.channel_id or ""),
        thread_id=str(interaction.channel_id) if parent is not None else "",
        is_private=interaction.guild_id is None,
    )


def heard_of(interaction: discord.Interaction[DeskClient], source: str, book: Book) -> Heard | None:
    """Give what was said or tapped; None for what we never offered."""
    data: Mapping[str, Any] = interaction.data or {}
    text, token, page, typed = "", "", 0, ""
    if interaction.type is discord.InteractionType.application_command:
        word = book.find(str(data.get("name", "")))
        text = line_of(word, data.get("options") or []) if word is not None else f"/{data.get('name', '')}"
    else:
        tapped = read_id(str(data.get("custom_id", "")))
        if tapped is not None and tapped.is_menu:
            tapped = read_id(str(next(iter(data.get("values") or []), "")))
        if tapped is None:
            return None
        token, page = tapped.token, tapped.page
        if interaction.type is discord.InteractionType.modal_submit:
            typed = _typed(data.get("components") or [])
    return Heard(
        source=source,
        message_id=str(interaction.id),
        person=person_of(interaction),
        place=place_of(interaction),
        text=text,
        token=token,
        page=page,
        typed=typed,
        shown_id=str(interaction.message.id) if interaction.message is not None else "",
    )


def _typed(components: Any) -> str:
    """Give the word of the form: its input lies in a row, or in a label."""
    for outer in components:
        for inner in (*outer.get("components", ()), outer.get("component") or {}):
            if inner.get("custom_id") == WORD_INPUT:
                return str(inner.get("value", ""))
    return ""

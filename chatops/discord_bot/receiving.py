"""What people do at Discord, taken in: acknowledged before anything else, then handed to the shared conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import discord
import structlog

from chatops.discord_bot.completion import offers
from chatops.discord_bot.components import form_id, read_id
from chatops.discord_bot.incoming import PLATFORM, WORD_INPUT, heard_of, person_of
from chatops.discord_bot.rendering import sheets_of
from chatops.doors.heard import Heard
from chatops.texts.speaker import Speaker
from trading.errors import StoreProblem

if TYPE_CHECKING:
    from chatops.discord_bot.client import DeskClient
    from chatops.doors.answering import Answering

log = structlog.get_logger(__name__)

#: What is offered while somebody types must come within 3 s; nothing is better than late.
OFFERS_S = 2.0
#: A message waits for a stalled database this long: as long as its answer can reach it.
PATIENCE_S = 14 * 60.0
#: Longest title of a form, and of what its input is called.
FORM_TEXT = 45

#: Words whose answer only the asker sees: they are about a person, not about the desk.
PRIVATE = frozenset({"link", "whoami", "lang", "tz", "notify", "alert", "keyboard"})


class Receiver:
    """Takes what people do while a door is open."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        conversation = answering.conversation
        self._room, self._book, self._people = conversation.room, conversation.book, conversation.people
        self._clock = conversation.room.desk.clock

    async def take(self, interaction: discord.Interaction[DeskClient]) -> None:
        """Take a slash command, a typed option, a button, a menu or a form."""
        if interaction.type is discord.InteractionType.autocomplete:
            await self._complete(interaction)
            return
        data: Any = interaction.data or {}
        tapped = read_id(str(data.get("custom_id", "")))
        if interaction.type is discord.InteractionType.component and tapped is not None and tapped.needs_word:
            await self._ask_word(interaction, tapped.token)
            return
        # Discord waits three seconds for a sign: it gets one before anything is read or looked up.
        is_command = interaction.type is discord.InteractionType.application_command
        is_private = is_command and str(data.get("name")) in PRIVATE and interaction.guild_id is not None
        try:
            response = await interaction.response.defer(thinking=is_command, ephemeral=is_private)
        except discord.HTTPException as problem:
            # Too late, or another process of ours was faster: nothing can be answered, so nothing is done.
            log.warning("discord_not_acknowledged", status=problem.status, code=problem.code)
            return
        heard = heard_of(interaction, f"{PLATFORM}:{interaction.application_id}", self._book)
        if heard is None:
            return
        original = response.message_id if response is not None and is_command else None
        heard = _with_answers(heard, interaction, original, is_private, self._room.now)
        await self._patiently(heard, lambda: self._hand_over(heard, interaction))

    async def _patiently(self, heard: Heard, work: Callable[[], Awaitable[None]]) -> None:
        """Wait for a stalled database; the person sees "thinking" meanwhile."""
        deadline = self._clock.monotonic() + PATIENCE_S
        wait_s = 0.25
        while True:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await work()
                return
            except (StoreProblem, TimeoutError) as problem:
                if self._clock.monotonic() > deadline:
                    log.error("discord_message_lost", message_id=heard.message_id, error=str(problem))
                    return
                log.warning("discord_message_waits_for_store", error=str(problem))
            await self._clock.sleep(wait_s)
            wait_s = min(5.0, wait_s * 2)

    async def _hand_over(self, heard: Heard, interaction: discord.Interaction[DeskClient]) -> None:
        """Hand over to the conversation; strangers are answered here, for nothing of theirs is kept."""
        answering = self.answering
        await answering.ready.wait()
        if await self._people.actor_of(PLATFORM, heard.person.user_id) is not None:
            await answering.take([await self._in_its_place(heard)])
            return
        answer = await answering.conversation.answer(heard)
        if answer.actor is not None and answer.card is not None:
            async with self._room.store.transaction() as tx:
                replies = await answering.composer.compose(tx, heard, answer, None)
                for one in replies:
                    await tx.chats.queue(one)
            answering.replies.put(replies)
            return
        is_command = interaction.type is discord.InteractionType.application_command
        if is_command:
            await interaction.delete_original_response()
        if answer.card is not None:
            sheet = sheets_of(answer.card, answer.speaker)[0]
            embeds = [discord.Embed.from_dict(one.as_dict()) for one in sheet.embeds]
            await interaction.followup.send(embeds=embeds, ephemeral=True)

    async def _in_its_place(self, heard: Heard) -> Heard:
        """Give what was heard with the bot that is meant in a bot's thread."""
        async with self._room.store.reading() as tx:
            place = await tx.chats.place(PLATFORM, heard.place.chat_id)
        return replace(heard, extras={**heard.extras, "bot": place.bot}) if place and place.bot else heard

    async def _ask_word(self, interaction: discord.Interaction[DeskClient], token: str) -> None:
        """Show the form for a confirmation's word; it must be the first answer, so it is shown without a look-up."""
        speaker = Speaker(person_of(interaction).language)
        form = discord.ui.Modal(
            title=speaker.label("door", "form")[:FORM_TEXT], custom_id=form_id(token), timeout=None
        )
        form.add_item(
            discord.ui.TextInput(
                label=speaker.label("door", "form_word")[:FORM_TEXT], custom_id=WORD_INPUT, max_length=100
            )
        )
        # What is sent off comes back by its id; the library need not keep the form.
        form.stop()
        await interaction.response.send_modal(form)

    async def _complete(self, interaction: discord.Interaction[DeskClient]) -> None:
        data: Any = interaction.data or {}
        found: list[tuple[str, str]] = []
        focused = next((one for one in data.get("options") or [] if one.get("focused")), None)
        word = self._book.find(str(data.get("name", "")))
        if focused is not None and word is not None:
            argument = next((one for one in word.arguments if one.name == focused["name"]), None)
            try:
                async with asyncio.timeout(OFFERS_S):
                    actor = await self._people.actor_of(PLATFORM, str(interaction.user.id))
                    if actor is not None and argument is not None and actor.role >= word.role:
                        found = await offers(
                            self._room, self._book, actor, argument, str(focused.get("value", ""))
                        )
            except (TimeoutError, StoreProblem) as problem:
                log.warning("discord_offers_late", error=str(problem))
        choices = [discord.app_commands.Choice(name=shown, value=value) for shown, value in found]
        await interaction.response.autocomplete(choices)


def _with_answers(
    heard: Heard,
    interaction: discord.Interaction[DeskClient],
    original: int | None,
    is_private: bool,
    now: datetime,
) -> Heard:
    """Give what was heard with all that its answer needs, also from another process."""
    answers = {
        "id": str(interaction.id),
        "application": str(interaction.application_id),
        "token": interaction.token,
        "at": now.timestamp(),
        "user": str(interaction.user.id),
        "original": str(original) if original else "",
        "is_private": is_private,
        "is_tap": original is None,
    }
    # What only the asker sees is as good as a conversation of two.
    place = replace(heard.place, is_private=heard.place.is_private or is_private)
    return replace(heard, extras=answers, place=place)

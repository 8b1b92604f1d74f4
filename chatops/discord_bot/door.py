"""The Discord door: hears, acknowledges before anything else, and hands over to the conversation that all doors share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import discord
import structlog

from chatops.book import Book
from chatops.discord_bot.client import DeskClient, aim
from chatops.discord_bot.completion import offers
from chatops.discord_bot.components import form_id, read_id
from chatops.discord_bot.incoming import PLATFORM, WORD_INPUT, heard_of, person_of
from chatops.discord_bot.outgoing import Outgoing
from chatops.discord_bot.rendering import sheets_of
from chatops.discord_bot.tree import slash_tree
from chatops.doors.answering import Answering
from chatops.doors.carrier import DoorDisabled
from chatops.doors.conversation import Conversation
from chatops.doors.door import DoorState
from chatops.doors.heard import Heard
from chatops.doors.lease import Turn
from chatops.doors.living import Living
from chatops.doors.who import People
from chatops.room import Room
from chatops.texts.speaker import Speaker
from desk.secrets import Secret
from trading.errors import StoreProblem

log = structlog.get_logger(__name__)

#: What is offered while somebody types must come within 3 s; nothing is better than late.
OFFERS_S = 2.0
#: A message waits for a stalled database this long: as long as its answer can reach it.
PATIENCE_S = 14 * 60.0
#: Waits between tries to reach Discord at all: 1, 2, 4 … seconds up to this.
LONGEST_WAIT_S = 60.0
#: One try to sign in may take this long.
SIGN_IN_S = 30.0
#: A gateway that was away for so long is tried afresh; twice as long each time.
RECONNECT_S = 15.0
#: The watchdog gets a sign of life this often.
BEAT_S = 15.0
#: Longest title of a form, and of what its input is called.
FORM_TEXT = 45

#: Codes with which the gateway says that coming back is pointless: token, shards, version, intents.
_FINAL_CODES = frozenset({4004, 4010, 4011, 4012, 4013, 4014})

#: Words whose answer only the asker sees: they are about a person, not about the desk.
PRIVATE = frozenset({"link", "whoami", "lang", "tz", "notify", "alert", "keyboard"})


class DiscordDoor:
    """Discord, run by whoever supervises the doors."""

    name = PLATFORM

    def __init__(
        self,
        room: Room,
        book: Book,
        people: People,
        *,
        token: Secret,
        api_url: str = "",
        gateway_url: str = "",
        guild_id: str = "",
    ) -> None:
        self._room = room
        self._book = book
        self._people = people
        self._token = token
        self._addresses = (api_url, gateway_url)
        self._guild_id = guild_id
        self._clock = room.desk.clock
        self._answering: Answering | None = None
        self.client: DeskClient | None = None
        self.state = DoorState.STARTING
        self.detail = ""
        self.heard_at = self._clock.monotonic()

    async def run(self) -> None:
        """Hear and answer until cancelled.

        Raises:
            DoorDisabled: the token is worthless, or Discord will not have us.
        """
        aim(*self._addresses)
        self.state, self.detail = DoorState.WAITING, ""
        beating = asyncio.create_task(self._beat(), name="discord-beat")
        try:
            await Turn(self._room.store, self._clock, f"door:{PLATFORM}").run(self._work)
        finally:
            beating.cancel()

    async def _work(self) -> None:
        self.state, self.detail = DoorState.STARTING, ""
        client = DeskClient(
            commands=slash_tree(self._book), on_interaction=self._interaction, guild_id=self._guild_id
        )
        try:
            async with client:
                await self._signed_in(client)
                platform = Outgoing(client, self._clock, f"{PLATFORM}:{client.application_id}")
                conversation = Conversation(self._room, self._book, self._people)
                self._answering = Answering(conversation, platform)
                self.client = client
                await self._run_all(client, self._answering, Living(conversation, platform))
        except BaseException as problem:
            disabled = _disabled(problem)
            if disabled is None:
                self.state = DoorState.TROUBLED
                raise
            self.state, self.detail = DoorState.DISABLED, str(disabled)
            raise DoorDisabled(str(disabled)) from problem
        finally:
            self.client, self._answering = None, None

    async def _run_all(self, client: DeskClient, answering: Answering, living: Living) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(answering.run(), name="discord-answers")
            group.create_task(living.run(), name="discord-living")
            group.create_task(self._connected(client), name="discord-gateway")

    async def _signed_in(self, client: DeskClient) -> None:
        """Sign in, for as long as it takes to reach Discord.

        Raises:
            DoorDisabled: the token is worthless.
        """
        tries = 0
        while True:
            try:
                async with asyncio.timeout(SIGN_IN_S):
                    await client.login(self._token.reveal())
                return
            except discord.LoginFailure as problem:
                raise DoorDisabled("Discord refuses the token.") from problem
            except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as problem:
                self._troubled(problem)
            # The failed try left an open session behind.
            await client.http.close()
            tries += 1
            await self._clock.sleep(min(LONGEST_WAIT_S, 2.0 ** min(tries, 10) / 2))

    async def _connected(self, client: DeskClient) -> None:
        """Keep the gateway. The library resumes after every cut, but after a long outage it waits up to 17 minutes.

        Raises:
            DoorDisabled: the gateway said that coming back is pointless.
        """
        patience_s = RECONNECT_S
        while True:
            connecting = asyncio.create_task(client.connect(reconnect=True), name="discord-socket")
            try:
                while await self._is_going_on(client, connecting, patience_s):
                    patience_s = RECONNECT_S if client.is_connected else patience_s
            finally:
                connecting.cancel()
                await asyncio.gather(connecting, return_exceptions=True)
            if connecting.done() and not connecting.cancelled():
                self._ended(connecting.exception())
            patience_s = min(LONGEST_WAIT_S * 2, patience_s * 2)

    async def _is_going_on(
        self, client: DeskClient, connecting: asyncio.Task[None], patience_s: float
    ) -> bool:
        """Wait until the gateway ends, or was away for too long; True while there is nothing to do."""
        waiting = asyncio.ensure_future(client.changed.wait())
        timer = asyncio.ensure_future(self._clock.sleep(patience_s))
        try:
            await asyncio.wait({connecting, waiting, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            timer.cancel()
        if connecting.done():
            return False
        if client.changed.is_set():
            client.changed.clear()
            self._shown(client)
            return True
        return client.is_connected

    def _ended(self, problem: BaseException | None) -> None:
        match problem:
            case None:
                raise ConnectionError("The gateway closed without a reason.")
            case discord.PrivilegedIntentsRequired():
                raise DoorDisabled("Discord wants an intent that is switched off for this bot.") from problem
            case discord.ConnectionClosed() if problem.code in _FINAL_CODES:
                raise DoorDisabled(f"Discord closed the gateway for good (code {problem.code}).") from problem
            case _:
                raise problem

    def _shown(self, client: DeskClient) -> None:
        if client.is_connected:
            self.state, self.detail = DoorState.OPEN, ""
        else:
            self.state, self.detail = DoorState.TROUBLED, "The gateway is away."

    def _troubled(self, problem: BaseException) -> None:
        self.state, self.detail = DoorState.TROUBLED, f"{type(problem).__name__}: {problem}"[:300]
        log.warning("discord_not_reached", error=self.detail)

    async def _beat(self) -> None:
        """Give signs of life to the watchdog; the library watches the gateway's own heartbeat."""
        while True:
            self.heard_at = self._clock.monotonic()
            await self._clock.sleep(BEAT_S)

    # ---------------------------------------------------------------- interactions

    async def _interaction(self, interaction: discord.Interaction[DeskClient]) -> None:
        if interaction.type is discord.InteractionType.autocomplete:
            await self._complete(interaction)
            return
        data: Any = interaction.data or {}
        tapped = read_id(str(data.get("custom_id", "")))
        if interaction.type is discord.InteractionType.component and tapped is not None and tapped.needs_word:
            await self._ask_word(interaction, tapped.token)
            return
        answering = self._answering
        if answering is None:
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
        heard = _with_answers(heard, interaction, original, is_private)
        await self._patiently(heard, lambda: self._take(answering, heard, interaction))

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

    async def _take(
        self, answering: Answering, heard: Heard, interaction: discord.Interaction[DeskClient]
    ) -> None:
        """Hand over to the conversation; strangers are answered here, for nothing of theirs is kept."""
        await answering.ready.wait()
        if await self._people.actor_of(PLATFORM, heard.person.user_id) is not None:
            await answering.take([heard])
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


def _disabled(problem: BaseException) -> DoorDisabled | None:
    """Give what switches the door off for good, also out of a group."""
    if isinstance(problem, BaseExceptionGroup):
        return next((found for one in problem.exceptions if (found := _disabled(one))), None)
    return problem if isinstance(problem, DoorDisabled) else None


def _with_answers(
    heard: Heard, interaction: discord.Interaction[DeskClient], original: int | None, is_private: bool
) -> Heard:
    """Give what was heard with all that its answer needs, also from another process."""
    answers = {
        "id": str(interaction.id),
        "application": str(interaction.application_id),
        "token": interaction.token,
        "at": interaction.created_at.timestamp(),
        "user": str(interaction.user.id),
        "original": str(original) if original else "",
        "is_private": is_private,
        "is_tap": original is None,
    }
    # What only the asker sees is as good as a conversation of two.
    place = replace(heard.place, is_private=heard.place.is_private or is_private)
    return replace(heard, extras=answers, place=place)

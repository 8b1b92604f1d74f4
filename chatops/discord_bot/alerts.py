"""Alerts on Discord: to each person in a conversation of their own, and once to the desk's channel, a thread per bot."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import discord
import structlog

from chatops.alerts import alert_card, alert_title
from chatops.cards import Button, Text
from chatops.discord_bot.client import LONGEST_RATE_WAIT_S, aim
from chatops.discord_bot.components import Labelled, rows_of
from chatops.discord_bot.incoming import PLATFORM
from chatops.discord_bot.markdown import cut, escaped
from chatops.discord_bot.outgoing import picture_name
from chatops.discord_bot.rendering import sheets_of
from chatops.discord_bot.wire import handed_over, sendable
from chatops.doors.buttons import Buttons, Owner
from chatops.doors.carrier import AnswerLost, DoorDisabled, NeverThis, NotNow
from chatops.texts.speaker import Speaker
from desk.alerting.by_mail import DrawAlert
from desk.alerting.channel import Notice, Outcome, disabled, refused, retry, sent
from desk.chats import ChatPlace
from desk.clock import Clock
from desk.ports import Store
from desk.secrets import Secret

log = structlog.get_logger(__name__)

#: Threads are put away by Discord after a week without a message; a new one brings them back.
_KEPT_MINUTES: Literal[10080] = 10_080
#: Alerts of which is remembered that the desk's channel has them.
_REMEMBERED = 5_000
#: Longest line above an embed: what a phone shows in its notification.
_LINE = 200

_UNKNOWN_CHANNEL = 10003


class DiscordAlerts:
    """The outbox's way to Discord. `desk.alerting.channel.Channel`."""

    platform = PLATFORM

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        token: Secret,
        api_url: str = "",
        channel_id: str = "",
        draw: DrawAlert | None = None,
    ) -> None:
        self._store = store
        self._draw = draw
        self._clock = clock
        self._token = token
        self._api_url = api_url
        self._channel_id = channel_id
        self._buttons = Buttons(store)
        self._client: discord.Client | None = None
        self._signing_in = asyncio.Lock()
        self._posted: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._conversations: dict[str, int] = {}

    async def send(self, notice: Notice) -> Outcome:
        """Hand an alert over; the same again is shown once, because it carries the same nonce."""
        try:
            client = await self._signed_in()
            if self._channel_id:
                await self._share(client, notice)
            return await self._tell(client, notice)
        except NotNow as problem:
            # Without a time to wait the server was not there at all: nobody else need try.
            return retry(str(problem), after_s=problem.after_s, holds_channel=problem.after_s is None)
        except AnswerLost as problem:
            return retry(str(problem), holds_channel=True, is_doubtful=True)
        except NeverThis as problem:
            return refused(str(problem))
        except DoorDisabled as problem:
            return disabled(str(problem))

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _signed_in(self) -> discord.Client:
        """Give a client without a gateway: alerts leave also while another process, or nobody, hears.

        Raises:
            NotNow: Discord is not reached.
            DoorDisabled: the token is worthless.
        """
        async with self._signing_in:
            if self._client is None:
                aim(self._api_url, "")
                client = discord.Client(
                    intents=discord.Intents(guilds=True),
                    allowed_mentions=discord.AllowedMentions.none(),
                    max_ratelimit_timeout=LONGEST_RATE_WAIT_S,
                )
                try:
                    async with handed_over(is_safe=True):
                        await client.login(self._token.reveal())
                except discord.LoginFailure as problem:
                    await client.http.close()
                    raise DoorDisabled("Discord refuses the token.") from problem
                except BaseException:
                    await client.http.close()
                    raise
                self._client = client
            return self._client

    async def _tell(self, client: discord.Client, notice: Notice) -> Outcome:
        """Tell one person in their conversation with the bot."""
        channel_id = self._conversations.get(notice.recipient)
        if channel_id is None:
            async with handed_over(is_safe=True):
                channel = await client.create_dm(discord.Object(int(notice.recipient)))
            channel_id = self._conversations[notice.recipient] = channel.id
        owner = Owner(
            workspace_id=notice.delivery.workspace_id,
            platform=PLATFORM,
            chat_id=str(channel_id),
            user_id=notice.recipient,
        )
        message_id = ""
        for number, payload in enumerate(await self._payloads(notice, owner)):
            wanted = sendable(payload)
            if notice.replies_to.isdigit() and not number:
                wanted["reference"] = discord.MessageReference(
                    message_id=int(notice.replies_to), channel_id=channel_id, fail_if_not_exists=False
                )
            nonce = nonce_of(f"{notice.delivery.id}|{number}")
            async with handed_over(is_safe=True):
                shown = await client.get_partial_messageable(channel_id).send(
                    **wanted, nonce=nonce, silent=notice.is_silent
                )
            message_id = message_id or str(shown.id)
        if notice.settles and notice.replies_to.isdigit():
            await self._disarm(client, channel_id, int(notice.replies_to))
        return sent(message_id)

    async def _disarm(self, client: discord.Client, channel_id: int, message_id: int) -> None:
        """Take the buttons off a message that was answered elsewhere; where that fails they refuse when pressed."""
        try:
            async with handed_over(is_safe=True):
                await (
                    client.get_partial_messageable(channel_id).get_partial_message(message_id).edit(view=None)
                )
        except (NotNow, AnswerLost, NeverThis) as problem:
            log.info("discord_buttons_stay", error=str(problem))

    async def _payloads(self, notice: Notice, owner: Owner) -> Sequence[Mapping[str, Any]]:
        """Give the messages of an alert; the first begins with a line that a phone can show."""
        speaker = Speaker(notice.member.language or "en", notice.member.time_zone or "UTC")
        card = alert_card(
            notice.alert,
            bot=notice.bot,
            account=notice.account,
            money=notice.money,
            is_repeat=notice.is_repeat,
        )
        line = escaped(cut(speaker.say(alert_title(notice.alert)), _LINE))
        picture = await self._draw(notice.alert, language=speaker.language) if self._draw else None
        name = picture_name(notice.alert.kind) if picture else ""
        found: list[dict[str, Any]] = [
            {"embeds": [one.as_dict() for one in sheet.embeds]}
            for sheet in sheets_of(card, speaker, picture=name)
        ]
        found[0]["content"] = line
        if picture is not None:
            found[0]["files"] = [{"name": name, "data": base64.b64encode(picture).decode()}]
        keys = await self._keys(card.buttons, speaker, owner)
        found[-1]["rows"] = rows_of(keys, speaker.label("button", "choose"))
        return found

    async def _keys(self, buttons: tuple[Button, ...], speaker: Speaker, owner: Owner) -> list[Labelled]:
        if not buttons:
            return []
        async with self._store.transaction() as tx:
            return [
                Labelled(
                    button=one,
                    label=speaker.say(Text(f"button.{one.name}", one.params)),
                    token=await self._buttons.make(tx, one, owner, now=self._clock.now()),
                )
                for one in buttons
            ]

    # ------------------------------------------------------------ the desk's channel

    async def _share(self, client: discord.Client, notice: Notice) -> None:
        """Post an alert once for all, in the thread of its bot; what fails there must not keep people untold."""
        key = (notice.alert.id, self._channel_id)
        if key in self._posted:
            return
        try:
            await self._post(client, notice)
        except NeverThis as problem:
            log.warning("discord_channel_not_told", channel=self._channel_id, error=str(problem))
        self._posted[key] = None
        while len(self._posted) > _REMEMBERED:
            self._posted.popitem(last=False)

    async def _post(self, client: discord.Client, notice: Notice) -> None:
        for is_last in (False, True):
            target = await self._thread(client, notice) if notice.bot else int(self._channel_id)
            try:
                await self._post_in(client, target, notice)
                return
            except NeverThis as problem:
                is_gone = getattr(problem.__cause__, "code", 0) == _UNKNOWN_CHANNEL
                if is_last or not is_gone or not notice.bot:
                    raise
            # Somebody deleted the thread: the bot gets a new one.
            async with self._store.transaction() as tx:
                await tx.chats.forget_place(notice.delivery.workspace_id, PLATFORM, str(target))

    async def _post_in(self, client: discord.Client, target: int, notice: Notice) -> None:
        owner = Owner(
            workspace_id=notice.delivery.workspace_id, platform=PLATFORM, chat_id=str(target), user_id=""
        )
        for number, payload in enumerate(await self._payloads(notice, owner)):
            nonce = nonce_of(f"{notice.alert.id}|{self._channel_id}|{number}")
            async with handed_over(is_safe=True):
                await client.get_partial_messageable(target).send(**sendable(payload), nonce=nonce)

    async def _thread(self, client: discord.Client, notice: Notice) -> int:
        """Give the bot's thread; what is said there without a bot means this one."""
        workspace_id, kind = notice.delivery.workspace_id, f"thread:{self._channel_id}"
        async with self._store.reading() as tx:
            places = await tx.chats.places(PLATFORM)
        for one in places:
            if (one.workspace_id, one.kind, one.bot) == (workspace_id, kind, notice.bot):
                return int(one.chat_id)
        async with handed_over(is_safe=False):
            channel = await client.fetch_channel(int(self._channel_id))
        if not isinstance(channel, discord.TextChannel):
            raise NeverThis(f"Channel {self._channel_id} takes no threads.")
        async with handed_over(is_safe=False):
            thread = await channel.create_thread(
                name=cut(notice.bot, 100),
                type=discord.ChannelType.public_thread,
                auto_archive_duration=_KEPT_MINUTES,
            )
        place = ChatPlace(
            workspace_id=workspace_id,
            platform=PLATFORM,
            chat_id=str(thread.id),
            kind=kind,
            bot=notice.bot,
            known_at=self._clock.now(),
        )
        async with self._store.transaction() as tx:
            await tx.chats.save_place(place)
        return thread.id


def nonce_of(key: str) -> str:
    """Give the letters by which Discord knows a message again; it takes 25."""
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())[:25].decode()

"""What leaves for Discord: cards as payloads that can be stored, and payloads handed over."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import discord
import structlog

from chatops.cards import Button, Card, Press
from chatops.discord_bot.components import ROWS, Labelled, leafing_row, rows_of
from chatops.discord_bot.incoming import PLATFORM
from chatops.discord_bot.rendering import sheets_of
from chatops.discord_bot.wire import BAD_TOKENS, edited, handed_over, sendable
from chatops.doors.carrier import AnswerLost, DoorDisabled, NeverThis, NotNow, Sent
from chatops.doors.platform import Shown
from chatops.texts.speaker import Speaker

if TYPE_CHECKING:
    from chatops.discord_bot.client import DeskClient
    from desk.clock import Clock

log = structlog.get_logger(__name__)

#: An interaction can be answered this long; then the channel takes over.
TOKEN_LIVES_S = 14.5 * 60
#: The largest upload without a paid server.
LARGEST_FILE = 10 * 1024 * 1024

_UNKNOWN_MESSAGE = 10008


class Outgoing:
    """Discord, as the shared conversation sees it."""

    name = PLATFORM

    def __init__(self, client: DeskClient, clock: Clock, source: str) -> None:
        self._client = client
        self._clock = clock
        self.source = source

    def pages(self, card: Card, speaker: Speaker, *, has_picture: bool) -> Sequence[Mapping[str, Any]]:
        """Give a card in messages that Discord takes."""
        picture = picture_name(card.chart.name) if has_picture and card.chart else ""
        return [
            {"embeds": [one.as_dict() for one in sheet.embeds]}
            for sheet in sheets_of(card, speaker, picture=picture)
        ]

    def payloads(self, shown: Shown) -> Sequence[Mapping[str, Any]]:
        """Give the messages of a reply; the picture goes with the first, the buttons with the last."""
        labelled = [
            Labelled(
                button=Button(name="", press=Press.CONFIRM if one.is_danger else Press.SAY),
                label=one.label,
                token=one.token,
                needs_word=one.needs_word,
            )
            for one in shown.keys
        ]
        rows = rows_of(labelled, shown.speaker.label("button", "choose"))
        pages = list(shown.pages)
        if shown.pages_token:
            rows.append(leafing_row(shown.pages_token, shown.page, len(pages)))
            pages = [pages[shown.page]]
        common = {
            "channel": shown.place.chat_id,
            "again": shown.again,
            "silent": shown.is_silent,
            "answers": dict(shown.extras),
        }
        found = [{**common, "embeds": one["embeds"]} for one in pages]
        # A message takes five rows; more buttons than that follow in messages of their own.
        for at in range(0, len(rows), ROWS):
            if at:
                found.append({**common, "embeds": [], "content": "⋯"})
            found[-1]["rows"] = rows[at : at + ROWS]
        found[0] |= {"edits": shown.edits, "replies_to": shown.replies_to, "pin": shown.is_pinned}
        if shown.pages_token and shown.edits:
            # Leafing shows another page of the same reply: its picture stays.
            found[0]["keeps_files"] = True
        files = _files(shown)
        if files:
            found[0]["files"] = files
        for number, one in enumerate(found):
            one["number"] = number
        return found

    async def carry(self, payload: Mapping[str, Any], *, is_repeat: bool) -> Sent:
        """Hand one over: while its interaction lives as the answer to it, later as a message of the channel.

        Raises:
            NotNow, AnswerLost, NeverThis, DoorDisabled.
        """
        try:
            return await self._carried(payload, payload.get("answers") or {}, is_repeat=is_repeat)
        except (NotNow, AnswerLost, NeverThis, DoorDisabled):
            raise
        except Exception as problem:
            # A payload that breaks the library would break it again for ever: it is put aside.
            log.exception("discord_payload_broke")
            raise NeverThis(f"{type(problem).__name__}: {problem}"[:300]) from problem

    async def _carried(
        self, payload: Mapping[str, Any], answers: Mapping[str, Any], *, is_repeat: bool
    ) -> Sent:
        if not answers or self._age_s(answers) > TOKEN_LIVES_S:
            return await self._in_channel(payload, answers)
        try:
            return await self._as_answer(payload, answers, is_repeat=is_repeat)
        except NeverThis as problem:
            # The token ended early, or what we meant to edit was deleted.
            if getattr(problem.__cause__, "code", 0) in {*BAD_TOKENS, _UNKNOWN_MESSAGE}:
                return await self._in_channel({**payload, "edits": ""}, answers)
            raise

    def _age_s(self, answers: Mapping[str, Any]) -> float:
        began = datetime.fromtimestamp(float(answers["at"]), UTC)
        return (self._clock.now() - began).total_seconds()

    async def _as_answer(
        self, payload: Mapping[str, Any], answers: Mapping[str, Any], *, is_repeat: bool
    ) -> Sent:
        webhook = discord.Webhook.partial(
            int(answers["application"]), str(answers["token"]), client=self._client
        )
        # Answers to an interaction go to a webhook of the application; only those may be shown to one person alone.
        webhook.type = discord.WebhookType.application
        target = str(payload.get("edits") or "")
        if not target and not payload["number"] and answers.get("original"):
            # Editing what stands for "thinking" twice shows it once.
            target = str(answers["original"])
        if target:
            async with handed_over(is_safe=True):
                message = await webhook.edit_message(int(target), **edited(payload))
            await self._pinned(payload, message)
            return Sent(str(message.id))
        label = str(payload.get("again") or "") if is_repeat else ""
        is_private = bool(answers.get("is_private") or answers.get("is_tap"))
        async with handed_over(is_safe=False):
            message = await webhook.send(
                **sendable(payload, label),
                ephemeral=is_private,
                wait=True,
                silent=bool(payload.get("silent")),
            )
        return Sent(str(message.id))

    async def _in_channel(self, payload: Mapping[str, Any], answers: Mapping[str, Any]) -> Sent:
        channel_id = int(payload["channel"])
        if answers.get("is_private"):
            # What only one person saw must not end in front of all.
            async with handed_over(is_safe=True):
                channel_id = (await self._client.create_dm(discord.Object(int(answers["user"])))).id
        channel = self._client.get_partial_messageable(channel_id)
        target = str(payload.get("edits") or "")
        if target:
            async with handed_over(is_safe=True):
                message = await channel.get_partial_message(int(target)).edit(**edited(payload))
            return Sent(str(message.id))
        wanted = {**sendable(payload), **nonce_of(payload), "silent": bool(payload.get("silent"))}
        if payload.get("replies_to"):
            wanted["reference"] = discord.MessageReference(
                message_id=int(payload["replies_to"]), channel_id=channel_id, fail_if_not_exists=False
            )
        # Discord takes one message per nonce, so that a repeated one is not shown twice.
        async with handed_over(is_safe=True):
            sent = await channel.send(**wanted)
        await self._pinned(payload, sent)
        return Sent(str(sent.id))

    async def _pinned(self, payload: Mapping[str, Any], message: discord.Message) -> None:
        """Pin what is kept up to date; where we may not, it stays where it is."""
        if not payload.get("pin"):
            return
        try:
            async with handed_over(is_safe=True):
                await (
                    self._client.get_partial_messageable(int(payload["channel"]))
                    .get_partial_message(message.id)
                    .pin()
                )
        except (NotNow, NeverThis) as problem:
            log.info("discord_not_pinned", error=str(problem))


def nonce_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Give what makes Discord show a message once, however often it is sent; at most 25 letters."""
    answers = payload.get("answers") or {}
    return {"nonce": f"{answers['id']}-{payload['number']}"[-25:]} if answers else {}


def picture_name(name: str) -> str:
    """Give a file name that embeds can point at."""
    plain = "".join(one if one.isascii() and (one.isalnum() or one in "-_") else "-" for one in name)
    return f"{plain[:60] or 'picture'}.png"


def _files(shown: Shown) -> list[dict[str, str]]:
    found: list[tuple[str, bytes]] = []
    if shown.picture is not None:
        found.append((picture_name(shown.picture_name), shown.picture))
    if shown.file is not None and len(shown.file.content) <= LARGEST_FILE:
        found.append((shown.file.name, shown.file.content))
    return [{"name": name, "data": base64.b64encode(data).decode()} for name, data in found]

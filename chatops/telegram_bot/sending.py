"""Replies on their way to Telegram: payloads made of cards, and handed over within the flood limits."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from telegram import (
    Bot,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaPhoto,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.error import TelegramError

from chatops.cards import Card
from chatops.doors.carrier import NeverThis, NotNow, Sent
from chatops.doors.platform import Key, Shown
from chatops.telegram_bot.pace import Pace
from chatops.telegram_bot.render import CAPTION_LIMIT, escaped, pages_of, units, without_tags
from chatops.telegram_bot.wire import Garbled, Moved, NotThere, Pictured, Unchanged, told_apart
from chatops.texts.speaker import Speaker
from desk.clock import Clock

log = structlog.get_logger(__name__)

#: Telegram carries this many bytes with a button, and about this many buttons.
CALLBACK_LIMIT = 64
MOST_KEYS = 90
#: Longer labels are cut; two stand in a row where both are short.
LABEL_LIMIT = 40
SHORT_LABEL = 18


class TelegramPlatform:
    """How cards look on Telegram, and how they get there. `chatops.doors.platform.Platform`."""

    name = "telegram"

    def __init__(self, bot: Bot, clock: Clock, *, source: str, pace: Pace | None = None) -> None:
        self._bot = bot
        self.source = source
        self.pace = pace or Pace(clock)

    def pages(self, card: Card, speaker: Speaker, *, has_picture: bool) -> Sequence[Mapping[str, Any]]:
        """Give a card's HTML in pages."""
        return [{"html": one} for one in pages_of(card, speaker, has_picture=has_picture)]

    def payloads(self, shown: Shown) -> Sequence[Mapping[str, Any]]:
        """Give the messages of a reply: text (or an edit), then what does not fit beside it."""
        base = self._base(shown)
        is_leafed = bool(shown.pages_token)
        pages = [shown.pages[shown.page]] if is_leafed or shown.edits else list(shown.pages)
        texts = [str(one["html"]) for one in pages]
        keyboard = keyboard_of(shown)
        if shown.picture is not None and len(texts) == 1 and units(texts[0]) <= CAPTION_LIMIT:
            way = {"kind": "edit", "message": shown.edits} if shown.edits else {"kind": "photo"}
            photo = {**base, **way, "html": texts[0], "keys": keyboard, **_picture(shown)}
            return [photo, *_documents(base, shown)]
        made = [{**base, "kind": "message", "html": text, "keys": []} for text in texts]
        made[-1]["keys"] = keyboard
        if shown.edits:
            made[0] |= {"kind": "edit", "message": shown.edits}
        if shown.word:
            made[-1] |= {"force_reply": shown.word}
        if shown.is_pinned:
            made[0]["pin"] = True
        if shown.picture is not None:
            made.append({**base, "kind": "photo", "html": "", "keys": [], **_picture(shown)})
        return [*made, *_documents(base, shown)]

    async def carry(self, payload: Mapping[str, Any], *, is_repeat: bool) -> Sent:
        """Hand a payload over.

        Raises:
            NotNow, AnswerLost, NeverThis, DoorDisabled.
        """
        is_edit = payload["kind"] == "edit"
        html = str(payload["html"])
        if is_repeat and not is_edit:
            html = (
                f"<i>{escaped(str(payload.get('again', '')))}</i>\n{html}" if payload.get("again") else html
            )
        chat_id = str(payload["chat"])
        await self.pace.turn(chat_id)
        try:
            return await self._mended(dict(payload), html)
        except NotNow as problem:
            if problem.after_s:
                self.pace.hold(chat_id, problem.after_s)
            raise

    async def _mended(self, payload: dict[str, Any], html: str) -> Sent:
        """Send; what Telegram cannot read goes as plain text, what cannot be edited as a new message."""
        parse_mode: str | None = ParseMode.HTML
        for _ in range(4):
            try:
                return await self._send(payload, html, parse_mode)
            except Unchanged:
                return Sent(str(payload.get("message", "")))
            except Pictured:
                # What was text is a picture now: its caption is edited, if the text fits there.
                if units(html) > CAPTION_LIMIT:
                    self._as_new(payload)
                else:
                    payload["is_caption"] = True
            except Garbled as problem:
                if parse_mode is None:
                    raise NeverThis(str(problem)) from problem
                log.warning("telegram_html_refused", error=str(problem))
                parse_mode, html = None, without_tags(html)
            except NotThere:
                if payload["kind"] == "edit":
                    self._as_new(payload)
                elif payload.get("reply_to") or payload.get("thread"):
                    payload |= {"reply_to": "", "thread": ""}
                else:
                    raise NeverThis("The message that this belongs to is gone.") from None
            except Moved as moved:
                payload["chat"] = str(moved.chat_id)
        raise NeverThis("Telegram refused every form of this message.")

    @staticmethod
    def _as_new(payload: dict[str, Any]) -> None:
        """Let what cannot be edited be a message of its own; a living one ends."""
        if payload.get("is_living"):
            raise NeverThis("The message cannot be edited any more.") from None
        payload["kind"] = "photo" if payload.get("picture") else "message"

    async def _edit(self, payload: Mapping[str, Any], html: str, parse_mode: str | None) -> Sent:
        markup = _markup(payload)
        where: dict[str, Any] = {
            "chat_id": payload["chat"],
            "message_id": int(payload["message"]),
            "reply_markup": markup if isinstance(markup, InlineKeyboardMarkup) else None,
        }
        if payload.get("picture"):
            photo = InputMediaPhoto(
                base64.b64decode(payload["picture"]),
                caption=html or None,
                parse_mode=parse_mode,
                filename=str(payload["name"]),
            )
            await told_apart(self._bot.edit_message_media(media=photo, **where))
        elif payload.get("is_caption"):
            await told_apart(self._bot.edit_message_caption(caption=html, parse_mode=parse_mode, **where))
        else:
            await told_apart(
                self._bot.edit_message_text(
                    text=html,
                    parse_mode=parse_mode,
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                    **where,
                )
            )
        return Sent(str(payload["message"]))

    async def _send(self, payload: Mapping[str, Any], html: str, parse_mode: str | None) -> Sent:
        if payload["kind"] == "edit":
            return await self._edit(payload, html, parse_mode)
        markup = _markup(payload)
        common: dict[str, Any] = {
            "chat_id": payload["chat"],
            "parse_mode": parse_mode,
            "reply_markup": markup,
            "disable_notification": bool(payload.get("silent")),
            "message_thread_id": int(payload["thread"]) if payload.get("thread") else None,
            "reply_parameters": _reply_to(payload),
        }
        message: Message
        if payload["kind"] == "photo":
            picture = InputFile(base64.b64decode(payload["picture"]), filename=str(payload["name"]))
            message = await told_apart(self._bot.send_photo(photo=picture, caption=html or None, **common))
        elif payload["kind"] == "document":
            content = InputFile(base64.b64decode(payload["content"]), filename=str(payload["name"]))
            message = await told_apart(
                self._bot.send_document(document=content, caption=html or None, **common)
            )
        else:
            message = await told_apart(
                self._bot.send_message(
                    text=html, link_preview_options=LinkPreviewOptions(is_disabled=True), **common
                )
            )
        if payload.get("pin"):
            # Without the right to pin the message lives all the same.
            with suppress(TelegramError):
                await self._bot.pin_chat_message(
                    chat_id=payload["chat"], message_id=message.message_id, disable_notification=True
                )
        return Sent(str(message.message_id))

    async def disarm(self, chat_id: str, message_id: str) -> None:
        """Take the buttons off a message that was answered elsewhere; where that fails they refuse when tapped."""
        with suppress(TelegramError):
            await self._bot.edit_message_reply_markup(
                chat_id=chat_id, message_id=int(message_id), reply_markup=None
            )

    def _base(self, shown: Shown) -> dict[str, Any]:
        is_group = not shown.place.is_private
        reply_to = shown.replies_to or (
            str(shown.extras.get("reply_to", "")) if is_group or shown.word else ""
        )
        return {
            "chat": shown.place.chat_id,
            "thread": shown.place.thread_id,
            "reply_to": reply_to,
            "silent": shown.is_silent,
            "again": shown.again,
        }


def keyboard_of(shown: Shown) -> list[list[list[str]]]:
    """Give the rows of buttons, each as label and data: a page's neighbours last."""
    rows: list[list[list[str]]] = []
    for key in shown.keys[:MOST_KEYS]:
        cell = [_label(key), key.token]
        is_short = len(cell[0]) <= SHORT_LABEL
        if rows and is_short and len(rows[-1]) < 2 and len(rows[-1][0][0]) <= SHORT_LABEL:
            rows[-1].append(cell)
        else:
            rows.append([cell])
    if shown.pages_token:
        last = len(shown.pages) - 1
        before = max(0, shown.page - 1)
        after = min(last, shown.page + 1)
        rows.append(
            [
                ["‹", f"{shown.pages_token}:{before}"],
                [f"{shown.page + 1} / {last + 1}", f"{shown.pages_token}:{shown.page}"],
                ["›", f"{shown.pages_token}:{after}"],
            ]
        )
    assert all(len(data.encode()) <= CALLBACK_LIMIT for row in rows for _, data in row), (
        "a callback is too long"
    )
    return rows


def _label(key: Key) -> str:
    label = key.label if len(key.label) <= LABEL_LIMIT else key.label[: LABEL_LIMIT - 1] + "…"
    return label or "–"


def _picture(shown: Shown) -> dict[str, Any]:
    assert shown.picture is not None
    name = "".join(
        one if one.isascii() and (one.isalnum() or one in "-_") else "-" for one in shown.picture_name
    )
    return {"picture": base64.b64encode(shown.picture).decode(), "name": f"{name[:60] or 'picture'}.png"}


def _documents(base: Mapping[str, Any], shown: Shown) -> list[dict[str, Any]]:
    if shown.file is None:
        return []
    content = base64.b64encode(shown.file.content).decode()
    return [{**base, "kind": "document", "html": "", "keys": [], "name": shown.file.name, "content": content}]


def _markup(payload: Mapping[str, Any]) -> InlineKeyboardMarkup | ForceReply | None:
    if payload.get("force_reply"):
        return ForceReply(selective=True, input_field_placeholder=str(payload["force_reply"])[:64])
    if not payload["keys"]:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(label, callback_data=data) for label, data in row] for row in payload["keys"]]
    )


def _reply_to(payload: Mapping[str, Any]) -> ReplyParameters | None:
    if not payload.get("reply_to"):
        return None
    return ReplyParameters(message_id=int(payload["reply_to"]), allow_sending_without_reply=True)

"""What chat doors remember."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from desk.chats import ButtonKind, ChatButton, ChatPlace, ChatReply, ChatUpdate, LivingMessage, Tap
from desk.store.connection import Connection
from desk.store.models.chats import (
    ChatButtonRow,
    ChatPlaceRow,
    ChatReplyRow,
    ChatUpdateRow,
    LivingMessageRow,
)
from desk.store.table import Table, Where, insert_new, update

UPDATES = Table(ChatUpdateRow, ChatUpdate)
REPLIES = Table(ChatReplyRow, ChatReply)
BUTTONS = Table(ChatButtonRow, ChatButton)
PLACES = Table(ChatPlaceRow, ChatPlace)
LIVING = Table(LivingMessageRow, LivingMessage)

_USE = (
    "UPDATE chat_buttons SET used_at = ?, used_by = ? WHERE workspace_id = ? AND token_hash = ? "
    "AND used_at IS NULL AND expires_at > ?"
)


class SqlChats:
    """Messages in and out, buttons, places and living messages."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def receive(self, update: ChatUpdate) -> bool:
        """Keep a message to be answered; False when it came before, answered or not."""
        seen = {
            "workspace_id": update.workspace_id,
            "source": update.source,
            "message_id": update.message_id,
            "received_at": update.received_at,
        }
        if not await insert_new(self._tx, "inbox", seen):
            return False
        return await UPDATES.insert_new(self._tx, update)

    async def unanswered(self, source: str) -> Sequence[ChatUpdate]:
        """Give what waits for an answer, oldest first."""
        return await UPDATES.find(self._tx, Where(source=source), order="id")

    async def begin(self, workspace_id: str, source: str, message_id: str) -> int:
        """Count a try to answer and give how many there were; 0 when it was answered already."""
        row = await self._tx.row(
            "UPDATE chat_updates SET attempts = attempts + 1 WHERE workspace_id = ? AND source = ? "
            "AND message_id = ? RETURNING attempts",
            workspace_id,
            source,
            message_id,
        )
        return 0 if row is None else int(row[0])

    async def answered(self, workspace_id: str, source: str, message_id: str) -> bool:
        """Say that a message was answered; False when somebody did before."""
        sql = "DELETE FROM chat_updates WHERE workspace_id = ? AND source = ? AND message_id = ?"
        return await self._tx.change(sql, workspace_id, source, message_id) == 1

    async def queue(self, reply: ChatReply) -> bool:
        """Keep a reply to be sent; False when one has this key already."""
        return await REPLIES.insert_new(self._tx, reply)

    async def queued(self, source: str) -> Sequence[ChatReply]:
        """Give what waits to be sent, oldest first."""
        return await REPLIES.find(self._tx, Where(source=source), order="id")

    async def trying(self, workspace_id: str, dedupe_key: str) -> bool:
        """Say that a reply is about to be sent: from here on it may have arrived. False when it is gone."""
        sql = (
            "UPDATE chat_replies SET attempts = attempts + 1, is_doubtful = ? "
            "WHERE workspace_id = ? AND dedupe_key = ?"
        )
        return await self._tx.change(sql, True, workspace_id, dedupe_key) == 1

    async def unsent(self, workspace_id: str, dedupe_key: str) -> None:
        """Say that the last try certainly did not arrive."""
        where = Where(workspace_id=workspace_id, dedupe_key=dedupe_key)
        await update(self._tx, "chat_replies", {"is_doubtful": False}, where)

    async def delivered(self, workspace_id: str, dedupe_key: str) -> None:
        """Say that a reply arrived, or can never arrive."""
        sql = "DELETE FROM chat_replies WHERE workspace_id = ? AND dedupe_key = ?"
        await self._tx.change(sql, workspace_id, dedupe_key)

    async def add_button(self, button: ChatButton) -> None:
        """Keep a button."""
        await BUTTONS.insert(self._tx, button)

    async def button(self, platform: str, token_hash: str) -> ChatButton | None:
        """Give a button by the digest of its token."""
        return await BUTTONS.one(self._tx, Where(platform=platform, token_hash=token_hash))

    async def tap(
        self, button: ChatButton, *, chat_id: str, user_id: str, used_by: str, now: datetime
    ) -> Tap:
        """Use a button; a single one at most once, except by the very message that used it."""
        if button.chat_id != chat_id or button.user_id not in ("", user_id):
            return Tap.FOREIGN
        if button.is_single:
            used = (now, used_by, button.workspace_id, button.token_hash, now)
            if await self._tx.change(_USE, *used) == 1:
                return Tap.OK
            now_stored = await self.button(button.platform, button.token_hash)
            if now_stored is None:
                return Tap.UNKNOWN
            if now_stored.used_at is not None:
                return Tap.OK if now_stored.used_by == used_by else Tap.USED
            return Tap.EXPIRED
        return Tap.OK if now < button.expires_at else Tap.EXPIRED

    async def waiting_word(
        self, platform: str, chat_id: str, user_id: str, now: datetime
    ) -> ChatButton | None:
        """Give the newest confirmation that waits for a word typed by a person in a chat."""
        where = Where(platform=platform, chat_id=chat_id, user_id=user_id, kind=ButtonKind.WORD)
        where.add("used_at IS NULL").add("expires_at > ?", now)
        found = await BUTTONS.find(self._tx, where, order="id DESC", limit=1)
        return found[0] if found else None

    async def forget_buttons(self, before: datetime) -> int:
        """Drop buttons that expired before a time."""
        return await self._tx.change("DELETE FROM chat_buttons WHERE expires_at < ?", before)

    async def place(self, platform: str, chat_id: str) -> ChatPlace | None:
        """Give a chat that the house knows."""
        return await PLACES.one(self._tx, Where(platform=platform, chat_id=chat_id))

    async def places(self, platform: str) -> Sequence[ChatPlace]:
        """Give the chats that the house knows, oldest first."""
        return await PLACES.find(self._tx, Where(platform=platform), order="id")

    async def save_place(self, place: ChatPlace) -> None:
        """Know a chat, with what was chosen there; one of another workspace stays as it is."""
        await PLACES.put(self._tx, place, key=("platform", "chat_id"))

    async def forget_place(self, workspace_id: str, platform: str, chat_id: str) -> None:
        """Know a chat no longer."""
        sql = "DELETE FROM chat_places WHERE workspace_id = ? AND platform = ? AND chat_id = ?"
        await self._tx.change(sql, workspace_id, platform, chat_id)

    async def keep_alive(self, message: LivingMessage) -> None:
        """Remember a message that is kept up to date; a newer one of the subject takes its place."""
        await LIVING.put(self._tx, message, key=("platform", "chat_id", "subject"))

    async def living(self, platform: str) -> Sequence[LivingMessage]:
        """Give the messages that are kept up to date."""
        return await LIVING.find(self._tx, Where(platform=platform), order="id")

    async def let_die(self, workspace_id: str, platform: str, chat_id: str, subject: str) -> bool:
        """Keep a message up to date no longer; False when it was not."""
        sql = (
            "DELETE FROM chat_living WHERE workspace_id = ? AND platform = ? AND chat_id = ? AND subject = ?"
        )
        return await self._tx.change(sql, workspace_id, platform, chat_id, subject) == 1

"""From Telegram's update to what was heard. The sender counts, never the chat; what is not said to us is not heard."""

from __future__ import annotations

from telegram import CallbackQuery, Chat, Message, Update, User

from chatops.doors.heard import Heard, Person, Place

#: What we ask Telegram for. Edited messages are left out on purpose: an edit must not become a command.
ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member")

_GROUPS = frozenset({"group", "supergroup"})


class Reader:
    """Reads updates for one bot."""

    def __init__(self, *, source: str, bot_id: int, username: str) -> None:
        self._source = source
        self._bot_id = bot_id
        self._at = f"@{username.lower()}"

    def heard(self, update: Update) -> Heard | None:
        """Give what was said or tapped; None where nothing was said to us by a person."""
        if update.callback_query is not None:
            return self._tap(update.update_id, update.callback_query)
        message = update.message
        # Messages in the name of a chat (channels, anonymous admins) have no person behind them whom we could know.
        if message is None or message.from_user is None or message.sender_chat is not None:
            return None
        if message.from_user.is_bot or message.via_bot is not None:
            return None
        # A forwarded line was written by somebody else, at another time.
        if message.forward_origin is not None:
            return None
        text = message.text or message.caption or ""
        if not text.strip() or not self._is_for_us(message, text):
            return None
        return Heard(
            source=self._source,
            message_id=str(update.update_id),
            person=_person(message.from_user),
            place=_place(message.chat, message),
            text=self._without_name(text),
            extras={"reply_to": str(message.message_id)},
        )

    def _tap(self, update_id: int, query: CallbackQuery) -> Heard | None:
        if query.message is None or not query.data or query.from_user.is_bot:
            return None
        token, _, page = query.data.partition(":")
        message = query.message if isinstance(query.message, Message) else None
        return Heard(
            source=self._source,
            message_id=str(update_id),
            person=_person(query.from_user),
            place=_place(query.message.chat, message),
            token=token,
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 0,
            shown_id=str(query.message.message_id),
            extras={"query": query.id},
        )

    def _is_for_us(self, message: Message, text: str) -> bool:
        """In groups only commands are ours, and answers to a question of ours; not those for another bot."""
        if message.chat.type not in _GROUPS:
            return message.chat.type == Chat.PRIVATE
        first = text.split(maxsplit=1)[0]
        if first.startswith(("/", "／")):
            return "@" not in first or first.lower().endswith(self._at)
        asked = message.reply_to_message
        return asked is not None and asked.from_user is not None and asked.from_user.id == self._bot_id

    def _without_name(self, text: str) -> str:
        first, gap, rest = text.partition(" ")
        if first.startswith("/") and first.lower().endswith(self._at):
            first = first[: -len(self._at)]
        return f"{first}{gap}{rest}"


def _person(user: User) -> Person:
    return Person(
        platform="telegram",
        user_id=str(user.id),
        name=user.full_name[:80],
        language=(user.language_code or "")[:10],
    )


def _place(chat: Chat, message: Message | None) -> Place:
    thread = message.message_thread_id if message is not None and message.is_topic_message else None
    return Place(
        platform="telegram",
        chat_id=str(chat.id),
        thread_id=str(thread) if thread else "",
        is_private=chat.type == Chat.PRIVATE,
    )

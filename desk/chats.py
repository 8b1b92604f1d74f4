"""What chat doors must remember: messages on their way in and out, buttons, places and living messages.

Everything here survives a crash and can be taken over by another process. Texts are never decided here: a reply holds
what its platform's renderer made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class ButtonKind(StrEnum):
    """What a tap does.

    SAY says a line for whoever taps. CONFIRM and DISMISS end a confirmation. PAGES leafs through a long reply. WORD
    waits for a typed word instead of a tap.
    """

    SAY = "say"
    CONFIRM = "confirm"
    DISMISS = "dismiss"
    PAGES = "pages"
    WORD = "word"


class Tap(StrEnum):
    """What became of a tap on a button."""

    OK = "ok"
    USED = "used"
    EXPIRED = "expired"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatUpdate:
    """A message or tap that a platform handed over and that is not answered yet.

    Attributes:
        source: platform and bot account; with `message_id` it names the message for ever.
        payload: the message as the door's own reader understands it.
        attempts: how often its answer was begun; more than once means that a process died meanwhile.
    """

    id: int = 0
    workspace_id: str
    source: str
    message_id: str
    chat_id: str
    user_id: str
    payload: Mapping[str, Any]
    received_at: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """A reply that must still reach its chat.

    Attributes:
        source: platform and bot account that sends it.
        dedupe_key: names the reply for ever; a second one under it is not written.
        payload: what the platform's carrier sends.
        is_doubtful: an earlier try may have arrived.
    """

    id: int = 0
    workspace_id: str
    source: str
    chat_id: str
    dedupe_key: str
    payload: Mapping[str, Any]
    queued_at: datetime
    attempts: int = 0
    is_doubtful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatButton:
    """A button as it is stored: by the digest of its token.

    Attributes:
        user_id: the platform's id of who may tap; empty = anybody in the chat, with their own rights.
        seal: keyed digest of what the button does; the key is the token, which is not stored.
        is_single: one tap uses it up.
        used_by: the message that used it; that message again is the same tap.
    """

    workspace_id: str
    token_hash: str
    platform: str
    chat_id: str
    user_id: str
    kind: ButtonKind
    line: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    seal: str
    is_single: bool
    expires_at: datetime
    used_at: datetime | None = None
    used_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPlace:
    """A chat that the house knows, and what was chosen there.

    Attributes:
        bot: the bot that lines without one mean, as set by /use.
        kind: "private", "group", "channel" as the door says.
    """

    workspace_id: str
    platform: str
    chat_id: str
    kind: str = ""
    bot: str = ""
    language: str = ""
    known_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LivingMessage:
    """A message that is kept up to date by edits.

    Attributes:
        subject: what it shows, once per chat: "status", "job:ID".
        user_id: the platform's id of the person whose rights and language it has.
        line: what is said again to renew it.
        content_hash: of what it shows now; the same content is not sent again.
    """

    workspace_id: str
    platform: str
    chat_id: str
    subject: str
    thread_id: str = ""
    user_id: str
    message_id: str
    line: str
    content_hash: str
    updated_at: datetime


class Chats(Protocol):
    """What chat doors remember. Workers of one door hold its lease; the wall between workspaces is in every row."""

    async def receive(self, update: ChatUpdate) -> bool:
        """Keep a message to be answered; False when it came before, answered or not."""
        ...

    async def unanswered(self, source: str) -> Sequence[ChatUpdate]: ...
    async def begin(self, workspace_id: str, source: str, message_id: str) -> int:
        """Count a try to answer and give how many there were; 0 when it was answered already."""
        ...

    async def answered(self, workspace_id: str, source: str, message_id: str) -> bool:
        """Say that a message was answered; False when somebody did before."""
        ...

    async def queue(self, reply: ChatReply) -> bool:
        """Keep a reply to be sent; False when one has this key already."""
        ...

    async def queued(self, source: str) -> Sequence[ChatReply]: ...
    async def trying(self, workspace_id: str, dedupe_key: str) -> bool:
        """Say that a reply is about to be sent: from here on it may have arrived. False when it is gone."""
        ...

    async def unsent(self, workspace_id: str, dedupe_key: str) -> None:
        """Say that the last try certainly did not arrive."""
        ...

    async def delivered(self, workspace_id: str, dedupe_key: str) -> None: ...

    async def add_button(self, button: ChatButton) -> None: ...
    async def button(self, platform: str, token_hash: str) -> ChatButton | None: ...
    async def tap(
        self, button: ChatButton, *, chat_id: str, user_id: str, used_by: str, now: datetime
    ) -> Tap:
        """Use a button; a single one at most once, except by the very message that used it."""
        ...

    async def waiting_word(
        self, platform: str, chat_id: str, user_id: str, now: datetime
    ) -> ChatButton | None:
        """Give the newest confirmation that waits for a word typed by a person in a chat."""
        ...

    async def forget_buttons(self, before: datetime) -> int: ...

    async def place(self, platform: str, chat_id: str) -> ChatPlace | None: ...
    async def places(self, platform: str) -> Sequence[ChatPlace]: ...
    async def save_place(self, place: ChatPlace) -> None: ...
    async def forget_place(self, workspace_id: str, platform: str, chat_id: str) -> None: ...

    async def keep_alive(self, message: LivingMessage) -> None: ...
    async def living(self, platform: str) -> Sequence[LivingMessage]: ...
    async def let_die(self, workspace_id: str, platform: str, chat_id: str, subject: str) -> bool: ...

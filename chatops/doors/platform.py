"""What each platform adds to the conversation: how a card looks there, and what is handed to its servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from chatops.cards import Card, File
from chatops.doors.carrier import Carrier
from chatops.doors.heard import Place
from chatops.texts.speaker import Speaker


@dataclass(frozen=True, slots=True)
class Key:
    """A button as a platform draws it: what it says, what a tap sends back, and whether it does harm.

    Attributes:
        needs_word: a word must be typed with it.
    """

    label: str
    token: str
    is_danger: bool = False
    needs_word: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Everything that a reply is made of.

    Attributes:
        pages: of the text, as `Platform.pages` made them; `page` is shown.
        pages_token: leafs through the pages; empty where they all are sent, one after the other.
        picture: PNG; None where there is none or it failed: the text is sent all the same.
        edits: id of the message that this takes the place of; empty for a new one.
        replies_to: id of the message that this belongs to.
        word: the person is asked to type a word.
        again: what labels a message that may come twice, in the person's language.
        extras: of what was heard, such as a platform's own way to answer it.
    """

    place: Place
    speaker: Speaker
    pages: Sequence[Mapping[str, Any]]
    page: int = 0
    pages_token: str = ""
    keys: Sequence[Key] = ()
    picture: bytes | None = None
    picture_name: str = ""
    file: File | None = None
    edits: str = ""
    replies_to: str = ""
    word: str = ""
    again: str = ""
    is_silent: bool = False
    is_pinned: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict)


class Platform(Carrier, Protocol):
    """Telegram, Discord."""

    @property
    def name(self) -> str:
        """The channel of actors and the platform of links: "telegram", "discord"."""
        ...

    @property
    def source(self) -> str:
        """Platform and bot account, such as "telegram:4711"."""
        ...

    def pages(self, card: Card, speaker: Speaker, *, has_picture: bool) -> Sequence[Mapping[str, Any]]:
        """Give a card's text in pages that the platform takes, cut between rows; plain values."""
        ...

    def payloads(self, shown: Shown) -> Sequence[Mapping[str, Any]]:
        """Give what `carry` hands over, in order; plain values."""
        ...

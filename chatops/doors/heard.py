"""What a platform hands over, in words that no platform owns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody on a platform; who that is here, the house looks up each time.

    Attributes:
        user_id: the platform's own id.
        language: as the platform says; used for strangers only.
    """

    platform: str
    user_id: str
    name: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where it was said.

    Attributes:
        thread_id: topic of a group or thread of a channel; empty for none.
    """

    platform: str
    chat_id: str
    thread_id: str = ""
    is_private: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A line that was said or a button that was tapped.

    Attributes:
        source: platform and bot account, such as "telegram:4711".
        message_id: with `source` it names this message for ever; the same again is the same message.
        text: the line; empty for a tap.
        token: of the tapped button.
        page: which page a leafing button asks for.
        typed: the word typed together with a tap, where the platform has forms.
        shown_id: the message that carries the tapped button.
    """

    source: str
    message_id: str
    person: Person
    place: Place
    text: str = ""
    token: str = ""
    page: int = 0
    typed: str = ""
    shown_id: str = ""
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The message's name for ever."""
        return f"{self.source}:{self.message_id}"

    def as_payload(self) -> dict[str, Any]:
        """Give plain values, to be stored until the answer."""
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Heard:
        """Read what `as_payload` gave."""
        given = dict(payload)
        given["person"] = Person(**given["person"])
        given["place"] = Place(**given["place"])
        return cls(**given)

"""What a platform's sender promises, and how it says that something did not arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class NotNow(Exception):
    """The platform certainly did not take it; try again after a while.

    Attributes:
        after_s: how long the platform asked us to wait; None leaves it to us.
    """

    def __init__(self, reason: str, *, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


class AnswerLost(Exception):
    """Bytes went out and no answer came back: it may have arrived."""


class NeverThis(Exception):
    """The platform refused this one for good: the chat is gone, or the person blocked us."""


class DoorDisabled(Exception):
    """The whole door is off until somebody mends it, such as a revoked token."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The platform has it.

    Attributes:
        message_id: the platform's own id; empty where there is none.
    """

    message_id: str = ""


class Carrier(Protocol):
    """Hands a platform's payloads over."""

    async def carry(self, payload: Mapping[str, Any], *, is_repeat: bool) -> Sent:
        """Hand one over; a repeat is labelled as one, because the first may have arrived.

        Raises:
            NotNow, AnswerLost, NeverThis, DoorDisabled.
        """
        ...

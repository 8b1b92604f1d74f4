"""Who asks: ids, roles and actors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import uuid_utils


class Role(IntEnum):
    """Roles, lowest first; each may do what those below it may."""

    STRANGER = 0
    VIEWER = 1
    OPERATOR = 2
    TRADER = 3
    ADMIN = 4
    OWNER = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person or service that asks, with the door it came through.

    Attributes:
        user_id: empty for the house itself.
        channel: "console", "graphql", "telegram", "discord", "webhook", "schedule", "cli" or "system".
        is_read_only: came with a token that may only read.
        session_id: the sign-in, token or chat link that this is; a step-up counts for it alone.
    """

    workspace_id: str
    user_id: str
    name: str
    role: Role
    channel: str
    language: str = "en"
    session_id: str = ""
    is_read_only: bool = False

    @property
    def label(self) -> str:
        """How audit lines and cards name the actor."""
        return f"{self.name}@{self.channel}"


def new_id() -> str:
    """Give a new time-ordered id (UUID version 7, canonical text)."""
    return str(uuid_utils.uuid7())

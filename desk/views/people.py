"""Read models of workspaces, members and tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from desk.identity import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A group of people with their accounts and bots; nothing crosses its wall."""

    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """This database: its id, and how often it was restored from a backup. Both are part of every order id."""

    id: str
    restore_epoch: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in a workspace."""

    user_id: str
    workspace_id: str
    name: str
    email: str
    role: Role
    language: str
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A token without its secret.

    Attributes:
        prefix: how its secret begins, so that a person knows which one it is.
        scopes: "read" may only read, "adhoc" may send documents that the server does not know.
    """

    id: str
    workspace_id: str
    user_id: str
    label: str
    role: Role
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    prefix: str = ""
    scopes: tuple[str, ...] = ()
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A new token with its secret, which is shown this once."""

    token: ApiToken
    secret: str

    def __repr__(self) -> str:
        return f"IssuedToken(token={self.token!r}, secret='***')"

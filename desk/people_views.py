"""Values about people's access: chat links, approvals, credentials. Frozen, as all views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLink:
    """A person's account at a chat platform; authority belongs to (platform, user id), never to a chat."""

    id: str
    workspace_id: str
    user_id: str
    platform: str
    platform_user_id: str
    display_name: str
    verified_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedLinkCode:
    """A one-time code that links a chat account; it is shown this once."""

    code: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"IssuedLinkCode(code='***', expires_at={self.expires_at!r})"


class ApprovalState(StrEnum):
    """Where a request for approval stands."""

    PENDING = "PENDING"  # waits for a second person
    WAITING = "WAITING"  # a single owner's delay runs
    APPROVED = "APPROVED"  # approved, about to be carried out
    DONE = "DONE"
    FAILED = "FAILED"  # approved, but refused when it was carried out
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


#: States that end a request.
SETTLED = frozenset({ApprovalState.DONE, ApprovalState.FAILED, ApprovalState.REJECTED, ApprovalState.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A command that waits for a second person, or for a single owner's delay.

    Attributes:
        code: what people type, e.g. "K7Q2XM"; unique in the workspace.
        detail: the arguments as the audit shows them.
        preview_code, preview_params: the text of what would be done, as of the request.
        is_solo: a single owner asked; it happens by itself at `execute_at` unless somebody cancels.
        execute_at: when a delay ends; None while a person is waited for.
        decided_by: name of who approved, rejected or cancelled.
        outcome: why it failed; empty otherwise.
    """

    id: str
    workspace_id: str
    code: str
    command: str
    command_hash: str
    detail: Mapping[str, Any]
    preview_code: str
    preview_params: Mapping[str, Any]
    state: ApprovalState
    is_solo: bool
    requested_by: str
    requester_name: str
    channel: str
    requested_at: datetime
    expires_at: datetime
    execute_at: datetime | None = None
    decided_by: str = ""
    decided_at: datetime | None = None
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How a person proves who they are.

    Attributes:
        password_hash: argon2id; empty without a password.
        totp_secret: of the second factor; empty without one. `totp_step` is the last one used, so none works twice.
        totp_draft: a second factor that was begun and not yet confirmed.
    """

    user_id: str
    workspace_id: str
    password_hash: str = field(default="", repr=False)
    totp_secret: bytes = field(default=b"", repr=False)
    totp_draft: bytes = field(default=b"", repr=False)
    totp_step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppedUp:
    """A fresh proof of who asks, and until when it counts."""

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpDraft:
    """A new second factor, shown this once; it counts after `ConfirmTotp`."""

    secret: str
    uri: str

    def __repr__(self) -> str:
        return "TotpDraft(secret='***', uri='***')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """How often something failed in a row, and until when it is closed."""

    failures: int
    blocked_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A sign-in of a person: the family of refresh tokens that came from it."""

    id: str
    workspace_id: str
    user_id: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    end_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedInvitation:
    """A one-time code with which somebody chooses a password; it is shown this once."""

    code: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"IssuedInvitation(code='***', expires_at={self.expires_at!r})"


class HookKind(StrEnum):
    """How a hook knows its sender."""

    PATH = "PATH"  # by an unguessable path alone, as TradingView can
    HMAC = "HMAC"  # by a signature over time and body as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A way in for signals of one bot.

    Attributes:
        pairs: what it may speak of; empty = every pair of the bot.
        allow_list: addresses and networks that it listens to; empty = all.
        path_ending: the last four characters of its path, so that a person knows which one it is.
    """

    id: str
    workspace_id: str
    label: str
    kind: HookKind
    bot_id: str
    pairs: tuple[str, ...]
    allow_list: tuple[str, ...]
    path_ending: str
    created_by: str
    created_at: datetime
    rotated_at: datetime | None = None
    deleted_at: datetime | None = None
    last_seen_at: datetime | None = None
    accepted: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedWebhook:
    """A hook with its path (and signing secret), which are shown this once."""

    webhook: Webhook
    path: str = field(repr=False)
    secret: str = field(default="", repr=False)

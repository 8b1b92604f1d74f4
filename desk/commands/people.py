"""Commands about people: members, tokens, chat links, proofs of who they are, and their data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from desk.commands.table import Command, Danger, asks, private
from desk.identity import Role
from desk.secrets import Secret
from trading.events import (
    ApprovalRequested,
    ApprovalSettled,
)


@asks(role=Role.ADMIN)
@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApiToken(Command):
    """Make an API token; it is shown once."""

    label: str
    role: Role = Role.VIEWER
    user_id: str = ""
    is_read_only: bool = False
    may_improvise: bool = True
    lives: timedelta | None = None


@asks(role=Role.ADMIN)
@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeApiToken(Command):
    """End an API token at once."""

    token_id: str


@asks(role=Role.OWNER, danger=Danger.TWO, causes=(ApprovalRequested, ApprovalSettled))
@dataclass(frozen=True, slots=True, kw_only=True)
class AddMember(Command):
    """Add a person to the workspace."""

    name: str
    email: str = private()
    role: Role = Role.VIEWER


@asks(role=Role.OWNER, danger=Danger.TWO, causes=(ApprovalRequested, ApprovalSettled))
@dataclass(frozen=True, slots=True, kw_only=True)
class SetMemberRole(Command):
    """Change what a member may do; the last owner keeps the role."""

    user_id: str
    role: Role


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class CreateChatLinkCode(Command):
    """Make a one-time code that links one's own chat account within 10 minutes; it is shown once."""


@asks(role=Role.VIEWER, reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeChatLink(Command):
    """Unlink a chat account: one's own, or as an admin anybody's."""

    link_id: str


@asks(role=Role.ADMIN, causes=(ApprovalSettled,))
@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveRequest(Command):
    """Agree, as a second person, to a command that waits; it is carried out at once."""

    code: str


@asks(role=Role.VIEWER, causes=(ApprovalSettled,), reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class RejectRequest(Command):
    """Say no to a command that waits, withdraw one's own, or cancel a single owner's delay."""

    code: str


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp(Command):
    """Prove again who one is, with the second factor's code or the password; it counts for five minutes."""

    proof: Secret


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class SetPassword(Command):
    """Choose one's own password; the present one is needed where there is one."""

    password: Secret
    current: Secret = Secret("")  # noqa: RUF009 - a `Secret` cannot change


@asks(role=Role.VIEWER, reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class SignOut(Command):
    """End this sign-in; a token that was used instead stays."""


@asks(role=Role.VIEWER, reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutEverywhere(Command):
    """End every sign-in of one's own, or as an admin of somebody else."""

    user_id: str = ""


@asks(role=Role.OWNER)
@dataclass(frozen=True, slots=True, kw_only=True)
class InviteMember(Command):
    """Make a one-time code with which a member chooses a password within two days; it is shown once."""

    user_id: str


@asks(role=Role.OWNER, danger=Danger.TWO, causes=(ApprovalRequested, ApprovalSettled))
@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMember(Command):
    """Take a person out of the workspace; sign-ins, tokens and chat links end at once."""

    user_id: str


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDataExport(Command):
    """Give everything that is known about oneself, or as an owner about a member, as JSON."""

    user_id: str = ""


@asks(role=Role.VIEWER, danger=Danger.TWO, causes=(ApprovalRequested, ApprovalSettled))
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDataErasure(Command):
    """Erase oneself, or as an owner somebody: personal data cannot be read again, every way in ends."""

    user_id: str = ""


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class BeginTotp(Command):
    """Begin a second factor: its secret is shown once and counts after ConfirmTotp."""


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmTotp(Command):
    """Switch the second factor on, with a code of it; an earlier one ends."""

    proof: Secret


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class SetPreference(Command):
    """Choose one's own language or time zone."""

    language: str = ""
    time_zone: str = private()

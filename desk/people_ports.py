"""What the desk needs of the store about people's access, as protocols; parts of `desk.ports.store.Unit`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from desk.people_views import (
    Approval,
    ApprovalState,
    ChatLink,
    Credentials,
    SignedIn,
    Throttle,
    Webhook,
)


class Links(Protocol):
    """Chat accounts of people, and the one-time codes that link them."""

    async def add_code(
        self, workspace_id: str, *, user_id: str, code_hash: str, at: datetime, expires_at: datetime
    ) -> None:
        """Keep a code by its digest; earlier ones of the person end."""
        ...

    async def codes_since(self, workspace_id: str, user_id: str, since: datetime) -> int: ...
    async def has_code(self, code_hash: str, now: datetime) -> bool: ...
    async def take_code(self, code_hash: str, now: datetime) -> tuple[str, str] | None:
        """Use a code once: (workspace, person), or None when it is unknown, used or too old."""
        ...

    async def add(
        self,
        workspace_id: str,
        *,
        user_id: str,
        platform: str,
        platform_user_id: str,
        display_name: str,
        at: datetime,
    ) -> ChatLink:
        """Link an account; one of the same person at the same platform is replaced.

        Raises:
            Conflict: the account belongs to somebody else.
        """
        ...

    async def by_identity(self, platform: str, platform_user_id: str) -> ChatLink | None:
        """Give the link of an account, in whatever workspace; None when there is none."""
        ...

    async def all(self, workspace_id: str, *, user_id: str = "", platform: str = "") -> Sequence[ChatLink]:
        """Give the links in use, oldest first; of one person or platform where asked."""
        ...

    async def revoke(self, workspace_id: str, link_id: str, at: datetime) -> bool: ...


class Approvals(Protocol):
    """Commands that wait for a second person or for a delay."""

    async def add(self, approval: Approval, arguments: str) -> bool:
        """Write a request; False when its code is in use."""
        ...

    async def by_id(self, workspace_id: str, approval_id: str) -> Approval | None: ...
    async def by_code(self, workspace_id: str, code: str) -> Approval | None: ...
    async def arguments(self, workspace_id: str, approval_id: str) -> str:
        """Give the arguments as they were written; empty once it is settled."""
        ...

    async def same(
        self, workspace_id: str, *, requested_by: str, command_hash: str, now: datetime
    ) -> Approval | None:
        """Give the open request of the same person for exactly the same."""
        ...

    async def recent(self, workspace_id: str, limit: int = 100) -> Sequence[Approval]:
        """Give the newest requests, newest first."""
        ...

    async def move(
        self,
        workspace_id: str,
        approval_id: str,
        *,
        before: Collection[ApprovalState],
        after: ApprovalState,
        at: datetime,
        decided_by: str | None = None,
        decider_id: str | None = None,
        outcome: str = "",
    ) -> bool:
        """Go from one state to another; False when it stood elsewhere. A settled request forgets its arguments."""
        ...

    async def decider(self, workspace_id: str, approval_id: str) -> str:
        """Give the id of the person who decided; empty when nobody did."""
        ...

    async def due(self, now: datetime) -> Sequence[Approval]:
        """Give what must be looked at, of all workspaces: approved, past its delay, or too old."""
        ...


class SignIns(Protocol):
    """Sign-ins, their refresh tokens, and invitations."""

    async def add(self, session: SignedIn) -> None: ...
    async def by_id(self, workspace_id: str, session_id: str) -> SignedIn | None: ...
    async def of_user(self, workspace_id: str, user_id: str) -> Sequence[SignedIn]: ...
    async def add_refresh(self, session: SignedIn, token_hash: str, at: datetime) -> None: ...
    async def take_refresh(self, token_hash: str, at: datetime) -> tuple[SignedIn, bool] | None:
        """Use a refresh token: its sign-in, and whether this was the first use; None when it is unknown."""
        ...

    async def revoke(self, workspace_id: str, session_id: str, at: datetime, reason: str) -> bool: ...
    async def revoke_all(self, workspace_id: str, user_id: str, at: datetime, reason: str) -> int: ...
    async def add_invitation(
        self, workspace_id: str, *, user_id: str, code_hash: str, at: datetime, expires_at: datetime
    ) -> None: ...
    async def invited(self, code_hash: str, now: datetime) -> tuple[str, str] | None: ...
    async def take_invitation(self, code_hash: str, now: datetime) -> bool: ...


class Hooks(Protocol):
    """Ways in for signals."""

    async def add(self, hook: Webhook, *, path_hash: str, secret: str) -> None: ...
    async def all(self, workspace_id: str) -> Sequence[Webhook]: ...
    async def by_path(self, path_hash: str) -> tuple[Webhook, str] | None:
        """Give the hook of a path with its signing secret, in whatever workspace."""
        ...

    async def rotate(
        self, workspace_id: str, hook_id: str, *, path_hash: str, path_ending: str, secret: str, at: datetime
    ) -> bool: ...
    async def delete(self, workspace_id: str, hook_id: str, at: datetime) -> bool: ...
    async def seen(self, workspace_id: str, hook_id: str, at: datetime, *, is_accepted: bool) -> None: ...


class Privacy(Protocol):
    """A person's data as a whole."""

    async def is_known(self, workspace_id: str, user_id: str) -> bool: ...
    async def facts_of(self, workspace_id: str, user_id: str) -> Mapping[str, str]: ...
    async def rows_of(self, workspace_id: str, user_id: str) -> Mapping[str, Sequence[Mapping[str, Any]]]: ...
    async def erase(self, workspace_id: str, user_id: str, pseudonym: str) -> None:
        """Destroy a person's key and rows; what must stay goes by the pseudonym."""
        ...


class Proofs(Protocol):
    """Passwords, second factors, fresh proofs, and how often somebody failed."""

    async def credentials(self, workspace_id: str, user_id: str) -> Credentials:
        """Give a person's credentials; empty ones where there are none."""
        ...

    async def save_credentials(self, credentials: Credentials, at: datetime) -> None: ...
    async def use_totp_step(self, workspace_id: str, user_id: str, step: int) -> bool:
        """Use a time step of a second factor up; False when it (or a later one) was used."""
        ...

    async def stepped_up_until(self, workspace_id: str, user_id: str, session: str) -> datetime | None: ...
    async def step_up(self, workspace_id: str, user_id: str, session: str, until: datetime) -> None: ...
    async def end_step_ups(self, workspace_id: str, user_id: str) -> None: ...
    async def throttle(self, key: str) -> Throttle: ...
    async def failed(self, key: str, blocked_until: datetime | None, at: datetime) -> None:
        """Count a failure."""
        ...

    async def clear(self, key: str) -> None: ...

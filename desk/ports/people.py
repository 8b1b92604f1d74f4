"""Where workspaces, members and their tokens are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from desk.identity import Role
from desk.venue_port import OrderRequest as OrderRequest
from desk.venue_port import Placement as Placement
from desk.venue_port import Venue as Venue
from desk.views import (
    ApiToken,
    Install,
    Member,
    Workspace,
)


class Workspaces(Protocol):
    """Workspaces and the install itself."""

    async def create(self, name: str) -> Workspace: ...
    async def all(self) -> Sequence[Workspace]: ...
    async def by_id(self, workspace_id: str) -> Workspace | None: ...
    async def install(self) -> Install:
        """Give this database's id and restore epoch; the first call names it for ever."""
        ...

    async def count_restore(self) -> int:
        """Count up the restore epoch after a restore, and give it."""
        ...


class Members(Protocol):
    """People, roles and tokens. A token's secret is stored as a SHA-256 hash only."""

    async def add(self, workspace_id: str, *, name: str, email: str, role: Role) -> Member: ...
    async def all(self, workspace_id: str) -> Sequence[Member]: ...
    async def by_name(self, workspace_id: str, name: str) -> Member | None: ...
    async def by_id(self, workspace_id: str, user_id: str) -> Member | None: ...
    async def by_login(self, workspace_id: str, login: str) -> Member | None:
        """Give a person by name or e-mail address, whatever its capitals."""
        ...

    async def remove(self, workspace_id: str, user_id: str) -> None: ...
    async def set_role(self, workspace_id: str, user_id: str, role: Role) -> None: ...
    async def set_preference(
        self, workspace_id: str, user_id: str, *, language: str, time_zone: str
    ) -> None: ...
    async def add_token(
        self,
        workspace_id: str,
        *,
        user_id: str,
        label: str,
        role: Role,
        secret_hash: str,
        expires_at: datetime | None,
        prefix: str = "",
        scopes: Sequence[str] = (),
    ) -> ApiToken: ...
    async def token_used(self, workspace_id: str, token_id: str, at: datetime) -> None: ...
    async def revoke_tokens_of(self, workspace_id: str, user_id: str, at: datetime) -> int: ...
    async def tokens(self, workspace_id: str) -> Sequence[ApiToken]: ...
    async def token_by_hash(self, secret_hash: str) -> ApiToken | None: ...
    async def revoke_token(self, workspace_id: str, token_id: str, at: datetime) -> bool: ...

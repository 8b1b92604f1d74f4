"""People, roles and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from desk.clock import Clock
from desk.identity import Role, new_id
from desk.keyring import KeyRing
from desk.store.connection import Connection, Row
from desk.store.models import TokenRow
from desk.store.repositories.personal import EMAIL, Personal
from desk.store.table import Table, Where, insert, insert_new, must_be_new, update
from desk.views import ApiToken, Member
from trading.errors import Conflict, NotFound

TOKENS = Table(TokenRow, ApiToken)

_MEMBERS = (
    "SELECT m.user_id, m.workspace_id, m.name, k.sealed_key, p.sealed, m.role, u.language, u.time_zone "
    "FROM members m JOIN users u ON u.id = m.user_id LEFT JOIN person_keys k ON k.user_id = m.user_id "
    "LEFT JOIN personal_data p ON p.user_id = m.user_id AND p.kind = 'email' WHERE m.workspace_id = ?"
)


class SqlMembers:
    """People, roles and tokens."""

    def __init__(self, tx: Connection, clock: Clock, ring: KeyRing | None) -> None:
        self._tx = tx
        self._clock = clock
        self._personal = Personal(tx, clock, ring)

    async def add(self, workspace_id: str, *, name: str, email: str, role: Role) -> Member:
        """Add a person.

        Raises:
            Conflict: the name or the address is taken in this workspace.
        """
        now = self._clock.now()
        user_id = new_id()
        user = {
            "id": user_id,
            "workspace_id": workspace_id,
            "email": "",
            "language": "en",
            "time_zone": "UTC",
            "created_at": now,
        }
        member = {
            "workspace_id": workspace_id,
            "user_id": user_id,
            "name": name,
            "role": role,
            "created_at": now,
        }
        await insert(self._tx, "users", user)
        if not await insert_new(self._tx, "members", member):
            raise Conflict(f"Member '{name}' is there already; another name is allowed.")
        await self._personal.put(workspace_id, user_id, EMAIL, email)
        return Member(
            user_id=user_id,
            workspace_id=workspace_id,
            name=name,
            email=email,
            role=role,
            language="en",
            time_zone="UTC",
        )

    async def all(self, workspace_id: str) -> Sequence[Member]:
        """Give everybody, in the order they came."""
        return [self._member(row) for row in await self._tx.rows(_MEMBERS + " ORDER BY m.id", workspace_id)]

    async def by_name(self, workspace_id: str, name: str) -> Member | None:
        """Give a person by name."""
        row = await self._tx.row(_MEMBERS + " AND m.name = ?", workspace_id, name)
        return None if row is None else self._member(row)

    async def by_id(self, workspace_id: str, user_id: str) -> Member | None:
        """Give a person by id."""
        row = await self._tx.row(_MEMBERS + " AND m.user_id = ?", workspace_id, user_id)
        return None if row is None else self._member(row)

    async def set_role(self, workspace_id: str, user_id: str, role: Role) -> None:
        """Give a person another role.

        Raises:
            NotFound: nobody by that id in this workspace.
        """
        where = Where(workspace_id=workspace_id, user_id=user_id)
        if not await update(self._tx, "members", {"role": role}, where):
            raise _nobody(user_id)

    async def set_preference(self, workspace_id: str, user_id: str, *, language: str, time_zone: str) -> None:
        """Say how a person reads texts and times.

        Raises:
            NotFound: nobody by that id in this workspace.
        """
        changes = {"language": language, "time_zone": time_zone}
        if not await update(self._tx, "users", changes, Where(workspace_id=workspace_id, id=user_id)):
            raise _nobody(user_id)

    async def add_token(
        self,
        workspace_id: str,
        *,
        user_id: str,
        label: str,
        role: Role,
        secret_hash: str,
        expires_at: datetime | None,
    ) -> ApiToken:
        """Keep a token by the digest of its secret.

        Raises:
            Conflict: the very secret is in use.
        """
        token = ApiToken(
            id=new_id(),
            workspace_id=workspace_id,
            user_id=user_id,
            label=label,
            role=role,
            created_at=self._clock.now(),
            expires_at=expires_at,
        )
        await must_be_new(self._tx, TOKENS, token, "A token with this secret", secret_hash=secret_hash)
        return token

    async def tokens(self, workspace_id: str) -> Sequence[ApiToken]:
        """Give every token, oldest first, revoked ones too."""
        return await TOKENS.find(self._tx, Where(workspace_id=workspace_id), order="created_at, id")

    async def token_by_hash(self, secret_hash: str) -> ApiToken | None:
        """Give the token of a secret, in whatever workspace; the caller looks at its end."""
        return await TOKENS.one(self._tx, Where(secret_hash=secret_hash))

    async def revoke_token(self, workspace_id: str, token_id: str, at: datetime) -> bool:
        """End a token; False when there is none or it had ended."""
        where = Where(workspace_id=workspace_id, id=token_id).add("revoked_at IS NULL")
        return await update(self._tx, "tokens", {"revoked_at": at}, where) == 1

    def _member(self, row: Row) -> Member:
        return Member(
            user_id=row[0],
            workspace_id=row[1],
            name=row[2],
            email=self._personal.open(str(row[0]), EMAIL, row[3], row[4]),
            role=Role(row[5]),
            language=row[6],
            time_zone=row[7],
        )


def _nobody(user_id: str) -> NotFound:
    return NotFound(
        f"Nobody with the id '{user_id}' is in this workspace.", hint="List the members for their ids."
    )

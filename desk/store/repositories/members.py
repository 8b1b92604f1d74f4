"""People, roles and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from desk.clock import Clock
from desk.identity import Role, new_id
from desk.keyring import KeyRing
from desk.store.codec import from_json, moment
from desk.store.connection import Connection, Row
from desk.store.models import TokenRow
from desk.store.repositories.personal import EMAIL, Personal
from desk.store.table import Table, Where, insert, insert_new, must_be_new, update
from desk.views import ApiToken, Member
from trading.errors import Conflict, NotFound

TOKENS = Table(TokenRow, ApiToken, derived={"prefix": "", "scopes": (), "last_used_at": None})

_FACTS = "SELECT token_id, prefix, scopes, last_used_at FROM token_facts"

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

    async def by_login(self, workspace_id: str, login: str) -> Member | None:
        """Give a person by name or e-mail address, whatever its capitals."""
        user_id = await self._personal.owner_of(workspace_id, EMAIL, login)
        if user_id:
            return await self.by_id(workspace_id, user_id)
        named = [one for one in await self.all(workspace_id) if one.name.casefold() == login.casefold()]
        return named[0] if len(named) == 1 else None

    async def remove(self, workspace_id: str, user_id: str) -> None:
        """Take a person out of the workspace; personal data stay until they are erased.

        Raises:
            NotFound: nobody by that id in this workspace.
        """
        gone = await self._tx.change(
            "DELETE FROM members WHERE workspace_id = ? AND user_id = ?", workspace_id, user_id
        )
        if not gone:
            raise _nobody(user_id)

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
        prefix: str = "",
        scopes: Sequence[str] = (),
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
            prefix=prefix,
            scopes=tuple(scopes),
        )
        await must_be_new(self._tx, TOKENS, token, "A token with this secret", secret_hash=secret_hash)
        facts = {
            "token_id": token.id,
            "workspace_id": workspace_id,
            "prefix": prefix,
            "scopes": list(scopes),
            "last_used_at": None,
        }
        await insert(self._tx, "token_facts", facts, ("scopes",))
        return token

    async def tokens(self, workspace_id: str) -> Sequence[ApiToken]:
        """Give every token, oldest first, revoked ones too."""
        found = await TOKENS.find(self._tx, Where(workspace_id=workspace_id), order="created_at, id")
        rows = await self._tx.rows(_FACTS + " WHERE workspace_id = ?", workspace_id)
        facts = {str(row[0]): row for row in rows}
        return [_with_facts(one, facts.get(one.id)) for one in found]

    async def token_by_hash(self, secret_hash: str) -> ApiToken | None:
        """Give the token of a secret, in whatever workspace; the caller looks at its end."""
        found = await TOKENS.one(self._tx, Where(secret_hash=secret_hash))
        if found is None:
            return None
        return _with_facts(found, await self._tx.row(_FACTS + " WHERE token_id = ?", found.id))

    async def token_used(self, workspace_id: str, token_id: str, at: datetime) -> None:
        """Note when a token was last used."""
        where = Where(workspace_id=workspace_id, token_id=token_id)
        await update(self._tx, "token_facts", {"last_used_at": at}, where)

    async def revoke_tokens_of(self, workspace_id: str, user_id: str, at: datetime) -> int:
        """End every token of a person; give how many."""
        where = Where(workspace_id=workspace_id, user_id=user_id).add("revoked_at IS NULL")
        return await update(self._tx, "tokens", {"revoked_at": at}, where)

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


def _with_facts(token: ApiToken, row: Row | None) -> ApiToken:
    if row is None:
        return token
    used = None if row[3] is None else moment(row[3])
    return replace(token, prefix=row[1], scopes=tuple(from_json(row[2])), last_used_at=used)


def _nobody(user_id: str) -> NotFound:
    return NotFound(
        f"Nobody with the id '{user_id}' is in this workspace.", hint="List the members for their ids."
    )

"""Keys to accounts at exchanges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import orjson

from desk.clock import Clock
from desk.exchange_ports import ExchangeKey, ExchangeSecret
from desk.keyring import KeyRing
from desk.secrets import Secret
from desk.store.connection import Connection
from desk.store.models import ExchangeKeyRow
from desk.store.repositories.personal import Personal
from desk.store.table import Table, Where, update

KEYS = Table(ExchangeKeyRow, ExchangeKey)


class SqlExchangeKeys:
    """Keys; each is sealed with a data key of its account, which the key file seals in turn."""

    def __init__(self, tx: Connection, clock: Clock, ring: KeyRing | None) -> None:
        self._tx = tx
        self._personal = Personal(tx, clock, ring)

    async def add(self, key: ExchangeKey, secret: ExchangeSecret) -> None:
        """Write a key."""
        await KEYS.insert(self._tx, key, sealed=await self._sealed(key, secret))

    async def all(self, workspace_id: str) -> Sequence[ExchangeKey]:
        """Give every key, oldest first, disabled ones too."""
        return await KEYS.find(self._tx, Where(workspace_id=workspace_id), order="created_at, id")

    async def by_account(self, workspace_id: str, account_id: str) -> ExchangeKey | None:
        """Give the key of an account."""
        return await KEYS.one(self._tx, Where(workspace_id=workspace_id, id=account_id))

    async def open(self, workspace_id: str, account_id: str) -> ExchangeSecret | None:
        """Open a key that is in use.

        Raises:
            StoreProblem: the row was changed, moved, or belongs to another key file.
        """
        key = await self.by_account(workspace_id, account_id)
        if key is None or key.disabled_at is not None:
            return None
        row = await self._tx.row("SELECT sealed FROM exchange_keys WHERE id = ?", account_id)
        sealed = "" if row is None else str(row[0])
        opened = await self._personal.open_secret(workspace_id, _owner(key), _context(key), sealed)
        found = orjson.loads(opened)
        return ExchangeSecret(
            api_key=Secret(found["key"]),
            api_secret=Secret(found["secret"]),
            passphrase=Secret(found["passphrase"]),
        )

    async def rotate(self, key: ExchangeKey, secret: ExchangeSecret, at: datetime) -> ExchangeKey | None:
        """Put another key in the place of one; None when it is not that version any more."""
        renewed = replace(key, version=key.version + 1, rotated_at=at, disabled_at=None)
        changes = {
            "version": renewed.version,
            "key_ending": renewed.key_ending,
            "withdrawal": renewed.withdrawal,
            "is_sandbox": renewed.is_sandbox,
            "rotated_at": at,
            "disabled_at": None,
            "sealed": await self._sealed(renewed, secret),
        }
        where = Where(workspace_id=key.workspace_id, id=key.id, version=key.version)
        return renewed if await update(self._tx, "exchange_keys", changes, where) else None

    async def disable(self, workspace_id: str, account_id: str, at: datetime) -> bool:
        """Forget a key: what sealed it is destroyed, so that no backup of the row opens either."""
        key = await self.by_account(workspace_id, account_id)
        if key is None or key.disabled_at is not None:
            return False
        changes = {"disabled_at": at, "sealed": ""}
        await update(self._tx, "exchange_keys", changes, Where(workspace_id=workspace_id, id=account_id))
        await self._personal.erase(workspace_id, _owner(key))
        return True

    async def _sealed(self, key: ExchangeKey, secret: ExchangeSecret) -> str:
        plain = orjson.dumps(
            {
                "key": secret.api_key.reveal(),
                "secret": secret.api_secret.reveal(),
                "passphrase": secret.passphrase.reveal(),
            }
        )
        return await self._personal.seal_secret(key.workspace_id, _owner(key), _context(key), plain)


def _owner(key: ExchangeKey) -> str:
    return f"exchange:{key.id}"


def _context(key: ExchangeKey) -> str:
    return f"{key.workspace_id}:{key.venue}:v{key.version}"

"""Accounts at exchanges: adding one with its key, renewing the key, ending it. Keys go in and never come out."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from api.context import Info
from api.ids import global_id, own_id
from api.mutation import Done, Payload, carry_out, mutates
from api.node import shaped
from api.permissions import reads
from desk import exchange_ports as ports
from desk.commands import AddExchangeAccount, DisableExchangeAccount, RotateExchangeKey
from desk.handlers.exchanges import ExchangeAccount
from desk.identity import Role
from desk.secrets import Secret


@strawberry.type(description="A key to an account at an exchange, as far as it is shown.")
class ExchangeKey:
    """A key without the key."""

    account_id: strawberry.ID
    venue: str
    version: int
    key_masked: str
    withdrawal: str = strawberry.field(description="Why it is taken that the key cannot withdraw.")
    is_sandbox: bool
    created_by: str
    created_at: datetime
    rotated_at: datetime | None
    disabled_at: datetime | None


@strawberry.input
class AddExchangeAccountInput:
    """The exchange, the key, and what the account is called."""

    idempotency_key: UUID
    name: str
    venue: str = strawberry.field(description="binance, kraken, okx, coinbase, cryptocom or mt5.")
    api_key: str
    api_secret: str
    passphrase: str = ""
    currency: str = "USDT"
    sandbox: bool = False
    cannot_withdraw: bool = strawberry.field(
        default=False,
        description="Your word that the key cannot withdraw, where the exchange does not say it.",
    )


@strawberry.input
class RotateExchangeKeyInput:
    """Which account, and its new key."""

    idempotency_key: UUID
    account_id: strawberry.ID
    api_key: str
    api_secret: str
    passphrase: str = ""
    cannot_withdraw: bool = False
    expected_version: int | None = strawberry.field(
        default=None, description="The key's `version` that was seen; another one is a VERSION_CONFLICT."
    )


@strawberry.input
class DisableExchangeAccountInput:
    """Which account."""

    idempotency_key: UUID
    account_id: strawberry.ID
    expected_version: int | None = strawberry.field(
        default=None, description="The key's `version` that was seen; another one is a VERSION_CONFLICT."
    )


@strawberry.type
class ExchangeKeyPayload(Payload):
    """The key as far as it is shown."""

    exchange_key: ExchangeKey | None = None


@strawberry.type
class AddExchangeAccountPayload(ExchangeKeyPayload):
    """The new account's key."""


@strawberry.type
class RotateExchangeKeyPayload(ExchangeKeyPayload):
    """The account's new key."""


@strawberry.type
class DisableExchangeAccountPayload(ExchangeKeyPayload):
    """The key that was forgotten."""


def exchange_key(view: ports.ExchangeKey) -> ExchangeKey:
    """Give a key as far as it is shown."""
    return shaped(
        ExchangeKey, view, account_id=global_id("Account", view.id), key_masked=f"…{view.key_ending}"
    )


@strawberry.type
class ExchangeQueries:
    """Root fields about keys to exchanges."""

    @reads(Role.ADMIN)
    async def exchange_keys(self, info: Info) -> list[ExchangeKey]:
        """The keys of accounts at exchanges, oldest first; disabled ones too."""
        async with info.context.house.store.reading() as unit:
            found = await unit.exchange_keys.all(info.context.workspace_id)
        return [exchange_key(one) for one in found]


@strawberry.type
class ExchangeMutations:
    """Mutations about accounts at exchanges."""

    @mutates(AddExchangeAccount)
    async def add_exchange_account(
        self, info: Info, input: AddExchangeAccountInput
    ) -> AddExchangeAccountPayload:
        """Add an account with its key; the key is tried at the exchange first."""
        done = await carry_out(
            info,
            lambda: AddExchangeAccount(
                name=input.name,
                venue=input.venue,
                api_key=Secret(input.api_key),
                api_secret=Secret(input.api_secret),
                passphrase=Secret(input.passphrase),
                currency=input.currency,
                sandbox=input.sandbox,
                cannot_withdraw=input.cannot_withdraw,
            ),
            key=input.idempotency_key,
        )
        return AddExchangeAccountPayload(**await _shown(info, done))

    @mutates(RotateExchangeKey)
    async def rotate_exchange_key(
        self, info: Info, input: RotateExchangeKeyInput
    ) -> RotateExchangeKeyPayload:
        """Renew an account's key; the new one is tried first."""
        done = await carry_out(
            info,
            lambda: RotateExchangeKey(
                account_id=own_id("Account", input.account_id),
                api_key=Secret(input.api_key),
                api_secret=Secret(input.api_secret),
                passphrase=Secret(input.passphrase),
                cannot_withdraw=input.cannot_withdraw,
                expected_version=input.expected_version,
            ),
            key=input.idempotency_key,
        )
        return RotateExchangeKeyPayload(**await _shown(info, done, input.account_id))

    @mutates(DisableExchangeAccount)
    async def disable_exchange_account(
        self, info: Info, input: DisableExchangeAccountInput
    ) -> DisableExchangeAccountPayload:
        """Forget an account's key."""
        done = await carry_out(
            info,
            lambda: DisableExchangeAccount(
                account_id=own_id("Account", input.account_id), expected_version=input.expected_version
            ),
            key=input.idempotency_key,
        )
        return DisableExchangeAccountPayload(**await _shown(info, done, input.account_id))


async def _shown(info: Info, done: Done, named: str = "") -> dict[str, Any]:
    """Give the fields of a payload; where the key of the account `named` moved on, it is shown as it is now."""
    key = done.view.key if isinstance(done.view, ExchangeAccount) and not done.errors else None
    if done.has_moved and named:
        async with info.context.house.store.reading() as unit:
            key = await unit.exchange_keys.by_account(info.context.workspace_id, own_id("Account", named))
    return {
        "user_errors": done.errors,
        "idempotent_replay": done.is_replay,
        "exchange_key": exchange_key(key) if key is not None else None,
    }

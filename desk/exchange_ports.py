"""Keys to accounts at exchanges: what is shown of them, how they are kept, how they are tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from desk.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSecret:
    """What opens an account at an exchange; it is never shown again."""

    api_key: Secret
    api_secret: Secret
    passphrase: Secret = Secret("")  # noqa: RUF009 - a `Secret` cannot change


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeKey:
    """A key as people see it.

    Attributes:
        id: of the account that it opens.
        version: counts up with each new key; part of what the sealed key is bound to.
        key_ending: the last characters of the API key.
        withdrawal: "refused by the venue", or who said that it cannot withdraw where the venue does not say.
    """

    id: str
    workspace_id: str
    venue: str
    version: int
    key_ending: str
    withdrawal: str
    is_sandbox: bool
    created_by: str
    created_at: datetime
    rotated_at: datetime | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedKey:
    """What an exchange says of a key; None = it does not say."""

    can_trade: bool | None
    can_withdraw: bool | None
    totals: Mapping[str, Decimal]


class KeyProbe(Protocol):
    """Tries a key at its exchange."""

    def venues(self) -> Sequence[str]:
        """Give the exchanges that can be reached."""
        ...

    async def probe(self, venue: str, secret: ExchangeSecret, *, is_sandbox: bool) -> ProbedKey:
        """Ask what the key may do and what its account holds.

        Raises:
            VenueProblem: the exchange refused the key or could not be asked.
        """
        ...


class ExchangeKeys(Protocol):
    """Keys, sealed with AES-256-GCM and bound to workspace, account, exchange and version."""

    async def add(self, key: ExchangeKey, secret: ExchangeSecret) -> None: ...
    async def all(self, workspace_id: str) -> Sequence[ExchangeKey]: ...
    async def by_account(self, workspace_id: str, account_id: str) -> ExchangeKey | None: ...
    async def open(self, workspace_id: str, account_id: str) -> ExchangeSecret | None:
        """Open a key that is in use; None when there is none or it was disabled."""
        ...

    async def rotate(self, key: ExchangeKey, secret: ExchangeSecret, at: datetime) -> ExchangeKey | None:
        """Put another key in the place of one; it is in use again. None when it is not that version any more."""
        ...

    async def disable(self, workspace_id: str, account_id: str, at: datetime) -> bool:
        """Forget a key; False when there was none in use."""
        ...

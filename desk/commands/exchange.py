"""Commands about accounts at exchanges and their keys."""

from __future__ import annotations

from dataclasses import dataclass

from desk.commands.table import Command, asks
from desk.identity import Role
from desk.secrets import Secret


@asks(role=Role.OWNER, needs_step_up=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class AddExchangeAccount(Command):
    """Add an account at an exchange with its key; a key that can withdraw is refused.

    Attributes:
        venue: "binance", "kraken", "okx", "coinbase", "cryptocom" or "mt5".
        currency: what the account's capital is counted in.
        sandbox: the exchange's test environment.
        cannot_withdraw: the asker's word, where the exchange does not say it of the key.
    """

    name: str
    venue: str
    api_key: Secret
    api_secret: Secret
    passphrase: Secret = Secret("")  # noqa: RUF009 - a `Secret` cannot change
    currency: str = "USDT"
    sandbox: bool = False
    cannot_withdraw: bool = False


@asks(role=Role.OWNER, needs_step_up=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class RotateExchangeKey(Command):
    """Put another key in the place of an exchange account's; the old one is forgotten.

    Attributes:
        expected_version: of the key, as the asker saw it; None = whatever it is.
    """

    account_id: str
    api_key: Secret
    api_secret: Secret
    passphrase: Secret = Secret("")  # noqa: RUF009 - a `Secret` cannot change
    cannot_withdraw: bool = False
    expected_version: int | None = None


@asks(role=Role.ADMIN, needs_step_up=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class DisableExchangeAccount(Command):
    """Forget the key of an exchange account; its trades stay.

    Attributes:
        expected_version: of the key, as the asker saw it; None = whatever it is.
    """

    account_id: str
    expected_version: int | None = None

"""Accounts at exchanges: adding one with its key, renewing the key, ending it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from desk.commands import AddExchangeAccount, DisableExchangeAccount, RotateExchangeKey
from desk.desk import Desk, Handling
from desk.exchange_ports import ExchangeKey, ExchangeSecret, KeyProbe, ProbedKey
from desk.handlers.finding import account_of, require_version
from desk.identity import Actor
from desk.ports import Store
from desk.secrets import Secret
from desk.views import Account
from trading.errors import Conflict, Denied, InvalidInput, NotFound, nearest
from trading.events import Desired

#: Accounts of a workspace at most.
MOST_ACCOUNTS = 50
#: Longest part of a key; the longest real ones are PEM texts.
MOST_CHARS = 8_000
#: Shortest one: a MetaTrader login.
LEAST_CHARS = 4

_NAME = re.compile(r"[^\W_][\w .\-]{0,39}", re.UNICODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeAccount:
    """An account with what is shown of its key."""

    account: Account
    key: ExchangeKey


class ExchangeHandlers:
    """Does what concerns accounts at exchanges.

    Args:
        store: read before a key is tried, so that no network is waited for in a transaction.
        probe: tries keys; None where this process reaches no exchange.
    """

    def __init__(self, store: Store, probe: KeyProbe | None) -> None:
        self._store = store
        self._probe = probe

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(AddExchangeAccount, self.add, before=self.try_new)
        desk.handle(RotateExchangeKey, self.rotate, before=self.try_other)
        desk.handle(DisableExchangeAccount, self.disable)

    async def try_new(self, command: AddExchangeAccount, actor: Actor) -> ProbedKey:
        """Try the key of a new account."""
        _check_name(command.name)
        return await self._tried(
            command.venue, _secret_of(command), is_sandbox=command.sandbox, vouched=command.cannot_withdraw
        )

    async def try_other(self, command: RotateExchangeKey, actor: Actor) -> ProbedKey:
        """Try the key that shall take the place of another."""
        async with self._store.reading() as tx:
            key = await tx.exchange_keys.by_account(actor.workspace_id, command.account_id)
        if key is None:
            raise _no_key(command.account_id)
        require_version(_what(command.account_id), command.expected_version, key.version)
        return await self._tried(
            key.venue, _secret_of(command), is_sandbox=key.is_sandbox, vouched=command.cannot_withdraw
        )

    async def add(self, command: AddExchangeAccount, handling: Handling) -> ExchangeAccount:
        """Write the account and its sealed key; its capital is what it holds of its currency."""
        tx, actor = handling.tx, handling.actor
        probed: ProbedKey = handling.prepared
        existing = await tx.accounts.all(actor.workspace_id)
        if len(existing) >= MOST_ACCOUNTS:
            raise Conflict(f"{MOST_ACCOUNTS} accounts exist, as many as are allowed.")
        name = " ".join(command.name.split())
        if name.casefold() in {one.name.casefold() for one in existing}:
            raise Conflict(f"An account named '{name}' exists.", hint="Choose another name.")
        account = await tx.accounts.create(
            actor.workspace_id,
            name=name,
            venue=command.venue,
            # Also where the money is not real: its orders go to the venue, none is filled in here.
            is_live=True,
            currency=command.currency.upper(),
            capital=probed.totals.get(command.currency.upper(), Decimal(0)),
            settings={},
        )
        key = ExchangeKey(
            id=account.id,
            workspace_id=actor.workspace_id,
            venue=command.venue,
            version=1,
            key_ending=_ending(command.api_key),
            withdrawal=_withdrawal(probed, actor),
            is_sandbox=command.sandbox,
            created_by=actor.name,
            created_at=handling.now,
        )
        await tx.exchange_keys.add(key, _secret_of(command))
        return ExchangeAccount(account=account, key=key)

    async def rotate(self, command: RotateExchangeKey, handling: Handling) -> ExchangeAccount:
        """Put the new key in the place of the old one."""
        tx, actor = handling.tx, handling.actor
        account = await account_of(tx, actor, command.account_id)
        key = await tx.exchange_keys.by_account(actor.workspace_id, account.id)
        if key is None:
            raise _no_key(command.account_id)
        require_version(_what(account.name), command.expected_version, key.version)
        wanted = replace(
            key,
            key_ending=_ending(command.api_key),
            withdrawal=_withdrawal(handling.prepared, actor),
        )
        renewed = await tx.exchange_keys.rotate(wanted, _secret_of(command), handling.now)
        if renewed is None:
            raise Conflict(
                f"{_what(account.name)} was changed meanwhile.",
                hint="Look at it as it is now, then ask again.",
            )
        return ExchangeAccount(account=account, key=renewed)

    async def disable(self, command: DisableExchangeAccount, handling: Handling) -> ExchangeAccount:
        """Forget a key; refused while bots of the account work."""
        tx, actor = handling.tx, handling.actor
        account = await account_of(tx, actor, command.account_id)
        present = await tx.exchange_keys.by_account(actor.workspace_id, account.id)
        if present is not None:
            require_version(_what(account.name), command.expected_version, present.version)
        working = [
            one.name
            for one in await tx.bots.of_account(actor.workspace_id, account.id)
            if one.desired is not Desired.STOPPED
        ]
        held = await tx.positions.open(actor.workspace_id, account.id)
        if working or held:
            raise Conflict(
                f"'{account.name}' has {len(working)} bots at work and {len(held)} open positions; none are allowed.",
                hint="Stop the bots and close the positions first: without the key nobody can.",
            )
        if not await tx.exchange_keys.disable(actor.workspace_id, account.id, handling.now):
            raise _no_key(command.account_id)
        key = await tx.exchange_keys.by_account(actor.workspace_id, account.id)
        assert key is not None, "a disabled key keeps its row"
        return ExchangeAccount(account=account, key=key)

    async def _tried(
        self, venue: str, secret: ExchangeSecret, *, is_sandbox: bool, vouched: bool
    ) -> ProbedKey:
        if self._probe is None:
            raise Conflict("This process reaches no exchange.", hint="Ask the process that trades.")
        if venue not in self._probe.venues():
            raise InvalidInput(
                f"Exchange '{venue[:40]}' was named; {', '.join(self._probe.venues())} are allowed.",
                hint=nearest(venue, self._probe.venues()) or None,
            )
        for name, part in (("API key", secret.api_key), ("API secret", secret.api_secret)):
            if not LEAST_CHARS <= len(part.reveal()) <= MOST_CHARS:
                raise InvalidInput(
                    f"The {name} has {len(part.reveal())} characters; {LEAST_CHARS} to {MOST_CHARS} are allowed."
                )
        probed = await self._probe.probe(venue, secret, is_sandbox=is_sandbox)
        if probed.can_withdraw:
            raise Denied(
                f"The key can move money out of {venue}; only keys that cannot are taken.",
                hint="Make a key without the right to withdraw or transfer, and remove this one at the exchange.",
            )
        if probed.can_trade is False:
            raise Denied(
                f"The key may not trade at {venue}.", hint="Give it the right to trade on the spot market."
            )
        if probed.can_withdraw is None and not vouched:
            raise Denied(
                f"{venue} does not say whether the key can move money out.",
                hint="Look at the exchange that it cannot, and say so with cannotWithdraw.",
            )
        return probed


def _secret_of(command: AddExchangeAccount | RotateExchangeKey) -> ExchangeSecret:
    return ExchangeSecret(
        api_key=command.api_key, api_secret=command.api_secret, passphrase=command.passphrase
    )


def _withdrawal(probed: ProbedKey, actor: Actor) -> str:
    return (
        "refused by the exchange" if probed.can_withdraw is False else f"excluded by the word of {actor.name}"
    )


def _ending(key: Secret) -> str:
    return key.reveal()[-4:]


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(" ".join(name.split())):
        raise InvalidInput(
            f"The name '{name[:60]}' was given; 1 to 40 letters, digits, spaces, dots and dashes are allowed."
        )


def _what(account: str) -> str:
    return f"The key of '{account[:60]}'"


def _no_key(account_id: str) -> NotFound:
    return NotFound(f"Account '{account_id[:60]}' has no key at an exchange.")

"""Trying keys at exchanges, and opening the venue of an account with its kept key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from desk.clock import Clock
from desk.exchange_ports import ExchangeSecret, ProbedKey
from desk.ports import Store
from desk.settings import VenueSettings
from desk.venue_port import Venue
from desk.views import Account
from trading.errors import OperatorProblem


class VenueProbe:
    """Tries keys with the real client.

    Args:
        addresses: other addresses in place of the venues' own, by venue.
    """

    def __init__(self, addresses: Mapping[str, VenueSettings], clock: Clock) -> None:
        self._addresses = dict(addresses)
        self._clock = clock

    def venues(self) -> Sequence[str]:
        """Give the exchanges that can be reached."""
        from desk.venues.quirks import QUIRKS

        return tuple(QUIRKS)

    async def probe(self, venue: str, secret: ExchangeSecret, *, is_sandbox: bool) -> ProbedKey:
        """Ask what a key may do and what its account holds."""
        from desk.venues.ccxt_venue import CcxtVenue
        from desk.venues.client import open_link
        from desk.venues.quirks import quirks_of

        address = with_key(self._addresses.get(venue, VenueSettings()), secret, is_sandbox=is_sandbox)
        opened = CcxtVenue(open_link(quirks_of(venue), address, self._clock))
        try:
            rights = await opened.rights()
            balances = await opened.balances()
        finally:
            await opened.close()
        return ProbedKey(
            can_trade=rights.can_trade,
            can_withdraw=rights.can_withdraw,
            totals={asset: one.total for asset, one in balances.items()},
        )


async def open_account_venue(
    store: Store, account: Account, addresses: Mapping[str, VenueSettings], clock: Clock
) -> Venue:
    """Give the venue of an account, signed in with its kept key; nothing is sent yet.

    Raises:
        OperatorProblem: the account has no key in use.
        StoreProblem: the key does not open.
    """
    from desk.venues.ccxt_venue import CcxtVenue
    from desk.venues.client import open_link
    from desk.venues.quirks import quirks_of

    async with store.reading() as tx:
        key = await tx.exchange_keys.by_account(account.workspace_id, account.id)
        secret = await tx.exchange_keys.open(account.workspace_id, account.id)
    if key is None or secret is None:
        raise OperatorProblem(
            f"Account '{account.name}' has no key at {account.venue} in use.",
            hint="Give it one with RotateExchangeKey.",
        )
    address = with_key(addresses.get(account.venue, VenueSettings()), secret, is_sandbox=key.is_sandbox)
    return CcxtVenue(open_link(quirks_of(account.venue), address, clock))


def with_key(address: VenueSettings, secret: ExchangeSecret, *, is_sandbox: bool) -> VenueSettings:
    """Give an address with a key."""
    return replace(
        address,
        api_key=secret.api_key,
        api_secret=secret.api_secret,
        api_passphrase=secret.passphrase,
        sandbox=is_sandbox,
    )

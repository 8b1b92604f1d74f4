"""Trying keys at exchanges, and opening the venue of an account with its kept key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from desk.clock import Clock
from desk.exchange_ports import ExchangeSecret, ProbedKey
from desk.ports import Store
from desk.settings import VenueSettings
from desk.venue_port import Venue
from desk.views import Account
from trading.errors import InvalidInput, OperatorProblem

if TYPE_CHECKING:
    from desk.venues.mt5_venue import Mt5Venue

#: Our name of MetaTrader 5.
MT5 = "mt5"


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

        return (*QUIRKS, MT5)

    async def probe(self, venue: str, secret: ExchangeSecret, *, is_sandbox: bool) -> ProbedKey:
        """Ask what a key may do and what its account holds."""
        from desk.venues.ccxt_venue import CcxtVenue
        from desk.venues.client import open_link
        from desk.venues.quirks import quirks_of

        if venue == MT5:
            return await _probed_terminal(secret, self._clock, is_sandbox=is_sandbox)
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
    if account.venue == MT5:
        return terminal_venue(secret, clock)
    address = with_key(addresses.get(account.venue, VenueSettings()), secret, is_sandbox=key.is_sandbox)
    return CcxtVenue(open_link(quirks_of(account.venue), address, clock))


def terminal_venue(secret: ExchangeSecret, clock: Clock) -> Mt5Venue:
    """Give the venue of a MetaTrader 5 account: key = login, secret = password, passphrase = server.

    Raises:
        InvalidInput: a login that is no number.
        OperatorProblem: the terminal's package is not installed.
    """
    from desk.venues.mt5_venue import Mt5Venue, load_terminal

    login = secret.api_key.reveal()
    if not login.isdecimal():
        raise InvalidInput("The API key is no MetaTrader login; its number is allowed.")
    return Mt5Venue(
        load_terminal(),
        clock,
        login=int(login),
        password=secret.api_secret.reveal(),
        server=secret.passphrase.reveal(),
    )


async def _probed_terminal(secret: ExchangeSecret, clock: Clock, *, is_sandbox: bool) -> ProbedKey:
    venue = terminal_venue(secret, clock)
    try:
        # One terminal serves both kinds: only the account itself says which it is, and test money has fewer guards.
        if is_sandbox and not await venue.is_demo():
            raise InvalidInput(
                "The MetaTrader account is none of a demo; only such a one is taken as a test environment.",
                hint="Name a demo account, or add this one without sandbox: its money counts as real then.",
            )
        totals = {asset: one.total for asset, one in (await venue.balances()).items()}
    finally:
        await venue.close()
    # A terminal trades; it has no function that moves money out.
    return ProbedKey(can_trade=None, can_withdraw=False, totals=totals)


def with_key(address: VenueSettings, secret: ExchangeSecret, *, is_sandbox: bool) -> VenueSettings:
    """Give an address with a key."""
    return replace(
        address,
        api_key=secret.api_key,
        api_secret=secret.api_secret,
        api_passphrase=secret.passphrase,
        sandbox=is_sandbox,
    )

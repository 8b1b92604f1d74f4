"""What a live market is opened with, read from the settings; light, so that nothing heavy is loaded to know it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from desk.clock import Clock
from desk.settings import Settings, VenueSettings
from trading.candles import Candles

if TYPE_CHECKING:
    from desk.feeds.live import LiveFeed
    from desk.feeds.second_source import SecondSource


#: The venue's own addresses, no key.
_USUAL = VenueSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """A live market.

    Attributes:
        pairs: words as `pair_lists.parse_choice` reads them.
        second: a venue, "coingecko" or "none".
    """

    venue: str
    address: VenueSettings = _USUAL
    pairs: tuple[str, ...] = ("top-100",)
    quote: str = "USDT"
    least_age_days: int = 0
    most_spread: float = 1.0
    least_range: float = 0.0
    most_range: float = 100.0
    second: str = "none"
    second_address: VenueSettings = _USUAL
    coingecko_url: str = ""


@runtime_checkable
class Remembering(Protocol):
    """A feed that gives stored bars out as they were."""

    def remember(self, shelf: Callable[[str, str, int, int], Awaitable[Candles]]) -> None: ...


def live_options(settings: Settings) -> LiveOptions | None:
    """Give the live market that the settings name; None: the simulated exchange."""
    if not settings.market:
        return None
    return LiveOptions(
        venue=settings.market,
        address=settings.venues.get(settings.market, VenueSettings()),
        pairs=settings.market_pairs,
        quote=settings.market_quote,
        least_age_days=settings.market_least_age,
        most_spread=settings.market_most_spread / 100,
        least_range=settings.market_least_volatility / 100,
        most_range=settings.market_most_volatility / 100,
        second=settings.market_second if settings.market_second != settings.market else "none",
        second_address=settings.venues.get(settings.market_second, VenueSettings()),
        coingecko_url=settings.coingecko_url,
    )


def live_feed(options: LiveOptions, clock: Clock) -> LiveFeed:
    """Give the feed of a live market; nothing is sent yet.

    Raises:
        BadSetting: a list of pairs that cannot be read, or an unknown venue.
    """
    from desk.feeds.live import LiveFeed
    from desk.feeds.pair_lists import parse_choice
    from desk.feeds.venue_market import VenueMarket

    choice = replace(
        parse_choice(options.pairs),
        quote=options.quote,
        least_age_days=options.least_age_days,
        most_spread=options.most_spread,
        least_range=options.least_range,
        most_range=options.most_range,
    )
    market = VenueMarket(options.venue, options.address, clock)
    return LiveFeed(market, clock=clock, choice=choice, second=_second(options, clock))


def _second(options: LiveOptions, clock: Clock) -> SecondSource | None:
    from desk.feeds.second_source import CoinGecko, OtherVenue
    from desk.feeds.venue_market import VenueMarket

    if options.second == "none":
        return None
    if options.second == "coingecko":
        return CoinGecko(options.coingecko_url, clock)
    return OtherVenue(VenueMarket(options.second, options.second_address, clock), clock)

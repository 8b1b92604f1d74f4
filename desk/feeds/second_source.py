"""A second opinion about prices: another exchange, or CoinGecko; asked rarely and believed within limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import structlog

from desk.clock import Clock
from desk.feeds.venue_market import VenueMarket
from desk.venues.reading import Unreadable, positive
from trading.errors import BreakwaterError

log = structlog.get_logger(__name__)

#: A price is asked for again after this long; CoinGecko's free plan allows about one question in 10 s.
KEPT_S = 20.0
_MOST_BYTES = 1 << 20

#: CoinGecko's names of assets that are traded most; a symbol alone may mean several coins there.
COINS: Mapping[str, str] = {
    "BTC": "bitcoin",
    "ETH": "ethereum",
    "SOL": "solana",
    "XRP": "ripple",
    "ADA": "cardano",
    "DOGE": "dogecoin",
    "BNB": "binancecoin",
    "TRX": "tron",
    "LINK": "chainlink",
    "AVAX": "avalanche-2",
    "DOT": "polkadot",
    "LTC": "litecoin",
    "BCH": "bitcoin-cash",
    "UNI": "uniswap",
    "XLM": "stellar",
    "ATOM": "cosmos",
    "ETC": "ethereum-classic",
    "NEAR": "near",
    "APT": "aptos",
    "ARB": "arbitrum",
    "OP": "optimism",
    "SUI": "sui",
    "TON": "the-open-network",
    "SHIB": "shiba-inu",
    "PEPE": "pepe",
}

#: Quotes that are worth a dollar for a second opinion.
_DOLLARS = frozenset({"USD", "USDT", "USDC", "FDUSD", "DAI"})


class SecondSource(Protocol):
    """Gives prices when the first source cannot, or to settle a doubt."""

    name: str

    async def price(self, pair: str) -> Decimal | None:
        """Give a price; None when it is not known here now."""
        ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class _Kept:
    prices: dict[str, tuple[float, Decimal | None]] = field(default_factory=dict)

    def fresh(self, pair: str, now_s: float) -> tuple[bool, Decimal | None]:
        found = self.prices.get(pair)
        if found is None or now_s - found[0] > KEPT_S:
            return False, None
        return True, found[1]


class OtherVenue:
    """Prices of another exchange."""

    def __init__(self, market: VenueMarket, clock: Clock) -> None:
        self.name = market.venue
        self._market = market
        self._clock = clock
        self._kept = _Kept()

    async def price(self, pair: str) -> Decimal | None:
        """Give the last trade's price there; None where the pair is not traded or the venue is down too."""
        is_fresh, kept = self._kept.fresh(pair, self._clock.monotonic())
        if is_fresh:
            return kept
        try:
            found: Decimal | None = await self._market.last_price(pair)
        except BreakwaterError as problem:
            log.info("second_source_silent", source=self.name, pair=pair, problem=problem.message)
            found = None
        self._kept.prices[pair] = (self._clock.monotonic(), found)
        return found

    async def close(self) -> None:
        """Let go of every connection."""
        await self._market.close()


class CoinGecko:
    """Prices of CoinGecko in dollars.

    Args:
        url: of its API.
    """

    name = "coingecko"

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self._kept = _Kept()
        self._client: Any = None

    async def price(self, pair: str) -> Decimal | None:
        """Give a pair's price; None for assets and quotes that are not in the table, or when it cannot be asked."""
        base, _, quote = pair.partition("/")
        if base not in COINS or quote not in _DOLLARS:
            return None
        is_fresh, kept = self._kept.fresh(pair, self._clock.monotonic())
        if is_fresh:
            return kept
        found = await self._asked(COINS[base])
        self._kept.prices[pair] = (self._clock.monotonic(), found)
        return found

    async def _asked(self, coin: str) -> Decimal | None:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=8.0, follow_redirects=False)
        try:
            answer = await self._client.get(
                f"{self._url}/simple/price", params={"ids": coin, "vs_currencies": "usd", "precision": "full"}
            )
            return _price_in(answer, coin)
        except (httpx.HTTPError, Unreadable, ValueError) as problem:
            log.info("second_source_silent", source=self.name, coin=coin, problem=type(problem).__name__)
            return None

    async def close(self) -> None:
        """Let go of every connection."""
        if self._client is not None:
            await self._client.aclose()


def _price_in(answer: Any, coin: str) -> Decimal:
    if answer.status_code != 200 or len(answer.content) > _MOST_BYTES:
        raise Unreadable(f"status {answer.status_code}, {len(answer.content)} bytes")
    found = answer.json(parse_float=str)
    if not isinstance(found, dict) or not isinstance(found.get(coin), dict):
        raise Unreadable("the answer names no price")
    return positive(found[coin].get("usd"), "price")

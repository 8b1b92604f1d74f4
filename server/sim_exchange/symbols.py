"""What is traded on the simulated exchange, and the filters of each symbol as the venue publishes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """One symbol with its filters.

    Attributes:
        name: as the venue writes it, "BTCUSDT".
        price: level of the simulated price, quote currency.
        status: "TRADING", or "BREAK" while it is halted.
        band: a limit price may be this many times below or above the last price.
    """

    base: str
    quote: str
    price: Decimal
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal = Decimal(9000)
    min_notional: Decimal = Decimal(5)
    status: str = "TRADING"
    band: Decimal = Decimal(5)
    max_orders: int = 200
    max_stop_orders: int = 5

    @property
    def name(self) -> str:
        """As the venue writes it."""
        return self.base + self.quote

    def halted(self, is_halted: bool) -> Symbol:
        """Give the symbol halted, or trading again."""
        return replace(self, status="BREAK" if is_halted else "TRADING")

    def described(self) -> dict[str, Any]:
        """Give the symbol as `exchangeInfo` shows it."""
        return {
            "symbol": self.name,
            "status": self.status,
            "baseAsset": self.base,
            "baseAssetPrecision": 8,
            "quoteAsset": self.quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8,
            "orderTypes": [
                "LIMIT",
                "LIMIT_MAKER",
                "MARKET",
                "STOP_LOSS",
                "STOP_LOSS_LIMIT",
                "TAKE_PROFIT",
                "TAKE_PROFIT_LIMIT",
            ],
            "icebergAllowed": False,
            "ocoAllowed": True,
            "otoAllowed": False,
            "quoteOrderQtyMarketAllowed": False,
            "allowTrailingStop": False,
            "cancelReplaceAllowed": True,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": self._filters(),
            "permissions": ["SPOT"],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "NONE",
            "allowedSelfTradePreventionModes": ["NONE"],
        }

    def _filters(self) -> list[dict[str, Any]]:
        return [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": plain(self.tick),
                "maxPrice": "10000000.00000000",
                "tickSize": plain(self.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": plain(self.min_quantity),
                "maxQty": plain(self.max_quantity),
                "stepSize": plain(self.step),
            },
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": plain(self.min_quantity),
                "maxQty": plain(self.max_quantity),
                "stepSize": plain(self.step),
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": plain(self.min_notional),
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": plain(self.band),
                "bidMultiplierDown": plain(1 / self.band),
                "askMultiplierUp": plain(self.band),
                "askMultiplierDown": plain(1 / self.band),
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": self.max_orders},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": self.max_stop_orders},
        ]


#: What trades by default.
SYMBOLS: tuple[Symbol, ...] = tuple(
    Symbol(
        base=base,
        quote="USDT",
        price=Decimal(price),
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(step),
        max_quantity=Decimal(most),
    )
    for base, price, tick, step, most in (
        ("BTC", "94000", "0.01", "0.00001", "9000"),
        ("ETH", "3350", "0.01", "0.0001", "9000"),
        ("SOL", "190", "0.01", "0.001", "90000"),
        ("ADA", "0.87", "0.0001", "0.1", "900000"),
        ("XRP", "2.31", "0.0001", "0.1", "900000"),
    )
)


def plain(value: Decimal) -> str:
    """Write a number with eight places, never with an exponent.

    Example:
        >>> plain(Decimal("1E-5"))
        '0.00001000'
    """
    return f"{value:.8f}"

"""The same thing at two prices: another venue, or the way round through a third currency, net of all costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import overload

import numpy as np
from numpy.typing import NDArray

from strategies.frame import Frame, Input
from strategies.parameters import Parameter
from strategies.plan import Entry, ExitPlan, Plan, Rule
from strategies.rule_strategy import RuleStrategy
from strategies.sides import SIDES, signs
from strategies.view_input import ViewInput
from trading.market import MarketView
from trading.signals import Exit

FloatArray = NDArray[np.float64]


@overload
def net_edge(
    buy_price: float, sell_price: float, buy_fee: float, sell_fee: float, other_costs: float = 0.0
) -> float: ...
@overload
def net_edge(
    buy_price: FloatArray,
    sell_price: FloatArray,
    buy_fee: FloatArray | float,
    sell_fee: FloatArray | float,
    other_costs: FloatArray | float = 0.0,
) -> FloatArray: ...
def net_edge(
    buy_price: FloatArray | float,
    sell_price: FloatArray | float,
    buy_fee: FloatArray | float,
    sell_fee: FloatArray | float,
    other_costs: FloatArray | float = 0.0,
) -> FloatArray | float:
    """Give what one unit earns, in quote currency: sold net of its fee, less bought with its fee, less the rest.

    Source:
        trading-rules A.9.

    Example:
        >>> round(net_edge(100.0, 100.25, 0.001, 0.001), 5), round(net_edge(100.0, 100.20, 0.001, 0.001), 4)
        (0.04975, -0.0002)
    """
    return sell_price * (1.0 - sell_fee) - buy_price * (1.0 + buy_fee) - other_costs


class ReferencePrice(ViewInput):
    """The best other way to sell or to buy the base asset, and the number of trades it takes; NaN without one.

    In the view's `others` a key is a pair, `BTC/USDT`, or a pair at a venue, `BTC/USDT@kraken`.
    """

    outputs = ("bid", "ask", "trades")

    def columns(self, market: MarketView) -> tuple[FloatArray, ...]:
        rows = len(market.candles)
        bid, ask, trades = (np.full(rows, np.nan) for _ in range(3))
        for price, count in self._ways(market):
            bid = np.fmax(bid, price)
            ask = np.fmin(ask, price)
            trades = np.fmax(trades, np.where(np.isnan(price), np.nan, float(count)))
        return bid, ask, trades

    def _ways(self, market: MarketView) -> Iterator[tuple[FloatArray, int]]:
        own = market.candles.pair
        if "/" not in own:
            return
        base, quote = own.split("/")
        names = sorted(market.others)
        for name in names:
            if name.split("@")[0] == own:
                yield _price(market, name), 1
        for first in names:
            middle, price = _rate(market, first, base)
            if not middle or middle == quote:
                continue
            for second in names:
                end, factor = _rate(market, second, middle)
                if end == quote:
                    yield price * factor, 2


def _price(market: MarketView, name: str) -> FloatArray:
    bars, index = market.other(name)
    out = np.full(len(index), np.nan)
    known = index >= 0
    # A price older than one own bar is no price: that market stood still or its data are late.
    fresh = known.copy()
    closes_ms = bars.ts_ms[index[known]] + bars.timeframe.ms
    fresh[known] = market.close_ms[known] - closes_ms < max(bars.timeframe.ms, market.candles.timeframe.ms)
    out[fresh] = bars.close[index[fresh]]
    return out


def _rate(market: MarketView, name: str, currency: str) -> tuple[str, FloatArray]:
    """Give what `currency` can be changed into at that pair, and the rate; an empty word when it cannot."""
    base, _, quote = name.split("@")[0].partition("/")
    if base == currency:
        return quote, _price(market, name)
    if quote == currency:
        return base, 1.0 / _price(market, name)
    return "", np.empty(0)


class Arbitrage(RuleStrategy):
    """Trade the own leg while the price elsewhere is better by more than all costs; out when it is not."""

    name = "arbitrage"
    title = "Arbitrage"
    idea = "Buy here what sells dearer at another venue or round a triangle, if all fees, slippage and transfer leave a gain."
    source = "The law of one price; net edge as in trading-rules A.9."
    fails_in = "Slow transfers and thin books: the gap closes between the legs and one leg is left open."
    tags = ("cheap_here", "dear_here", "gap_closed")
    parameters = (
        Parameter(
            name="own_fee",
            kind="float",
            default=0.001,
            minimum=0.0,
            maximum=0.02,
            step=0.0005,
            unit="ratio",
            text="Taker fee of the own leg.",
        ),
        Parameter(
            name="other_fee",
            kind="float",
            default=0.001,
            minimum=0.0,
            maximum=0.02,
            step=0.0005,
            unit="ratio",
            text="Taker fee of each other leg.",
        ),
        Parameter(
            name="slippage",
            kind="float",
            default=0.0005,
            minimum=0.0,
            maximum=0.02,
            step=0.0005,
            unit="ratio",
            text="Expected slippage of each leg.",
        ),
        Parameter(
            name="transfer_cost",
            kind="float",
            default=0.0,
            minimum=0.0,
            maximum=0.05,
            step=0.0005,
            unit="ratio",
            text="Withdrawal and transfer, as a ratio of the traded value.",
        ),
        Parameter(
            name="edge_min",
            kind="float",
            default=0.0005,
            minimum=0.0,
            maximum=0.05,
            step=0.0005,
            unit="ratio",
            text="Net edge from which a trade is worth it.",
        ),
        Parameter(
            name="stop_ratio",
            kind="float",
            default=0.02,
            minimum=0.001,
            maximum=0.2,
            step=0.005,
            unit="ratio",
            text="Stop of the own leg, for the case that the other leg fails.",
        ),
        Parameter(
            name="hold_bars",
            kind="int",
            default=12,
            minimum=1,
            maximum=500,
            step=6,
            unit="bars",
            text="Bars after which the own leg is closed.",
        ),
        SIDES,
    )

    def inputs(self) -> Mapping[str, Input]:
        return {"elsewhere": ReferencePrice()}

    def plan(self, frame: Frame) -> Plan:
        close = frame["close"]
        return Plan(
            entries=tuple(self._leg(frame, side) for side in signs(self.choice("sides"))),
            exits=(
                ExitPlan(
                    closes=Exit.LONG,
                    tag="gap_closed",
                    rules=(Rule("no_dearer_elsewhere", frame["elsewhere.bid"], "<=", close),),
                ),
                ExitPlan(
                    closes=Exit.SHORT,
                    tag="gap_closed",
                    rules=(Rule("no_cheaper_elsewhere", frame["elsewhere.ask"], ">=", close),),
                ),
            ),
        )

    def _leg(self, frame: Frame, side: int) -> Entry:
        close, trades = frame["close"], frame["elsewhere.trades"]
        own, other = self.number("own_fee"), self.number("other_fee")
        slippage, transfer = self.number("slippage"), self.number("transfer_cost")
        # Each other leg takes its fee from what the one before left.
        others = np.where(trades > 1.0, 1.0 - (1.0 - other) * (1.0 - other), other)
        rest = close * (slippage * (1.0 + trades) + transfer)
        if side > 0:
            price = frame["elsewhere.bid"]
            edge = net_edge(close, price, own, others, rest) / close
        else:
            price = frame["elsewhere.ask"]
            edge = net_edge(price, close, others, own, rest) / close
        return Entry(
            side=side,
            tag="cheap_here" if side > 0 else "dear_here",
            rules=(
                Rule("price_elsewhere", price, ">", 0.0),
                Rule("net_edge", edge, ">=", self.number("edge_min")),
            ),
            stop=close * (1.0 - side * self.number("stop_ratio")),
            targets=(price,),
            fractions=(1.0, 0.0, 0.0),
            max_bars=self.whole("hold_bars"),
            score=edge,
        )

"""The kinds of picture, by the spec that each is drawn from."""

from __future__ import annotations

from desk.charts.specs import BarSpec, CandleSpec, EquitySpec, HeatSpec

#: candles: a market; trade: a trade on its candles; equity: with drawdown; daily: amounts as bars;
#: heat: a figure over two parameters.
KINDS: dict[str, type[CandleSpec | EquitySpec | BarSpec | HeatSpec]] = {
    "candles": CandleSpec,
    "trade": CandleSpec,
    "equity": EquitySpec,
    "daily": BarSpec,
    "heat": HeatSpec,
}

"""The kinds of picture, by the spec that each is drawn from."""

from __future__ import annotations

from desk.charts.specs import (
    AllocationSpec,
    BarSpec,
    BeforeAfterSpec,
    CandleSpec,
    CorrelationSpec,
    DriftSpec,
    EquitySpec,
    FanSpec,
    GaugeSpec,
    HeatSpec,
    SearchSpec,
)

Spec = (
    CandleSpec
    | EquitySpec
    | BarSpec
    | HeatSpec
    | AllocationSpec
    | CorrelationSpec
    | GaugeSpec
    | DriftSpec
    | BeforeAfterSpec
    | SearchSpec
    | FanSpec
)

#: candles: a market; trade: a trade on its candles; equity: with drawdown; daily: amounts as bars; heat: a figure over
#: two parameters; allocation: what a capital consists of; correlation: how returns move together; gauge: limits as
#: dials; drift: what was earned beside what the replay earns; before_after: what was held before
#: and after; search: the best of a search so far; fan: where a price may go.
KINDS: dict[str, type[Spec]] = {
    "candles": CandleSpec,
    "trade": CandleSpec,
    "equity": EquitySpec,
    "daily": BarSpec,
    "heat": HeatSpec,
    "allocation": AllocationSpec,
    "correlation": CorrelationSpec,
    "gauge": GaugeSpec,
    "drift": DriftSpec,
    "before_after": BeforeAfterSpec,
    "search": SearchSpec,
    "fan": FanSpec,
}

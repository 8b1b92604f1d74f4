"""Trade a learned forecast when it promises more than it costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
from numpy.typing import NDArray

from strategies.frame import Frame, Input, indicators
from strategies.parameters import Parameter
from strategies.plan import Entry, ExitPlan, Plan, Rule
from strategies.ports import Forecaster
from strategies.rule_strategy import RuleStrategy
from strategies.sides import SIDES, beyond, signs, word
from strategies.view_input import ViewInput
from trading.market import MarketView
from trading.signals import Exit

FloatArray = NDArray[np.float64]

#: Name of the external series that carries forecasts for a pair, each with the time it became available.
SERIES = "forecast:{pair}"


class ForecastInput(ViewInput):
    """Forecasts from a model in hand, else from the external series of the pair."""

    def __init__(self, forecaster: Forecaster | None) -> None:
        self._forecaster = forecaster

    def columns(self, market: MarketView) -> tuple[FloatArray, ...]:
        if self._forecaster is not None:
            return (np.asarray(self._forecaster.forecast(market), np.float64),)
        return (market.external(SERIES.format(pair=market.candles.pair)),)


class LearnedSignal(RuleStrategy):
    """Enter in the direction of the forecast when its size is a multiple of the round-trip cost."""

    name = "learned_signal"
    title = "Learned signal"
    idea = (
        "Follow a model's expected return where it clears the costs, for as long as the forecast looks ahead."
    )
    source = "The protocol of trading-rules C.1; the model comes through a port, this file contains none."
    fails_in = "Whatever the model has not seen; a forecast without skill pays the costs and nothing else."
    tags = ("forecast_long", "forecast_short", "forecast_turned")
    parameters = (
        Parameter(
            name="round_trip_cost",
            kind="float",
            default=0.003,
            minimum=0.0,
            maximum=0.05,
            step=0.0005,
            unit="ratio",
            text="Both fees and both slippages, as a ratio of the price.",
        ),
        Parameter(
            name="cost_multiple",
            kind="float",
            default=1.5,
            minimum=0.0,
            maximum=20.0,
            step=0.25,
            text="The forecast in round-trip costs below which nothing is traded.",
        ),
        Parameter(
            name="stop_atr",
            kind="float",
            default=3.0,
            minimum=0.5,
            maximum=10.0,
            step=0.5,
            unit="ATR",
            text="Distance of the stop from the entry close.",
        ),
        Parameter(
            name="horizon_bars",
            kind="int",
            default=24,
            minimum=1,
            maximum=1000,
            step=6,
            unit="bars",
            text="Bars a position is held at most; the horizon of the forecast.",
        ),
        SIDES,
    )
    forecaster: Forecaster | None = None

    @property
    def series_needed(self) -> tuple[str, ...]:
        return () if self.forecaster is not None else (SERIES.format(pair="<pair>"),)

    def with_forecaster(self, forecaster: Forecaster) -> Self:
        """Give a copy that asks this model instead of reading the external series."""
        copy = type(self)(**self.params)
        copy.forecaster = forecaster
        return copy

    def inputs(self) -> Mapping[str, Input]:
        return {"forecast": ForecastInput(self.forecaster), **indicators(atr="atr:14")}

    def plan(self, frame: Frame) -> Plan:
        forecast = frame["forecast"]
        turned = "forecast_turned"
        return Plan(
            entries=tuple(self._follow(frame, side) for side in signs(self.choice("sides"))),
            exits=(
                ExitPlan(closes=Exit.LONG, tag=turned, rules=(Rule("forecast_not_up", forecast, "<=", 0.0),)),
                ExitPlan(
                    closes=Exit.SHORT, tag=turned, rules=(Rule("forecast_not_down", forecast, ">=", 0.0),)
                ),
            ),
        )

    def _follow(self, frame: Frame, side: int) -> Entry:
        close, forecast = frame["close"], frame["forecast"]
        needed = self.number("cost_multiple") * self.number("round_trip_cost")
        return Entry(
            side=side,
            tag=f"forecast_{word(side)}",
            rules=(Rule("forecast_pays_costs", forecast, beyond(side), side * needed),),
            stop=close - side * self.number("stop_atr") * frame["atr"],
            max_bars=self.whole("horizon_bars"),
            score=np.abs(forecast),
        )

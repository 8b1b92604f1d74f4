"""Follow the trend: moving averages agree, or a wave 2 or 4 ends in the trend's direction; leave after wave 5."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from strategies.frame import Frame, Input, indicators
from strategies.parameters import Parameter
from strategies.plan import Entry, ExitPlan, Plan, Rule
from strategies.rule_strategy import RuleStrategy
from strategies.sides import SIDES, signs
from trading.signals import Exit


class TrendFollowing(RuleStrategy):
    """Crossing averages with the long average as filter."""

    name = "trend_following"
    title = "Trend following"
    idea = "Trade with the long average: enter when the short averages cross its way, leave when they cross back."
    source = "Hurst, Ooi, Pedersen, A Century of Evidence on Trend-Following Investing (2017); trading-rules A.9 no. 2."
    fails_in = "Sideways markets: every cross is bought at the top of the range and sold at its bottom."
    tags = ("cross_long", "cross_short", "cross_back")
    parameters = (
        Parameter(
            name="fast_bars",
            kind="int",
            default=20,
            minimum=2,
            maximum=200,
            step=5,
            unit="bars",
            text="Window of the fast average.",
        ),
        Parameter(
            name="slow_bars",
            kind="int",
            default=50,
            minimum=3,
            maximum=500,
            step=10,
            unit="bars",
            text="Window of the slow average.",
        ),
        Parameter(
            name="trend_bars",
            kind="int",
            default=200,
            minimum=5,
            maximum=2000,
            step=50,
            unit="bars",
            text="Window of the average that names the trend.",
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
            name="trail_atr",
            kind="float",
            default=4.0,
            minimum=0.0,
            maximum=20.0,
            step=1.0,
            unit="ATR",
            text="Trailing distance; 0 does not trail.",
        ),
        SIDES,
    )

    def check_parameters(self) -> None:
        fast, slow = self.whole("fast_bars"), self.whole("slow_bars")
        self.refuse_unless(fast < slow, f"fast_bars {fast} must be below slow_bars {slow}.")

    def inputs(self) -> Mapping[str, Input]:
        return indicators(
            fast=f"ema:{self.whole('fast_bars')}",
            slow=f"ema:{self.whole('slow_bars')}",
            trend=f"sma:{self.whole('trend_bars')}",
            atr="atr:14",
        )

    def plan(self, frame: Frame) -> Plan:
        return Plan(
            entries=tuple(self._cross(frame, side) for side in signs(self.choice("sides"))),
            exits=self._cross_back(frame),
        )

    def _cross(self, frame: Frame, side: int) -> Entry:
        close, atr = frame["close"], frame["atr"]
        word, above, not_above = ("long", ">", "<=") if side > 0 else ("short", "<", ">=")
        stop = self.number("stop_atr") * atr
        trail = self.number("trail_atr") * atr / close
        return Entry(
            side=side,
            tag=f"cross_{word}",
            rules=(
                Rule("close_with_trend", close, above, frame["trend"]),
                Rule("fast_past_slow", frame["fast"], above, frame["slow"]),
                Rule("fast_was_not_past_slow", frame.before("fast"), not_above, frame.before("slow")),
            ),
            stop=close - side * stop,
            targets=tuple(close + side * stop * r for r in (1.5, 3.0, 6.0)),
            trail_ratio=np.where(trail < 0.9, trail, np.nan) if self.number("trail_atr") else None,
            trail_after_ratio=stop / close,
            break_even_after_leg=1,
            score=np.abs(close - frame["trend"]) / close,
        )

    def _cross_back(self, frame: Frame) -> tuple[ExitPlan, ...]:
        return (
            ExitPlan(
                closes=Exit.LONG,
                tag="cross_back",
                rules=(Rule("fast_below_slow", frame["fast"], "<", frame["slow"]),),
            ),
            ExitPlan(
                closes=Exit.SHORT,
                tag="cross_back",
                rules=(Rule("fast_above_slow", frame["fast"], ">", frame["slow"]),),
            ),
        )

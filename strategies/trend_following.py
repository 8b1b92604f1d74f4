"""Follow the trend: join it where averages cross or a wave 2 or 4 ends; leave when they cross back or wave 5 is done."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from strategies.frame import Frame, Input, indicators
from strategies.parameters import Parameter
from strategies.plan import Entry, ExitPlan, Plan, Rule
from strategies.rule_strategy import RuleStrategy
from strategies.sides import SIDES, against, beyond, signs, word
from strategies.waves import WAVE_2, WAVE_4, WAVE_PARAMETERS, WaveInput, WaveRules
from trading.signals import Exit

FloatArray = NDArray[np.float64]


class TrendFollowing(RuleStrategy):
    """Crossing averages and wave ends, both only in the direction of the long average."""

    name = "trend_following"
    title = "Trend following with waves"
    idea = "Trade only with the long average: enter where short averages cross its way or wave 2 or 4 ends."
    source = "Hurst, Ooi, Pedersen, A Century of Evidence on Trend-Following Investing (2017); trading-rules A.9 no. 2."
    fails_in = "Sideways markets: every cross is bought at the top of the range and sold at its bottom."
    tags = (
        "wave2_long",
        "wave4_long",
        "wave2_short",
        "wave4_short",
        "cross_long",
        "cross_short",
        "cross_back",
        "wave5_done",
    )
    parameters = (
        Parameter(
            name="entry",
            kind="choice",
            default="both",
            choices=("both", "waves", "cross"),
            text="Enter at wave ends, at crosses of the averages, or at both.",
        ),
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
            name="cloud",
            kind="bool",
            default=False,
            text="Ask also that the close lies beyond the Ichimoku cloud.",
        ),
        Parameter(
            name="stop_atr",
            kind="float",
            default=3.0,
            minimum=0.5,
            maximum=10.0,
            step=0.5,
            unit="ATR",
            text="Distance of the stop of a cross entry.",
        ),
        Parameter(
            name="trail_atr",
            kind="float",
            default=4.0,
            minimum=0.0,
            maximum=20.0,
            step=1.0,
            unit="ATR",
            text="Trailing distance of a cross entry; 0 does not trail.",
        ),
        *WAVE_PARAMETERS,
        SIDES,
    )

    def check_parameters(self) -> None:
        fast, slow = self.whole("fast_bars"), self.whole("slow_bars")
        self.refuse_unless(fast < slow, f"fast_bars {fast} must be below slow_bars {slow}.")
        WaveRules(self).check_parameters()

    def inputs(self) -> Mapping[str, Input]:
        specs = {
            "fast": f"ema:{self.whole('fast_bars')}",
            "slow": f"ema:{self.whole('slow_bars')}",
            "trend": f"sma:{self.whole('trend_bars')}",
            "atr": "atr:14",
        }
        if self.flag("cloud"):
            specs["cloud"] = "ichimoku:9:26:52:26"
        inputs = indicators(**specs)
        if self.choice("entry") != "cross":
            inputs["wave"] = WaveInput(self.whole("degree"), self.choice("scale"))
        return inputs

    def plan(self, frame: Frame) -> Plan:
        how, rules = self.choice("entry"), WaveRules(self)
        entries: list[Entry] = []
        exits: list[ExitPlan] = []
        for side in signs(self.choice("sides")):
            trend = self._with_trend(frame, side)
            if how != "cross":
                entries += [rules.entry(frame, side, wave, trend) for wave in (WAVE_4, WAVE_2)]
                exits.append(rules.wave_5_exit(frame, side))
            if how != "waves":
                entries.append(self._cross(frame, side, trend))
                exits.append(self._cross_back(frame, side))
        return Plan(entries=tuple(entries), exits=tuple(exits))

    def _with_trend(self, frame: Frame, side: int) -> tuple[Rule, ...]:
        close = frame["close"]
        rules = [Rule("close_with_trend", close, beyond(side), frame["trend"])]
        if self.flag("cloud"):
            # NaN on either span leaves the cloud unknown, and an unknown value meets no rule.
            edge = np.maximum if side > 0 else np.minimum
            rules.append(
                Rule(
                    "close_beyond_cloud",
                    close,
                    beyond(side),
                    edge(frame["cloud.span_a"], frame["cloud.span_b"]),
                )
            )
        return tuple(rules)

    def _cross(self, frame: Frame, side: int, trend: tuple[Rule, ...]) -> Entry:
        close, atr = frame["close"], frame["atr"]
        stop = self.number("stop_atr") * atr
        trail = self.number("trail_atr") * atr / close
        return Entry(
            side=side,
            tag=f"cross_{word(side)}",
            rules=(
                *trend,
                Rule("fast_past_slow", frame["fast"], beyond(side), frame["slow"]),
                Rule(
                    "fast_was_not_past_slow", frame.before("fast"), against(side) + "=", frame.before("slow")
                ),
            ),
            stop=close - side * stop,
            targets=tuple(close + side * stop * reward for reward in (1.5, 3.0, 6.0)),
            # A trail of nearly the whole price is none.
            trail_ratio=np.where(trail < 0.9, trail, np.nan) if self.number("trail_atr") else None,
            trail_after_ratio=stop / close,
            break_even_after_leg=1,
            score=np.abs(close - frame["trend"]) / close,
        )

    def _cross_back(self, frame: Frame, side: int) -> ExitPlan:
        return ExitPlan(
            closes=Exit.LONG if side > 0 else Exit.SHORT,
            tag="cross_back",
            rules=(Rule("fast_behind_slow", frame["fast"], against(side), frame["slow"]),),
        )

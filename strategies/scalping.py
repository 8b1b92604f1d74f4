"""Small moves on fast bars, taken only when they pay for themselves."""

from __future__ import annotations

from collections.abc import Mapping

from strategies.frame import Frame, Input, indicators
from strategies.parameters import Parameter
from strategies.plan import Entry, Plan, Rule
from strategies.rule_strategy import RuleStrategy
from strategies.sides import SIDES, against, beyond, signs, word


class Scalping(RuleStrategy):
    """A pullback in a short trend turns back; the expected move must be a multiple of the round-trip cost."""

    name = "scalping"
    title = "Scalping"
    idea = "Buy the first turn of the stochastic out of a pullback in a short trend, for a quick fixed gain."
    source = (
        "Lane (1984) for the stochastic; the cost condition is trading-rules A.9 (expected move ≥ 3× cost)."
    )
    fails_in = (
        "Quiet markets, where no move pays for its costs, and wide spreads, where none that looks so does."
    )
    tags = ("turn_long", "turn_short")
    parameters = (
        Parameter(
            name="fast_bars",
            kind="int",
            default=9,
            minimum=2,
            maximum=100,
            step=2,
            unit="bars",
            text="Window of the fast average.",
        ),
        Parameter(
            name="slow_bars",
            kind="int",
            default=21,
            minimum=3,
            maximum=200,
            step=3,
            unit="bars",
            text="Window of the slow average.",
        ),
        Parameter(
            name="oversold",
            kind="float",
            default=20.0,
            minimum=5.0,
            maximum=45.0,
            step=5.0,
            text="%K from which a pullback turns; overbought mirrors it.",
        ),
        Parameter(
            name="target_atr",
            kind="float",
            default=1.5,
            minimum=0.25,
            maximum=10.0,
            step=0.25,
            unit="ATR",
            text="The gain that is taken.",
        ),
        Parameter(
            name="stop_atr",
            kind="float",
            default=1.0,
            minimum=0.25,
            maximum=10.0,
            step=0.25,
            unit="ATR",
            text="Distance of the stop from the entry close.",
        ),
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
            default=3.0,
            minimum=1.0,
            maximum=20.0,
            step=0.5,
            text="The expected move in round-trip costs below which nothing is traded.",
        ),
        Parameter(
            name="hold_bars",
            kind="int",
            default=12,
            minimum=1,
            maximum=200,
            step=3,
            unit="bars",
            text="Bars after which a position is closed.",
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
            stoch="stoch:14:3:3",
            atr="atr:14",
        )

    def plan(self, frame: Frame) -> Plan:
        return Plan(entries=tuple(self._turn(frame, side) for side in signs(self.choice("sides"))))

    def _turn(self, frame: Frame, side: int) -> Entry:
        close, atr, k = frame["close"], frame["atr"], frame["stoch.k"]
        edge = self.number("oversold") if side > 0 else 100.0 - self.number("oversold")
        expected = self.number("target_atr") * atr / close
        return Entry(
            side=side,
            tag=f"turn_{word(side)}",
            rules=(
                Rule("short_trend", frame["fast"], beyond(side), frame["slow"]),
                Rule("was_pulled_back", frame.before("stoch.k"), against(side), edge),
                Rule("turned", k, beyond(side), edge),
                Rule(
                    "move_pays_costs",
                    expected,
                    ">=",
                    self.number("cost_multiple") * self.number("round_trip_cost"),
                ),
            ),
            stop=close - side * self.number("stop_atr") * atr,
            targets=(close + side * self.number("target_atr") * atr,),
            fractions=(1.0, 0.0, 0.0),
            max_bars=self.whole("hold_bars"),
            score=expected,
        )

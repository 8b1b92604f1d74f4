"""A grid inside a correction: buy each cell of the range at its floor, sell it one step higher."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from strategies.frame import Frame, Input, indicators
from strategies.parameters import Parameter
from strategies.plan import Entry, ExitPlan, Plan, Rule
from strategies.rule_strategy import RuleStrategy
from strategies.waves import DEGREE, SCALE, WaveInput
from trading.signals import Exit


class GridTrading(RuleStrategy):
    """While a correction is in progress, one grid between its extremes; closed when price leaves the range."""

    name = "grid_trading"
    title = "Grid in corrections"
    idea = "A correction goes sideways: buy the lower cells of its range and sell each one step above, again and again."
    source = "Trading-rules A.9 no. 5; grid as one composite position (decision 6)."
    fails_in = (
        "A correction that turns into a trend: the grid is full at the bottom of the range when it is left."
    )
    tags = ("grid", "range_left_up", "range_left_down", "correction_over")
    parameters = (
        DEGREE,
        SCALE,
        Parameter(
            name="levels",
            kind="int",
            default=6,
            minimum=2,
            maximum=32,
            step=2,
            text="Cells of the grid.",
        ),
        Parameter(
            name="exit_atr",
            kind="float",
            default=1.0,
            minimum=0.0,
            maximum=5.0,
            step=0.5,
            unit="ATR",
            text="Distance outside the range at which a close ends the grid; below, the stop lies there too.",
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
            text="A step of no more than so many round-trip costs is refused.",
        ),
        Parameter(
            name="hold_bars",
            kind="int",
            default=240,
            minimum=1,
            maximum=5000,
            step=24,
            unit="bars",
            text="Bars after which a grid is closed.",
        ),
    )

    def inputs(self) -> Mapping[str, Input]:
        return {"wave": WaveInput(self.whole("degree"), self.choice("scale")), **indicators(atr="atr:14")}

    def plan(self, frame: Frame) -> Plan:
        close, low, high = frame["close"], frame["wave.range_low"], frame["wave.range_high"]
        levels = self.whole("levels")
        room = self.number("exit_atr") * frame["atr"]
        step_ratio = (high - low) / levels / close
        grid = Entry(
            side=1,
            tag="grid",
            rules=(
                Rule("range_is_new", (low != frame.before("wave.range_low")).astype(np.float64), "==", 1.0),
                Rule("correction_high", close, "<", high),
                Rule("correction_low", close, ">", low),
                Rule(
                    "step_pays_costs",
                    step_ratio,
                    ">",
                    self.number("cost_multiple") * self.number("round_trip_cost"),
                ),
            ),
            stop=low - room,
            grid_low=low,
            grid_high=high,
            grid_levels=levels,
            max_bars=self.whole("hold_bars"),
            score=step_ratio,
        )
        return Plan(
            entries=(grid,),
            exits=(
                ExitPlan(
                    closes=Exit.LONG,
                    tag="range_left_up",
                    rules=(Rule("close_above_range", close, ">", high + room),),
                ),
                ExitPlan(
                    closes=Exit.LONG,
                    tag="range_left_down",
                    rules=(Rule("close_below_range", close, "<", low - room),),
                ),
                ExitPlan(
                    closes=Exit.LONG,
                    tag="correction_over",
                    rules=(Rule("no_correction_in_progress", np.isnan(low).astype(np.float64), "==", 1.0),),
                ),
            ),
        )

"""A strategy to copy: `cp strategies/_template.py strategies/my_idea.py`, rename, and it is registered.

Outside this folder the same file works from `--strategy-path FOLDER`, or from a package that names the class in the
entry-point group `breakwater.strategies`.
"""

from __future__ import annotations

from collections.abc import Mapping

from strategies.frame import Frame, Input, indicators
from strategies.parameters import Parameter
from strategies.plan import Entry, ExitPlan, Plan, Rule
from strategies.rule_strategy import RuleStrategy
from trading.signals import Exit


class MyIdea(RuleStrategy):
    """Say in one line what it trades."""

    # What people type, and what they read about it.
    name = "my_idea"
    title = "My idea"
    idea = "Buy when the close crosses above its average, leave when it falls back below."
    source = "Where the idea comes from: a book, a paper, an observation with its date."
    fails_in = "The regime in which it loses: sideways markets cross the average every few bars."
    # Words that follow each trade into the statistics; every tag used below must stand here.
    tags = ("crossed", "fell_back")
    parameters = (
        Parameter(
            name="average_bars",
            kind="int",
            default=50,
            minimum=2,
            maximum=1000,
            step=10,
            unit="bars",
            text="Window of the average.",
        ),
        Parameter(
            name="stop_atr",
            kind="float",
            default=2.0,
            minimum=0.5,
            maximum=10.0,
            step=0.5,
            unit="ATR",
            text="Distance of the stop from the entry close.",
        ),
    )

    def inputs(self) -> Mapping[str, Input]:
        """Name what is read beside the bars: each becomes a column of the frame under its alias."""
        return indicators(average=f"sma:{self.whole('average_bars')}", atr="atr:14")

    def plan(self, frame: Frame) -> Plan:
        """Tell entries and exits for every row at once; row t is decided at the close of bar t.

        Use the columns of the frame elementwise, and `frame.before(name)` for the row above. A strategy that looks
        further back raises `lookback_bars`.
        """
        close, average = frame["close"], frame["average"]
        stop = close - self.number("stop_atr") * frame["atr"]
        return Plan(
            entries=(
                Entry(
                    side=1,
                    tag="crossed",
                    rules=(
                        Rule("close_above_average", close, ">", average),
                        Rule("close_was_below", frame.before("close"), "<=", frame.before("average")),
                    ),
                    stop=stop,
                    targets=tuple(close + reward * (close - stop) for reward in (1.0, 2.0, 4.0)),
                    break_even_after_leg=1,
                ),
            ),
            exits=(
                ExitPlan(
                    closes=Exit.LONG,
                    tag="fell_back",
                    rules=(Rule("close_below_average", close, "<", average),),
                ),
            ),
        )

"""Trade what signals from outside say: alerts that reach the bot by its webhook."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from strategies.frame import Frame, Input, indicators
from strategies.parameters import Parameter
from strategies.plan import Entry, ExitPlan, Plan, Rule
from strategies.rule_strategy import RuleStrategy
from strategies.sides import SIDES, signs, word
from strategies.view_input import ViewInput
from trading.market import MarketView
from trading.signals import Exit

FloatArray = NDArray[np.float64]

#: Series of what hooks say about a pair, "<name>:<pair>": when a message was heard (epoch milliseconds of the close),
#: its direction (1 long, -1 short, 0 out), how sure it is, and its prices.
HEARD_AT, DIRECTION, SCORE = "hook_at", "hook", "hook_score"
PRICES = ("hook_stop", "hook_target_1", "hook_target_2", "hook_target_3")


class HookInput(ViewInput):
    """The message heard at each close; NaN where none was, so that a message counts once."""

    outputs = ("", "score", "stop", "target_1", "target_2", "target_3")

    def columns(self, market: MarketView) -> tuple[FloatArray, ...]:
        pair = market.candles.pair
        is_heard = market.external(f"{HEARD_AT}:{pair}") == market.close_ms
        return tuple(
            np.where(is_heard, market.external(f"{name}:{pair}"), np.nan)
            for name in (DIRECTION, SCORE, *PRICES)
        )


class OutsideSignal(RuleStrategy):
    """Enter and leave as messages say; sizes, limits and protection are the house's as for every strategy."""

    name = "outside_signal"
    title = "Signals from outside"
    idea = "Follow the alerts that reach the bot by its webhook; a message is heard at the next close, once."
    source = "Whoever sends the messages, such as alerts of TradingView; this file has no idea of its own."
    fails_in = "Whatever the sender does not see; without messages it stands aside, and late ones lapse."
    tags = ("outside_long", "outside_short", "outside_out")
    lookback_bars = 1
    parameters = (
        Parameter(
            name="least_score",
            kind="float",
            default=0.0,
            minimum=0.0,
            maximum=1.0,
            step=0.1,
            text="Messages that are less sure of their direction are not followed; senders that say nothing are at 0.",
        ),
        Parameter(
            name="stop_atr",
            kind="float",
            default=3.0,
            minimum=0.5,
            maximum=10.0,
            step=0.5,
            unit="ATR",
            text="Distance of the stop from the entry close, where a message names none.",
        ),
        SIDES,
    )

    @property
    def series_needed(self) -> tuple[str, ...]:
        return tuple(f"{one}:<pair>" for one in (HEARD_AT, DIRECTION, SCORE, *PRICES))

    def inputs(self) -> Mapping[str, Input]:
        return {"hook": HookInput(), **indicators(atr="atr:14")}

    def plan(self, frame: Frame) -> Plan:
        said = frame["hook"]
        out = "outside_out"
        return Plan(
            entries=tuple(self._follow(frame, side) for side in signs(self.choice("sides"))),
            exits=(
                ExitPlan(closes=Exit.LONG, tag=out, rules=(Rule("hook_not_long", said, "<=", 0.0),)),
                ExitPlan(closes=Exit.SHORT, tag=out, rules=(Rule("hook_not_short", said, ">=", 0.0),)),
            ),
        )

    def _follow(self, frame: Frame, side: int) -> Entry:
        close, own_stop = frame["close"], frame["hook.stop"]
        usual = close - side * self.number("stop_atr") * frame["atr"]
        return Entry(
            side=side,
            tag=f"outside_{word(side)}",
            rules=(
                Rule(f"hook_says_{word(side)}", frame["hook"], "==", float(side)),
                Rule("hook_is_sure", np.abs(frame["hook.score"]), ">=", self.number("least_score")),
            ),
            stop=np.where(np.isnan(own_stop), usual, own_stop),
            targets=_in_order(close, side, *(frame[f"hook.target_{leg}"] for leg in (1, 2, 3))),
            score=np.abs(frame["hook.score"]),
        )


def _in_order(close: FloatArray, side: int, *targets: FloatArray) -> tuple[FloatArray, ...]:
    """Leave out targets that are not beyond the close and beyond the target before: nobody could reach them in order."""
    nearest, found = close, []
    for one in targets:
        kept = np.where(side * (one - nearest) > 0.0, one, np.nan)
        nearest = np.where(np.isnan(kept), nearest, kept)
        found.append(kept)
    return tuple(found)

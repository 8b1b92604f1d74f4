"""Breakout after a finished A-B-C: the correction is over when price passes its B with volume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from strategies.frame import Frame, Input, indicators
from strategies.parameters import Parameter
from strategies.plan import Entry, ExitPlan, Plan, Rule
from strategies.rule_strategy import RuleStrategy
from strategies.sides import SIDES, beyond, signs, word
from strategies.waves import ABC, DEGREE, SCALE, SCORE_MIN, STOP_BUFFER, STOP_MAX, STOP_MIN, WaveInput
from trading.signals import EntryType, Exit

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]


class Breakout(RuleStrategy):
    """After C is confirmed, wait for a break of B with enough volume; the stop lies beyond C."""

    name = "breakout"
    title = "Breakout after a correction"
    idea = "A confirmed A-B-C has used up the sellers; the break of B with volume resumes the trend."
    source = "Frost and Prechter (1978) on corrections; trading-rules A.9 no. 3."
    fails_in = (
        "Long corrections: what looked like C was only the first of three, and each break of B is false."
    )
    tags = ("break_long", "break_short", "break_without_volume")
    parameters = (
        DEGREE,
        SCALE,
        SCORE_MIN,
        Parameter(
            name="order",
            kind="choice",
            default="close",
            choices=("close", "stop"),
            text="Wait for a close beyond the level and enter at the next open, or rest a stop order at the level.",
        ),
        Parameter(
            name="level",
            kind="choice",
            default="b",
            choices=("b", "extreme"),
            text="Break of B, or (conservative) of the extreme of the whole stretch before C.",
        ),
        Parameter(
            name="wait_bars",
            kind="int",
            default=24,
            minimum=1,
            maximum=500,
            step=6,
            unit="bars",
            text="Bars after the confirmation of C in which the break must come.",
        ),
        Parameter(
            name="volume_bars",
            kind="int",
            default=20,
            minimum=3,
            maximum=500,
            step=5,
            unit="bars",
            text="Window of the median volume that the breakout bar must reach.",
        ),
        STOP_BUFFER,
        STOP_MIN,
        STOP_MAX,
        SIDES,
    )

    def check_parameters(self) -> None:
        low, high = self.number("stop_min_ratio"), self.number("stop_max_ratio")
        self.refuse_unless(low < high, f"stop_min_ratio {low:g} must be below stop_max_ratio {high:g}.")

    @property
    def lookback_bars(self) -> int:  # type: ignore[override]
        """The armed level is looked up among the rows in which it may still be waiting."""
        return self.whole("wait_bars") + 2

    def inputs(self) -> Mapping[str, Input]:
        return {
            "wave": WaveInput(self.whole("degree"), self.choice("scale")),
            **indicators(atr="atr:14", median=f"volume_median:{self.whole('volume_bars')}"),
        }

    def plan(self, frame: Frame) -> Plan:
        armed = _last_abc(frame)
        sides = signs(self.choice("sides"))
        if self.choice("order") == "close":
            return Plan(entries=tuple(self._close_beyond(frame, armed, side) for side in sides))
        return Plan(
            entries=tuple(self._resting_stop(frame, side) for side in sides),
            exits=tuple(self._no_volume(frame, armed, side) for side in sides),
        )

    def _level(self, frame: Frame, rows: IndexArray, side: int) -> FloatArray:
        b = _at(frame["wave.b"], rows)
        if self.choice("level") == "b":
            return b
        start = _at(frame["wave.a0"], rows)
        return np.maximum(b, start) if side > 0 else np.minimum(b, start)

    def _entry(
        self, frame: Frame, rows: IndexArray, side: int, rules: tuple[Rule, ...], price: FloatArray
    ) -> Entry:
        number = self.number
        c = _at(frame["wave.c"], rows)
        span = np.abs(_at(frame["wave.a0"], rows) - c)
        stop = c - side * number("stop_buffer_atr") * frame["atr"]
        distance = side * (price - stop) / price
        level = self._level(frame, rows, side)
        return Entry(
            side=side,
            tag=f"break_{word(side)}",
            rules=(
                *rules,
                Rule("stop_not_too_near", distance, ">=", number("stop_min_ratio")),
                Rule("stop_not_too_far", distance, "<=", number("stop_max_ratio")),
                Rule("target_ahead", level + side * span, beyond(side), price),
            ),
            stop=stop,
            targets=(level + side * span, level + side * 1.618 * span),
            fractions=(0.5, 0.5, 0.0),
            break_even_after_leg=1,
            score=_at(frame["wave.score"], rows),
        )

    def _close_beyond(self, frame: Frame, rows: IndexArray, side: int) -> Entry:
        close = frame["close"]
        level = self._level(frame, rows, side)
        beyond_level = side * (close - level) > 0.0
        c = _at(frame["wave.c"], rows)
        low = frame["low"] if side > 0 else frame["high"]
        rules = (
            Rule("correction_direction", _at(frame["wave.direction"], rows), "==", float(side)),
            Rule(
                "bars_since_c",
                np.where(rows < 0, np.nan, np.arange(len(rows)) - rows),
                "<=",
                self.number("wait_bars"),
            ),
            Rule("score", _at(frame["wave.score"], rows), ">=", self.number("score_min")),
            Rule("correction_intact", _count_since(side * (low - c) < 0.0, rows), "==", 0.0),
            Rule("close_beyond_level", close, beyond(side), level),
            Rule("first_close_beyond", _count_since(beyond_level, rows), "==", 1.0),
            Rule("volume_at_median", frame["volume"], ">=", frame.before("median")),
        )
        return self._entry(frame, rows, side, rules, close)

    def _resting_stop(self, frame: Frame, side: int) -> Entry:
        here = np.arange(len(frame), dtype=np.int64)
        level = self._level(frame, here, side)
        rules = (
            Rule("correction_confirmed", frame["wave.setup"], "==", float(ABC)),
            Rule("correction_direction", frame["wave.direction"], "==", float(side)),
            Rule("score", frame["wave.score"], ">=", self.number("score_min")),
            Rule("level_ahead", level, beyond(side), frame["close"]),
        )
        entry = self._entry(frame, here, side, rules, level)
        return replace(
            entry, entry_type=EntryType.STOP, entry_price=level, expiry_bars=self.whole("wait_bars")
        )

    def _no_volume(self, frame: Frame, rows: IndexArray, side: int) -> ExitPlan:
        """A resting order cannot know the volume of the bar that fills it: the veto comes at that bar's close."""
        level = self._level(frame, rows, side)
        reach = frame["high"] if side > 0 else frame["low"]
        waiting = (rows >= 0) & (rows < np.arange(len(rows)))
        touched = waiting & (side * (reach - level) >= 0.0)
        return ExitPlan(
            closes=Exit.LONG if side > 0 else Exit.SHORT,
            tag="break_without_volume",
            rules=(
                Rule("correction_direction", _at(frame["wave.direction"], rows), "==", float(side)),
                Rule(
                    "bars_since_c",
                    np.where(rows < 0, np.nan, np.arange(len(rows)) - rows),
                    "<=",
                    self.number("wait_bars"),
                ),
                Rule("level_reached", reach, ">=" if side > 0 else "<=", level),
                Rule("first_touch", _count_since(touched, rows), "==", 1.0),
                Rule("volume_below_median", frame["volume"], "<", frame.before("median")),
            ),
        )


def _last_abc(frame: Frame) -> IndexArray:
    """Give, per row, the row of the last confirmed A-B-C; -1 for none."""
    here = np.where(frame["wave.setup"] == float(ABC), np.arange(len(frame)), -1)
    return np.maximum.accumulate(here).astype(np.int64)


def _at(values: FloatArray, rows: IndexArray) -> FloatArray:
    out = values[rows]
    return np.where(rows < 0, np.nan, out)


def _count_since(claim: NDArray[np.bool_], rows: IndexArray) -> FloatArray:
    """Count the rows after the armed one at which a claim held, this one included; NaN without an armed one."""
    total = np.cumsum(claim).astype(np.float64)
    return np.where(rows < 0, np.nan, total - total[rows])

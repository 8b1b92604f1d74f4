"""Momentum with waves: join waves 3 and 5 while momentum agrees, never chase an exhausted wave 5."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from strategies.frame import Frame, Input, indicators
from strategies.parameters import Parameter
from strategies.plan import Entry, Plan, Rule
from strategies.rule_strategy import RuleStrategy
from strategies.sides import SIDES, against, beyond, signs, word
from strategies.waves import WAVE_2, WAVE_4, WAVE_PARAMETERS, WaveInput, WaveRules

FloatArray = NDArray[np.float64]


class Momentum(RuleStrategy):
    """Wave 2 and 4 ends with a rising MACD histogram or a divergence; optionally crosses of the histogram alone."""

    name = "momentum"
    title = "Momentum with wave veto"
    idea = "Enter where a wave ends and momentum turns with it; an overbought wave 5 forbids to join."
    source = (
        "Appel (1979) for MACD, Wilder (1978) for RSI; Jegadeesh and Titman (1993); trading-rules A.9 no. 4."
    )
    fails_in = (
        "Sideways markets: the histogram changes sign every few bars and each change costs a round trip."
    )
    tags = (
        "wave2_long",
        "wave4_long",
        "wave2_short",
        "wave4_short",
        "cross_long",
        "cross_short",
        "wave5_done",
    )
    parameters = (
        *WAVE_PARAMETERS,
        Parameter(
            name="entry",
            kind="choice",
            default="waves",
            choices=("waves", "cross", "both"),
            text="Enter at wave ends, at crosses of the MACD histogram through zero, or at both.",
        ),
        Parameter(
            name="rsi_veto",
            kind="float",
            default=70.0,
            minimum=50.0,
            maximum=100.0,
            step=5.0,
            text="RSI above which a wave 5 in progress forbids a long; a short mirrors it.",
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
        SIDES,
    )

    def check_parameters(self) -> None:
        WaveRules(self).check_parameters()

    def inputs(self) -> Mapping[str, Input]:
        return {
            "wave": WaveInput(self.whole("degree"), self.choice("scale"), oscillator="rsi:14"),
            **indicators(atr="atr:14", rsi="rsi:14", macd="macd:12:26:9"),
        }

    def plan(self, frame: Frame) -> Plan:
        rules, how, sides = WaveRules(self), self.choice("entry"), signs(self.choice("sides"))
        entries: list[Entry] = []
        for side in sides:
            veto = self._veto(frame, side)
            if how != "cross":
                more = (self._momentum(frame, side), veto)
                entries += [rules.entry(frame, side, wave, more) for wave in (WAVE_4, WAVE_2)]
            if how != "waves":
                entries.append(self._cross(frame, side, veto))
        return Plan(entries=tuple(entries), exits=tuple(rules.wave_5_exit(frame, side) for side in sides))

    def _veto(self, frame: Frame, side: int) -> Rule:
        """An overbought RSI forbids a long only while wave 5 up is in progress; exactly the limit does not."""
        is_with_count = side * (frame["wave.p1"] - frame["wave.p0"]) > 0.0
        in_wave_5 = (frame["wave.current_label"] == 5.0) & is_with_count
        limit = self.number("rsi_veto") if side > 0 else 100.0 - self.number("rsi_veto")
        return Rule(
            "no_exhausted_wave5", np.where(in_wave_5, frame["rsi"], limit), "<=" if side > 0 else ">=", limit
        )

    def _momentum(self, frame: Frame, side: int) -> Rule:
        """One number for "the histogram turns with the trade or the last two pivots diverge": 0, 1 or 2 of them."""
        turning = side * (frame["macd.hist"] - frame.before("macd.hist")) > 0.0
        diverging = frame["wave.divergence"] == float(side)
        return Rule("momentum_signs", turning.astype(np.float64) + diverging, ">=", 1.0)

    def _cross(self, frame: Frame, side: int, veto: Rule) -> Entry:
        close = frame["close"]
        stop = self.number("stop_atr") * frame["atr"]
        return Entry(
            side=side,
            tag=f"cross_{word(side)}",
            rules=(
                Rule("histogram_past_zero", frame["macd.hist"], beyond(side), 0.0),
                Rule("histogram_was_not", frame.before("macd.hist"), against(side) + "=", 0.0),
                Rule("rsi_agrees", frame["rsi"], beyond(side), 50.0),
                veto,
            ),
            stop=close - side * stop,
            targets=tuple(close + side * stop * r for r in (1.0, 2.0, 4.0)),
            break_even_after_leg=1,
            score=np.abs(frame["macd.hist"]) / frame["atr"],
        )

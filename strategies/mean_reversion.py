"""Buy what fell too far, sell what rose too far, back to the mean."""

from __future__ import annotations

from collections.abc import Mapping

from strategies.frame import Frame, Input, indicators
from strategies.parameters import Parameter
from strategies.plan import Entry, ExitPlan, Plan, Rule
from strategies.rule_strategy import RuleStrategy
from strategies.sides import SIDES, against, beyond, signs, word
from trading.signals import Exit


class MeanReversion(RuleStrategy):
    """Close outside the Bollinger band with an extreme RSI, in a market without a trend; out at the middle band."""

    name = "mean_reversion"
    title = "Mean reversion"
    idea = (
        "A close outside the band with an extreme RSI snaps back to the middle band when there is no trend."
    )
    source = "Bollinger on Bollinger Bands (2001); Wilder (1978) for RSI and ADX; trading-rules A.9."
    fails_in = "Strong trends and crashes: price walks along the band and the mean comes to meet it."
    tags = ("fade_long", "fade_short", "middle_band")
    parameters = (
        Parameter(
            name="band_bars",
            kind="int",
            default=20,
            minimum=5,
            maximum=200,
            step=5,
            unit="bars",
            text="Window of the bands.",
        ),
        Parameter(
            name="band_width",
            kind="float",
            default=2.0,
            minimum=0.5,
            maximum=5.0,
            step=0.25,
            unit="σ",
            text="Half width of the bands.",
        ),
        Parameter(
            name="rsi_bars",
            kind="int",
            default=14,
            minimum=2,
            maximum=100,
            step=2,
            unit="bars",
            text="Window of the RSI.",
        ),
        Parameter(
            name="rsi_low",
            kind="float",
            default=30.0,
            minimum=5.0,
            maximum=50.0,
            step=5.0,
            text="RSI below which a fall is too far; a rise mirrors it.",
        ),
        Parameter(
            name="adx_limit",
            kind="float",
            default=30.0,
            minimum=10.0,
            maximum=100.0,
            step=5.0,
            text="ADX above which the market trends and nothing is faded.",
        ),
        Parameter(
            name="stop_atr",
            kind="float",
            default=2.5,
            minimum=0.5,
            maximum=10.0,
            step=0.5,
            unit="ATR",
            text="Distance of the stop from the entry close.",
        ),
        Parameter(
            name="hold_bars",
            kind="int",
            default=48,
            minimum=1,
            maximum=1000,
            step=12,
            unit="bars",
            text="Bars after which a position that did not revert is closed.",
        ),
        SIDES,
    )

    def inputs(self) -> Mapping[str, Input]:
        return indicators(
            band=f"bb:{self.whole('band_bars')}:{self.number('band_width'):g}",
            rsi=f"rsi:{self.whole('rsi_bars')}",
            adx="adx:14",
            atr="atr:14",
        )

    def plan(self, frame: Frame) -> Plan:
        middle, close = frame["band.middle"], frame["close"]
        return Plan(
            entries=tuple(self._fade(frame, side) for side in signs(self.choice("sides"))),
            exits=(
                ExitPlan(
                    closes=Exit.LONG, tag="middle_band", rules=(Rule("back_at_mean", close, ">=", middle),)
                ),
                ExitPlan(
                    closes=Exit.SHORT, tag="middle_band", rules=(Rule("back_at_mean", close, "<=", middle),)
                ),
            ),
        )

    def _fade(self, frame: Frame, side: int) -> Entry:
        close, middle = frame["close"], frame["band.middle"]
        band = frame["band.lower" if side > 0 else "band.upper"]
        rsi_limit = self.number("rsi_low") if side > 0 else 100.0 - self.number("rsi_low")
        return Entry(
            side=side,
            tag=f"fade_{word(side)}",
            rules=(
                Rule("close_outside_band", close, against(side), band),
                Rule("rsi_extreme", frame["rsi"], against(side), rsi_limit),
                Rule("no_trend", frame["adx"], "<", self.number("adx_limit")),
                Rule("mean_ahead", middle, beyond(side), close),
            ),
            stop=close - side * self.number("stop_atr") * frame["atr"],
            targets=(middle,),
            fractions=(1.0, 0.0, 0.0),
            max_bars=self.whole("hold_bars"),
            score=side * (band - close) / frame["atr"],
        )

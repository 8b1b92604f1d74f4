"""Elliott waves with Fibonacci zones: join the impulse where its wave 2 or 4 ends."""

from __future__ import annotations

from collections.abc import Mapping

from strategies.frame import Frame, Input, indicators
from strategies.parameters import Parameter
from strategies.plan import Plan
from strategies.rule_strategy import RuleStrategy
from strategies.sides import SIDES, signs
from strategies.waves import WAVE_2, WAVE_4, WAVE_PARAMETERS, WaveInput, WaveRules


class ElliottWave(RuleStrategy):
    """Enter at the confirmed end of wave 2 or 4 when its depth lies in the Fibonacci zone."""

    name = "elliott_wave"
    title = "Elliott wave with Fibonacci zones"
    idea = "A correction that ends in its Fibonacci zone starts wave 3 or 5; the count is dead beyond its invalidation."
    source = "Frost and Prechter, Elliott Wave Principle (1978); trading-rules A.9 no. 1."
    fails_in = (
        "Ranges and news shocks: counts are invalidated as often as they are confirmed. On a random walk the setups "
        "appear just as often, and no study shows an edge of the ratios (trading-rules A.3)."
    )
    tags = ("wave2_long", "wave4_long", "wave2_short", "wave4_short")
    parameters = (
        *WAVE_PARAMETERS,
        Parameter(
            name="order",
            kind="choice",
            default="market",
            choices=("market", "limit"),
            text="Enter at the next open, or with a limit at the near edge of the zone.",
        ),
        SIDES,
    )

    def check_parameters(self) -> None:
        WaveRules(self).check_parameters()

    def inputs(self) -> Mapping[str, Input]:
        return {
            "wave": WaveInput(self.whole("degree"), self.choice("scale")),
            **indicators(atr="atr:14"),
        }

    def plan(self, frame: Frame) -> Plan:
        rules, order = WaveRules(self), self.choice("order")
        return Plan(
            entries=tuple(
                rules.entry(frame, side, wave, order=order)
                for side in signs(self.choice("sides"))
                for wave in (WAVE_4, WAVE_2)
            )
        )

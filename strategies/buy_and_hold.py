"""Buy once and keep: the benchmark to beat."""

from __future__ import annotations

from collections.abc import Mapping

from strategies.frame import Frame, Input
from strategies.parameters import Parameter
from strategies.plan import Entry, Plan, Rule
from strategies.rule_strategy import RuleStrategy


class BuyAndHold(RuleStrategy):
    """Wants to be long at every bar; the account holds one position, so it buys once."""

    name = "buy_and_hold"
    title = "Buy and hold"
    idea = "Buy at the first bar and never sell: whatever claims an edge must beat this after costs."
    source = "The passive benchmark of portfolio theory; Sharpe, The Arithmetic of Active Management (1991)."
    fails_in = "Bear markets: it takes the whole fall."
    tags = ("hold",)
    parameters = (
        Parameter(
            name="stop_ratio",
            kind="float",
            default=0.0,
            minimum=0.0,
            maximum=0.95,
            step=0.05,
            unit="ratio",
            text="Protective stop below the entry close as a ratio of it; 0 holds without a stop.",
        ),
    )

    def inputs(self) -> Mapping[str, Input]:
        return {}

    def plan(self, frame: Frame) -> Plan:
        close = frame["close"]
        ratio = self.number("stop_ratio")
        return Plan(
            entries=(
                Entry(
                    side=1,
                    tag="hold",
                    rules=(Rule("price_known", close, ">", 0.0),),
                    stop=close * (1.0 - ratio) if ratio else None,
                ),
            )
        )

"""Why a strategy did what it did over a history: how often each rule was met, and how often it alone was missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from strategies.base import ColumnStrategy
from strategies.frame import frame_of
from strategies.rule_strategy import RuleStrategy
from trading.market import MarketView


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTally:
    """One rule of one entry over a history.

    Attributes:
        name: "<tag>.<rule>".
        met: bars at which the rule held.
        alone_missing: bars at which every other rule of the entry held and this one did not.
        unknown: bars at which its value or threshold was not known.
    """

    name: str
    met: int
    alone_missing: int
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Entries over a history and the rules behind them."""

    bars: int
    entries: int
    rules: tuple[RuleTally, ...]

    @property
    def reason(self) -> str:
        """Say in one sentence why there was no entry; empty when there was one."""
        if self.entries:
            return ""
        if not self.bars:
            return "There were no bars."
        never = [rule for rule in self.rules if rule.met == 0]
        unknown = [rule for rule in never if rule.unknown == self.bars]
        if unknown:
            return f"{unknown[0].name} was never known in {self.bars} bars: its data are missing or still warming up."
        if never:
            return f"{never[0].name} was met at none of {self.bars} bars."
        if not self.rules:
            return "The strategy tells no rules."
        closest = max(self.rules, key=lambda rule: rule.alone_missing)
        if closest.alone_missing:
            return f"{closest.name} alone was missing at {closest.alone_missing} of {self.bars} bars."
        rarest = min(self.rules, key=lambda rule: rule.met)
        return f"No bar met all rules; {rarest.name} was met at {rarest.met} of {self.bars} bars only."


def tally_of(strategy: ColumnStrategy, market: MarketView) -> Tally:
    """Count a strategy's rules over a history; one that tells no rules is counted by its entries."""
    rows = len(market.candles)
    entries = int(np.count_nonzero(strategy.columns(market).enter)) if rows else 0
    if not isinstance(strategy, RuleStrategy) or not rows:
        return Tally(bars=rows, entries=entries, rules=())
    frame = frame_of(market, strategy.opened_inputs)
    out: list[RuleTally] = []
    for entry in strategy.plan(frame).entries:
        rules = entry.all_rules(frame["close"])
        met = np.array([rule.met(rows) for rule in rules])
        missing = (~met).sum(axis=0)
        for rule, verdict in zip(rules, met, strict=True):
            unknown = np.isnan(np.broadcast_to(rule.value, rows)) | np.isnan(
                np.broadcast_to(rule.threshold, rows)
            )
            out.append(
                RuleTally(
                    name=f"{entry.tag}.{rule.name}",
                    met=int(verdict.sum()),
                    alone_missing=int((~verdict & (missing == 1)).sum()),
                    unknown=int(unknown.sum()),
                )
            )
    return Tally(bars=rows, entries=entries, rules=tuple(out))

"""Strategies carried forward bar by bar, and what happens when one breaks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from desk.bots.plan import Line
from desk.ports import Bar
from strategies.base import SignalStream
from strategies.rule_strategy import RuleStream
from trading.candles import Candles
from trading.errors import StrategyFailure
from trading.market import MarketView
from trading.signals import Signal


class Carrier:
    """One strategy on one pair, opened on its past.

    Args:
        past: every bar since its origin up to now; may be empty.
        others: the past of the pairs that the strategy also looks at.
    """

    def __init__(self, line: Line, past: Candles, others: Mapping[str, Candles]) -> None:
        self.line = line
        self._needs_view = bool(line.strategy.pairs_needed or line.strategy.series_needed)
        with _as_failure(line, "opening its past"):
            view = MarketView(candles=past, others=others) if len(past) else None
            self._stream: SignalStream = line.strategy.stream(view)

    @property
    def needs_view(self) -> bool:
        """Tell whether `step` must be given the market."""
        return self._needs_view

    def step(self, bar: Bar, market: MarketView | None) -> Signal:
        """Take a closed bar, give its row.

        Raises:
            StrategyFailure: the strategy raised or gave something else than a signal.
        """
        with _as_failure(self.line, f"at the bar of {bar.ts_ms}"):
            signal = self._stream.step(
                bar.ts_ms,
                bar.open,
                bar.high,
                bar.low,
                bar.close,
                bar.volume,
                bar.flags,
                market=market,
            )
        if not isinstance(signal, Signal) or signal.enter not in (-1, 0, 1):
            raise StrategyFailure(
                f"Strategy '{self.line.bot.strategy}' gave {signal!r}; a Signal with enter -1, 0 or 1 is needed."
            )
        return signal

    def latest(self, column: str) -> float:
        """Give what a strategy of rules read at the last close, by the column of its frame; NaN where there is none."""
        return self._stream.latest(column) if isinstance(self._stream, RuleStream) else float("nan")

    def explain(self) -> tuple[Mapping[str, Any], ...]:
        """Give the conditions of the last row as plain values."""
        with _as_failure(self.line, "explaining itself"):
            return tuple(
                {
                    "name": one.name,
                    "value": _finite(one.value),
                    "threshold": _finite(one.threshold),
                    "relation": one.relation,
                    "met": one.met,
                }
                for one in self._stream.explain()
            )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


@contextmanager
def _as_failure(line: Line, when: str) -> Iterator[None]:
    """Turn whatever a strategy raises into a StrategyFailure that names it; the house stays up."""
    try:
        yield
    except StrategyFailure:
        raise
    except Exception as problem:
        raise StrategyFailure(
            f"Strategy '{line.bot.strategy}' of bot '{line.bot.name}' on {line.pair} broke {when}: "
            f"{type(problem).__name__}: {problem}",
            hint="Correct the strategy, then stop and start the bot.",
        ) from problem

"""The words of the bias checks: what can be checked, how thoroughly, and what a check found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from trading.backtest.bias_material import Columns
from trading.market import MarketView

IntArray = NDArray[np.int64]


class BiasCheck(StrEnum):
    """The checks, in the order of trading-rules.md D."""

    PREFIX = "prefix_consistency"
    POISON = "future_poisoning"
    INCREMENTAL = "incremental_equals_batch"
    RESTART = "restart_from_snapshot"
    STARTUP = "startup_sensitivity"
    FORMING = "forming_bar"
    TIMEFRAMES = "multi_timeframe"
    FILLS = "fill_audit"
    MARTINGALE = "martingale_audit"
    ORDER = "order_invariance"


@runtime_checkable
class Checkable(Protocol):
    """A strategy, indicator, detector or feature set as the checks see it."""

    @property
    def name(self) -> str: ...

    @property
    def warmup_bars(self) -> int:
        """Bars before the first row that does not depend on where the history begins."""
        ...

    @property
    def anchored(self) -> Mapping[str, str]:
        """Columns that depend on the first bar on purpose, each with the reason; not judged by `STARTUP`."""
        ...

    def compute(self, market: MarketView) -> Columns:
        """Give every output, one row per bar of `market.candles`."""
        ...


@runtime_checkable
class Incremental(Protocol):
    """A subject that can also be carried forward one closed bar at a time."""

    @property
    def follow_tolerance(self) -> float:
        """Relative difference to `compute` that is part of its contract (0 … 1e-6)."""
        ...

    def follow(self, market: MarketView, start: int, stop: int) -> Columns:
        """Open on rows before `start`, take rows start … stop - 1 one at a time, give those rows."""
        ...


@runtime_checkable
class Restartable(Protocol):
    """An incremental subject whose state can be written down."""

    def restart(self, market: MarketView, start: int, at: int, stop: int) -> Columns:
        """As `follow`, but at row `at` the state is written down, dropped and read back."""
        ...


@runtime_checkable
class Forming(Protocol):
    """A subject that is also told of bars that are not closed yet."""

    def intrabar(self, market: MarketView, start: int, stop: int, updates: int) -> tuple[Columns, IntArray]:
        """As `follow`, each bar preceded by `updates` partial states of it.

        Returns:
            The rows, and how many outputs were emitted before each bar was closed, shape (stop - start,).
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Thoroughness:
    """How many bars are sampled.

    Attributes:
        random_bars: cut points drawn at random.
        first_bars: cut points right after the warm-up.
        signal_bars: rows with decisions, drawn at random, each with two neighbours on either side.
        poison_bars: cut points at which the future is poisoned, four ways each.
        startup_bars: rows recomputed from late starts.
        follow_bars: rows taken one at a time.
    """

    random_bars: int = 100
    first_bars: int = 50
    signal_bars: int = 60
    poison_bars: int = 25
    startup_bars: int = 20
    follow_bars: int = 200
    seed: int = 1


#: Every check in a fraction of a second per subject, for test suites.
QUICK = Thoroughness(
    random_bars=10, first_bars=4, signal_bars=4, poison_bars=4, startup_bars=5, follow_bars=40
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One way in which a subject is wrong.

    Attributes:
        bar: the row at which it shows; -1 where no single bar is to blame.
        message: what was done, what was expected, what was found.
    """

    check: BiasCheck
    subject: str
    bar: int
    message: str
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One check of one subject.

    Attributes:
        runs: comparisons made; 0 when the check does not apply.
        note: why it does not apply, or what was left out.
    """

    check: BiasCheck
    runs: int
    findings: tuple[Finding, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasReport:
    """All checks of one subject."""

    subject: str
    outcomes: tuple[Outcome, ...] = field(default_factory=tuple)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that is wrong."""
        return tuple(finding for outcome in self.outcomes for finding in outcome.findings)

    @property
    def is_clean(self) -> bool:
        """Nothing was found, and at least one check ran."""
        return not self.findings and any(outcome.runs for outcome in self.outcomes)

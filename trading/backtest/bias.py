"""Look-ahead and recursion checks (trading-rules.md D) of anything that turns candles into columns.

Checks 1–6 here; the audits of backtest results (7–9) are in `bias_audits`, the planted offenders (10) in
`bias_offenders`. Whole-prefix comparison is the first line, poisoned futures the second: each catches offenders
that the other misses.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from trading.backtest.bias_material import (
    EXACT,
    SETTLED,
    Columns,
    Difference,
    Poison,
    first_difference,
    poisoned,
    signal_rows,
    started,
)
from trading.errors import InvalidInput
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


def check_all(
    subjects: Iterable[Checkable],
    market: MarketView,
    *,
    thoroughness: Thoroughness | None = None,
    most_bars: int = 3_000,
    progress: Callable[[BiasReport], None] | None = None,
) -> tuple[BiasReport, ...]:
    """Check every subject on the last `most_bars` bars of a market.

    A subject whose warm-up is longer than a third of that gets more bars, as far as there are.
    """
    reports = []
    for subject in subjects:
        bars = min(len(market.candles), max(most_bars, 4 * subject.warmup_bars + 200))
        report = check_subject(
            subject, started(market, len(market.candles) - bars, len(market.candles)), thoroughness
        )
        reports.append(report)
        if progress is not None:
            progress(report)
    return tuple(reports)


def check_subject(
    subject: Checkable, market: MarketView, thoroughness: Thoroughness | None = None
) -> BiasReport:
    """Run checks 1–6 of one subject on all bars of a market."""
    effort = thoroughness or Thoroughness()
    n = len(market.candles)
    if n < 30:
        raise InvalidInput(f"{n} bars were given to check '{subject.name}'; at least 30 are needed.")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # Poisoned futures are not numbers on purpose; what a subject does with them is judged, not its warnings.
        warnings.simplefilter("ignore")
        run = _Run(subject, market, effort)
        return BiasReport(
            subject=subject.name,
            outcomes=(
                run.prefix(),
                run.poison(),
                run.incremental(),
                run.restart(),
                run.startup(),
                run.forming(),
                run.timeframes(),
            ),
        )


class _Run:
    """One subject on one market; the full computation is made once."""

    def __init__(self, subject: Checkable, market: MarketView, effort: Thoroughness) -> None:
        self.subject, self.market, self.effort = subject, market, effort
        self.bars = len(market.candles)
        self.random = np.random.default_rng(effort.seed)
        self.full = {name: np.array(column) for name, column in subject.compute(market).items()}
        #: From here on rows should not depend on the first bar; at least ten rows are always judged.
        self.settled = min(max(subject.warmup_bars, 1), self.bars - 10)

    def cuts(self, count: int) -> list[int]:
        """Draw prefix lengths at random, never the whole."""
        low, high = min(self.settled, self.bars // 3) + 1, self.bars
        return sorted(
            self.random.choice(np.arange(low, high), min(count, high - low), replace=False).tolist()
        )

    def compare(self, found: Columns, stop: int) -> Difference | None:
        return first_difference(self.full, found, rows=slice(0, stop), tolerance=EXACT)

    def prefix(self) -> Outcome:
        """Check 1: every row of every prefix equals the full run's."""
        effort = self.effort
        cuts = set(self.cuts(effort.random_bars))
        cuts.update(range(self.settled + 1, min(self.settled + 1 + effort.first_bars, self.bars)))
        rows = signal_rows(self.full)
        rows = self.random.choice(rows, min(len(rows), effort.signal_bars), replace=False)
        cuts.update(row + near + 1 for row in rows.tolist() for near in (-2, -1, 0, 1, 2))
        cuts = {cut for cut in cuts if 2 <= cut < self.bars}
        return self._judged(BiasCheck.PREFIX, cuts, self.market.until, "bars {cut} and later were cut off")

    def poison(self) -> Outcome:
        """Check 2: rows stay as they are whatever the future holds."""
        runs, refusals = 0, 0
        findings: list[Finding] = []
        for cut in self.cuts(self.effort.poison_bars):
            for poison in Poison:
                changed = poisoned(self.market, cut, poison, seed=self.effort.seed + cut)
                try:
                    found = self.subject.compute(changed)
                except Exception as problem:
                    if poison is not Poison.NAN:
                        raise
                    # Refusing bars that are not numbers is right; it tells nothing about look-ahead.
                    del problem
                    refusals += 1
                    continue
                runs += 1
                wrong = self.compare(found, cut)
                if wrong is not None:
                    findings.append(
                        self._finding(BiasCheck.POISON, wrong, f"bars {cut} and later were made '{poison}'")
                    )
                    break
            if len(findings) >= 3:
                break
        note = f"{refusals} runs with NaN were refused by the subject" if refusals else ""
        return Outcome(check=BiasCheck.POISON, runs=runs, findings=tuple(findings), note=note)

    def incremental(self) -> Outcome:
        """Check 3, first half: one bar at a time gives the rows of the whole."""
        if not isinstance(self.subject, Incremental):
            return Outcome(check=BiasCheck.INCREMENTAL, runs=0, note="no incremental face")
        start = max(self.settled, self.bars - self.effort.follow_bars)
        found = self.subject.follow(self.market, start, self.bars)
        wrong = first_difference(
            self.full,
            found,
            rows=slice(start, self.bars),
            offset=start,
            tolerance=max(EXACT, self.subject.follow_tolerance),
        )
        return self._once(BiasCheck.INCREMENTAL, wrong, "bars were taken one at a time")

    def restart(self) -> Outcome:
        """Check 3, second half: stopping at a random bar changes nothing."""
        if not isinstance(self.subject, Restartable) or not isinstance(self.subject, Incremental):
            return Outcome(check=BiasCheck.RESTART, runs=0, note="no state to write down")
        start = max(self.settled, self.bars - self.effort.follow_bars)
        at = int(self.random.integers(start + 1, self.bars))
        found = self.subject.restart(self.market, start, at, self.bars)
        wrong = first_difference(
            self.full,
            found,
            rows=slice(start, self.bars),
            offset=start,
            tolerance=max(EXACT, self.subject.follow_tolerance),
        )
        return self._once(BiasCheck.RESTART, wrong, f"the state was written down and read back at bar {at}")

    def startup(self) -> Outcome:
        """Check 4: a row does not depend on whether W, 2W or 4W bars came before it."""
        warmup = max(self.subject.warmup_bars, 1)
        anchored = dict(self.subject.anchored)
        judged = {name: column for name, column in self.full.items() if name not in anchored}
        note = "; ".join(f"{name} is not judged: {reason}" for name, reason in anchored.items())
        if not judged:
            return Outcome(check=BiasCheck.STARTUP, runs=0, note=note)
        # The reference itself needs to be settled: judge rows with at least twice the warm-up before them.
        low = min(2 * warmup, self.bars - 1)
        if low < warmup + 1 or low >= self.bars - 1:
            short = f"{self.bars} bars are too few for a warm-up of {warmup}"
            return Outcome(check=BiasCheck.STARTUP, runs=0, note="; ".join(filter(None, (note, short))))
        rows = self.random.choice(
            np.arange(low, self.bars), min(self.effort.startup_bars, self.bars - low), replace=False
        )
        runs = 0
        findings: list[Finding] = []
        for row in sorted(rows.tolist()):
            for factor in (1, 2, 4):
                start = row - factor * warmup
                if start <= 0:
                    break
                found = self.subject.compute(started(self.market, start, row + 1))
                runs += 1
                wrong = first_difference(
                    judged,
                    {name: found[name] for name in judged},
                    rows=slice(row, row + 1),
                    offset=start,
                    tolerance=SETTLED,
                )
                if wrong is not None:
                    action = f"history began {factor * warmup} bars earlier (declared warm-up: {warmup})"
                    findings.append(self._finding(BiasCheck.STARTUP, wrong, action))
                    break
            if len(findings) >= 3:
                break
        return Outcome(check=BiasCheck.STARTUP, runs=runs, findings=tuple(findings), note=note)

    def forming(self) -> Outcome:
        """Check 5: partial states of a bar emit nothing and change nothing."""
        if not isinstance(self.subject, Forming):
            return Outcome(check=BiasCheck.FORMING, runs=0, note="takes closed bars only")
        start = max(self.settled, self.bars - self.effort.follow_bars)
        found, emitted = self.subject.intrabar(self.market, start, self.bars, updates=4)
        if emitted.any():
            row = start + int(np.argmax(emitted > 0))
            finding = Finding(
                check=BiasCheck.FORMING,
                subject=self.subject.name,
                bar=row,
                message=f"Bar {row} was still forming when an output was emitted; none is allowed before its close.",
            )
            return Outcome(check=BiasCheck.FORMING, runs=1, findings=(finding,))
        wrong = first_difference(
            self.full, found, rows=slice(start, self.bars), offset=start, tolerance=SETTLED
        )
        return self._once(BiasCheck.FORMING, wrong, "partial states came before each close")

    def timeframes(self) -> Outcome:
        """Check 6: cut in the middle of longer bars, nothing of their later part shows.

        The cut points are the first and the middle own bar inside longer bars of 3 to 24 own bars.
        """
        step = self.market.candles.timeframe.ms
        opens = self.market.candles.ts_ms // step
        cuts: set[int] = set()
        for length in (3, 4, 12, 24):
            for phase in (1, length // 2):
                inside = np.flatnonzero(opens[: self.bars - 1] % length == phase - 1) + 1
                inside = inside[inside > self.settled]
                count = min(len(inside), max(1, self.effort.poison_bars // 4))
                cuts.update(self.random.choice(inside, count, replace=False).tolist() if count else [])
        return self._judged(
            BiasCheck.TIMEFRAMES,
            cuts,
            lambda cut: poisoned(self.market, cut, Poison.TENFOLD, seed=cut),
            "longer bars were cut in the middle at bar {cut}",
        )

    def _judged(
        self, check: BiasCheck, cuts: set[int], changed: Callable[[int], MarketView], action: str
    ) -> Outcome:
        findings: list[Finding] = []
        runs = 0
        for cut in sorted(cuts):
            runs += 1
            wrong = self.compare(self.subject.compute(changed(cut)), cut)
            if wrong is not None:
                findings.append(self._finding(check, wrong, action.format(cut=cut)))
                if len(findings) >= 3:
                    break
        return Outcome(check=check, runs=runs, findings=tuple(findings))

    def _once(self, check: BiasCheck, wrong: Difference | None, action: str) -> Outcome:
        findings = () if wrong is None else (self._finding(check, wrong, action),)
        return Outcome(check=check, runs=1, findings=findings)

    def _finding(self, check: BiasCheck, wrong: Difference, action: str) -> Finding:
        return Finding(
            check=check,
            subject=self.subject.name,
            bar=wrong.row,
            column=wrong.column,
            message=(
                f"When {action}, '{wrong.column}' at bar {wrong.row} became {wrong.found}; "
                f"it was {wrong.expected}."
            ),
        )

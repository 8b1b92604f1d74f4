"""Look-ahead and recursion checks (trading-rules.md D) of anything that turns candles into columns.

Checks 1–6 here; the audits of backtest results (7–9) are in `bias_audits`, the planted offenders (10) in
`bias_offenders`. Whole-prefix comparison is the first line, poisoned futures the second: each catches offenders
that the other misses.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable

import numpy as np

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
from trading.backtest.bias_terms import (
    QUICK,
    BiasCheck,
    BiasReport,
    Checkable,
    Finding,
    Forming,
    Incremental,
    Outcome,
    Restartable,
    Thoroughness,
)
from trading.errors import InvalidInput
from trading.market import MarketView

__all__ = [
    "QUICK",
    "BiasCheck",
    "BiasReport",
    "Checkable",
    "Finding",
    "Forming",
    "Incremental",
    "Outcome",
    "Restartable",
    "Thoroughness",
    "check_all",
    "check_subject",
    "sample_subject",
]


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


def sample_subject(subject: Checkable, market: MarketView, thoroughness: Thoroughness) -> tuple[Outcome, ...]:
    """Run checks 1 and 2 alone: no look at the future, in a sample that costs little."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        run = _Run(subject, market, thoroughness)
        return run.prefix(), run.poison()


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

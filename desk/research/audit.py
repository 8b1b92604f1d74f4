"""What is checked before a backtest is believed: no look at the future, honest fills, nothing earned on noise.

The checks of trading-rules.md D in a sample that costs little beside the run: the strategy's last bars against cut-off
and poisoned futures (1, 2), every fill of this very run (7), and the same strategy with the same stops on prices
without drift (8).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from desk.research.runs import views_of
from trading.backtest.bias import BiasCheck, Outcome, sample_subject
from trading.backtest.bias_audits import WalkResult, audit_fills, audit_martingale
from trading.backtest.bias_material import started
from trading.backtest.bias_subjects import StrategySubject
from trading.backtest.bias_terms import Thoroughness
from trading.backtest.evaluate import fills_of
from trading.backtest.history import make_history, market_candles, signal_records
from trading.backtest.run import backtest
from trading.candles import Candles
from trading.engine.config import Costs, RiskLimits
from trading.instruments import Instrument
from trading.market import MarketView

if TYPE_CHECKING:
    from desk.research.runs import Done

#: Cut points of the sample; nothing is taken bar by bar.
SAMPLE = Thoroughness(
    random_bars=8, first_bars=2, signal_bars=4, poison_bars=3, startup_bars=0, follow_bars=0
)

#: Bars of the sample, beside what the strategy needs to warm up.
SAMPLE_BARS = 1_500

#: Random walks, and their length beside the warm-up.
WALKS = 20
WALK_BARS = 400


def audited(done: Done) -> Done:
    """Audit a finished run and the strategy that made it; what was found stands in its document as "audit"."""
    done.document["audit"] = audit_document((*_sampled(done), _fills(done), _martingale(done)))
    return done


def audit_document(outcomes: tuple[Outcome, ...]) -> dict[str, Any]:
    """Give the outcomes as plain values: `{"clean", "checks": [{"check", "runs", "findings", "note"}]}`."""
    return {
        "clean": not any(one.findings for one in outcomes),
        "checks": [
            {
                "check": str(one.check),
                "runs": one.runs,
                "findings": [finding.message for finding in one.findings],
                "note": one.note,
            }
            for one in outcomes
        ],
    }


def audit_sentences(document: dict[str, Any]) -> list[str]:
    """Say in words what was checked and what was found."""
    words = {
        BiasCheck.PREFIX: "{runs} cut-off histories gave the same signals",
        BiasCheck.POISON: "{runs} changed futures changed no signal",
        BiasCheck.FILLS: "{runs:,} fills came after their decision and inside their bar",
        BiasCheck.MARTINGALE: "{runs} random walks earned nothing",
    }
    kept = [one for one in document["checks"] if one["runs"] and not one["findings"]]
    left = [one for one in document["checks"] if not one["runs"]]
    said = []
    if kept:
        said.append(
            "Audited: "
            + "; ".join(words[BiasCheck(one["check"])].format(runs=one["runs"]) for one in kept)
            + "."
        )
    said += [f"Not audited ({_plain(one['check'])}): {one['note']}." for one in left]
    for one in document["checks"]:
        said += [f"AUDIT FAILED ({_plain(one['check'])}): {finding}" for finding in one["findings"]]
    return said


def _plain(check: str) -> str:
    return check.replace("_", " ")


def _sampled(done: Done) -> tuple[Outcome, ...]:
    strategy, market = done.strategy, done.markets[0]
    view = views_of(done.markets, done.request.series)[0]
    bars = min(len(market), SAMPLE_BARS + 2 * strategy.warmup_bars)
    if bars < 30:
        note = f"{bars} bars; 30 are needed"
        return tuple(
            Outcome(check=check, runs=0, note=note) for check in (BiasCheck.PREFIX, BiasCheck.POISON)
        )
    subject = StrategySubject(name=strategy.name, strategy=strategy)
    return sample_subject(subject, started(view, len(market) - bars, len(market)), SAMPLE)


def _fills(done: Done) -> Outcome:
    """Audit every line's fills on the time axis that all markets share."""
    config, result = done.result.config, done.result
    history = make_history(config, market_candles(config, done.markets))
    rows = signal_records(history.ts_ms, done.markets, done.signals)
    ratio = config.costs.slippage + config.costs.spread / 2
    outcomes = []
    for line, market in enumerate(done.markets):
        candles = replace(
            market,
            ts_ms=history.ts_ms,
            open=history.open[:, line],
            high=history.high[:, line],
            low=history.low[:, line],
            close=history.close[:, line],
            volume=history.volume[:, line],
            flags=history.flags[:, line],
        )
        instrument = config.lines[line].instrument
        outcomes.append(
            audit_fills(
                fills_of(result, rows, line=line),
                candles,
                cost_ratio=ratio,
                tick=float(instrument.tick),
                subject=instrument.pair,
            )
        )
    return Outcome(
        check=BiasCheck.FILLS,
        runs=sum(one.runs for one in outcomes),
        findings=tuple(finding for one in outcomes for finding in one.findings),
        note="" if len(result.fill_records) else "the run has no fills",
    )


def _martingale(done: Done) -> Outcome:
    if len(done.markets) > 1:
        note = "several markets; their common moves are not on random walks"
        return Outcome(check=BiasCheck.MARTINGALE, runs=0, note=note)
    strategy = done.strategy
    if strategy.series_needed:
        note = "it reads external series, which random walks do not have"
        return Outcome(check=BiasCheck.MARTINGALE, runs=0, note=note)

    def run(candles: Candles, cost_ratio: float) -> WalkResult:
        signals = strategy.columns(MarketView(candles=candles))
        line = replace(
            done.result.config.lines[0],
            instrument=Instrument(
                pair=candles.pair,
                tick=Decimal("1e-8"),
                step=Decimal("1e-6"),
                min_notional=Decimal(0),
                can_short=done.result.config.lines[0].instrument.can_short,
            ),
        )
        config = replace(
            done.result.config,
            lines=(line,),
            timeframe_ms=candles.timeframe.ms,
            costs=Costs(maker_fee=cost_ratio, taker_fee=cost_ratio, slippage=0.0, fill="touch"),
            limits=RiskLimits.off(),
        )
        trades = backtest([candles], [signals], config).trade_records
        # A grid's rounds have no one entry to measure by.
        trades = trades[trades["lots"] > 0]
        return WalkResult(pnl=trades["pnl"] / (trades["lots"] * 1e-6 * trades["entry_price"]))

    return audit_martingale(run, walks=WALKS, bars=WALK_BARS + strategy.warmup_bars, subject=strategy.name)

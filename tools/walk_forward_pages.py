"""Write docs/strategies/<name>.md from real candles: what each strategy is, and what it did out of sample.

    python tools/walk_forward_pages.py --data FOLDER [--only NAME …]

FOLDER holds `ohlcv/binance_<BASE>-<QUOTE>_1h.csv.gz`. Every number on a page is computed here; pages are overwritten.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from strategies.base import BaseStrategy, ColumnStrategy
from strategies.registry import default_registry
from strategies.tally import tally_of
from tests.support.candle_files import candles_from, hourly_files
from trading.backtest.evaluate import Laboratory, metrics_of
from trading.backtest.metrics import Metrics
from trading.backtest.search_space import Grid, Value
from trading.backtest.sweep import Runner, sweep
from trading.backtest.trials import SearchResult
from trading.backtest.walk_forward import Plan, WalkForward, walk_forward, windows
from trading.candles import Candles
from trading.engine.config import AccountConfig, Costs, LineConfig, RiskLimits
from trading.instruments import Instrument
from trading.market import MarketView
from trading.signals import SignalColumns

ROOT = Path(__file__).resolve().parents[1]
DAY_MS = 86_400_000
PLAN = Plan(train_ms=365 * DAY_MS, test_ms=90 * DAY_MS, gap_ms=21 * DAY_MS)

#: Two axes per strategy: wide enough to show a plateau, small enough to keep the number of trials honest.
GRIDS: dict[str, tuple[str, ...]] = {
    "elliott_wave": ("stop_max_ratio=0.03,0.05,0.08", "wave2_from=0.382,0.5,0.618"),
    "trend_following": ("slow_bars=50,100,200", "stop_atr=2,3,4"),
    "breakout": ("wait_bars=12,24,48", "stop_max_ratio=0.05,0.08,0.12"),
    "momentum": ("rsi_veto=65,70,80", "stop_max_ratio=0.03,0.05,0.08"),
    "grid_trading": ("levels=3,4,6", "exit_atr=0.5,1,2"),
    "mean_reversion": ("rsi_low=20,25,30", "stop_atr=1.5,2.5,3.5"),
    "scalping": ("target_atr=1.5,2,3", "stop_atr=1,1.5,2"),
    "buy_and_hold": ("stop_ratio=0,0.3,0.5",),
}
NOT_WALKED = {
    "arbitrage": "It needs a second venue of the same pair or the two other sides of a triangle at the same time. The "
    "candles at hand hold one venue per pair and no cross pair, so there is nothing to walk: without a price elsewhere "
    "the strategy stands aside, and says so.",
    "learned_signal": "It trades the forecasts of a model that comes from outside. This repository ships no forecast "
    "series of the walked years, so there is nothing to walk: without a forecast the strategy stands aside, and says "
    "so. The reports of trained models show their own walk.",
    "outside_signal": "It trades the messages that reach a bot's webhook. There is no record of messages for the walked "
    "years, so there is nothing to walk: without a message the strategy stands aside.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRun:
    """A strategy with its defaults on one pair, beside holding that pair."""

    pair: str
    roi: float
    held_roi: float
    trades: int
    reason: str


def account_of(candles: Candles, *, risk_per_trade: float | None = 0.01) -> AccountConfig:
    """Give the account of the walk: a risk per trade, up to the whole equity in one position, no breaker."""
    return AccountConfig(
        account_id="walk",
        capital=Decimal(10_000),
        costs=Costs(),
        limits=replace(RiskLimits.off(), risk_per_trade=risk_per_trade, max_position=1.0),
        lines=(
            LineConfig(
                bot_id="walk",
                instrument=Instrument(
                    pair=candles.pair, tick=Decimal("0.0000000001"), step=Decimal("0.00001"), can_short=True
                ),
            ),
        ),
        timeframe_ms=candles.timeframe.ms,
    )


def strategy_of(cls: type[BaseStrategy], params: Mapping[str, object]) -> ColumnStrategy:
    """Build a column strategy."""
    found = cls(**params)
    if not isinstance(found, ColumnStrategy):
        raise TypeError(f"'{cls.name}' is no column strategy; only those are walked.")
    return found


def laboratory(cls: type[BaseStrategy], candles: Candles) -> Laboratory:
    """Give the runner of a strategy on one series."""
    view = MarketView(candles=candles)

    def signals(params: Mapping[str, Value]) -> Sequence[SignalColumns]:
        return (strategy_of(cls, params).columns(view),)

    # Without a stop the whole price counts as risk; holding is meant to hold everything.
    risk = None if cls.name == "buy_and_hold" else 0.01
    return Laboratory((candles,), account_of(candles, risk_per_trade=risk), signals)


def walk(lab: Laboratory, candles: Candles, grid: Grid, *, minimum_trades: int) -> WalkForward:
    """Walk through the windows; the Sharpe ratio of the training window picks."""
    pick = partial(_picked, grid, minimum_trades)
    cuts = windows(int(candles.ts_ms[0]), int(candles.ts_ms[-1]) + candles.timeframe.ms, PLAN)
    return walk_forward(lab.window, pick, cuts)


def _picked(grid: Grid, minimum_trades: int, run: Runner) -> SearchResult:
    return sweep(run, grid, objective="sharpe", minimum_trades=minimum_trades, workers=1)


def on_pairs(cls: type[BaseStrategy], series: Sequence[Candles]) -> tuple[PairRun, ...]:
    """Run a strategy with its defaults on every pair of the last half year's files."""
    out = []
    for candles in series:
        strategy, view = strategy_of(cls, {}), MarketView(candles=candles)
        metrics = metrics_of(laboratory(cls, candles).result({}))
        out.append(
            PairRun(
                pair=candles.pair,
                roi=metrics["roi"] or 0.0,
                held_roi=float(candles.close[-1] / candles.open[1] - 1.0),
                trades=int(metrics["trades"] or 0),
                reason=tally_of(strategy, view).reason,
            )
        )
    return tuple(out)


def page(cls: type[BaseStrategy], btc: Candles, others: Sequence[Candles], held: Laboratory) -> str:
    """Give the page of one strategy."""
    parts = [_head(cls)]
    if cls.name in NOT_WALKED:
        parts.append(f"## Out of sample\n\n{NOT_WALKED[cls.name]}\n")
        return "\n".join(parts)
    lab, grid = laboratory(cls, btc), Grid.read(GRIDS[cls.name])
    # Holding closes no trade, and is to be judged all the same.
    done = walk(lab, btc, grid, minimum_trades=0 if cls.name == "buy_and_hold" else 5)
    first, last = done.steps[0].window.test_from_ms, done.steps[-1].window.test_to_ms
    benchmark = held.window({}, first, last)
    parts += [
        _out_of_sample(
            cls, done, float(benchmark.equity[-1] / benchmark.equity[0] - 1.0), (btc, first, last)
        ),
        _plateau(lab, grid),
        _pairs(on_pairs(cls, others)),
        _example(cls),
    ]
    return "\n".join(parts)


def _head(cls: type[BaseStrategy]) -> str:
    info = default_registry().info(cls.name)
    rows = "\n".join(
        f"| `{one.name}` | {one.default} | {one.allowed} | {one.unit or '-'} | {one.text} |"
        for one in cls.parameters
    )
    return (
        f"# {cls.title}\n\n`{cls.name}`. {cls.idea}\n\n"
        f"- *Source:* {cls.source}\n- *Fails in:* {cls.fails_in}\n"
        f"- *Warm-up:* {info.warmup_bars} bars with the defaults\n"
        f"- *Tags:* {', '.join(f'`{tag}`' for tag in cls.tags)}\n\n"
        f"| Parameter | Default | Allowed | Unit | What it does |\n|---|---|---|---|---|\n{rows}\n"
    )


def _out_of_sample(
    cls: type[BaseStrategy], done: WalkForward, held: float, where: tuple[Candles, int, int]
) -> str:
    candles, first, last = where
    m, stood = done.metrics, sum(step.params is None for step in done.steps)
    held_note = "" if done.gap_is_enough else " A training trade was held longer than the gap."
    efficiency = (
        f"{done.efficiency:.2f}" if done.efficiency is not None else f"undefined ({done.efficiency_reason})"
    )
    roi = m["roi"] or 0.0
    risk = "everything in one position" if cls.name == "buy_and_hold" else "1 % of equity at risk per trade"
    return f"""## Out of sample

{candles.pair} at {candles.venue}, {candles.timeframe} bars, {_day(first)} to {_day(last)}: {len(done.steps)} test windows of
90 days, each with the parameters that had the best Sharpe ratio in the 365 days before (gap 21 days). Fee 0.10 % per
side, slippage 0.05 %, no funding or borrowing cost; {risk}, at most the whole equity in one
position, shorts allowed, no circuit breaker. {stood} windows stood aside.{held_note}

| Figure | Out of sample |
|---|---|
| Return | {_percent(roi)} |
| Return of holding over the same time | {_percent(held)} |
| Annual return | {_figure(m, "cagr", percent=True)} |
| Sharpe ratio | {_figure(m, "sharpe")} |
| Probability that the true Sharpe ratio is above 0 | {_figure(m, "psr")} |
| The same after {sum(s.trials for s in done.steps)} trials (deflated) | {_figure(m, "dsr")} |
| Largest drawdown | {_figure(m, "max_drawdown", percent=True)} |
| Trades, win rate, profit factor | {_figure(m, "trades", digits=0)}, {_figure(m, "win_rate")}, {_figure(m, "profit_factor")} |
| Walk-forward efficiency | {efficiency} |

{_verdict(cls, m, roi, held)}
"""


def _verdict(cls: type[BaseStrategy], m: Metrics, roi: float, held: float) -> str:
    if cls.name == "buy_and_hold":
        return "This is the benchmark itself; windows start flat, so it pays costs once per window."
    deflated = m["dsr"]
    beats = "more than holding" if roi > held else "less than holding"
    if roi <= 0.0:
        return f"**It lost money out of sample** ({beats}). Do not trade it as it stands."
    if deflated is None or deflated < 0.95:
        return (
            f"It earned something, {beats}, but the deflated probability of an edge is below 95 %: this is "
            "indistinguishable from luck."
        )
    return f"It earned money, {beats}, and the deflated probability of an edge is above 95 %. One pair is one experiment."


def _plateau(lab: Laboratory, grid: Grid) -> str:
    trials = [(params, lab(params)) for params in grid]
    axes = grid.axes
    columns = axes[1].values if len(axes) > 1 else ("",)
    head = (
        f"| {axes[0].name} | "
        + " | ".join(f"{axes[1].name} {v}" if len(axes) > 1 else "Sharpe" for v in columns)
        + " |"
    )
    rows = []
    for value in axes[0].values:
        cells = [_figure(m, "sharpe") for params, m in trials if params[axes[0].name] == value]
        rows.append(f"| {value} | " + " | ".join(cells) + " |")
    found = [m["sharpe"] for _, m in trials if m["sharpe"] is not None]
    spread = f"between {min(found):.2f} and {max(found):.2f}" if found else "undefined"
    return (
        "## Plateau or peak\n\nSharpe ratio of each combination over the *whole* history (in sample, for the shape only): "
        f"{spread}.\n\n{head}\n|" + "---|" * (len(columns) + 1) + "\n" + "\n".join(rows) + "\n"
    )


def _pairs(runs: Sequence[PairRun]) -> str:
    if not runs:
        return ""
    active = [run for run in runs if run.trades]
    rows = "\n".join(
        f"| {run.pair} | {_percent(run.roi)} | {_percent(run.held_roi)} | {run.trades or run.reason or 'no closed trade'} |"
        for run in runs
    )
    middle = _percent(median(run.roi for run in runs))
    won = sum(run.roi > 0.0 for run in active)
    return (
        f"## Other pairs\n\nDefaults, no fitting, each pair alone over its file. Median return {middle}; "
        f"{won} of {len(active)} pairs with closed trades ended above zero.\n\n"
        f"| Pair | Return | Holding | Trades |\n|---|---|---|---|\n{rows}\n"
    )


def _example(cls: type[BaseStrategy]) -> str:
    name = cls.parameters[0].name
    value = cls.parameters[0].default
    return (
        f"## Try it\n\n```\nbreakwater backtest {cls.name} --candles FILE --set {name}={value}\n"
        f"breakwater walk-forward {cls.name} --candles FILE --train 365d --test 90d --gap 21d "
        + " ".join(f"--grid {text}" for text in GRIDS[cls.name])
        + "\n```\n"
    )


def _figure(m: Metrics, name: str, *, percent: bool = False, digits: int = 2) -> str:
    value = m[name]
    if value is None:
        return f"none ({m.reasons.get(name, 'undefined')})"
    return _percent(value) if percent else f"{value:.{digits}f}"


def _percent(value: float) -> str:
    return f"{value * 100:+.1f} %" if abs(value) < 100 else f"{value * 100:+.0f} %"


def _day(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%d")


def main() -> int:
    """Write the pages."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="folder that holds ohlcv/")
    parser.add_argument("--only", nargs="*", default=[], help="names; all when left out")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "strategies")
    asked = parser.parse_args()
    series = [candles_from(file) for file in hourly_files(asked.data)]
    by_pair = {one.pair: one for one in series}
    if "BTC/USDT" not in by_pair:
        print(f"'{asked.data}' holds no binance_BTC-USDT_1h.csv.gz; it is needed for the walk.")
        return 2
    btc = by_pair.pop("BTC/USDT")
    registry = default_registry()
    held = laboratory(registry.get_strategy("buy_and_hold"), btc)
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in asked.only or registry.names():
        text = page(registry.get_strategy(name), btc, list(by_pair.values()), held)
        (asked.out / f"{name}.md").write_text(text, encoding="utf-8")
        print(f"{name}.md written", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

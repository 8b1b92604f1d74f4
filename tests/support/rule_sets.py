"""Random accounts, signals and bars, and the three ways of running them that must agree."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import talib

from tests.support.data import shared_data
from tests.support.engines import START_MS
from trading.backtest.history import market_candles
from trading.backtest.result import BacktestResult
from trading.backtest.run import backtest
from trading.candles import QUARANTINED, SYNTHETIC, Candles, resample
from trading.engine.config import AccountConfig, Costs, LineConfig, Protections, RiskLimits, SizingMethod
from trading.engine.engine import AccountEngine
from trading.engine.views import Bar, ClosedTrade, EngineFill
from trading.instruments import Instrument
from trading.risk.correlation import schedule
from trading.signals import Signal, SignalColumns
from trading.timeframes import Timeframe

HOUR = Timeframe(3_600_000)
QUARTER = Timeframe(900_000)
PAIRS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One random account with its bars and signals."""

    account: AccountConfig
    series: tuple[Candles, ...]
    signals: tuple[SignalColumns, ...]
    detail: dict[str, Candles]


def walk(rng: np.random.Generator, bars: int, pair: str, frame: Timeframe = HOUR) -> Candles:
    """Give a random walk with gaps, jumps, and bars without volume."""
    steps = rng.normal(0, 0.01, bars) * rng.choice([1.0, 4.0], bars, p=[0.95, 0.05])
    close = 100 * np.exp(np.cumsum(steps))
    open_ = np.r_[close[0], close[:-1]] * np.exp(rng.normal(0, 0.003, bars) * (rng.random(bars) < 0.2))
    spread = np.abs(rng.normal(0, 0.006, (2, bars)))
    volume = np.where(rng.random(bars) < 0.02, 0.0, rng.uniform(1, 10, bars))
    return Candles(
        ts_ms=START_MS + frame.ms * np.arange(bars, dtype=np.int64),
        open=open_,
        high=np.maximum(open_, close) * (1 + spread[0]),
        low=np.minimum(open_, close) * (1 - spread[1]),
        close=close,
        volume=volume,
        timeframe=frame,
        pair=pair,
    )


def read(path: Path, bars: int, offset: int) -> Candles | None:
    """Read part of a candle file; None when it is too short."""
    with gzip.open(path, "rt", newline="") as file:
        rows = [list(map(float, row)) for row in list(csv.reader(file))[1 + offset : 1 + offset + bars]]
    if len(rows) < bars:
        return None
    table = np.array(rows)
    pair = path.name.split("_")[1].replace("-", "/")
    return Candles(
        ts_ms=table[:, 0].astype(np.int64),
        open=table[:, 1].copy(),
        high=table[:, 2].copy(),
        low=table[:, 3].copy(),
        close=table[:, 4].copy(),
        volume=table[:, 5].copy(),
        timeframe=HOUR,
        pair=pair,
    )


def real_series(rng: np.random.Generator, bars: int, count: int) -> list[Candles] | None:
    """Give parts of real hourly histories of several pairs, or None where there are none."""
    folder = shared_data()
    if folder is None:
        return None
    files = sorted(folder.glob("ohlcv/binance_*-USDT_1h.csv.gz"))
    chosen = rng.permutation(len(files))[:count]
    offset = int(rng.integers(0, 4_000 - bars))
    found = [read(files[k], bars, offset) for k in chosen]
    return None if any(one is None for one in found) else [one for one in found if one is not None]


def dirtied(rng: np.random.Generator, candles: Candles) -> Candles:
    """Mark some bars synthetic or quarantined, and drop some."""
    kinds = rng.choice([0, int(SYNTHETIC), int(QUARANTINED)], len(candles), p=[0.96, 0.02, 0.02])
    flags = kinds.astype(np.uint8)
    volume = np.where(flags == SYNTHETIC, 0.0, candles.volume)
    marked = replace(candles, flags=flags, volume=volume)
    keep = rng.random(len(candles)) > 0.01
    keep[0] = True
    return replace(
        marked, **{name: getattr(marked, name)[keep] for name in ("ts_ms", "open", "high", "low", "close", "volume", "flags")}
    )  # fmt: skip


def random_signals(rng: np.random.Generator, candles: Candles, *, density: float) -> SignalColumns:
    """Give signals of every kind around the closes."""
    n, close = len(candles), candles.close
    side = rng.choice([-1, 1], n)
    away = rng.uniform(0.003, 0.06, n)
    ladder = np.cumsum(rng.uniform(0.003, 0.04, (n, 3)), axis=1)
    kind = rng.choice([0, 1, 2], n, p=[0.6, 0.2, 0.2])
    offset = rng.uniform(0.0, 0.02, n) * np.where(kind == 1, -side, side)
    price = np.where(kind == 0, np.nan, close * (1 + offset))
    base = np.where(kind == 0, close, price)
    stop = np.where(rng.random(n) < 0.1, np.nan, base * (1 - side * away))
    targets = base[:, None] * (1 + side[:, None] * ladder)
    targets[rng.random((n, 3)) < 0.15] = np.nan
    grid = rng.random(n) < 0.08
    enter = np.where(rng.random(n) < density, side, 0)
    enter = np.where(grid & (enter != 0), 1, enter)
    return SignalColumns(
        enter=enter.astype(np.int8),
        exit=np.where(rng.random(n) < density, rng.integers(0, 4, n), 0).astype(np.int8),
        entry_type=np.where(grid, 0, kind).astype(np.int8),
        entry_price=np.where(grid, np.nan, price),
        expiry_bars=rng.choice([0, 1, 5, 20], n).astype(np.int32),
        stop=np.where(grid, close * 0.93, stop),
        targets=targets,
        fractions=rng.choice([0.2, 0.3, 0.5], (n, 3)) * 0.6,
        trail_ratio=np.where(rng.random(n) < 0.5, rng.uniform(0.005, 0.05, n), np.nan),
        trail_after_ratio=rng.choice([0.0, 0.01, 0.03], n),
        break_even_after_leg=rng.choice([0, 1, 2], n).astype(np.int8),
        max_bars=rng.choice([0, 0, 3, 50], n).astype(np.int32),
        score=np.round(rng.normal(0, 1, n), 1),
        size_hint=np.where(rng.random(n) < 0.2, 0.004, np.nan),
        tag=rng.integers(-1, 2, n).astype(np.int16),
        exit_tag=rng.integers(-1, 2, n).astype(np.int16),
        grid_low=close * 0.95,
        grid_high=close * 1.03,
        grid_levels=np.where(grid, rng.integers(2, 9, n), 0).astype(np.int32),
        tags=("one", "two"),
    )


def maybe(rng: np.random.Generator, chance: float, value: Any) -> Any:
    """Give the value with a chance, else None."""
    return value if rng.random() < chance else None


def random_limits(rng: np.random.Generator) -> RiskLimits:
    """Give limits of which some are off."""
    return RiskLimits(
        risk_per_trade=maybe(rng, 0.7, float(rng.uniform(0.002, 0.03))),
        method=list(SizingMethod)[int(rng.integers(0, 3))],
        max_position=maybe(rng, 0.8, float(rng.uniform(0.05, 0.9))),
        max_positions=maybe(rng, 0.6, int(rng.integers(1, 4))),
        max_drawdown=maybe(rng, 0.6, float(rng.uniform(0.01, 0.15))),
        on_halt="flatten" if rng.random() < 0.5 else "protect",
        daily_loss=maybe(rng, 0.6, float(rng.uniform(0.005, 0.05))),
        portfolio_risk=maybe(rng, 0.5, float(rng.uniform(0.01, 0.1))),
        correlation_count=maybe(rng, 0.5, int(rng.integers(1, 3))),
        gross_exposure=maybe(rng, 0.3, float(rng.uniform(0.3, 1.5))),
        net_exposure=maybe(rng, 0.3, float(rng.uniform(0.2, 1.0))),
        is_conservative=bool(rng.random() < 0.3),
        break_even_after_leg=int(rng.integers(0, 2)),
        protections=Protections(
            stop_guard_count=int(rng.choice([0, 0, 3])),
            is_stop_guard_global=bool(rng.random() < 0.5),
            drawdown_guard=maybe(rng, 0.3, 0.02),
            cool_down_ms=int(rng.choice([0, 0, 4 * HOUR.ms])),
            low_profit_trades=int(rng.choice([0, 0, 4])),
        ),
    )


def with_rarer_rules(seed: int, case: Case) -> Case:
    """Give every fifth case what few accounts have: a trailing venue, a strict lender, hedges inside one bot."""
    if seed % 5 != 4:
        return case
    rng = np.random.default_rng([seed, 1])
    costs = replace(
        case.account.costs,
        trailing="venue" if rng.random() < 0.6 else "close",
        maintenance_margin=float(rng.choice([0.05, 0.8])),
    )
    lines = case.account.lines
    shares_a_bot = len({line.instrument.pair for line in lines}) == len(lines)
    if shares_a_bot:
        lines = tuple(replace(line, bot_id="bot") for line in lines)
    signals = tuple(_rarer(rng, one, hedges=shares_a_bot) for one in case.signals)
    return replace(case, account=replace(case.account, costs=costs, lines=lines), signals=signals)


def _rarer(rng: np.random.Generator, columns: SignalColumns, *, hedges: bool) -> SignalColumns:
    n = len(columns)
    # Shorts without a stop are the lender's to end.
    stop = np.where(rng.random(n) < 0.5, np.nan, columns.stop)
    beta = np.where(rng.random(n) < (0.3 if hedges else 0.0), rng.uniform(0.2, 1.5, n), np.nan)
    return replace(columns, stop=stop, hedge_beta=beta)


def random_case(seed: int, *, bars: int = 600) -> Case:
    """Give the account, bars and signals of a seed."""
    return with_rarer_rules(seed, _plain_case(seed, bars))


def _plain_case(seed: int, bars: int) -> Case:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 4))
    detail: dict[str, Candles] = {}
    series = real_series(rng, bars, count) if seed % 2 else None
    if series is None:
        series = [walk(rng, bars, pair) for pair in PAIRS[:count]]
        if rng.random() < 0.4:
            shorter = walk(rng, 4 * bars, PAIRS[0], QUARTER)
            series[0] = resample(shorter, HOUR)
            detail[PAIRS[0]] = shorter.rows(0, 3 * bars)
    if rng.random() < 0.5:
        series = [dirtied(rng, one) for one in series]
    if count < 3 and rng.random() < 0.3:
        series.append(series[0])
    slip = float(rng.choice([0.0, 0.0005]))
    lines = tuple(
        LineConfig(
            bot_id=f"bot{k}",
            instrument=Instrument(
                pair=one.pair,
                step=Decimal("0.0001"),
                min_notional=Decimal(int(rng.choice([0, 5, 50]))),
                can_short=bool(rng.random() < 0.8),
            ),
            allocation=float(rng.choice([1.0, 0.5])),
            confirm_bars=int(rng.choice([0, 0, 0, 1])),
            win_rate=0.5,
            payoff=1.5,
            trades=100,
        )
        for k, one in enumerate(series)
    )
    return Case(
        account=AccountConfig(
            account_id=f"case-{seed}",
            capital=Decimal(10_000),
            lines=lines,
            timeframe_ms=HOUR.ms,
            costs=Costs(
                maker_fee=0.0008,
                taker_fee=0.001,
                slippage=slip,
                spread=float(rng.choice([0.0, 0.0004])),
                fill="through" if rng.random() < 0.7 else "touch",
            ),
            limits=random_limits(rng),
        ),
        series=tuple(series),
        detail=detail,
        signals=tuple(
            random_signals(rng, one, density=float(rng.choice([0.02, 0.1, 0.4]))) for one in series
        ),
    )


def _bar(one: Candles, k: int, atr: float = float("nan")) -> Bar:
    return Bar(
        int(one.ts_ms[k]), float(one.open[k]), float(one.high[k]), float(one.low[k]), float(one.close[k]),
        float(one.volume[k]), int(one.flags[k]), atr,
    )  # fmt: skip


class Feed:
    """A case as it would arrive: bars, the shorter bars inside, signals and coefficients, time by time."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.times = sorted({int(t) for one in case.series for t in one.ts_ms})
        self.rows = [{int(t): k for k, t in enumerate(one.ts_ms)} for one in case.series]
        self.atr = [talib.ATR(one.high, one.low, one.close, 14) for one in case.series]
        self.known = None
        self.midnights = 0
        if len(case.account.lines) > 1 and case.account.limits.correlation_count is not None:
            self.known = schedule({one.pair: one for one in market_candles(case.account, case.series)})
            pairs = self.known.pairs
            self.of_line = [pairs.index(line.instrument.pair) for line in case.account.lines]

    def bars(self, time: int) -> dict[int, Bar]:
        """Give the bars that open at a time, by line."""
        return {
            line: _bar(one, index[time], float(self.atr[line][index[time]]))
            for line, (one, index) in enumerate(zip(self.case.series, self.rows, strict=True))
            if time in index
        }

    def inside(self, time: int) -> tuple[dict[int, Bar], ...]:
        """Give the shorter bars inside the bar of a time, in order; empty where there are none."""
        out = []
        for pair, one in self.case.detail.items():
            line = next(k for k, each in enumerate(self.case.series) if each.pair == pair)
            rows = np.flatnonzero((one.ts_ms >= time) & (one.ts_ms < time + HOUR.ms))
            out += [{line: _bar(one, int(k))} for k in rows]
        return tuple(out)

    def signals(self, time: int) -> dict[int, Signal]:
        """Give the rows that want something at the close of the bar of a time, by line."""
        rows = {
            line: self.case.signals[line].row(index[time])
            for line, index in enumerate(self.rows)
            if time in index
        }
        return {line: row for line, row in rows.items() if row.enter or row.exit}

    def pass_midnights(self, engine: AccountEngine, time: int) -> None:
        """Let each midnight take effect before the first decision at or after it."""
        while self.known is not None and self.midnights < len(self.known.from_ms):
            if int(self.known.from_ms[self.midnights]) > time + HOUR.ms:
                return
            engine.set_correlation(self.known.rho[self.midnights][np.ix_(self.of_line, self.of_line)])
            self.midnights += 1


def replay(
    case: Case, *, restart_at: int = -1
) -> tuple[list[EngineFill], list[ClosedTrade], list[float], AccountEngine]:
    """Feed an account bar time by bar time, as a running account is; optionally restart it from a snapshot once."""
    engine, feed = AccountEngine(case.account), Feed(case)
    fills: list[EngineFill] = []
    trades: list[ClosedTrade] = []
    equity: list[float] = []
    for at, time in enumerate(feed.times):
        bars = feed.bars(time)
        fills += engine.match(bars, inside=feed.inside(time))
        feed.pass_midnights(engine, time)
        engine.decide(bars, feed.signals(time))
        trades += engine.take_trades()
        equity.append(engine.account().equity)
        if at == restart_at:
            data = engine.snapshot()
            engine = AccountEngine(case.account)
            engine.restore(data)
    return fills, trades, equity, engine


def run(case: Case, driver: Any) -> BacktestResult:
    """Run a case over its whole history."""
    return backtest(case.series, case.signals, case.account, driver=driver, detail=case.detail)


def first_difference(seed: int, *, bars: int = 600, restart: bool = False) -> str:
    """Run a case in three ways; say what differs first, or nothing."""
    return difference(random_case(seed, bars=bars), f"seed {seed}", restart_at=bars // 2 if restart else -1)


def difference(case: Case, name: str, *, restart_at: int = -1) -> str:
    """Run a case in three ways; say what differs first, or nothing."""
    skipping, stepping = run(case, "array"), run(case, "bar")
    for part in ("fill_records", "trade_records", "equity"):
        # By bytes: a NaN equals itself.
        if getattr(skipping, part).tobytes() != getattr(stepping, part).tobytes():
            return f"{name}: {part} of the array driver and the bar driver differ"
    if skipping.denied != stepping.denied or skipping.account != stepping.account:
        return f"{name}: denials or account of the array driver and the bar driver differ"
    fills, trades, equity, engine = replay(case, restart_at=restart_at)
    if tuple(fills) != skipping.fills:
        return f"{name}: fills of the replay differ"
    if not np.array_equal(np.array(equity), skipping.equity):
        return f"{name}: equity of the replay differs"
    closed = skipping.trade_records[skipping.closed]
    if [(t.line, t.exit_ms, t.pnl) for t in trades] != [(r["line"], r["exit_ms"], r["pnl"]) for r in closed]:
        return f"{name}: trades of the replay differ"
    if engine.account() != skipping.account:
        return f"{name}: account of the replay differs"
    return ""


__all__ = ["Case", "difference", "first_difference", "random_case", "replay", "run"]

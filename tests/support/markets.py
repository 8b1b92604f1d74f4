"""Candles made on purpose: the reference series of trading-rules B.1 and random walks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from trading.candles import Candles
from trading.engine.config import AccountConfig, Costs, LineConfig, RiskLimits
from trading.instruments import Instrument
from trading.market import MarketView, Series
from trading.timeframes import Timeframe

FloatArray = NDArray[np.float64]

HOUR = Timeframe(3_600_000)


def reference_candles() -> Candles:
    """Give the 120 bars of trading-rules B.1; open is the previous close, volume 1."""
    i = np.arange(120)
    close = np.round(100 + 10 * np.sin(i / 5) + 0.1 * i, 4)
    return Candles(
        ts_ms=i.astype(np.int64) * HOUR.ms,
        open=np.r_[close[0], close[:-1]],
        high=np.round(close + 1.5 + 0.5 * np.sin(i), 4),
        low=np.round(close - 1.5 - 0.5 * np.cos(i), 4),
        close=close,
        volume=np.ones(120),
        timeframe=HOUR,
        pair="TEST/USDT",
    )


def walk_candles(
    bars: int, *, seed: int = 0, volatility: float = 0.01, start: float = 100.0, pair: str = "TEST/USDT"
) -> Candles:
    """Give a driftless walk with wandering volatility and wicks; each bar opens at the close before it.

    The price is a martingale (not its logarithm), so that a strategy without edge earns nothing before costs.
    """
    random = np.random.default_rng(seed)
    heat = np.exp(0.5 * np.sin(np.arange(bars) / 97.0) + 0.3 * random.standard_normal(bars))
    sigma = volatility * heat
    steps = sigma * random.standard_normal(bars) - 0.5 * sigma**2
    close = start * np.exp(np.cumsum(steps))
    open = np.r_[start, close[:-1]]
    body_high, body_low = np.maximum(open, close), np.minimum(open, close)
    high = body_high * np.exp(0.4 * sigma * np.abs(random.standard_normal(bars)))
    low = body_low * np.exp(-0.4 * sigma * np.abs(random.standard_normal(bars)))
    return Candles(
        ts_ms=1_700_000_000_000 // HOUR.ms * HOUR.ms + np.arange(bars, dtype=np.int64) * HOUR.ms,
        open=open,
        high=high,
        low=low,
        close=close,
        volume=random.lognormal(3.0, 0.5, bars),
        timeframe=HOUR,
        pair=pair,
    )


def account_for(candles: Candles, *, fees: float = 0.001, slippage: float = 0.0005) -> AccountConfig:
    """Give an account of one line that trades these candles both ways, with limits that never refuse."""
    return AccountConfig(
        account_id="test",
        capital=Decimal(100_000),
        costs=Costs(maker_fee=fees, taker_fee=fees, slippage=slippage),
        limits=replace(RiskLimits.off(), risk_per_trade=0.01, max_position=0.5),
        lines=(
            LineConfig(
                bot_id="bot",
                instrument=Instrument(
                    pair=candles.pair, tick=Decimal("0.00000001"), step=Decimal("0.00000001"), can_short=True
                ),
            ),
        ),
        timeframe_ms=candles.timeframe.ms,
    )


def full_market(candles: Candles, *, seed: int = 0) -> MarketView:
    """Give a view with everything a built-in strategy may ask for: another venue, a triangle, forecasts, hooks."""
    random = np.random.default_rng(seed)
    n = len(candles)
    base, quote = candles.pair.split("/")

    def priced(pair: str, close: FloatArray) -> Candles:
        return replace(candles, open=close, high=close, low=close, close=close, pair=pair)

    bitcoin = priced(f"BTC/{quote}", np.full(n, 50_000.0))
    cross = priced(f"{base}/BTC", candles.close / 50_000.0 * (1.0 + random.normal(0.0, 0.004, n)))
    other = priced(candles.pair, candles.close * (1.0 + random.normal(0.0, 0.004, n)))
    forecast = Series(available_ms=candles.ts_ms + candles.timeframe.ms, values=random.normal(0.0, 0.01, n))
    return MarketView(
        candles=candles,
        others={f"{candles.pair}@other": other, bitcoin.pair: bitcoin, cross.pair: cross},
        series={f"forecast:{candles.pair}": forecast, **_said(candles, seed)},
    )


def _said(candles: Candles, seed: int) -> dict[str, Series]:
    """Give what hooks said: at one close in forty a direction, with prices that are sometimes nonsense."""
    random = np.random.default_rng(seed + 1)
    rows = np.flatnonzero(random.uniform(size=len(candles)) < 0.025)
    at, close = candles.ts_ms[rows] + candles.timeframe.ms, candles.close[rows]
    direction = random.choice([-1.0, 0.0, 1.0], len(rows))
    values = {
        "hook_at": at.astype(np.float64),
        "hook": direction,
        "hook_score": random.uniform(-1, 1, len(rows)),
    }
    for leg, far in enumerate((-0.02, 0.02, 0.04, 0.06)):
        price = close * (1.0 + direction * far * random.uniform(-0.2, 2.0, len(rows)))
        name = f"hook_target_{leg}" if leg else "hook_stop"
        values[name] = np.where(random.uniform(size=len(rows)) < 0.5, price, np.nan)
    return {f"{name}:{candles.pair}": Series(available_ms=at, values=one) for name, one in values.items()}


def bridge_candles(bars: int, *, seed: int, volatility: float = 0.006, pair: str = "WALK/USDT") -> Candles:
    """Give a martingale whose highs and lows are those of a continuous path between open and close.

    Extremes are drawn from the law of the Brownian bridge, so that an order filled at its level is a fair bet: wicks
    that are merely added to the bars would make stops lose and targets win.
    """
    random = np.random.default_rng(seed)
    # Volatility that clusters: an autoregressive logarithm with a half-life of about a day.
    shocks = 0.15 * random.standard_normal(bars)
    heat = np.empty(bars)
    level = 0.0
    for t in range(bars):
        level = 0.97 * level + shocks[t]
        heat[t] = level
    sigma = volatility * np.exp(heat - 0.5 * 0.15**2 / (1 - 0.97**2))
    steps = sigma * random.standard_normal(bars) - 0.5 * sigma**2
    close = np.cumsum(steps)
    open = np.r_[0.0, close[:-1]]
    spread_high, spread_low = (
        np.sqrt(steps**2 - 2.0 * sigma**2 * np.log(random.random(bars))) for _ in range(2)
    )
    return Candles(
        ts_ms=1_700_000_000_000 // HOUR.ms * HOUR.ms + np.arange(bars, dtype=np.int64) * HOUR.ms,
        open=100.0 * np.exp(open),
        high=100.0 * np.exp((open + close + spread_high) / 2.0) * (1.0 + 1e-12),
        low=100.0 * np.exp((open + close - spread_low) / 2.0) * (1.0 - 1e-12),
        close=100.0 * np.exp(close),
        volume=random.lognormal(3.0, 0.5, bars),
        timeframe=HOUR,
        pair=pair,
    )

"""Building an account's records from its configuration."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING

import numpy as np

from trading.engine.config import AccountConfig, LineConfig, RiskLimits
from trading.engine.records import (
    ACCOUNT,
    LINE,
    M_ATR,
    M_FIXED,
    M_KELLY,
    ORDER,
    POSITION,
    RECENT_TRADES,
    RULES,
    Book,
)
from trading.risk.sizing import SizingMethod, method_ratio

#: A number of lots that no order reaches.
UNLIMITED_LOTS = 2**62

_METHOD_CODES = {SizingMethod.FIXED: M_FIXED, SizingMethod.KELLY: M_KELLY, SizingMethod.ATR: M_ATR}


def new_book(config: AccountConfig) -> Book:
    """Give the records of an account that has its capital in cash and nothing else."""
    n = len(config.lines)
    book = Book(
        rules=np.zeros(1, RULES),
        account=np.zeros(1, ACCOUNT),
        lines=np.zeros(n, LINE),
        positions=np.zeros(n, POSITION),
        orders=np.zeros(n, ORDER),
        dying=np.zeros(n, ORDER),
        recent=np.zeros(n, RECENT_TRADES),
        # Undefined until the first coefficients come: counts as correlated.
        links=np.full((2, n, n), 2, np.uint8),
    )
    _write_rules(book, config)
    _write_lines(book, config)
    same = book.lines["market"][:, None] == book.lines["market"][None, :]
    # A long and a short of one pair offset each other exactly.
    book.links[1][same] = 0
    account = book.account[0]
    for name in ("capital", "cash", "equity", "peak", "day_start"):
        account[name] = float(config.capital)
    account["day"] = -1
    for name in ("stop", "first_stop", "trail"):
        book.positions[name] = np.nan
    book.positions["leg_price"] = np.nan
    return book


def markets(config: AccountConfig) -> tuple[str, ...]:
    """Give the pairs of an account, each once, in the order of its lines; a market's index is its place here."""
    return tuple(dict.fromkeys(line.instrument.pair for line in config.lines))


def _write_rules(book: Book, config: AccountConfig) -> None:
    rules, costs, limits = book.rules[0], config.costs, config.limits
    rules["maker_fee"] = costs.maker_fee
    rules["taker_fee"] = costs.taker_fee
    rules["slippage"] = costs.slippage
    rules["half_spread"] = costs.spread / 2.0
    rules["touch"] = costs.fill == "touch"
    rules["trail_inside"] = costs.trailing == "venue"
    rules["maintenance"] = costs.maintenance_margin
    rules["timeframe_ms"] = config.timeframe_ms
    rules["risk_per_trade"] = (
        math.nan
        if limits.risk_per_trade is None or limits.method is not SizingMethod.KELLY
        else limits.risk_per_trade
    )
    for name in ("max_position", "portfolio_risk"):
        rules[name] = _or_infinite(getattr(limits, name))
    # A ratio of 1 or more switches the breakers off.
    rules["max_drawdown"] = _or_infinite(limits.max_drawdown)
    rules["daily_loss"] = _or_infinite(limits.daily_loss)
    rules["gross"] = _or_infinite(limits.gross_exposure)
    rules["net"] = _or_infinite(limits.net_exposure)
    rules["max_positions"] = UNLIMITED_LOTS if limits.max_positions is None else limits.max_positions
    rules["correlation_count"] = 0 if limits.correlation_count is None else limits.correlation_count
    rules["correlation_high"] = limits.correlation_threshold
    rules["correlation_low"] = limits.correlation_release
    rules["flatten"] = limits.on_halt == "flatten"
    rules["conservative"] = limits.is_conservative
    rules["atr_multiple"] = limits.atr_multiple
    rules["kelly_fraction"] = limits.kelly_fraction
    rules["break_even_after_leg"] = limits.break_even_after_leg
    rules["max_signal_age_bars"] = limits.max_signal_age_bars
    _write_protections(book, limits)


def _write_protections(book: Book, limits: RiskLimits) -> None:
    rules, given = book.rules[0], limits.protections
    rules["guard_stops"] = given.stop_guard_count
    rules["guard_window_ms"] = given.stop_guard_window_ms
    rules["guard_lock_ms"] = given.stop_guard_lock_ms
    rules["guard_global"] = given.is_stop_guard_global
    rules["drawdown_guard"] = _or_infinite(given.drawdown_guard)
    rules["drawdown_trades"] = given.drawdown_guard_trades
    rules["drawdown_window_ms"] = given.drawdown_guard_window_ms
    rules["drawdown_lock_ms"] = given.drawdown_guard_lock_ms
    rules["cool_down_ms"] = given.cool_down_ms
    rules["low_profit"] = given.low_profit_ratio
    rules["low_profit_trades"] = given.low_profit_trades
    rules["low_profit_window_ms"] = given.low_profit_window_ms
    rules["low_profit_lock_ms"] = given.low_profit_lock_ms


def _write_lines(book: Book, config: AccountConfig) -> None:
    pairs = markets(config)
    assets = tuple(dict.fromkeys(line.instrument.base for line in config.lines))
    bots = tuple(dict.fromkeys(line.bot_id for line in config.lines))
    ranked = sorted(
        range(len(config.lines)),
        key=lambda i: (config.lines[i].instrument.pair, config.lines[i].bot_id),
    )
    for i, one in enumerate(config.lines):
        row, instrument = book.lines[i], one.instrument
        row["market"] = pairs.index(instrument.pair)
        row["asset"] = assets.index(instrument.base)
        row["bot"] = bots.index(one.bot_id)
        row["rank"] = ranked.index(i)
        row["step"] = float(instrument.step)
        row["min_lots"] = int((instrument.min_quantity / instrument.step).to_integral_value(ROUND_CEILING))
        row["max_lots"] = (
            UNLIMITED_LOTS if instrument.max_quantity is None else instrument.lots(instrument.max_quantity)
        )
        row["min_notional"] = float(instrument.min_notional)
        row["can_short"] = instrument.can_short
        row["allocation"] = one.allocation
        row["confirm_bars"] = one.confirm_bars
        row["method"] = _METHOD_CODES[config.limits.method]
        row["risk_ratio"] = risk_ratio(config.limits, one)


def risk_ratio(limits: RiskLimits, line: LineConfig) -> float:
    """Give the equity share that the sizing method puts at risk on a line; NaN when there is no such term.

    For Kelly it counts until the line has closed 50 trades of its own (`trading.risk.edge`)."""
    if limits.risk_per_trade is None and limits.method is not SizingMethod.KELLY:
        return math.nan
    ratio, _ = method_ratio(
        limits.method,
        risk_per_trade=math.nan if limits.risk_per_trade is None else limits.risk_per_trade,
        kelly_fraction=limits.kelly_fraction,
        win_rate=line.win_rate,
        payoff=line.payoff,
        trades=line.trades,
    )
    return ratio


def _or_infinite(value: float | None) -> float:
    return math.inf if value is None else value

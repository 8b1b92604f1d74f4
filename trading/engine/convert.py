"""Between the engine's records and its values, and from both to exact money."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np

from trading.engine.records import BINDINGS, DENIALS, KINDS, LOCKS, NOTICES, REASONS, SIGNAL, TYPES, Records
from trading.engine.views import ClosedTrade, EngineFill, EngineIntent, Notice
from trading.errors import InvariantBroken
from trading.fills import Fill, Liquidity
from trading.instruments import Instrument
from trading.orders import Intent, IntentKind, OrderType, Reason, Side
from trading.risk.sizing import LIMITS
from trading.signals import Signal

_REASON_CODES = {reason: code for code, reason in enumerate(REASONS)}

#: Fees are booked to this fraction of the quote currency.
FEE_STEP = Decimal("1e-8")

#: A fill's price is an average and may be finer than a tick: by this factor.
_FILL_TICKS = Decimal("1e-4")


def reason_of(code: int) -> Reason:
    """Give the reason behind an integer.

    Raises:
        InvariantBroken: 0 or unknown, which no fill and no intent carries.
    """
    reason = REASONS[code]
    if reason is None:
        raise InvariantBroken(f"A record carries reason {code}; 1 … {len(REASONS) - 1} exist.")
    return reason


def reason_code(reason: Reason) -> int:
    """Give the integer that stands for a reason in the records."""
    return _REASON_CODES[reason]


def side_of(sign: int) -> Side:
    """Give the order side of a sign."""
    return Side.BUY if sign > 0 else Side.SELL


def trade_id(account_id: str, fill: Any) -> str:
    """Name a fill so that replaying its bar names it alike."""
    letter = "b" if fill["side"] > 0 else "s"
    return f"{account_id}:{fill['sequence']}:{fill['ts_ms']}:{fill['reason']}.{fill['leg']}{letter}"


def fill_value(account_id: str, row: Any) -> EngineFill:
    """Give a fill record as a value."""
    return EngineFill(
        trade_id=trade_id(account_id, row),
        line=int(row["line"]),
        side=side_of(row["side"]),
        lots=int(row["lots"]),
        price=float(row["price"]),
        fee=float(row["fee"]),
        is_maker=bool(row["maker"]),
        reason=reason_of(row["reason"]),
        leg=int(row["leg"]),
        intent_sequence=int(row["sequence"]),
        ts_ms=int(row["ts_ms"]),
        bar=int(row["bar"]),
        tag=int(row["tag"]),
    )


def intent_value(row: Any) -> EngineIntent:
    """Give an intent record as a value."""
    has_binding = row["kind"] == 0 and row["denied"] == 0
    return EngineIntent(
        sequence=int(row["sequence"]),
        line=int(row["line"]),
        kind=KINDS[row["kind"]],
        side=side_of(row["side"]),
        lots=int(row["lots"]),
        order_type=TYPES[row["type"]],
        price=math.nan if row["type"] == 0 else float(row["price"]),
        reason=reason_of(row["reason"]),
        decided_at_ms=int(row["ts_ms"]),
        valid_until_ms=int(row["valid_until_ms"]),
        denied=DENIALS[row["denied"]],
        binding=BINDINGS[row["binding"]] if has_binding else "",
        target=int(row["target"]),
        tag=int(row["tag"]),
        stop=float(row["stop"]),
        limits={name: q for name, q in zip(LIMITS, row["limits"].tolist(), strict=True) if not math.isnan(q)}
        if row["kind"] == 0
        else {},
    )


def trade_value(row: Any) -> ClosedTrade:
    """Give a trade record as a value."""
    return ClosedTrade(
        line=int(row["line"]),
        side=int(row["side"]),
        lots=int(row["lots"]),
        entry_ms=int(row["entry_ms"]),
        exit_ms=int(row["exit_ms"]),
        entry_price=float(row["entry_price"]),
        exit_price=float(row["exit_price"]),
        pnl=float(row["pnl"]),
        pnl_ratio=float(row["pnl_ratio"]),
        fees=float(row["fees"]),
        reason=reason_of(row["reason"]),
        tag=int(row["tag"]),
        exit_tag=int(row["exit_tag"]),
        mae_ratio=float(row["mae"]),
        mfe_ratio=float(row["mfe"]),
        binding=BINDINGS[row["binding"]],
        bars=int(row["exit_bar"] - row["entry_bar"]),
    )


def notice_value(row: Any) -> Notice:
    """Give a notice record as a value."""
    kind = NOTICES[row["kind"]]
    words = LOCKS if kind in ("locked", "released") else DENIALS
    return Notice(
        kind=kind,
        ts_ms=int(row["ts_ms"]),
        line=int(row["line"]),
        reason=words[row["reason"]],
        value=float(row["value"]),
        until_ms=int(row["until_ms"]),
    )


def write_signal(rows: Records, at: int, line: int, signal: Signal, *, lots: int = 0) -> None:
    """Write a signal value into a record; `lots` is a quantity given by hand, which needs no sizing."""
    rows[at] = (
        0, line, signal.enter, signal.exit, signal.entry_type, signal.entry_price, signal.expiry_bars, signal.stop,
        signal.targets, signal.fractions, signal.trail_ratio, signal.trail_after_ratio, signal.break_even_after_leg,
        signal.max_bars, signal.score, signal.size_hint, signal.hedge_beta, signal.tag, signal.exit_tag, lots, signal.grid_low,
        signal.grid_high, signal.grid_levels,
    )  # fmt: skip


def signal_rows(count: int) -> Records:
    """Give empty signal records."""
    return np.zeros(count, SIGNAL)


def exact_price(instrument: Instrument, price: float) -> Decimal:
    """Give a fill's price in exact money, four decimals finer than the tick."""
    return _snapped(price, instrument.tick * _FILL_TICKS)


def exact_fee(fee: float) -> Decimal:
    """Give a fee in exact money."""
    return _snapped(fee, FEE_STEP)


def _snapped(value: float, step: Decimal) -> Decimal:
    if not math.isfinite(value):
        raise InvariantBroken(f"A fill carries {value}; a finite amount is needed.")
    exact = ((Decimal(repr(value)) / step).to_integral_value() * step).normalize()
    # 1E+2 is 100, written plainly.
    return exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact


def exact_fill(fill: EngineFill, instrument: Instrument, bot_id: str) -> Fill:
    """Give an engine's fill as a fill in exact money."""
    return Fill(
        venue_trade_id=fill.trade_id,
        bot_id=bot_id,
        pair=instrument.pair,
        side=fill.side,
        price=exact_price(instrument, fill.price),
        quantity=instrument.quantity_of(fill.lots),
        fee=exact_fee(fill.fee),
        liquidity=Liquidity.MAKER if fill.is_maker else Liquidity.TAKER,
        reason=fill.reason,
        filled_at_ms=fill.ts_ms,
        intent_sequence=fill.intent_sequence,
        leg=fill.leg,
    )


def exact_intent(intent: EngineIntent, instrument: Instrument, bot_id: str) -> Intent:
    """Give an engine's intent as an order in exact money: prices rounded never worse than asked."""
    limit_price, stop_price = None, None
    if intent.order_type is OrderType.LIMIT:
        round_limit = instrument.buy_limit if intent.side is Side.BUY else instrument.sell_limit
        limit_price = round_limit(intent.price)
    elif intent.order_type is OrderType.STOP:
        # A protective sell protects a long; a stop entry buys above: both triggers round up.
        protects_long = intent.kind is IntentKind.SET_PROTECTION and intent.side is Side.SELL
        enters_long = intent.kind is IntentKind.OPEN and intent.side is Side.BUY
        stop_price = instrument.stop_trigger(intent.price, is_long=protects_long or enters_long)
    return Intent(
        sequence=intent.sequence,
        bot_id=bot_id,
        pair=instrument.pair,
        kind=intent.kind,
        side=intent.side,
        quantity=instrument.quantity_of(intent.lots),
        order_type=intent.order_type,
        reason=intent.reason,
        decided_at_ms=intent.decided_at_ms,
        limit_price=limit_price,
        stop_price=stop_price,
        binding=intent.binding,
        is_reduce_only=intent.kind in (IntentKind.CLOSE, IntentKind.REDUCE, IntentKind.SET_PROTECTION),
        valid_until_ms=intent.valid_until_ms,
    )

"""The engine's memory: array records of one account, and the integers that stand for words in them.

A *line* is one bot on one pair. Records are structured arrays, so that the same bytes serve compiled loops, Python
views and snapshots. Prices are float64 in quote currency, quantities are lots (int64 multiples of the step), times
are UTC epoch milliseconds, ratios are 0–1; NaN means "not set".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.orders import IntentKind, OrderType, Reason
from trading.risk.sizing import BALANCE, LIMITS
from trading.signals import LEGS

#: Levels that one grid can hold.
GRID_LEVELS = 32
#: Closed trades per line that the protections can look back on.
RECENT = 64
#: Fills that one step can make per line: an entry, a ladder, a stop, a reversal, and both sides of every grid cell.
FILLS_PER_LINE = 8 + 2 * GRID_LEVELS
#: Round trips that one step can end per line.
TRADES_PER_LINE = 4
#: Milliseconds of a UTC day.
DAY_MS = 86_400_000

ACTIVE, REDUCING, HALTED = 0, 1, 2
#: The account's trading state by its integer.
STATES = ("active", "reducing", "halted")

#: Why something was filled, by its integer; 0 is "no reason", that is: nothing is wanted.
REASONS: tuple[Reason | None, ...] = (
    None,
    Reason.ENTRY,
    Reason.STOP_LOSS,
    Reason.TRAILING_STOP,
    Reason.BREAK_EVEN_STOP,
    Reason.TAKE_PROFIT_1,
    Reason.TAKE_PROFIT_2,
    Reason.TAKE_PROFIT_3,
    Reason.EXIT_SIGNAL,
    Reason.MAX_BARS,
    Reason.KILL_SWITCH,
    Reason.FORCE_EXIT,
    Reason.EXPIRED,
    Reason.GRID,
    Reason.HEDGE,
    Reason.LIQUIDATION,
    Reason.END_OF_DATA,
    Reason.EXTERNAL,
)
R_ENTRY, R_STOP, R_TRAIL, R_BREAK_EVEN, R_TARGET = 1, 2, 3, 4, 5
R_SIGNAL, R_MAX_BARS, R_KILL, R_FORCE, R_EXPIRED, R_GRID = 8, 9, 10, 11, 12, 13
R_HEDGE, R_LIQUIDATION, R_END, R_EXTERNAL = 14, 15, 16, 17

#: Why an entry was denied, in the order of checking (trading-rules.md, B.4); 0 is "not denied".
DENIALS = (
    "",
    "kill_switch",
    "stale_data",
    "halted",
    "reducing",
    "daily_loss",
    "locked",
    "paused",
    "frozen",
    "duplicate",
    "unconfirmed",
    "slots",
    "correlation",
    "bad_signal",
    "no_edge",
    "method",
    "strategy",
    "max_position",
    "allocation",
    "portfolio_risk",
    "gross_exposure",
    "net_exposure",
    "short_not_allowed",
    "min_quantity",
    "min_notional",
    "balance",
)
(
    D_KILL,
    D_STALE,
    D_HALTED,
    D_REDUCING,
    D_DAILY,
    D_LOCKED,
    D_PAUSED,
    D_FROZEN,
    D_DUPLICATE,
    D_UNCONFIRMED,
    D_SLOTS,
    D_CORRELATION,
    D_BAD_SIGNAL,
    D_NO_EDGE,
    D_METHOD,
    D_STRATEGY,
    D_MAX_POSITION,
    D_ALLOCATION,
    D_PORTFOLIO_RISK,
    D_GROSS,
    D_NET,
    D_SHORT,
    D_MIN_QUANTITY,
    D_MIN_NOTIONAL,
    D_BALANCE,
) = range(1, len(DENIALS))

#: What decided a size, by its integer: the limits of `trading.risk.sizing`, or a quantity given by hand.
BINDINGS = (*LIMITS, "given")
B_BALANCE, B_GIVEN = BALANCE, len(LIMITS)

#: Kinds of intent by their integer.
KINDS = (
    IntentKind.OPEN,
    IntentKind.REDUCE,
    IntentKind.CLOSE,
    IntentKind.CANCEL,
    IntentKind.SET_PROTECTION,
)
K_OPEN, K_REDUCE, K_CLOSE, K_CANCEL, K_PROTECT = range(len(KINDS))

#: Methods of sizing by their integer (as in `SizingMethod`).
M_FIXED, M_KELLY, M_ATR = range(3)

#: Order types by their integer (as in `EntryType`).
TYPES = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP)
T_MARKET, T_LIMIT, T_STOP = range(len(TYPES))

#: What may happen to an account, by its integer.
NOTICES = ("halted", "daily_loss", "locked", "released", "lapsed")
N_HALTED, N_DAILY, N_LOCKED, N_RELEASED, N_LAPSED = range(len(NOTICES))

#: Why entries are locked, by its integer.
LOCKS = ("", "stop_loss_guard", "drawdown_guard", "cool_down", "low_profit", "manual")
L_STOPS, L_DRAWDOWN, L_COOL_DOWN, L_LOW_PROFIT, L_MANUAL = range(1, len(LOCKS))

_F, _I = "f8", "i8"
_LEGS_F, _LEGS_I = (_F, (LEGS,)), (_I, (LEGS,))


def _record(**fields: Any) -> np.dtype[np.void]:
    return np.dtype(
        [(name, *(kind if isinstance(kind, tuple) else (kind,))) for name, kind in fields.items()]
    )


RULES = _record(
    maker_fee=_F, taker_fee=_F, slippage=_F, half_spread=_F, touch=_I,
    timeframe_ms=_I, risk_per_trade=_F, max_position=_F, max_positions=_I, max_drawdown=_F, daily_loss=_F,
    portfolio_risk=_F, gross=_F, net=_F, correlation_count=_I, correlation_high=_F, correlation_low=_F,
    flatten=_I, conservative=_I, atr_multiple=_F, kelly_fraction=_F, break_even_after_leg=_I, max_signal_age_bars=_I,
    trail_inside=_I, maintenance=_F,
    guard_stops=_I, guard_window_ms=_I, guard_lock_ms=_I, guard_global=_I,
    drawdown_guard=_F, drawdown_window_ms=_I, drawdown_lock_ms=_I, drawdown_trades=_I,
    cool_down_ms=_I, low_profit=_F, low_profit_trades=_I, low_profit_window_ms=_I, low_profit_lock_ms=_I,
)  # fmt: skip

ACCOUNT = _record(
    capital=_F, cash=_F, equity=_F, peak=_F, day_start=_F, day=_I, clock=_I, now_ms=_I, state=_I, kill=_I,
    daily_blocked=_I, lock_until_ms=_I, lock_reason=_I, sequence=_I, event_sequence=_I, fill_count=_I,
    realised=_F, fees=_F, flows=_F, fills=_I, trades=_I, intents=_I, notices=_I,
    denied=(_I, (len(DENIALS),)),
)  # fmt: skip

LINE = _record(
    market=_I, asset=_I, step=_F, min_lots=_I, max_lots=_I, min_notional=_F, can_short=_I, allocation=_F,
    bot=_I, rank=_I, method=_I, risk_ratio=_F, confirm_bars=_I,
)  # fmt: skip

POSITION = _record(
    side=_I, lots=_I, price=_F, entry_lots=_I, entry_value=_F, entry_fees=_F, exit_lots=_I, exit_value=_F,
    fees=_F, realised=_F, stop=_F, first_stop=_F, stop_kind=_I, stop_revision=_I, trail=_F, trail_after=_F,
    break_even_leg=_I, break_even=_I, max_bars=_I, entry_clock=_I, entry_ms=_I, tag=_I, binding=_I,
    sequence=_I, high=_F, low=_F, late=_I,
    leg_price=_LEGS_F, leg_fraction=_LEGS_F, leg_lots=_LEGS_I, leg_filled=_LEGS_I,
    mark=_F, exit_reason=_I, exit_tag=_I, exit_sequence=_I, exit_again=_I, leave_lots=_I, leave_sequence=_I,
    is_hedge=_I, frozen=_I, paused=_I,
    lock_until_ms=_I, lock_reason=_I, confirm_side=_I, confirm_count=_I,
    grid_levels=_I, grid_low=_F, grid_high=_F, grid_step=_F, grid_lots=_I, grid_held=(_I, (GRID_LEVELS,)),
)  # fmt: skip

ORDER = _record(
    side=_I, type=_I, price=_F, lots=_I, filled=_I, sequence=_I, clock=_I, expiry=_I, stop=_F, targets=_LEGS_F,
    fractions=_LEGS_F, trail=_F, trail_after=_F, break_even_leg=_I, max_bars=_I, tag=_I, binding=_I, reserved=_F,
    risk=_F, cancelled=_I, is_hedge=_I, grid_levels=_I, grid_low=_F, grid_high=_F,
)  # fmt: skip

RECENT_TRADES = _record(
    count=_I, ts_ms=(_I, (RECENT,)), ratio=(_F, (RECENT,)), pnl=(_F, (RECENT,)), stopped=(_I, (RECENT,))
)

BAR = _record(open=_F, high=_F, low=_F, close=_F, volume=_F, atr=_F, flags=_I)

SIGNAL = _record(
    at=_I, line=_I, enter=_I, exit=_I, entry_type=_I, entry_price=_F, expiry_bars=_I, stop=_F, targets=_LEGS_F,
    fractions=_LEGS_F, trail_ratio=_F, trail_after_ratio=_F, break_even_after_leg=_I, max_bars=_I, score=_F,
    size_hint=_F, hedge_beta=_F, tag=_I, exit_tag=_I, lots=_I, grid_low=_F, grid_high=_F, grid_levels=_I,
)  # fmt: skip

FILL = _record(
    bar=_I, ts_ms=_I, line=_I, side=_I, lots=_I, price=_F, fee=_F, maker=_I, reason=_I, leg=_I, sequence=_I,
    number=_I, tag=_I, opens=_I,
)  # fmt: skip

TRADE = _record(
    line=_I, side=_I, lots=_I, entry_ms=_I, exit_ms=_I, entry_bar=_I, exit_bar=_I, entry_price=_F, exit_price=_F,
    pnl=_F, pnl_ratio=_F, fees=_F, reason=_I, tag=_I, exit_tag=_I, mae=_F, mfe=_F, binding=_I, first_stop=_F,
)  # fmt: skip

INTENT = _record(
    sequence=_I, line=_I, kind=_I, side=_I, lots=_I, type=_I, price=_F, reason=_I, leg=_I, denied=_I, binding=_I,
    ts_ms=_I, valid_until_ms=_I, target=_I, tag=_I, stop=_F, limits=(_F, (len(LIMITS),)),
)  # fmt: skip

NOTICE = _record(kind=_I, ts_ms=_I, line=_I, reason=_I, value=_F, until_ms=_I)

EVENT = _record(
    kind=_I, sequence=_I, line=_I, order=_I, side=_I, lots=_I, price=_F, fee=_F, ts_ms=_I, reason=_I, leg=_I,
    maker=_I, amount=_F,
)  # fmt: skip

#: One order that should rest at the venue for a position.
RESTING = _record(kind=_I, leg=_I, side=_I, lots=_I, price=_F, reason=_I, revision=_I)

Records = NDArray[Any]


class Book(NamedTuple):
    """Everything that the engine knows of one account; all arrays are changed in place.

    Attributes:
        rules: shape (1,), what was configured.
        account: shape (1,), cash, equity, limits' state and counters.
        lines: shape (n,), what was configured per line.
        positions, orders: shape (n,), the open position and the pending entry per line.
        dying: shape (n,), an entry whose cancellation was asked for; it may still fill until there is evidence.
        recent: shape (n,), the last closed trades per line.
        links: uint8, shape (2, n, n): correlated in the same / in the opposite direction.
    """

    rules: Records
    account: Records
    lines: Records
    positions: Records
    orders: Records
    dying: Records
    recent: Records
    links: NDArray[np.uint8]


class Tape(NamedTuple):
    """Where a step writes what happened; the counters are in the account record.

    Attributes:
        fills, trades, intents, notices: structured arrays with room for at least one step.
    """

    fills: Records
    trades: Records
    intents: Records
    notices: Records


def tape(lines: int, steps: int = 1) -> Tape:
    """Make room for a number of steps of an account."""
    return Tape(
        fills=np.empty(lines * FILLS_PER_LINE * steps, FILL),
        # A trade has two fills at least.
        trades=np.empty(lines * FILLS_PER_LINE // 2 * steps, TRADE),
        intents=np.zeros(max(8, lines * 8), INTENT),
        notices=np.zeros(max(64, lines * 8) * min(steps, 16), NOTICE),
    )

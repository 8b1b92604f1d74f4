"""What a comparison with the replay says, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from trading.orders import Reason


class Outcome(StrEnum):
    """How a trade stands beside its twin.

    SAME: entered and left at the same bars for the same reason. OTHER_EXIT: entered together, left otherwise or not
    yet. ONLY_LIVE, ONLY_REPLAY: the other one knows no such entry.
    """

    SAME = "same"
    OTHER_EXIT = "other_exit"
    ONLY_LIVE = "only_live"
    ONLY_REPLAY = "only_replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftTrade:
    """A trade beside its twin of the replay; None where there is none, and for the profit of what is still open.

    Attributes:
        entry_slip_bps, exit_slip_bps: how much worse the price was than the twin's; negative where it was better.
    """

    pair: str
    is_long: bool
    outcome: Outcome
    opened_at: datetime
    number: int | None = None
    live_pnl: Decimal | None = None
    replay_pnl: Decimal | None = None
    live_reason: Reason | None = None
    replay_reason: Reason | None = None
    entry_slip_bps: float | None = None
    exit_slip_bps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftPoint:
    """Profit so far, of the bot and of its replay."""

    at: datetime
    live: Decimal
    replay: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A bot beside its replay over a window.

    The parts of the gap add up to it: `gap = by_signals + by_exits + by_slippage + by_fees + by_size`, each negative
    where the bot did worse than the replay.

    Attributes:
        since: where the comparison begins; earlier than asked for where a position was held then.
        signals: of the bot in the window; `confirmed` ones are said by the replay at the same bar too, `missed` are
            entries of the replay that the bot did not make.
        signal_match: confirmed signals of all that either side had; None without any.
        entry_slip_bps, exit_slip_bps: mean over the trades that can be compared; None without any.
        by_signals: trades that only one side made. by_exits: left otherwise. by_slippage: other prices.
        notes: codes of what the reader should know: "config_changed", "history_cut", "bars_missing".
    """

    bot_id: str
    bot: str
    strategy: str
    currency: str
    since: datetime
    until: datetime
    bars: int
    live_trades: int
    replay_trades: int
    matched: int
    signals: int
    confirmed: int
    missed: int
    signal_match: float | None
    entry_slip_bps: float | None
    exit_slip_bps: float | None
    live_pnl: Decimal
    replay_pnl: Decimal
    live_fees: Decimal
    replay_fees: Decimal
    by_signals: Decimal
    by_exits: Decimal
    by_slippage: Decimal
    by_fees: Decimal
    by_size: Decimal
    trades: tuple[DriftTrade, ...]
    points: tuple[DriftPoint, ...]
    notes: tuple[str, ...] = ()

    @property
    def gap(self) -> Decimal:
        """What the bot earned more than its replay."""
        return self.live_pnl - self.replay_pnl

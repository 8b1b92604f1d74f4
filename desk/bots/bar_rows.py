"""What a bar leaves beside orders: the account as it stands, and the fact that candles closed."""

from __future__ import annotations

from decimal import Decimal

from desk.bots.context import Context, amount
from desk.bots.opening import Opened
from desk.ports import ClosedBars
from desk.views import AccountStatus
from trading.events import CandleClosed, TradingState


def status_of(context: Context, opened: Opened, equity: Decimal) -> AccountStatus:
    """Give an account as of its last bar."""
    plan, account = opened.plan, opened.engine.account()
    return AccountStatus(
        account_id=plan.account.id,
        as_of=context.at,
        cash=opened.memory.cash,
        equity=equity,
        peak_equity=amount(account.peak),
        day_start_equity=amount(account.day_start),
        drawdown=account.drawdown_ratio,
        day_change=account.day_ratio,
        open_positions=account.slots_taken,
        max_positions=plan.config.limits.max_positions or 0,
        open_risk=amount(account.open_risk),
        trading_state=TradingState(account.state.upper()),
    )


def candle_events(context: Context, opened: Opened, group: ClosedBars) -> list[CandleClosed]:
    """Give the candles of a bar time as market data."""
    return [
        CandleClosed(
            workspace_id=context.workspace_id,
            occurred_at=context.at,
            account_id=context.account_id,
            pair=bar.pair,
            venue=opened.memory.venue,
            timeframe=group.timeframe,
            ts_ms=bar.ts_ms,
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
        )
        for bar in group.bars.values()
    ]

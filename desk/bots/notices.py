"""What the engine noticed about the account, told as facts: halts, the daily limit, locks."""

from __future__ import annotations

from collections.abc import Sequence

from desk.bots.context import Context
from desk.clock import from_ms
from trading.engine.views import Notice
from trading.events import DailyLossReached, PairLocked, TradingHalted, TradingState

#: The engine's word for a lock that a person set; the command told it already.
_MANUAL = "manual"


async def tell(context: Context, notices: Sequence[Notice]) -> None:
    """Write the facts and what they change; halts that people asked for were told by their command."""
    for one in notices:
        if one.kind == "halted" and one.value < 0.0:
            await _halted(context, one)
        elif one.kind == "daily_loss":
            await _risk_row(context, one)
            context.events.append(
                DailyLossReached(
                    workspace_id=context.workspace_id,
                    occurred_at=context.at,
                    account_id=context.account_id,
                    loss=one.value,
                    until=from_ms(one.until_ms),
                )
            )
        elif one.kind == "locked" and one.reason != _MANUAL:
            await _risk_row(context, one)
            line = context.line(one.line) if one.line >= 0 else None
            context.events.append(
                PairLocked(
                    workspace_id=context.workspace_id,
                    occurred_at=context.at,
                    account_id=context.account_id,
                    bot_id=line.bot.id if line else "",
                    pair=line.pair if line else "",
                    until=from_ms(one.until_ms),
                    reason=one.reason,
                )
            )


async def _halted(context: Context, notice: Notice) -> None:
    reason = f"drawdown {notice.value:.2%}"
    await context.tx.accounts.set_state(context.workspace_id, context.account_id, TradingState.HALTED, reason)
    await _risk_row(context, notice)
    context.events.append(
        TradingHalted(
            workspace_id=context.workspace_id,
            occurred_at=context.at,
            account_id=context.account_id,
            reason=reason,
            drawdown=notice.value,
        )
    )


async def _risk_row(context: Context, notice: Notice) -> None:
    line = context.line(notice.line) if notice.line >= 0 else None
    await context.tx.positions.add_risk_event(
        context.workspace_id,
        context.account_id,
        line.bot.id if line else "",
        context.at,
        notice.reason or notice.kind,
        {"pair": line.pair if line else "", "value": notice.value, "until_ms": notice.until_ms},
    )

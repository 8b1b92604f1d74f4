"""The holdings of a live account as its bots see them: rows that fills made, and exits that follow the engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

from desk.bots.context import Context, shown_price
from desk.bots.live_orders import stop_of, touched_by
from desk.bots.memory import LoopMemory
from desk.bots.plan import Line, Plan
from desk.execution.holdings import legs_of
from desk.order_views import ExitLevel, Protection
from desk.ports import Unit
from desk.views import Position
from trading.engine.engine import AccountEngine, CommandKind, EngineCommand
from trading.engine.views import LegView
from trading.errors import InvalidInput
from trading.events import PositionChanged


class LiveLedger:
    """Positions are the sum of the venue's fills; nothing here moves them, only their exits."""

    def __init__(self, plan: Plan, memory: LoopMemory) -> None:
        self._plan = plan
        self._memory = memory
        #: Open positions by line, as they stand in the turn at hand.
        self.open: dict[tuple[str, str], Position] = {}

    async def refresh(self, tx: Unit) -> None:
        """Read the open positions anew: other turns may have changed them."""
        account = self._plan.account
        keys = {line.key for line in self._plan.lines}
        self.open = {
            (one.bot_id, one.pair): one
            for one in await tx.positions.open(account.workspace_id, account.id)
            if (one.bot_id, one.pair) in keys
        }

    async def stop_moved(self, context: Context, engine: AccountEngine, line: Line, cause: str) -> None:
        """Make the exits of a position what the engine wants; the guardian makes the venue follow."""
        held = self.open.get(line.key)
        view = engine.position(line.index)
        if held is None or view.is_closing or not view.lots:
            return
        current = await context.tx.execution.protection_of(context.workspace_id, held.id)
        wanted = Protection(
            position_id=held.id,
            workspace_id=held.workspace_id,
            account_id=held.account_id,
            bot_id=held.bot_id,
            pair=held.pair,
            is_long=held.is_long,
            quantity=held.quantity,
            stop=stop_of(line, view.stop, is_long=held.is_long),
            targets=_targets(line, view.legs, is_long=held.is_long),
            trail_ratio=self._memory.line(line.key).trail_ratio,
            revision=current.revision + 1 if current else 0,
            updated_at=context.at,
            stop_reason=view.stop_reason if view.stop == view.stop else None,
        )
        if current is not None and wanted == replace(
            current, revision=wanted.revision, updated_at=wanted.updated_at
        ):
            return
        await context.tx.execution.protect(wanted)
        touched_by(context).add(held.id)
        changed = replace(
            held,
            stop=wanted.stop,
            initial_stop=held.initial_stop or wanted.stop,
            legs=legs_of(wanted),
            trail_ratio=wanted.trail_ratio,
        )
        await context.tx.positions.save(changed)
        self.open[line.key] = changed
        if held.stop != changed.stop:
            await self._tell(context, held, changed, cause)

    async def adopt_exits(self, context: Context, engine: AccountEngine, line: Line) -> None:
        """Give the engine the exits that a position's record has, where it did not know the position."""
        held = self.open[line.key]
        exits = await context.tx.execution.protection_of(context.workspace_id, held.id)
        if exits is None or held.quantity <= 0:
            return
        prices, shares = [math.nan] * 3, [0.0] * 3
        for one in exits.targets:
            if one.left > 0:
                prices[one.leg - 1] = float(one.price)
                shares[one.leg - 1] = float(min(one.left, held.quantity) / held.quantity)
        wishes = [
            EngineCommand(
                kind=CommandKind.SET_TARGETS,
                line=line.index,
                targets=(prices[0], prices[1], prices[2]),
                fractions=(shares[0], shares[1], shares[2]),
            )
        ]
        if exits.stop is not None:
            wishes.append(EngineCommand(kind=CommandKind.SET_STOP, line=line.index, stop=float(exits.stop)))
        for wish in wishes:
            with suppress(InvalidInput):
                # The price is beyond it already: what rests at the venue is about to say so.
                engine.command(wish)

    async def _tell(self, context: Context, before: Position, after: Position, cause: str) -> None:
        await context.tx.positions.add_trade_event(
            context.workspace_id,
            after.id,
            context.at,
            "stop_moved",
            {"from": str(before.stop or ""), "to": str(after.stop or ""), "cause": cause},
        )
        context.events.append(
            PositionChanged(
                workspace_id=context.workspace_id,
                occurred_at=context.at,
                account_id=context.account_id,
                bot_id=after.bot_id,
                pair=after.pair,
                position_id=after.id,
                quantity=after.quantity,
                stop=after.stop,
                cause=cause,
            )
        )

    async def mark(self, context: Context, engine: AccountEngine) -> None:
        """Value the open positions at the last close."""
        for line in self._plan.lines:
            held = self.open.get(line.key)
            mark = shown_price(line.instrument, engine.position(line.index).mark)
            if held is None or mark is None or mark == held.mark_price:
                continue
            sign = 1 if held.is_long else -1
            gain = (sign * (mark - held.entry_price) * held.quantity).quantize(Decimal("1e-8"))
            marked = replace(held, mark_price=mark, unrealized_pnl=gain, as_of=context.at)
            await context.tx.positions.save(marked)
            self.open[line.key] = marked

    def equity(self) -> Decimal:
        """Give exact cash plus what the bots hold at its last price."""
        worth = [(1 if one.is_long else -1) * one.quantity * one.mark_price for one in self.open.values()]
        return self._memory.cash + sum(worth, Decimal(0))


def _targets(line: Line, legs: Sequence[LegView], *, is_long: bool) -> tuple[ExitLevel, ...]:
    """Give the ladder on the tick, never worse than the engine wants it."""
    limit = line.instrument.sell_limit if is_long else line.instrument.buy_limit
    levels = []
    for one in legs:
        try:
            levels.append(
                ExitLevel(leg=one.leg, price=limit(one.price), quantity=one.quantity, filled=one.filled)
            )
        except InvalidInput:
            continue
    return tuple(levels)

"""Positions of a live account: the sum of their fills, and nothing else moves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from desk.execution.client_ids import stable_id
from desk.execution.turns import Turn
from desk.order_views import ExitLevel, Protection
from desk.views import FillRecord, Filter, Leg, Order, Page, Position, Trade
from trading.events import PositionChanged, PositionClosed, PositionOpened
from trading.orders import Reason, Side

_ALL = Page(first=10_000)
_AVERAGE_STEP = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class Sums:
    """The fills of one position, added up exactly."""

    is_long: bool
    entry_quantity: Decimal
    entry_value: Decimal
    exit_quantity: Decimal
    exit_value: Decimal
    fees: Decimal

    @property
    def quantity(self) -> Decimal:
        """What is held."""
        return self.entry_quantity - self.exit_quantity

    @property
    def entry_price(self) -> Decimal:
        """The average entry."""
        return _average(self.entry_value, self.entry_quantity)

    @property
    def exit_price(self) -> Decimal:
        """The average exit."""
        return _average(self.exit_value, self.exit_quantity)

    @property
    def realized(self) -> Decimal:
        """Profit of what was closed at average cost, less every fee paid so far."""
        if not self.entry_quantity:
            return Decimal(0)
        cost = self.entry_value * self.exit_quantity / self.entry_quantity
        return (1 if self.is_long else -1) * (self.exit_value - cost) - self.fees


def sums_of(fills: Sequence[FillRecord], *, is_long: bool) -> Sums:
    """Add the fills of a position up; what a venue kept of the bought asset as its fee was never held."""
    entry_side = Side.BUY if is_long else Side.SELL
    entries = [one for one in fills if one.side is entry_side]
    exits = [one for one in fills if one.side is not entry_side]
    return Sums(
        is_long=is_long,
        entry_quantity=sum((_held(one) for one in entries), Decimal(0)),
        entry_value=sum((_held(one) * one.price for one in entries), Decimal(0)),
        exit_quantity=sum((_held(one) for one in exits), Decimal(0)),
        exit_value=sum((_held(one) * one.price for one in exits), Decimal(0)),
        fees=sum((one.fee for one in fills), Decimal(0)),
    )


def _held(fill: FillRecord) -> Decimal:
    return fill.quantity - (fill.base_fee or 0)


async def position_for(turn: Turn, order: Order, side: Side) -> Position | None:
    """Give the open position that a fill of an order belongs to; None where it opens one or is not ours."""
    account = turn.account
    held = [
        one
        for one in await turn.tx.positions.open(account.workspace_id, account.id)
        if one.pair == order.pair
    ]
    for one in held:
        if order.position_id and one.id == order.position_id:
            return one
    if order.reason is Reason.EXTERNAL:
        # Somebody sold by hand: the oldest position that this reduces.
        reduced = [one for one in held if one.is_long is (side is Side.SELL)]
        return min(reduced, key=lambda one: one.opened_at, default=None)
    return next((one for one in held if one.bot_id == order.bot_id), None)


async def open_position(turn: Turn, order: Order, fill: FillRecord) -> Position:
    """Write the position that a first fill opens."""
    account = turn.account
    position = Position(
        id=fill.position_id,
        workspace_id=account.workspace_id,
        account_id=account.id,
        bot_id=order.bot_id,
        pair=order.pair,
        is_long=fill.side is Side.BUY,
        quantity=Decimal(0),
        entry_quantity=Decimal(0),
        entry_price=fill.price,
        mark_price=fill.price,
        stop=None,
        initial_stop=None,
        legs=(),
        trail_ratio=None,
        realized_pnl=Decimal(0),
        unrealized_pnl=Decimal(0),
        fees=Decimal(0),
        signal_id=order.signal_id,
        tag="",
        opened_at=fill.filled_at,
        closed_at=None,
        as_of=turn.at,
    )
    exits = await turn.tx.execution.protection_of(account.workspace_id, position.id)
    position = await _summed(turn, position, fill, exits)
    turn.events.append(
        PositionOpened(
            workspace_id=account.workspace_id,
            occurred_at=fill.filled_at,
            account_id=account.id,
            bot_id=position.bot_id,
            pair=position.pair,
            position_id=position.id,
            is_long=position.is_long,
            quantity=position.quantity,
            entry_price=position.entry_price,
            stop=position.stop,
            targets=tuple(one.price for one in position.legs),
        )
    )
    return position


async def change_position(turn: Turn, position: Position, order: Order, fill: FillRecord) -> Position:
    """Fold one more fill into a position; at zero it is closed and becomes a trade."""
    account = turn.account
    exits = await turn.tx.execution.protection_of(account.workspace_id, position.id)
    if exits is not None and fill.leg:
        exits = replace(
            exits,
            targets=tuple(
                replace(one, filled=one.filled + fill.quantity) if one.leg == fill.leg else one
                for one in exits.targets
            ),
        )
    changed = await _summed(turn, position, fill, exits)
    # Less than one step cannot be sold: the rest of a fee in the bought asset is dust, not a position.
    is_over = changed.quantity <= 0 or (
        fill.side is not (Side.BUY if position.is_long else Side.SELL)
        and changed.quantity < turn.steps.get(position.pair, Decimal(0))
    )
    if not is_over:
        turn.events.append(
            PositionChanged(
                workspace_id=account.workspace_id,
                occurred_at=turn.at,
                account_id=account.id,
                bot_id=changed.bot_id,
                pair=changed.pair,
                position_id=changed.id,
                quantity=changed.quantity,
                stop=changed.stop,
                cause=fill.reason.value,
            )
        )
        return changed
    return await _close(turn, changed, order, fill)


async def _summed(turn: Turn, position: Position, fill: FillRecord, exits: Protection | None) -> Position:
    """Write a position as its fills say, and its exits for what is held."""
    tx, account = turn.tx, turn.account
    fills = await tx.fills.page(
        account.workspace_id, Filter(account_id=account.id, extra={"position_id": position.id}), _ALL
    )
    sums = sums_of(fills, is_long=position.is_long)
    if exits is not None:
        exits = replace(
            exits,
            quantity=sums.quantity,
            targets=tuple(_scaled(one, sums.entry_quantity) for one in exits.targets),
            revision=exits.revision + 1,
            updated_at=turn.at,
        )
        await tx.execution.protect(exits)
    changed = replace(
        position,
        quantity=sums.quantity,
        entry_quantity=sums.entry_quantity,
        entry_price=sums.entry_price,
        mark_price=fill.price,
        stop=exits.stop if exits else None,
        initial_stop=position.initial_stop or (exits.stop if exits else None),
        legs=legs_of(exits),
        trail_ratio=exits.trail_ratio if exits else None,
        realized_pnl=_money(sums.realized),
        unrealized_pnl=_money(
            (1 if position.is_long else -1) * (fill.price - sums.entry_price) * sums.quantity
        ),
        fees=sums.fees,
        as_of=turn.at,
    )
    await tx.positions.save(changed)
    await tx.positions.add_trade_event(
        account.workspace_id,
        position.id,
        turn.at,
        fill.reason.value,
        {"quantity": str(fill.quantity), "price": str(fill.price), "left": str(sums.quantity)},
    )
    turn.touched.add(position.id)
    return changed


async def _close(turn: Turn, position: Position, order: Order, fill: FillRecord) -> Position:
    tx, account = turn.tx, turn.account
    fills = await tx.fills.page(
        account.workspace_id, Filter(account_id=account.id, extra={"position_id": position.id}), _ALL
    )
    sums = sums_of(fills, is_long=position.is_long)
    closed = replace(
        position,
        closed_at=fill.filled_at,
        mark_price=sums.exit_price,
        unrealized_pnl=Decimal(0),
        stop=None,
        legs=(),
    )
    await tx.positions.save(closed)
    await tx.execution.release(account.workspace_id, position.id)
    pnl = _money(sums.realized)
    trade = await tx.positions.add_trade(
        Trade(
            id=stable_id(account.id, "trade", position.id),
            number=0,
            workspace_id=account.workspace_id,
            account_id=account.id,
            bot_id=position.bot_id,
            position_id=position.id,
            pair=position.pair,
            is_long=position.is_long,
            quantity=sums.entry_quantity,
            entry_price=sums.entry_price,
            exit_price=sums.exit_price,
            pnl=pnl,
            pnl_ratio=float(pnl / sums.entry_value) if sums.entry_value else 0.0,
            fees=sums.fees,
            reason=fill.reason,
            tag=position.tag,
            exit_tag=order.binding,
            bars=turn.bars_held(position),
            signal_id=position.signal_id,
            opened_at=position.opened_at,
            closed_at=fill.filled_at,
        )
    )
    turn.events.append(
        PositionClosed(
            workspace_id=account.workspace_id,
            occurred_at=turn.at,
            account_id=account.id,
            bot_id=position.bot_id,
            pair=position.pair,
            position_id=position.id,
            trade_id=trade.id,
            exit_price=trade.exit_price,
            pnl=trade.pnl,
            pnl_ratio=trade.pnl_ratio,
            reason=trade.reason,
        )
    )
    return closed


def _scaled(level: ExitLevel, entry_quantity: Decimal) -> ExitLevel:
    """Give a leg its share of what was entered, until its own first fill."""
    if level.filled or not level.share:
        return level
    return replace(level, quantity=level.share * entry_quantity)


def legs_of(exits: Protection | None) -> tuple[Leg, ...]:
    """Give the ladder as positions show it."""
    if exits is None:
        return ()
    return tuple(
        Leg(price=one.price, quantity=one.quantity, is_filled=one.left <= 0) for one in exits.targets
    )


def _average(value: Decimal, quantity: Decimal) -> Decimal:
    return (value / quantity).quantize(_AVERAGE_STEP).normalize() if quantity else Decimal(0)


def _money(value: Decimal) -> Decimal:
    return value.quantize(Decimal("1e-8"))

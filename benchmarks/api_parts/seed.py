"""Fills a store with orders, fills, positions and trades at real prices, as months of paper trading leave them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from api.ids import global_id, row_cursor
from benchmarks.api_parts.documents import Targets
from desk.clock import from_ms
from desk.cursors import cursor_of
from desk.desk import token_hash
from desk.identity import Role, new_id
from desk.ports import Unit
from desk.store import SqlStore
from desk.views import Account, AccountStatus, Filter, Order, Page, Trade, Workspace
from tests.support.candle_files import candles_from, hourly_files
from tests.support.data import shared_data
from tests.support.markets import walk_candles
from tests.support.records import a_bot, a_fill, a_position, a_trade, an_order
from trading.candles import Candles
from trading.events import Desired, TradingState
from trading.orders import OrderState

#: Finished trades, each with two orders and two fills.
TRADES = 1_000

#: Bots, and how many of them hold a position.
BOTS = 25
HELD = 22

TOKEN = "bwk_bench_owner_token"

#: Of somebody who may read only, and means harm.
HOSTILE_TOKEN = "bwk_bench_intruder_token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """What the benchmark needs to know of the store."""

    token: str
    targets: Targets
    is_real: bool


def _markets() -> tuple[list[Candles], bool]:
    folder = shared_data()
    if folder is None:
        return [walk_candles(2_000, seed=at, pair=f"W{at}/USDT") for at in range(4)], False
    return [candles_from(one) for one in hourly_files(folder)[:4]], True


def _price(value: float | np.floating) -> Decimal:
    return Decimal(f"{float(value):.8g}")


async def seed(store: SqlStore) -> Seeded:
    """Write everything; rows carry times, prices and quantities of the candles they came from."""
    markets, is_real = _markets()
    async with store.transaction() as tx:
        workspace = await tx.workspaces.create("bench")
        member = await tx.members.add(
            workspace.id, name="owner", email="owner@bench.example", role=Role.OWNER
        )
        intruder = await tx.members.add(workspace.id, name="intruder", email="", role=Role.VIEWER)
        for person, secret, role in ((member, TOKEN, Role.OWNER), (intruder, HOSTILE_TOKEN, Role.VIEWER)):
            await tx.members.add_token(
                workspace.id,
                user_id=person.user_id,
                label="bench",
                role=role,
                secret_hash=token_hash(secret),
                expires_at=None,
            )
        account = await tx.accounts.create(
            workspace.id, name="paper", venue="binance", is_live=False, currency="USDT",
            capital=Decimal(10_000), settings={},
        )  # fmt: skip
        await tx.accounts.save_status(workspace.id, _status(account, from_ms(int(markets[0].ts_ms[-1]))))
        bots = [
            replace(a_bot(workspace.id, account.id, f"bot-{at}"), desired=Desired.RUNNING)
            for at in range(BOTS)
        ]
        for bot in bots:
            await tx.bots.create(bot)
        for at in range(HELD):
            market = markets[at % len(markets)]
            entry, mark = _price(market.close[-50 + at]), _price(market.close[-1])
            await tx.positions.save(
                replace(
                    a_position(workspace.id, account.id, at),
                    bot_id=bots[at].id,
                    pair=market.pair,
                    entry_price=entry,
                    mark_price=mark,
                    unrealized_pnl=(mark - entry) / 10,
                    opened_at=from_ms(int(market.ts_ms[-50 + at])),
                    as_of=from_ms(int(market.ts_ms[-1])),
                )
            )
    for start in range(0, TRADES, 100):
        async with store.transaction() as tx:
            for at in range(start, min(start + 100, TRADES)):
                market = markets[at % len(markets)]
                bar = 50 + at * (len(market.close) - 100) // TRADES
                await _round_trip(tx, workspace, account, bots[at % BOTS].id, market, bar)
    return Seeded(
        token=TOKEN,
        targets=await _targets(store, workspace, account, [one.id for one in bots]),
        is_real=is_real,
    )


async def _round_trip(
    unit: Unit, workspace: Workspace, account: Account, bot_id: str, market: Candles, bar: int
) -> None:
    opened, closed = from_ms(int(market.ts_ms[bar])), from_ms(int(market.ts_ms[bar + 6]))
    entry, leave = _price(market.open[bar]), _price(market.open[bar + 6])
    quantity = Decimal("0.125")
    position_id = new_id()
    for at, price, reduces in ((opened, entry, False), (closed, leave, True)):
        order: Order = replace(
            an_order(workspace.id, account.id), bot_id=bot_id, position_id=position_id, pair=market.pair,
            quantity=quantity, price=price, filled_quantity=Decimal(0), is_reduce_only=reduces,
            created_at=at, updated_at=at,
        )  # fmt: skip
        await unit.orders.add(order, idempotency_key=order.id)
        await unit.orders.move(workspace.id, order.id, OrderState.CLAIMED, evidence="paper", at=at)
        await unit.orders.move(
            workspace.id, order.id, OrderState.FILLED, evidence="paper", at=at, filled_quantity=quantity, average_price=price,
        )  # fmt: skip
        await unit.fills.add(
            replace(
                a_fill(order, new_id()), position_id=position_id, price=price, quantity=quantity, filled_at=at
            )
        )
    trade: Trade = replace(
        a_trade(workspace.id), account_id=account.id, bot_id=bot_id, position_id=position_id, pair=market.pair,
        number=0, quantity=quantity, entry_price=entry, exit_price=leave, pnl=(leave - entry) * quantity,
        pnl_ratio=float(leave / entry - 1), opened_at=opened, closed_at=closed,
    )  # fmt: skip
    await unit.positions.add_trade(trade)


def _status(account: Account, at: datetime) -> AccountStatus:
    return AccountStatus(
        account_id=account.id, as_of=at, cash=Decimal("8123.45"), equity=Decimal("10412.07"),
        peak_equity=Decimal("10650.10"), day_start_equity=Decimal("10380.00"), drawdown=0.0223, day_change=0.0031,
        open_positions=HELD, max_positions=30, open_risk=Decimal("210.5"), trading_state=TradingState.ACTIVE,
    )  # fmt: skip


async def _targets(store: SqlStore, workspace: Workspace, account: Account, bots: list[str]) -> Targets:
    async with store.reading() as tx:
        orders = await tx.orders.page(workspace.id, Filter(), Page(first=500))
        trades = await tx.positions.trades(workspace.id, Filter(), Page(first=500))
    assert orders[0].created_at > orders[-1].created_at + timedelta(hours=1)
    return Targets(
        ids={
            "order": tuple(global_id("Order", one.id) for one in orders),
            "trade": tuple(global_id("Trade", one.id) for one in trades),
            "account": (global_id("Account", account.id),),
            "bot": tuple(global_id("Bot", one) for one in bots),
        },
        cursors={
            "orders": (None, *(row_cursor(cursor_of(one)) for one in orders[:400:40])),
            "trades": (None, *(row_cursor(cursor_of(one)) for one in trades[:400:40])),
        },
    )

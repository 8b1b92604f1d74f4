"""A house for chat tests: a real SQLite store with a bot, a position, trades, a signal and alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from chatops.room import Room
from chatops.testing import Chat
from desk.alerting.raising import raise_alerts
from desk.bus import EventBus
from desk.clock import ManualClock
from desk.desk import Desk
from desk.entry_views import BotWish, EntryRequest, EntryState
from desk.exchange_ports import ExchangeKey, ExchangeSecret
from desk.feeds.simulated import SimulatedFeed
from desk.handlers import register_all
from desk.identity import Actor, Role
from desk.ports import Store
from desk.secrets import Secret
from desk.views import (
    Account,
    AccountStatus,
    Alert,
    Bot,
    DeadLetter,
    EquityPoint,
    Filter,
    Member,
    Page,
    PairPhase,
    Position,
    Trade,
    Workspace,
)
from strategies.registry import default_registry
from tests.support.records import (
    NOON,
    a_bot,
    a_delivery,
    a_fill,
    a_position,
    a_signal,
    a_trade,
    an_alert,
    an_order,
    later,
)
from trading.candles import Candles
from trading.events import Condition, Desired, EntryAsked, Phase, TradingState
from trading.orders import Reason, Side
from trading.timeframes import Timeframe

_HOUR_MS = 3_600_000


@dataclass(slots=True, kw_only=True)
class ChatHouse:
    """The house and what was put into it."""

    room: Room
    store: Store
    desk: Desk
    clock: ManualClock
    workspace: Workspace
    members: dict[Role, Member]
    account: Account
    bot: Bot
    position: Position
    trades: Sequence[Trade]

    def actor(self, role: Role = Role.OWNER, *, channel: str = "console") -> Actor:
        """Give the member of a role as an actor."""
        if role is Role.STRANGER:
            return Actor(workspace_id="", user_id="", name="mallory", role=role, channel=channel)
        member = self.members[role]
        return Actor(
            workspace_id=self.workspace.id,
            user_id=member.user_id,
            name=member.name,
            role=role,
            channel=channel,
            language=member.language,
        )

    def chat(self, role: Role = Role.OWNER, *, channel: str = "console") -> Chat:
        """Give a conversation with the member of a role."""
        return Chat(self.room, self.actor(role, channel=channel))

    async def sequence(self) -> int:
        """Give the journal's head: it moves whenever a state changes."""
        async with self.store.reading() as tx:
            return await tx.journal.head(self.workspace.id)

    async def bot_now(self) -> Bot:
        """Give the bot as stored."""
        async with self.store.reading() as tx:
            found = await tx.bots.by_id(self.workspace.id, self.bot.id)
        assert found is not None
        return found

    async def trading_state(self) -> TradingState:
        """Give the account's trading state as stored."""
        async with self.store.reading() as tx:
            found = await tx.accounts.by_id(self.workspace.id, self.account.id)
        assert found is not None
        return found.trading_state


def generated_candles(bars: int = 800, *, pair: str = "BTC/USDT", seed: int = 5) -> Candles:
    """Give hourly candles of a random walk with trends, ending at noon."""
    rng = np.random.default_rng(seed)
    drift = 0.0015 * np.sin(np.arange(bars) / 40.0)
    close = 42_000.0 * np.exp(np.cumsum(drift + rng.normal(0.0, 0.004, bars)))
    opened = np.r_[42_000.0, close[:-1]]
    spread = np.abs(rng.normal(0.0, 0.002, (2, bars)))
    end_ms = int(NOON.replace(minute=0, second=0, microsecond=0).timestamp() * 1000)
    return Candles(
        ts_ms=end_ms - _HOUR_MS * np.arange(bars, 0, -1, dtype=np.int64),
        open=opened,
        high=np.maximum(opened, close) * (1 + spread[0]),
        low=np.minimum(opened, close) * (1 - spread[1]),
        close=close,
        volume=rng.lognormal(3.0, 0.6, bars),
        timeframe=Timeframe.parse("1h"),
        pair=pair,
        venue="simulated",
    )


async def furnished(store: Store, *, painter: Any = None, halted: bool = False) -> ChatHouse:
    """Fill a store and give the house."""
    clock = ManualClock(NOON)
    desk = Desk(store, EventBus(), clock)
    register_all(desk, registry=default_registry(), feed=SimulatedFeed(seed=1, clock=clock))
    async with store.transaction() as tx:
        workspace = await tx.workspaces.create("home")
        members: dict[Role, Member] = {
            role: await tx.members.add(
                workspace.id, name=role.name.lower(), email=f"{role.name.lower()}@example.org", role=role
            )
            for role in Role
            if role is not Role.STRANGER
        }
        account = await tx.accounts.create(
            workspace.id,
            name="paper",
            venue="paper",
            is_live=False,
            currency="USDT",
            capital=Decimal(10_000),
            settings={},
        )
        if halted:
            await tx.accounts.set_state(workspace.id, account.id, TradingState.HALTED, "drawdown")
        bot = replace(
            a_bot(workspace.id, account.id, "demo"),
            desired=Desired.RUNNING,
            condition=Condition.READY,
            phases=(
                PairPhase(pair="BTC/USDT", phase=Phase.POSITION_OPEN, since=NOON),
                PairPhase(pair="ETH/USDT", phase=Phase.MONITORING, since=NOON),
            ),
            last_bar_at=NOON,
        )
        await tx.bots.create(bot)
    position = await _trading(store, workspace, account, bot)
    trades = await _results(store, workspace, account, bot)
    await _alerts(store, workspace, bot)
    room = Room(desk=desk, painter=painter, version="0.1.0", label="simulated exchange, seed 1")
    return ChatHouse(
        room=room,
        store=store,
        desk=desk,
        clock=clock,
        workspace=workspace,
        members=members,
        account=account,
        bot=bot,
        position=position,
        trades=trades,
    )


async def with_live_account(house: ChatHouse) -> Account:
    """Add a live account at an exchange; nobody carries its orders out."""
    async with house.store.transaction() as tx:
        return await tx.accounts.create(
            house.workspace.id,
            name="live",
            venue="binance",
            is_live=True,
            currency="USDT",
            capital=Decimal(5_000),
            settings={},
        )


async def with_exchange_account(
    house: ChatHouse, name: str, *, is_sandbox: bool, role: Role = Role.OWNER
) -> tuple[Account, Bot]:
    """Add an account at an exchange with its key, and a stopped bot on it that is called after it."""
    async with house.store.transaction() as tx:
        account = await tx.accounts.create(
            house.workspace.id,
            name=name,
            venue="binance",
            is_live=True,
            currency="USDT",
            capital=Decimal(5_000),
            settings={},
        )
        key = ExchangeKey(
            id=account.id,
            workspace_id=house.workspace.id,
            venue="binance",
            version=1,
            key_ending="-key",
            withdrawal="refused by the exchange",
            is_sandbox=is_sandbox,
            created_by=house.members[role].name,
            created_at=NOON,
        )
        await tx.exchange_keys.add(key, ExchangeSecret(api_key=Secret("k"), api_secret=Secret("s")))
        bot = replace(a_bot(house.workspace.id, account.id, f"{name}bot"), is_live=True)
        await tx.bots.create(bot)
    return account, bot


async def with_bars(house: ChatHouse, pair: str = "ETH/USDT") -> None:
    """Let the house have seen bars of a pair on its own market."""
    venue = SimulatedFeed(seed=1, clock=house.clock).venue
    async with house.store.transaction() as tx:
        await tx.candles.add(replace(generated_candles(pair=pair, seed=9), venue=venue))


async def with_letter(house: ChatHouse, *, source: str = "jobs", **payload: str) -> DeadLetter:
    """Bury something that could not be handled."""
    letter = DeadLetter(
        id="letter-a1b2c3",
        workspace_id=house.workspace.id,
        source=source,
        kind="job",
        payload=payload,
        payload_hash="h",
        cause="Every worker that took it died.",
        trace_id="",
        attempts=3,
        created_at=NOON,
        replayed_at=None,
    )
    async with house.store.transaction() as tx:
        await tx.messages.bury(letter)
    return letter


async def with_entry(house: ChatHouse, *, code: str = "K7Q2XM") -> tuple[EntryRequest, Alert]:
    """Let the bot ask whether it may enter, with the alert that says so; nobody carries the answer out."""
    close = Decimal(str(round(float(generated_candles().close[-1]), 2)))
    request = EntryRequest(
        id=f"entry-{code}",
        workspace_id=house.workspace.id,
        account_id=house.account.id,
        bot_id=house.bot.id,
        pair="BTC/USDT",
        code=code,
        signal_id="signal-entry",
        is_long=True,
        tag="wave_3",
        price=close,
        stop=(close * Decimal("0.97")).quantize(Decimal("0.01")),
        targets=tuple((close * (1 + Decimal(step) / 100)).quantize(Decimal("0.01")) for step in (2, 4, 6)),
        quantity=Decimal("0.05"),
        plan={},
        state=EntryState.WAITING,
        drift_ratio=Decimal("0.01"),
        asked_at=NOON,
        expires_at=NOON + timedelta(minutes=30),
    )
    fact = EntryAsked(
        workspace_id=house.workspace.id,
        occurred_at=NOON,
        account_id=house.account.id,
        bot_id=house.bot.id,
        pair=request.pair,
        code=code,
        signal_id=request.signal_id,
        is_long=True,
        quantity=request.quantity,
        price=request.price,
        stop=request.stop,
        targets=request.targets,
        until=request.expires_at,
        tag=request.tag,
    )
    async with house.store.transaction() as tx:
        await tx.signals.add(replace(a_signal(house.workspace.id, house.bot.id), id=request.signal_id))
        await tx.entries.save_wish(
            BotWish(
                bot_id=house.bot.id,
                workspace_id=house.workspace.id,
                account_id=house.account.id,
                is_asked=True,
                set_at=NOON,
            )
        )
        assert await tx.entries.ask(request)
        await raise_alerts(tx, house.workspace.id, [fact], NOON)
        alerts = await tx.alerts.page(house.workspace.id, Filter(), Page(first=20))
    return request, next(one for one in alerts if one.kind == "entry_asked")


async def _trading(store: Store, workspace: Workspace, account: Account, bot: Bot) -> Position:
    candles = generated_candles()
    price = Decimal(str(round(float(candles.close[-1]), 2)))
    entry = (price * Decimal("0.99")).quantize(Decimal("0.01"))
    opened = NOON - timedelta(hours=6)
    signal = replace(
        a_signal(workspace.id, bot.id),
        bar_at=opened,
        price=entry,
        stop=(entry * Decimal("0.97")).quantize(Decimal("0.01")),
        targets=tuple((entry * (1 + Decimal(step) / 100)).quantize(Decimal("0.01")) for step in (2, 4, 6)),
        sizing={
            "binding": "risk_per_trade",
            "quantity": "0.05",
            "risk": "63.00",
            "limits": {"risk_per_trade": "0.05", "max_position": "0.12", "balance": "0.2"},
        },
        outcome="entered",
    )
    refused = replace(
        a_signal(workspace.id, bot.id, 60),
        pair="ETH/USDT",
        outcome="denied",
        reason="slots",
        checks=(
            {"name": "kill_switch", "passed": True, "detail": ""},
            {"name": "slots", "passed": False, "detail": "5 of 5"},
        ),
    )
    position = replace(
        a_position(workspace.id, account.id),
        bot_id=bot.id,
        quantity=Decimal("0.05"),
        entry_quantity=Decimal("0.05"),
        entry_price=entry,
        mark_price=price,
        stop=signal.stop,
        initial_stop=signal.stop,
        legs=tuple(
            replace(leg, price=target, quantity=Decimal("0.025"), is_filled=False)
            for leg, target in zip(a_position(workspace.id).legs, signal.targets, strict=False)
        ),
        realized_pnl=Decimal("-1.05"),
        unrealized_pnl=((price - entry) * Decimal("0.05")).quantize(Decimal("0.01")),
        signal_id=signal.id,
        opened_at=opened,
        as_of=NOON,
    )
    order = replace(
        an_order(workspace.id, account.id),
        bot_id=bot.id,
        quantity=Decimal("0.05"),
        price=entry,
        position_id=position.id,
        signal_id=signal.id,
        created_at=opened,
        updated_at=opened,
    )
    async with store.transaction() as tx:
        await tx.candles.add(candles)
        await tx.signals.add(signal)
        await tx.signals.add(refused)
        await tx.positions.save(position)
        await tx.orders.add(order, idempotency_key=order.id)
        fill = replace(
            a_fill(order, "t-open"),
            position_id=position.id,
            quantity=Decimal("0.05"),
            price=entry,
            filled_at=opened,
        )
        await tx.fills.add(fill)
        await tx.positions.add_trade_event(
            workspace.id,
            position.id,
            opened,
            "opened",
            {"quantity": "0.05", "price": str(entry), "stop": str(signal.stop)},
        )
        await tx.positions.add_trade_event(
            workspace.id,
            position.id,
            opened + timedelta(hours=2),
            "stop_moved",
            {"from": str(signal.stop), "to": str(entry), "cause": "break_even"},
        )
    return position


async def _results(store: Store, workspace: Workspace, account: Account, bot: Bot) -> list[Trade]:
    start = NOON - timedelta(days=10)
    amounts = ("55.00", "-30.00", "-30.00", "12.00", "41.50")
    trades: list[Trade] = []
    async with store.transaction() as tx:
        for day, pnl in enumerate(amounts):
            closed = start + timedelta(days=day * 2)
            position = replace(
                a_position(workspace.id, account.id),
                bot_id=bot.id,
                legs=(),
                quantity=Decimal(0),
                opened_at=closed - timedelta(hours=9),
                closed_at=closed,
                as_of=closed,
            )
            await tx.positions.save(position)
            trade = replace(
                a_trade(workspace.id),
                account_id=account.id,
                bot_id=bot.id,
                position_id=position.id,
                pair="BTC/USDT" if day % 2 == 0 else "ETH/USDT",
                pnl=Decimal(pnl),
                pnl_ratio=float(pnl) / 2_000,
                reason=Reason.TAKE_PROFIT_2 if Decimal(pnl) > 0 else Reason.STOP_LOSS,
                opened_at=closed - timedelta(hours=9),
                closed_at=closed,
            )
            await tx.positions.add_trade(trade)
            trades.append(trade)
        points = [
            EquityPoint(
                at=start + timedelta(hours=6 * step),
                equity=Decimal(10_000)
                + Decimal(step) * Decimal("1.25")
                - (Decimal(40) if 14 < step < 22 else 0),
            )
            for step in range(40)
        ]
        await tx.accounts.add_equity(workspace.id, account.id, points)
        await tx.accounts.save_status(
            workspace.id,
            AccountStatus(
                account_id=account.id,
                as_of=NOON,
                cash=Decimal("7950.25"),
                equity=Decimal("10048.75"),
                peak_equity=Decimal("10060.00"),
                day_start_equity=Decimal("10000.00"),
                drawdown=-0.0011182902584493,
                day_change=0.004875,
                open_positions=1,
                max_positions=5,
                open_risk=Decimal("63.00"),
                trading_state=TradingState.ACTIVE,
            ),
        )
    return trades


async def _alerts(store: Store, workspace: Workspace, bot: Bot) -> None:
    opened = replace(
        an_alert(workspace.id, dedupe_key="entry:1"),
        kind="entry_filled",
        bot_id=bot.id,
        pair="BTC/USDT",
        params={
            "occurred_at": "2026-01-05T06:00:00Z",
            "position_id": "p-1",
            "is_long": True,
            "quantity": "0.05",
            "entry_price": "42000.10",
            "stop": "41000",
            "targets": ["43000", "44000"],
            "tag": "wave_3",
        },
    )
    async with store.transaction() as tx:
        await tx.alerts.add(opened, [a_delivery(opened, "owner@example.org")])
        halted = an_alert(workspace.id, 5, dedupe_key="halted:1")
        await tx.alerts.add(halted, [])


def midnight(day: int) -> datetime:
    """Give the start of a day of January 2026, UTC."""
    return datetime(2026, 1, day, tzinfo=UTC)


__all__ = ["NOON", "ChatHouse", "Side", "furnished", "generated_candles", "later", "midnight"]

"""Views with everything filled in, to be changed with `replace`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from desk.identity import new_id
from desk.news.views import NewsItem
from desk.ports import Unit
from desk.views import (
    Account,
    Alert,
    Bot,
    Delivery,
    FillRecord,
    Leg,
    Order,
    PairPhase,
    Position,
    SignalRecord,
    StateChange,
    Trade,
)
from trading.events import Condition, Desired, Phase, Severity, TradingState
from trading.fills import Liquidity
from trading.orders import OrderState, OrderType, Reason, Side

#: When the records happened.
NOON = datetime(2026, 1, 5, 12, 0, 0, 123456, UTC)


async def a_live_account(tx: Unit, workspace_id: str, *, capital: Decimal, venue: str = "fake") -> Account:
    """Write an account at a venue."""
    return await tx.accounts.create(
        workspace_id, name="live", venue=venue, is_live=True, currency="USDT", capital=capital, settings={}
    )


def later(seconds: float) -> datetime:
    """Give a time after noon."""
    return NOON + timedelta(seconds=seconds)


def a_bot(workspace_id: str, account_id: str, name: str = "btc-elliott") -> Bot:
    """Give a new bot with two pairs."""
    return Bot(
        id=new_id(),
        workspace_id=workspace_id,
        account_id=account_id,
        name=name,
        strategy="elliott_wave",
        pairs=("BTC/USDT", "ETH/USDT"),
        timeframe="1h",
        parameters={"degree": 2, "ratio": 0.618, "words": ["a", "b"]},
        allocation=0.5,
        desired=Desired.STOPPED,
        condition=Condition.IDLE,
        condition_reason="",
        trading_state=TradingState.ACTIVE,
        phases=(
            PairPhase(pair="BTC/USDT", phase=Phase.IDLE, since=NOON),
            PairPhase(pair="ETH/USDT", phase=Phase.IDLE, since=NOON),
        ),
        resume_at=None,
        last_bar_at=None,
        version=1,
        config_version=1,
        is_live=False,
        created_at=NOON,
    )


def a_change(bot_id: str, seconds: float = 0.0) -> StateChange:
    """Give a line of state history."""
    return StateChange(
        at=later(seconds),
        bot_id=bot_id,
        axis="phase",
        pair="BTC/USDT",
        before="IDLE",
        after="MONITORING",
        cause="started",
        actor="alice@console",
    )


def a_signal(workspace_id: str, bot_id: str = "bot-1", seconds: float = 0.0) -> SignalRecord:
    """Give a signal with conditions, sizing and checks."""
    return SignalRecord(
        id=new_id(),
        workspace_id=workspace_id,
        bot_id=bot_id,
        pair="BTC/USDT",
        bar_at=later(seconds),
        direction=1,
        tag="wave_3",
        price=Decimal("42000.10"),
        stop=Decimal("41000"),
        targets=(Decimal("43000.5"), Decimal("44000"), Decimal("45000")),
        score=0.75,
        conditions=({"name": "impulse", "value": 1.5, "threshold": 1.0, "relation": ">", "met": True},),
        sizing={"binding": "risk", "quantity": "0.5", "limits": {"cash": "1.25"}},
        checks=({"name": "slots", "passed": True, "detail": "1 of 5"},),
        outcome="pending",
        reason="",
    )


def an_order(workspace_id: str, account_id: str = "account-1", seconds: float = 0.0) -> Order:
    """Give a new market order as an intent."""
    order_id = new_id()
    return Order(
        id=order_id,
        workspace_id=workspace_id,
        account_id=account_id,
        bot_id="bot-1",
        pair="BTC/USDT",
        client_order_id=f"bw-{order_id}",
        venue_order_id="",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal("0.123456789012345678"),
        price=Decimal("42000.10"),
        stop_price=None,
        filled_quantity=Decimal(0),
        average_price=None,
        state=OrderState.INTENT,
        state_reason="",
        evidence="",
        reason=Reason.ENTRY,
        leg=0,
        binding="risk",
        signal_id="",
        position_id="",
        is_reduce_only=False,
        attempts=0,
        created_at=later(seconds),
        updated_at=later(seconds),
    )


def a_fill(order: Order, venue_trade_id: str = "t-1", seconds: float = 0.0) -> FillRecord:
    """Give a fill of half an order."""
    return FillRecord(
        id=new_id(),
        workspace_id=order.workspace_id,
        account_id=order.account_id,
        bot_id=order.bot_id,
        order_id=order.id,
        position_id="position-1",
        pair=order.pair,
        venue_trade_id=venue_trade_id,
        side=order.side,
        price=Decimal("42000.10"),
        quantity=Decimal("0.06"),
        fee=Decimal("2.5200060"),
        liquidity=Liquidity.TAKER,
        reason=order.reason,
        leg=0,
        source="venue",
        filled_at=later(seconds),
    )


def a_position(workspace_id: str, account_id: str = "account-1", seconds: float = 0.0) -> Position:
    """Give an open position with three legs."""
    return Position(
        id=new_id(),
        workspace_id=workspace_id,
        account_id=account_id,
        bot_id="bot-1",
        pair="BTC/USDT",
        is_long=True,
        quantity=Decimal("0.5"),
        entry_quantity=Decimal("1.0"),
        entry_price=Decimal("42000.10"),
        mark_price=Decimal("42100"),
        stop=Decimal("41000.00"),
        initial_stop=Decimal("41000"),
        legs=(
            Leg(price=Decimal("43000"), quantity=Decimal("0.5"), is_filled=True),
            Leg(price=Decimal("44000"), quantity=Decimal("0.3"), is_filled=False),
        ),
        trail_ratio=None,
        realized_pnl=Decimal("499.95"),
        unrealized_pnl=Decimal("49.95"),
        fees=Decimal("1.20"),
        signal_id="",
        tag="wave_3",
        opened_at=later(seconds),
        closed_at=None,
        as_of=later(seconds),
    )


def a_trade(workspace_id: str, seconds: float = 0.0) -> Trade:
    """Give a finished trade without a number."""
    return Trade(
        id=new_id(),
        number=0,
        workspace_id=workspace_id,
        account_id="account-1",
        bot_id="bot-1",
        position_id="position-1",
        pair="BTC/USDT",
        is_long=True,
        quantity=Decimal("1"),
        entry_price=Decimal("42000.10"),
        exit_price=Decimal("43000"),
        pnl=Decimal("998.70"),
        pnl_ratio=0.0237,
        fees=Decimal("1.20"),
        reason=Reason.TAKE_PROFIT_1,
        tag="wave_3",
        exit_tag="",
        bars=17,
        signal_id="",
        opened_at=later(seconds - 3600),
        closed_at=later(seconds),
    )


def an_alert(workspace_id: str, seconds: float = 0.0, dedupe_key: str = "") -> Alert:
    """Give an unacknowledged alert."""
    alert_id = new_id()
    return Alert(
        id=alert_id,
        workspace_id=workspace_id,
        severity=Severity.CRITICAL,
        kind="trading_halted",
        params={"drawdown": 0.21},
        dedupe_key=dedupe_key or alert_id,
        bot_id="",
        pair="",
        created_at=later(seconds),
        acknowledged_by="",
        acknowledged_at=None,
    )


def a_delivery(alert: Alert, recipient: str = "alice@example.org", channel: str = "email") -> Delivery:
    """Give a delivery that waits."""
    return Delivery(
        id=new_id(),
        workspace_id=alert.workspace_id,
        alert_id=alert.id,
        channel=channel,
        recipient=recipient,
        status="queued",
        attempts=0,
        next_attempt_at=None,
        sent_at=None,
        error="",
    )


def a_headline(seconds: float = 0.0, *, assets: tuple[str, ...] = ("BTC",), score: float = 0.5) -> NewsItem:
    """Give a scored headline."""
    own_id = new_id()
    return NewsItem(
        id=own_id,
        source="coindesk",
        key=own_id,
        title=f"Miners expand for the {seconds:g}th time",
        summary="They said so.",
        url="https://news.example.org/miners",
        language="en",
        assets=assets,
        label=(score > 0) - (score < 0),
        score=score,
        model="some model 1",
        published_at=later(seconds),
        known_at=later(seconds),
    )

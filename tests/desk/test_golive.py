"""The go-live gate judges a bot by what it really traded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from desk.clock import ManualClock
from desk.golive import golive_report, judge
from desk.store import SqlStore
from desk.views import Trade
from trading.errors import NotFound
from trading.orders import Reason
from trading.risk.gates import Gate

START = datetime(2026, 1, 1, 6, tzinfo=UTC)


def trade(number: int, pnl: float) -> Trade:
    """Give a trade of the number-th eight hours, open for one hour."""
    opened = START + timedelta(hours=8 * number)
    return Trade(
        id=f"t{number}",
        number=number,
        workspace_id="w",
        account_id="a",
        bot_id="b",
        position_id=f"p{number}",
        pair="BTC/USDT",
        is_long=True,
        quantity=Decimal(1),
        entry_price=Decimal(100),
        exit_price=Decimal(100) + Decimal(repr(pnl)),
        pnl=Decimal(repr(pnl)),
        pnl_ratio=pnl / 100,
        fees=Decimal(0),
        reason=Reason.EXIT_SIGNAL,
        tag="",
        exit_tag="",
        bars=1,
        signal_id="",
        opened_at=opened,
        closed_at=opened + timedelta(hours=1),
    )


def test_a_bot_that_wins_often_and_much_passes_every_line() -> None:
    trades = [trade(k, 30.0 if k % 3 else -10.0) for k in range(36)]

    report = judge("b", trades, capital=Decimal(10_000), until=START + timedelta(days=12))

    assert report.has_passed
    found = {line.gate: line.value for line in report.gate.lines}
    assert (found[Gate.DAYS], found[Gate.TRADES]) == (12.0, 36.0)
    assert found[Gate.WIN_RATE] == pytest.approx(24 / 36)
    assert found[Gate.PROFIT_FACTOR] == pytest.approx(6.0)
    assert report.gate.false_pass_rate is not None
    assert report.gate.psr is not None
    assert report.now.is_judged
    assert not report.now.below


def test_a_bot_without_an_edge_fails_by_what_it_traded() -> None:
    trades = [trade(k, 10.0 if k % 2 else -12.0) for k in range(40)]

    report = judge("b", trades, capital=Decimal(10_000), until=START + timedelta(days=14))

    assert not report.has_passed
    failed = {line.gate for line in report.gate.failures}
    assert failed == {Gate.SHARPE, Gate.PROFIT_FACTOR}
    assert report.now.below == failed


def test_too_few_days_and_trades_fail_however_good_they_are() -> None:
    report = judge("b", [trade(0, 50.0)], capital=Decimal(10_000), until=START + timedelta(days=2))

    failed = {line.gate for line in report.gate.failures}
    assert {Gate.DAYS, Gate.TRADES} <= failed
    assert not report.now.is_judged


def test_a_bot_that_never_traded_has_not_passed() -> None:
    report = judge("b", [], capital=Decimal(10_000), until=START)

    assert (report.since, report.has_passed) == (None, False)


async def test_an_unknown_bot_is_told(sqlite_store: SqlStore) -> None:
    with pytest.raises(NotFound, match="No bot 'nobody'"):
        await golive_report(sqlite_store, ManualClock(START), "w", "nobody")

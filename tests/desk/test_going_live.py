"""A bot reaches real money only with every gate passed, with two people, and stopped; back to paper is one tap."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from desk.bots.memory import LoopMemory, pack
from desk.clock import ManualClock
from desk.commands import ApproveRequest, CreateBot, DeleteBot, GoLive, GoPaper, StartBot
from desk.desk import proof_session
from desk.errors import ApprovalPending, StepUpRequired, VersionMoved
from desk.exchange_ports import ExchangeKey, ExchangeSecret
from desk.golive import golive_report
from desk.handlers.lifecycle import preview_start
from desk.identity import Role
from desk.keyring import key_ring_at
from desk.secrets import Secret
from desk.store import SqlStore, open_store
from desk.views import Account, Trade
from tests.desk.desk_house import NOON, DeskHouse, a_house, market
from trading.errors import Conflict, InvalidInput, NotFound
from trading.events import BotStateChanged
from trading.orders import Reason

SERIES = market(bars=30)
#: What a bot needs to pass: forty trades over thirteen days, two of three won, three to one.
GOOD = tuple(30.0 if k % 3 else -10.0 for k in range(40))
BAD = tuple(10.0 if k % 2 else -12.0 for k in range(40))


@pytest_asyncio.fixture
async def store(sqlite_url: str, tmp_path: Path) -> AsyncIterator[SqlStore]:
    found = open_store(sqlite_url, ring=key_ring_at(tmp_path / "keys.json"))
    yield found
    await found.close()


async def a_stopped_bot(store: SqlStore, pnl: tuple[float, ...], *, days: float = 14) -> DeskHouse:
    """Give a house whose bot 'tide' was made so many days ago, has traded on paper and is stopped."""
    clock = ManualClock(NOON - timedelta(days=days))
    house = await a_house(store, SERIES, clock=clock)
    await house.desk.do(
        CreateBot(name="tide", strategy="trend_following", pairs=("BTC/USDT",), timeframe="15m"),
        house.actor(),
    )
    clock.advance(timedelta(days=days).total_seconds())
    bot = await house.bot()
    async with store.transaction() as tx:
        for k, one in enumerate(pnl):
            opened = NOON - timedelta(hours=8 * (len(pnl) - k))
            await tx.positions.add_trade(
                Trade(
                    id=f"t{k}",
                    number=0,
                    workspace_id=house.workspace.id,
                    account_id=house.account.id,
                    bot_id=bot.id,
                    position_id=f"p{k}",
                    pair="BTC/USDT",
                    is_long=True,
                    quantity=Decimal(1),
                    entry_price=Decimal(100),
                    exit_price=Decimal(100) + Decimal(repr(one)),
                    pnl=Decimal(repr(one)),
                    pnl_ratio=one / 100,
                    fees=Decimal(0),
                    reason=Reason.EXIT_SIGNAL,
                    tag="",
                    exit_tag="",
                    bars=1,
                    signal_id="",
                    opened_at=opened,
                    closed_at=opened + timedelta(hours=1),
                )
            )
    return house


async def a_live_account(house: DeskHouse, name: str = "spot", *, is_sandbox: bool = False) -> Account:
    """Give an account of an exchange with its key."""
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
            created_by="owner",
            created_at=NOON,
        )
        secret = ExchangeSecret(api_key=Secret("k"), api_secret=Secret("s"), passphrase=Secret(""))
        await tx.exchange_keys.add(key, secret)
    return account


async def prove(house: DeskHouse, role: Role) -> None:
    """Let a member have proved just now who they are."""
    actor = house.actor(role)
    async with house.store.transaction() as tx:
        await tx.proofs.step_up(
            actor.workspace_id, actor.user_id, proof_session(actor), NOON + timedelta(minutes=5)
        )


async def test_a_bot_begins_at_once_where_a_venue_has_test_money_and_nowhere_else_live(
    store: SqlStore,
) -> None:
    house = await a_house(store)
    await a_live_account(house, "test money", is_sandbox=True)
    await a_live_account(house, "spot")
    wanted: dict[str, Any] = {
        "strategy": "trend_following",
        "pairs": tuple(await house.feed.pairs()),
        "timeframe": "15m",
    }

    bot = await house.bot_after(CreateBot(name="early", account_id="test money", **wanted))
    async with store.reading() as tx:
        preview = await preview_start(StartBot(bot_id=bot.id), tx, house.actor())
    with pytest.raises(Conflict, match="holds real money"):
        await house.desk.do(CreateBot(name="eager", account_id="spot", **wanted), house.actor())

    assert bot.is_live
    assert (preview.code, preview.type_word) == ("confirm.StartBot.test", "")


async def test_the_report_names_every_gate_with_value_need_and_source(store: SqlStore) -> None:
    house = await a_stopped_bot(store, GOOD)

    report = await golive_report(store, house.clock, house.workspace.id, (await house.bot()).id)

    gates = {one.name: one for one in report.lines if one.has_passed is not None}
    assert set(gates) == {"days", "trades", "sharpe", "win_rate", "profit_factor"}
    assert all(one.has_passed and one.source == "paper trades" for one in gates.values())
    assert gates["trades"].value == 40
    assert gates["win_rate"].needed == "≥ 0.45"
    beside = {one.name: one for one in report.lines if one.has_passed is None}
    assert beside["backtest_sharpe"].value is None
    assert "No finished backtest" in beside["backtest_sharpe"].reason
    assert beside["limit_max_drawdown"].value == 0.2
    assert report.has_passed
    assert report.refusal == ""


async def test_a_bot_without_its_gates_is_refused_before_anybody_is_asked(store: SqlStore) -> None:
    house = await a_stopped_bot(store, BAD)
    await a_live_account(house)
    await prove(house, Role.ADMIN)

    with pytest.raises(Conflict, match=r"may not go live: sharpe is .* \(> 1 is needed\); profit_factor is"):
        await house.desk.do(GoLive(bot_id="tide"), house.actor(Role.ADMIN))

    async with store.reading() as tx:
        assert not list(await tx.approvals.recent(house.workspace.id))
    assert not (await house.bot()).is_live


async def test_going_live_needs_a_proof_and_an_owner_beside_the_admin(store: SqlStore) -> None:
    house = await a_stopped_bot(store, GOOD)
    account = await a_live_account(house)

    with pytest.raises(StepUpRequired):
        await house.desk.do(GoLive(bot_id="tide"), house.actor(Role.ADMIN))
    await prove(house, Role.ADMIN)
    with pytest.raises(ApprovalPending) as waiting:
        await house.desk.do(GoLive(bot_id="tide"), house.actor(Role.ADMIN))
    assert not (await house.bot()).is_live
    await house.desk.do(ApproveRequest(code=waiting.value.approval.code), house.actor(Role.OWNER))

    bot = await house.bot()
    assert (bot.is_live, bot.account_id, bot.desired.value) == (True, account.id, "STOPPED")
    told = [one for one in await house.facts(BotStateChanged) if isinstance(one, BotStateChanged)]
    assert [(one.axis, one.before, one.after) for one in told] == [("mode", "PAPER", "LIVE")]
    assert "gates passed" in told[0].cause


@pytest.mark.parametrize(
    ("market", "days", "why"),
    [
        ("simulated-7", 14, "its record is of the market simulated-7, not of an exchange"),
        ("replay", 14, "its record is of the market replay, not of an exchange"),
        ("binance", 0.5, "it was made 0.5 days ago (7 by the wall clock are needed"),
    ],
)
async def test_a_record_that_no_exchange_made_is_good_for_test_money_only(
    store: SqlStore, market: str, days: float, why: str
) -> None:
    house = await a_stopped_bot(store, GOOD, days=days)
    await a_live_account(house, "spot")
    await a_live_account(house, "test money", is_sandbox=True)
    memory = LoopMemory(venue=market, cash=Decimal(10_000))
    async with store.transaction() as tx:
        await tx.accounts.save_snapshot(house.workspace.id, house.account.id, 0, pack(memory, b""))

    with pytest.raises(Conflict, match=re.escape(f"may not go live: {why}")):
        await house.desk.do(GoLive(bot_id="tide", account_id="spot"), house.actor(channel="cli"))
    await house.desk.do(GoLive(bot_id="tide", account_id="test money"), house.actor(channel="cli"))

    assert (await house.bot()).is_live


async def test_its_paper_record_still_counts_once_a_bot_is_live(store: SqlStore) -> None:
    house = await a_stopped_bot(store, GOOD)
    await a_live_account(house)
    await house.desk.do(GoLive(bot_id="tide"), house.actor(channel="cli"))
    assert isinstance(house.clock, ManualClock)
    house.clock.advance(30 * 86_400)

    report = await golive_report(store, house.clock, house.workspace.id, (await house.bot()).id)

    assert report.is_live
    assert report.has_passed
    assert report.until < NOON


async def test_back_to_paper_is_one_wish_and_the_way_out_is_the_way_in(store: SqlStore) -> None:
    house = await a_stopped_bot(store, GOOD)
    await a_live_account(house)
    with pytest.raises(Conflict, match="trades paper money already"):
        await house.desk.do(GoPaper(bot_id="tide"), house.actor())
    await house.desk.do(GoLive(bot_id="tide"), house.actor(channel="cli"))

    await house.desk.do(GoPaper(bot_id="tide"), house.actor(Role.OPERATOR))

    bot = await house.bot()
    assert (bot.is_live, bot.account_id) == (False, house.account.id)


async def test_what_is_not_as_it_was_seen_goes_nowhere(store: SqlStore) -> None:
    house = await a_stopped_bot(store, GOOD)
    await a_live_account(house)
    seen = (await house.bot()).version

    with pytest.raises(VersionMoved, match=f"is at version {seen}; version {seen - 1} was expected"):
        await house.desk.do(GoLive(bot_id="tide", expected_version=seen - 1), house.actor(channel="cli"))
    live = (
        await house.desk.do(GoLive(bot_id="tide", expected_version=seen), house.actor(channel="cli"))
    ).view
    with pytest.raises(VersionMoved):
        await house.desk.do(GoPaper(bot_id="tide", expected_version=seen), house.actor())
    with pytest.raises(VersionMoved):
        await house.desk.do(DeleteBot(bot_id="tide", expected_version=seen), house.actor(channel="cli"))

    assert live.version == seen + 1
    assert (await house.bot()).is_live


async def test_what_stands_in_the_way_is_named(store: SqlStore) -> None:
    house = await a_stopped_bot(store, GOOD)
    cli = house.actor(channel="cli")
    with pytest.raises(NotFound, match="no live account"):
        await house.desk.do(GoLive(bot_id="tide"), cli)
    first = await a_live_account(house)
    second = await a_live_account(house, "margin")
    with pytest.raises(InvalidInput, match="spot, margin"):
        await house.desk.do(GoLive(bot_id="tide"), cli)
    with pytest.raises(NotFound, match="Did you mean 'spot'"):
        await house.desk.do(GoLive(bot_id="tide", account_id="spott"), cli)
    async with store.transaction() as tx:
        await tx.exchange_keys.disable(house.workspace.id, second.id, NOON)
    with pytest.raises(Conflict, match="has no key"):
        await house.desk.do(GoLive(bot_id="tide", account_id="margin"), cli)
    await house.desk.do(StartBot(bot_id="tide"), cli)
    with pytest.raises(Conflict, match="only a stopped bot goes live"):
        await house.desk.do(GoLive(bot_id="tide", account_id=first.name), cli)


async def test_nobody_sets_a_bot_up_on_real_money(store: SqlStore) -> None:
    house = await a_stopped_bot(store, GOOD)
    account = await a_live_account(house)

    with pytest.raises(Conflict, match="passing its gates on paper"):
        await house.desk.do(
            CreateBot(
                name="eager",
                strategy="trend_following",
                pairs=("BTC/USDT",),
                timeframe="15m",
                account_id=account.id,
            ),
            house.actor(),
        )


async def test_another_timeframe_on_the_live_account_is_refused(store: SqlStore) -> None:
    house = await a_stopped_bot(store, GOOD)
    account = await a_live_account(house)
    bot = await house.bot()
    other = replace(bot, id="other", name="other", timeframe="1h", account_id=account.id, is_live=True)
    async with store.transaction() as tx:
        await tx.bots.create(other)

    with pytest.raises(InvalidInput, match=r"trades 15m; the bots of account 'spot' trade 1h"):
        await house.desk.do(GoLive(bot_id="tide"), house.actor(channel="cli"))

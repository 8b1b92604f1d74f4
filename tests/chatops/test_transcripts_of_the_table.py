"""Say this, expect that card: what freqtrade's words show here, row by row of the table of words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from chatops.cards import Money, Number, Price, Ratio, Text, Tone
from chatops.pictures import drawn
from chatops.reading import reference
from chatops.testing import Chat, column, field, spoken
from desk.alerting.values import Heartbeat
from desk.identity import Role
from desk.live_prices import LivePrices
from desk.order_views import Baseline
from desk.store import SqlStore
from desk.views import DeadLetter, JobState
from tests.chatops.chat_house import NOON, ChatHouse, furnished, with_live_account
from trading.events import PriceMoved, TradingState

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
async def house(sqlite_store: SqlStore) -> ChatHouse:
    return await furnished(sqlite_store)


@pytest.fixture
def chat(house: ChatHouse) -> Chat:
    return house.chat()


async def test_status_shows_a_table_or_the_positions_that_are_named(house: ChatHouse, chat: Chat) -> None:
    table = await chat.say("/status table", expect="status")
    assert table.fields == ()
    assert column(table, "positions", "pair") == ["BTC/USDT"]

    one = await chat.say(f"/status {reference(house.position.id)}", expect="status")
    assert field(one, "stop") == field(await chat.say("/status BTC/USDT", expect="status"), "stop")
    assert one.tables == ()
    of_bot = await chat.say("/status demo", expect="status")
    assert column(of_bot, "bots", "bot") == ["demo"]
    assert (await chat.say("/status nobody", expect="error")).problem == "not_found"


async def test_bots_show_what_today_brought(chat: Chat) -> None:
    card = await chat.say("/bots", expect="bots")

    [today] = column(card, "bots", "today")
    assert isinstance(today, Money)
    assert today.is_signed


async def test_profit_of_one_side_counts_its_trades_only(chat: Chat) -> None:
    long = await chat.say("/profit_long", expect="profit_of_side")
    assert field(long, "closed_pnl") == Money(Decimal("48.50"), "USDT", is_signed=True)
    assert field(long, "profit_factor") == Number(108.5 / 60)

    short = await chat.say("/profit_short 30", expect="profit_of_side")
    assert field(short, "trades") == 0
    assert short.notes == (Text("trades.none"),)


async def test_a_full_balance_names_what_the_venue_held_before(house: ChatHouse, chat: Chat) -> None:
    live = await with_live_account(house)
    async with house.store.transaction() as tx:
        await tx.execution.save_baseline(
            Baseline(
                account_id=live.id,
                workspace_id=house.workspace.id,
                holdings={"DOGE": "1200"},
                taken_at=NOON,
            )
        )

    assert "DOGE" not in spoken(await chat.say("/balance", expect="balance"))
    full = await chat.say("/balance full", expect="balance")
    assert column(full, "not_ours", "asset") == ["DOGE"]
    assert full.chart is not None


async def test_moved_exits_and_orders_by_hand_show_their_picture(house: ChatHouse, chat: Chat) -> None:
    moved = await chat.agree("/sl BTC/USDT 2%", expect="stop_moved")
    assert moved.chart is not None
    assert moved.chart.spec["trade"]["stop"] == float(field(moved, "after").value)  # type: ignore[union-attr,arg-type]
    assert isinstance(field(moved, "r_before"), Number)
    targets = await chat.agree("/tp BTC/USDT 2% 4%", expect="targets_moved")
    assert targets.chart is not None
    assert len(targets.chart.spec["trade"]["targets"]) == 2

    await with_live_account(house)
    order = await chat.agree(
        "/forcelong BTC/USDT 40000 stake=250 sl=38000 account=live", expect="order_placed"
    )
    assert field(order, "worth") == Money(Decimal("250.00000000"), "USDT")
    assert field(order, "at_risk") == Money(Decimal("12.50000000"), "USDT")
    assert order.chart is not None
    assert order.chart.spec["trade"]["stop"] == 38_000.0
    assert (await chat.say("/whynot BTC/USDT", expect="whynot")).chart is not None


async def test_cancelling_an_order_is_previewed(house: ChatHouse, chat: Chat) -> None:
    await with_live_account(house)
    placed = await chat.agree("/forcelong BTC/USDT 40000 stake=250 account=live", expect="order_placed")

    asked = await chat.say(f"/coo {field(placed, 'id')}", expect="confirm")

    assert asked.body[0].code == "confirm.CancelOrder"
    assert "BTC/USDT" in spoken(asked)


async def test_panic_goes_step_by_step_and_shows_what_was_held(house: ChatHouse, chat: Chat) -> None:
    card = await chat.agree("/panic demo the exchange misbehaves", expect="panic")
    assert column(card, "steps", "done") == [
        Text("panic.done"),
        Text("panic.waits"),
        Text("panic.waits"),
        Text("panic.waits"),
        Text("panic.done"),
    ]
    # Nobody stores what there was when it began: the line that renews the card carries it.
    assert card.renewed_by.startswith(f"/risk steps {reference(house.position.id)} ")
    assert column(card, "outcome", "became")[0] == Text("panic.open")
    assert (await chat.say("/risk steps", expect="panic")).renewed_by == "/risk steps"

    renewed = await chat.say(card.renewed_by, expect="panic")
    assert column(renewed, "steps", "done") == column(card, "steps", "done")
    async with house.store.reading() as tx:
        account = await tx.accounts.by_id(house.workspace.id, house.account.id)
    assert account is not None
    assert account.state_reason.startswith("the exchange misbehaves")


async def test_panic_of_every_account_asks_for_the_word(house: ChatHouse, chat: Chat) -> None:
    live = await with_live_account(house)

    asked = await chat.say("/panic all", expect="confirm")
    assert asked.type_word == "all"
    await chat.press("confirm", typed="all", expect="panic")

    async with house.store.reading() as tx:
        for one in (house.account, live):
            found = await tx.accounts.by_id(house.workspace.id, one.id)
            assert found is not None
            assert found.trading_state is TradingState.HALTED


async def test_the_audit_of_one_person(house: ChatHouse, chat: Chat) -> None:
    await house.chat(Role.OPERATOR).say("/lock BTC/USDT")
    await chat.say("/lock ETH/USDT")

    card = await chat.say("/audit 10 user=operator", expect="audit")

    assert set(column(card, "audit", "actor")) == {"operator@console"}


async def test_health_tells_processes_jobs_and_troubles(house: ChatHouse, chat: Chat) -> None:
    async with house.store.transaction() as tx:
        await tx.notices.beat(Heartbeat(name="p1", role="up", beat_at=NOON, patience_s=30, stopped_at=None))
    await chat.say("/backtest buy_and_hold BTC/USDT 1h", expect="job")

    card = await chat.say("/health", expect="health")

    assert column(card, "processes", "process") == ["up"]
    assert field(card, "jobs_waiting") == 1
    assert card.tone is Tone.GOOD


async def test_trades_go_into_a_file_from_operators_on(house: ChatHouse, chat: Chat) -> None:
    await chat.say("/trades 3", expect="trades")
    assert (await chat.press("export", expect="export")).file is not None
    assert (await house.chat(Role.VIEWER).say("/trades 3", expect="trades")).buttons == ()


async def test_a_finished_job_shows_the_picture_that_it_drew(house: ChatHouse, chat: Chat) -> None:
    queued = await chat.say("/backtest buy_and_hold BTC/USDT 1h", expect="job")
    async with house.store.transaction() as tx:
        job = await tx.jobs.claim_next("worker", house.clock.now(), 60.0)
        assert job is not None
        await tx.jobs.add_file(
            job.workspace_id, job.id, name="equity.png", media_type="image/png", data=PNG, at=NOON
        )
        await tx.jobs.finish(job, JobState.DONE, at=house.clock.now(), result={"final_equity": "10100"})

    done = await chat.say(queued.renewed_by, expect="job")

    assert done.renewed_by == ""
    assert done.chart is not None
    assert await drawn(done, None) == PNG


async def test_a_price_between_bars_comes_with_its_spread(house: ChatHouse) -> None:
    prices = LivePrices(house.clock)
    told = PriceMoved(
        workspace_id="",
        occurred_at=NOON,
        pair="BTC/USDT",
        venue="binance",
        source="binance",
        last=Decimal("42130"),
        bid=Decimal("42129"),
        ask=Decimal("42131"),
        ts_ms=0,
    )
    prices.take(told)
    chat = Chat(replace(house.room, prices=prices), house.actor())

    card = await chat.say("/price BTC/USDT", expect="price")

    assert field(card, "last") == Price(Decimal("42130"))
    assert field(card, "spread") == Ratio(float(Decimal(2) / Decimal("42130")), digits=3)
    house.clock.advance(60)
    stale = await chat.say("/price BTC/USDT", expect="price")
    assert "last" not in [one.name for one in stale.fields]


async def test_what_could_not_be_handled_is_listed_with_its_cause(house: ChatHouse, chat: Chat) -> None:
    assert (await chat.say("/dlq", expect="dead_letters")).tone is Tone.GOOD
    letter = DeadLetter(
        id="letter-a1b2c3",
        workspace_id=house.workspace.id,
        source="telegram",
        kind="alert",
        payload={},
        payload_hash="h",
        cause="Forbidden: bot was blocked by the user",
        trace_id="",
        attempts=3,
        created_at=NOON,
        replayed_at=None,
    )
    async with house.store.transaction() as tx:
        await tx.messages.bury(letter)

    card = await chat.say("/dlq", expect="dead_letters")

    assert card.tone is Tone.WARN
    assert column(card, "dead_letters", "id") == ["a1b2c3"]
    assert column(card, "dead_letters", "cause") == [letter.cause]
    assert column(card, "dead_letters", "state") == [Text("dlq.buried")]
    assert (await house.chat(Role.TRADER).say("/dlq", expect="error")).problem == "denied"

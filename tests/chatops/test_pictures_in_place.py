"""What is followed in one message keeps its picture up to date: a search its best so far, a stop what became of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from chatops.cards import Chart, Money, Text
from chatops.commands.emergency import Seen
from chatops.doors.heard import Place
from chatops.doors.living import Living
from chatops.doors.platform import Shown
from chatops.reading import reference
from chatops.telegram_bot.sending import TelegramPlatform
from chatops.testing import Chat, column
from chatops.texts.speaker import Speaker
from desk.charts.drawing import draw
from desk.commands import RunOptimization
from desk.desk import Desk
from desk.handlers.research import plain_input
from desk.jobs.queueing import new_job
from desk.store import SqlStore
from desk.views import Filter, Job, JobState, Page
from tests.chatops.chat_house import NOON, ChatHouse, furnished
from tests.chatops.test_telegram_conversation import key, opened
from tests.support.door_people import Mouth
from tests.support.records import a_trade, an_order
from trading.backtest.bias_audits import random_walk
from trading.backtest.trials import Trial, TrialState
from trading.orders import OrderState, Reason
from trading.timeframes import Timeframe
from workers import sweeps

_PNG = b"\x89PNG\r\n\x1a\n"


class _Painter:
    """Draws every picture as its kind and a count, so that a new one can be told from the last."""

    def __init__(self) -> None:
        self.drawn = 0

    async def draw(self, kind: str, spec: Any) -> bytes:
        self.drawn += 1
        return _PNG + f"{kind} {self.drawn}".encode()


@pytest.fixture
async def house(sqlite_store: SqlStore) -> ChatHouse:
    return await furnished(sqlite_store, painter=_Painter())


@pytest.fixture
def chat(house: ChatHouse) -> Chat:
    return house.chat()


async def claimed(desk: Desk, house: ChatHouse) -> Job:
    async with house.store.transaction() as tx:
        job = await tx.jobs.claim_next("worker", house.clock.now(), 60.0)
    assert job is not None
    return job


# A range that its step does not divide is narrowed by the sampler; it says so.
@pytest.mark.filterwarnings("ignore:The distribution is specified")
async def test_a_guided_search_shows_its_best_so_far_as_the_worker_tells_it(
    house: ChatHouse, chat: Chat
) -> None:
    queued = await chat.agree("/optimize trend_following BTC/USDT 1h trials=8 objective=roi", expect="job")
    assert (await chat.say(queued.renewed_by, expect="job")).chart is None
    job = await claimed(house.desk, house)
    candles = random_walk(1_500, seed=5, timeframe=Timeframe.parse("1h"))
    told: dict[str, list[float]] = {}

    def tell(bar: str, done: float, of: float) -> None:
        told[bar] = [done, of]

    result = sweeps.run(
        {
            "input": {**job.input, "minimum_trades": 1},
            "candles": [replace(candles, pair="BTC/USDT", venue="made")],
            "strategy_path": None,
        },
        tell,
    )
    async with house.store.transaction() as tx:
        await tx.jobs.keep(job, house.clock.now(), 60.0, told)
    card = await chat.say(queued.renewed_by, expect="job")

    assert card.chart is not None
    assert (card.chart.kind, card.chart.spec["done"], card.chart.spec["of"]) == ("search", 8, 8)
    best = result.values["best"]
    assert card.chart.spec["values"][-1] == best["figures"]["roi"]
    assert card.chart.spec["values"] == sorted(card.chart.spec["values"])
    assert draw("search", card.chart.spec)[:4] == _PNG[:4]


async def test_a_grid_shows_what_its_finished_parts_reached(house: ChatHouse, chat: Chat) -> None:
    command = RunOptimization(
        strategy="trend_following", pairs=("BTC/USDT",), grid=("fast_bars=5:14:1",), minimum_trades=3
    )
    whole = new_job(house.workspace.id, "optimization", title="a grid", input=plain_input(command), now=NOON)
    reached = {0: (0.4, 9.0), 1: (1.2, 9.0), 2: (2.0, 1.0), 3: (None, 9.0)}
    lines = [
        Trial(
            number=number,
            params={"fast_bars": 5 + number},
            state=TrialState.DONE,
            figures={"sharpe": sharpe, "trades": trades},
        ).as_line()
        for number, (sharpe, trades) in reached.items()
    ]
    part = new_job(
        house.workspace.id,
        "optimization_part",
        title="a grid",
        input={"trials": [[number, {}] for number in range(10)]},
        now=NOON,
        group_id=whole.id,
    )
    async with house.store.transaction() as tx:
        await tx.jobs.add(whole)
        taken = await tx.jobs.claim(whole.id, "worker", NOON, 60.0)
        assert taken is not None
        await tx.jobs.wait_for_parts(taken, {"parts": [0, 1]})
        await tx.jobs.add(part)
        piece = await tx.jobs.claim(part.id, "worker", NOON, 60.0)
        assert piece is not None
        await tx.jobs.finish(piece, JobState.DONE, at=NOON, result={"trials": lines})

    card = await chat.say(f"/jobs {reference(whole.id)}", expect="job")

    assert card.chart is not None
    # Too few trades do not win, and what has no figure is no dot.
    assert dict(zip(card.chart.spec["trials"], card.chart.spec["values"], strict=True)) == {0: 0.4, 1: 1.2}
    assert (card.chart.spec["done"], card.chart.spec["of"]) == (4, 10)


async def cancelled(house: ChatHouse) -> None:
    """Let every order under way be cancelled."""
    async with house.store.transaction() as tx:
        for one in await tx.orders.unsettled(house.workspace.id, house.account.id):
            await tx.orders.move(
                house.workspace.id, one.id, OrderState.CANCELED, evidence="never sent", at=NOON
            )


async def test_a_stop_ends_with_what_was_cancelled_closed_and_left_and_a_picture_of_it(
    house: ChatHouse, chat: Chat
) -> None:
    await cancelled(house)
    entry = replace(an_order(house.workspace.id, house.account.id), bot_id=house.bot.id)
    async with house.store.transaction() as tx:
        await tx.orders.add(entry, idempotency_key=entry.id)
    card = await chat.agree("/panic demo", expect="panic")
    assert column(card, "outcome", "became") == [Text("panic.open"), Text("order_state.intent")]
    assert card.chart is None

    trade = replace(
        a_trade(house.workspace.id),
        account_id=house.account.id,
        bot_id=house.bot.id,
        position_id=house.position.id,
        quantity=house.position.quantity,
        exit_price=house.position.mark_price,
        pnl=Decimal("19.50"),
        reason=Reason.KILL_SWITCH,
    )
    async with house.store.transaction() as tx:
        await tx.positions.save(replace(house.position, closed_at=NOON, quantity=Decimal(0)))
        await tx.positions.add_trade(trade)
    await cancelled(house)
    over = await chat.say(card.renewed_by, expect="panic")

    assert over.renewed_by == ""
    assert over.body == (Text("panic.over"),)
    assert column(over, "steps", "done") == [Text("panic.done")] * 5
    assert column(over, "outcome", "became") == [Text("panic.closed"), Text("panic.cancelled")]
    assert column(over, "outcome", "pnl") == [Money(Decimal("19.50"), is_signed=True), None]
    assert isinstance(over.chart, Chart)
    spec = over.chart.spec
    assert spec["labels"] == ["USDT", "BTC/USDT"]
    assert spec["after"] == [7950.25, 0.0]
    assert sum(spec["before"]) == pytest.approx(sum(spec["after"]))
    assert spec["before"][1] == pytest.approx(float(trade.quantity * trade.exit_price))
    assert draw("before_after", spec)[:4] == _PNG[:4]


async def test_a_stop_that_keeps_positions_is_over_when_no_entry_is_left(
    house: ChatHouse, chat: Chat
) -> None:
    await cancelled(house)
    card = await chat.agree("/panic --keep_positions", expect="panic")

    assert card.renewed_by == ""
    assert card.body == (Text("panic.stopped"),)
    assert column(card, "outcome", "became") == [Text("panic.with_stop")]


@pytest.mark.parametrize("typed", ["", "nonsense", "-", "- -", "a,b c,d kept more"])
def test_what_a_stop_began_with_is_read_from_any_words(typed: str) -> None:
    seen = Seen.read(typed)

    assert seen.is_known is (len(typed.split()) >= 2)
    if seen.is_known:
        assert Seen.read(seen.words) == seen


async def test_unlatch_takes_the_bot_whose_account_is_meant(house: ChatHouse, chat: Chat) -> None:
    await chat.agree("/panic demo", expect="panic")

    card = await chat.agree("/unlatch demo all is well again", expect="unlatched")

    assert card.title.params == {"account": "paper"}
    async with house.store.reading() as tx:
        account = await tx.accounts.by_id(house.workspace.id, house.account.id)
    assert account is not None
    assert account.state_reason.startswith("all is well again")


async def test_a_followed_message_takes_its_new_picture_when_there_is_something_new(
    sqlite_store: SqlStore,
) -> None:
    painter = _Painter()
    async with opened(sqlite_store, await furnished(sqlite_store, painter=painter)) as door:
        asked = await door.hear(
            Mouth("owner").says("/optimize trend_following BTC/USDT 1h trials=20 objective=roi")
        )
        await door.hear(Mouth("owner", said=1).taps(key(asked, "Confirm")))
        living = Living(door.conversation, door.platform)
        job = await claimed(door.house.desk, door.house)

        async def told(progress: dict[str, list[float]]) -> int:
            async with sqlite_store.transaction() as tx:
                await tx.jobs.keep(job, door.house.clock.now(), 60.0, progress)
            return await living.sweep()

        assert await told({"trials": [2, 20]}) == 1
        assert not door.platform.carried[-1]["has_picture"]
        assert await told({"trials": [3, 20], "best 2": [0.5, 0]}) == 1
        assert door.platform.carried[-1]["has_picture"]
        assert await told({"trials": [3, 20], "best 2": [0.5, 0]}) == 0
        assert await told({"trials": [3, 20], "best 2": [0.75, 0]}) == 1
        assert painter.drawn == 2
        async with sqlite_store.transaction() as tx:
            await tx.jobs.finish(job, JobState.DONE, at=door.house.clock.now(), result={})
        assert await living.sweep() == 1
        assert await living.sweep() == 0
        assert {one["edits"] for one in door.platform.carried[-3:]} == {door.platform.carried[-1]["edits"]}
        async with sqlite_store.reading() as tx:
            [found] = await tx.jobs.page(door.house.workspace.id, Filter(), Page(first=5))
        assert found.progress == {}


def test_a_picture_that_takes_a_messages_place_is_one_message_where_its_text_fits() -> None:
    platform = TelegramPlatform.__new__(TelegramPlatform)
    shown = Shown(
        place=Place(platform="telegram", chat_id="1"),
        speaker=Speaker(),
        pages=[{"html": "short"}],
        edits="7",
        picture=_PNG,
        picture_name="after",
    )
    [edit] = platform.payloads(shown)
    long = platform.payloads(replace(shown, pages=[{"html": "x" * 1_025}]))

    assert (edit["kind"], edit["message"], edit["name"]) == ("edit", "7", "after.png")
    assert [one["kind"] for one in long] == ["edit", "photo"]
    assert "picture" not in long[0]

"""Say this, expect that card: limits that are set, letters that are retried or dropped, drift, arguments of the table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from chatops.cards import Money, Ratio, Text, Tone
from chatops.commands.limits import limit_value
from chatops.doors.heard import Place
from chatops.problems import Misheard
from chatops.reading import reference
from chatops.testing import Chat, column, field, spoken
from desk.bots.plan import limits_of
from desk.identity import Role
from desk.reports.drift.values import Drift, DriftPoint, DriftTrade, Outcome
from desk.store import SqlStore
from desk.views import Filter, JobState, Page
from tests.chatops.chat_house import NOON, ChatHouse, furnished, with_letter, with_live_account
from tests.chatops.released import proved


@pytest.fixture
async def house(sqlite_store: SqlStore) -> ChatHouse:
    return await furnished(sqlite_store)


@pytest.fixture
def chat(house: ChatHouse) -> Chat:
    return house.chat()


async def test_a_limit_is_set_after_a_preview_of_before_and_after(house: ChatHouse, chat: Chat) -> None:
    asked = await chat.say("/limits set daily_loss 1%", expect="confirm")
    assert asked.body[0].code == "confirm.SetLimit"
    assert (asked.body[0].params["before"], asked.body[0].params["after"]) == (Ratio(0.05), Ratio(0.01))

    card = await chat.press("confirm", expect="limit_set")

    assert field(card, "after") == Ratio(0.01)
    async with house.store.reading() as tx:
        account = await tx.accounts.by_id(house.workspace.id, house.account.id)
    assert account is not None
    assert limits_of(account.settings).daily_loss == 0.01
    assert Ratio(0.01) in column(await chat.say("/limits"), "limits", "value")
    assert (await chat.agree("/limits set max_positions 3", expect="limit_set")).fields[-1].value == 3


async def test_raising_a_limit_of_real_money_waits_for_a_second_person(house: ChatHouse) -> None:
    await with_live_account(house)
    admin, line = house.chat(Role.ADMIN), "/limits set max_position 90% account=live"
    assert (await admin.say(line, expect="error")).problem == "step_up_required"
    await proved(house)

    asked = await admin.say(line, expect="confirm")
    waiting = await admin.press("confirm", typed="live", expect="approval")
    other = house.chat()
    await other.say(f"/approve {field(waiting, 'code')}", expect="approval_settled")

    assert asked.body[0].code == "confirm.SetLimit.raise"
    assert column(await other.say("/limits account=live"), "limits", "value")[1] == Ratio(0.9)


async def test_limits_are_read_as_people_write_them() -> None:
    assert limit_value("daily_loss", "1,5 %") == Decimal("0.015")
    assert limit_value("gross_exposure", "250%") == Decimal("2.5")
    assert limit_value("max_position", "0.15") == Decimal("0.15")
    assert limit_value("max_positions", "4") == Decimal(4)
    assert limit_value("max_drawdown", "OFF") is None
    for name, typed in (("max_position", "15"), ("max_position", "-1%"), ("max_positions", "a few")):
        with pytest.raises(Misheard):
            limit_value(name, typed)


async def test_a_buried_job_is_looked_at_and_tried_again_once(house: ChatHouse, chat: Chat) -> None:
    queued = await chat.say("/backtest buy_and_hold BTC/USDT 1h", expect="job")
    async with house.store.transaction() as tx:
        job = await tx.jobs.claim_next("worker", house.clock.now(), 60.0)
        assert job is not None
        await tx.jobs.finish(job, JobState.FAILED, at=NOON, error="Every worker that took it died.")
    await with_letter(house, job_id=job.id)

    shown = await chat.say("/dlq show a1b2c3", expect="dead_letter")
    again = await chat.press("retry_letter", expect="dead_letter")

    assert field(shown, "cause") == "Every worker that took it died."
    assert again.title == Text("dlq.replayed")
    assert field(await chat.say(queued.renewed_by), "state") == Text("job_state.queued")
    assert (await chat.say("/dlq drop a1b2c3", expect="error")).problem == "conflict"


async def test_a_letter_is_dropped_by_a_single_use_confirmation_of_ones_own(
    house: ChatHouse, chat: Chat
) -> None:
    await with_letter(house)
    other = house.chat(Role.ADMIN)

    async def discarded() -> list[bool]:
        async with house.store.reading() as tx:
            found = await tx.messages.buried(house.workspace.id, Page())
        return [one.discarded_at is not None for one in found]

    await chat.say("/dlq show a1b2c3", expect="dead_letter")
    asked = await chat.press("drop_letter", expect="confirm")
    assert asked.body[0].code == "confirm.DiscardDeadLetter"
    token = asked.buttons[0].token
    altered = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert (await chat.say(f"/confirm {altered}", expect="error")).problem == "denied"
    assert (await other.say(f"/confirm {token}", expect="error")).problem == "denied"
    assert await discarded() == [False]
    card = await chat.say(f"/confirm {token}", expect="dead_letter")
    assert (await chat.say(f"/confirm {token}", expect="error")).problem == "denied"

    assert (card.title, field(card, "by")) == (Text("dlq.discarded"), "owner@console")
    assert column(await chat.say("/dlq"), "dead_letters", "state") == [Text("dlq.discarded")]
    assert (await chat.say("/dlq drop nothing", expect="error")).problem == "not_found"
    assert (await chat.say("/dlq drop", expect="error")).problem == "invalid_input"


class _Drifts:
    """Answers with one drift."""

    def __init__(self, found: Drift) -> None:
        self.found = found
        self.asked: list[tuple[str, int]] = []

    async def of(self, workspace_id: str, bot_id: str, days: int = 30) -> Drift:
        self.asked.append((bot_id, days))
        return self.found


def a_drift(bot_id: str) -> Drift:
    return Drift(
        bot_id=bot_id,
        bot="demo",
        strategy="trend_following",
        currency="USDT",
        since=NOON - timedelta(days=7),
        until=NOON,
        bars=168,
        live_trades=3,
        replay_trades=2,
        matched=2,
        signals=3,
        confirmed=2,
        missed=0,
        signal_match=2 / 3,
        entry_slip_bps=1.5,
        exit_slip_bps=None,
        live_pnl=Decimal("40"),
        replay_pnl=Decimal("52"),
        live_fees=Decimal("3"),
        replay_fees=Decimal("2"),
        by_signals=Decimal("-9"),
        by_exits=Decimal("0"),
        by_slippage=Decimal("-2"),
        by_fees=Decimal("-1"),
        by_size=Decimal("0"),
        trades=(
            DriftTrade(pair="BTC/USDT", is_long=True, outcome=Outcome.SAME, opened_at=NOON, number=1),
            DriftTrade(
                pair="ETH/USDT",
                is_long=True,
                outcome=Outcome.ONLY_LIVE,
                opened_at=NOON,
                number=2,
                live_pnl=Decimal("-9"),
            ),
        ),
        points=(
            DriftPoint(at=NOON - timedelta(days=7), live=Decimal(0), replay=Decimal(0)),
            DriftPoint(at=NOON, live=Decimal(40), replay=Decimal(52)),
        ),
        notes=("config_changed",),
    )


async def test_drift_says_what_the_gap_is_made_of_and_draws_it(house: ChatHouse) -> None:
    drifts = _Drifts(a_drift(house.bot.id))
    chat = Chat(replace(house.room, drifts=drifts), house.actor())  # type: ignore[arg-type]

    card = await chat.say("/drift demo 7", expect="drift")

    assert drifts.asked == [(house.bot.id, 7)]
    assert card.tone is Tone.WARN
    assert field(card, "signal_match") == Ratio(2 / 3, digits=0)
    gap = field(card, "gap")
    assert isinstance(gap, Money)
    parts = [one.amount for one in column(card, "drift_parts", "pnl") if isinstance(one, Money)]
    assert (len(parts), sum(parts, Decimal(0))) == (5, gap.amount)
    assert column(card, "drift_trades", "outcome") == [Text("drift_outcome.only_live")]
    assert card.chart is not None
    assert card.chart.spec["live"] == [0.0, 40.0]
    assert "changed in this window" in spoken(card)
    assert (await house.chat().say("/drift demo", expect="error")).problem == "not_found"


@pytest.mark.parametrize(
    ("stretch", "since", "until"),
    [
        ("30d", NOON - timedelta(days=30), None),
        ("2026-01-01..2026-01-03", NOON.replace(day=1), NOON.replace(day=3)),
        ("20260101-20260103", NOON.replace(day=1), NOON.replace(day=3)),
        ("20260101-", NOON.replace(day=1), None),
    ],
)
async def test_a_backtest_takes_its_stretch_by_place(
    house: ChatHouse, chat: Chat, stretch: str, since: object, until: object
) -> None:
    await chat.say(f"/backtest buy_and_hold BTC/USDT 1h {stretch}", expect="job")

    async with house.store.reading() as tx:
        [job] = await tx.jobs.page(house.workspace.id, Filter(), Page(first=1))
    for name, wanted in (("since", since), ("until", until)):
        found = job.input[name]
        assert (found is None) is (wanted is None)
        if wanted is not None:
            assert str(found).startswith(str(wanted)[:10])
    assert (await chat.say("/backtest buy_and_hold BTC/USDT 1h sometimes", expect="error")).problem


async def test_part_of_a_position_and_all_of_a_pair_are_closed(house: ChatHouse, chat: Chat) -> None:
    asked = await chat.say(f"/forceexit {reference(house.position.id)} pct=40%", expect="confirm")
    assert asked.body[0].params["quantity"] == house.position.quantity * Decimal("0.4")
    card = await chat.press("confirm", expect="closing")
    assert field(card, "quantity") == house.position.quantity * Decimal("0.4")
    async with house.store.reading() as tx:
        events = await tx.positions.trade_events(house.workspace.id, house.position.id)
    assert [one["detail"]["share"] for one in events if one["kind"] == "close_requested"] == ["0.4"]

    everything = await chat.say("/forceexit pair=BTC", expect="confirm")
    assert everything.body[0].code == "confirm.ClosePositions"
    assert (await chat.say("/forceexit", expect="error")).problem == "invalid_input"


async def test_a_configuration_is_set_word_by_word(chat: Chat) -> None:
    await chat.agree("/newbot alpha trend_following BTC/USDT", expect="newbot")

    asked = await chat.say("/config alpha set fast_bars 12", expect="confirm")
    assert "12" in spoken(asked)
    card = await chat.press("confirm", expect="config")
    await chat.say("/use alpha")
    again = await chat.agree("/config set fast_bars 13", expect="config")

    back = await chat.agree("/config alpha back", expect="config")
    assert 12 in column(back, "parameters", "value")
    assert (await chat.say("/config alpha back 99", expect="error")).problem == "not_found"
    assert 12 in column(card, "parameters", "value")
    assert 13 in column(again, "parameters", "value")
    assert (await chat.say("/config alpha put fast_bars 12", expect="error")).problem == "invalid_input"


async def test_a_comparison_takes_a_position_whose_account_is_meant(house: ChatHouse, chat: Chat) -> None:
    live = await with_live_account(house)
    async with house.store.transaction() as tx:
        await tx.positions.save(replace(house.position, account_id=live.id))

    card = await chat.agree(
        f"/reload_trade {reference(house.position.id)} --accept sold at the exchange", expect="reconciling"
    )

    assert card.title.params == {"account": "live"}


async def test_a_report_is_made_in_the_background_and_sent_where_it_was_asked_for(
    house: ChatHouse, chat: Chat
) -> None:
    card = await chat.say("/report week send=email bot=demo", expect="job")

    assert Text("report_to.email") in card.notes
    async with house.store.reading() as tx:
        [job] = await tx.jobs.page(house.workspace.id, Filter(), Page(first=1))
    assert job.asked_by == house.actor().user_id
    assert "email" in str(job.input)
    shown = await chat.say(card.renewed_by, expect="job")
    assert "job_kind" not in spoken(shown)


async def test_whoami_names_the_chat_and_its_topic(house: ChatHouse, chat: Chat) -> None:
    place = Place(platform="telegram", chat_id="-1001", thread_id="7")
    card = await chat.dispatcher.answer("/tg_info", chat.actor, extras={"place": place})

    assert (field(card, "chat_id"), field(card, "topic_id")) == ("-1001", "7")


async def test_health_names_the_doors_of_this_process(house: ChatHouse) -> None:
    states = {"telegram": ("open", ""), "discord": ("troubled", "not reached")}
    card = await Chat(replace(house.room, doors=lambda: states), house.actor()).say("/health")

    assert column(card, "doors", "state") == [Text("door_state.open"), Text("door_state.troubled")]
    assert column(card, "doors", "detail") == [None, "not reached"]


async def test_results_of_a_bot_and_of_a_side_are_drawn_per_day(chat: Chat) -> None:
    for line in ("/profit bot=demo", "/profit_long", "/stats BTC/USDT", "/stats"):
        card = await chat.say(line)
        assert card.chart is not None, line
        assert card.chart.kind == "daily"
    assert field(await chat.say("/profit bot=demo"), "trades") == 5
    assert (await chat.say("/stats ETH/USDT")).title.params["n"] == 2


async def test_new_targets_stand_beside_the_old_ones(house: ChatHouse, chat: Chat) -> None:
    card = await chat.agree("/tp BTC/USDT 2%", expect="targets_moved")

    assert column(card, "targets", "leg") == [f"TP{leg + 1}" for leg in range(len(house.position.legs))]
    assert all(one is not None for one in column(card, "targets", "price_before"))

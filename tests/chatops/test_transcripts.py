"""Say this, expect that card: a transcript for every word of the book."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chatops.cards import Money, Price, Ratio, Text, Tone
from chatops.commands import full_book
from chatops.reading import reference
from chatops.testing import Chat, column, field, spoken
from desk.identity import Role
from desk.store import SqlStore
from desk.views import Filter, Page
from tests.chatops.chat_house import ChatHouse, furnished
from trading.events import Desired, TradingState


@pytest.fixture
async def house(sqlite_store: SqlStore) -> ChatHouse:
    return await furnished(sqlite_store)


@pytest.fixture
def chat(house: ChatHouse) -> Chat:
    return house.chat()


async def test_bots_shows_all_four_axes(chat: Chat) -> None:
    card = await chat.say("/bots", expect="bots")

    assert column(card, "bots", "bot") == ["demo"]
    assert column(card, "bots", "desired") == [Text("desired.RUNNING")]
    assert column(card, "bots", "condition") == [Text("condition.READY")]
    assert column(card, "bots", "trading") == [Text("trading.ACTIVE")]
    assert column(card, "bots", "phases") == [
        Text("phase.some", {"phase": Text("phase.POSITION_OPEN"), "count": 1, "of": 2})
    ]


async def test_start_alone_welcomes_and_never_trades(house: ChatHouse, chat: Chat) -> None:
    before = await house.sequence()

    card = await chat.say("/start", expect="welcome")

    assert await house.sequence() == before
    assert "Welcome, owner" in spoken(card)


async def test_start_stop_and_resume_go_through_a_preview(house: ChatHouse, chat: Chat) -> None:
    asked = await chat.say("/stop demo", expect="confirm")
    assert asked.body[0].code == "confirm.StopBot.keep"
    assert (await house.bot_now()).desired is Desired.RUNNING

    await chat.press("confirm", expect="bot")
    assert (await house.bot_now()).desired is Desired.STOPPED

    await chat.agree("/start demo", expect="bot")
    assert (await house.bot_now()).desired is Desired.RUNNING

    card = await chat.say("/pause for=2h30m too wild", expect="error")
    assert "bot" in spoken(card)
    card = await chat.say("/pause demo for=2h30m too wild", expect="bot")
    assert field(card, "desired") == Text("desired.PAUSED")
    assert (await house.bot_now()).resume_at is not None

    await chat.agree("/resume demo", expect="bot")
    assert (await house.bot_now()).desired is Desired.RUNNING


async def test_newbot_makes_a_stopped_paper_bot_with_its_settings(chat: Chat) -> None:
    card = await chat.agree(
        '/newbot "alpha two" trend_following btc/usdt,eth/usdt tf=1h allocation=50%', expect="newbot"
    )

    assert field(card, "desired") == Text("desired.STOPPED")
    assert field(card, "pairs") == "BTC/USDT, ETH/USDT"
    assert field(card, "allocation") == Ratio(0.5, digits=0)
    assert card.tables[0].name == "parameters"
    assert column(await chat.say("/bots"), "bots", "bot") == ["demo", "alpha two"]


async def test_newbot_refuses_an_unknown_strategy_and_names_the_nearest(chat: Chat) -> None:
    card = await chat.say("/newbot alpha trend_folowing BTC/USDT", expect="error")

    assert card.problem == "unknown_strategy"
    assert "trend_following" in spoken(card)


async def test_config_shows_versions_and_changes_after_a_preview_of_the_difference(chat: Chat) -> None:
    await chat.agree("/newbot alpha trend_following BTC/USDT", expect="newbot")
    shown = await chat.say("/config alpha", expect="config")
    assert column(shown, "versions", "version") == [1]

    asked = await chat.say("/config alpha fast_bars=7 reason=faster", expect="confirm")
    assert "fast_bars: 20 → 7" in spoken(asked)
    changed = await chat.press("confirm", expect="config")
    assert (
        dict(
            zip(
                column(changed, "parameters", "parameter"),
                column(changed, "parameters", "value"),
                strict=True,
            )
        )["fast_bars"]
        == 7
    )
    assert column(changed, "versions", "version") == [2, 1]
    assert (await chat.say("/config alpha fast_bras=7", expect="error")).problem == "bad_parameter"


async def test_forceexit_closes_many_after_a_typed_word_and_one_after_a_tap(
    house: ChatHouse, chat: Chat
) -> None:
    asked = await chat.say("/forceexit winners", expect="confirm")
    assert asked.type_word == ""
    card = await chat.press("confirm", expect="closing")
    assert column(card, "closing", "id") == [reference(house.position.id)]
    assert (await chat.say("/forceexit losers", expect="error")).problem == "conflict"
    again = await chat.say("/forceexit all", expect="confirm")
    assert again.body[0].params["count"] == 1
    assert (await chat.press("confirm", expect="error")).problem == "conflict"


async def test_delbot_asks_for_the_name_to_be_typed(chat: Chat) -> None:
    await chat.agree("/newbot alpha buy_and_hold BTC/USDT", expect="newbot")

    asked = await chat.say("/delbot alpha", expect="confirm")
    assert asked.type_word == "alpha"
    await chat.press("confirm", typed="alpha", expect="deleted")

    assert column(await chat.say("/bots"), "bots", "bot") == ["demo"]


async def test_status_shows_money_bots_and_positions(house: ChatHouse, chat: Chat) -> None:
    card = await chat.say("/status", expect="status")

    assert card.title == Text("status.title", {"n": 1})
    assert field(card, "equity") == Money(Decimal("10048.75"), "USDT")
    assert column(card, "positions", "id") == [reference(house.position.id)]
    assert column(card, "positions", "stop") == [Price(house.position.stop)]
    assert card.tone is Tone.GOOD
    assert [one.line for one in card.buttons] == ["/status"]


async def test_count_shows_slots_exposure_and_risk(chat: Chat) -> None:
    card = await chat.say("/count", expect="count")

    assert field(card, "slots") == Text("slots.used", {"open": 1, "max": 5})
    assert field(card, "open_risk") == Money(Decimal("63.00"), "USDT")


async def test_trades_lists_the_newest_first_and_filters(chat: Chat) -> None:
    card = await chat.say("/trades", expect="trades")
    assert column(card, "trades", "number") == ["#5", "#4", "#3", "#2", "#1"]

    card = await chat.say("/trades 2 pair=eth side=long bot=demo", expect="trades")
    assert column(card, "trades", "number") == ["#4", "#2"]

    card = await chat.say("/trades side=short", expect="trades")
    assert card.tables == ()


async def test_trade_shows_one_with_its_picture(chat: Chat) -> None:
    card = await chat.say("/trade #5", expect="trade")

    assert field(card, "pnl") == Money(Decimal("41.50"), "USDT", is_signed=True)
    assert card.chart is not None
    assert card.chart.kind == "trade"


async def test_forceexit_previews_and_asks_for_the_close(house: ChatHouse, chat: Chat) -> None:
    short = reference(house.position.id)

    asked = await chat.say(f"/forceexit {short}", expect="confirm")
    assert asked.body[0].code == "confirm.ClosePosition"
    await chat.press("confirm", expect="closing")

    async with house.store.reading() as tx:
        events = await tx.positions.trade_events(house.workspace.id, house.position.id)
    assert [one["detail"]["actor"] for one in events if one["kind"] == "close_requested"] == ["owner@console"]
    card = await chat.say("/forceexit nothing", expect="error")
    assert short in spoken(card)


async def test_why_says_signal_sizing_checks_orders_and_timeline(chat: Chat) -> None:
    card = await chat.say("/why", expect="why")

    assert card.body[0].params["tag"] == "wave_3"
    assert column(card, "conditions", "condition") == ["impulse"]
    assert column(card, "sizing", "binding")[0] == Text("sizing.binding")
    assert column(card, "checks", "verdict") == [Text("verdict.passed")]
    assert column(card, "orders", "reason") == [Text("reason.entry")]
    assert column(card, "timeline", "event") == [Text("happened.opened"), Text("happened.stop_moved")]
    assert card.chart is not None
    assert len(card.chart.spec["trade"]["stop_path"]) == 2


@pytest.mark.parametrize("typed", ["3", "#3", "BTC/USDT"])
async def test_why_takes_a_number_or_a_pair(chat: Chat, typed: str) -> None:
    await chat.say(f"/why {typed}", expect="why")


async def test_why_of_nothing_says_where_to_look(chat: Chat) -> None:
    card = await chat.say("/why 999", expect="error")

    assert card.problem == "not_found"
    assert "/trades" in spoken(card)


async def test_whynot_names_the_check_that_refused(chat: Chat) -> None:
    card = await chat.say("/whynot eth", expect="whynot")

    assert card.body[0].code == "gate.refused"
    assert card.body[0].params["why"] == Text("refusal.slots")
    assert column(card, "checks", "verdict") == [Text("verdict.passed"), Text("verdict.failed")]


async def test_whynot_names_pauses_locks_and_positions(chat: Chat) -> None:
    await chat.say("/lock BTC/USDT for=4h news")
    await chat.say("/pause demo")

    card = await chat.say("/whynot BTC/USDT", expect="whynot")

    assert {one.code for one in card.body} >= {"gate.stopped", "gate.locked", "gate.held"}


async def test_chart_draws_a_pair_or_a_trade(chat: Chat) -> None:
    card = await chat.say("/chart eth", expect="chart")
    assert card.chart is None
    assert card.notes == (Text("chart.no_candles"),)

    card = await chat.say("/chart BTCUSDT bars=80 theme=light", expect="chart")
    assert card.chart is not None
    assert len(card.chart.spec["close"]) == 80
    assert card.chart.spec["theme"] == "light"
    assert card.chart.spec["trade"] is not None  # the open position is drawn on it

    card = await chat.say("/chart 1", expect="chart")
    assert card.chart is not None


async def test_profit_shows_figures_with_reasons_and_the_equity(chat: Chat) -> None:
    card = await chat.say("/profit", expect="profit")
    assert field(card, "closed_pnl") == Money(Decimal("48.50"), "USDT", is_signed=True)
    assert card.chart is not None
    assert len(card.chart.spec["equity"]) == 40

    card = await chat.say("/profit 3 bot=demo", expect="profit")
    assert field(card, "trades") == 1
    assert Text("undefined.no_losses") in card.notes


async def test_daily_weekly_and_monthly_sum_the_same_trades(chat: Chat) -> None:
    for line, name in (("/daily 30", "by_day"), ("/weekly 8", "by_week"), ("/monthly 3", "by_month")):
        card = await chat.say(line, expect=name)
        assert field(card, "closed_pnl") == Money(Decimal("48.50"), "USDT", is_signed=True)
        assert field(card, "trades") == 5
        assert card.chart is not None


async def test_groups_sum_by_pair_entry_exit_and_both(chat: Chat) -> None:
    assert column(await chat.say("/performance"), "groups", "performance") == ["BTC/USDT", "ETH/USDT"]
    assert column(await chat.say("/entries"), "groups", "entries") == ["wave_3"]
    exits = await chat.say("/exits btc")
    assert column(exits, "groups", "exits") == [Text("reason.take_profit_2"), Text("reason.stop_loss")]
    mixed = await chat.say("/mix_tags")
    assert column(mixed, "groups", "pnl")[0] == Money(Decimal("108.50"), "USDT", is_signed=True)


async def test_balance_adds_up_cash_and_positions(chat: Chat) -> None:
    card = await chat.say("/balance", expect="balance")

    assert column(card, "balance", "asset") == ["USDT", "BTC/USDT"]
    assert field(card, "cash") == Money(Decimal("7950.25"), "USDT")


async def test_risk_shows_limits_and_locks(chat: Chat) -> None:
    await chat.say("/lock all for=1h holiday", expect="locked")

    card = await chat.say("/risk", expect="risk")

    assert field(card, "drawdown") == Ratio(-0.0011182902584493)
    assert column(card, "locks", "pair") == [Text("lock.all")]


async def test_lock_locks_and_unlock(chat: Chat) -> None:
    await chat.say("/lock btc for=4h news ahead", expect="locked")
    card = await chat.say("/locks", expect="locks")
    assert column(card, "locks", "pair") == ["BTC/USDT"]
    assert column(card, "locks", "reason") == ["news ahead"]

    await chat.agree("/unlock BTC/USDT", expect="unlocked")
    assert (await chat.say("/locks")).tables == ()


async def test_panic_halts_and_unlatch_releases_with_a_typed_word(house: ChatHouse, chat: Chat) -> None:
    card = await chat.agree("/panic exchange misbehaves", expect="panic")
    assert field(card, "trading") == Text("trading.HALTED")
    assert await house.trading_state() is TradingState.HALTED

    asked = await chat.say("/unlatch all is well", expect="confirm")
    assert asked.type_word == "paper"
    await chat.press("confirm", typed="paper", expect="unlatched")
    assert await house.trading_state() is TradingState.ACTIVE


async def test_alerts_are_listed_and_acknowledged(house: ChatHouse, chat: Chat) -> None:
    card = await chat.say("/alerts", expect="alerts")
    assert card.tone is Tone.BAD
    short = column(card, "alerts", "id")[0]

    await chat.say(f"/ack {short}", expect="acknowledged")

    card = await chat.say("/alerts --open", expect="alerts")
    assert short not in column(card, "alerts", "id")
    async with house.store.reading() as tx:
        rows = await tx.alerts.page(house.workspace.id, Filter(), Page(first=10))
    assert sum(1 for one in rows if one.acknowledged_by == "owner@console") == 1
    await chat.say("/ack nothing", expect="error")


async def test_language_and_time_zone_change_every_later_card(chat: Chat) -> None:
    await chat.say("/lang fr", expect="preference")
    await chat.say("/tz Europe/Paris", expect="preference")

    speaker = await chat.dispatcher.speaker(chat.actor)
    text = spoken(await chat.say("/status"), speaker)

    assert "1 position ouverte" in text
    assert "5 janv. 2026 13:00 CET" in text


async def test_whoami_version_health_and_users_tell_about_the_house(chat: Chat) -> None:
    assert field(await chat.say("/whoami", expect="whoami"), "role") == Text("role.owner")
    assert field(await chat.say("/version", expect="version"), "version") == "0.1.0"
    assert field(await chat.say("/health", expect="health"), "outbox") == Text("health.waiting", {"n": 1})
    assert len(column(await chat.say("/users", expect="users"), "users", "name")) == 5


async def test_audit_lists_what_was_asked_and_checks_the_chain(chat: Chat) -> None:
    await chat.say("/lock btc")
    card = await chat.say("/audit 5 --verify", expect="audit")

    assert column(card, "audit", "action")[0] == "LockPair"
    assert field(card, "chain") == Text("audit.whole")


async def test_confirm_and_dismiss_of_nothing_execute_nothing(house: ChatHouse, chat: Chat) -> None:
    before = await house.sequence()

    for line in ("/confirm nonsense", "/dismiss nonsense"):
        card = await chat.say(line, expect="error")
        assert card.problem == "denied"

    assert await house.sequence() == before


async def test_an_unknown_word_names_the_nearest(chat: Chat) -> None:
    card = await chat.say("/staus", expect="error")

    assert "Did you mean /status?" in spoken(card)


async def test_an_ambiguous_bot_is_asked_back(chat: Chat) -> None:
    await chat.agree("/newbot alpha buy_and_hold BTC/USDT", expect="newbot")

    card = await chat.say("/pause", expect="error")

    assert "demo, alpha" in spoken(card)


async def test_a_mistake_of_ours_is_a_card_with_an_incident_number(
    house: ChatHouse, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> bool:
        raise RuntimeError("disk on fire, password=hunter2")

    monkeypatch.setattr(house.store, "is_current", broken)

    card = await chat.say("/version", expect="error")

    assert card.problem == "internal"
    assert "hunter2" not in spoken(card)


async def test_cards_of_an_empty_house_say_what_to_do(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    async with sqlite_store.transaction() as tx:
        other = await tx.workspaces.create("empty")
        member = await tx.members.add(other.id, name="ann", email="", role=Role.OWNER)
    actor = house.actor()
    lonely = Chat(
        house.room,
        type(actor)(
            workspace_id=other.id, user_id=member.user_id, name="ann", role=Role.OWNER, channel="console"
        ),
    )

    for word in full_book():
        if word.command is None and word.name not in {"confirm", "dismiss"}:
            card = await lonely.say(f"/{word.name} BTC/USDT" if word.name == "whynot" else f"/{word.name}")
            assert card.problem != "internal", word.name
    assert "/newbot" in spoken(await lonely.say("/bots"))


def test_every_word_of_the_book_has_a_transcript_here() -> None:
    from pathlib import Path

    here = Path(__file__).parent
    source = "".join(one.read_text(encoding="utf-8") for one in sorted(here.glob("test_transcripts*.py")))
    source += (here / "test_book.py").read_text(encoding="utf-8")

    assert [word.name for word in full_book() if f"/{word.name}" not in source] == []

"""Say this, expect that card: jobs, files, the market, people, what one is told."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest

from chatops.cards import Money, Ratio, Text, Tone
from chatops.testing import Chat, column, field, spoken
from desk.identity import Role
from desk.store import SqlStore
from tests.chatops.chat_house import ChatHouse, furnished


@pytest.fixture
async def house(sqlite_store: SqlStore) -> ChatHouse:
    return await furnished(sqlite_store)


@pytest.fixture
def chat(house: ChatHouse) -> Chat:
    return house.chat()


async def test_a_backtest_is_queued_shown_and_cancelled(chat: Chat) -> None:
    card = await chat.say("/backtest trend_following btc-usdt 1h from=2026-01-01 fast_bars=20", expect="job")
    assert card.renewed_by.startswith("/jobs ")

    listed = await chat.say("/jobs", expect="jobs")
    assert column(listed, "jobs", "state") == [Text("job_state.queued")]
    one = await chat.say(card.renewed_by, expect="job")
    assert "░" in spoken(one)
    ended = await chat.press("cancel_job", expect="job")
    assert field(ended, "state") == Text("job_state.canceled")

    again = await chat.press("retry", expect="job")
    assert field(again, "state") == Text("job_state.queued")


async def test_a_search_says_what_it_costs_before_it_runs(chat: Chat) -> None:
    asked = await chat.say("/optimize trend_following BTC/USDT 1h fast_bars=5:15:5", expect="confirm")
    assert asked.body[0].params["count"] == 3
    await chat.press("confirm", expect="job")

    wrong = await chat.say("/backtest trend_folowing BTC/USDT 1h", expect="error")
    assert "trend_following" in spoken(wrong)
    assert (await chat.say("/backtest trend_following BTC/USDT 1h from=soon", expect="error")).problem
    assert (await chat.say("/cancel nothing", expect="error")).problem == "not_found"


async def test_an_export_is_a_file_that_no_spreadsheet_runs(house: ChatHouse, chat: Chat) -> None:
    card = await chat.say("/export trades", expect="export")
    assert card.file is not None
    rows = list(csv.DictReader(io.StringIO(card.file.content.decode("utf-8-sig"))))
    assert [one["pnl"] for one in rows] == ["41.50", "12.00", "-30.00", "-30.00", "55.00"]

    workbook = await chat.say("/export orders 3650 xlsx", expect="export")
    assert workbook.file is not None
    assert workbook.file.content[:2] == b"PK"
    audit = await chat.say("/export audit 30 json", expect="export")
    assert audit.file is not None
    refused = await house.chat(Role.OPERATOR).say("/export audit", expect="error")
    assert refused.problem == "denied"


async def test_days_of_an_export_count_back_from_the_last_bar_of_the_market(
    house: ChatHouse, chat: Chat
) -> None:
    before = (await chat.say("/export trades 30", expect="export")).file
    house.clock.advance(400 * 86_400)

    after = (await chat.say("/export trades 30", expect="export")).file

    assert before is not None
    assert after is not None
    assert after.content == before.content
    assert len(before.content.splitlines()) > 1


async def test_a_report_goes_with_its_file_and_picture(chat: Chat) -> None:
    card = await chat.say("/report month", expect="report")

    assert card.file is not None
    assert card.file.content.startswith(b"%PDF")
    assert card.chart is not None
    assert field(card, "closed_pnl") == Money(Decimal("48.50"), "USDT", is_signed=True)
    same = await chat.say("/report month pdf")
    assert same.file is not None
    assert same.file.content == card.file.content
    assert (await chat.say("/report week csv")).file is not None


async def test_an_order_is_shown_step_by_step(chat: Chat) -> None:
    card = await chat.say("/order", expect="order")

    assert field(card, "quantity") == Decimal("0.05")
    assert [one.name for one in card.tables] == ["order_steps", "fills"]
    assert (await chat.say("/order zzzzzz", expect="error")).problem == "not_found"


async def test_stats_count_wins_and_losses_per_end(chat: Chat) -> None:
    card = await chat.say("/stats", expect="stats")

    assert column(card, "stats", "wins") == [3, 0]
    assert column(card, "stats", "losses") == [0, 2]


async def test_logs_are_for_admins_and_without_secrets(house: ChatHouse, chat: Chat) -> None:
    await chat.say("/logs 5 warning", expect="logs")

    assert (await house.chat(Role.OPERATOR).say("/logs", expect="error")).problem == "denied"


async def test_the_price_shows_its_day_and_its_age(chat: Chat) -> None:
    card = await chat.say("/price btc", expect="price")

    assert card.title == Text("price.title", {"pair": "BTC/USDT"})
    assert field(card, "held") == 1
    assert isinstance(field(card, "change_day"), Ratio)
    assert (await chat.say("/market ETH/USDT", expect="price")).notes == (Text("chart.no_candles"),)
    assert "BTC/USDT" in spoken(await chat.say("/price", expect="error"))


async def test_signals_and_waves_are_shown(chat: Chat) -> None:
    card = await chat.say("/signals", expect="signals")
    assert column(card, "signals", "outcome") == [Text("outcome.denied"), Text("outcome.entered")]
    assert column(await chat.say("/signals eth"), "signals", "pair") == ["ETH/USDT"]

    waves = await chat.say("/waves BTC/USDT", expect="waves")
    assert waves.chart is not None
    assert waves.chart.kind == "candles"
    assert waves.tables[0].name == "count_main"


async def test_the_blacklist_keeps_a_pair_out_until_it_is_taken_off(chat: Chat) -> None:
    assert column(await chat.say("/whitelist"), "whitelist", "entries") == [Text("entries.allowed")] * 2

    card = await chat.say("/blacklist btc,eth/usdt", expect="blacklist")
    assert column(card, "blacklist", "pair") == ["BTC/USDT", "ETH/USDT"]
    assert column(await chat.say("/whitelist"), "whitelist", "entries") == [Text("entries.locked")] * 2
    left = await chat.agree("/bl_delete BTC/USDT", expect="blacklist")
    assert column(left, "blacklist", "pair") == ["ETH/USDT"]
    assert (await chat.say("/bl_delete BTC/USDT", expect="error")).problem == "not_found"


async def test_risk_shows_dials_correlation_and_what_a_fall_would_do(house: ChatHouse, chat: Chat) -> None:
    card = await chat.say("/risk", expect="risk")
    assert card.chart is not None
    assert card.chart.kind == "gauge"
    assert [one["label"] for one in card.chart.spec["gauges"]] == [
        "drawdown",
        "loss today",
        "open risk",
        "slots",
    ]

    together = await chat.press("correlation", expect="correlation")
    assert together.chart is not None

    fall = await chat.say("/risk what_if BTC/USDT −20%", expect="what_if")
    worth = house.position.quantity * house.position.mark_price
    assert field(fall, "pnl") == Money(-worth * Decimal("0.2"), "USDT", is_signed=True)
    assert field(fall, "breakers") == Text("what_if.none")
    worse = await chat.say("/risk what_if BTC/USDT -100%", expect="what_if")
    assert worse.tone is Tone.BAD
    assert field(worse, "breakers") == Text("what_if.halts")
    assert (await chat.say("/risk what_if BTC/USDT", expect="error")).problem


async def test_limits_are_listed_with_what_they_mean(chat: Chat) -> None:
    card = await chat.say("/limits", expect="limits")

    assert column(card, "limits", "limit")[0] == "risk_per_trade"
    assert Ratio(0.2) in column(card, "limits", "value")


async def test_balance_draws_what_the_capital_consists_of(chat: Chat) -> None:
    card = await chat.say("/balance", expect="balance")

    assert card.chart is not None
    assert card.chart.kind == "allocation"
    assert card.chart.spec["labels"] == ["USDT", "BTC/USDT"]


async def test_a_role_needs_a_second_person_on_either_door(house: ChatHouse) -> None:
    owner = house.chat(Role.OWNER, channel="telegram")
    asked = await owner.agree("/role viewer admin", expect="approval")
    code = field(asked, "code")
    assert (await owner.say(f"/approve {code}", expect="error")).problem in {"denied", "conflict"}

    admin = house.chat(Role.ADMIN, channel="discord")
    listed = await admin.say("/approve", expect="approvals")
    assert column(listed, "approvals", "code") == [code]
    done = await admin.press("approve", expect="approval_settled")
    assert done.title == Text("approval_state.DONE")
    users = await admin.say("/users", expect="users")
    roles = dict(zip(column(users, "users", "name"), column(users, "users", "role"), strict=True))
    assert roles["viewer"] == Text("role.admin")

    await owner.agree("/role trader admin", expect="approval")
    refused = await admin.say(f"/reject {field(owner.last, 'code') if owner.last else ''}")
    assert refused.title == Text("approval_state.REJECTED")


async def test_a_link_code_is_given_once_and_links_are_listed(chat: Chat) -> None:
    card = await chat.say("/link", expect="link")
    assert len(str(field(card, "code"))) >= 16
    assert (await chat.say("/link list", expect="links")).title == Text("link.title", {"n": 0})
    assert (await chat.say("/link end telegram", expect="error")).problem == "not_found"


async def test_notify_shows_the_matrix_and_changes_it(house: ChatHouse, chat: Chat) -> None:
    card = await chat.say("/notify", expect="notify")
    assert column(card, "notices", "email") == [Text("notice_mode.on")] * 3

    card = await chat.say("/notify exit_filled digest", expect="notify")
    assert column(card, "notices", "event")[-1] == Text("notice.exit_filled")
    assert column(card, "notices", "email")[-1] == Text("notice_mode.digest")
    card = await chat.say("/notify quiet 23-7:30", expect="notify")
    assert field(card, "quiet_hours") == Text(
        "notify.quiet", {"start": "23:00", "end": "07:30", "zone": "UTC"}
    )
    assert field(await chat.say("/notify threshold 5"), "least_pnl") == Decimal(5)
    assert field(await chat.say("/notify digest 9,21:30"), "digest_at") == "09:00, 21:30"
    assert "entry_filled" in spoken(await chat.say("/notify entry_fillled on", expect="error"))
    assert (await chat.say("/notify critical off", expect="error")).problem == "conflict"
    other = await house.chat(Role.VIEWER).say("/notify")
    assert field(other, "least_pnl") is None


async def test_rules_of_ones_own_are_added_listed_and_removed(house: ChatHouse, chat: Chat) -> None:
    card = await chat.say("/alert add price btc above 70000 --repeat", expect="alert_rule")
    assert "BTC/USDT at or above 70,000.00" in spoken(card)
    await chat.say("/alert add pnl below -100", expect="alert_rule")
    await chat.say("/alert add drawdown 10%", expect="alert_rule")
    await chat.say("/alert add signal ETH/USDT 60%", expect="alert_rule")

    listed = await chat.say("/alert", expect="alert_rules")
    assert len(column(listed, "alert_rules", "rule")) == 4
    await chat.say(f"/alert rm {column(listed, 'alert_rules', 'id')[0]}", expect="alert_rule")
    assert len(column(await chat.say("/alert list"), "alert_rules", "rule")) == 3
    assert (await house.chat(Role.VIEWER).say("/alert list")).tables == ()
    for wrong in (
        "/alert add",
        "/alert add price",
        "/alert add drawdown",
        "/alert add price DOGE/USDT above 1",
    ):
        assert (await chat.say(wrong)).name == "error", wrong
    assert (await chat.say("/alert test")).name == "alert_test"


async def test_a_snooze_needs_something_that_goes_on(chat: Chat) -> None:
    card = await chat.say("/snooze for=2h", expect="error")

    assert card.problem == "conflict"


async def test_use_chooses_the_bot_that_is_meant_on_this_channel(house: ChatHouse, chat: Chat) -> None:
    await chat.agree("/newbot alpha buy_and_hold BTC/USDT", expect="newbot")
    assert (await chat.say("/pause", expect="error")).problem

    await chat.say("/use demo", expect="use")
    assert (await chat.say("/pause", expect="bot")).title == Text("bot.paused", {"bot": "demo"})
    assert (await house.chat(channel="telegram").say("/pause", expect="error")).problem
    await chat.say("/use none", expect="use")
    assert (await chat.say("/pause", expect="error")).problem
    assert [one.name for one in (await chat.say("/use")).buttons] == ["use", "use"]


async def test_a_keyboard_holds_words_of_the_book(chat: Chat) -> None:
    card = await chat.say("/keyboard /status /profit 7; /bots", expect="keyboard")

    assert [one.value for one in card.fields] == ["/status   /profit 7", "/bots"]
    assert "/status" in spoken(await chat.say("/keyboard /statuss", expect="error"))
    assert (await chat.say("/keyboard default")).fields == ()

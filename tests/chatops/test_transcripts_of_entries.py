"""Say this, expect that card: entries that people have a say in, the release of real money, reloads, the archive."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from pypdf import PdfReader

from chatops.cards import Number, Text, Tone
from chatops.testing import Chat, column, field, spoken
from chatops.texts.speaker import Speaker
from desk.entry_views import Direction, EntryState
from desk.identity import Role
from desk.passwords import totp_code
from desk.store import SqlStore
from tests.chatops.chat_house import ChatHouse, furnished, with_entry
from tests.chatops.released import SECOND_FACTOR, a_live_bot, ready_for_release, with_second_factors


@pytest.fixture
async def house(sqlite_store: SqlStore) -> ChatHouse:
    return await furnished(sqlite_store)


@pytest.fixture
def chat(house: ChatHouse) -> Chat:
    return house.chat()


async def test_a_bot_is_told_to_ask_and_to_enter_by_itself_again_after_a_tap(chat: Chat) -> None:
    listed = await chat.say("/semi", expect="entry_modes")
    assert column(listed, "entry_modes", "entries") == [Text("entry_mode.alone")]

    on = await chat.say("/semi demo on window=45m drift=2%", expect="entry_mode")
    assert field(on, "window") == timedelta(minutes=45)
    assert "2.00%" in spoken(on)

    asked = await chat.say("/semi demo off", expect="confirm")
    assert asked.body[0].code == "confirm.SetEntryMode"
    off = await chat.press("confirm", expect="entry_mode")
    assert field(off, "entries") == Text("entry_mode.alone")
    assert (await chat.say("/semi demo on drift=90%", expect="error")).problem == "invalid_input"


async def test_an_entry_is_shown_with_its_picture_and_answered_once(house: ChatHouse, chat: Chat) -> None:
    assert (await chat.say("/entry", expect="entries_waiting")).notes == (Text("entry.none"),)
    request, _ = await with_entry(house)

    listed = await chat.say("/entry", expect="entries_waiting")
    assert column(listed, "entries_waiting", "code") == [request.code]
    card = await chat.press("pick", expect="entry")
    assert card.chart is not None
    assert card.chart.spec["trade"]["stop"] == float(request.stop or 0)
    assert [one.name for one in card.buttons] == ["entry_approve", "entry_half", "entry_skip"]

    answered = await chat.press("entry_half", expect="entry")
    assert field(answered, "state") == Text("entry_state.APPROVED")
    assert field(answered, "quantity") == request.quantity / 2
    assert answered.buttons == ()
    async with house.store.reading() as tx:
        kept = await tx.entries.by_code(house.workspace.id, request.code)
    assert kept is not None
    assert (kept.state, kept.share, kept.decided_by) == (EntryState.APPROVED, Decimal("0.5"), "owner@console")
    again = await chat.say(f"/entry {request.code} skip", expect="error")
    assert "approved already" in spoken(again)
    assert (await chat.say("/entry ZZZZZZ", expect="error")).problem == "not_found"


async def test_an_entry_whose_time_is_over_cannot_be_approved(house: ChatHouse, chat: Chat) -> None:
    request, _ = await with_entry(house)
    house.clock.advance(31 * 60)

    late = await chat.say(f"/entry {request.code} approve", expect="error")

    assert "without an answer" in spoken(late)


async def test_the_direction_of_the_market_is_said_and_shown(house: ChatHouse, chat: Chat) -> None:
    shown = await chat.say("/marketdir", expect="market_direction")
    assert field(shown, "direction") == Text("direction.even")

    card = await chat.say("/marketdir LONG", expect="market_direction")
    assert card.body == (Text("direction_means.long"),)
    async with house.store.reading() as tx:
        found = await tx.entries.direction(house.workspace.id, house.account.id)
    assert found is not None
    assert found.direction is Direction.LONG
    none = await chat.say("/marketdir none", expect="market_direction")
    assert none.tone is Tone.WARN
    assert (await chat.say("/marketdir up", expect="error")).problem == "invalid_input"


async def test_the_gate_report_is_a_card_and_a_pdf_and_real_money_takes_two(
    house: ChatHouse, chat: Chat
) -> None:
    await chat.agree("/newbot idle buy_and_hold BTC/USDT")
    early = await chat.say("/golive idle", expect="gate_report")
    assert early.tone is Tone.WARN
    assert early.buttons == ()
    assert (await chat.say("/golive idle --go", expect="error")).problem == "step_up_required"

    await ready_for_release(house, "idle")
    card = await chat.say("/golive idle", expect="gate_report")
    assert card.file is not None
    page = PdfReader(BytesIO(card.file.content)).pages[0].extract_text()
    assert ">= 45.00%" in page
    assert "?" not in page
    verdicts = column(card, "gates", "verdict")
    assert verdicts.count(Text("verdict.passed")) == 5
    assert column(card, "gates", "found")[1] == Number(40.0, digits=0)
    asked = await chat.press("golive", expect="confirm")
    assert asked.type_word == "idle"
    waiting = await chat.press("confirm", typed="idle", expect="approval")
    code = str(field(waiting, "code"))

    own = await chat.say(f"/approve {code}", expect="error")
    assert own.problem == "denied"
    await house.chat(Role.ADMIN).say(f"/approve {code}")
    async with house.store.reading() as tx:
        bot = await tx.bots.by_name(house.workspace.id, "idle")
    assert bot is not None
    assert (bot.is_live, bot.desired.value) == (True, "STOPPED")

    back = await chat.agree("/paper idle", expect="mode")
    assert field(back, "mode") == Text("mode.paper")


async def test_a_bot_of_yesterday_is_refused_real_money_in_words_of_the_reader(
    house: ChatHouse, chat: Chat
) -> None:
    await chat.agree("/newbot idle buy_and_hold BTC/USDT")
    await ready_for_release(house, "idle", days=1)

    refused = await chat.say("/golive idle --go", expect="error")

    assert "it was made 1.0 days ago (7 by the wall clock" in spoken(refused)
    french = spoken(refused, Speaker("fr"))
    assert "il a été créé il y a 1.0 jours (il en faut 7 à l’horloge" in french
    assert "aux cours d’une place" in french


async def test_a_live_bot_goes_back_to_paper_after_a_tap(house: ChatHouse, chat: Chat) -> None:
    await a_live_bot(house, "real")

    card = await chat.agree("/paper real", expect="mode")

    assert field(card, "mode") == Text("mode.paper")
    assert (await chat.say("/paper demo", expect="error")).problem == "conflict"


async def test_a_code_of_the_second_factor_proves_who_asks_and_a_password_is_not_taken(
    house: ChatHouse, chat: Chat
) -> None:
    await with_second_factors(house)
    code = totp_code(SECOND_FACTOR, house.clock.now())

    await chat.say(f"/prove {code[:3]} {code[3:]}", expect="error")
    await chat.say(f"/prove {code}", expect="proved")
    assert (await chat.say(f"/prove {code}", expect="error")).problem == "denied"
    refused = await chat.say('/prove "correct horse battery"', expect="error")
    assert "horse" not in spoken(refused)


async def test_a_trade_is_archived_after_its_number_was_typed(chat: Chat) -> None:
    asked = await chat.say("/delete 1", expect="confirm")
    assert asked.type_word == "1"
    card = await chat.press("confirm", typed="1", expect="archived")
    assert str(field(card, "audit_id")).startswith("#")

    left = await chat.say("/trades 20", expect="trades")
    assert "#1" not in column(left, "trades", "number")
    assert (await chat.say("/delete 999", expect="error")).problem == "not_found"


async def test_a_stopped_bot_has_nothing_to_reload(chat: Chat) -> None:
    refused = await chat.say("/reload_config demo", expect="error")
    assert refused.problem == "conflict"
    assert "nothing to reload" in spoken(refused)


async def test_a_market_is_drawn_in_another_timeframe_with_what_is_asked_for(chat: Chat) -> None:
    card = await chat.say("/chart BTC/USDT 4h ema,bb", expect="chart")
    assert card.chart is not None
    assert field(card, "timeframe") == "4h"
    steps = card.chart.spec["ts_ms"]
    assert steps[1] - steps[0] == 4 * 3_600_000
    assert [one["label"] for one in card.chart.spec["overlays"]] == ["EMA 20", "EMA 50", "BB +", "BB −"]
    assert list(card.chart.spec["waves"]) == []

    waves = await chat.say("/waves BTC/USDT 4h", expect="waves")
    assert "4h" in spoken(waves)
    assert (await chat.say("/chart BTC/USDT 4x", expect="error")).problem == "invalid_input"
    assert (await chat.say("/chart BTC/USDT 4h moon", expect="error")).problem == "invalid_input"

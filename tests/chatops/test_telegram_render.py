"""Cards as Telegram shows them: its limits, its HTML, a phone's width."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chatops.cards import Card, Column, Field, Money, Table, Text, Tone
from chatops.commands import full_book
from chatops.doors.heard import Place
from chatops.doors.platform import Key, Shown
from chatops.telegram_bot.menu import menu_of
from chatops.telegram_bot.pace import Pace
from chatops.telegram_bot.render import TEXT_LIMIT, escaped, pages_of, units, without_tags
from chatops.telegram_bot.sending import TelegramPlatform
from chatops.telegram_bot.wire import make_bot
from chatops.texts.catalogue import LANGUAGES
from chatops.texts.speaker import Speaker
from desk.clock import ManualClock, SystemClock
from tests.chatops.hostile import strings
from tests.chatops.telegram_renderer import check_telegram
from tests.support.records import NOON
from tests.support.telegram_rules import checked_text


def test_hostile_strings_break_nothing_and_nothing_of_them_is_lost() -> None:
    for number, text in enumerate(strings(300, seed=11)):
        check_telegram(text, LANGUAGES[number % len(LANGUAGES)])


def test_a_long_table_is_cut_between_rows_and_each_page_has_its_headings() -> None:
    rows = tuple((f"bot {n}", Money(Decimal(n), "USDT")) for n in range(400))
    table = Table(name="bots", columns=(Column("bot"), Column("pnl")), rows=rows)
    pages = pages_of(Card(name="x", title=Text("bots.title", {"n": 400}), tables=(table,)), Speaker())

    plain = [checked_text(one, "HTML", TEXT_LIMIT) for one in pages]
    assert len(pages) > 2
    assert all("profit" in one.lower() for one in plain)
    told = [line.split("  ")[0].strip() for one in plain for line in one.splitlines() if "USDT" in line]
    assert told == [f"bot {n}" for n in range(400)]


def test_a_table_that_is_too_wide_for_a_phone_is_told_row_by_row() -> None:
    columns = tuple(Column(name) for name in ("pair", "reason", "detail", "comment"))
    row = ("BTC/USDT", "a reason of some length", "a detail of some length", "a comment of some length")
    card = Card(name="x", title=Text("x"), tables=(Table(name="t", columns=columns, rows=(row,)),))
    page = pages_of(card, Speaker())[0]

    assert "<pre>" not in page
    assert all(cell in without_tags(page) for cell in row)


def test_a_card_keeps_its_tone_title_fields_and_notes() -> None:
    card = Card(
        name="x",
        title=Text("welcome.title", {"name": "<Ann>"}),
        tone=Tone.BAD,
        fields=(Field("equity", Money(Decimal("12.5"), "USDT")),),
        notes=(Text("help.hint"),),
    )
    page = pages_of(card, Speaker())[0]

    assert page.startswith("🔴 <b>Welcome, &lt;Ann&gt;</b>")
    assert "Equity: <b>12.50\u00a0USDT</b>" in page
    assert page.rstrip().endswith("</i>")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("write to @somebody", "write to @\u200csomebody"),
        ("https://evil.example/?q=1", "https:\u200c//evil\u200c.example/?q=1"),
        ("1,234.50 USDT at 12.5%", "1,234.50 USDT at 12.5%"),
    ],
)
def test_there_is_one_escaper_and_it_lets_nothing_come_alive(text: str, shown: str) -> None:
    assert escaped(text) == shown


def _payloads(**given: object) -> list[dict[str, object]]:
    platform = TelegramPlatform(make_bot("1:x", "http://127.0.0.1:1"), SystemClock(), source="telegram:1")
    place = Place(platform="telegram", chat_id="5", thread_id="")
    shown = Shown(**{"place": place, "speaker": Speaker(), "pages": [{"html": "<b>hi</b>"}], **given})  # type: ignore[arg-type]
    return [dict(one) for one in platform.payloads(shown)]


def test_a_picture_carries_a_short_text_and_follows_a_long_one() -> None:
    short = _payloads(picture=b"png", picture_name="BTC/USDT 1h")
    long = _payloads(picture=b"png", pages=[{"html": "x" * 2000}], keys=[Key("Go", "t")])

    assert [one["kind"] for one in short] == ["photo"]
    assert short[0]["name"] == "BTC-USDT-1h.png"
    assert [one["kind"] for one in long] == ["message", "photo"]
    assert (long[0]["keys"], long[1]["keys"]) == ([[["Go", "t"]]], [])


def test_an_answer_to_a_tap_takes_the_place_of_the_message_with_its_picture_where_the_text_fits_below() -> (
    None
):
    [one] = _payloads(edits="77", picture=b"png")
    long = _payloads(pages=[{"html": "x" * 1100}], edits="77", picture=b"png")

    assert (one["kind"], one["message"], one["name"]) == ("edit", "77", "picture.png")
    assert [(one["kind"], one.get("message")) for one in long] == [("edit", "77"), ("photo", None)]


def test_many_short_buttons_share_rows_and_too_many_are_left_out() -> None:
    made = _payloads(keys=[Key(f"k{n}", f"token-{n}") for n in range(300)])
    rows = made[0]["keys"]

    assert isinstance(rows, list)
    assert len(rows[0]) == 2
    assert sum(len(row) for row in rows) == 90


def test_the_menu_holds_what_telegram_takes_in_every_language() -> None:
    for language in LANGUAGES:
        menu = menu_of(tuple(full_book()), language)
        assert 30 < len(menu) <= 100
        assert all(1 <= units(one.description) <= 256 for one in menu)
        assert len({one.command for one in menu}) == len(menu)


async def test_flood_limits_are_kept_per_chat_per_group_and_over_all() -> None:
    clock = ManualClock(NOON)
    pace = Pace(clock)

    def sent_in(chat_ids: list[str], seconds: float) -> int:
        count = 0
        for _ in range(round(seconds * 20)):
            for chat_id in chat_ids:
                if pace.wait_s(chat_id) <= 0:
                    pace._bucket(chat_id).take(clock.monotonic())
                    pace._overall.take(clock.monotonic())
                    count += 1
            clock.advance(0.05)
        return count

    assert sent_in(["1"], 10) == 3 + 9
    assert sent_in(["-1"], 60) <= 20
    clock.advance(60)
    assert sent_in([str(n) for n in range(100, 200)], 1) <= 30
    pace.hold("5", 7.0)
    assert pace.wait_s("5") == pytest.approx(7.0)

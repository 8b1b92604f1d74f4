"""Cards as embeds: limits, folding, hostile texts, and everything on a card is shown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chatops.cards import Button, Card, Column, Field, Money, Press, Table, Text, Tone
from chatops.discord_bot.components import (
    CUSTOM_ID,
    Labelled,
    form_id,
    leafing_row,
    read_id,
    rows_of,
    tap_id,
)
from chatops.discord_bot.markdown import cut, escaped, fenced, pieces, size
from chatops.discord_bot.rendering import COLOURS, sheets_of
from chatops.discord_bot.tables import WIDTH, table_lines
from chatops.texts.catalogue import LANGUAGES
from chatops.texts.speaker import Speaker
from tests.chatops.discord_renderings import check_as_embeds, messages_of, shown_text, squeezed
from tests.chatops.hostile import SEEDS, strings
from tests.support.discord_markdown import read
from tests.support.discord_rules import check_rows


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_strings_are_shown_whole_and_obeyed_nowhere(language: str) -> None:
    for text in strings(250, seed=4):
        check_as_embeds(text, language)


@pytest.mark.parametrize("text", SEEDS)
def test_the_escaper_is_undone_by_discords_reader(text: str) -> None:
    seen = read(escaped(text))

    assert seen.marks == []
    assert seen.text.replace("\u200b", "") == text.replace("\u200b", "")


@pytest.mark.parametrize(
    "marked",
    ["**x**", "[a](https://example.org)", "https://example.org", "<@12>", "@everyone", "||x||", "# x", "- x"],
)
def test_the_reader_obeys_what_is_not_escaped(marked: str) -> None:
    assert read(marked).marks != []


def test_nothing_ends_a_code_block_from_inside() -> None:
    for inside in ("```", "``````", "a```b```", "`", "x`", "``\n```"):
        assert [name for name, _ in read(fenced([inside, "after"])).marks] == ["code"], inside


def test_pieces_part_no_escape_and_lose_nothing() -> None:
    text = escaped("*_~|`" * 700 + "🚀" * 900)

    parts = pieces(text, 1024)

    assert "".join(parts) == text
    assert all(size(one) <= 1024 for one in parts)
    assert all(not one.endswith("\\") or one.endswith("\\\\") for one in parts)


def test_a_cut_text_keeps_the_limit_in_wide_letters() -> None:
    assert cut("🚀" * 100, 11) == "🚀" * 5 + "…"
    assert cut("short", 11) == "short"


def test_a_table_of_five_thousand_letters_is_parted_between_rows() -> None:
    rows = tuple(
        (f"bot-{number:04}", f"reason {number:04} in some words", Decimal(number)) for number in range(400)
    )
    table = Table(name="bots", columns=(Column("bot"), Column("reason"), Column("quantity")), rows=rows)
    card = Card(name="bots", title=Text("bots.title", {"n": 400}), tables=(table,))

    messages = messages_of(card, Speaker())
    text, _ = shown_text(messages)

    assert len(messages) > 2
    for name, reason, _ in rows:
        assert squeezed(f"{name}{reason}") in text
    footers = [one["embeds"][-1]["footer"]["text"] for one in messages]
    assert footers[0] == f"1/{len(messages)}"
    assert footers[-1].endswith(f"{len(messages)}/{len(messages)}")
    for message in messages:
        for embed in message["embeds"]:
            assert embed["description"].count("```") == 2, "every part has its own block"


def test_a_table_is_folded_into_the_width_with_numbers_to_the_right() -> None:
    table = Table(
        name="bots",
        columns=(Column("bot"), Column("pnl"), Column("reason")),
        rows=(
            (
                "日本語の長い名前です" * 4,
                Money(Decimal("-1.5"), "USDT"),
                "several words that are folded at spaces",
            ),
        ),
    )

    head, (row,) = table_lines(table, Speaker())

    from rich.cells import cell_len

    assert all(cell_len(line) <= WIDTH for line in [*head, *row])
    assert len(row) > 1
    assert "−1.50" in squeezed(row[0])


def test_more_fields_than_an_embed_holds_go_on_in_the_next() -> None:
    fields = tuple(Field("bot", f"value {number}") for number in range(60))
    card = Card(name="x", title=Text("bots.title", {"n": 2}), fields=fields)

    sheets = sheets_of(card, Speaker())

    counts = [len(one.fields) for sheet in sheets for one in sheet.embeds]
    assert counts == [25, 25, 10]


def test_a_tone_is_a_colour() -> None:
    assert set(COLOURS) == set(Tone)
    assert len(set(COLOURS.values())) == len(Tone)


def test_empty_values_are_not_refused() -> None:
    card = Card(name="x", title=Text("bots.title", {"n": 0}), fields=(Field("bot", ""), Field("bot", "   ")))

    messages_of(card, Speaker())


def _labelled(count: int) -> list[Labelled]:
    button = Button(name="start", press=Press.SAY, line="/start x")
    return [Labelled(button=button, label=f"bot {number}", token=f"t{number}") for number in range(count)]


@pytest.mark.parametrize("count", [1, 5, 6, 25])
def test_buttons_stand_in_rows_of_five(count: int) -> None:
    rows = rows_of(_labelled(count), "Choose")

    check_rows([{"type": 1, "components": row} for row in rows])
    assert sum(len(row) for row in rows) == count


def test_three_hundred_buttons_become_menus_and_none_is_lost() -> None:
    rows = rows_of(_labelled(300), "Choose")

    values = [one["value"] for row in rows for menu in row for one in menu["options"]]
    assert len(rows) == 12
    assert sorted(values) == sorted(tap_id(f"t{number}") for number in range(300))
    for at in range(0, len(rows), 5):
        check_rows([{"type": 1, "components": row} for row in rows[at : at + 5]])


def test_custom_ids_are_short_and_read_back() -> None:
    token = "A-_9" * 16
    ids = [tap_id(token), tap_id(token, needs_word=True), form_id(token)]
    ids += [one["custom_id"] for one in leafing_row(token, 3, 9)]

    assert all(len(one) <= CUSTOM_ID for one in ids)
    assert [read_id(one).token for one in ids if read_id(one)] == [token] * 5  # type: ignore[union-attr]
    assert [read_id(one).page for one in ids[-2:] if read_id(one)] == [2, 4]  # type: ignore[union-attr]
    assert len({*leafing_ids(token, 0, 1)}) == 2, "an id is never twice in a message"


def leafing_ids(token: str, page: int, pages: int) -> list[str]:
    return [str(one["custom_id"]) for one in leafing_row(token, page, pages)]


@pytest.mark.parametrize(
    "custom_id", ["", "bw", "bw:x:y", "bw:b:", "bw:b:a b", "xx:b:t", "bw:b:" + "t" * 65, "bw:p99999:t"]
)
def test_an_id_that_we_never_made_is_nothing(custom_id: str) -> None:
    assert read_id(custom_id) is None

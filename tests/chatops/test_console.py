"""The console door: one line or a conversation, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.cells import cell_len

from chatops.cards import Column, Table, Tone
from chatops.console.door import Ask, Screen, console_actor, run_interactive, run_once
from chatops.console.render import fitting
from chatops.testing import Chat, spoken
from desk.identity import Role
from desk.store import SqlStore
from tests.chatops.chat_house import ChatHouse, furnished
from trading.errors import NotFound
from trading.events import Desired


class FakePainter:
    """A painter that draws four bytes, or fails."""

    def __init__(self, png: bytes | None = b"\x89PNG") -> None:
        self.png = png
        self.asked: list[str] = []

    async def draw(self, kind: str, spec: Mapping[str, Any]) -> bytes | None:
        self.asked.append(kind)
        return self.png

    async def close(self) -> None:
        self.png = None


@pytest.fixture
async def house(sqlite_store: SqlStore) -> ChatHouse:
    return await furnished(sqlite_store)


def _answers(*lines: str | None) -> Ask:
    waiting = list(lines)

    async def ask(prompt: str) -> str | None:
        return waiting.pop(0) if waiting else None

    return ask


async def test_one_line_gives_a_card_and_exit_code_0(house: ChatHouse) -> None:
    said = await run_once(house.room, "/status", house.actor())

    assert said.code == 0
    assert "10,048.75\u00a0USDT" in said.text
    assert "\x1b" not in said.text


async def test_colour_is_there_only_when_it_is_wanted(house: ChatHouse) -> None:
    said = await run_once(house.room, "/status", house.actor(), screen=Screen(color=True))

    assert "\x1b[" in said.text


@pytest.mark.parametrize("line", ["/sattus", "/why 999", "/pause nobody", "/trades n=0", ""])
async def test_a_wrong_request_gives_exit_code_2(house: ChatHouse, line: str) -> None:
    assert (await run_once(house.room, line, house.actor())).code == 2


async def test_a_failure_inside_gives_exit_code_1(house: ChatHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> bool:
        raise RuntimeError("no")

    monkeypatch.setattr(house.store, "is_current", broken)

    assert (await run_once(house.room, "/version", house.actor())).code == 1


@pytest.mark.parametrize(
    "line",
    [
        "/status",
        "/bots",
        "/trades",
        "/profit",
        "/daily",
        "/balance",
        "/risk",
        "/why",
        "/alerts",
        "/help",
        "/health",
        "/sattus",
    ],
)
async def test_text_and_json_hold_the_same(house: ChatHouse, line: str) -> None:
    actor = house.actor()
    text = (await run_once(house.room, line, actor, screen=Screen(width=400))).text
    document = orjson.loads((await run_once(house.room, line, actor, screen=Screen(is_json=True))).text)

    squeezed = "".join(text.split())
    told = [document["title"], *document["body"], *document["notes"]]
    told += [one["label"] for one in document["fields"]]
    told += [one["text"] for one in document["fields"] if one["name"] != "database"]
    told += [one["label"] for table in document["tables"] for one in table["columns"]]
    assert [one for one in told if "".join(one.split()) not in squeezed] == []
    for table in document["tables"]:
        assert all(set(row) == {one["name"] for one in table["columns"]} for row in table["rows"])


async def test_json_has_money_as_strings_ratios_as_numbers_and_times_in_utc(house: ChatHouse) -> None:
    said = await run_once(house.room, "/status", house.actor(), screen=Screen(is_json=True))

    document = orjson.loads(said.text)
    fields = {one["name"]: one["value"] for one in document["fields"]}
    position = next(table for table in document["tables"] if table["name"] == "positions")["rows"][0]
    assert fields["equity"] == "10048.75"
    assert fields["today"] == 0.004875
    assert fields["as_of"] == "2026-01-05T12:00:00.123456Z"
    assert position["pair"] == "BTC/USDT"
    assert position["side"] == "long"
    assert position["held"] == 21_600.0
    assert document["error"] is None


async def test_a_dangerous_line_gives_the_token_and_is_confirmed_by_a_second_one(house: ChatHouse) -> None:
    actor = house.actor()

    first = await run_once(house.room, "/stop demo", actor, screen=Screen(is_json=True))
    asked = orjson.loads(first.text)
    assert first.code == 2
    assert asked["confirm"]["type_word"] is None
    assert (await house.bot_now()).desired is Desired.RUNNING

    second = await run_once(house.room, f"/confirm {asked['confirm']['token']}", actor)
    assert second.code == 0
    assert (await house.bot_now()).desired is Desired.STOPPED


async def test_yes_confirms_at_once_typed_words_included(house: ChatHouse) -> None:
    actor = house.actor()

    assert (await run_once(house.room, "/panic", actor, yes=True)).code == 0
    assert (await run_once(house.room, "/unlatch", actor, yes=True)).card.name == "unlatched"


async def test_a_person_at_the_terminal_is_asked(house: ChatHouse) -> None:
    actor = house.actor()

    said = await run_once(house.room, "/stop demo", actor, ask=_answers("n"))
    assert said.card.name == "dismissed"
    assert (await house.bot_now()).desired is Desired.RUNNING

    said = await run_once(house.room, "/stop demo", actor, ask=_answers("yes"))
    assert "Please confirm" in said.text
    assert (await house.bot_now()).desired is Desired.STOPPED


async def test_pictures_are_written_and_their_path_is_told(house: ChatHouse, tmp_path: Path) -> None:
    painter = FakePainter()
    room = replace(house.room, painter=painter)
    screen = Screen(folder=tmp_path / "new", width=300)

    said = await run_once(room, "/chart btc", house.actor(), screen=screen)

    files = list((tmp_path / "new").iterdir())
    assert [one.read_bytes() for one in files] == [b"\x89PNG"]
    assert str(files[0]) in said.text
    assert painter.asked == ["candles"]
    document = orjson.loads(
        (await run_once(room, "/chart btc", house.actor(), screen=replace(screen, is_json=True))).text
    )
    assert document["picture"] == str(files[0])


async def test_the_text_comes_when_the_picture_fails(house: ChatHouse, tmp_path: Path) -> None:
    room = replace(house.room, painter=FakePainter(None))

    said = await run_once(room, "/profit", house.actor(), screen=Screen(folder=tmp_path))

    assert said.code == 0
    assert "The picture could not be drawn" in said.text
    assert "Profit factor" in said.text
    (tmp_path / "file").write_text("no folder")
    blocked = await run_once(
        replace(room, painter=FakePainter()),
        "/profit",
        house.actor(),
        screen=Screen(folder=tmp_path / "file"),
    )
    assert "The picture could not be drawn" in blocked.text


async def test_a_file_is_written_and_its_path_is_told(house: ChatHouse, tmp_path: Path) -> None:
    screen = Screen(folder=tmp_path / "new", width=300)

    said = await run_once(house.room, "/export trades", house.actor(), screen=screen)

    (file,) = (tmp_path / "new").iterdir()
    assert said.card.file is not None
    assert file.read_bytes() == said.card.file.content
    assert (file.name.startswith("trades-2026-"), file.suffix) == (True, ".csv")
    assert f"File: {file}" in said.text
    again = await run_once(house.room, "/export trades", house.actor(), screen=replace(screen, is_json=True))
    assert orjson.loads(again.text)["file"] == str(file)
    (tmp_path / "taken").write_text("no folder")
    blocked = await run_once(
        house.room, "/export trades", house.actor(), screen=Screen(folder=tmp_path / "taken")
    )
    assert "could not be written to" in blocked.text


async def test_a_conversation_goes_on_until_quit(house: ChatHouse) -> None:
    told: list[str] = []
    ask = _answers("/bots", "", "/stop demo", "y", "/lang fr", "/bots", "/quit", "/never")

    code = await run_interactive(house.room, house.actor(), ask=ask, tell=told.append)

    text = "".join(told)
    assert code == 0
    assert "Please confirm" in text
    assert (await house.bot_now()).desired is Desired.STOPPED
    assert "1 robot" in text
    assert text.rstrip().endswith("Au revoir.")


async def test_the_end_of_input_leaves_and_an_unanswered_question_does_nothing(house: ChatHouse) -> None:
    told: list[str] = []

    assert (
        await run_interactive(house.room, house.actor(), ask=_answers("/stop demo", None), tell=told.append)
        == 0
    )

    assert "Nothing was done." in "".join(told)
    assert (await house.bot_now()).desired is Desired.RUNNING


async def test_newbot_alone_asks_for_what_it_needs(house: ChatHouse) -> None:
    told: list[str] = []
    ask = _answers(
        "/newbot", "my bot", "trend_following", "btc/usdt eth-usdt", "", "50%", "y", "/newbot", "", None
    )

    await run_interactive(house.room, house.actor(), ask=ask, tell=told.append)

    async with house.store.reading() as tx:
        made = await tx.bots.by_name(house.workspace.id, "my bot")
    assert made is not None
    assert (made.pairs, made.timeframe, made.allocation) == (("BTC/USDT", "ETH/USDT"), "1h", 0.5)


async def test_a_risk_profile_is_a_share_of_the_account_with_a_name(house: ChatHouse) -> None:
    told: list[str] = []
    ask = _answers("/newbot", "shy", "trend_following", "btc", "", "Careful", "y", None)
    await run_interactive(house.room, house.actor(), ask=ask, tell=told.append)
    chat: Chat = house.chat()
    made = await chat.agree("/newbot calm trend_following BTC/USDT risk=standard", expect="newbot")

    async with house.store.reading() as tx:
        shy = await tx.bots.by_name(house.workspace.id, "shy")
        calm = await tx.bots.by_name(house.workspace.id, "calm")
    assert shy is not None
    assert calm is not None
    assert shy.pairs == ("BTC/USDT",)
    assert (shy.allocation, calm.allocation) == (0.25, 0.5)
    assert "50" in spoken(made)
    twice = await chat.say("/newbot x trend_following BTC/USDT risk=bold allocation=10%", expect="error")
    assert twice.body[0].code == "problem.risk_twice"
    assert (await chat.say("/newbot x trend_following BTC/USDT risk=wild", expect="error")).tone is Tone.WARN


async def test_a_typed_word_is_asked_for_in_a_conversation(house: ChatHouse) -> None:
    told: list[str] = []
    chat: Chat = house.chat()
    await chat.agree("/panic")

    await run_interactive(house.room, house.actor(), ask=_answers("/unlatch", "paper"), tell=told.append)

    assert "may trade again" in "".join(told)


async def test_who_speaks_is_named_or_the_only_owner(house: ChatHouse) -> None:
    assert (await console_actor(house.store)).role is Role.OWNER
    assert (await console_actor(house.store, "Viewer")).role is Role.VIEWER
    assert (await console_actor(house.store, "trader@example.org")).role is Role.TRADER
    with pytest.raises(NotFound, match=r"No member is called 'ownr'.*Did you mean 'owner'"):
        await console_actor(house.store, "ownr")


async def test_nobody_yet_says_how_to_begin(sqlite_store: SqlStore) -> None:
    with pytest.raises(NotFound, match="breakwater up"):
        await console_actor(sqlite_store)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140, 200])
@pytest.mark.parametrize("line", ["/status", "/bots", "/trades", "/help", "/why"])
async def test_no_line_is_wider_than_the_terminal(house: ChatHouse, line: str, width: int) -> None:
    said = await run_once(house.room, line, house.actor(), screen=Screen(width=width))

    assert max(cell_len(one) for one in said.text.splitlines()) <= width


def test_columns_of_little_rank_give_way_first() -> None:
    table = Table(
        name="bots",
        columns=(Column("bot"), Column("mode", 2), Column("strategy", 1)),
        rows=(("demo", "paper", "elliott_wave"),),
    )
    heads: Sequence[str] = ["bot", "mode", "strategy"]
    cells = [["demo", "paper", "elliott_wave"]]

    assert fitting(table, heads, cells, 100) == [0, 1, 2]
    assert fitting(table, heads, cells, 22) == [0, 2]
    assert fitting(table, heads, cells, 10) == [0]

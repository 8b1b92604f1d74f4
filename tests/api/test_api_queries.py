"""Reading over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs

from api import guard, read_models
from api.ids import global_id
from api.read_models import ReadModels
from api.schema import SCHEMA
from desk.clock import SystemClock
from desk.cursors import cursor_of
from desk.identity import Role, new_id
from desk.store import SqlStore, open_store
from desk.store.glance import GlanceConnection
from desk.store.unit import SqlUnit
from desk.views import DeadLetter, Filter, Job, JobState, Page
from server import auth
from tests.api.conftest import Scene
from tests.support.api_house import FixedFigures, People, StoreHouse, furnish, people, serving
from tests.support.records import a_change, a_headline, later


async def test_a_viewer_reads_bots_with_their_four_axes_and_phases(scene: Scene) -> None:
    data = await scene.web.data(
        """{ bots { edges { cursor node { id name desired condition tradingState strategyName
             strategy { title parameters { name default unit } } phases { pair phase since }
             account { name status { equity } } positions { pair quantity targets { price } } } }
             pageInfo { hasNextPage endCursor } } }""",
        token=scene.home.tokens[Role.VIEWER],
    )

    (edge,) = data["bots"]["edges"]
    assert edge["node"]["id"] == global_id("Bot", scene.bot.id)
    assert edge["node"]["desired"] == "STOPPED"
    assert edge["node"]["phases"][0] == {
        "pair": "BTC/USDT",
        "phase": "IDLE",
        "since": "2026-01-05T12:00:00.123456Z",
    }
    assert edge["node"]["strategy"]["parameters"]
    assert edge["node"]["account"] == {"name": "home-paper", "status": None}
    assert edge["node"]["positions"] == [
        {"pair": "P0/USDT", "quantity": "0.5", "targets": [{"price": "43000"}, {"price": "44000"}]}
    ]
    assert data["bots"]["pageInfo"] == {"hasNextPage": False, "endCursor": edge["cursor"]}


#: Every connection of the schema with the fields that load something; "" stands for a bot's arguments.
LISTS: dict[str, str] = {
    "bots": "id strategy { name } account { status { equity } } positions { id } phases { pair }",
    "botHistory": "axis before after",
    "orders": "id bot { name account { name } } fills { price }",
    "fills": "id price fee",
    "jobs": "id",
    "news": "id title assets",
    "positions": "id bot { name } targets { price }",
    "trades": "id number pnl bot { name positions { pair } }",
    "deadLetters": "id kind cause",
    "signals": "id bot { name } conditions { name met } sizing { binding limits { quantity } } checks { passed }",
    "alerts": "id kind deliveries { channel status }",
    "accounts": "id status { equity }",
    "members": "id name",
    "auditLog": "sequence actor",
}


class CountedGlance(GlanceConnection):
    """Counts the statements that stand alone."""

    def __init__(self, counting: CountingStore) -> None:
        transactions = counting.store.transactions
        super().__init__(transactions.database, transactions.failures)
        self._counting = counting

    async def rows(self, sql: str, *values: Any) -> Sequence[Any]:
        """Run a statement, and count it."""
        self._counting.statements += 1
        return await super().rows(sql, *values)


class CountingStore:
    """Counts the statements that a store runs for reading."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.statements = 0
        self.glance = SqlUnit(CountedGlance(self), SystemClock())

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        """Read, and count."""
        async with self.store.transactions.reading() as connection:
            original = connection.rows

            async def counted(sql: str, *values: Any) -> Any:
                self.statements += 1
                return await original(sql, *values)

            connection.rows = counted  # type: ignore[method-assign]
            try:
                yield SqlUnit(connection, SystemClock())
            finally:
                del connection.rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def test_every_connection_is_counted() -> None:
    query = SCHEMA._schema.query_type
    assert query is not None
    connections = {name for name, field in query.fields.items() if str(field.type).endswith("Connection!")}

    assert connections == set(LISTS)


async def test_the_number_of_statements_does_not_grow_with_the_rows(
    sqlite_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Session and memory are read once per stage, so that only the lists' own statements are counted.
    monkeypatch.setattr(auth, "CACHE_S", 3600.0)
    monkeypatch.setattr(read_models, "MAX_AGE_S", 3600.0)
    counting = CountingStore(sqlite_store)
    house = StoreHouse(counting)  # type: ignore[arg-type]
    home = await people(house, "home")
    token = home.tokens[Role.OWNER]
    counts: dict[str, list[int]] = {name: [] for name in ("memory", *LISTS)}
    async with serving(house) as web:
        for rows in (1, 99):
            bot = await furnish(house, home, rows, offset=rows)
            async with house.store.transaction() as unit:
                for at in range(rows):
                    await unit.bots.add_state_change(home.workspace.id, a_change(bot.id, at))
                    await unit.jobs.add(_job(home, at + rows))
                    await unit.news.add(a_headline(at + rows))
                    await unit.messages.bury(_letter(home, at + rows))
            await web.data("{ viewer { role } }", token=token)
            counting.statements = 0
            await web.data("{ bots { edges { cursor } } }", token=token)
            counts["memory"].append(counting.statements)
            for name, fields in LISTS.items():
                argument = f', botId: "{global_id("Bot", bot.id)}"' if name == "botHistory" else ""
                text = f"{{ {name}(first: 100{argument}) {{ edges {{ cursor node {{ {fields} }} }} }} }}"
                counting.statements = 0
                found = await web.data(text, token=token)
                counts[name].append(counting.statements)
                assert len(found[name]["edges"]) >= min(rows, 99) or name in {
                    "auditLog",
                    "accounts",
                    "members",
                }

    assert {name: few for name, (few, many) in counts.items() if few != many} == {}
    assert {
        name for name in ("orders", "trades", "fills", "signals", "jobs") if counts[name][0] == 0
    } == set()
    assert max(few for few, _ in counts.values()) <= 12


async def test_what_this_process_changes_is_seen_at_once_though_memory_answers(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_models, "MAX_AGE_S", 3600.0)
    text = "{ bots { edges { node { name desired } } } positions(filter: { isOpen: true }) { edges { node { pair } } } }"
    token = scene.home.tokens[Role.VIEWER]
    before = await scene.web.data(text, token=token)
    await furnish(scene.house, scene.home, 1, offset=7)
    after = await scene.web.data(text, token=token)

    assert len(before["bots"]["edges"]) == len(before["positions"]["edges"]) == 1
    assert [one["node"]["pair"] for one in after["positions"]["edges"]] == ["P7/USDT", "P0/USDT"]
    assert [one["node"]["name"] for one in after["bots"]["edges"]] == ["bot-0", "bot-7"]


async def test_what_another_process_changes_is_seen_after_a_moment(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = scene.home.tokens[Role.VIEWER]
    text = "{ bots { edges { node { name } } } }"
    await scene.web.data(text, token=token)
    other = open_store(f"sqlite:{scene.house.store.location.path}")
    await furnish(StoreHouse(other), scene.home, 1, offset=7)
    await other.close()
    monkeypatch.setattr(read_models, "MAX_AGE_S", 0.0)
    found = await scene.web.data(text, token=token)

    assert len(found["bots"]["edges"]) == 2


async def test_open_positions_from_memory_are_paged_and_filtered_as_the_store_does(scene: Scene) -> None:
    await furnish(scene.house, scene.home, 12, offset=20)
    held = await ReadModels(scene.house.store, scene.house.clock).of(scene.home.workspace.id)
    for wanted in (
        Filter(is_open=True),
        Filter(is_open=True, pair="P22/USDT"),
        Filter(is_open=True, bot_id=scene.bot.id),
        Filter(is_open=True, since=later(22), until=later(28)),
    ):
        after = ""
        while True:
            page = Page(first=5, after=after)
            async with scene.house.store.reading() as unit:
                expected = await unit.positions.page(scene.home.workspace.id, wanted, page)

            assert held.page(wanted, page) == list(expected)
            if len(expected) < 5:
                break
            after = cursor_of(expected[-1])


def _letter(home: People, number: int) -> DeadLetter:
    return DeadLetter(
        id=new_id(),
        workspace_id=home.workspace.id,
        source="jobs",
        kind="backtest",
        payload={},
        payload_hash="",
        cause="broken",
        trace_id="",
        attempts=3,
        created_at=later(number),
        replayed_at=None,
    )


def _job(home: People, at: int) -> Job:
    return Job(
        id=new_id(),
        workspace_id=home.workspace.id,
        kind="backtest",
        title="trend_following on BTC/USDT 1h",
        state=JobState.DONE,
        input={},
        progress={},
        result={},
        error="",
        asked_by="",
        channel="graphql",
        group_id="",
        dedupe_key=f"job-{at}",
        tries=1,
        epoch=1,
        due_at=later(at),
        created_at=later(at),
    )


async def test_pages_follow_each_other_without_gap_or_duplicate(scene: Scene) -> None:
    await furnish(scene.house, scene.home, 24, offset=100)
    token = scene.home.tokens[Role.VIEWER]
    for name in ("bots", "orders", "fills", "positions", "trades", "signals", "alerts"):
        seen: list[str] = []
        after = None
        while True:
            page = (
                await scene.web.data(
                    f"query ($after: Cursor) {{ {name}(first: 7, after: $after) "
                    "{ edges { node { id } } pageInfo { hasNextPage hasPreviousPage endCursor } } }",
                    {"after": after},
                    token,
                )
            )[name]
            seen += [one["node"]["id"] for one in page["edges"]]
            assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert (len(seen), len(set(seen))) == (25, 25), name


@pytest.mark.parametrize("cursor", ["x", "", "cm93Og", "am91cm5hbDox", "row:1"])
async def test_a_cursor_that_is_none_of_ours_is_refused_or_ignored_when_empty(
    scene: Scene, cursor: str
) -> None:
    answer = (
        await scene.web.ask(
            "query ($after: Cursor) { orders(after: $after) { edges { cursor } } }",
            {"after": cursor},
            scene.home.tokens[Role.VIEWER],
        )
    ).json()

    codes = [one["extensions"]["code"] for one in answer.get("errors", ())]
    assert codes == ([] if not cursor else ["VALIDATION_FAILED"])


async def test_rows_are_filtered_by_bot_pair_and_state(scene: Scene) -> None:
    token = scene.home.tokens[Role.VIEWER]
    await furnish(scene.house, scene.home, 3, offset=50)
    text = "query ($filter: PositionFilter) { positions(filter: $filter) { edges { node { pair isOpen bot { name } } } } }"
    by_pair = await scene.web.data(text, {"filter": {"pair": "P51/USDT"}}, token)
    by_bot = await scene.web.data(text, {"filter": {"botId": global_id("Bot", scene.bot.id)}}, token)
    closed = await scene.web.data(text, {"filter": {"isOpen": False}}, token)

    assert [one["node"]["pair"] for one in by_pair["positions"]["edges"]] == ["P51/USDT"]
    assert [one["node"]["bot"]["name"] for one in by_bot["positions"]["edges"]] == ["bot-0"]
    assert closed["positions"]["edges"] == []


async def test_figures_that_are_undefined_are_null_with_their_reason(scene: Scene) -> None:
    data = await scene.web.data(
        "{ performance { pnl equity metrics { name value reason } } }", token=scene.home.tokens[Role.VIEWER]
    )

    assert data["performance"] == {
        "pnl": "12.50",
        "equity": "10012.50",
        "metrics": [
            {"name": "sharpe", "value": None, "reason": "fewer than 30 trades"},
            {"name": "win_rate", "value": 0.5, "reason": None},
        ],
    }


async def test_our_own_mistakes_are_masked_and_logged_with_an_incident(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the password is hunter2-hunter2")

    monkeypatch.setattr(FixedFigures, "performance", broken)
    with capture_logs() as lines:
        answer = (await scene.web.ask("{ performance { pnl } }", token=scene.home.tokens[Role.VIEWER])).json()

    (error,) = answer["errors"]
    assert "hunter2" not in str(answer)
    assert error["extensions"]["code"] == "INTERNAL"
    assert [one["incident_id"] for one in lines if one["event"] == "api_failed"] == [
        error["extensions"]["incidentId"]
    ]


async def test_what_takes_too_long_is_stopped(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(*_: object, **__: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(FixedFigures, "performance", slow)
    monkeypatch.setattr(guard, "QUERY_S", 0.05)
    answer = (await scene.web.ask("{ performance { pnl } }", token=scene.home.tokens[Role.VIEWER])).json()

    assert answer["errors"][0]["extensions"]["code"] == "TIMEOUT"


async def test_bots_and_accounts_say_whose_money_they_trade(scene: Scene) -> None:
    async with scene.house.store.transaction() as tx:
        await tx.accounts.create(
            scene.home.workspace.id,
            name="spot",
            venue="binance",
            is_live=True,
            currency="USDT",
            capital=Decimal(5),
            settings={},
        )

    data = await scene.web.data(
        "{ accounts { edges { node { name money } } } bots { edges { node { money } } } }",
        token=scene.home.tokens[Role.VIEWER],
    )

    # Without a word that it is a test environment, what is at an exchange is real.
    assert {one["node"]["name"]: one["node"]["money"] for one in data["accounts"]["edges"]} == {
        "home-paper": "PAPER",
        "spot": "LIVE",
    }
    assert [one["node"]["money"] for one in data["bots"]["edges"]] == ["PAPER"]

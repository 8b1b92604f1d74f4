"""The timetable as people see it: at the command line and over the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import pytest

from desk.bus import EventBus
from desk.clock import ManualClock
from desk.identity import Role
from desk.jobs.bell import Bell
from desk.jobs.timetable import ENTRIES, Timetable
from desk.store import SqlStore, open_store
from server.cli import run
from tests.support.api_house import People, Running, StoreHouse, people, serving
from workers.schedule import Schedule

ASKED = "{ schedule { name when missed lastAt lastOutcome nextAt } }"


@pytest.fixture
async def house(sqlite_store: SqlStore) -> StoreHouse:
    """A house whose clock does not tell the day, and forgets every six hours."""
    changed = Timetable(["day_summary=off", "job_retention=6h"])
    return StoreHouse(sqlite_store, timetable=changed)


@pytest.fixture
async def home(house: StoreHouse) -> People:
    """A workspace with everybody in it."""
    return await people(house)


@pytest.fixture
async def web(house: StoreHouse, home: People) -> AsyncIterator[Running]:
    """The server."""
    async with serving(house) as running:
        yield running


async def test_the_api_shows_each_entry_as_the_settings_have_it_and_what_became_of_it(
    web: Running, house: StoreHouse, home: People
) -> None:
    clock = ManualClock(home.workspace.created_at + timedelta(hours=7))
    await Schedule(house.store, EventBus(), clock, Bell(), house.timetable).look()

    page = await web.client.post(
        f"{web.url}/graphql",
        json={"query": ASKED},
        headers={"authorization": f"Bearer {home.tokens[Role.VIEWER]}"},
    )

    shown = {one["name"]: one for one in page.json()["data"]["schedule"]}
    assert set(shown) == {one.name for one in ENTRIES}
    off, kept = shown["day_summary"], shown["job_retention"]
    assert (off["when"], off["nextAt"], off["lastAt"]) == ("off", None, None)
    assert (kept["when"], kept["lastOutcome"]) == ("every 6h", "fired")
    assert (
        datetime.fromisoformat(kept["lastAt"])
        <= clock.now()
        < datetime.fromisoformat(kept["lastAt"]) + timedelta(hours=6)
    )


def test_the_command_line_shows_the_same(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BREAKWATER_SCHEDULE", "day_summary=07:30")
    monkeypatch.setenv("BREAKWATER_DATABASE_URL", sqlite_url)

    async def begin() -> None:
        store = open_store(sqlite_url)
        async with store.transaction() as tx:
            await tx.workspaces.create("home")
        await store.close()

    asyncio.run(begin())

    code = run(["jobs", "schedule", "--data-dir", str(tmp_path), "--json"])

    shown = {one["name"]: one for one in orjson.loads(capsys.readouterr().out)["schedule"]}
    assert code == 0
    assert set(shown) == {one.name for one in ENTRIES}
    assert (shown["day_summary"]["when"], shown["day_summary"]["last_at"]) == ("07:30 UTC", None)


def test_an_unknown_entry_in_the_settings_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BREAKWATER_SCHEDULE", "reprots=07:30")

    code = run(["jobs", "schedule", "--data-dir", str(tmp_path)])

    assert code == 2
    assert "day_summary" in capsys.readouterr().err

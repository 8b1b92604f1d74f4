"""Health, readiness, metrics and the frontier of the web server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from desk.identity import Role
from desk.settings import Settings
from desk.store import SqlStore
from server.health import MAX_LAG_S, Health
from server.metrics import Metrics
from server.middleware import is_loopback
from tests.support.api_house import People, Running, StoreHouse, furnish, people, serving
from tests.support.records import NOON
from trading.errors import StoreProblem
from trading.events import BotStateChanged, EntryDenied, Event


@pytest.fixture
async def house(sqlite_store: SqlStore) -> StoreHouse:
    """A house on a real store."""
    return StoreHouse(sqlite_store)


@pytest.fixture
async def home(house: StoreHouse) -> People:
    """A workspace with everybody in it."""
    return await people(house)


@pytest.fixture
async def web(house: StoreHouse, home: People) -> AsyncIterator[Running]:
    """The server."""
    async with serving(house) as running:
        yield running


async def test_a_started_server_is_live_started_and_ready(web: Running) -> None:
    pages = {one: await web.client.get(f"{web.url}/{one}") for one in ("livez", "startupz", "readyz")}

    assert {one: (page.status_code, page.json()) for one, page in pages.items()} == {
        "livez": (200, {"live": True}),
        "startupz": (200, {"started": True}),
        "readyz": (200, {"ready": True, "degraded": False}),
    }
    assert pages["livez"].headers["x-content-type-options"] == "nosniff"
    assert "server" not in pages["livez"].headers


async def test_the_health_page_is_for_members_and_names_every_part(web: Running, home: People) -> None:
    closed = await web.client.get(f"{web.url}/health")
    token = home.tokens[Role.VIEWER]
    shown = await web.client.get(f"{web.url}/health", headers={"authorization": f"Bearer {token}"})

    assert (closed.status_code, closed.headers["www-authenticate"]) == (401, "Bearer")
    assert shown.status_code == 200
    assert [(one["name"], one["is_ok"]) for one in shown.json()["components"]] == [("store", True)]


async def test_a_database_that_is_away_makes_the_server_unready_but_not_dead(
    house: StoreHouse, web: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: object) -> bool:
        raise StoreProblem("The database is away.")

    monkeypatch.setattr(SqlStore, "is_current", away)
    ready, live = await web.client.get(f"{web.url}/readyz"), await web.client.get(f"{web.url}/livez")

    assert (ready.status_code, live.status_code) == (503, 200)


async def test_pending_migrations_and_a_slow_database_make_the_server_unready(
    house: StoreHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = Health(house.store, house.clock, version="1")
    health.is_started = True

    async def old(self: object) -> bool:
        return False

    async def slow(self: object) -> bool:
        await asyncio.sleep(60)
        return True

    reports = []
    for one in (old, slow):
        monkeypatch.setattr(SqlStore, "is_current", one)
        monkeypatch.setattr("server.health.STORE_S", 0.05)
        reports.append(await health.report())

    assert [one.is_ready for one in reports] == [False, False]
    assert "migration" in reports[0].components[0].detail
    assert "no answer" in reports[1].components[0].detail


async def test_a_part_that_fails_degrades_without_closing_the_door(house: StoreHouse) -> None:
    async def broken() -> str:
        raise StoreProblem("A task died.")

    async def fine() -> str:
        return "all well"

    health = Health(house.store, house.clock, version="1", checks={"tasks": broken, "feed": fine})
    health.is_started = True
    report = await health.report()
    health.is_stopping = True

    assert (report.is_ready, report.is_degraded) == (True, True)
    assert [(one.name, one.is_ok, one.detail) for one in report.components] == [
        ("store", True, ""),
        ("tasks", False, "A task died."),
        ("feed", True, "all well"),
    ]
    assert not (await health.report()).is_ready


async def test_a_loop_that_is_ten_seconds_late_is_not_live(house: StoreHouse) -> None:
    health = Health(house.store, house.clock, version="1")
    assert health.is_live

    health._last_beat -= MAX_LAG_S + 1

    assert not health.is_live


async def test_metrics_parse_and_follow_what_happens(house: StoreHouse, home: People, web: Running) -> None:
    await furnish(house, home)
    account = {"workspace_id": home.workspace.id, "occurred_at": NOON, "account_id": home.account.id}
    await house.write(
        home.workspace.id,
        BotStateChanged(**account, axis="desired", before="STOPPED", after="RUNNING", cause="test"),  # type: ignore[arg-type]
        EntryDenied(**account, signal_id="", reason="max_positions"),  # type: ignore[arg-type]
    )
    await web.ask("{ viewer { role } }", token=home.tokens[Role.VIEWER])
    await web.ask("{ nonsense }", token=home.tokens[Role.VIEWER])
    await web.client.get(f"{web.url}/wp-admin.php")
    await asyncio.sleep(0)
    text = (await web.client.get(f"{web.url}/metrics")).text
    values = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

    assert values["breakwater_bot_transitions_total", "desired"] == 1
    assert values["breakwater_risk_denied_total", "max_positions"] == 1
    assert values["breakwater_outbox_pending",] == 1
    assert values["breakwater_bot_state", "IDLE"] == 1
    assert values["breakwater_graphql_operation_duration_seconds_count", "adhoc", "query"] == 2
    assert values["breakwater_graphql_rejected_total", "validation_failed"] == 1
    assert values["breakwater_http_request_duration_seconds_count", "404", "other"] == 1
    assert all(name.startswith("breakwater_") for name, *_ in values)
    for secret in (*home.tokens.values(), home.workspace.id, home.account.id, home.members[Role.OWNER].email):
        assert secret not in text


async def test_a_named_document_is_counted_under_its_name(home: People, web: Running) -> None:
    from server.app import named_documents

    text = dict(named_documents())["Viewer"]
    await web.data(text, token=home.tokens[Role.VIEWER])
    page = (await web.client.get(f"{web.url}/metrics")).text

    assert 'document="Viewer",type="query"' in page or 'type="query",document="Viewer"' in page


def test_only_this_machines_addresses_are_loopback() -> None:
    assert [is_loopback(one) for one in ("127.0.0.1", "127.9.9.9", "::1", "localhost")] == [True] * 4
    assert [is_loopback(one) for one in ("10.0.0.1", "8.8.8.8", "example.org", "")] == [False] * 4


async def test_named_hosts_and_origins_are_let_in_with_their_preflight(
    house: StoreHouse, home: People
) -> None:
    settings = replace(Settings(), allowed_hosts=("desk.example",), origins=("https://desk.example",))
    page = {"host": "desk.example", "origin": "https://desk.example"}
    preflight = {
        **page,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    async with serving(house, settings) as web:
        named = await web.ask("{ __typename }", None, "", **page)
        asked = await web.client.options(f"{web.url}/graphql", headers=preflight)
        foreign = await web.client.options(
            f"{web.url}/graphql", headers={**preflight, "origin": "https://evil.example"}
        )
        rebound = await web.client.get(f"{web.url}/livez", headers={"host": "evil.example:80"})

    assert named.headers["access-control-allow-origin"] == "https://desk.example"
    assert (asked.status_code, asked.headers["access-control-allow-methods"]) == (200, "POST")
    assert (foreign.status_code, rebound.status_code) == (403, 421)


def test_market_facts_leave_the_counters_alone() -> None:
    metrics = Metrics(version="1")

    metrics.fact(Event(workspace_id="w", occurred_at=NOON))

    assert metrics.fills._value.get() == 0


def test_a_workspace_is_never_a_label() -> None:
    labels = {name for one in vars(Metrics(version="1")).values() for name in getattr(one, "_labelnames", ())}

    assert not labels & {"workspace", "user", "order", "bot", "account"}

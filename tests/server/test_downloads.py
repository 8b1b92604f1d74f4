"""Files of jobs: for members of the workspace, and for nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from desk.identity import Role
from desk.jobs.queueing import new_job
from desk.store import SqlStore
from tests.support.api_house import People, Running, StoreHouse, people, serving
from tests.support.records import NOON


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


async def a_report(house: StoreHouse, workspace_id: str) -> str:
    job = new_job(workspace_id, "backtest", title="", input={}, now=NOON)
    async with house.store.transaction() as tx:
        await tx.jobs.add(job)
        await tx.jobs.add_file(
            workspace_id, job.id, name="report.html", media_type="text/html", data=b"<p>gain</p>", at=NOON
        )
    return job.id


async def test_a_viewer_fetches_a_report_and_no_browser_runs_it(
    web: Running, house: StoreHouse, home: People
) -> None:
    job_id = await a_report(house, home.workspace.id)

    page = await web.client.get(
        f"{web.url}/jobs/{job_id}/files/report.html",
        headers={"authorization": f"Bearer {home.tokens[Role.VIEWER]}"},
    )

    assert (page.status_code, page.content) == (200, b"<p>gain</p>")
    assert page.headers["content-disposition"] == 'attachment; filename="report.html"'
    assert page.headers["content-security-policy"] == "sandbox"


async def test_strangers_other_workspaces_and_other_names_get_nothing(
    web: Running, house: StoreHouse, home: People
) -> None:
    async with house.store.transaction() as tx:
        elsewhere = await tx.workspaces.create("elsewhere")
    own, foreign = await a_report(house, home.workspace.id), await a_report(house, elsewhere.id)
    known = {"authorization": f"Bearer {home.tokens[Role.OWNER]}"}

    closed = await web.client.get(f"{web.url}/jobs/{own}/files/report.html")
    forged = await web.client.get(
        f"{web.url}/jobs/{own}/files/report.html", headers={"authorization": "Bearer bwk_guess"}
    )
    others = [
        await web.client.get(f"{web.url}/jobs/{job_id}/files/{name}", headers=known)
        for job_id, name in (
            (foreign, "report.html"),
            (own, "another.html"),
            (own, "..%2f..%2fetc%2fpasswd"),
            ("none", "report.html"),
        )
    ]

    assert (closed.status_code, forged.status_code) == (401, 401)
    assert [one.status_code for one in others] == [404] * 4
    assert b"gain" not in b"".join(one.content for one in (closed, forged, *others))

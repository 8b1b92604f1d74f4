"""Files of jobs: for members of the workspace, and for nobody else."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import orjson
import pytest

from api.ids import global_id
from desk.clock import ManualClock
from desk.download_links import DownloadLink, DownloadLinks
from desk.identity import Role
from desk.jobs.queueing import new_job
from desk.signing import KeysInMemory
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


async def link_of(web: Running, home: People, job_id: str, role: Role = Role.VIEWER) -> str:
    """Ask the API for the link of a job's only file."""
    answer = await web.client.post(
        f"{web.url}/graphql",
        json={
            "query": "query($id: ID!) { job(id: $id) { files { name link } } }",
            "variables": {"id": global_id("Job", job_id)},
        },
        headers={"authorization": f"Bearer {home.tokens[role]}"},
    )
    link: str = answer.json()["data"]["job"]["files"][0]["link"]
    return link


async def test_a_link_opens_without_a_token_until_its_person_is_gone(
    web: Running, house: StoreHouse, home: People
) -> None:
    link = await link_of(web, home, await a_report(house, home.workspace.id))

    opened = await web.client.get(f"{web.url}{link}")
    async with house.store.transaction() as tx:
        await tx.members.remove(home.workspace.id, home.members[Role.VIEWER].user_id)
    after = await web.client.get(f"{web.url}{link}")

    assert (opened.status_code, opened.content) == (200, b"<p>gain</p>")
    assert opened.headers["referrer-policy"] == "no-referrer"
    assert after.status_code == 404


async def test_a_link_that_was_changed_in_any_letter_opens_nothing(
    web: Running, house: StoreHouse, home: People
) -> None:
    link = await link_of(web, home, await a_report(house, home.workspace.id))
    head, _, tail = link.removeprefix("/files/").partition(".")
    forged = [
        f"{head}.{tail[:-2]}",
        f"{head[:-2]}.{tail}",
        f"{head[:10]}{'A' if head[10] != 'A' else 'B'}{head[11:]}.{tail}",
        head,
        "x" * 2_000,
        home.tokens[Role.OWNER],
    ]

    codes = [(await web.client.get(f"{web.url}/files/{one}")).status_code for one in forged]

    assert codes == [403] * len(forged)


def test_a_link_is_over_after_a_quarter_of_an_hour() -> None:
    clock = ManualClock(NOON)
    links = DownloadLinks(KeysInMemory(NOON), clock)
    link = DownloadLink(workspace_id="w", user_id="u", job_id="j", name="report.pdf")
    text = links.make(link)

    at_once = links.read(text)
    clock.advance(15 * 60 - 1)
    at_last = links.read(text)
    clock.advance(1)

    assert at_once == at_last == link
    assert links.read(text) is None


def test_no_access_token_is_taken_for_a_link() -> None:
    clock = ManualClock(NOON)
    keys = KeysInMemory(NOON)
    links = DownloadLinks(keys, clock)
    body = orjson.dumps({"k": keys.keys().current.kid, "w": "w", "u": "u", "j": "j", "n": "n", "e": 9e9})
    signature = keys.keys().current.private.sign(body)

    text = ".".join(base64.urlsafe_b64encode(one).decode().rstrip("=") for one in (body, signature))

    assert links.read(text) is None

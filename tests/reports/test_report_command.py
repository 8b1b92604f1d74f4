"""`breakwater report` and `breakwater jobs`: what they say, what they write, what they refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from desk.jobs.queueing import new_job
from desk.store import SqlStore, open_store
from desk.views import JobState
from tests.support.cli import assert_refused, breakwater
from tests.support.paper_home import a_paper_home

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def store_url(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A migrated store that the settings name."""
    monkeypatch.setenv("BREAKWATER_DATABASE_URL", sqlite_url)
    return sqlite_url


def written(url: str, write: Callable[[SqlStore], Coroutine[Any, Any, Any]]) -> Any:
    """Write into the store."""

    async def at_work() -> Any:
        store = open_store(url)
        try:
            return await write(store)
        finally:
            await store.close()

    return asyncio.run(at_work())


def test_a_report_is_told_as_json_and_written_as_files(tmp_path: Path, store_url: str) -> None:
    written(store_url, a_paper_home)

    ran = breakwater(
        "report", "month", "--day", "2026-11-05", "--save", tmp_path, "--data-dir", tmp_path, "--json"
    )

    assert ran.code == 0, ran.err
    assert ran.json["title"] == "paper: November 2026"
    assert (ran.json["from"], ran.json["trades"]) == ("2026-11-01T00:00:00+00:00", 0)
    assert ran.json["metrics"]["profit_factor"] is None
    assert ran.json["reasons"]["profit_factor"]
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert (tmp_path / "report.xlsx").read_bytes().startswith(b"PK")
    assert (tmp_path / "trades.csv").read_text("utf-8-sig").startswith("number,bot,")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("year",), ("'year'", "day, week, month")),
        (("day", "--day", "yesterday"), ("'yesterday'", "2026-11-01")),
        (("day", "--bot", "nobody"), ("'nobody'",)),
        (("day", "--account", "papre"), ("'papre'", "paper")),
        (("day", "--zone", "Mars/Base"), ("'Mars/Base'", "Europe/Berlin")),
        (("day", "--save", "/no/such/folder"), ("/no/such/folder",)),
    ],
)
def test_a_report_that_cannot_be_made_is_refused_in_one_line(
    tmp_path: Path, store_url: str, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    written(store_url, a_paper_home)

    ran = breakwater("report", *arguments, "--data-dir", tmp_path)

    assert_refused(ran, *words)


def test_jobs_are_listed_shown_canceled_and_tried_again(tmp_path: Path, store_url: str) -> None:
    async def two_jobs(store: SqlStore) -> tuple[str, str]:
        workspace_id = (await a_paper_home(store)).workspace.id
        waiting, failed = (
            new_job(workspace_id, "backtest", title=title, input={}, now=NOW) for title in ("waits", "failed")
        )
        async with store.transaction() as tx:
            await tx.jobs.add(waiting)
            await tx.jobs.add(failed)
            claimed = await tx.jobs.claim(failed.id, "me", NOW, 10.0)
            assert claimed is not None
            await tx.jobs.finish(claimed, JobState.FAILED, at=NOW, error="It broke.")
            await tx.jobs.add_file(
                workspace_id, failed.id, name="log.txt", media_type="text/plain", data=b"why", at=NOW
            )
        return waiting.id, failed.id

    waiting, failed = written(store_url, two_jobs)
    at = ("--data-dir", tmp_path)

    listed = breakwater("jobs", "list", *at, "--json").json["jobs"]
    shown = breakwater("jobs", "show", failed[-8:], "--save", tmp_path, *at, "--json").json
    canceled = breakwater("jobs", "cancel", waiting[-8:], *at)
    again = breakwater("jobs", "retry", failed[-8:], *at)
    after = {one["id"]: one["state"] for one in breakwater("jobs", "list", *at, "--json").json["jobs"]}

    assert {one["id"]: one["state"] for one in listed} == {waiting: "queued", failed: "failed"}
    assert (shown["error"], shown["files"]) == ("It broke.", [{"name": "log.txt", "size": 3}])
    assert (tmp_path / "log.txt").read_bytes() == b"why"
    assert (canceled.code, again.code) == (0, 0)
    assert after == {waiting: "canceled", failed: "queued"}
    assert_refused(breakwater("jobs", "show", "00000000", *at), "00000000", "jobs list")

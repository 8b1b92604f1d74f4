"""The duties that forget: as much as the settings say, in small portions, and nothing that is still needed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from desk.clock import ManualClock
from desk.jobs.queueing import new_job
from desk.settings import load_settings
from desk.store import SqlStore
from tests.support.records import NOON
from trading.events import BotCreated
from workers import retention
from workers.kinds import Bench, Task
from workers.rooms import ROOMS


async def test_old_records_are_forgotten_as_the_settings_say(
    sqlite_store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(
        {
            "BREAKWATER_DATA_DIR": str(tmp_path),
            "BREAKWATER_JOURNAL_KEEP_DAYS": "30",
            "BREAKWATER_MESSAGES_KEEP_DAYS": "7",
        }
    )
    clock = ManualClock(NOON + timedelta(days=31))
    async with sqlite_store.transaction() as tx:
        for day in (0, 0, 0, 5, 20):
            at = NOON + timedelta(days=day)
            await tx.journal.append(
                "w1", [BotCreated(workspace_id="w1", occurred_at=at, name="x", strategy="y")], at
            )
            await tx.keys.store_answer("w1", f"{day}-{at}-{await tx.journal.head('w1')}", "h", {}, at)
        await tx.messages.first_time("w1", "hook", "m", NOON + timedelta(days=20))
    task = Task(
        job=new_job("w1", "record_retention", title="x", input={}, now=clock.now()),
        store=sqlite_store,
        clock=clock,
        bench=Bench(feed=None, settings=settings),  # type: ignore[arg-type]
        tell=lambda *progress: None,
    )
    monkeypatch.setattr(retention, "_ROWS_AT_ONCE", 2)

    result = await retention.forget_old_records(task)

    assert result.values == {"facts": 3, "answers": 5, "messages": 1}
    async with sqlite_store.reading() as tx:
        assert await tx.journal.oldest("w1") == 4


def test_every_duty_of_forgetting_is_known_to_the_workers() -> None:
    assert "workers.retention" in ROOMS
    assert {one.name for one in retention.KINDS} == {"job_retention", "record_retention"}

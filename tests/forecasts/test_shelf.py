"""The shelf: what nobody names is removed after its time, and nothing else; on a folder and in memory as on a bucket."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from desk.clock import ManualClock, SystemClock
from desk.jobs.queueing import new_job
from desk.models.room import room_of
from desk.models.shelf import Shelf, digest_of
from desk.settings import Settings
from desk.store import SqlStore
from tests.support.learned_models import Registry, trained
from trading.errors import OperatorProblem
from workers.forecasts.tidying import GRACE, tidy
from workers.kinds import Bench, Task

LONG_AGO = (SystemClock().now() - 2 * GRACE).timestamp()


def aged(path: Path) -> Path:
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def task_of(store: SqlStore, workspace_id: str, folder: Path) -> Task:
    feed: Any = None
    return Task(
        job=new_job(workspace_id, "model_retention", title="x", input={}, now=SystemClock().now()),
        store=store,
        clock=ManualClock(SystemClock().now()),
        bench=Bench(feed=feed, settings=Settings(data_dir=folder)),
        tell=lambda *progress: None,
    )


async def test_files_that_no_version_names_are_removed_after_their_time_and_no_others(
    sqlite_store: SqlStore, tmp_path: Path
) -> None:
    async with sqlite_store.transaction() as tx:
        home = await tx.workspaces.create("home")
        other = await tx.workspaces.create("other")
    room = room_of(Settings(data_dir=tmp_path))
    version = await Registry(sqlite_store, other.id, room).enter(trained())
    root = tmp_path / "models"
    orphan, young = await room.shelf.put(b"orphan"), await room.shelf.put(b"young")
    half = root / orphan[:2] / f"{orphan}.half"
    half.write_bytes(b"orp")
    strange = root / "notes" / "read me.txt"
    strange.parent.mkdir()
    strange.write_text("mine")
    for one in root.rglob("*"):
        if one.is_file() and one.name != young:
            aged(one)

    found = await tidy(task_of(sqlite_store, home.id, tmp_path))
    again = await tidy(task_of(sqlite_store, home.id, tmp_path))

    assert (found.values["removed"], found.values["bytes"]) == (2, len(b"orphan") + len(b"orp"))
    assert again.values["removed"] == 0
    assert await room.shelf.get(young) == b"young"
    assert strange.read_text() == "mine"
    assert set(await room.files(version, tuple(version.files))) == set(version.files)
    with pytest.raises(OperatorProblem, match="is not at"):
        await room.shelf.get(orphan)


async def test_the_files_of_another_house_on_the_same_place_are_left_alone(
    sqlite_store: SqlStore, tmp_path: Path
) -> None:
    async with sqlite_store.transaction() as tx:
        home = await tx.workspaces.create("home")
    room = room_of(Settings(data_dir=tmp_path))
    assert await room.shelf.owner("another house") == "another house"
    orphan = await room.shelf.put(b"theirs")
    aged(tmp_path / "models" / orphan[:2] / orphan)

    found = await tidy(task_of(sqlite_store, home.id, tmp_path))

    assert found.values == {"removed": 0, "bytes": 0, "owner": "another house"}
    assert await room.shelf.get(orphan) == b"theirs"


async def test_a_file_that_is_put_again_is_young_again(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path.as_uri())
    digest = await shelf.put(b"twice")
    aged(tmp_path / digest[:2] / digest)

    await shelf.put(b"twice")

    assert await shelf.tidy((), SystemClock().now() - timedelta(hours=1)) == (0, 0)
    assert await shelf.get(digest) == b"twice"


async def test_a_store_that_is_no_folder_is_tidied_alike() -> None:
    shelf = Shelf("memory://models-that-are-tidied")
    kept, gone = await shelf.put(b"kept"), await shelf.put(b"gone")

    found = await shelf.tidy({kept}, SystemClock().now() + timedelta(minutes=1))

    assert found == (1, 4)
    assert await shelf.get(kept) == b"kept"
    with pytest.raises(OperatorProblem):
        await shelf.get(gone)


async def test_a_place_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    shelf = Shelf((tmp_path / "file" / "models").as_uri())

    with pytest.raises(OperatorProblem, match="cannot be read"):
        await shelf.owner("home")
    assert digest_of(b"x").startswith("2d711642")

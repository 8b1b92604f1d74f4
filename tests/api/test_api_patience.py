"""A crowd of queries waits for its turn and never takes the store from trading."""

from __future__ import annotations

import asyncio

from api.patience import READINGS, PatientStore
from desk.identity import Role
from desk.store import SqlStore, open_store
from tests.api.conftest import Scene


async def test_only_so_many_readings_are_open_and_nobody_is_refused(sqlite_url: str) -> None:
    # A connection must come at once here: waiting at the store itself would be a failure.
    store: SqlStore = open_store(sqlite_url, acquire_timeout_s=0.001)
    patient = PatientStore(store)
    inside, most = 0, 0

    async def read() -> int:
        nonlocal inside, most
        async with patient.reading() as unit:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.005)
            found = len(await unit.workspaces.all())
            inside -= 1
        return found

    found = await asyncio.gather(*(read() for _ in range(40)))
    async with store.reading() as unit:
        beside = await unit.workspaces.all()
    await store.close()

    assert found == [0] * 40
    assert most == READINGS
    assert store.transactions.failures.in_a_row == 0
    assert list(beside) == []


async def test_a_crowd_at_the_door_counts_as_no_failure_of_the_store(scene: Scene) -> None:
    token = scene.home.tokens[Role.VIEWER]
    text = "{ orders { edges { node { id fills { price } } } } }"
    answers = await asyncio.gather(*(scene.web.ask(text, token=token) for _ in range(60)))

    assert {one.status_code for one in answers} == {200}
    assert scene.house.store.transactions.failures.in_a_row == 0

"""The dead man's switch: silence of the process that trades is noticed by another one."""

from __future__ import annotations

from desk.alerting.dead_man import PATIENCE_S, Pulse
from desk.store import SqlStore
from tests.alerting.alert_house import alert_house


async def test_a_process_that_falls_silent_is_missed_within_a_minute_and_welcomed_back(
    sqlite_store: SqlStore,
) -> None:
    house = await alert_house(sqlite_store)
    pulse = Pulse(sqlite_store, house.clock, "trade")
    for _ in range(10):
        await pulse.beat()
        await house.pass_time(10, step=10)
    assert house.channels["telegram"].notices == []

    silent_since = house.clock.now()
    while not house.channels["telegram"].notices:
        await house.pass_time(1, step=1)
    assert (house.clock.now() - silent_since).total_seconds() <= PATIENCE_S
    await house.pass_time(120)
    assert house.channels["telegram"].kinds() == ["process_silent"]
    assert house.channels["telegram"].notices[0].alert.severity.value == "critical"

    await pulse.beat()
    await house.pass_time(5, step=5)
    assert house.channels["telegram"].kinds() == ["process_silent", "process_back"]
    assert house.channels["telegram"].notices[1].replies_to


async def test_a_process_that_was_stopped_is_not_missed(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    pulse = Pulse(sqlite_store, house.clock, "trade")
    await pulse.beat()
    await pulse.stop()

    await house.pass_time(600, step=60)

    assert await house.alerts() == []


async def test_a_process_whose_work_another_one_does_is_not_missed(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    old, new = Pulse(sqlite_store, house.clock, "trade"), Pulse(sqlite_store, house.clock, "trade")
    old.name, new.name = "trade@a:1", "trade@b:2"
    await old.beat()

    for _ in range(30):
        await new.beat()
        await house.pass_time(10, step=10)

    assert await house.alerts() == []

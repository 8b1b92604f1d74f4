"""Alerting in an opened house: the pulse of the process, the watch, and a channel that came up later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from desk.alerting.raising import raise_alerts
from desk.assembly import HouseOptions, open_house
from desk.identity import Role
from tests.alerting.alert_house import Recorder
from trading.events import StrategyFailed


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110 - the condition is in the database
            await asyncio.sleep(0.02)


async def test_a_house_says_that_it_lives_carries_what_is_due_and_says_that_it_goes(tmp_path: Path) -> None:
    options = HouseOptions(data_dir=tmp_path, role="trade")
    channel = Recorder("email")
    async with open_house(options) as house:
        async with house.store.transaction() as tx:
            workspace = await tx.workspaces.create("home")
            await tx.members.add(workspace.id, name="ann", email="ann@example.org", role=Role.OWNER)

        async def lives() -> bool:
            async with house.store.reading() as tx:
                return any(one.stopped_at is None for one in await tx.notices.heartbeats())

        async def watches() -> bool:
            async with house.store.reading() as tx:
                return await tx.leases.holder("alert-watch", house.clock.now()) is not None

        await until(lives)
        await until(watches)
        assert {"pulse", "outbox", "alerts"} <= {one.get_name() for one in house.tasks}
        fact = StrategyFailed(
            workspace_id=workspace.id,
            occurred_at=house.clock.now(),
            bot_id="b",
            strategy="trend_following",
            detail="division by zero",
        )
        async with house.store.transaction() as tx:
            await raise_alerts(tx, workspace.id, [fact], house.clock.now())
        house.pump.attach(channel)
        house.pump.ring()

        async def arrived() -> bool:
            return "strategy_failed" in channel.kinds()

        await until(arrived)
        assert house.is_healthy

    another = HouseOptions(data_dir=tmp_path, role="chat", is_trading=False)
    async with open_house(another) as later, later.store.reading() as tx:
        [beat] = await tx.notices.heartbeats()
    assert beat.role == "trade"
    assert beat.stopped_at is not None

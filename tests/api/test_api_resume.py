"""Many subscribers with many reconnects while facts flow: each sees every fact once, in order.

`BREAKWATER_TEST_SUBSCRIBERS`, `_RECONNECTS` and `_FACTS` make it larger (100, 20 and 10000 for the full proof).
"""

from __future__ import annotations

import asyncio
import os
import random

from websockets.exceptions import ConnectionClosed

from api.ids import journal_cursor
from desk.identity import Role
from tests.api.conftest import Scene
from tests.api.test_api_streams import AT, EVENTS, opened
from trading.events import PairUnlocked

SUBSCRIBERS = int(os.environ.get("BREAKWATER_TEST_SUBSCRIBERS", "10"))
RECONNECTS = int(os.environ.get("BREAKWATER_TEST_RECONNECTS", "5"))
FACTS = int(os.environ.get("BREAKWATER_TEST_FACTS", "500"))

#: Facts of one transaction.
BATCH = 10


async def _subscriber(scene: Scene, number: int) -> list[int]:
    """Read everything, and lose the connection at random places."""
    dice = random.Random(number)
    breaks = sorted(dice.sample(range(1, FACTS), RECONNECTS))
    seen: list[int] = []
    cursor = journal_cursor(0)
    while len(seen) < FACTS:
        try:
            async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
                await socket.subscribe(EVENTS, after=cursor)
                assert (await socket.event())["kind"] == "SUBSCRIBED"
                while len(seen) < FACTS:
                    found = await socket.event()
                    seen.append(found["sequence"])
                    cursor = found["cursor"]
                    if breaks and len(seen) >= breaks[0]:
                        breaks.pop(0)
                        # Cut without a goodbye, as a network does.
                        socket.connection.transport.abort()
                        break
        except ConnectionClosed:
            continue
    return seen


async def _facts(scene: Scene) -> None:
    home = scene.home.workspace.id
    for start in range(0, FACTS, BATCH):
        facts = [
            PairUnlocked(workspace_id=home, occurred_at=AT, pair=f"P{start + at}/USDT", reason="flow")
            for at in range(BATCH)
        ]
        # Every third batch is written as by another process: only the store tells of it.
        await scene.house.write(home, *facts, publish=start // BATCH % 3 != 0)
        await asyncio.sleep(0.005)


async def test_every_subscriber_sees_the_whole_sequence_once_across_reconnects(scene: Scene) -> None:
    async with asyncio.timeout(170), asyncio.TaskGroup() as group:
        readers = [group.create_task(_subscriber(scene, number)) for number in range(SUBSCRIBERS)]
        group.create_task(_facts(scene))

    expected = list(range(1, FACTS + 1))
    assert [one for one, task in enumerate(readers) if task.result() != expected] == []
    await asyncio.sleep(0.05)
    assert scene.house.bus.listeners == 1, "only the metrics listen on"

"""What runs beside the requests while the web server is up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette

from api.view import GraphQLDoor
from desk.bus import EventBus
from desk.ending import ended
from server.health import Health
from server.metrics import Metrics


def lifespan(
    *, health: Health, metrics: Metrics, bus: EventBus, door: GraphQLDoor | None = None
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Give the server's life: the loop's pulse, the count of facts, our own documents; ended together."""

    @asynccontextmanager
    async def live(app: Starlette) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(health.beat(), name="pulse"),
            asyncio.create_task(metrics.count_facts(bus), name="facts"),
        ]
        if door is not None:
            tasks.append(asyncio.create_task(door.documents.read_own(), name="named documents"))
        health.is_started = True
        try:
            yield
        finally:
            health.is_stopping = True
            if door is not None:
                await door.close()
            await ended(*tasks)

    return live

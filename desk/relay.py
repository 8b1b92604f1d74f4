"""Word between the processes of one house, through Redis: who committed what, and market data.

The journal stays the truth. Redis carries only "this workspace's journal reaches so far" and bars as they close;
everybody reads facts from the store, and asks it from time to time without being told. So a Redis that is away,
flushed or restarted costs moments, never a fact.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
import redis.asyncio
import structlog
from redis.exceptions import RedisError

from desk.bus import EventBus, SlowConsumer, Subscription
from desk.clock import Clock
from desk.secrets import Secret
from trading.errors import BreakwaterError
from trading.events import Event, Recorded, as_payload, from_payload, kind_of

log = structlog.get_logger(__name__)

#: One house per Redis database: two that share one would hear each other's bars.
CHANNEL = "breakwater:word"

#: A Redis that does not answer for so long is away.
ANSWER_S = 5.0

#: Pauses between tries while Redis is away.
PAUSES_S = (0.5, 1.0, 2.0, 5.0)

#: Facts of this process that wait to be told; beyond that only the newest place matters, which comes after them.
WAITING = 4096


class RedisRelay:
    """Tells what happens here and hears what happens in the other processes.

    Args:
        url: of the Redis database that the house's processes share.
        wake: called when another process committed something.
    """

    def __init__(self, url: Secret, bus: EventBus, clock: Clock, wake: Callable[[], None]) -> None:
        self._url = url
        self._bus = bus
        self._clock = clock
        self._wake = wake
        self._name = uuid4().hex
        self._ours: Subscription | None = None
        self.is_connected = False

    async def run(self) -> None:
        """Relay until cancelled; come back by itself when Redis was away."""
        failures = 0
        while True:
            try:
                await self._session()
            except* (RedisError, OSError, TimeoutError) as problems:
                if self.is_connected or failures == 0:
                    log.warning("relay_away", problem=type(problems.exceptions[0]).__name__)
                failures = 0 if self.is_connected else failures + 1
            finally:
                self.is_connected = False
            await self._clock.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])

    async def _session(self) -> None:
        client = redis.asyncio.from_url(
            self._url.reveal(), socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S
        )
        try:
            async with client.pubsub(ignore_subscribe_messages=True) as heard:
                await heard.subscribe(CHANNEL)
                self.is_connected = True
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._hear(heard))
                    group.create_task(self._tell(client))
        finally:
            await client.aclose()

    async def _tell(self, client: redis.asyncio.Redis) -> None:
        while True:
            self._ours = self._bus.subscribe(None, limit=WAITING)
            try:
                async for found in self._ours:
                    await client.publish(CHANNEL, orjson.dumps({"from": self._name, **_word(found)}))
            except SlowConsumer:
                # Places only grow: the next fact's place covers what was dropped.
                log.info("relay_behind")
            finally:
                self._ours.close()
                self._ours = None

    async def _hear(self, heard: Any) -> None:
        while True:
            message = await heard.get_message(timeout=ANSWER_S)
            if message is None:
                # Nothing was said: is anybody there?
                await heard.ping()
                continue
            if message["type"] == "message":
                self._take(message["data"])

    def _take(self, data: bytes) -> None:
        """Believe nothing that does not read as a word of ours: others may write to this Redis too."""
        try:
            said = orjson.loads(data)
            if said.get("from") == self._name:
                return
            if "market" in said:
                event = from_payload(said["market"], said["payload"])
                self._bus.publish_market(event, beside=self._ours)
                return
            self._bus.hear_of(str(said["workspace"]), int(said["head"]))
        except (ValueError, KeyError, TypeError, AttributeError, AssertionError, BreakwaterError) as problem:
            log.warning("relay_not_understood", problem=type(problem).__name__)
            return
        self._wake()


def _word(found: Recorded | Event) -> dict[str, Any]:
    if isinstance(found, Recorded):
        return {"workspace": found.event.workspace_id, "head": found.sequence}
    return {"market": kind_of(found), "payload": as_payload(found)}

"""The message broker: in this process by default, Redis or RabbitMQ by setting. The database is the queue of record; this rings.

Dramatiq's defaults do not fit: a killed worker's message must come back within seconds, a failed one is tried again
after 1, 2, 4, 8 and 16 s and then given up, and nothing is kept for days.
"""

from __future__ import annotations

from typing import Any

from dramatiq import Broker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import (
    AgeLimit,
    Callbacks,
    CurrentMessage,
    Middleware,
    Pipelines,
    ShutdownNotifications,
    TimeLimit,
)

from trading.errors import BadSetting
from workers.middleware import Retry

#: A worker that has not been heard of for so long is dead; its messages go to others.
HEARTBEAT_MS = 10_000

#: Look for dead workers' messages at every fetch.
MAINTENANCE_CHANCE = 1_000_000

#: No job of ours is worth doing a day later.
MAX_AGE_MS = 24 * 3_600_000

#: A job that takes longer is ended.
TIME_LIMIT_MS = 10 * 60_000


def make_broker(url: str = "") -> Broker:
    """Give a broker for an address; empty is the one in this process.

    Raises:
        BadSetting: the address is of an unknown kind.
    """
    middleware: list[Middleware] = [
        AgeLimit(max_age=MAX_AGE_MS),
        TimeLimit(time_limit=TIME_LIMIT_MS),
        ShutdownNotifications(),
        Callbacks(),
        Pipelines(),
        CurrentMessage(),
        Retry(),
    ]
    if not url:
        return StubBroker(middleware=middleware)
    if url.startswith(("redis://", "rediss://", "unix://")):
        # Each client costs 0.3 s to import and only a deployment needs it.
        from dramatiq.brokers.redis import RedisBroker

        redis: Any = RedisBroker
        on_redis: Broker = redis(
            url=url,
            middleware=middleware,
            heartbeat_timeout=HEARTBEAT_MS,
            maintenance_chance=MAINTENANCE_CHANCE,
            namespace="breakwater",
        )
        return on_redis
    if url.startswith(("amqp://", "amqps://")):
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        rabbit: Any = RabbitmqBroker
        on_rabbit: Broker = rabbit(url=url, middleware=middleware, confirm_delivery=True)
        return on_rabbit
    raise BadSetting(
        f"Broker '{url.split(':')[0]}' was given; redis://HOST:PORT/DB and amqp://USER:PASSWORD@HOST:PORT are allowed.",
        hint="Leave it empty to work in this process.",
    )

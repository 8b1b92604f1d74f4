"""Prometheus metrics: prefix `breakwater_`, base units, no user or order id in a label, a registry of our own."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from desk.bus import EventBus, SlowConsumer
from desk.clock import Clock
from desk.ports import Store
from server.job_metrics import JobMetrics
from trading.events import (
    BotStateChanged,
    EntryDenied,
    Event,
    OrderChanged,
    OrderFilled,
    OrderPlaced,
    Recorded,
)
from trading.orders import OrderState

_TIMES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Every metric of the process; also the API's observer."""

    def __init__(self, *, version: str) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        at = self.registry
        self.http = Histogram(
            "breakwater_http_request_duration_seconds", "Time of HTTP requests.", ["route", "code"],
            buckets=_TIMES, registry=at,
        )  # fmt: skip
        self.graphql = Histogram(
            "breakwater_graphql_operation_duration_seconds", "Time of GraphQL operations.", ["type", "document"],
            buckets=_TIMES, registry=at,
        )  # fmt: skip
        self.points = Counter("breakwater_graphql_cost_points", "Cost points spent.", registry=at)
        self.refused = Counter("breakwater_graphql_rejected", "Operations refused.", ["reason"], registry=at)
        self.open_sockets = Gauge("breakwater_ws_connections", "Open websockets.", registry=at)
        self.lost = Counter(
            "breakwater_subscription_dropped", "Subscriptions that were ended.", ["reason"], registry=at
        )
        self.orders = Counter(
            "breakwater_orders", "Orders by the state they reached.", ["side", "state"], registry=at
        )
        self.fills = Counter("breakwater_fills", "Executions booked.", registry=at)
        self.denied = Counter(
            "breakwater_risk_denied", "Entries that a risk check refused.", ["rule"], registry=at
        )
        self.transitions = Counter(
            "breakwater_bot_transitions", "Moves of bots' states.", ["axis"], registry=at
        )
        self.bots = Gauge("breakwater_bot_state", "Bots by condition.", ["state"], registry=at)
        self.outbox = Gauge("breakwater_outbox_pending", "Deliveries that wait.", registry=at)
        self.outbox_age = Gauge(
            "breakwater_outbox_oldest_seconds", "Age of the oldest that waits.", registry=at
        )
        self.loop_lag = Gauge("breakwater_event_loop_lag_seconds", "How late the event loop is.", registry=at)
        self.jobs = JobMetrics(at)
        self.start_up = Gauge("breakwater_startup_recovery_seconds", "From start to ready.", registry=at)
        Gauge("breakwater_build_info", "The running version.", ["version"], registry=at).labels(version).set(
            1
        )

    def operation(self, *, kind: str, document: str, seconds: float) -> None:
        """Note an operation."""
        self.graphql.labels(kind, document).observe(seconds)

    def rejected(self, reason: str) -> None:
        """Note a refusal."""
        self.refused.labels(reason).inc()

    def cost(self, points: int) -> None:
        """Note points spent."""
        self.points.inc(points)

    def sockets(self, change: int) -> None:
        """Note that sockets came or went."""
        self.open_sockets.inc(change)

    def dropped(self, reason: str) -> None:
        """Note a subscription that was ended."""
        self.lost.labels(reason).inc()

    def request(self, route: str, code: int, seconds: float) -> None:
        """Note an HTTP request."""
        self.http.labels(route, str(code)).observe(seconds)

    async def count_facts(self, bus: EventBus) -> None:
        """Count what the bus says, until canceled."""
        while True:
            subscription = bus.subscribe(None, limit=4096)
            try:
                async for found in subscription:
                    if isinstance(found, Recorded):
                        self.fact(found.event)
                return
            except SlowConsumer:
                self.dropped("metrics")
            finally:
                subscription.close()

    def fact(self, fact: Event) -> None:
        """Count one fact."""
        if isinstance(fact, OrderPlaced):
            self.orders.labels(fact.side.value, OrderState.INTENT.value).inc()
        elif isinstance(fact, OrderChanged):
            self.orders.labels("", fact.after.value).inc()
        elif isinstance(fact, OrderFilled):
            self.fills.inc()
        elif isinstance(fact, EntryDenied):
            self.denied.labels(fact.reason).inc()
        elif isinstance(fact, BotStateChanged):
            self.transitions.labels(fact.axis).inc()

    async def page(self, store: Store, clock: Clock) -> bytes:
        """Give the page; what lives in the store is read now, and left as it was when the store is away."""
        try:
            async with asyncio.timeout(2.0), store.reading() as unit:
                waiting, oldest = await unit.alerts.pending()
                await self.jobs.look(unit, clock.now())
                states: Tally[str] = Tally()
                for workspace in await unit.workspaces.all():
                    states.update(one.condition.value for one in await unit.bots.all(workspace.id))
        except (TimeoutError, OSError):
            return generate_latest(self.registry)
        self.outbox.set(waiting)
        self.outbox_age.set((clock.now() - oldest).total_seconds() if oldest else 0)
        self.bots.clear()
        for state, count in states.items():
            self.bots.labels(state).set(count)
        return generate_latest(self.registry)

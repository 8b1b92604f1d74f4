"""Alerts on their way: the outbox keeps order, claims once, and forgets nothing, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from desk.store import SqlStore, cursor_of
from desk.store.repositories.alerts import CLAIM_TTL
from desk.views import Alert, Delivery, Filter, Page
from tests.support.records import NOON, a_delivery, an_alert, later
from trading.events import Severity


async def _queued(store: SqlStore, *recipients: str, seconds: float = 0.0) -> tuple[Alert, list[Delivery]]:
    alert = an_alert("w1", seconds)
    deliveries = [a_delivery(alert, one) for one in recipients]
    async with store.transaction() as tx:
        assert await tx.alerts.add(alert, deliveries)
    return alert, deliveries


async def _due(store: SqlStore, seconds: float, channel: str = "email") -> list[str]:
    async with store.reading() as tx:
        return [delivery.id for delivery, _ in await tx.alerts.due(channel, later(seconds))]


async def _claim(store: SqlStore, delivery_id: str, seconds: float) -> bool:
    async with store.transaction() as tx:
        return await tx.alerts.mark_sending(delivery_id, later(seconds))


async def test_an_alert_and_its_deliveries_are_written_once_per_dedupe_key(any_store: SqlStore) -> None:
    alert = an_alert("w1", dedupe_key="halt:1")
    again = an_alert("w1", dedupe_key="halt:1")
    foreign = an_alert("w2", dedupe_key="halt:1")
    delivery = a_delivery(alert)

    async with any_store.transaction() as tx:
        assert await tx.alerts.add(alert, [delivery])
        assert not await tx.alerts.add(again, [a_delivery(again)])
        assert await tx.alerts.add(foreign, [])

    async with any_store.reading() as tx:
        assert await tx.alerts.by_id("w1", alert.id) == alert
        assert await tx.alerts.by_id("w1", again.id) is None
        assert await tx.alerts.by_id("w2", alert.id) is None
        assert await tx.alerts.deliveries("w1", [alert.id]) == [delivery]
        assert await tx.alerts.deliveries("w2", [alert.id]) == []
        assert await tx.alerts.deliveries("w1", []) == []
        assert await tx.alerts.pending() == (1, alert.created_at)


async def test_alerts_page_by_severity_and_acknowledgement(any_store: SqlStore) -> None:
    old, new = an_alert("w1"), replace(an_alert("w1", 60), severity=Severity.INFO)
    async with any_store.transaction() as tx:
        for one in (old, new):
            await tx.alerts.add(one, [])
        assert not await tx.alerts.acknowledge("w2", old.id, "eve", NOON)
        assert await tx.alerts.acknowledge("w1", old.id, "alice", later(70))
        assert not await tx.alerts.acknowledge("w1", old.id, "bob", later(80))

    seen = replace(old, acknowledged_by="alice", acknowledged_at=later(70))
    async with any_store.reading() as tx:
        assert await tx.alerts.page("w1", Filter(), Page()) == [new, seen]
        assert await tx.alerts.page("w1", Filter(is_open=True), Page()) == [new]
        assert await tx.alerts.page("w1", Filter(is_open=False), Page()) == [seen]
        assert await tx.alerts.page("w1", Filter(extra={"severity": Severity.CRITICAL}), Page()) == [seen]
        assert await tx.alerts.page("w1", Filter(), Page(after=cursor_of(new))) == [seen]
        assert await tx.alerts.page("w2", Filter(), Page()) == []


async def test_a_delivery_is_sent_once_and_leaves_the_outbox(any_store: SqlStore) -> None:
    alert, (delivery,) = await _queued(any_store, "alice")

    async with any_store.reading() as tx:
        assert await tx.alerts.due("email", NOON) == [(delivery, alert)]
        assert await tx.alerts.due("telegram", NOON) == []
    assert await _claim(any_store, delivery.id, 1)
    assert not await _claim(any_store, delivery.id, 1)
    assert await _due(any_store, 2) == []
    async with any_store.transaction() as tx:
        await tx.alerts.mark_sent(delivery.id, later(2))

    async with any_store.reading() as tx:
        (sent,) = await tx.alerts.deliveries("w1", [alert.id])
        assert await tx.alerts.pending() == (0, None)
    assert (sent.status, sent.attempts, sent.sent_at) == ("sent", 1, later(2))
    assert await _due(any_store, 3600) == []


async def test_a_recipient_gets_alerts_in_order_and_others_do_not_wait(any_store: SqlStore) -> None:
    _, (first, other) = await _queued(any_store, "alice", "bob")
    _, (second,) = await _queued(any_store, "alice", seconds=1)

    assert await _due(any_store, 2) == [first.id, other.id, second.id]
    assert not await _claim(any_store, second.id, 2)
    assert await _claim(any_store, first.id, 2)
    assert await _due(any_store, 2) == [other.id]
    async with any_store.transaction() as tx:
        await tx.alerts.mark_failed(first.id, "451 try later", later(30))
    assert await _due(any_store, 10) == [other.id]
    assert await _due(any_store, 30) == [first.id, other.id, second.id]
    async with any_store.transaction() as tx:
        await tx.alerts.mark_failed(first.id, "550 no such user", None)
    assert await _due(any_store, 31) == [other.id, second.id]
    assert await _claim(any_store, second.id, 31)

    async with any_store.reading() as tx:
        (failed,) = [one for one in await tx.alerts.deliveries("w1", [first.alert_id]) if one.id == first.id]
    assert (failed.status, failed.error, failed.next_attempt_at) == ("failed", "550 no such user", None)


async def test_a_claim_whose_process_died_is_due_again(any_store: SqlStore) -> None:
    _, (delivery,) = await _queued(any_store, "alice")

    assert await _claim(any_store, delivery.id, 0)

    ttl_s = CLAIM_TTL / timedelta(seconds=1)
    assert await _due(any_store, ttl_s - 1) == []
    assert await _due(any_store, ttl_s) == [delivery.id]


async def test_two_pumps_claim_a_delivery_once(any_store: SqlStore) -> None:
    _, (delivery,) = await _queued(any_store, "alice")

    claims = await asyncio.gather(*(_claim(any_store, delivery.id, 1) for _ in range(5)))

    assert sorted(claims) == [False, False, False, False, True]


async def test_an_alert_lives_and_dies_with_the_transaction_of_its_fact(any_store: SqlStore) -> None:
    alert = an_alert("w1")

    async def fail() -> None:
        async with any_store.transaction() as tx:
            await tx.alerts.add(alert, [a_delivery(alert)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    async with any_store.reading() as tx:
        assert await tx.alerts.by_id("w1", alert.id) is None
        assert await tx.alerts.pending() == (0, None)

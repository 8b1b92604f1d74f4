"""The journal and the audit: no gap, no change, on both databases."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from desk.ports import Unit
from desk.store import SqlStore, cursor_of
from desk.store.connection import Dialect
from desk.views import AuditEntry, Page
from tests.support.records import NOON, later
from trading.errors import BreakwaterError, InvalidInput, InvariantBroken
from trading.events import BotCreated, CandleClosed, Event, PositionOpened, TradingHalted


def _created(workspace_id: str, name: str) -> BotCreated:
    return BotCreated(workspace_id=workspace_id, occurred_at=NOON, name=name, strategy="elliott_wave")


async def _append(store: SqlStore, workspace_id: str, *names: str) -> list[int]:
    async with store.transaction() as tx:
        events = [_created(workspace_id, name) for name in names]
        return [one.sequence for one in await tx.journal.append(workspace_id, events, later(1))]


async def test_facts_come_back_as_they_were_with_their_places(any_store: SqlStore) -> None:
    facts: list[Event] = [
        _created("w1", "one"),
        PositionOpened(
            workspace_id="w1",
            occurred_at=NOON,
            pair="BTC/USDT",
            position_id="p1",
            is_long=True,
            quantity=Decimal("0.100000000000000001"),
            entry_price=Decimal("42000.10"),
            stop=None,
            targets=(Decimal("43000"), Decimal("44000.50")),
        ),
        TradingHalted(workspace_id="w1", occurred_at=NOON, reason="drawdown", drawdown=0.2),
    ]

    async with any_store.transaction() as tx:
        recorded = await tx.journal.append("w1", facts, later(1))
        assert await tx.journal.append("w1", [], later(1)) == ()
        assert await tx.journal.after("w1", 0) == list(recorded)

    async with any_store.reading() as tx:
        found = await tx.journal.after("w1", 0)
        assert await tx.journal.after("w1", 1, limit=1) == found[1:2]
        assert await tx.journal.after("w1", 0, kinds=["trading_halted", "bot_created"]) == [
            found[0],
            found[2],
        ]
        assert await tx.journal.after("w2", 0) == []
        assert (await tx.journal.head("w1"), await tx.journal.oldest("w1")) == (3, 1)
        assert (await tx.journal.head("w2"), await tx.journal.oldest("w2")) == (0, 0)
    assert [(one.sequence, one.recorded_at, one.event) for one in found] == [
        (i, later(1), fact) for i, fact in enumerate(facts, 1)
    ]


async def test_facts_of_others_and_market_data_are_not_journalled(any_store: SqlStore) -> None:
    candle = CandleClosed(
        workspace_id="w1",
        occurred_at=NOON,
        venue="paper",
        timeframe="1h",
        ts_ms=0,
        open=1.0,
        high=1.0,
        low=1.0,
        close=1.0,
        volume=0.0,
    )
    for event in (candle, _created("w2", "x")):
        with pytest.raises(InvariantBroken, match="was to be journalled"):
            async with any_store.transaction() as tx:
                await tx.journal.append("w1", [event], NOON)


async def test_sequences_have_no_gap_under_concurrency_and_rollback(any_store: SqlStore) -> None:
    async def fail() -> None:
        async with any_store.transaction() as tx:
            await tx.journal.append("w1", [_created("w1", "lost")] * 2, NOON)
            raise ZeroDivisionError

    async def write(i: int) -> None:
        if i % 3 == 2:
            with pytest.raises(ZeroDivisionError):
                await fail()
        else:
            await _append(any_store, "w1", f"{i}a", f"{i}b")

    await asyncio.gather(*(write(i) for i in range(18)), _append(any_store, "w2", "other"))

    async with any_store.reading() as tx:
        found = await tx.journal.after("w1", 0)
        assert await tx.journal.head("w1") == 24
    assert [one.sequence for one in found] == list(range(1, 25))
    names = [one.event.name for one in found if isinstance(one.event, BotCreated)]
    assert "lost" not in names
    # The facts of one transaction stand side by side.
    assert [a[:-1] for a in names[::2]] == [b[:-1] for b in names[1::2]]


async def test_a_reader_never_sees_a_fact_before_an_earlier_one(any_store: SqlStore) -> None:
    stop = asyncio.Event()
    heads: list[int] = []

    async def watch() -> None:
        while not stop.is_set():
            async with any_store.reading() as tx:
                found = await tx.journal.after("w1", 0)
            assert [one.sequence for one in found] == list(range(1, len(found) + 1))
            heads.append(len(found))
            await asyncio.sleep(0)

    watcher = asyncio.create_task(watch())
    await asyncio.gather(*(_append(any_store, "w1", "x") for _ in range(12)))
    stop.set()
    await watcher

    assert heads == sorted(heads)


async def _line(tx: Unit, i: int, workspace_id: str = "w1") -> AuditEntry:
    return await tx.audit.append(
        workspace_id,
        at=later(i),
        actor="alice@console",
        channel="console",
        action="start_bot",
        subject=f"bot-{i}",
        detail={"n": i, "amount": Decimal("1.50"), "big": 1e22, "text": "ünï"},
        outcome="done",
    )


async def test_audit_lines_chain_and_page_newest_first(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        written = [await _line(tx, i) for i in range(5)]
        await _line(tx, 0, "w2")

    async with any_store.reading() as tx:
        found = list(await tx.audit.page("w1", Page()))
        head = await tx.audit.page("w1", Page(first=2))
        tail = await tx.audit.page("w1", Page(after=cursor_of(head[-1])))
        assert await tx.audit.first_bad("w1") is None
        assert await tx.audit.first_bad("nobody") is None
        with pytest.raises(InvalidInput):
            await tx.audit.page("w1", Page(after="x"))
    assert [one.sequence for one in found] == [5, 4, 3, 2, 1]
    assert [*head, *tail] == found
    assert [one.hash for one in reversed(found)] == [one.hash for one in written]
    assert [one.previous_hash for one in reversed(found)] == ["", *(one.hash for one in written[:-1])]
    assert found[0].detail["amount"] == "1.50"


async def test_concurrent_audit_lines_make_one_chain(any_store: SqlStore) -> None:
    async def write(i: int) -> None:
        async with any_store.transaction() as tx:
            await tx.journal.append("w1", [_created("w1", "x")], NOON)
            await _line(tx, i)

    await asyncio.gather(*(write(i) for i in range(10)))

    async with any_store.reading() as tx:
        assert await tx.audit.first_bad("w1") is None
        assert len(await tx.audit.page("w1", Page(first=50))) == 10


@pytest.mark.parametrize("sql", ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit"])
async def test_the_database_itself_refuses_to_change_the_audit(any_store: SqlStore, sql: str) -> None:
    async with any_store.transaction() as tx:
        await _line(tx, 1)

    with pytest.raises(BreakwaterError, match="append-only"):
        async with any_store.transaction() as tx:
            await tx.connection.change(sql)
    async with any_store.reading() as tx:
        assert await tx.audit.first_bad("w1") is None


async def _tamper(store: SqlStore, *statements: str) -> None:
    """Change the audit as somebody with full rights on the database could."""
    is_sqlite = store.location.dialect is Dialect.SQLITE
    drop = (
        ["DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"]
        if is_sqlite
        else ["SET LOCAL session_replication_role = replica"]
    )
    async with store.transaction() as tx:
        for sql in (*drop, *statements):
            await tx.connection.change(sql) if is_sqlite else await _raw(tx.connection, sql)


async def _raw(connection: Any, sql: str) -> None:
    await connection.raw.execute(sql)


@pytest.mark.parametrize(
    ("statements", "bad"),
    [
        (["UPDATE audit SET actor = 'eve@console' WHERE sequence = 3"], 3),
        (["UPDATE audit SET detail = '{}' WHERE sequence = 1"], 1),
        (["DELETE FROM audit WHERE sequence = 4"], 4),
        (["DELETE FROM audit WHERE sequence = 6"], 6),
        (["DELETE FROM audit"], 1),
        (
            [
                "UPDATE audit SET sequence = 99 WHERE sequence = 2",
                "UPDATE audit SET sequence = 2 WHERE sequence = 5",
                "UPDATE audit SET sequence = 5 WHERE sequence = 99",
            ],
            2,
        ),
    ],
)
async def test_any_change_of_the_audit_is_found_and_named(
    any_store: SqlStore, statements: list[str], bad: int
) -> None:
    async with any_store.transaction() as tx:
        for i in range(6):
            await _line(tx, i)

    await _tamper(any_store, *statements)

    async with any_store.reading() as tx:
        assert await tx.audit.first_bad("w1") == bad

"""Messages on their way in, and the look over the whole database, on both databases."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from desk.identity import Role, new_id
from desk.store import SqlStore, cursor_of
from desk.views import DeadLetter, Page
from tests.support.records import (
    NOON,
    a_bot,
    a_delivery,
    a_fill,
    a_position,
    a_trade,
    an_alert,
    an_order,
    later,
)
from trading.events import BotCreated
from trading.orders import OrderState

_ROOT = Path(__file__).resolve().parents[2]


async def test_a_message_is_handled_once_however_often_it_comes(any_store: SqlStore) -> None:
    async def handle() -> bool:
        async with any_store.transaction() as tx:
            return await tx.messages.first_time("w1", "telegram", "update-7", NOON)

    assert sorted(await asyncio.gather(*(handle() for _ in range(5)))) == [False] * 4 + [True]
    async with any_store.transaction() as tx:
        assert await tx.messages.first_time("w1", "discord", "update-7", NOON)


async def test_a_message_whose_handling_failed_is_new_again(any_store: SqlStore) -> None:
    async def fail() -> None:
        async with any_store.transaction() as tx:
            assert await tx.messages.first_time("w1", "webhook", "m", NOON)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    async with any_store.transaction() as tx:
        assert await tx.messages.first_time("w1", "webhook", "m", NOON)


async def test_dead_letters_keep_their_cause_and_are_replayed_once(any_store: SqlStore) -> None:
    def letter(seconds: float) -> DeadLetter:
        return DeadLetter(
            id=new_id(),
            workspace_id="w1",
            source="jobs",
            kind="backtest",
            payload={"job": "7"},
            payload_hash="ab",
            cause="ValueError: x",
            trace_id="t",
            attempts=5,
            created_at=later(seconds),
            replayed_at=None,
        )

    old, new = letter(0), letter(1)
    async with any_store.transaction() as tx:
        await tx.messages.bury(old)
        await tx.messages.bury(new)
        assert not await tx.messages.mark_replayed("w2", old.id, later(2), by="ann")
        assert await tx.messages.mark_replayed("w1", old.id, later(2), by="ann")
        assert not await tx.messages.mark_replayed("w1", old.id, later(3), by="bob")

    async with any_store.reading() as tx:
        assert await tx.messages.buried("w1", Page(first=1)) == [new]
        assert await tx.messages.buried("w1", Page(after=cursor_of(new))) == [
            replace(old, replayed_at=later(2), settled_by="ann")
        ]
        assert await tx.messages.buried("w2", Page()) == []


async def _sound(store: SqlStore) -> str:
    """Fill a store with rows that belong together; give the order's id."""
    async with store.transaction() as tx:
        workspace = (await tx.workspaces.create("home")).id
        await tx.members.add(workspace, name="alice", email="", role=Role.OWNER)
        account = await tx.accounts.create(
            workspace,
            name="p",
            venue="paper",
            is_live=False,
            currency="USDT",
            capital=Decimal(1),
            settings={},
        )
        await tx.bots.create(a_bot(workspace, account.id))
        order = an_order(workspace, account.id)
        await tx.orders.add(order, idempotency_key="k")
        await tx.orders.move(workspace, order.id, OrderState.CLAIMED, evidence="e", at=NOON)
        position = a_position(workspace, account.id)
        await tx.positions.save(position)
        await tx.fills.add(replace(a_fill(order), position_id=position.id))
        await tx.positions.add_trade(
            replace(a_trade(workspace), account_id=account.id, position_id=position.id)
        )
        alert = an_alert(workspace)
        await tx.alerts.add(alert, [a_delivery(alert)])
        facts = [BotCreated(workspace_id=workspace, occurred_at=NOON, name="x", strategy="y")] * 3
        await tx.journal.append(workspace, facts, NOON)
        await tx.audit.append(
            workspace, at=NOON, actor="a", channel="c", action="x", subject="", detail={}, outcome="done"
        )
    return order.id


async def test_a_sound_database_has_no_problem(any_store: SqlStore) -> None:
    assert await any_store.check() == []
    await _sound(any_store)
    assert await any_store.check() == []


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("DELETE FROM accounts", "rows of bots name a row of accounts that is not there"),
        ("UPDATE accounts SET workspace_id = 'other'", "rows of orders name a row of accounts"),
        ("DELETE FROM event_log WHERE sequence = 2", "holds 2 facts from 1 to 3; it counted to 3"),
        ("DELETE FROM event_log WHERE sequence = 3", "holds 2 facts from 1 to 2; it counted to 3"),
        ("UPDATE orders SET state = 'filled'", "is filled, but its last event says claimed"),
        ("UPDATE counters SET audit = 2", "does not follow at line 2"),
        ("DELETE FROM counters", "does not follow at line 1"),
    ],
)
async def test_damage_is_found_and_named(any_store: SqlStore, damage: str, found: str) -> None:
    await _sound(any_store)

    async with any_store.transaction() as tx:
        await tx.connection.change(damage)

    assert any(found in one for one in await any_store.check()), await any_store.check()


def test_an_installed_package_finds_its_migrations(tmp_path: Path) -> None:
    """The wheel maps the folder to another name; nothing of the source tree is reachable here."""
    without = ignore_patterns("__pycache__")
    for name in ("desk", "trading", "strategies"):
        copytree(_ROOT / name, tmp_path / name, ignore=without)
    copytree(_ROOT / "migrations", tmp_path / "breakwater_migrations", ignore=without)
    program = (
        "from desk.store.schema import known_migrations, migrations_folder; from desk.store.migrate import package; "
        "print(migrations_folder().name, package(), len(known_migrations()))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    count = len(list((_ROOT / "migrations").glob("0*.py")))
    assert done.stdout.split() == ["breakwater_migrations", "breakwater_migrations", str(count)], done.stderr

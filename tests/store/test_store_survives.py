"""Crashes: what was committed is there afterwards, what was not leaves no trace, and the store heals by itself.

A few of each; `tests/proofs/store_crashes.py` makes many.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from desk.store import SqlStore
from tests.support.crashes import (
    HEAL_S,
    cut_the_log,
    kill_a_writer,
    nothing_told_of_is_lost,
    restart_under_load,
    write_transactions,
)
from tests.support.services import PostgresServer


async def test_a_writer_killed_at_any_moment_loses_nothing_it_told_of(sqlite_url: str) -> None:
    dice = random.Random(5)

    told = [one for _ in range(2) for one in kill_a_writer(sqlite_url, dice.randint(1, 60))]

    await nothing_told_of_is_lost(sqlite_url, told, kills=2)


async def test_a_log_cut_at_any_byte_leaves_whole_transactions(
    sqlite_store: SqlStore, tmp_path: Path
) -> None:
    await write_transactions(sqlite_store, 20)

    heads = cut_the_log(sqlite_store.location.path, tmp_path, cuts=40, seed=11)

    assert min(heads) < max(heads) <= 20


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A PostgreSQL that this test may stop."""
    server = PostgresServer(is_own=True)
    yield server
    server.close()


async def test_a_pool_of_two_heals_after_restarts_under_load(own_server: PostgresServer) -> None:
    healed_s = await restart_under_load(own_server, [signal.SIGINT, signal.SIGINT])

    assert max(healed_s) < HEAL_S

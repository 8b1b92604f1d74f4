"""Leases, idempotency answers and confirmations: once means once, on both databases."""

from __future__ import annotations

import asyncio

import pytest

from desk.store import SqlStore
from tests.support.records import NOON, later


async def _take(store: SqlStore, holder: str, seconds: float) -> int | None:
    async with store.transaction() as tx:
        return await tx.leases.take("account:1", holder, later(seconds), 10.0)


async def test_a_lease_has_one_holder_and_counts_its_hands(any_store: SqlStore) -> None:
    assert await _take(any_store, "a", 0) == 1
    assert await _take(any_store, "b", 5) is None
    assert await _take(any_store, "a", 6) == 1
    assert await _take(any_store, "b", 15) is None
    assert await _take(any_store, "b", 16) == 2
    assert await _take(any_store, "a", 17) is None

    async with any_store.reading() as tx:
        assert await tx.leases.holder("account:1", later(17)) == ("b", 2)
        assert await tx.leases.holder("account:1", later(26)) is None
        assert await tx.leases.holder("account:2", later(17)) is None


async def test_a_released_lease_is_free_and_its_next_epoch_is_higher(any_store: SqlStore) -> None:
    await _take(any_store, "a", 0)

    async with any_store.transaction() as tx:
        await tx.leases.release("account:1", "b")
        assert await tx.leases.holder("account:1", later(1)) == ("a", 1)
        await tx.leases.release("account:1", "a")
        assert await tx.leases.holder("account:1", later(1)) is None

    assert await _take(any_store, "a", 2) == 2


async def test_of_many_takers_at_once_one_gets_the_lease(any_store: SqlStore) -> None:
    epochs = await asyncio.gather(*(_take(any_store, f"h{i}", 0) for i in range(6)))

    assert sorted(one for one in epochs if one is not None) == [1]


async def test_an_idempotency_key_keeps_its_first_answer(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        assert await tx.keys.stored_answer("w1", "k") is None
        assert await tx.keys.store_answer("w1", "k", "hash", {"id": "1", "n": [1, None]}, NOON)
        assert not await tx.keys.store_answer("w1", "k", "other", {}, NOON)
        assert await tx.keys.store_answer("w2", "k", "other", {}, NOON)

    async with any_store.reading() as tx:
        assert await tx.keys.stored_answer("w1", "k") == ("hash", {"id": "1", "n": [1, None]})
        assert await tx.keys.stored_answer("w3", "k") is None


async def test_of_many_requests_with_one_key_one_has_an_effect(any_store: SqlStore) -> None:
    async def ask(i: int) -> bool:
        async with any_store.transaction() as tx:
            return await tx.keys.store_answer("w1", "k", "hash", {"by": i}, NOON)

    assert sorted(await asyncio.gather(*(ask(i) for i in range(5)))) == [False] * 4 + [True]


async def _tap(
    store: SqlStore,
    seconds: float = 1.0,
    *,
    workspace_id: str = "w1",
    token: str = "t",
    user_id: str = "alice",
    channel: str = "console",
    command: str = "panic",
) -> str:
    async with store.transaction() as tx:
        return await tx.keys.take_confirmation(
            workspace_id,
            token,
            user_id=user_id,
            channel=channel,
            command_hash=command,
            now=later(seconds),
        )


@pytest.fixture
async def asked(any_store: SqlStore) -> SqlStore:
    """A store that waits for Alice's second tap."""
    async with any_store.transaction() as tx:
        await tx.keys.add_confirmation(
            "w1", "t", user_id="alice", channel="console", command_hash="panic", expires_at=later(60)
        )
    return any_store


async def test_a_confirmation_is_for_its_person_door_and_command(asked: SqlStore) -> None:
    assert await _tap(asked, token="x") == "unknown"
    assert await _tap(asked, workspace_id="w2") == "unknown"
    assert await _tap(asked, user_id="bob") == "foreign"
    assert await _tap(asked, channel="telegram") == "foreign"
    assert await _tap(asked, command="delete") == "foreign"
    assert await _tap(asked) == "ok"
    assert await _tap(asked) == "used"


async def test_a_confirmation_ends_by_time(asked: SqlStore) -> None:
    assert await _tap(asked, 60) == "expired"
    assert await _tap(asked, 59.9) == "ok"


async def test_of_two_taps_at_once_one_counts(asked: SqlStore) -> None:
    verdicts = await asyncio.gather(*(_tap(asked) for _ in range(5)))

    assert sorted(verdicts) == ["ok", "used", "used", "used", "used"]

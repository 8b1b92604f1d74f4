"""Tasks end, and whoever ends them is still cancelled when somebody cancels him."""

from __future__ import annotations

import asyncio

import pytest

from desk.ending import ended


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_task_is_cancelled_and_waited_for() -> None:
    task = asyncio.create_task(forever())

    await ended(task)

    assert task.cancelled()


async def test_nothing_to_end_is_nothing_to_wait_for() -> None:
    await ended()


async def test_what_a_task_had_raised_is_told() -> None:
    async def broken() -> None:
        raise ValueError("broken before")

    fine, task = asyncio.create_task(forever()), asyncio.create_task(broken())
    await asyncio.sleep(0)

    with pytest.raises(ValueError, match="broken before"):
        await ended(fine, task)

    assert fine.cancelled()


async def test_whoever_is_cancelled_while_he_ends_a_task_stays_cancelled() -> None:
    async def ender() -> None:
        while True:
            child = asyncio.create_task(forever())
            await asyncio.sleep(0)
            ending.set()
            await ended(child)

    for _ in range(50):
        ending = asyncio.Event()
        task = asyncio.create_task(ender())
        await ending.wait()
        # Falls into the wait for the child: with `suppress(CancelledError)` the loop would go on for ever.
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=5)
        assert done
        assert task.cancelled()

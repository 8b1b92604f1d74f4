"""Places for operations: bursts wait, floods are refused, nobody stands behind somebody else's line."""

from __future__ import annotations

import asyncio

import pytest

from api.errors import ApiError
from api.places import PER_PROCESS, Places


async def _settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_finds_every_place_taken_waits_for_one() -> None:
    places = Places(per_person=2)
    await places.enter("alice")
    await places.enter("alice")
    third = asyncio.create_task(places.enter("alice"))
    await _settled()
    waited = not third.done()
    await places.enter("bob")

    places.leave("alice")
    await third

    assert waited


async def test_who_waits_too_long_is_refused_and_leaves_the_line() -> None:
    places = Places(per_person=1, patience_s=0.01)
    await places.enter("alice")

    with pytest.raises(ApiError, match="1 at once are allowed per person"):
        await places.enter("alice")
    places.leave("alice")

    await places.enter("alice")


async def test_a_line_has_an_end() -> None:
    places = Places(per_person=1)
    await places.enter("alice")
    waiting = [asyncio.create_task(places.enter("alice")) for _ in range(4)]
    await _settled()

    with pytest.raises(ApiError, match="Too many operations"):
        await places.enter("alice")

    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    places.leave("alice")
    await places.enter("alice")


async def test_a_full_process_lets_people_in_by_turns() -> None:
    places = Places(per_person=PER_PROCESS)
    for _ in range(PER_PROCESS):
        await places.enter("crowd")
    entered: list[str] = []

    async def come(who: str) -> None:
        await places.enter(who)
        entered.append(who)

    tasks = [asyncio.create_task(come(who)) for who in ("crowd", "crowd", "crowd", "alice")]
    await _settled()
    for _ in range(2):
        places.leave("crowd")
        await _settled()

    assert entered == ["crowd", "alice"]
    for one in tasks:
        one.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_who_gives_up_in_the_moment_of_a_place_coming_free_takes_none() -> None:
    places = Places(per_person=1)
    await places.enter("alice")
    leavers = [asyncio.create_task(places.enter("alice")) for _ in range(2)]
    patient = asyncio.create_task(places.enter("alice"))
    await _settled()

    for one in leavers:
        one.cancel()
    # The cancelled ones did not run yet: they still stand in the line.
    places.leave("alice")
    await patient
    await asyncio.wait(leavers)
    places.leave("alice")

    await places.enter("alice")
    places.leave("alice")
    assert (places._all_running, places._all_waiting, places._lines) == (0, 0, {})


async def test_a_place_that_was_given_to_somebody_who_left_goes_on() -> None:
    places = Places(per_person=1)
    await places.enter("alice")
    leaver = asyncio.create_task(places.enter("alice"))
    await _settled()
    patient = asyncio.create_task(places.enter("alice"))
    await _settled()

    places.leave("alice")
    leaver.cancel()
    await asyncio.gather(leaver, return_exceptions=True)
    await asyncio.wait_for(patient, 1)

    assert leaver.cancelled()

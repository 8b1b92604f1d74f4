"""Doors are supervised: their failures stay theirs, they rest when they fail too often, and silence is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from chatops.doors.carrier import DoorDisabled
from chatops.doors.door import Door, DoorState
from desk.clock import ManualClock
from server.doors import BUDGET, REST_S, SILENCE_S, Doors
from tests.support.records import NOON


@dataclass(slots=True)
class FakeDoor:
    """A door that does as it is told, each time it is run."""

    clock: ManualClock
    name: str = "telegram"
    state: DoorState = DoorState.OPEN
    detail: str = ""
    runs: int = 0
    raises: list[BaseException] = field(default_factory=list)
    silent_since: float | None = None

    @property
    def heard_at(self) -> float:
        """Now, unless it fell silent."""
        return self.clock.monotonic() if self.silent_since is None else self.silent_since

    async def run(self) -> None:
        """Fail as told, or stay open."""
        self.runs += 1
        if self.raises:
            raise self.raises.pop(0)
        await asyncio.get_running_loop().create_future()


@asynccontextmanager
async def kept(doors: Doors) -> AsyncIterator[asyncio.Task[None]]:
    running = asyncio.create_task(doors.run())
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def passing(
    clock: ManualClock, until: Callable[[], bool], *, most_s: float = 5000.0, step_s: float = 1.0
) -> None:
    """Let time pass until something holds."""
    ends = clock.monotonic() + most_s
    while not until():
        assert clock.monotonic() < ends, "it never came to that"
        for _ in range(10):
            await asyncio.sleep(0)
        clock.advance(step_s)


async def test_a_door_that_fails_is_opened_again_and_the_others_stay_open() -> None:
    clock = ManualClock(NOON)
    bad = FakeDoor(clock, raises=[RuntimeError("x"), ExceptionGroup("y", [OSError("away")])])
    good = FakeDoor(clock, name="discord")
    doors = Doors([bad, good], clock)
    async with kept(doors) as running:
        await passing(clock, lambda: bad.runs == 3)

        assert not running.done()
    assert (good.runs, doors.restarts()) == (1, {"telegram": 2, "discord": 0})


async def test_a_door_that_fails_too_often_rests_and_is_tried_again_later() -> None:
    clock = ManualClock(NOON)
    door = FakeDoor(clock, raises=[RuntimeError(f"no. {n}") for n in range(BUDGET + 1)])
    doors = Doors([door], clock)
    async with kept(doors):
        await passing(clock, lambda: doors.states()["telegram"][0] is DoorState.RESTING)
        rested_at = clock.monotonic()
        runs = door.runs
        await passing(clock, lambda: door.runs > runs, step_s=20.0)

        assert runs == BUDGET + 1
        assert clock.monotonic() - rested_at >= REST_S - 20
        await passing(clock, lambda: doors.states()["telegram"][0] is DoorState.OPEN)


async def test_a_door_that_is_switched_off_says_why_and_is_tried_again_when_somebody_may_have_mended_it() -> (
    None
):
    clock = ManualClock(NOON)
    told: list[tuple[str, str]] = []

    async def on_disabled(door: Door, reason: str) -> None:
        told.append((door.name, reason))

    problem = DoorDisabled("token revoked")
    door = FakeDoor(
        clock, raises=[ExceptionGroup("g", [OSError("x"), ExceptionGroup("h", [problem])]), problem]
    )
    doors = Doors([door], clock, on_disabled=on_disabled)
    async with kept(doors):
        await passing(clock, lambda: doors.states()["telegram"][0] is DoorState.DISABLED)
        assert doors.states()["telegram"] == (DoorState.DISABLED, "token revoked")
        await passing(clock, lambda: door.runs == 3, step_s=20.0)
        await passing(clock, lambda: doors.states()["telegram"][0] is DoorState.OPEN)

    assert told == [("telegram", "token revoked")]


async def test_a_door_that_gives_no_sign_of_life_is_restarted() -> None:
    clock = ManualClock(NOON)
    door = FakeDoor(clock, silent_since=0.0)
    doors = Doors([door], clock)
    async with kept(doors):
        await passing(clock, lambda: door.runs == 2, most_s=3 * SILENCE_S)

    assert doors.restarts() == {"telegram": 1}

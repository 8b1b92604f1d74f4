"""Chat doors as supervised tasks: each with its own restart budget, so that none of them can touch trading."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from chatops.doors.carrier import DoorDisabled
from chatops.doors.door import Door, DoorState
from desk.clock import Clock

log = structlog.get_logger(__name__)

#: A door may fail this often …
BUDGET = 10
#: … within this time; then it rests.
BUDGET_S = 600.0
#: A resting door is tried again after this time.
REST_S = 600.0
#: Waits between restarts: 1, 2, 4 … seconds up to this.
LONGEST_WAIT_S = 60.0
#: A door that gave no sign of life for this long is restarted.
SILENCE_S = 120.0

#: Told when a door was switched off for good, with the reason.
OnDisabled = Callable[[Door, str], Awaitable[None]]


@dataclass(slots=True)
class _Post:
    """A door and how it has done."""

    door: Door
    failures: deque[float] = field(default_factory=deque)
    restarts: int = 0
    override: DoorState | None = None
    reason: str = ""


class Doors:
    """Keeps the doors open."""

    def __init__(self, doors: Sequence[Door], clock: Clock, *, on_disabled: OnDisabled | None = None) -> None:
        self._posts = [_Post(door) for door in doors]
        self._clock = clock
        self._on_disabled = on_disabled

    @property
    def names(self) -> tuple[str, ...]:
        """The doors there are."""
        return tuple(post.door.name for post in self._posts)

    def states(self) -> dict[str, tuple[DoorState, str]]:
        """Give how each door stands and what is wrong."""
        return {
            post.door.name: (post.override, post.reason)
            if post.override
            else (post.door.state, post.door.detail)
            for post in self._posts
        }

    def restarts(self) -> dict[str, int]:
        """Give how often each door was restarted."""
        return {post.door.name: post.restarts for post in self._posts}

    async def run(self) -> None:
        """Keep every door open until cancelled; a door's end is never ours."""
        async with asyncio.TaskGroup() as tasks:
            for post in self._posts:
                tasks.create_task(self._keep(post), name=f"door:{post.door.name}")

    async def _keep(self, post: _Post) -> None:
        while True:
            try:
                await self._watched(post.door)
                reason = "it ended by itself"
            except Exception as problem:
                first = _first(problem)
                if isinstance(first, DoorDisabled):
                    await self._disabled(post, first)
                    continue
                # Whatever it was, it stays at this door.
                log.exception("chat_door_failed", door=post.door.name)
                reason = f"{type(first).__name__}: {first}"
            await self._pause(post, reason)

    async def _watched(self, door: Door) -> None:
        """Run a door beside a watchdog that ends it when it gives no sign of life."""
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(door.run(), name=f"door-run:{door.name}")
            watching = tasks.create_task(self._watch(door), name=f"door-watch:{door.name}")
            await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED)
            watching.cancel()
            running.cancel()

    async def _watch(self, door: Door) -> None:
        began = self._clock.monotonic()
        while True:
            await self._clock.sleep(SILENCE_S / 8)
            silent_s = self._clock.monotonic() - max(door.heard_at, began)
            if silent_s > SILENCE_S:
                raise TimeoutError(f"no sign of life for {silent_s:.0f} s")

    async def _pause(self, post: _Post, reason: str) -> None:
        """Wait before the next try: longer each time, and long when the budget is spent."""
        now = self._clock.monotonic()
        post.failures.append(now)
        post.restarts += 1
        while post.failures and now - post.failures[0] > BUDGET_S:
            post.failures.popleft()
        post.reason = reason
        if len(post.failures) > BUDGET:
            post.override = DoorState.RESTING
            log.error("chat_door_rests", door=post.door.name, reason=reason)
            await self._clock.sleep(REST_S)
            post.failures.clear()
        else:
            post.override = DoorState.TROUBLED
            await self._clock.sleep(min(LONGEST_WAIT_S, 2.0 ** (len(post.failures) - 1)))
        post.override = None
        post.reason = ""

    async def _disabled(self, post: _Post, problem: BaseException) -> None:
        """Say once that a door is off, and look again after a while whether somebody mended it."""
        is_news = post.reason != str(problem)
        post.override, post.reason = DoorState.DISABLED, str(problem)
        if is_news:
            log.error("chat_door_disabled", door=post.door.name, reason=post.reason)
            if self._on_disabled is not None:
                try:
                    await self._on_disabled(post.door, post.reason)
                except Exception:
                    log.exception("chat_door_not_told", door=post.door.name)
        await self._clock.sleep(REST_S)
        post.override = None


def _first(problem: BaseException) -> BaseException:
    """Give the exception of a group that decides: the door's own end for good, or the first."""
    if not isinstance(problem, BaseExceptionGroup):
        return problem
    inner = [_first(one) for one in problem.exceptions]
    return next((one for one in inner if isinstance(one, DoorDisabled)), inner[0])

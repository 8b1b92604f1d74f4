"""Lanes: how many jobs are done at once, and how a job that takes long leaves its place to those behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from desk.ending import ended
from desk.views import Job
from workers.kinds import Kind

#: A job that takes longer moves to the places of the long ones.
PATIENCE_S = 0.2

#: Duties at once in a process: they wait for the network more than they compute.
DUTIES_AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Kinds of jobs that share a number of places, so that no lane waits behind another.

    Attributes:
        places: for jobs at once.
        only, but: kinds that it takes.
        onward: places for those of its jobs that turn out to be long; without them a job stays.
    """

    places: asyncio.Semaphore
    only: frozenset[str] = field(default_factory=frozenset)
    but: frozenset[str] = field(default_factory=frozenset)
    onward: asyncio.Semaphore | None = None

    def takes(self, kind: str) -> bool:
        """Whether jobs of a kind are this lane's."""
        return kind in self.only if self.only else kind not in self.but


def lanes_for(kinds: Iterable[Kind], hands: int) -> tuple[Lane, ...]:
    """Give the lanes of a process: heavy jobs, parts of cut ones, duties.

    A heavy job begins in one of `hands` places. When it is not done soon, or was tried before, it moves with its hand
    to one of as many places for long ones, if one is free: so what lingers, and whatever brings its hand down, is in
    nobody's way. Parts of a cut job are many and long: they are done in the places of the long ones only.
    """
    known = tuple(kinds)
    duties = frozenset(one.name for one in known if one.duty is not None)
    parts = frozenset(one.part for one in known if one.part)
    long = asyncio.Semaphore(hands)
    lanes = [Lane(places=asyncio.Semaphore(hands), but=duties | parts, onward=long)]
    if parts:
        lanes.append(Lane(places=long, only=parts))
    if duties:
        lanes.append(Lane(places=asyncio.Semaphore(DUTIES_AT_ONCE), only=duties))
    return tuple(lanes)


async def moves_on(lane: Lane, job: Job, doing: asyncio.Task[None]) -> bool:
    """Wait until a job has ended, or has one of the places for long ones; tell whether it has."""
    onward = lane.onward
    if onward is None:
        await asyncio.wait({doing})
        return False
    # What was tried before has failed, or taken its worker along: it is given no time to do so again here.
    await asyncio.wait({doing}, timeout=0.0 if job.tries > 1 else PATIENCE_S)
    if doing.done():
        return False
    getting = asyncio.create_task(onward.acquire(), name="place for a long job")
    try:
        await asyncio.wait({doing, getting}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            return True
    except BaseException:
        await _given_up(getting, onward)
        raise
    await _given_up(getting, onward)
    return False


async def _given_up(getting: asyncio.Task[bool], places: asyncio.Semaphore) -> None:
    """Want a place no more, and give it back if it came in the same moment."""
    await ended(getting)
    if not getting.cancelled():
        places.release()

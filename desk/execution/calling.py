"""Calls to a venue, counted by its breaker; whatever an adapter raises becomes one of the three kinds of bad news."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from desk.clock import Clock
from desk.execution.breaker import Breaker
from desk.execution.retries import MOST_TRIES, read
from desk.venue_port import OutcomeUnknown, Venue, VenueBusy, VenueRefusal
from trading.errors import BreakwaterError

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Calls:
    """A venue with its breaker.

    Args:
        read_tries: how often a read is tried inside one call.
    """

    def __init__(self, venue: Venue, clock: Clock, breaker: Breaker, *, read_tries: int = MOST_TRIES) -> None:
        self.venue = venue
        self.breaker = breaker
        self._clock = clock
        self._read_tries = read_tries

    async def read(self, ask: Callable[[], Awaitable[T]], *, key: str, tries: int = 0) -> T:
        """Ask for something.

        Raises:
            VenueBusy: no answer that can be used.
            VenueRefusal: the venue said no.
        """
        try:
            answer = await read(
                self._clock, lambda: self._shielded(ask), key=key, tries=tries or self._read_tries
            )
        except VenueBusy as busy:
            self.breaker.failed(busy.message)
            raise
        except VenueRefusal:
            self.breaker.succeeded()
            raise
        self.breaker.succeeded()
        return answer

    async def write(self, do: Callable[[], Awaitable[T]]) -> T:
        """Tell the venue to do something, once.

        Raises:
            VenueBusy: proved not done.
            VenueRefusal: the venue said no.
            OutcomeUnknown: nobody knows; also for whatever else an adapter raised.
        """
        try:
            answer = await do()
        except (VenueBusy, OutcomeUnknown) as problem:
            self.breaker.failed(problem.message)
            raise
        except VenueRefusal:
            self.breaker.succeeded()
            raise
        except asyncio.CancelledError:
            raise
        except Exception as problem:
            # An adapter that breaks after the first byte has told nothing about the order.
            log.exception("venue_adapter_failed", venue=self.venue.name)
            self.breaker.failed(str(problem))
            raise OutcomeUnknown(f"{self.venue.name}: {type(problem).__name__}: {problem}") from problem
        self.breaker.succeeded()
        return answer

    async def _shielded(self, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            return await ask()
        except (VenueBusy, VenueRefusal):
            raise
        except OutcomeUnknown as problem:
            raise VenueBusy(problem.message, hint=problem.hint) from problem
        except BreakwaterError:
            raise
        except Exception as problem:
            # Never an empty answer: what cannot be read is no answer.
            log.exception("venue_adapter_failed", venue=self.venue.name)
            raise VenueBusy(f"{self.venue.name}: {type(problem).__name__}: {problem}") from problem

"""Pacing: bars at a speed, counted from the first one, so that rounding never adds up."""

from __future__ import annotations

from desk.clock import Clock

#: Shorter waits are not worth a timer: several bars come at once instead.
_SHORTEST_WAIT_S = 0.002


class Pace:
    """Lets so many bars a second through; 0 = as fast as they are taken."""

    def __init__(self, clock: Clock, bars_per_s: float) -> None:
        self._clock = clock
        self._bars_per_s = bars_per_s
        self._started_s = clock.monotonic()
        self._bars = 0

    async def wait(self) -> None:
        """Wait until the next bar is due."""
        self._bars += 1
        if self._bars_per_s <= 0:
            return
        due_s = self._started_s + self._bars / self._bars_per_s
        left_s = due_s - self._clock.monotonic()
        if left_s >= _SHORTEST_WAIT_S:
            await self._clock.sleep(left_s)
        elif left_s < -1.0:
            # After a long stop (a suspended machine) bars do not come in a burst.
            self._started_s -= left_s


def speed_label(bars_per_s: float) -> str:
    """Say a speed for people."""
    return f"{bars_per_s:g} bars/s" if bars_per_s > 0 else "full speed"

"""The breaker of one venue: after three failures in a row no new risk is sent; reductions and questions always go.

Half-open after a wait that doubles while the venue flaps, so that a venue that comes and goes each second does not
make the breaker chatter.
"""

from __future__ import annotations

from enum import StrEnum

from desk.clock import Clock

#: Failures in a row that open it.
FAILURES = 3
#: First wait before a probe.
PROBE_S = 30.0
#: Longest wait between probes.
LONGEST_PROBE_S = 120.0
#: Healthy for so long, it forgets that it was ever open.
FORGETS_S = 120.0


class BreakerState(StrEnum):
    """Whether new risk may be sent."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Counts what came of calls to a venue."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._opened_s = 0.0
        self._closed_s = 0.0
        self._probe_s = PROBE_S
        self.state = BreakerState.CLOSED
        #: How often it changed.
        self.transitions = 0
        self.cause = ""

    @property
    def lets_risk_through(self) -> bool:
        """Whether new risk may be sent."""
        return self.state is BreakerState.CLOSED

    @property
    def wants_probe(self) -> bool:
        """Whether the time has come to ask whether the venue lives."""
        if self.state is BreakerState.HALF_OPEN:
            return True
        return self.state is BreakerState.OPEN and self._clock.monotonic() - self._opened_s >= self._probe_s

    def succeeded(self, *, is_probe: bool = False) -> None:
        """An answer came. An open breaker is closed by its probe only: other answers say less."""
        self._failures = 0
        now_s = self._clock.monotonic()
        if self.state is BreakerState.CLOSED:
            if now_s - self._closed_s >= FORGETS_S:
                self._probe_s = PROBE_S
        elif is_probe:
            self._go(BreakerState.CLOSED, "")
            self._closed_s = now_s

    def failed(self, cause: str, *, is_probe: bool = False) -> None:
        """No answer came, or only that it is busy."""
        self._failures += 1
        if self.state is BreakerState.CLOSED and self._failures >= FAILURES:
            was_open_lately = self.transitions > 0 and self._clock.monotonic() - self._closed_s < FORGETS_S
            self._probe_s = min(LONGEST_PROBE_S, self._probe_s * 2) if was_open_lately else PROBE_S
            self._open(cause)
        elif is_probe and self.state is not BreakerState.CLOSED:
            self._probe_s = min(LONGEST_PROBE_S, self._probe_s * 2)
            self._open(cause)

    def probing(self) -> None:
        """A probe is on its way."""
        if self.state is BreakerState.OPEN:
            self._go(BreakerState.HALF_OPEN, self.cause)

    def reset(self) -> None:
        """A person says that the venue is well."""
        self._failures = 0
        self._probe_s = PROBE_S
        if self.state is not BreakerState.CLOSED:
            self._go(BreakerState.CLOSED, "")
            self._closed_s = self._clock.monotonic()

    def _open(self, cause: str) -> None:
        self._opened_s = self._clock.monotonic()
        self._go(BreakerState.OPEN, cause)

    def _go(self, after: BreakerState, cause: str) -> None:
        self.transitions += self.state is not after
        self.state, self.cause = after, cause

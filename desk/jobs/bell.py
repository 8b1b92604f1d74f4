"""The bell: tells whoever works in this process that a job was queued. A lost ring costs a second, no more."""

from __future__ import annotations

from collections.abc import Callable


class Bell:
    """Rings for jobs. Without a listener it is silent: the sweep of some other process finds the job."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, ring: Callable[[str], None]) -> Callable[[], None]:
        """Be told of each queued job; call what this gives to stop listening."""
        self._listeners.append(ring)
        return lambda: self._listeners.remove(ring)

    def ring(self, job_id: str) -> None:
        """Tell of a queued job."""
        for listener in tuple(self._listeners):
            listener(job_id)

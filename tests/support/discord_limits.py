"""Discord's limits as a stand-in keeps them: so many messages a channel, so many requests in all, said in headers."""

from __future__ import annotations

import time
from collections import deque

#: Messages a channel takes in so many seconds, and requests a second in all.
CHANNEL_LIMIT, CHANNEL_S, GLOBAL_LIMIT = 5, 5.0, 50


class Limits:
    """Counts requests; `scale` makes the platform's seconds shorter."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        #: How often somebody was told to wait.
        self.told = 0
        #: So many further requests are told to wait, whatever was counted.
        self.refusals = 0
        self._hits: dict[str, deque[float]] = {}

    def wait_s(self, method: str, parts: list[str], headers: dict[str, str]) -> float | None:
        """Count a request and add the headers; give how long to wait where a limit is reached."""
        if self.refusals:
            self.refusals -= 1
            self.told += 1
            return 0.05
        if parts[0] in {"interactions", "webhooks"}:
            return None
        now = time.monotonic()
        everything = self._recent("", 1.0 / self.scale, now)
        if len(everything) >= GLOBAL_LIMIT:
            self.told += 1
            return everything[0] + 1.0 / self.scale - now
        if method == "POST" and parts[0] == "channels":
            window = CHANNEL_S / self.scale
            hits = self._recent(parts[1], window, now)
            reset = (hits[0] + window - now) if hits else window
            headers |= {
                "X-RateLimit-Limit": str(CHANNEL_LIMIT),
                "X-RateLimit-Remaining": str(max(0, CHANNEL_LIMIT - len(hits) - 1)),
                "X-RateLimit-Reset": str(time.time() + reset),
                "X-RateLimit-Reset-After": f"{reset:.4f}",
                "X-RateLimit-Bucket": "channel-messages",
            }
            if len(hits) >= CHANNEL_LIMIT:
                self.told += 1
                return reset
            hits.append(now)
        everything.append(now)
        return None

    def _recent(self, key: str, window: float, now: float) -> deque[float]:
        hits = self._hits.setdefault(key, deque())
        while hits and hits[0] <= now - window:
            hits.popleft()
        return hits

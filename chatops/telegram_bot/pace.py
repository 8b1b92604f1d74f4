"""Telegram's flood limits, kept before Telegram has to remind us: per chat, per group and over all chats."""

from __future__ import annotations

from collections import OrderedDict

from desk.clock import Clock

#: Messages over all chats: with the burst, and what the way there shifts, no second has more than the 30 allowed.
OVERALL_PER_S = 24.0
OVERALL_BURST = 4.0
#: Messages a second in one chat, and how many may come at once after a silence.
CHAT_PER_S = 1.0
CHAT_BURST = 3.0
#: Messages in one group: with the burst no minute has more than 20.
GROUP_PER_S = 15.0 / 60.0
GROUP_BURST = 5.0
#: Chats that are remembered; a full bucket is as good as a forgotten one.
MOST_CHATS = 20_000


class Bucket:
    """A token bucket that may go into debt: the debt is the wait."""

    __slots__ = ("_burst", "_per_s", "_seen_at", "_tokens")

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._tokens = burst
        self._seen_at = now

    def wait_s(self, now: float) -> float:
        """Give how long until a token is there."""
        tokens = min(self._burst, self._tokens + (now - self._seen_at) * self._per_s)
        return 0.0 if tokens >= 1.0 else (1.0 - tokens) / self._per_s

    def take(self, now: float) -> None:
        """Take a token."""
        self._tokens = min(self._burst, self._tokens + (now - self._seen_at) * self._per_s) - 1.0
        self._seen_at = now

    def hold(self, now: float, seconds: float) -> None:
        """Give out nothing for a while."""
        self._tokens = 1.0 - seconds * self._per_s
        self._seen_at = now


class Pace:
    """Decides when a message may leave. One per bot token, shared by replies and alerts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        now = clock.monotonic()
        self._overall = Bucket(OVERALL_PER_S, OVERALL_BURST, now)
        self._chats: OrderedDict[str, Bucket] = OrderedDict()

    async def turn(self, chat_id: str) -> None:
        """Wait until a message may leave for a chat, and count it."""
        while True:
            wait_s = self.wait_s(chat_id)
            if wait_s <= 0:
                break
            await self._clock.sleep(wait_s)
        now = self._clock.monotonic()
        self._bucket(chat_id).take(now)
        self._overall.take(now)

    def wait_s(self, chat_id: str) -> float:
        """Give how long a message for a chat would have to wait."""
        now = self._clock.monotonic()
        return max(self._overall.wait_s(now), self._bucket(chat_id).wait_s(now))

    def hold(self, chat_id: str, seconds: float) -> None:
        """Send nothing to a chat for as long as Telegram asked."""
        self._bucket(chat_id).hold(self._clock.monotonic(), seconds)

    def _bucket(self, chat_id: str) -> Bucket:
        found = self._chats.get(chat_id)
        if found is None:
            now = self._clock.monotonic()
            # Groups have negative ids.
            found = (
                Bucket(GROUP_PER_S, GROUP_BURST, now)
                if chat_id.startswith("-")
                else Bucket(CHAT_PER_S, CHAT_BURST, now)
            )
            self._chats[chat_id] = found
            while len(self._chats) > MOST_CHATS:
                self._chats.popitem(last=False)
        self._chats.move_to_end(chat_id)
        return found

"""Updates that Telegram brings itself: a secret checked in constant time, taken before they are acknowledged."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence

import orjson
import structlog
from telegram import Bot, Update

from desk.clock import Clock
from desk.secrets import Secret
from trading.errors import StoreProblem

log = structlog.get_logger(__name__)

#: A larger body is no update.
MOST_BYTES = 1_000_000

Take = Callable[[Sequence[Update]], Awaitable[None]]


class Hook:
    """The end of a webhook, handed to the web server; it is open while the door holds its lease.

    Args:
        url: what Telegram calls; it must lead to this process.
        secret: what Telegram sends along, 1 to 256 letters, digits, - and _.
    """

    def __init__(self, url: str, secret: Secret, clock: Clock) -> None:
        self.url = url
        self.secret = secret
        self._clock = clock
        self._take: Take | None = None
        self._bot: Bot | None = None
        self.heard_at = clock.monotonic()

    def open(self, bot: Bot, take: Take) -> None:
        """Take updates from now on."""
        self._bot, self._take = bot, take

    def close(self) -> None:
        """Take none; Telegram keeps them and comes again."""
        self._bot = self._take = None

    async def receive(self, secret: str, body: bytes) -> int:
        """Take an update; give the HTTP status: 200 once it is kept, anything else makes Telegram come again."""
        if not hmac.compare_digest(secret.encode(), self.secret.reveal().encode()):
            return 403
        if len(body) > MOST_BYTES:
            return 413
        if self._take is None or self._bot is None:
            return 503
        try:
            update = Update.de_json(orjson.loads(body), self._bot)
        except Exception:
            # It would be as unreadable the next time.
            log.exception("telegram_update_skipped")
            return 200
        try:
            await self._take([update])
        except StoreProblem as problem:
            log.warning("telegram_update_not_kept", error=str(problem))
            return 503
        self.heard_at = self._clock.monotonic()
        return 200

"""Updates from Telegram, one after the other: what was taken is ours before Telegram may forget it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError

from chatops.doors.carrier import DoorDisabled
from chatops.telegram_bot.reading import ALLOWED_UPDATES
from chatops.telegram_bot.wire import POLL_S, TIMEOUT_S
from desk.clock import Clock
from trading.errors import StoreProblem

log = structlog.get_logger(__name__)

#: Waits after a failed poll: 0.5, 1, 2 … seconds up to this.
LONGEST_WAIT_S = 15.0
#: A second poller is waited for so long before we look again.
CONFLICT_WAIT_S = 5.0

#: Takes updates; once it returns they are kept.
Take = Callable[[Sequence[Update]], Awaitable[None]]


class Poller:
    """Asks Telegram for updates until cancelled."""

    def __init__(self, bot: Bot, clock: Clock, take: Take, *, poll_s: int = POLL_S) -> None:
        self._bot = bot
        self._clock = clock
        self._take = take
        self._poll_s = poll_s
        self._offset: int | None = None
        #: Monotonic time of Telegram's last answer, good or bad.
        self.heard_at = clock.monotonic()
        #: What is wrong; empty when nothing is.
        self.trouble = ""

    async def run(self) -> None:
        """Poll.

        Raises:
            DoorDisabled: Telegram does not know the token any more.
        """
        failures = 0
        while True:
            try:
                updates = await self._ask()
                await self._take(updates)
            except InvalidToken as problem:
                raise DoorDisabled(
                    "Telegram does not know this token any more; make a new one with BotFather and set "
                    "BREAKWATER_TELEGRAM_TOKEN."
                ) from problem
            except Conflict as problem:
                await self._conflict(problem)
                continue
            except RetryAfter as problem:
                wait = problem.retry_after
                await self._failed(
                    str(problem), float(wait) if isinstance(wait, int) else wait.total_seconds()
                )
                continue
            except StoreProblem as problem:
                # Nothing was taken: Telegram keeps the updates and gives them again.
                failures += 1
                await self._failed(str(problem), min(LONGEST_WAIT_S, 0.25 * 2.0 ** min(failures, 10)))
                continue
            except (NetworkError, TelegramError) as problem:
                failures += 1
                await self._failed(str(problem), min(LONGEST_WAIT_S, 0.25 * 2.0 ** min(failures, 10)))
                continue
            failures = 0
            self.heard_at = self._clock.monotonic()
            if self.trouble:
                log.info("telegram_recovered", after=self.trouble)
            self.trouble = ""
            if updates:
                self._offset = updates[-1].update_id + 1

    async def _ask(self) -> Sequence[Update]:
        try:
            return await self._bot.get_updates(
                offset=self._offset,
                timeout=self._poll_s,
                read_timeout=TIMEOUT_S,
                allowed_updates=list(ALLOWED_UPDATES),
            )
        except (TelegramError, asyncio.CancelledError):
            raise
        except Exception:
            # An update that the library cannot read must not stop the others.
            log.exception("telegram_update_unreadable")
            return await self._ask_one_by_one()

    async def _ask_one_by_one(self) -> Sequence[Update]:
        """Give the readable ones of what waits; the unreadable ones are passed over."""
        raw = await self._bot.do_api_request(
            "getUpdates",
            api_kwargs={"offset": self._offset, "timeout": 0, "allowed_updates": list(ALLOWED_UPDATES)},
        )
        updates: list[Update] = []
        for one in raw if isinstance(raw, list) else []:
            try:
                updates.append(Update.de_json(one, self._bot))
            except Exception:
                log.exception("telegram_update_skipped", update_id=one.get("update_id"))
                updates.append(Update(int(one["update_id"])))
        return updates

    async def _conflict(self, problem: Conflict) -> None:
        trouble = (
            "Another process polls Telegram with the same token; only one may. End the other one, or make a token "
            "of your own with BotFather."
        )
        if self.trouble != trouble:
            log.error("telegram_second_poller", error=str(problem), advice=trouble)
        self.trouble = trouble
        self.heard_at = self._clock.monotonic()
        await self._clock.sleep(CONFLICT_WAIT_S)

    async def _failed(self, trouble: str, wait_s: float) -> None:
        if not self.trouble:
            log.warning("telegram_poll_failed", error=trouble)
        self.trouble = trouble
        self.heard_at = self._clock.monotonic()
        await self._clock.sleep(wait_s)

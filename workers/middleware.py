"""What happens around each job: tries, and running on the house's own event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import structlog
from dramatiq import Broker, MessageProxy, Worker
from dramatiq.asyncio import EventLoopThread, set_event_loop_thread
from dramatiq.middleware import Middleware

log = structlog.get_logger(__name__)

#: Waits before the second to the sixth try, in seconds.
WAITS_S = (1, 2, 4, 8, 16)


class Retry(Middleware):
    """Try a failed job again after 1, 2, 4, 8 and 16 s, then give it up."""

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Put the message back, later, or fail it for good."""
        if exception is None:
            return
        tries = int(message.options.get("tries", 0))
        if tries >= len(WAITS_S):
            log.error("job_given_up", job=message.actor_name, tries=tries + 1, problem=repr(exception))
            message.fail()
            return
        log.warning("job_failed", job=message.actor_name, tries=tries + 1, problem=repr(exception))
        broker.enqueue(message.copy(options={"tries": tries + 1}), delay=WAITS_S[tries] * 1000)


class HouseLoop(Middleware):
    """Run async jobs on the loop that the house already runs, so that they share its store and its bus."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Lend our loop, in the place where Dramatiq keeps its own."""
        lent = EventLoopThread.__new__(EventLoopThread)
        threading.Thread.__init__(lent, daemon=True)
        lent.loop, lent.interrupt_check_ival, lent.logger = self._loop, 0.1, broker.logger
        set_event_loop_thread(lent)

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Take it back."""
        set_event_loop_thread(None)

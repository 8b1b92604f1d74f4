"""What happens around each message: tries."""

from __future__ import annotations

from typing import Any

import structlog
from dramatiq import Broker, MessageProxy
from dramatiq.middleware import Middleware

log = structlog.get_logger(__name__)

#: Waits before the second to the sixth try, in seconds.
WAITS_S: tuple[float, ...] = (1, 2, 4, 8, 16)


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
        broker.enqueue(message.copy(options={"tries": tries + 1}), delay=int(WAITS_S[tries] * 1000))

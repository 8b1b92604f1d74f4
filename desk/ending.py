"""Ending tasks without losing one's own cancellation."""

from __future__ import annotations

import asyncio
from typing import Any


async def ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have ended.

    `with suppress(CancelledError): await task` cannot tell the task's cancellation from the caller's: a caller that is
    cancelled in that moment goes on as if nothing had been said, and whoever waits for it waits for ever.

    Raises:
        asyncio.CancelledError: the caller was cancelled meanwhile.
        Exception: what the first of the tasks that failed had raised.
    """
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    problems = [problem for task in tasks if not task.cancelled() and (problem := task.exception())]
    if problems:
        raise problems[0]

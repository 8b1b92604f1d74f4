"""The bot on the wire: python-telegram-bot with our timeouts, and its errors told apart by what we may do next."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

import httpx
from telegram import Bot
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)
from telegram.request import HTTPXRequest

from chatops.doors.carrier import AnswerLost, DoorDisabled, NeverThis, NotNow

T = TypeVar("T")

#: A send must be answered within this time; a picture may take longer.
TIMEOUT_S = 10.0
MEDIA_TIMEOUT_S = 30.0
#: Telegram holds an empty poll open so long.
POLL_S = 25
#: Sends at the same time.
CONNECTIONS = 24

_OFFICIAL = "https://api.telegram.org"


class Unavailable(NetworkError):
    """The server said that it took nothing (503)."""


class Wire(HTTPXRequest):
    """Requests that tell a server which took nothing from one whose answer was lost."""

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Send a request and give status and body."""
        code, payload = await super().do_request(*args, **kwargs)
        if code == httpx.codes.SERVICE_UNAVAILABLE:
            raise Unavailable("Service unavailable")
        return code, payload


def make_bot(token: str, base_url: str = "") -> Bot:
    """Give a bot of the official server, or of the one that stands in for it."""
    base = base_url or _OFFICIAL
    return Bot(
        token,
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=Wire(
            connection_pool_size=CONNECTIONS,
            read_timeout=TIMEOUT_S,
            write_timeout=TIMEOUT_S,
            connect_timeout=TIMEOUT_S,
            pool_timeout=TIMEOUT_S,
            media_write_timeout=MEDIA_TIMEOUT_S,
        ),
        get_updates_request=Wire(
            connection_pool_size=1,
            read_timeout=TIMEOUT_S,
            connect_timeout=TIMEOUT_S,
            pool_timeout=TIMEOUT_S,
        ),
    )


class Garbled(Exception):
    """Telegram cannot read what we sent, such as its HTML."""


class Unchanged(Exception):
    """An edit that changes nothing."""


class Pictured(Exception):
    """The message that was to be edited is a picture: it has a caption, and no text."""


class NotThere(Exception):
    """The message that was to be edited, or the topic, is gone."""


class Moved(Exception):
    """A group became a supergroup with another id."""

    def __init__(self, chat_id: int) -> None:
        super().__init__(f"The chat is {chat_id} now.")
        self.chat_id = chat_id


async def told_apart(call: Awaitable[T]) -> T:
    """Give a call's result.

    Raises:
        NotNow: certainly not taken.
        AnswerLost: perhaps taken.
        NeverThis, DoorDisabled: for good.
        Garbled, Unchanged, Pictured, NotThere, Moved: what the carrier can mend itself.
    """
    try:
        return await call
    except RetryAfter as problem:
        wait = problem.retry_after
        seconds = float(wait) if isinstance(wait, int) else wait.total_seconds()
        raise NotNow("flood limit", after_s=seconds) from problem
    except InvalidToken as problem:
        raise DoorDisabled(
            "Telegram does not know this token; make a new one with BotFather and set BREAKWATER_TELEGRAM_TOKEN."
        ) from problem
    except ChatMigrated as problem:
        raise Moved(problem.new_chat_id) from problem
    except Forbidden as problem:
        raise NeverThis(str(problem)) from problem
    except BadRequest as problem:
        raise _bad_request(str(problem)) from problem
    except Conflict as problem:
        raise NotNow(str(problem)) from problem
    except NetworkError as problem:
        raise _network(problem) from problem
    except TelegramError as problem:
        raise AnswerLost(str(problem)) from problem


def _bad_request(message: str) -> Exception:
    said = message.lower()
    if "can't parse entities" in said or "unsupported start tag" in said:
        return Garbled(message)
    if "message is not modified" in said:
        return Unchanged(message)
    if "no text in the message to edit" in said:
        return Pictured(message)
    gone = (
        "message to edit not found",
        "message can't be edited",
        "thread not found",
        "message to be replied not found",
        "message to reply not found",
    )
    if any(one in said for one in gone):
        return NotThere(message)
    return NeverThis(message)


def _network(problem: NetworkError) -> Exception:
    """Tell a request that never left from one whose answer did not come."""
    cause = problem.__cause__
    never_left = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
    if isinstance(problem, Unavailable) or isinstance(cause, never_left):
        return NotNow(str(problem))
    return AnswerLost(str(problem))

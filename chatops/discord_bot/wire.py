"""On the wire: what the library is given, and its failures told apart by what may be done next."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import aiohttp
import discord

from chatops.doors.carrier import AnswerLost, DoorDisabled, NeverThis, NotNow

#: One request may take this long.
SEND_TIMEOUT_S = 30.0
#: How long to stay away when Discord's own guard, before its limits, turns us off.
BANNED_S = 60.0

#: The token of an interaction is worthless: it ended, or was never ours.
BAD_TOKENS = frozenset({50027, 10015, 10062})


@asynccontextmanager
async def handed_over(*, is_safe: bool) -> AsyncIterator[None]:
    """Translate what goes wrong on the way into what an outbox understands.

    Args:
        is_safe: doing it twice shows it once, so a lost answer may be followed by the same again.

    Raises:
        NotNow, AnswerLost, NeverThis, DoorDisabled.
    """
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            yield
    except discord.RateLimited as problem:
        raise NotNow("rate limited", after_s=problem.retry_after) from problem
    except discord.HTTPException as problem:
        _refused(problem, is_safe)
    except aiohttp.ClientConnectorError as problem:
        raise NotNow(f"not reached: {problem}") from problem
    except (TimeoutError, aiohttp.ClientError, OSError) as problem:
        _lost(problem, is_safe)
    except RuntimeError as problem:
        # The library's session was closed under us: the door is being reopened.
        raise NotNow(f"no session: {problem}") from problem


def _refused(problem: discord.HTTPException, is_safe: bool) -> NoReturn:
    said = f"{problem.status} {problem.code}: {problem.text}"[:300]
    if problem.status == 401 and problem.code not in BAD_TOKENS:
        raise DoorDisabled(f"Discord does not know the token any more ({said})") from problem
    if problem.status == 429:
        raise NotNow(said, after_s=BANNED_S) from problem
    if problem.status >= 500:
        _lost(problem, is_safe)
    raise NeverThis(said) from problem


def _lost(problem: BaseException, is_safe: bool) -> NoReturn:
    said = f"{type(problem).__name__}: {problem}"
    raise (NotNow(said) if is_safe else AnswerLost(said)) from problem


def _attached(payload: Mapping[str, Any]) -> list[discord.File]:
    return [
        discord.File(io.BytesIO(base64.b64decode(one["data"])), filename=str(one["name"]))
        for one in payload.get("files") or []
    ]


def _view(payload: Mapping[str, Any]) -> discord.ui.View | None:
    """Give the components; the view is ended at once, so that the library keeps none in memory."""
    rows = payload.get("rows") or []
    if not rows:
        return None
    view = discord.ui.View(timeout=None)
    for number, row in enumerate(rows):
        for one in row:
            view.add_item(_item(one, number))
    view.stop()
    return view


def _item(one: Mapping[str, Any], row: int) -> discord.ui.Item[discord.ui.View]:
    if one["type"] == 2:
        return discord.ui.Button(
            style=discord.ButtonStyle(one["style"]),
            label=one["label"],
            custom_id=one["custom_id"],
            disabled=bool(one.get("disabled")),
            row=row,
        )
    return discord.ui.Select(
        custom_id=one["custom_id"],
        placeholder=one["placeholder"],
        options=[discord.SelectOption(label=each["label"], value=each["value"]) for each in one["options"]],
        row=row,
    )


def _embeds(payload: Mapping[str, Any]) -> list[discord.Embed]:
    return [discord.Embed.from_dict(one) for one in payload["embeds"]]


def edited(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Give what an edit shows: everything anew, so that doing it twice is doing it once."""
    found: dict[str, Any] = {
        "content": str(payload.get("content") or "") or None,
        "embeds": _embeds(payload),
        "view": _view(payload),
        "allowed_mentions": discord.AllowedMentions.none(),
    }
    if not payload.get("keeps_files"):
        found["attachments"] = _attached(payload)
    return found


def sendable(payload: Mapping[str, Any], label: str = "") -> dict[str, Any]:
    """Give what a new message shows; `label` stands above it."""
    found: dict[str, Any] = {
        "embeds": _embeds(payload),
        "allowed_mentions": discord.AllowedMentions.none(),
    }
    text = label or str(payload.get("content") or "")
    if text:
        found["content"] = text
    if files := _attached(payload):
        found["files"] = files
    if (view := _view(payload)) is not None:
        found["view"] = view
    return found

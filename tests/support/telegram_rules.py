"""What Telegram's servers insist on, as far as a bot can notice: HTML, lengths, keyboards, menus, floods."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

_TAGS = {"b", "strong", "i", "em", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"}
_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise Refusal(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"')
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise Refusal(400, f'Bad Request: can\'t parse entities: Unexpected end tag "{tag}"')

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def plain_text(text: str, parse_mode: str) -> str:
    """Give what people see, or refuse what Telegram cannot read."""
    if parse_mode != "HTML":
        return text
    if _ENTITY.search(text) or re.search(r"<(?![/a-z])", text):
        raise Refusal(400, "Bad Request: can't parse entities: unescaped character")
    reader = _Html()
    reader.feed(text)
    reader.close()
    if reader.open:
        raise Refusal(400, f"Bad Request: can't parse entities: Can't find end tag \"{reader.open[-1]}\"")
    return "".join(reader.text)


def units(text: str) -> int:
    """Count a text in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def checked_text(text: str, parse_mode: str, limit: int, *, may_be_empty: bool = False) -> str:
    """Give what people see of a text within its limit."""
    shown = plain_text(text, parse_mode)
    if not shown.strip() and not may_be_empty:
        raise Refusal(400, "Bad Request: message text is empty")
    if units(shown) > limit:
        raise Refusal(400, "Bad Request: message is too long")
    return shown


def checked_markup(raw: str | None) -> list[list[dict[str, Any]]]:
    """Give the rows of an inline keyboard within its limits; nothing for other markup."""
    if not raw:
        return []
    rows: list[list[dict[str, Any]]] = json.loads(raw).get("inline_keyboard", [])
    keys = [key for row in rows for key in row]
    if len(keys) > 100:
        raise Refusal(400, "Bad Request: REPLY_MARKUP_TOO_LONG")
    for key in keys:
        if not key.get("text"):
            raise Refusal(400, "Bad Request: can't parse inline keyboard button: Text is empty")
        if not 1 <= len(key.get("callback_data", "").encode()) <= 64:
            raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
    return rows


def checked_commands(raw: str) -> list[dict[str, str]]:
    """Give a menu within its limits."""
    commands: list[dict[str, str]] = json.loads(raw)
    if len(commands) > 100:
        raise Refusal(400, "Bad Request: too much commands specified")
    for one in commands:
        if not _COMMAND.fullmatch(one["command"]):
            raise Refusal(400, "Bad Request: BOT_COMMAND_INVALID")
        if not 1 <= units(one["description"]) <= 256:
            raise Refusal(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
    return commands


class Floods:
    """Flood limits in windows that slide: overall, per group, and per chat with a little patience."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._overall: deque[float] = deque()
        self._groups: dict[str, deque[float]] = {}
        self._chats: dict[str, tuple[float, float]] = {}
        self.refused = 0
        self.busiest_second = 0

    def pass_(self, chat_id: str, at: float) -> None:
        """Count a message, or refuse it with the time to wait."""
        now = at * self._scale
        wait = max(self._overall_wait(now), self._chat_wait(chat_id, now))
        if wait > 0:
            self.refused += 1
            seconds = max(1, round(wait + 0.5))
            raise Refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        self._overall.append(now)
        self.busiest_second = max(self.busiest_second, len(self._overall))
        if chat_id.startswith("-"):
            self._groups[chat_id].append(now)
        else:
            tokens, seen = self._chats.get(chat_id, (4.0, now))
            self._chats[chat_id] = (min(4.0, tokens + now - seen) - 1.0, now)

    def _overall_wait(self, now: float) -> float:
        while self._overall and now - self._overall[0] >= 1.0:
            self._overall.popleft()
        return 1.0 - (now - self._overall[0]) if len(self._overall) >= 30 else 0.0

    def _chat_wait(self, chat_id: str, now: float) -> float:
        if chat_id.startswith("-"):
            window = self._groups.setdefault(chat_id, deque())
            while window and now - window[0] >= 60.0:
                window.popleft()
            return 60.0 - (now - window[0]) if len(window) >= 20 else 0.0
        tokens, seen = self._chats.get(chat_id, (4.0, now))
        tokens = min(4.0, tokens + now - seen)
        return 0.0 if tokens >= 1.0 else 1.0 - tokens


def a_user(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Give a user as Telegram writes one."""
    return {
        "id": int(spec["user"]),
        "is_bot": bool(spec.get("is_bot", False)),
        "first_name": str(spec.get("name", f"user{spec['user']}")),
        "language_code": str(spec.get("language", "en")),
    }


def a_chat(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Give a chat as Telegram writes one; a negative id is a group."""
    chat_id = int(spec.get("chat", spec["user"]))
    if chat_id < 0:
        return {
            "id": chat_id,
            "type": "supergroup",
            "title": "The desk",
            "is_forum": bool(spec.get("thread")),
        }
    return {"id": chat_id, "type": "private", "first_name": f"user{chat_id}"}

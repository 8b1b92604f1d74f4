"""Logs: structlog to stderr, JSON or colour, allow-listed keys, and a redaction filter as a second net."""

from __future__ import annotations

import logging
import re
import sys
from collections import deque
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, TextIO

import orjson
import structlog

from desk.secrets import STARS, Secret

#: Keys that may stand in a log line. Others are dropped, and their names are listed under `dropped`.
ALLOWED_KEYS = frozenset(
    {
        # the line itself
        "event", "level", "timestamp", "logger", "exception", "dropped",
        # who asks and by which door
        "request_id", "incident_id", "correlation_id", "actor", "role", "channel", "command", "outcome",
        # what it is about
        "workspace", "owner", "account", "bot", "bot_id", "strategy", "pair", "timeframe", "venue", "order_id",
        "client_order_id", "position_id", "signal_id", "trade_id", "alert_id", "alert_kind", "job_id", "subject",
        "kind", "phase", "state", "before", "after", "reason", "cause", "detail", "error", "problem", "severity",
        "source", "coin", "step", "stream", "order", "door", "user", "by", "guilds", "message_id", "update_id", "mode", "advice",
        # figures
        "again_in_s", "after_s", "stalled_s", "stacks", "wish", "left", "sequence", "hash", "signature", "count", "rows", "bars", "bar_ms", "ts_ms", "attempt", "attempts", "retry_at", "delay_s",
        "duration_ms", "elapsed_s", "age_s", "size_bytes", "limit", "epoch", "holder", "lease", "lag_s",
        # the process
        "version", "pid", "host", "port", "path", "method", "status", "route", "url", "folder", "seed", "speed",
        "account_id", "accounts", "day", "entry", "failures", "incident", "job", "jobs", "model", "price", "series", "slot", "retry_in_s", "tries", "window_s", "workspace_id",
        "code", "name", "task", "label", "signal", "setting", "database", "migration", "feed", "cursor",
    }
)  # fmt: skip

#: Shapes of secrets, whoever let them slip into a text.
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"), rf"\1 {STARS}"),
    # Tokens, refresh tokens, hooks' paths and secrets, and one-time codes.
    (re.compile(r"\bbw[krhs]_[A-Za-z0-9_-]{8,}"), STARS),
    (re.compile(r"\b[A-Z2-7]{26}\b"), STARS),
    (re.compile(r"\b\d{6,12}:[A-Za-z0-9_-]{30,}"), STARS),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*"), STARS),
    (re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"), STARS),
    (re.compile(r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b"), STARS),
    (re.compile(r"(?<![\w.])\+\d[\d ()-]{7,}\d\b"), STARS),
    (
        re.compile(r"(?i)\b(password|passphrase|secret|token|api_?key)(\"?'?\s*[=:]\s*\"?'?)[^\s\"',;&}]+"),
        rf"\1\2{STARS}",
    ),
)


class Redactor:
    """Replaces known secrets, and whatever looks like one, by stars."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        values = {one.reveal() for one in secrets if len(one.reveal()) >= 4}
        self._known = (
            re.compile("|".join(re.escape(one) for one in sorted(values, key=len, reverse=True)))
            if values
            else None
        )

    def text(self, found: str) -> str:
        """Give a text without secrets."""
        if self._known is not None:
            found = self._known.sub(STARS, found)
        for shape, stars in _SHAPES:
            found = shape.sub(stars, found)
        return found

    def value(self, found: Any) -> Any:
        """Give a value without secrets; anything but plain values becomes text first."""
        if found is None or isinstance(found, bool | int | float):
            return found
        if isinstance(found, list | tuple | set | frozenset):
            return [self.value(one) for one in found]
        if isinstance(found, dict):
            return {self.text(str(key)): self.value(one) for key, one in found.items()}
        return self.text(str(found))

    def __call__(self, logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: one if key.startswith("_") else self.value(one) for key, one in line.items()}


def drop_unknown_keys(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep allow-listed keys only."""
    kept = {
        key: value for key, value in line.items() if key in ALLOWED_KEYS or key in {"exc_info", "stack_info"}
    }
    dropped = sorted(key for key in line if key not in kept and not key.startswith("_"))
    kept |= {key: value for key, value in line.items() if key.startswith("_")}
    if dropped:
        kept["dropped"] = dropped
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line of the log as people read it, redacted."""

    at: str
    level: str
    text: str


#: The newest lines of this process, for `/logs`; older ones are with whoever collects the stream.
_REMEMBERED: deque[LogLine] = deque(maxlen=2_000)

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


def remember(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep a line that has been redacted, and pass it on."""
    level = str(line.get("level", "info"))
    rest = ", ".join(
        f"{key}={value}"
        for key, value in line.items()
        if key not in {"event", "level", "timestamp"} and not key.startswith("_")
    )
    text = f"{line.get('event', '')} {rest}".strip()
    _REMEMBERED.append(LogLine(at=str(line.get("timestamp", ""))[:19], level=level, text=text[:500]))
    return line


def remembered_lines(level: str = "info") -> list[LogLine]:
    """Give the newest lines of this process from a level up, oldest first."""
    least = _LEVELS[level]
    return [one for one in tuple(_REMEMBERED) if _LEVELS.get(one.level, 20) >= least]


def set_up_logs(
    *, level: str = "info", form: str = "auto", secrets: Iterable[Secret] = (), stream: TextIO | None = None
) -> Redactor:
    """Send our logs and everybody else's to one stream (stderr), in one form.

    Args:
        level: debug, info, warning or error.
        form: "json", "colour", or "auto": colour on a terminal, JSON elsewhere.
        secrets: values that must not appear, whatever the key.

    Returns:
        the redactor, for other texts that leave the house.
    """
    out = stream if stream is not None else sys.stderr
    redactor = Redactor(secrets)
    is_colour = form == "colour" or (form == "auto" and out.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        drop_unknown_keys,
        structlog.processors.format_exc_info,
        redactor,
        remember,
    ]
    last: Any = (
        structlog.dev.ConsoleRenderer(colors=True)
        if is_colour
        else structlog.processors.JSONRenderer(serializer=_as_json)
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _quieten(level)
    return redactor


def _quieten(level: str) -> None:
    """Let chatty libraries speak only when it matters, and through our handler."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
    floor = logging.WARNING if level != "error" else logging.ERROR
    for name in (
        "uvicorn",
        "websockets",
        "numba",
        "matplotlib",
        "asyncio",
        "httpx",
        "httpcore",
        "tortoise",
        "aiosqlite",
    ):
        logging.getLogger(name).setLevel(floor)


def _as_json(line: Any, **_: Any) -> str:
    return orjson.dumps(line, default=str).decode()

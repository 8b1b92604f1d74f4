"""How a setting is declared, and how each kind of value is read from text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from desk.secrets import Secret
from trading.errors import BadSetting, nearest

#: Every setting's name begins with it.
PREFIX = "BREAKWATER_"

_WORDS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def setting(
    default: Any,
    text: str,
    *,
    read: Callable[[str, str], Any],
    group: str,
    example: str = "",
    unit: str = "",
) -> Any:
    """Declare a setting: default, one sentence, and the reader of its text."""
    metadata = {"text": text, "read": read, "group": group, "example": example, "unit": unit}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def _refuse(name: str, found: str, allowed: str, hint: str = "") -> BadSetting:
    return BadSetting(f"Setting {name} is '{found}'; {allowed} is allowed.", hint=hint or None)


def a_text(name: str, found: str) -> str:
    """Take any text."""
    return found


def a_secret(name: str, found: str) -> Secret:
    """Take a secret; it is never shown again."""
    return Secret(found)


def a_path(name: str, found: str) -> Path:
    """Take a folder or file; `~` is the home folder."""
    return Path(found).expanduser()


def a_switch(name: str, found: str) -> bool:
    """Take yes or no."""
    if found.lower() not in _WORDS:
        raise _refuse(name, found, "true or false")
    return _WORDS[found.lower()]


def words(name: str, found: str) -> tuple[str, ...]:
    """Take a list with commas."""
    return tuple(word.strip() for word in found.split(",") if word.strip())


def origins(name: str, found: str) -> tuple[str, ...]:
    """Take web origins: scheme, host and optional port, nothing after it."""
    for one in words(name, found):
        parts = urlsplit(one)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
            raise _refuse(name, one, "an origin like https://desk.example.org, without a path")
    return words(name, found)


def whole(low: int, high: int) -> Callable[[str, str], int]:
    """Take a whole number in a range."""

    def read(name: str, found: str) -> int:
        allowed = f"a whole number from {low} to {high}"
        try:
            value = int(found)
        except ValueError:
            raise _refuse(name, found, allowed) from None
        if not low <= value <= high:
            raise _refuse(name, found, allowed)
        return value

    return read


def number(low: float, high: float) -> Callable[[str, str], float]:
    """Take a number in a range."""

    def read(name: str, found: str) -> float:
        allowed = f"a number from {low:g} to {high:g}"
        try:
            value = float(Decimal(found))
        except (ValueError, ArithmeticError):
            raise _refuse(name, found, allowed) from None
        if not low <= value <= high:
            raise _refuse(name, found, allowed)
        return value

    return read


def some_of(*choices: str) -> Callable[[str, str], tuple[str, ...]]:
    """Take one or more of a few words, with commas."""

    def read(name: str, found: str) -> tuple[str, ...]:
        return tuple(one_of(*choices)(name, word) for word in words(name, found))

    return read


def one_of(*choices: str) -> Callable[[str, str], str]:
    """Take one of a few words."""

    def read(name: str, found: str) -> str:
        if found.lower() not in choices:
            raise _refuse(name, found, ", ".join(choices), nearest(found.lower(), choices))
        return found.lower()

    return read


def web_url(name: str, found: str) -> str:
    """Take an http(s) or ws(s) address; a trailing slash is dropped."""
    parts = urlsplit(found)
    if parts.scheme not in {"http", "https", "ws", "wss"} or not parts.hostname:
        raise _refuse(name, found, "an address that begins with http://, https://, ws:// or wss://")
    return found.rstrip("/")


def snowflake(name: str, found: str) -> str:
    """Take an id of Discord."""
    if not (found.isascii() and found.isdigit() and 15 <= len(found) <= 20):
        raise _refuse(name, found, "an id of Discord, 15 to 20 digits")
    return found


def storage_url(name: str, found: str) -> str:
    """Take where files lie: a folder or a bucket."""
    parts = urlsplit(found)
    is_folder = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
    if not is_folder and not (parts.scheme == "s3" and parts.netloc):
        raise _refuse(name, found, "file:///FOLDER or s3://BUCKET/PATH")
    return found.rstrip("/")


def database_url(name: str, found: str) -> Secret:
    """Take a database address; it may hold a password, so it is a secret."""
    scheme = found.split(":", 1)[0]
    if ":" not in found or scheme not in {"sqlite", "postgres", "postgresql"}:
        raise _refuse(name, scheme, "sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME")
    return Secret(found)

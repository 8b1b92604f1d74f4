"""Commands as text and back, for those that wait in the store: exact, typed, and bound to their digest."""

from __future__ import annotations

import hashlib
import types
import typing
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

import orjson

from desk.commands import COMMANDS, Command
from desk.secrets import STARS, Secret
from trading.errors import InvariantBroken


def command_hash(command: Command) -> str:
    """Give a digest of a command and its arguments; a confirmation, key or approval holds for exactly this."""
    body = {
        "command": type(command).__name__,
        **{one.name: _plain(getattr(command, one.name)) for one in fields(command)},
    }
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


def audited(command: Command) -> dict[str, Any]:
    """Give the arguments as the audit keeps them: personal data and secrets are stars."""
    return {
        one.name: STARS
        if one.metadata.get("is_private") and getattr(command, one.name)
        else _plain(getattr(command, one.name))
        for one in fields(command)
    }


def as_text(command: Command) -> str:
    """Give a command's arguments as text that `from_text` reads back exactly.

    Raises:
        InvariantBroken: the command carries a secret, and those never wait in the store.
    """
    return orjson.dumps({one.name: _written(getattr(command, one.name)) for one in fields(command)}).decode()


def from_text(name: str, text: str) -> Command:
    """Rebuild a command.

    Raises:
        InvariantBroken: no command has that name, or the text is none of ours.
    """
    if name not in COMMANDS:
        raise InvariantBroken(f"A stored command is called '{name}'; this version does not know it.")
    cls = COMMANDS[name]
    hints = _hints(name)
    try:
        stored = orjson.loads(text)
        return cls(**{key: _read(hints[key], value) for key, value in stored.items()})
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, ArithmeticError) as problem:
        raise InvariantBroken(f"The stored arguments of {name} cannot be read.") from problem


@cache
def _hints(name: str) -> dict[str, Any]:
    return typing.get_type_hints(COMMANDS[name])


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _written(value: Any) -> Any:
    if isinstance(value, Secret):
        raise InvariantBroken("A command with a secret was to be stored; it must be carried out at once.")
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, tuple):
        return [_written(one) for one in value]
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return [value.days, value.seconds, value.microseconds]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise InvariantBroken(f"A command carries a {type(value).__name__}, which cannot be stored.")


def _read(hint: Any, value: Any) -> Any:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        if value is None:
            return None
        hint = next(one for one in typing.get_args(hint) if one is not type(None))
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_read(inner[0], one) for one in value)
        return tuple(_read(kind, one) for kind, one in zip(inner, value, strict=True))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint[value]
    if hint is Decimal:
        return Decimal(value)
    if hint is datetime:
        return datetime.fromisoformat(value)
    if hint is timedelta:
        return timedelta(days=value[0], seconds=value[1], microseconds=value[2])
    if hint is Any and isinstance(value, list):
        return tuple(_read(Any, one) for one in value)
    return value

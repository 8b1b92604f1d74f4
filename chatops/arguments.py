"""Arguments of a word: declared once, read from `key=value`, `--key value` or their place in the line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatops import kinds
from chatops.problems import did_you_mean, misheard
from chatops.typing_repair import plain, repaired, tokens

#: A line longer than this is not a command.
MAX_LINE = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument of a word.

    Attributes:
        name: as typed before `=`; also the text code `argument.<name>`.
        read: turns the typed text into a value.
        is_required: the word is not answered without it …
        instead: … or without this other one in its place.
        takes_rest: takes every further word of the line, spaces included.
        is_switch: `--name` alone means yes; it has no place in the line.
        only_named: has no place in the line.
        default: the value when it is not given.
        offers: what a door may offer for completion: "bot", "pair", "strategy", "word", or fixed words.
    """

    name: str
    read: kinds.Reader = kinds.words
    is_required: bool = False
    instead: str = ""
    takes_rest: bool = False
    is_switch: bool = False
    only_named: bool = False
    default: Any = None
    offers: str | tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        """How help writes it: `<required>`, `[optional]`, `[name=]`, `[--switch]`."""
        if self.is_switch:
            return f"[--{self.name}]"
        shown = f"{self.name}=" if self.only_named else self.name
        return f"<{shown}>" if self.is_required else f"[{shown}]"

    def is_missed_in(self, given: Collection[str]) -> bool:
        """Tell whether it must still be given beside these."""
        return self.is_required and self.name not in given and self.instead not in given


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line taken apart: the command word, what follows it, and the line as repaired."""

    name: str
    rest: tuple[str, ...]
    line: str


def take_apart(line: str) -> Spoken:
    """Split a typed line into the command's name and its words.

    Raises:
        Misheard: the line is empty, too long or does not name a command.
    """
    if len(line) > MAX_LINE:
        raise misheard("too_long", name="line", n=len(line), limit=MAX_LINE)
    shown = repaired(line)
    parts = tokens(shown)
    if not parts or parts[0] == "/":
        raise misheard("empty", advice="help")
    # Telegram writes /status@the_bot in a group; a phone capitalises the first word.
    name = plain(parts[0]).removeprefix("/").split("@", 1)[0].lower()
    return Spoken(name, tuple(parts[1:]), shown)


def read_arguments(
    wanted: Sequence[Argument], rest: Sequence[str], *, usage: str, keep_unknown: bool = False
) -> dict[str, Any]:
    """Read the words after a command.

    Args:
        keep_unknown: gather `key=value` of unknown names under "settings" instead of refusing them.

    Raises:
        Misheard: an unknown name, a value that cannot be read, too many words, or one missing.
    """
    named, placed = _sorted(wanted, rest, usage, keep_unknown)
    values: dict[str, Any] = {one.name: one.default for one in wanted}
    settings = {key: typed for key, typed in named.items() if key not in values}
    if keep_unknown:
        values["settings"] = settings
    by_name = {one.name: one for one in wanted}
    for key, typed in named.items():
        if key in by_name:
            values[key] = by_name[key].read(key, typed)
    given = set(named)
    for argument in (one for one in wanted if not one.is_switch and not one.only_named):
        if argument.name in given or not placed:
            continue
        typed = " ".join(placed) if argument.takes_rest else placed[0]
        placed = [] if argument.takes_rest else placed[1:]
        values[argument.name] = argument.read(argument.name, typed)
        given.add(argument.name)
    if placed:
        raise misheard("extra", found=placed[0], usage=usage, advice="usage")
    for argument in wanted:
        if argument.is_missed_in(given):
            raise misheard("missing", name=argument.name, usage=usage, advice="usage")
    return values


def _sorted(
    wanted: Sequence[Argument], rest: Sequence[str], usage: str, keep_unknown: bool
) -> tuple[dict[str, str], list[str]]:
    """Part the words into named ones and those that go by their place."""
    by_name = {one.name: one for one in wanted}
    rest_taker = next((one for one in wanted if one.takes_rest), None)
    named: dict[str, str] = {}
    placed: list[str] = []
    queue = list(rest)
    while queue:
        word = queue.pop(0)
        option = plain(word)
        if option.startswith("--") and len(option) > 2:
            key, has_value, typed = word.strip("-—– ").partition("=")
            key = plain(key).lower().replace("-", "_")
            argument = by_name.get(key)
            if argument is None:
                _refuse_name(key, by_name, usage)
            elif argument.is_switch and not has_value:
                typed = "yes"
            elif not has_value:
                if not queue:
                    raise misheard("missing", name=key, usage=usage, advice="usage")
                typed = queue.pop(0)
            _put(named, key, typed)
            continue
        key, has_value, typed = word.partition("=")
        key = plain(key).lower()
        if (has_value and key in by_name) or (
            has_value and keep_unknown and re.fullmatch(r"[a-z][a-z0-9_]*", key)
        ):
            _put(named, key, typed)
        elif has_value and re.fullmatch(r"[a-z][a-z0-9_]*", key) and rest_taker is None:
            _refuse_name(key, by_name, usage)
        elif by_name.get(option.lower()) and by_name[option.lower()].is_switch:
            _put(named, option.lower(), "yes")
        else:
            placed.append(word)
    return named, placed


def _put(named: dict[str, str], key: str, typed: str) -> None:
    if key in named:
        raise misheard("twice", name=key)
    named[key] = typed


def _refuse_name(key: str, known: Mapping[str, Argument], usage: str) -> None:
    close = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    raise misheard(
        "unknown_argument",
        advice="usage",
        found=key,
        allowed=", ".join(known) or "–",
        nearest=did_you_mean(close[0] if close else ""),
        usage=usage,
    )

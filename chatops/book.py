"""The command book: each word declared once. Help, menus, slash trees, docs and tests come from it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from chatops.arguments import Argument, read_arguments
from chatops.cards import Card
from desk.commands import Command, Danger
from desk.identity import Role
from trading.errors import InvariantBroken

if TYPE_CHECKING:
    from chatops.room import Asked

#: Both chat platforms take these names.
NAME = re.compile(r"[a-z0-9_]{1,32}")

#: Answers a word.
Answer: TypeAlias = "Callable[[Asked], Awaitable[Card]]"


class Group(StrEnum):
    """Where help lists a word, in this order."""

    BOTS = "bots"
    POSITIONS = "positions"
    RESULTS = "results"
    MARKET = "market"
    RISK = "risk"
    RESEARCH = "research"
    ALERTS = "alerts"
    PEOPLE = "people"
    HOUSE = "house"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One command word. Its summary is the text code `summary.<name>`.

    Attributes:
        command: the desk command it asks for; None where it only shows.
        also: further commands that it may come to, each under its own policy at the desk.
        keeps_settings: `key=value` of other names are gathered as settings (a strategy's parameters).
    """

    name: str
    group: Group
    role: Role
    answer: Answer
    example: str
    aliases: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()
    command: type[Command] | None = None
    also: tuple[type[Command], ...] = ()
    keeps_settings: bool = False

    @property
    def danger(self) -> Danger:
        """What a person must do before it happens."""
        return self.command.policy.danger if self.command else Danger.NONE

    @property
    def usage(self) -> str:
        """The word with its arguments, as help writes it."""
        settings = ["[key=value …]"] if self.keeps_settings else []
        return " ".join([f"/{self.name}", *(one.usage for one in self.arguments), *settings])

    def read(self, rest: Sequence[str]) -> dict[str, Any]:
        """Read the words after the command."""
        return read_arguments(self.arguments, rest, usage=self.usage, keep_unknown=self.keeps_settings)


class Page:
    """A file's worth of words."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.words: list[Word] = []

    def word(
        self,
        name: str,
        *,
        example: str,
        role: Role = Role.VIEWER,
        asks: type[Command] | None = None,
        also: tuple[type[Command], ...] = (),
        aliases: tuple[str, ...] = (),
        arguments: tuple[Argument, ...] = (),
        keeps_settings: bool = False,
    ) -> Callable[[Answer], Answer]:
        """Declare the decorated function as a word; with `asks` role and danger are the command's."""

        def enter(answer: Answer) -> Answer:
            self.words.append(
                Word(
                    name=name,
                    group=self.group,
                    role=asks.policy.role if asks else role,
                    answer=answer,
                    example=example,
                    aliases=aliases,
                    arguments=arguments,
                    command=asks,
                    also=also,
                    keeps_settings=keeps_settings,
                )
            )
            return answer

        return enter


class Book:
    """Every word, by name and alias."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._words: dict[str, Word] = {}
        self._names: dict[str, Word] = {}
        for word in (word for page in pages for word in page.words):
            self._words[word.name] = word
            for name in (word.name, *word.aliases):
                if not NAME.fullmatch(name) or name in self._names:
                    raise InvariantBroken(f"Word '{name}' is malformed or declared twice.")
                self._names[name] = word

    def __iter__(self) -> Iterator[Word]:
        return iter(self._words.values())

    def __len__(self) -> int:
        return len(self._words)

    def find(self, name: str) -> Word | None:
        """Give a word by its name or alias."""
        return self._names.get(name)

    def for_role(self, role: Role) -> tuple[Word, ...]:
        """Give the words that a role may say."""
        return tuple(one for one in self if role >= one.role)

    def nearest(self, name: str, role: Role) -> str:
        """Give the closest name that a role may say; empty when nothing is close."""
        allowed = [known for known, word in self._names.items() if role >= word.role]
        close = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
        return close[0] if close else ""

"""The same news told twice: titles that share most of their words and all of their numbers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

#: Share of common words from which titles count as the same.
ALIKE = 0.8

_WORD = re.compile(r"\w+(?:[.,]\d+)*")


class Titles:
    """Titles that are known, looked up by likeness."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._words: list[frozenset[str]] = []
        self._by_word: dict[str, list[int]] = defaultdict(list)
        for one in known:
            self.add(one)

    def add(self, title: str) -> None:
        """Remember a title."""
        words = _words(title)
        for word in words:
            self._by_word[word].append(len(self._words))
        self._words.append(words)

    def has_like(self, title: str) -> bool:
        """Tell whether a title like this one is known."""
        words = _words(title)
        if not words:
            return False
        needed = ALIKE * len(words)
        # A title that shares four fifths of the words has at least one of the rarest two in five.
        rare = sorted(words, key=lambda one: (len(self._by_word.get(one, ())), one))
        rare = rare[: len(words) - int(needed) + 1]
        candidates = {at for word in rare for at in self._by_word.get(word, ())}
        return any(_are_alike(words, self._words[at]) for at in candidates)


def _are_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    common = len(one & other)
    if common < ALIKE * len(one | other):
        return False
    # "rises to 70,000" and "rises to 80,000" are two pieces of news.
    return not any(word[0].isdigit() for word in one ^ other)


def _words(title: str) -> frozenset[str]:
    return frozenset(_WORD.findall(title.casefold()))

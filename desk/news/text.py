"""Strangers' text as plain text: no markup, nothing invisible, bounded."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

#: Longest title and summary that are kept.
TITLE_LETTERS, SUMMARY_LETTERS = 300, 1_000

#: More than this is not even looked at.
MOST_LETTERS = 20_000

_SPACE = re.compile(r"\s+")
_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()\s]{0,2000}\)")


class _Text(HTMLParser):
    """Collects what a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in {"script", "style"}
        self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"script", "style"} and self._hidden > 0
        self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def plain(text: str, most: int = MOST_LETTERS) -> str:
    """Give what a reader would see, on one line, in at most so many letters.

    Markup goes, also where it was escaped once; compatibility forms of letters (fullwidth, ligatures) become the
    letters; what has no width or turns the direction goes.

    Example:
        >>> plain("<b>Bitcoin</b>\\u200b &amp; co")
        'Bitcoin & co'
    """
    seen = unicodedata.normalize("NFKC", text[:MOST_LETTERS])
    # A feed escapes its markup, and some of what it escapes is escaped again.
    for _ in range(2):
        if "<" not in seen and "&" not in seen:
            break
        reader = _Text()
        reader.feed(seen)
        reader.close()
        seen = "".join(reader.parts)
    seen = _MARKDOWN_LINK.sub(r"\1", unicodedata.normalize("NFKC", seen))
    visible = "".join(one for one in seen if not _is_hidden(one))
    return _SPACE.sub(" ", visible).strip()[:most].rstrip()


def _is_hidden(letter: str) -> bool:
    """Tell whether a letter shows nothing: controls, formats, surrogates, private use; white space stays."""
    return unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co", "Cn"} and not letter.isspace()

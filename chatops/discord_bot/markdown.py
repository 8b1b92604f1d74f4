"""One escaper: what people and strangers typed reaches Discord as text, never as markup, link or mention."""

from __future__ import annotations

import re

#: Marks that mean something anywhere in a line. Addresses, invitations included, begin with a scheme: `\:` breaks it.
_ANYWHERE = re.compile(r"([\\*_~|`<>\[\]@])|(:)(?=//)")

#: Marks that mean something where a line begins: headings, lists, small print and quotations.
_AT_START = re.compile(r"(?m)^(\s*)([#+\-]|\d+(?=[.)]))")

#: Stands between two back-ticks of a cell, so that three of them never end a block.
_APART = "\u200b"


def escaped(text: str) -> str:
    """Give a text that Discord shows as it is.

    Example:
        >>> escaped("a_b*[c](https://example.org) @everyone")
        'a\\\\_b\\\\*\\\\[c\\\\](https\\\\://example.org) \\\\@everyone'
    """
    shown = _ANYWHERE.sub(lambda found: "\\" + found.group(0), text)
    return _AT_START.sub(_at_start, shown)


def _at_start(found: re.Match[str]) -> str:
    space, mark = found.groups()
    # A digit cannot be escaped; an invisible character before it keeps the line from being a list.
    return f"{space}{_APART}{mark}" if mark.isdigit() else f"{space}\\{mark}"


def fenced(lines: list[str]) -> str:
    """Give lines as a code block; nothing inside can end it."""
    inside = "\n".join(lines).replace("``", f"`{_APART}`").replace("``", f"`{_APART}`")
    # A back-tick right before the closing fence would belong to it.
    closing = "\n```" if not inside.endswith("`") else f"{_APART}\n```"
    return f"```\n{inside}{closing}"


def size(text: str) -> int:
    """Give how much of a limit a text takes; counted in UTF-16, which is never less than what Discord counts."""
    return len(text) + sum(1 for one in text if one > "\uffff")


def cut(text: str, limit: int) -> str:
    """Give a plain text within a limit; a cut one ends with an ellipsis."""
    if size(text) <= limit:
        return text
    kept = text[: limit - 1]
    while size(kept) > limit - 1:
        kept = kept[:-1]
    return kept + "…"


def pieces(text: str, limit: int) -> list[str]:
    """Give an escaped text in pieces within a limit; an escape is never parted from its mark, nothing is left out."""
    found: list[str] = []
    current = ""
    for unit in re.findall(r"\\.|.", text, flags=re.DOTALL):
        if size(current) + size(unit) > limit:
            found.append(current)
            current = ""
        current += unit
    return [*found, current] if current or not found else found

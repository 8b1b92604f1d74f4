"""How Discord's clients read a message, as far as they are known: a strict reader that gives text and what is not text.

Written from the rules of the clients' parser (an escape wins over everything, then blocks, links, mentions, emphasis).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_ESCAPE = re.compile(r"\\([^0-9A-Za-z\s])")
_FENCE = re.compile(r"```(?:([a-z0-9_+\-.#]+?)\n)?\n*([^\n](?:.|\n)*?)\n*```", re.IGNORECASE)
_RULES = (
    ("inline code", re.compile(r"(`+)([\s\S]*?[^`])\1(?!`)")),
    ("link", re.compile(r"\[[^\[\]]*\]\(\s*<?[^\s]*?>?\s*\)")),
    ("address", re.compile(r"(?:https?|steam|discord)://[^\s<]+", re.IGNORECASE)),
    ("autolink", re.compile(r"<[^: >]+:/[^ >]+>")),
    ("mention", re.compile(r"<(?:@[!&]?|#|a?:\w+:|t:-?|/[\w -]+:|id:)\d*[^>]*>|@everyone|@here")),
    ("bold", re.compile(r"\*\*[\s\S]+?\*\*(?!\*)")),
    ("underline", re.compile(r"__[\s\S]+?__(?!_)")),
    ("emphasis", re.compile(r"\*(?=\S)[\s\S]*?\S\*(?!\*)|\b_[\s\S]+?_\b")),
    ("strike", re.compile(r"~~[\s\S]+?~~")),
    ("spoiler", re.compile(r"\|\|[\s\S]+?\|\|")),
)
_STARTS = (
    ("heading", re.compile(r"[ ]{0,3}#{1,3}\s+\S")),
    ("small print", re.compile(r"-#\s+\S")),
    ("list", re.compile(r"\s*(?:[*\-]|\d+\.)\s+\S")),
    ("quotation", re.compile(r"\s*>(?:>>)?\s")),
)


@dataclass(slots=True)
class Read:
    """What a client shows: the text, code blocks' insides as they stand, and every mark it obeyed."""

    text: str = ""
    marks: list[tuple[str, str]] = field(default_factory=list)


def read(source: str) -> Read:
    """Read a text as Discord's clients do."""
    found = Read()
    at = 0
    while at < len(source):
        if (at == 0 or source[at - 1] == "\n") and not source.startswith("```", at):
            for name, rule in _STARTS:
                if match := rule.match(source, at):
                    found.marks.append((name, match[0]))
        if match := _ESCAPE.match(source, at):
            found.text += match[1]
        elif match := _FENCE.match(source, at):
            found.text += match[2]
            found.marks.append(("code", match[2]))
        elif hit := next(((name, one) for name, rule in _RULES if (one := rule.match(source, at))), None):
            name, match = hit
            found.marks.append((name, match[0]))
            found.text += match[0].strip("*_~|`") if name in {"bold", "emphasis"} else match[0]
        else:
            found.text += source[at]
            at += 1
            continue
        at = match.end()
    return found

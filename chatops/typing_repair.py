"""What phones do to typed commands, undone."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = dict.fromkeys(
    map(ord, "\u200b\u200e\u200f\u2060\ufeff\u00ad\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
)
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"') | dict.fromkeys("‘’‚‛＇", "'") | {"＝": "="})
_DASH_OPTION = re.compile(r"(?:(?<=\s)|^)[—–―](?=[^\W\d])")
_MINUS = str.maketrans({"−": "-", "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "﹣": "-", "－": "-"})


def repaired(line: str) -> str:
    """Give a line with plain quotes, spaces and options; text inside is otherwise left as typed.

    Example:
        >>> repaired("／Pause demo —for=2h “too wild”")
        '/Pause demo --for=2h "too wild"'
    """
    # A lone surrogate has no bytes: it could be neither stored nor hashed.
    whole = line.encode("utf-8", "replace").decode()
    shown = whole.translate(_INVISIBLE).translate(_QUOTES)
    shown = "".join(" " if one.isspace() else one for one in shown).strip()
    # A phone makes one long dash of two hyphens: only before a word, so that a minus stays one.
    shown = _DASH_OPTION.sub("--", shown)
    return "/" + shown[1:].lstrip() if shown.startswith(("／", "/")) else shown


def plain(value: str) -> str:
    """Give a typed value with full-width letters, digits and signs as plain ones."""
    return unicodedata.normalize("NFKC", value).translate(_MINUS).strip()


def tokens(line: str) -> list[str]:
    """Split at spaces; double quotes hold words together, and an open one holds the rest."""
    found: list[str] = []
    current: list[str] = []
    is_quoted = has_token = False
    for one in line:
        if one == '"':
            is_quoted = not is_quoted
            has_token = True
        elif one == " " and not is_quoted:
            if has_token:
                found.append("".join(current))
            current, has_token = [], False
        else:
            current.append(one)
            has_token = True
    if has_token:
        found.append("".join(current))
    return found

"""Sentences of the desk as codes with parameters: a door says them in the reader's language.

The desk raises whole English sentences, because programs, logs and the audit read them too. Each sentence that may reach
a chat stands in the catalogues under `said.<code>` (why something is as it is: `cause.<code>`) with named gaps; here the
English one is recognised, and what fills its gaps becomes parameters. A test reads the desk's sources and fails for a sentence that no catalogue has. One that
comes from deeper down is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from chatops.cards import Text
from chatops.texts.catalogue import LANGUAGES, catalogue

_GAP = re.compile(r"\{([a-z_]+)\}")
#: What fills the gaps of a cause: it stands where people may write too, and what they wrote is not ours to change.
_SHAPES: Mapping[str, str] = {
    "share": r"-?\d+(?:\.\d+)?%",
    "most": r"(?:-?\d+(?:\.\d+)?%?|none|any)",
    "budget": r"(?:\d+(?:\.\d+)?|any)",
    "amount": r"-?\d+(?:\.\d+)?",
    "n": r"\d+",
    "seconds": r"\d+",
    "version": r"\d+",
    "id": r"[0-9a-f-]{32,36}",
    "state": r"[A-Z]+",
    "found": r"[A-Z]+",
    "needed": r"[A-Z]+",
    "verdict": r"[a-z]+",
    "who": r"\S+@\S+",
}
#: No sentence of ours is longer; a pattern is not tried on a novel.
_LONGEST = 1_500


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Give every sentence as a pattern, those with the most fixed words first: the most exact one wins."""
    found = [
        (code, text)
        for code, text in catalogue(LANGUAGES[0]).items()
        if code.startswith(("said.", "cause.")) and isinstance(text, str)
    ]
    found.sort(key=lambda one: -len(_GAP.sub("", one[1])))
    return tuple((code, _pattern(text, _SHAPES if code.startswith("cause.") else {})) for code, text in found)


def _pattern(sentence: str, shapes: Mapping[str, str]) -> re.Pattern[str]:
    parts = _GAP.split(sentence)
    # Odd parts are the names of gaps.
    return re.compile(
        "".join(
            f"(?P<{part}>{shapes.get(part, '.*?')})" if index % 2 else re.escape(part)
            for index, part in enumerate(parts)
        ),
        re.DOTALL,
    )


def said(message: str) -> Text:
    """Give a sentence of the desk as a text; an unknown one as it is."""
    if len(message) <= _LONGEST:
        for code, pattern in _patterns():
            if (found := pattern.fullmatch(message)) is not None:
                return Text(code, found.groupdict())
    return Text("problem.said", {"message": message})

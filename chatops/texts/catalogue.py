"""Catalogues: one TOML file per language, read once; a text is a sentence with gaps, or one per plural form."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

#: Languages with a complete catalogue; the first is the fallback.
LANGUAGES: tuple[str, ...] = ("en", "fr")

#: A sentence, or sentences by plural form ("one", "other"), chosen by the gap `n`.
Entry: TypeAlias = str | Mapping[str, str]

_GAP = re.compile(r"\{([a-z_0-9]+)\}")
_FORMS = frozenset({"one", "other"})


@cache
def catalogue(language: str) -> Mapping[str, Entry]:
    """Give a language's texts by dotted code; an unknown language gives the fallback's."""
    name = language if language in LANGUAGES else LANGUAGES[0]
    source = files("chatops.texts").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return dict(_flat("", tomllib.loads(source)))


def _flat(prefix: str, table: Mapping[str, Any]) -> list[tuple[str, Entry]]:
    found: list[tuple[str, Entry]] = []
    for key, value in table.items():
        code = f"{prefix}{key}"
        if isinstance(value, str):
            found.append((code, value))
        elif set(value) == _FORMS:
            found.append((code, dict(value)))
        else:
            found += _flat(f"{code}.", value)
    return found


def template(language: str, code: str, count: object = None) -> str | None:
    """Give the sentence of a code, in the right plural form; None where no catalogue has it."""
    entry = catalogue(language).get(code) or catalogue(LANGUAGES[0]).get(code)
    if entry is None or isinstance(entry, str):
        return entry
    return entry["one" if _is_one(language, count) else "other"]


def _is_one(language: str, count: object) -> bool:
    if not isinstance(count, int | float):
        return False
    # French counts nought and one and a half as singular.
    return abs(count) < 2 if language == "fr" else count == 1


def gaps(entry: Entry) -> frozenset[str]:
    """Give the names of the gaps of a text, over all its plural forms."""
    sentences = (entry,) if isinstance(entry, str) else tuple(entry.values())
    return frozenset(name for one in sentences for name in _GAP.findall(one))


def fill(sentence: str, params: Mapping[str, str]) -> str:
    """Put rendered values into the gaps; what is put in is never read for gaps again."""
    return _GAP.sub(lambda found: params.get(found.group(1), "?"), sentence)

"""Reasons in the reader's language: codes and sentences of the house are said in words, what a person wrote stays as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from chatops.cards import Ratio, Text, Value
from chatops.said import said
from chatops.texts.catalogue import template
from desk.identity import Role

#: Where the word for a code may stand, the likeliest first: refusals of entries, exits, locks, trouble, states.
_ROOMS = ("refusal", "reason", "lock_reason", "incident", "order_state", "order_side")
#: What the house writes in figures, as people read it.
_PERCENT = re.compile(r"-?\d+(?:\.\d+)?%")


def because(reason: str) -> Value:
    """Give a reason as a text; one that no catalogue knows was written by a person, or far away, and is shown as it is."""
    for room in _ROOMS:
        if reason and template("en", f"{room}.{reason}"):
            return Text(f"{room}.{reason}")
    found = said(reason)
    if found.code == "problem.said":
        return reason
    return Text(found.code, {name: _figure(value) for name, value in found.params.items()})


def _figure(value: Value) -> Value:
    """Give what fills a gap as people read it: a percentage in their figures, a state or a role in their words."""
    if not isinstance(value, str):
        return value
    if _PERCENT.fullmatch(value):
        return Ratio(float(value.removesuffix("%")) / 100)
    if value in Role.__members__:
        return Text(f"role.{value.lower()}")
    for room in ("trading", "verdict"):
        if template("en", f"{room}.{value}"):
            return Text(f"{room}.{value}")
    return value


def in_full(text: Text) -> Text:
    """Give a sentence of the desk with what it names in words too: states, roles, and reasons within reasons."""
    params: dict[str, Value] = {}
    for name, value in text.params.items():
        params[name] = value
        if not isinstance(value, str):
            continue
        if name == "reason":
            params[name] = because(value)
        elif name == "state" and template("en", f"state_name.{value.upper()}"):
            params[name] = Text(f"state_name.{value.upper()}")
        elif name in ("needed", "found", "role") and value in Role.__members__:
            params[name] = Text(f"role.{value.lower()}")
    return Text(text.code, params)


def in_words(detail: Mapping[str, object] | str) -> Value:
    """Give named figures ("asset BTC, ours 1") with their names in words where there are some."""
    if isinstance(detail, str):
        parts = [part.partition(" ") for part in detail.split(", ")]
        if not all(value and template("en", f"detail_of.{name}") for name, _, value in parts):
            return because(detail)
        named = {name: value for name, _, value in parts}
    else:
        named = {name: str(value) for name, value in detail.items()}
    return _one_after_the_other([(name, because(value)) for name, value in named.items()])


def _one_after_the_other(parts: list[tuple[str, Value]]) -> Value:
    said_parts: list[Value] = [
        Text(
            "detail.one",
            {
                "name": Text(f"detail_of.{name}") if template("en", f"detail_of.{name}") else name,
                "value": value,
            },
        )
        for name, value in parts
    ]
    if not said_parts:
        return None
    whole = said_parts[0]
    for one in said_parts[1:]:
        whole = Text("detail.two", {"first": whole, "then": one})
    return whole

"""What was released keeps working: nothing goes or changes before it was deprecated for ninety days."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    REMOVE,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    Node,
    Visitor,
    build_ast_schema,
    build_schema,
    get_named_type,
    parse,
    visit,
)
from graphql.utilities import BreakingChangeType, find_breaking_changes

from api.schema import SCHEMA

ROOT = Path(__file__).resolve().parents[2]

#: How long something stays after it was deprecated.
NOTICE = timedelta(days=90)

#: How a reason begins: since when, and then what to use instead.
_SINCE = re.compile(r"^Since (\d{4}-\d{2}-\d{2}): \S+")

#: Breaking changes that were decided on, each with why; empty it when `graphql/released.graphql` is renewed.
ACCEPTED: dict[str, str] = {}


def said_since(reason: str | None) -> date | None:
    """Give since when something is deprecated; None where the reason does not say."""
    found = _SINCE.match(reason or "")
    return date.fromisoformat(found[1]) if found else None


def deprecations(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """Give everything that is deprecated, with the reason."""
    for name, one in schema.type_map.items():
        if name.startswith("__"):
            continue
        if isinstance(one, GraphQLEnumType):
            members = [(f"{name}.{key}", value.deprecation_reason) for key, value in one.values.items()]
        elif isinstance(one, GraphQLObjectType | GraphQLInterfaceType):
            members = [(f"{name}.{key}", field.deprecation_reason) for key, field in one.fields.items()]
            members += [
                (f"{name}.{key}({argument})", given.deprecation_reason)
                for key, field in one.fields.items()
                for argument, given in field.args.items()
            ]
        elif isinstance(one, GraphQLInputObjectType):
            members = [(f"{name}.{key}", field.deprecation_reason) for key, field in one.fields.items()]
        else:
            continue
        yield from ((place, reason) for place, reason in members if reason is not None)


def without_what_may_go(schema: GraphQLSchema, text: str, today: date) -> GraphQLSchema:
    """Give a released schema without what was deprecated long enough."""
    gone = {
        place
        for place, reason in deprecations(schema)
        if (since := said_since(reason)) is not None and today - since >= NOTICE
    }
    return build_ast_schema(visit(parse(text), _Without(gone)), assume_valid=True)


class _Without(Visitor):
    """Takes fields and values out of a schema's text; arguments stay as long as their field does."""

    def __init__(self, gone: set[str]) -> None:
        super().__init__()
        self._gone = gone

    def enter(self, node: Node, _key: object, _parent: object, _path: object, above: Sequence[Any]) -> object:
        """Leave out what is gone."""
        is_member = isinstance(node, FieldDefinitionNode | EnumValueDefinitionNode) or (
            isinstance(node, InputValueDefinitionNode)
            and isinstance(above[-1], InputObjectTypeDefinitionNode)
        )
        if not is_member:
            return None
        return REMOVE if f"{above[-1].name.value}.{node.name.value}" in self._gone else None  # type: ignore[attr-defined]


def reachable(schema: GraphQLSchema) -> set[str]:
    """Give the types that a document can still come to."""
    found: set[str] = set()
    waiting: list[GraphQLNamedType] = [
        one for one in (schema.query_type, schema.mutation_type, schema.subscription_type) if one
    ]
    while waiting:
        one = waiting.pop()
        if one.name in found:
            continue
        found.add(one.name)
        if isinstance(one, GraphQLInterfaceType):
            waiting += schema.get_possible_types(one)
        if isinstance(one, GraphQLObjectType | GraphQLInterfaceType):
            waiting += one.interfaces
            for field in one.fields.values():
                waiting += [
                    get_named_type(field.type),
                    *(get_named_type(a.type) for a in field.args.values()),
                ]
        elif isinstance(one, GraphQLInputObjectType):
            waiting += [get_named_type(field.type) for field in one.fields.values()]
    return found


def broken(released: str, now: GraphQLSchema, today: date) -> list[str]:
    """Give what clients of a release would stumble over."""
    old = without_what_may_go(build_schema(released), released, today)
    still = reachable(old)
    return [
        one.description
        for one in find_breaking_changes(old, now)
        if not (one.type is BreakingChangeType.TYPE_REMOVED and one.description.split()[0] not in still)
    ]


def test_nothing_that_was_released_is_broken() -> None:
    released = (ROOT / "graphql" / "released.graphql").read_text(encoding="utf-8")
    today = datetime.now(UTC).date()

    found = set(broken(released, SCHEMA._schema, today))

    assert sorted(found - set(ACCEPTED)) == [], (
        "deprecate it first with `Since DATE: what to use instead`, keep it for 90 days, or accept it here with why"
    )
    assert sorted(set(ACCEPTED) - found) == [], "these are not broken (any more): take them out"
    assert all(ACCEPTED.values())


def test_everything_deprecated_says_since_when_and_what_to_use_instead() -> None:
    silent = [place for place, reason in deprecations(SCHEMA._schema) if said_since(reason) is None]

    assert silent == []


_RELEASED = """
type Query { bots(first: Int): [Bot!]! %s wave: Wave %s }
type Bot { id: ID! name: String! state: State! }
type Wave { label: String! }
enum State { RUNNING STOPPED %s }
input Wish { name: String! }
type Mutation { start(input: Wish!): Bot }
"""
_OLD = '@deprecated(reason: "Since 2026-01-01: ask for bots")'
_TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("name: String!", "", "Bot.name was removed"),
        ("name: String! state", "name: String state", "Bot.name changed type"),
        ("bots(first: Int)", "bots(first: Int!)", "has changed type"),
        ("bots(first: Int)", "bots(first: Int, all: Boolean!)", "required argument Query.bots(all:)"),
        ("STOPPED", "", "STOPPED was removed"),
        (
            "input Wish { name: String! }",
            "input Wish { name: String! why: String! }",
            "required field Wish.why",
        ),
        ("wave: Wave", "", "Query.wave was removed"),
    ],
)
def test_each_kind_of_break_is_found(before: str, after: str, words: str) -> None:
    released = _RELEASED % ("", "", "")
    assert before in released

    found = broken(released, build_schema(released.replace(before, after, 1)), _TODAY)

    assert any(words in one for one in found), found


def test_what_was_deprecated_for_ninety_days_may_go_with_the_types_that_only_it_used() -> None:
    released = _RELEASED % ("", _OLD, _OLD.replace("STOPPED", ""))
    without = _RELEASED % ("", "", "")
    without = without.replace("wave: Wave", "").replace("type Wave { label: String! }", "")
    without = without.replace("STOPPED", "")

    assert broken(released, build_schema(without), _TODAY) == []
    assert broken(released, build_schema(without), date(2026, 3, 31)) != []


def test_a_reason_without_a_date_excuses_nothing() -> None:
    released = _RELEASED % ("", '@deprecated(reason: "old")', "")

    found = broken(released, build_schema((_RELEASED % ("", "", "")).replace("wave: Wave", "")), _TODAY)

    assert found == ["Field Query.wave was removed."]

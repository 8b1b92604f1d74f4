"""GraphQL documents generated from the schema: every root field with arguments, every field of what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

from api.ids import global_id
from api.schema import SCHEMA
from desk.identity import new_id

#: (type, field) pairs of the schema.
Covered = set[tuple[str, str]]

#: What an ID argument points to, where its name does not say it: by root field.
_KINDS = {
    "id": "",
    "ids": "Bot",
    "botId": "Bot",
    "accountId": "Account",
    "memberId": "Member",
    "linkId": "ChatLink",
    "letterId": "DeadLetter",
    "ruleId": "AlertRule",
}

#: Texts that must mean something, by argument or input field.
_TEXTS = {
    "strategy": "trend_following",
    "timeframe": "1h",
    "pair": "BTC/USDT",
    "pairs": "BTC/USDT",
    "language": "fr",
    "timeZone": "UTC",
    "label": "new",
    "role": "VIEWER",
    "password": "correct horse battery",
    "answer": "skip",
    "limit": "max_positions",
    "specs": "rsi",
}

#: Which code a mutation takes: what people type in place of an id.
_CODE_OF = {"approveRequest": "approval code", "rejectRequest": "approval code", "answerEntry": "entry code"}
CODES = frozenset(_CODE_OF.values())

#: Ids that a filter of these rows does not take.
_LESS = {("signals", "accountId"), ("alerts", "accountId")}

#: What an input needs besides what the schema requires: one of several, or a text that means something there.
_MORE = {
    "setLimit": {"value": '"5"'},
    "addAlertRule": {"kind": '"price"', "pair": '"BTC/USDT"', "threshold": '"1"'},
}

_SCALARS = {
    "Int": "1",
    "Float": "1.0",
    "Boolean": "false",
    "Decimal": '"1"',
    "DateTime": '"2026-03-01T12:00:00Z"',
    "Duration": '"PT1H"',
    "JSON": "{}",
}


def kind_of_id(field: str, argument: str) -> str:
    """Give the type that an ID points to: `botId` is a Bot, the `id` of `bot` too."""
    name = _KINDS.get(argument)
    if name:
        return name
    if name == "":
        return "Bot" if field == "node" else field[0].upper() + field[1:]
    stem = argument.removesuffix("Ids").removesuffix("Id")
    special = {"token": "ApiToken"}
    return special.get(stem, stem[0].upper() + stem[1:])


def value_of(field: str, name: str, one: GraphQLArgument | GraphQLInputField, ids: Mapping[str, str]) -> str:
    """Write a value that an argument takes."""
    bare = one.type.of_type if isinstance(one.type, GraphQLNonNull) else one.type
    if name == "ids":
        given = [f'"{one}"' for kind, one in ids.items() if kind not in CODES]
        return f"[{', '.join(given)}]"
    if isinstance(bare, GraphQLList):
        inner = GraphQLInputField(bare.of_type)
        return f"[{value_of(field, name, inner, ids)}]"
    named = get_named_type(bare)
    if isinstance(named, GraphQLInputObjectType):
        return input_of(field, named, ids)
    if isinstance(named, GraphQLEnumType):
        return _TEXTS.get(name, "") if _TEXTS.get(name) in named.values else next(iter(named.values))
    if named.name == "ID":
        kind = kind_of_id(field, name)
        return f'"{ids.get(kind) or global_id(kind, new_id())}"'
    if named.name == "UUID":
        return f'"{uuid4()}"'
    if named.name in _SCALARS:
        return _SCALARS[named.name]
    if name == "name" and field not in {"strategy"}:
        return f'"new-{uuid4().hex[:12]}"'
    if name == "code" and _CODE_OF.get(field) in ids:
        return f'"{ids[_CODE_OF[field]]}"'
    return f'"{_TEXTS.get(name, "trend_following" if name == "name" else "x")}"'


def input_of(field: str, kind: GraphQLInputObjectType, ids: Mapping[str, str]) -> str:
    """Write an input object: what is required, and every id, so that foreign ones can be tried."""
    wanted = {
        name: one
        for name, one in kind.fields.items()
        if is_required_input_field(one)
        or (get_named_type(one.type).name == "ID" and (field, name) not in _LESS)
    }
    written = {name: value_of(field, name, one, ids) for name, one in wanted.items()} | _MORE.get(field, {})
    return "{" + ", ".join(f"{name}: {value}" for name, value in written.items()) + "}"


def arguments_of(name: str, field: GraphQLField, ids: Mapping[str, str]) -> str:
    """Write the arguments of a field: what is required, every id, filters of the rows, one row of lists."""
    given = [
        f"{argument}: {value_of(name, argument, one, ids)}"
        for argument, one in field.args.items()
        if is_required_argument(one) or get_named_type(one.type).name == "ID" or argument == "filter"
    ]
    if "first" in field.args and not is_required_argument(field.args["first"]):
        given.append("first: 1")
    return f"({', '.join(given)})" if given else ""


def selection_of(field: GraphQLField, ids: Mapping[str, str], covered: Covered, depth: int = 5) -> str:
    """Write every field of what a field gives, down to a depth."""
    named = get_named_type(field.type)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLUnionType) or depth == 0:
        return " { __typename }"
    assert isinstance(named, GraphQLObjectType | GraphQLInterfaceType)
    parts = ["__typename"]
    for name, one in named.fields.items():
        inner = get_named_type(one.type)
        if not is_leaf_type(inner) and depth <= 1:
            continue
        if (named.name, name) in covered and not is_leaf_type(inner):
            continue
        covered.add((named.name, name))
        parts.append(f"{name}{arguments_of(name, one, ids)}{selection_of(one, ids, covered, depth - 1)}")
    if isinstance(named, GraphQLInterfaceType):
        parts += _kinds_of(named, covered)
    return " { " + " ".join(parts) + " }"


def _kinds_of(named: GraphQLInterfaceType, covered: Covered) -> list[str]:
    """Write the plain fields that only the types behind an interface have, where nothing else asked for them."""
    parts: list[str] = []
    types: dict[str, str] = {}
    for kind in SCHEMA._schema.get_possible_types(named):
        own = [
            (name, one)
            for name, one in kind.fields.items()
            if (kind.name, name) not in covered and is_leaf_type(get_named_type(one.type))
        ]
        # What the interface has as well is asked for there, for whichever type it is.
        covered.update((kind.name, name) for name, _ in own)
        written = [
            # Two types may give the same name another type: such a field goes by a name of its own.
            name if types.setdefault(name, str(one.type)) == str(one.type) else f"{kind.name}_{name}: {name}"
            for name, one in own
            if name not in named.fields
        ]
        if written:
            parts.append(f"... on {kind.name} {{ {' '.join(written)} }}")
    return parts


def pieces_of(root: str, name: str, ids: Mapping[str, str], covered: Covered) -> str:
    """Give the document of one root field."""
    schema = SCHEMA._schema
    kind = {
        "query": schema.query_type,
        "mutation": schema.mutation_type,
        "subscription": schema.subscription_type,
    }
    found = kind[root]
    assert found is not None
    field = found.fields[name]
    covered.add((found.name, name))
    if root == "mutation":
        only = field.args["input"]
        named = get_named_type(only.type)
        assert isinstance(named, GraphQLInputObjectType)
        given = f"(input: {input_of(name, named, ids)})"
    else:
        given = arguments_of(name, field, ids)
    return f"{root} {{ {name}{given}{selection_of(field, ids, covered)} }}"


def fields_of_schema() -> Covered:
    """Give every field of every type that is given out, but those of streams' facts."""
    return {
        (name, field)
        for name, one in SCHEMA._schema.type_map.items()
        if isinstance(one, GraphQLObjectType) and not name.startswith("__")
        for field in one.fields
    }

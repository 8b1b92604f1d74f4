"""The reference pages of the API, generated from the schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
)

from api.errors import RETRYABLE, ErrorCode
from api.mutation import MONEY, MUTATIONS
from api.permissions import OPEN, READS
from api.schema import SCHEMA
from desk.identity import Role

#: Pages, in `docs/api/`.
PAGES = ("queries.md", "mutations.md", "subscriptions.md", "types.md", "errors.md")

_NOTE = "Generated from the schema by `make docs`; change the code, not this page.\n"


def pages() -> dict[str, str]:
    """Give every page by its file name."""
    schema = SCHEMA._schema
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    assert schema.subscription_type is not None
    return {
        "queries.md": _roots("Queries", schema.query_type, READS),
        "mutations.md": _mutations(schema.mutation_type),
        "subscriptions.md": _roots("Subscriptions", schema.subscription_type, READS),
        "types.md": _types(),
        "errors.md": _errors(),
    }


def page(name: str) -> str:
    """Give one page."""
    return pages()[name]


def _roots(title: str, root: GraphQLObjectType, roles: Mapping[str, Role]) -> str:
    lines = [f"# {title}", "", _NOTE]
    for name, field in sorted(root.fields.items()):
        role = roles[name].name
        lines += [
            f"## {name}",
            "",
            f"{field.description} Needs the role {role}.",
            "",
            *_signature(name, field),
        ]
    return "\n".join(lines).rstrip() + "\n"


def _mutations(root: GraphQLObjectType) -> str:
    lines = ["# Mutations", "", _NOTE]
    for name, field in sorted(root.fields.items()):
        if name in OPEN:
            lines += [f"## {name}", "", f"{field.description} Needs no token.", "", *_signature(name, field)]
            continue
        policy = MUTATIONS[name].policy
        facts = ", ".join(one.__name__ for one in policy.causes) or "none"
        notes = [f"Facts it may cause: {facts}."]
        if policy.reduces_risk:
            notes.append("It reduces risk and draws on the reserved cost bucket.")
        if name in MONEY:
            notes.append("It moves money: one such field per operation.")
        lines += [f"## {name}", "", f"{field.description} {' '.join(notes)}", "", *_signature(name, field)]
    return "\n".join(lines).rstrip() + "\n"


def _signature(name: str, field: GraphQLField) -> list[str]:
    lines = [f"Gives `{field.type}`.", ""]
    if field.args:
        lines += ["| Argument | Type |", "|---|---|"]
        lines += [f"| `{one}` | `{argument.type}` |" for one, argument in field.args.items()]
        lines.append("")
    return lines


def _types() -> str:
    lines = ["# Types", "", _NOTE]
    for name, one in sorted(SCHEMA._schema.type_map.items()):
        if name.startswith("__") or name in {"Query", "Mutation", "Subscription"}:
            continue
        lines += [f"## {name}", "", one.description or "Built in.", ""]
        if isinstance(one, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            lines += _table(
                ("Field", "Type", "What"),
                ((field, str(found.type), found.description or "") for field, found in one.fields.items()),
            )
        elif isinstance(one, GraphQLEnumType):
            lines += [", ".join(f"`{value}`" for value in one.values), ""]
        elif isinstance(one, GraphQLScalarType) and one.specified_by_url:
            lines += [f"See {one.specified_by_url}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _errors() -> str:
    lines = [
        "# Error codes",
        "",
        _NOTE,
        "Business refusals stand in `userErrors` of a payload; everything else is in `errors` with",
        "`extensions.code`. `INTERNAL` carries only an `incidentId`, which is in the log.",
        "",
    ]
    lines += _table(
        ("Code", "May succeed later"),
        ((code.value, "yes" if code in RETRYABLE else "no") for code in ErrorCode),
    )
    return "\n".join(lines).rstrip() + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for first, *rest in rows:
        cells = [f"`{first}`", *[f"`{rest[0]}`" if len(head) > 2 else rest[0], *rest[1:]]]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]

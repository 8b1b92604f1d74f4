"""The golden SDL, the named documents, and what every command and list promises."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLObjectType,
    ObjectValueNode,
    OperationDefinitionNode,
    get_named_type,
    parse,
    validate,
)

from api.cost import MAX_POINTS, cost_of
from api.events import subscriptions
from api.events.types import EVENT_TYPES_BY_CLASS
from api.limits import check_structure
from api.mutation import MONEY, MUTATIONS
from api.permissions import OPEN, READS
from api.reference import PAGES, pages
from api.schema import SCHEMA, sdl
from desk.commands import COMMANDS
from trading.events import EVENT_TYPES, MARKET_DATA

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = sorted((ROOT / "graphql" / "operations").glob("*.graphql"))

#: Mutations that may be repeated without harm and so need no key.
KEYLESS = {
    "acknowledgeAlert",
    "approveRequest",
    "cancelJob",
    "confirmTotp",
    "rejectRequest",
    "revokeApiToken",
    "revokeChatLink",
    "changeNotices",
    "selectBot",
    "setKeyboard",
    "removeAlertRule",
    "snoozeAlert",
    "setPassword",
    "setPreference",
    "stepUp",
}


#: Mutations that make what they show.
MAKES = {"createBot", "addExchangeAccount"}

#: Say what is wanted, whatever was before: the last word counts, and nobody is kept from stopping.
WANTED = {
    "startBot",
    "pauseBot",
    "resumeBot",
    "stopBot",
    "panicStop",
    "releasePanic",
    "reconcileAccount",
    "resetBreaker",
}

#: Show models, whose versions are separate things, named in the input.
STATES = {"promoteModel", "rollBackModel", "trainModel"}


def _given(node: FieldNode, field: GraphQLField) -> set[str]:
    """Give the arguments that a document hands on; an input that it spells counts with all its fields only."""
    found = {""}
    for one in node.arguments or ():
        kind = get_named_type(field.args[one.name.value].type)
        if isinstance(one.value, ObjectValueNode) and isinstance(kind, GraphQLInputObjectType):
            if {part.name.value for part in one.value.fields} == set(kind.fields):
                found.add(one.name.value)
        else:
            found.add(one.name.value)
    return found


def _title(name: str) -> str:
    return name[0].upper() + name[1:]


def _core() -> GraphQLObjectType:
    mutation = SCHEMA._schema.mutation_type
    assert mutation is not None
    return mutation


def test_the_golden_schema_is_what_the_code_gives() -> None:
    golden = (ROOT / "graphql" / "schema.graphql").read_text(encoding="utf-8")

    assert golden == sdl(), "renew it with `make sdl` and review the difference"


def test_every_command_of_the_desk_is_a_mutation_under_its_own_name() -> None:
    expected = {name[0].lower() + name[1:]: command for name, command in COMMANDS.items()}

    assert expected == MUTATIONS
    assert set(_core().fields) == set(MUTATIONS) | OPEN
    assert set(MONEY) <= set(MUTATIONS)


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_a_mutation_takes_one_input_and_gives_one_payload(name: str) -> None:
    field = _core().fields[name]
    title = name[0].upper() + name[1:]

    assert set(field.args) == {"input"}
    assert str(field.args["input"].type) == f"{title}Input!"
    assert str(field.type) == f"{title}Payload!"
    payload = SCHEMA._schema.type_map[f"{title}Payload"]
    assert isinstance(payload, GraphQLObjectType)
    assert str(payload.fields["userErrors"].type) == "[UserError!]!"
    assert str(payload.fields["idempotentReplay"].type) == "Boolean!"
    inputs = SCHEMA._schema.type_map[f"{title}Input"].fields  # type: ignore[attr-defined]
    assert ("idempotencyKey" in inputs) is (name not in KEYLESS)
    if name not in KEYLESS:
        assert isinstance(inputs["idempotencyKey"].type, GraphQLNonNull)


def test_what_carries_a_version_is_edited_with_the_version_that_was_seen() -> None:
    types, mutations = SCHEMA._schema.type_map, _core().fields
    inputs = {name: types[f"{_title(name)}Input"] for name in MUTATIONS}
    guarded = {
        name
        for name, one in inputs.items()
        if isinstance(one, GraphQLInputObjectType) and "expectedVersion" in one.fields
    }
    editing = set()
    for name in MUTATIONS:
        payload = get_named_type(mutations[name].type)
        assert isinstance(payload, GraphQLObjectType)
        kinds = [get_named_type(one.type) for one in payload.fields.values()]
        if any(isinstance(one, GraphQLObjectType) and "version" in one.fields for one in kinds):
            editing.add(name)

    assert guarded == (editing - MAKES - WANTED - STATES) | {"reloadConfig"}


def test_every_root_field_that_reads_or_streams_has_a_least_role() -> None:
    query, subscription = SCHEMA._schema.query_type, SCHEMA._schema.subscription_type
    assert query is not None
    assert subscription is not None

    assert set(query.fields) | set(subscription.fields) == set(READS)


def test_every_journalled_fact_has_a_type_and_a_kind() -> None:
    kinds = SCHEMA._schema.type_map["EventKind"]
    assert isinstance(kinds, GraphQLEnumType)
    journalled = {cls for cls in EVENT_TYPES.values() if cls not in MARKET_DATA}

    assert set(EVENT_TYPES_BY_CLASS) == journalled
    assert set(kinds.values) == {
        "SUBSCRIBED",
        *(kind.upper() for kind, cls in EVENT_TYPES.items() if cls in journalled),
    }


def test_narrow_streams_name_kinds_that_exist() -> None:
    named = (
        subscriptions.ORDER_KINDS
        | subscriptions.POSITION_KINDS
        | subscriptions.BOT_KINDS
        | subscriptions.ALERT_KINDS
        | subscriptions.SYSTEM_KINDS
    )

    assert named <= set(EVENT_TYPES)


def test_every_type_and_root_field_says_what_it_is() -> None:
    types = [one for name, one in SCHEMA._schema.type_map.items() if not name.startswith("__")]
    silent = [one.name for one in types if not one.description and one.name not in {"String", "Int", "Float"}]
    roots = [SCHEMA._schema.query_type, SCHEMA._schema.mutation_type, SCHEMA._schema.subscription_type]

    assert silent == []
    for root in roots:
        assert root is not None
        assert [name for name, field in root.fields.items() if not field.description] == []


@pytest.mark.parametrize("path", OPERATIONS, ids=lambda one: one.stem)
def test_a_named_document_is_valid_small_and_called_as_its_file(path: Path) -> None:
    tree = parse(path.read_text(encoding="utf-8"))
    (operation,) = [one for one in tree.definitions if isinstance(one, OperationDefinitionNode)]

    assert validate(SCHEMA._schema, tree) == []
    check_structure(tree)
    cost, _ = cost_of(SCHEMA._schema, tree, operation, {})
    assert cost.points <= MAX_POINTS
    assert operation.name is not None
    assert operation.name.value == path.stem


def test_known_documents_reach_every_root_field_with_every_argument() -> None:
    core, reached = SCHEMA._schema, set()
    assert core.query_type is not None
    assert core.subscription_type is not None
    roots = {"query": core.query_type, "mutation": _core(), "subscription": core.subscription_type}
    for path in OPERATIONS:
        for one in parse(path.read_text(encoding="utf-8")).definitions:
            assert isinstance(one, OperationDefinitionNode)
            for field in one.selection_set.selections:
                assert isinstance(field, FieldNode)
                name = field.name.value
                given = _given(field, roots[one.operation.value].fields[name])
                reached |= {(one.operation.value, name, argument) for argument in given}
    asked = {
        (operation, name, argument)
        for operation, root in roots.items()
        for name, field in root.fields.items()
        for argument in ("", *field.args)
    }

    # `node` and `nodes` show what its type shows, so their documents are the client's own.
    assert {one for one in asked - reached if one[1] not in {"node", "nodes"}} == set()


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_pages_are_what_the_schema_gives(name: str) -> None:
    golden = (ROOT / "docs" / "api" / name).read_text(encoding="utf-8")

    assert golden == pages()[name], "renew them with `make docs` and review the difference"

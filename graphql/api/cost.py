"""What an operation costs, from its document and variables, before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
)

from api.errors import ApiError, ErrorCode
from api.mutation import MONEY, MUTATIONS

#: Most points and most rows of one operation.
MAX_POINTS = 1000.0
MAX_ROWS = 5000

#: Rows that a list without a bound of its own is taken to have.
ASSUMED_ROWS = 5

#: An object with an id of its own, and a plain value that came along with one.
OBJECT_COST = 1.0
VALUE_COST = 0.1

MUTATION_COST = 10.0
MONEY_COST = 50.0
CONNECTION_COST = 2.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Points, and rows that may come back."""

    points: float = 0.0
    rows: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.points + other.points, self.rows + other.rows)

    def times(self, count: int) -> Cost:
        """The same for each of so many rows."""
        return Cost(self.points * count, self.rows * count)


def cost_of(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any] | None,
) -> tuple[Cost, list[str]]:
    """Give cost and root mutations of an operation; the document has passed structure and validation.

    Raises:
        ApiError: QUERY_TOO_COMPLEX: too many points, rows, or money-moving fields.
    """
    root = schema.get_root_type(operation.operation)
    assert root is not None, "validation has seen to it"
    price = _Price(schema, document, _defaults(operation) | dict(variables or {}))
    cost = price.selection(operation.selection_set, root)
    names = price.root_names
    if operation.operation is OperationType.MUTATION:
        money = [one for one in names if one in MONEY]
        if len(money) > 1:
            raise ApiError(
                ErrorCode.QUERY_TOO_COMPLEX,
                f"{', '.join(money)} move money in one operation; one of them is allowed at a time.",
            )
        cost += Cost(sum(MONEY_COST if one in MONEY else MUTATION_COST for one in names), 0)
    if cost.points > MAX_POINTS or cost.rows > MAX_ROWS:
        raise ApiError(
            ErrorCode.QUERY_TOO_COMPLEX,
            f"The operation costs {min(cost.points, 1e9):.0f} points and {min(cost.rows, 10**9)} rows; "
            f"{MAX_POINTS:.0f} and {MAX_ROWS} are allowed. Ask for smaller pages.",
        )
    return cost, names


def is_exit(operation: OperationDefinitionNode, names: list[str]) -> bool:
    """Tell whether an operation only reduces risk, so that it may draw on the reserved bucket."""
    return (
        operation.operation is OperationType.MUTATION
        and bool(names)
        and all(one in MUTATIONS and MUTATIONS[one].policy.reduces_risk for one in names)
    )


class _Price:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._variables = variables
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._priced: dict[tuple[str, str], Cost] = {}
        self.root_names: list[str] = []

    def selection(self, selected: SelectionSetNode | None, parent: GraphQLNamedType) -> Cost:
        total = Cost()
        for one in selected.selections if selected else ():
            if isinstance(one, FieldNode):
                total += self._field(one, parent)
            elif isinstance(one, InlineFragmentNode):
                on = self._type(one.type_condition.name.value) if one.type_condition else parent
                total += self.selection(one.selection_set, on or parent)
            elif isinstance(one, FragmentSpreadNode):
                total += self._fragment(one.name.value, parent)
        return total

    def _fragment(self, name: str, parent: GraphQLNamedType) -> Cost:
        key = (name, parent.name)
        if key not in self._priced:
            fragment = self._fragments[name]
            on = self._type(fragment.type_condition.name.value) or parent
            self._priced[key] = self.selection(fragment.selection_set, on)
        return self._priced[key]

    def _field(self, one: FieldNode, parent: GraphQLNamedType) -> Cost:
        if parent is self._schema.mutation_type:
            self.root_names.append(one.name.value)
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return Cost()
        definition = parent.fields.get(one.name.value)
        if definition is None or one.selection_set is None:
            return Cost()
        is_list, kind = _unwrapped(definition.type)
        inner = self.selection(one.selection_set, kind)
        rows = self._rows(one, definition)
        if kind.name.endswith("Connection"):
            return Cost(CONNECTION_COST) + inner.times(rows or 1)
        if kind.name.endswith("Edge") or kind.name == "PageInfo":
            return inner
        if is_list:
            each = Cost(_weight(kind), 1) + inner
            return Cost(_weight(kind)) + each.times(rows or self._ids(one) or ASSUMED_ROWS)
        return Cost(_weight(kind), 1) + inner

    def _rows(self, one: FieldNode, definition: GraphQLField) -> int:
        bound = next((name for name in ("first", "last") if name in definition.args), "")
        for argument in one.arguments or ():
            if argument.name.value == bound:
                if isinstance(argument.value, IntValueNode):
                    return max(1, int(argument.value.value))
                if isinstance(argument.value, VariableNode):
                    found = self._variables.get(argument.value.name.value)
                    return max(1, found) if isinstance(found, int) else 1
        default = definition.args[bound].default_value if bound else 0
        return default if isinstance(default, int) else 0

    def _ids(self, one: FieldNode) -> int:
        for argument in one.arguments or ():
            if argument.name.value == "ids":
                found = (
                    self._variables.get(argument.value.name.value)
                    if isinstance(argument.value, VariableNode)
                    else getattr(argument.value, "values", ())
                )
                return len(found) if isinstance(found, list | tuple) else 1
        return 0

    def _type(self, name: str) -> GraphQLNamedType | None:
        return self._schema.type_map.get(name)


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        one.variable.name.value: int(one.default_value.value)
        for one in operation.variable_definitions or ()
        if isinstance(one.default_value, IntValueNode)
    }


def _weight(kind: GraphQLNamedType) -> float:
    named = {one.name for one in kind.interfaces} if isinstance(kind, GraphQLObjectType) else {kind.name}
    return OBJECT_COST if "Node" in named else VALUE_COST


def _unwrapped(kind: Any) -> tuple[bool, GraphQLNamedType]:
    is_list = False
    while isinstance(kind, GraphQLNonNull | GraphQLList):
        is_list = is_list or isinstance(kind, GraphQLList)
        kind = kind.of_type
    named: GraphQLNamedType = kind
    return is_list, named

"""Whole queries that are answered without graphql-core: root resolvers called directly, their values by plans.

Most queries are one or a few root fields with plain selections. What is left of graphql-core then is bookkeeping:
executors, variables, paths and awaitables of the general case. A root plan knows the resolver, its arguments and the
plan of its selection. Whatever it does not know (a variable that needs coercion, a null that may not be, a value that
is not there yet) goes the library's way instead, with the library's errors.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    VariableNode,
    located_error,
    value_from_ast,
)
from graphql.execution.values import coerce_argument
from graphql.pyutils import gather_with_cancel
from strawberry import Schema
from strawberry.types.arguments import StrawberryArgument, convert_argument
from strawberry.types.field import StrawberryField

from api.plans import Asked, Compiler, Complete, Unplanned

#: After so many answers that graphql-core had to give again, a document is left to it.
MAX_GIVEN_UP = 8

#: Values of variables that are already what a resolver takes, by the scalar they are declared as.
_AS_THEY_ARE: Mapping[str, type] = {"ID": str, "String": str, "Cursor": str, "Boolean": bool, "Int": int}


#: What the value of every other variable is planned as: absent or null. A filter that is given goes the library's way.
_NOTHING = type(None)


@dataclass(frozen=True, slots=True)
class _Given:
    """An argument that a variable gives.

    Attributes:
        default: what the document says for a variable that is missing; None = nothing.
    """

    variable: str
    name: str
    kind: type
    may_be_null: bool
    may_be_missing: bool
    default: Any


@dataclass(frozen=True, slots=True)
class _Root:
    """One root field."""

    key: str
    node: FieldNode
    resolve: Callable[..., Awaitable[Any]]
    fixed: Mapping[str, Any]
    given: tuple[_Given, ...]
    complete: Complete
    is_nullable: bool

    def arguments(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(self.fixed)
        for one in self.given:
            if one.variable not in variables:
                if one.default is not None:
                    found[one.name] = one.default
                elif not one.may_be_missing:
                    raise Unplanned
                continue
            value = variables[one.variable]
            if value is None:
                if not one.may_be_null:
                    raise Unplanned
            elif type(value) is not one.kind or (isinstance(value, int) and not -(2**31) <= value < 2**31):
                raise Unplanned
            found[one.name] = value
        return found


@dataclass(slots=True, eq=False)
class RootPlan:
    """How a query is answered.

    Attributes:
        wants_holdings: its fields look at the copies in memory, so these are read first.
    """

    roots: tuple[_Root, ...]
    wants_holdings: bool
    given_up: int = 0

    @property
    def is_useful(self) -> bool:
        """Whether it is still worth trying."""
        return self.given_up < MAX_GIVEN_UP

    async def answer(
        self, context: Any, variables: Mapping[str, Any]
    ) -> tuple[dict[str, Any] | None, list[GraphQLError]]:
        """Give data and errors.

        Raises:
            Unplanned: graphql-core has to answer.
        """
        calls = [one.arguments(variables) for one in self.roots]
        asked = Asked(context)
        if len(self.roots) == 1:
            (root,) = self.roots
            try:
                values = [await root.resolve(None, asked, **calls[0])]
            except Exception as error:  # noqa: BLE001 - as graphql-core does it: the mask decides what is told
                told = located_error(error, [root.node], [root.key])
                return ({root.key: None} if root.is_nullable else None), [told]
        else:
            try:
                values = await gather_with_cancel(
                    *(one.resolve(None, asked, **call) for one, call in zip(self.roots, calls, strict=True))
                )
            except Exception as error:
                raise Unplanned from error
        if self.wants_holdings:
            await context.load.holdings()
        try:
            return {
                one.key: one.complete(value, asked) for one, value in zip(self.roots, values, strict=True)
            }, []
        except Exception as error:
            self.given_up += 1
            raise Unplanned from error


def root_plan(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> RootPlan | None:
    """Give the plan of a validated query; None where graphql-core has to answer it."""
    if operation.operation is not OperationType.QUERY or operation.directives:
        return None
    assert schema.query_type is not None
    fragments = {
        one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
    }
    declared = {one.variable.name.value: one for one in operation.variable_definitions or ()}
    compiler = Compiler(schema, fragments, with_context=True)
    roots: dict[str, _Root] = {}
    for node in operation.selection_set.selections:
        if not isinstance(node, FieldNode) or node.directives:
            return None
        definition = schema.query_type.fields.get(node.name.value)
        key = node.alias.value if node.alias else node.name.value
        root = _root(schema, key, node, definition, declared, compiler) if definition else None
        if root is None or key in roots:
            return None
        roots[key] = root
    used = {given.variable for root in roots.values() for given in root.given}
    # A variable that is used deeper has an argument there, so nothing of it is planned anyway.
    if used != set(declared):
        return None
    return RootPlan(tuple(roots.values()), compiler.wants_context)


def _root(
    schema: GraphQLSchema,
    key: str,
    node: FieldNode,
    definition: GraphQLField,
    declared: Mapping[str, VariableDefinitionNode],
    compiler: Compiler,
) -> _Root | None:
    field = (definition.extensions or {}).get("strawberry-definition")
    if not isinstance(field, StrawberryField) or field.permission_classes or field.extensions:
        return None
    resolver = field.base_resolver
    if resolver is None or not field.is_async or resolver.info_parameter is None or resolver.parent_parameter:
        return None
    arguments = _arguments(schema, node, definition, field, declared)
    complete = compiler.completer(definition.type, [node]) if arguments is not None else None
    if arguments is None or complete is None:
        return None
    fixed, given = arguments
    return _Root(
        key, node, cast(Callable[..., Awaitable[Any]], resolver.wrapped_func), fixed, given, complete, not isinstance(definition.type, GraphQLNonNull)
    )  # fmt: skip


def _arguments(
    schema: GraphQLSchema,
    node: FieldNode,
    definition: GraphQLField,
    field: StrawberryField,
    declared: Mapping[str, VariableDefinitionNode],
) -> tuple[dict[str, Any], tuple[_Given, ...]] | None:
    """Give the arguments that the document fixes, and those that variables give; None where it is neither."""
    ours: Schema = schema._strawberry_schema  # type: ignore[attr-defined]
    by_name = {ours.config.name_converter.from_argument(one): one for one in field.arguments}
    fixed: dict[str, Any] = {}
    given: list[_Given] = []
    for one in node.arguments or ():
        argument = by_name[one.name.value]
        if isinstance(one.value, VariableNode):
            found = _given(ours, one, argument, definition, declared)
            if found is None:
                return None
            given.append(found)
        elif _has_variables(one.value):
            return None
        else:
            fixed[argument.python_name] = _fixed(ours, node, one, argument, definition)
    return fixed, tuple(given)


def _given(
    ours: Schema,
    one: ArgumentNode,
    argument: StrawberryArgument,
    definition: GraphQLField,
    declared: Mapping[str, VariableDefinitionNode],
) -> _Given | None:
    assert isinstance(one.value, VariableNode)
    variable = declared[one.value.name.value]
    kind: Any = definition.args[one.name.value].type
    is_required = isinstance(kind, GraphQLNonNull)
    named = kind.of_type if is_required else kind
    if variable.directives:
        return None
    default = None
    if variable.default_value is not None:
        literal = value_from_ast(variable.default_value, named)
        default = _converted(ours, literal, argument, one.name.value)
        if default is None:
            return None
    declares_value = isinstance(variable.type, NonNullTypeNode)
    return _Given(
        variable=one.value.name.value,
        name=argument.python_name,
        kind=_AS_THEY_ARE.get(named.name, _NOTHING) if isinstance(named, GraphQLScalarType) else _NOTHING,
        may_be_null=not declares_value and not is_required,
        may_be_missing=not declares_value and not is_required,
        default=default,
    )


def _has_variables(value: Any) -> bool:
    if isinstance(value, VariableNode):
        return True
    inner = getattr(value, "values", None) or [one.value for one in getattr(value, "fields", None) or ()]
    return any(_has_variables(one) for one in inner)


def _fixed(
    ours: Schema,
    node: FieldNode,
    one: ArgumentNode,
    argument: StrawberryArgument,
    definition: GraphQLField,
) -> Any:
    name = one.name.value
    coerced: dict[str, Any] = {}
    coerce_argument(coerced, node, name, definition.args[name], one, None, None)
    return _converted(ours, coerced[name], argument, name)


def _converted(ours: Schema, value: Any, argument: StrawberryArgument, name: str) -> Any:
    return convert_argument(
        value, argument.type, ours.schema_converter.scalar_registry, ours.config, path=(name,)
    )

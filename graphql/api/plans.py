"""Plain selections are answered by a plan made once per document; everything else by graphql-core.

Most of an answer is attributes of values that are there already: the rows of a page. graphql-core takes the general
way for each of them (path, resolve info, awaitable or not, completion by type), about five microseconds a value. A
plan knows the attribute and the serializer, and takes half of one. Where a plan meets what it does not know (a null
that may not be, a value of another type), it gives up and graphql-core does the same selection again: so errors,
their paths and the spreading of nulls are the library's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import isawaitable, iscoroutine
from operator import attrgetter
from typing import Any, NamedTuple, cast

import orjson
from graphql import ExecutionResult as CoreResult
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    NamedTypeNode,
    SelectionSetNode,
)
from graphql.execution.collect_fields import FieldDetailsList, collect_fields
from graphql.pyutils import Path, Undefined, gather_with_cancel
from orjson import Fragment
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

#: Turns a value into what goes on the wire; the second argument says who asks.
Complete = Callable[[Any, Any], Any]


class _Nothing:
    """The type of no value."""


class Entry(NamedTuple):
    """One planned field.

    Attributes:
        key: its name in the answer.
        get, complete: give the value, and what goes on the wire.
        attribute: the attribute that is the value; empty where something else gives it.
        as_is: values of exactly this type go on the wire as they are.
    """

    key: str
    get: Complete
    complete: Complete
    attribute: str
    as_is: type


#: Answers kept per event: so many different documents share it; more of them are answered each on their own.
MAX_SENT = 16


class Unplanned(Exception):
    """The plan met something that graphql-core has to decide."""


@dataclass(slots=True)
class Asked:
    """What a planned resolver sees of `info`: the operation's context, and nothing else."""

    context: Any


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is known of a selection on an object type.

    Attributes:
        entries: the plain fields, in order.
        is_whole: nothing else is selected.
        plain: the same entries by key, for selections that are not whole.
    """

    entries: tuple[Entry, ...]
    is_whole: bool
    plain: Mapping[str, Entry]
    _read: Callable[[Any], tuple[Any, ...]]
    _read_steps: tuple[tuple[str, type, Complete], ...]
    _others: tuple[Entry, ...]

    @staticmethod
    def of(entries: tuple[Entry, ...], *, is_whole: bool) -> Plan:
        """Give the plan of these fields: attributes are read together, the others one by one."""
        read = [one for one in entries if one.attribute]
        if len(read) < 2:  # With one name, attrgetter gives the value itself.
            read = []
        return Plan(
            entries,
            is_whole,
            {one.key: one for one in entries},
            attrgetter(*(one.attribute for one in read)) if read else lambda source: (),
            tuple((one.key, one.as_is, one.complete) for one in read),
            tuple(one for one in entries if one not in read),
        )

    def answer(self, source: Any, asked: Any = None) -> dict[str, Any]:
        """Give the whole selection of a value."""
        found = {
            key: value if type(value) is as_is else complete(value, asked)
            for (key, as_is, complete), value in zip(self._read_steps, self._read(source), strict=True)
        }
        if not self._others:
            return found
        for one in self._others:
            found[one.key] = one.complete(one.get(source, asked), asked)
        # In the order of the document.
        return {key: found[key] for key in self.plain}


#: Plans of one document, by type and selection nodes.
Plans = dict[tuple[str, tuple[int, ...]], Plan | None]


class PlannedExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor with plans for plain selections."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._document_plans: Plans = self.context_value.plans
        self._own_plans: dict[tuple[int, int], Plan | None] = {}

    def collect_and_execute_subfields(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Answer by a plan where there is one."""
        # The list of nodes lives as long as the operation, so its identity is a key.
        key = (id(return_type), id(field_details_list))
        try:
            plan = self._own_plans[key]
        except KeyError:
            plan = self._own_plans[key] = self._plan(return_type, field_details_list)
        if plan is not None and plan.is_whole:
            try:
                return plan.answer(result)
            except Exception:  # noqa: BLE001 - whatever it is, graphql-core meets it again and says where
                plan = None
        if plan is None or not plan.entries:
            return super().collect_and_execute_subfields(
                return_type, field_details_list, path, result, position_context
            )
        return self._mixed(plan, return_type, field_details_list, path, result, position_context)

    def answer_event(self, event: Any) -> Any:
        """Answer an operation's selection for one event of its stream.

        An event that many readers are shown is one object; its answer to a document is made and serialised once.
        """
        (key, details), *_ = self._root_fields.items()
        definition = getattr(event, "__strawberry_definition__", None)
        kind = self.schema.get_type(definition.name) if definition is not None else None
        plan = self._plan(kind, details) if isinstance(kind, GraphQLObjectType) else None
        if plan is not None and plan.is_whole:
            sent: dict[Plan, Fragment] = event.__dict__.setdefault("_sent", {})
            found = sent.get(plan)
            if found is None:
                try:
                    found = Fragment(orjson.dumps({key: plan.answer(event)}))
                    if len(sent) < MAX_SENT:
                        sent[plan] = found
                except Exception:  # noqa: BLE001 - graphql-core meets it again and says where
                    return self.build_per_event_executor(event).execute_operation(False)
            return CoreResult(data=cast(Any, found), errors=None)
        return self.build_per_event_executor(event).execute_operation(False)

    @cached_property
    def _root_fields(self) -> Mapping[str, FieldDetailsList]:
        root = self.schema.get_root_type(self.operation.operation)
        assert root is not None
        return collect_fields(
            self.schema, self.fragments, self.variable_values, root, self.operation, self.hide_suggestions
        ).grouped_field_set

    def _plan(self, kind: GraphQLObjectType, details: FieldDetailsList) -> Plan | None:
        key = (kind.name, tuple(id(one.node) for one in details))
        if key not in self._document_plans:
            nodes = [one.node.selection_set for one in details]
            compiler = Compiler(self.schema, self.fragment_definitions)
            self._document_plans[key] = compiler.plan(kind, nodes)
        return self._document_plans[key]

    def _mixed(
        self,
        plan: Plan,
        kind: GraphQLObjectType,
        details: FieldDetailsList,
        path: Path,
        source: Any,
        position_context: Any,
    ) -> Any:
        """Answer plain fields by the plan and the others by graphql-core, in the order of the document."""
        grouped, new_defer_usages, _ = self.collect_subfields(kind, details)
        assert not new_defer_usages, "validation refuses @defer"
        results: dict[str, Any] = {}
        waiting: list[str] = []
        try:
            for key, field_details in grouped.items():
                entry = plan.plain.get(key)
                if entry is not None:
                    try:
                        results[key] = entry.complete(entry.get(source, None), None)
                    except Exception:  # noqa: BLE001 - as above
                        entry = None
                if entry is None:
                    found = self.execute_field(
                        kind, source, field_details, Path(path, key, kind.name), position_context
                    )
                    if found is Undefined:
                        continue
                    results[key] = found
                    if self.is_awaitable(found):
                        waiting.append(key)
        except Exception:
            if waiting:
                self.settle_in_background([results[one] for one in waiting])
            raise
        if not waiting:
            return results
        return self._awaited(results, waiting)

    async def _awaited(self, results: dict[str, Any], waiting: Sequence[str]) -> dict[str, Any]:
        if len(waiting) == 1:
            results[waiting[0]] = await results[waiting[0]]
            return results
        values = await gather_with_cancel(*(results[one] for one in waiting))
        results.update(zip(waiting, values, strict=True))
        return results


class Compiler:
    """Makes plans from the selections of one document.

    Args:
        with_context: fields whose resolver wants `info` for its context are planned too. Whoever answers by such a
            plan gives an `Asked`, and does not keep the answer for somebody else.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        *,
        with_context: bool = False,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._with_context = with_context
        #: Some field was planned that wants the context.
        self.wants_context = False

    def plan(self, kind: GraphQLObjectType, selected: Iterable[SelectionSetNode | None]) -> Plan | None:
        """Give the plan of selections on an object type; None where directives decide at run time."""
        groups: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for one in selected:
            if one is None or not self._collect(kind, one, groups, seen):
                return None
        entries: list[Entry] = []
        for key, nodes in groups.items():
            entry = self._entry(kind, key, nodes)
            if entry is not None:
                entries.append(entry)
        return Plan.of(tuple(entries), is_whole=len(entries) == len(groups))

    def _collect(
        self,
        kind: GraphQLObjectType,
        selected: SelectionSetNode,
        groups: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> bool:
        for one in selected.selections:
            if one.directives:
                return False
            if isinstance(one, FieldNode):
                groups.setdefault(one.alias.value if one.alias else one.name.value, []).append(one)
                continue
            if isinstance(one, FragmentSpreadNode):
                if one.name.value in seen:
                    continue
                seen.add(one.name.value)
                fragment = self._fragments[one.name.value]
                condition: NamedTypeNode | None = fragment.type_condition
                inner = fragment.selection_set
            else:
                assert isinstance(one, InlineFragmentNode)
                condition, inner = one.type_condition, one.selection_set
            if condition is not None and not self._applies(condition.name.value, kind):
                continue
            if not self._collect(kind, inner, groups, seen):
                return False
        return True

    def _applies(self, condition: str, kind: GraphQLObjectType) -> bool:
        if condition == kind.name:
            return True
        found = self._schema.get_type(condition)
        return isinstance(found, GraphQLInterfaceType | GraphQLUnionType) and self._schema.is_sub_type(
            found, kind
        )

    def _entry(self, kind: GraphQLObjectType, key: str, nodes: Sequence[FieldNode]) -> Entry | None:
        name = nodes[0].name.value
        if name == "__typename":
            typename = kind.name
            return Entry(key, lambda source, asked: typename, lambda value, asked: value, "", _Nothing)
        definition = kind.fields.get(name)
        if definition is None or definition.args or nodes[0].arguments:
            return None
        get = self._getter(definition)
        complete = self.completer(definition.type, nodes) if get is not None else None
        if get is None or complete is None:
            return None
        return Entry(key, get, complete, _attribute(definition), _as_is(definition.type))

    def _getter(self, definition: GraphQLField) -> Complete | None:
        """Give what gets a field of a value without waiting: an attribute, or a method without arguments."""
        field = (definition.extensions or {}).get("strawberry-definition")
        if not isinstance(field, StrawberryField) or field.permission_classes or field.extensions:
            return None
        resolver = field.base_resolver
        if resolver is None:
            name = field.python_name
            return lambda source, asked: getattr(source, name)
        if field.is_async or resolver.parent_parameter or resolver.arguments:
            return None
        function = cast(Callable[..., Any], resolver.wrapped_func)
        if resolver.info_parameter is None:
            return lambda source, asked: function(source)
        if not self._with_context:
            return None
        self.wants_context = True
        return _at_once(function)

    def completer(self, kind: GraphQLOutputType, nodes: Sequence[FieldNode]) -> Complete | None:
        """Give what completes a value; None where graphql-core has to."""
        if isinstance(kind, GraphQLNonNull):
            return self._strict(kind.of_type, nodes)
        strict = self._strict(kind, nodes)
        if strict is None:
            return None
        return lambda value, asked: None if value is None else strict(value, asked)

    def _strict(self, kind: Any, nodes: Sequence[FieldNode]) -> Complete | None:
        """Give what completes a value that may not be null."""
        if isinstance(kind, GraphQLList):
            each = self.completer(kind.of_type, nodes)
            return _list_of(each) if each is not None else None
        if isinstance(kind, GraphQLEnumType):
            return _enum(kind)
        if isinstance(kind, GraphQLScalarType):
            return _scalar(kind)
        if isinstance(kind, GraphQLObjectType):
            plan = self.plan(kind, [one.selection_set for one in nodes])
            return _object(kind, plan) if plan is not None and plan.is_whole else None
        return None


def _attribute(definition: GraphQLField) -> str:
    """Give the attribute behind a field; empty where a resolver is."""
    field = (definition.extensions or {}).get("strawberry-definition")
    is_plain = isinstance(field, StrawberryField) and field.base_resolver is None
    return field.python_name if is_plain and isinstance(field, StrawberryField) else ""


def _as_is(kind: GraphQLOutputType) -> type:
    named = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    return _SAME_AS.get(named.name, _Nothing) if isinstance(named, GraphQLScalarType) else _Nothing


def _at_once(function: Callable[..., Any]) -> Complete:
    """Give a resolver's value if it is there already."""

    def get(source: Any, asked: Any) -> Any:
        found = function(source, asked)
        if isawaitable(found):
            if iscoroutine(found):
                found.close()
            raise Unplanned
        return found

    return get


def _object(kind: GraphQLObjectType, plan: Plan) -> Complete:
    is_type_of = kind.is_type_of
    if is_type_of is None:
        return plan.answer
    origin = kind.extensions["strawberry-definition"].origin
    answer = plan.answer

    def checked(value: Any, asked: Any) -> dict[str, Any]:
        if type(value) is not origin:
            raise Unplanned
        return answer(value, asked)

    return checked


def _list_of(each: Complete) -> Complete:
    def complete(value: Any, asked: Any) -> list[Any]:
        if type(value) is not list and type(value) is not tuple:
            raise Unplanned
        return [each(one, asked) for one in value]

    return complete


def _enum(kind: GraphQLEnumType) -> Complete:
    names: dict[Any, str] = {}

    def complete(value: Any, asked: Any) -> str:
        # Members only: True would find the member that equals 1.
        found = names.get(value)
        if found is None:
            found = names[value] = kind.coerce_output_value(value)
        return found

    return complete


_SAME_AS: Mapping[str, type] = {"String": str, "ID": str, "Boolean": bool}


def _scalar(kind: GraphQLScalarType) -> Complete:
    wanted = _SAME_AS.get(kind.name)
    coerce = kind.coerce_output_value

    def general(value: Any, asked: Any = None) -> Any:
        found = coerce(value)
        if found is None or found is Undefined:
            raise Unplanned
        return found

    def plain(value: Any, asked: Any = None) -> Any:
        return value if type(value) is wanted else general(value)

    def whole(value: Any, asked: Any = None) -> Any:
        return value if type(value) is int and -(2**31) <= value < 2**31 else general(value)

    def real(value: Any, asked: Any = None) -> Any:
        return value if type(value) is float and math.isfinite(value) else general(value)

    if wanted is not None:
        return plain
    return {"Int": whole, "Float": real}.get(kind.name, general)

"""What happens around every operation, whichever way it came: limits before it, the mask over errors after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)
from strawberry.extensions import SchemaExtension
from strawberry.types.execution import ExecutionResult, StreamExecutionResult

from api.context import Context
from api.cost import cost_of, is_exit
from api.documents import Document
from api.errors import ApiError, ErrorCode, shown
from api.limits import chosen_operation
from desk.identity import Role

#: Longest time of an operation.
QUERY_S = 5.0
MUTATION_S = 10.0


class Guard(SchemaExtension):
    """One instance per operation."""

    _refusal: GraphQLError | None = None
    _document: Document | None = None
    _entered = ""
    _started = 0.0

    @property
    def _context(self) -> Context:
        context: Context = self.execution_context.context
        return context

    def on_operation(self) -> Iterator[None]:
        """Count it in and out."""
        context = self._context
        self._started = context.house.clock.monotonic()
        who, role = self._who()
        try:
            context.gate.request(who, role)
            context.gate.enter(who)
            self._entered = who
        except ApiError as refusal:
            self._refusal = refusal
        try:
            yield
        finally:
            self._leave()
            self._observe()

    def on_parse(self) -> Iterator[None]:
        """Take the document from the cache; a refused one is replaced by an empty stand-in."""
        found = self._context.documents.look_up(
            self.execution_context.schema._schema, self.execution_context.query or ""
        )
        self._document = found
        if found.tree is None:
            self._refusal = self._refusal or found.errors[0]
            self.execution_context.graphql_document = _stand_in(self.execution_context.operation_name)
        else:
            self.execution_context.graphql_document = found.tree
        yield

    def on_validate(self) -> Iterator[None]:
        """Say why it is refused, or charge what it costs."""
        errors = [self._refusal] if self._refusal else list(self._document.errors if self._document else ())
        if not errors:
            try:
                self._charge()
            except ApiError as refusal:
                errors = [refusal]
        self.execution_context.pre_execution_errors = errors
        if errors:
            code = (errors[0].extensions or {}).get("code", ErrorCode.VALIDATION_FAILED.value)
            self._context.observer.rejected(str(code).lower())
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        """Stop what takes too long. Subscriptions live long by nature and hold no place."""
        kind = self._kind()
        if kind == "subscription":
            self._leave()
            yield
            return
        async with asyncio.timeout(MUTATION_S if kind == "mutation" else QUERY_S):
            yield

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        """Mask errors of each message of a stream."""
        if isinstance(result, ExecutionResult):
            mask(result, self._context)
        yield

    def get_results(self) -> dict[str, Any]:
        """Give the extensions of the answer; a stream's later messages carry none."""
        if self._kind() == "subscription":
            return {}
        found: dict[str, Any] = {"requestId": self._context.request_id}
        if self._context.cost is not None:
            found["cost"] = dict(self._context.cost)
        return found

    def _charge(self) -> None:
        tree = self.execution_context.graphql_document
        assert tree is not None
        operation = chosen_operation(tree, self.execution_context.operation_name)
        if operation is None:
            return
        cost, names = cost_of(
            self.execution_context.schema._schema, tree, operation, self.execution_context.variables
        )
        who, role = self._who()
        context = self._context
        context.cost = context.gate.spend(who, role, cost.points, is_exit=is_exit(operation, names))
        context.observer.cost(round(cost.points))

    def _who(self) -> tuple[str, Role]:
        session = self._context.session
        if session is None:
            return f"peer:{self._context.peer}", Role.STRANGER
        return session.actor.user_id or session.token_id, session.actor.role

    def _leave(self) -> None:
        if self._entered:
            self._context.gate.leave(self._entered)
            self._entered = ""

    def _kind(self) -> str:
        tree = self.execution_context.graphql_document
        operation = chosen_operation(tree, self.execution_context.operation_name) if tree else None
        return operation.operation.value if operation else "query"

    def _observe(self) -> None:
        seconds = self._context.house.clock.monotonic() - self._started
        name = self._document.name if self._document else "adhoc"
        self._context.observer.operation(kind=self._kind(), document=name, seconds=seconds)


def mask(result: ExecutionResult, context: Context) -> None:
    """Replace the errors of a result by what clients may see."""
    if result.errors:
        result.errors = [shown(one, context.request_id) for one in result.errors]


def _stand_in(name: str | None) -> DocumentNode:
    selection = SelectionSetNode(selections=(FieldNode(name=NameNode(value="__typename")),))
    operation = OperationDefinitionNode(
        operation=OperationType.QUERY,
        name=NameNode(value=name) if name else None,
        selection_set=selection,
        variable_definitions=(),
        directives=(),
    )
    return DocumentNode(definitions=(operation,))

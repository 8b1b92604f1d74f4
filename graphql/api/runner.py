"""How operations run: guard, document, plan; over HTTP, on sockets and as events of a stream alike."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any, cast

import strawberry
from graphql import ExecutionResult as CoreResult
from graphql import GraphQLError, create_source_event_stream
from strawberry.exceptions import MissingQueryError
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType

from api.context import Context
from api.documents import Document
from api.guard import Guard, mask
from api.plans import PlannedExecutor, Unplanned

#: What an answer of one message may be; subscriptions need a stream.
ANSWERED = frozenset({OperationType.QUERY, OperationType.MUTATION})


class Schema(strawberry.Schema):
    """Runs operations our way: guard, document cache, plans; each in a context of its own.

    Operations on one socket must not share loaders, and what the guard refuses must hold whichever way they came.
    """

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Run a query or mutation."""
        if not query:
            raise MissingQueryError
        assert isinstance(context_value, Context)
        guard = Guard(_of_one_operation(context_value), query, operation_name)
        try:
            document = guard.read(self._schema, allowed_operation_types or ANSWERED)
            return await self._answer(guard, document, variable_values)
        finally:
            guard.leave()
            guard.note()

    async def _answer(
        self, guard: Guard, document: Document | None, variables: dict[str, Any] | None
    ) -> ExecutionResult:
        result = await self._run(guard, document, variables)
        result.extensions = guard.extensions
        return _masked(result, guard)

    async def _run(
        self, guard: Guard, document: Document | None, variables: dict[str, Any] | None
    ) -> ExecutionResult:
        if errors := await guard.refusals(self._schema, variables):
            return PreExecutionError(data=None, errors=errors)
        assert document is not None
        try:
            async with guard.time_limit():
                whole = await self._whole(guard, document, variables)
                if whole is not None:
                    return whole
                executor = self._executor(guard, document, variables)
                if isinstance(executor, list):
                    return PreExecutionError(data=None, errors=executor)
                found: Any = executor.execute_operation()
                if optimized_is_awaitable(found):
                    found = await found
        except Exception as error:  # noqa: BLE001 - the mask decides what is told
            return PreExecutionError(data=None, errors=[located(error)])
        return ExecutionResult(data=found.data, errors=found.errors)

    async def _whole(
        self, guard: Guard, document: Document, variables: dict[str, Any] | None
    ) -> ExecutionResult | None:
        """Answer without graphql-core, if the document has a plan for that and the plan holds."""
        assert guard.operation is not None
        plan = document.root_plan(self._schema, guard.operation)
        if plan is None:
            return None
        try:
            data, errors = await plan.answer(guard.context, variables or {})
        except Unplanned:
            return None
        return ExecutionResult(data=data, errors=errors or None)

    async def stream(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        operation_extensions: dict[str, Any] | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
    ) -> AsyncGenerator[Any, None]:
        """Run any operation; a query or mutation gives one result."""
        assert isinstance(context_value, Context)
        return self._streamed(query or "", variable_values, context_value, operation_name)

    async def _streamed(
        self, text: str, variables: dict[str, Any] | None, context: Context, name: str | None
    ) -> AsyncGenerator[ExecutionResult, None]:
        guard = Guard(context.for_operation(), text, name)
        guard.context.resume_after = context.resume_after
        try:
            try:
                document = guard.read(self._schema, tuple(OperationType))
            except CannotGetOperationTypeError as problem:
                yield PreExecutionError(data=None, errors=[GraphQLError(problem.as_http_error_reason())])
                return
            if document is None or guard.kind != "subscription":
                yield await self._answer(guard, document, variables)
                return
            if errors := await guard.refusals(self._schema, variables):
                yield _masked(PreExecutionError(data=None, errors=errors), guard)
                return
            guard.leave()
            executor = self._executor(guard, document, variables)
            if isinstance(executor, list):
                yield _masked(PreExecutionError(data=None, errors=executor), guard)
                return
            async for result in _events(executor):
                context.place = guard.context.place
                yield _masked(result, guard)
        finally:
            guard.leave()
            guard.note()

    def _executor(
        self, guard: Guard, document: Document, variables: dict[str, Any] | None
    ) -> PlannedExecutor | list[GraphQLError]:
        assert document.tree is not None
        built = PlannedExecutor.build(
            self._schema,
            document.tree,
            context_value=guard.context,
            raw_variable_values=variables,
            operation_name=guard.name,
            is_awaitable=cast(Any, optimized_is_awaitable),
            hide_suggestions=True,
        )
        return built if isinstance(built, list) else cast(PlannedExecutor, built)


def _of_one_operation(context: Context) -> Context:
    """Give a context that no other operation has."""
    return context if context.is_for_one and context.connection is None else context.for_operation()


async def _events(executor: PlannedExecutor) -> AsyncGenerator[ExecutionResult, None]:
    """Give a result per event; what ends the stream is its last result."""
    source: Any = create_source_event_stream(executor)
    if optimized_is_awaitable(source):
        source = await source
    if isinstance(source, CoreResult):
        yield PreExecutionError(data=None, errors=source.errors)
        return
    try:
        async with aclosing(source):
            async for event in source:
                found = executor.answer_event(event)
                if optimized_is_awaitable(found):
                    found = await found
                yield ExecutionResult(data=found.data, errors=found.errors)
    except Exception as error:  # noqa: BLE001 - the mask decides what is told
        yield ExecutionResult(data=None, errors=[located(error)])


def located(error: Exception) -> GraphQLError:
    """Give any failure as an error of the operation."""
    return error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)


def _masked(result: ExecutionResult, guard: Guard) -> ExecutionResult:
    mask(result, guard.context)
    return result

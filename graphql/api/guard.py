"""What happens around every operation, whichever way it came: limits before it, the mask over errors after it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult
from strawberry.types.graphql import OperationType

from api.context import Context
from api.cost import Cost, cost_of, is_exit
from api.documents import Document
from api.errors import ApiError, ErrorCode, shown
from api.limits import chosen_operation
from desk.identity import Role

#: Longest time of an operation.
QUERY_S = 5.0
MUTATION_S = 10.0

#: Prices kept per document.
MAX_PRICES = 64


class Guard:
    """One operation on its way: admission, document, cost, time, and what is noted of it afterwards."""

    def __init__(self, context: Context, text: str, name: str | None) -> None:
        self.context = context
        self._text = text
        self.name = name
        self._started = context.house.clock.monotonic()
        self._entered = ""
        self._refusal: GraphQLError | None = None
        self.document: Document | None = None
        self.operation: OperationDefinitionNode | None = None

    def read(self, schema: GraphQLSchema, allowed: Iterable[OperationType]) -> Document | None:
        """Count the request and give the document; None when either is refused.

        Raises:
            CannotGetOperationTypeError: no operation of that name is in it.
            InvalidOperationTypeError: this door does not do such operations.
        """
        who, role = self._who()
        try:
            self.context.gate.request(who, role)
            found = self._look_up(schema)
        except ApiError as refusal:
            self._refusal = refusal
            return None
        self.document = found
        if found.tree is None:
            self._refusal = found.errors[0]
            return None
        self.operation = chosen_operation(found.tree, self.name)
        if self.operation is None:
            raise CannotGetOperationTypeError(self.name)
        kind = OperationType(self.operation.operation.value)
        if kind not in allowed:
            raise InvalidOperationTypeError(kind)
        if self.name is None and found.operations > 1 and not found.errors:
            self._refusal = ApiError(
                ErrorCode.VALIDATION_FAILED, "The document has several operations; name one in operationName."
            )
            return None
        self.context.plans = found.plans
        return found

    async def refusals(
        self, schema: GraphQLSchema, variables: Mapping[str, Any] | None
    ) -> list[GraphQLError]:
        """Say why the operation is refused, or charge what it costs, take a place, and give nothing."""
        errors = [self._refusal] if self._refusal else list(self.document.errors if self.document else ())
        if not errors:
            try:
                self._charge(schema, variables)
                who, _ = self._who()
                await self.context.gate.places.enter(who)
                self._entered = who
            except ApiError as refusal:
                errors = [refusal]
        if errors:
            code = (errors[0].extensions or {}).get("code", ErrorCode.VALIDATION_FAILED.value)
            self.context.observer.rejected(str(code).lower())
        return errors

    def time_limit(self) -> asyncio.Timeout:
        """Stop what takes too long."""
        return asyncio.timeout(MUTATION_S if self.kind == "mutation" else QUERY_S)

    def leave(self) -> None:
        """Give the place back; a subscription does so once it streams, because it lives long by nature."""
        if self._entered:
            self.context.gate.places.leave(self._entered)
            self._entered = ""

    def note(self) -> None:
        """Say what was done and how long it took."""
        seconds = self.context.house.clock.monotonic() - self._started
        name = self.document.name if self.document else "adhoc"
        self.context.observer.operation(kind=self.kind, document=name, seconds=seconds)

    @property
    def extensions(self) -> dict[str, Any]:
        """What every answer carries besides its data."""
        found: dict[str, Any] = {"requestId": self.context.request_id}
        if self.context.cost is not None:
            found["cost"] = self.context.cost
        return found

    @property
    def kind(self) -> str:
        """Query, mutation or subscription."""
        return self.operation.operation.value if self.operation else "query"

    def _look_up(self, schema: GraphQLSchema) -> Document:
        context = self.context
        known = context.documents.known(self._text)
        if known is not None:
            return known
        who, role = self._who()
        session = context.session
        context.gate.new_document(
            who, role, is_allowed=session is not None and session.may_improvise, size=len(self._text)
        )
        return context.documents.look_up(schema, self._text)

    def _charge(self, schema: GraphQLSchema, variables: Mapping[str, Any] | None) -> None:
        assert self.operation is not None
        cost, names = self._price(schema, self.operation, variables or {})
        who, role = self._who()
        context = self.context
        context.cost = context.gate.spend(who, role, cost.points, is_exit=is_exit(self.operation, names))
        context.observer.cost(round(cost.points))

    def _price(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> tuple[Cost, list[str]]:
        """Give cost and root mutations; they depend on the document and its page sizes, and are kept for these."""
        assert self.document is not None
        assert self.document.tree is not None
        sizes = [
            (name, value if isinstance(value, int) else len(value))
            for name, value in variables.items()
            if isinstance(value, int | list)
        ]
        prices = self.document.prices
        key = (id(operation), *sizes)
        if key not in prices:
            while len(prices) >= MAX_PRICES:
                prices.pop(next(iter(prices)))
            prices[key] = cost_of(schema, self.document.tree, operation, variables)
        found: tuple[Cost, list[str]] = prices[key]
        return found

    def _who(self) -> tuple[str, Role]:
        session = self.context.session
        if session is None:
            return f"peer:{self.context.peer}", Role.STRANGER
        return session.actor.user_id or session.token_id, session.actor.role


def mask(result: ExecutionResult, context: Context) -> None:
    """Replace the errors of a result by what clients may see."""
    if result.errors:
        result.errors = [shown(one, context.request_id) for one in result.errors]

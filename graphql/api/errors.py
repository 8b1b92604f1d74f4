"""Errors as clients see them: codes, user errors, and the mask over our own mistakes."""

from __future__ import annotations

import enum
import re
from typing import Any

import strawberry
import structlog
from graphql import GraphQLError

from desk.errors import ApprovalPending, StepUpRequired, TooManyTries, VersionMoved
from desk.identity import new_id
from trading.errors import (
    BreakwaterError,
    Conflict,
    Denied,
    InvalidInput,
    InvariantBroken,
    NotFound,
    OutcomeUnknown,
    Rejected,
    RequestProblem,
    RiskDenied,
    StoreProblem,
    StrategyFailure,
    Temporary,
)

log = structlog.get_logger(__name__)


@strawberry.enum(
    description="Why something was refused. Codes may be added: treat an unknown one as INTERNAL."
)
class ErrorCode(enum.Enum):
    """Every code, in `extensions.code` of errors and in `code` of user errors."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    STEP_UP_REQUIRED = "STEP_UP_REQUIRED"
    APPROVAL_PENDING = "APPROVAL_PENDING"
    NOT_FOUND = "NOT_FOUND"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    CONFLICT = "CONFLICT"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    IDEMPOTENCY_IN_PROGRESS = "IDEMPOTENCY_IN_PROGRESS"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    RATE_LIMITED = "RATE_LIMITED"
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    QUERY_TOO_DEEP = "QUERY_TOO_DEEP"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"
    TIMEOUT = "TIMEOUT"
    RISK_LIMIT = "RISK_LIMIT"
    VENUE_REJECTED = "VENUE_REJECTED"
    VENUE_UNAVAILABLE = "VENUE_UNAVAILABLE"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    STRATEGY_FAILED = "STRATEGY_FAILED"
    UNAVAILABLE = "UNAVAILABLE"
    SLOW_CONSUMER = "SLOW_CONSUMER"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    INTERNAL = "INTERNAL"


#: The first class that fits decides.
_CODES: tuple[tuple[type[BreakwaterError], ErrorCode], ...] = (
    (NotFound, ErrorCode.NOT_FOUND),
    (StepUpRequired, ErrorCode.STEP_UP_REQUIRED),
    (TooManyTries, ErrorCode.RATE_LIMITED),
    (ApprovalPending, ErrorCode.APPROVAL_PENDING),
    (Denied, ErrorCode.FORBIDDEN),
    (RiskDenied, ErrorCode.RISK_LIMIT),
    (VersionMoved, ErrorCode.VERSION_CONFLICT),
    (Conflict, ErrorCode.CONFLICT),
    (InvalidInput, ErrorCode.VALIDATION_FAILED),
    (RequestProblem, ErrorCode.VALIDATION_FAILED),
    (OutcomeUnknown, ErrorCode.OUTCOME_UNKNOWN),
    (Rejected, ErrorCode.VENUE_REJECTED),
    (Temporary, ErrorCode.VENUE_UNAVAILABLE),
    (StrategyFailure, ErrorCode.STRATEGY_FAILED),
    (StoreProblem, ErrorCode.UNAVAILABLE),
)

#: How graphql-core complains about an input; what it repeats of it is cut off. What may be long is bounded, and the
#: patterns see the beginning only: a name of 60,000 letters once took them minutes.
_REPEATING: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"(Variable '\$\w{1,200}' has invalid value(?: at [.\w\[\]]{1,200})?): .*", re.DOTALL),
        r"\1.",
    ),
    (re.compile(r"(\b\w{1,100}'? cannot represent (?:an? )?[\w -]{0,40}?value): .*", re.DOTALL), r"\1."),
    (re.compile(r"^(Expected value of [^,]{1,200}), .*", re.DOTALL), r"\1."),
)

#: The value comes first here, so what follows it is looked for from the end.
_NO_SUCH_VALUE = re.compile(r" (does not exist in [^ ]{1,200} enum)[^\n]{0,200}$")

#: Characters of a message that are shown at most; names of the asker's own may be as long as a request.
LONGEST = 400

#: Codes after which the same request may succeed later.
RETRYABLE = frozenset(
    {
        ErrorCode.IDEMPOTENCY_IN_PROGRESS,
        ErrorCode.RATE_LIMITED,
        ErrorCode.TIMEOUT,
        ErrorCode.VENUE_UNAVAILABLE,
        ErrorCode.UNAVAILABLE,
        ErrorCode.SLOW_CONSUMER,
    }
)


@strawberry.type(description="A refusal that the asker can do something about.")
class UserError:
    """Part of every mutation's payload."""

    code: ErrorCode
    message: str
    field: list[str] | None = None
    retryable: bool = False
    retry_after_ms: int | None = None


class ApiError(GraphQLError):
    """A refusal with a code, for everything that is not a business answer."""

    def __init__(self, code: ErrorCode, message: str, **extensions: Any) -> None:
        super().__init__(message, extensions={"code": code.value, **extensions})
        self.code = code


def code_of(problem: BreakwaterError) -> ErrorCode:
    """Give the code of one of our errors."""
    for kind, code in _CODES:
        if isinstance(problem, kind):
            return code
    return ErrorCode.INTERNAL


def user_error(problem: BreakwaterError, *, code: ErrorCode | None = None, field: str = "") -> UserError:
    """Give a business refusal as part of a payload."""
    chosen = code or code_of(problem)
    return UserError(
        code=chosen,
        message=str(problem),
        field=["input", field] if field else None,
        retryable=chosen in RETRYABLE,
    )


def without_value(message: str) -> str:
    """Give what is wrong with an input without the input: it may be a password in the wrong place."""
    if message.startswith("Value "):
        found = _NO_SUCH_VALUE.search(message[-LONGEST:])
        if found:
            return f"The value {found[1]}."
    shown = message[:LONGEST]
    for pattern, shorter in _REPEATING:
        shown = pattern.sub(shorter, shown)
    return f"{shown}…" if len(message) > LONGEST and len(shown) == LONGEST else shown


def shown(error: GraphQLError, request_id: str) -> GraphQLError:
    """Give an error as clients may see it; what is our own mistake shows an incident id only."""
    cause = error.original_error
    if isinstance(cause, GraphQLError):
        error, cause = cause, cause.original_error
    if isinstance(cause, BreakwaterError) and not isinstance(cause, InvariantBroken):
        code = code_of(cause)
        if code is not ErrorCode.INTERNAL:
            return _with(error, str(cause), {"code": code.value})
    if isinstance(cause, TimeoutError):
        return _with(error, "This took too long and was stopped.", {"code": ErrorCode.TIMEOUT.value})
    if cause is None:
        return _with(
            error,
            without_value(error.message),
            {"code": ErrorCode.VALIDATION_FAILED.value, **(error.extensions or {})},
        )
    incident = new_id()
    log.error("api_failed", incident_id=incident, request_id=request_id, exc_info=cause)
    return _with(
        error,
        "Something went wrong on our side; it was logged.",
        {"code": ErrorCode.INTERNAL.value, "incidentId": incident},
    )


def _with(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message, nodes=error.nodes, source=error.source, positions=error.positions, path=error.path,
        extensions=extensions,
    )  # fmt: skip

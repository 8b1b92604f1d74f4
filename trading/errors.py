"""The error tree. Branches by who must act.

BreakwaterError
├── RequestProblem            the asker: bad input, denied, over a limit
│   ├── InvalidInput          a value is malformed or out of range
│   │   ├── BadCandles        a candle series breaks the laws of candles
│   │   ├── BadParameter      a strategy or command parameter is not allowed
│   │   ├── ShapeMismatch     arrays differ in length
│   │   └── InvalidWindow     a window is below 1 or longer than the data
│   ├── NotFound              nothing by that name (names the nearest)
│   │   └── UnknownStrategy
│   ├── Denied                the actor may not do this
│   ├── Conflict              the state does not allow it now, or the version moved on
│   │   ├── KeyReused         an idempotency key came back with another input
│   │   └── KeyBusy           the request with this idempotency key is still running
│   └── RiskDenied            a risk limit says no
├── VenueProblem              the venue, or the way to it
│   ├── Temporary             retry with back-off
│   ├── Rejected              the venue said no: tell
│   └── OutcomeUnknown        never resend, reconcile
├── StrategyFailure           the strategy's author: stop that run, keep the house up
├── OperatorProblem           settings, store, credentials: alert
│   ├── BadSetting
│   └── StoreProblem
└── InvariantBroken           our own mistake: stop at once
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class BreakwaterError(Exception):
    """Root of every error we raise on purpose.

    Args:
        message: what failed, the value found, what is allowed.
        hint: what to do next, one sentence.
    """

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class RequestProblem(BreakwaterError):
    """The asker must change the request."""

    code = "bad_request"


class InvalidInput(RequestProblem):
    """A value is malformed or out of range."""

    code = "invalid_input"


class BadCandles(InvalidInput):
    """A candle series breaks the laws of candles; the message names the row and the reason."""

    code = "bad_candles"


class BadParameter(InvalidInput):
    """A parameter is unknown or out of range."""

    code = "bad_parameter"


class ShapeMismatch(InvalidInput):
    """Arrays that belong together differ in length."""

    code = "shape_mismatch"


class InvalidWindow(InvalidInput):
    """A window is below 1 or longer than the data."""

    code = "invalid_window"


class NotFound(RequestProblem):
    """Nothing by that name."""

    code = "not_found"


class UnknownStrategy(NotFound):
    """No strategy of that name is registered."""

    code = "unknown_strategy"


class Denied(RequestProblem):
    """The actor may not do this."""

    code = "denied"


class Conflict(RequestProblem):
    """The present state does not allow it, or somebody changed it meanwhile."""

    code = "conflict"


class KeyReused(Conflict):
    """An idempotency key came back with another input."""

    code = "idempotency_conflict"


class KeyBusy(Conflict):
    """The request with this idempotency key is still running."""

    code = "idempotency_in_progress"


class RiskDenied(RequestProblem):
    """A risk limit says no; `reason` is the first failing check of trading-rules.md B.4."""

    code = "risk_denied"

    def __init__(self, message: str, *, reason: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class VenueProblem(BreakwaterError):
    """The venue, or the way to it."""

    code = "venue_problem"


class Temporary(VenueProblem):
    """Proved unsent or a failed read: retry with back-off."""

    code = "venue_temporary"


class Rejected(VenueProblem):
    """The venue said no."""

    code = "venue_rejected"


class OutcomeUnknown(VenueProblem):
    """Bytes went out and no answer came back: never resend, reconcile."""

    code = "outcome_unknown"


class StrategyFailure(BreakwaterError):
    """A strategy raised or gave malformed output: that run stops, the house stays up."""

    code = "strategy_failure"


class OperatorProblem(BreakwaterError):
    """Whoever runs the program must act: settings, store, credentials."""

    code = "operator_problem"


class BadSetting(OperatorProblem):
    """A setting is unknown or malformed."""

    code = "bad_setting"


class StoreProblem(OperatorProblem):
    """The database or the data folder cannot be used."""

    code = "store_problem"


class InvariantBroken(BreakwaterError):
    """Our own mistake: stop at once."""

    code = "invariant_broken"


def nearest(found: str, allowed: Iterable[str]) -> str:
    """Name the closest allowed word, as a sentence; empty when nothing is close.

    Example:
        >>> nearest("trend_folowing", ["trend_following", "breakout"])
        "Did you mean 'trend_following'?"
    """
    close = difflib.get_close_matches(found, list(allowed), n=1, cutoff=0.5)
    return f"Did you mean '{close[0]}'?" if close else ""

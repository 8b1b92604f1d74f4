"""An account's limits as people change them: which there are, what a value may be, and what counts as raising one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from desk.bots.plan import limits_of
from desk.views import Account
from trading.errors import InvalidInput, nearest

#: Limits that people look at and change, in the order of the house's rules; each binds tighter the smaller it is.
LIMITS = (
    "risk_per_trade",
    "max_position",
    "max_positions",
    "max_drawdown",
    "daily_loss",
    "portfolio_risk",
    "correlation_count",
    "gross_exposure",
    "net_exposure",
)

#: Limits that count something; the others are ratios of equity.
COUNTS = frozenset({"max_positions", "correlation_count"})

#: How "no limit" is written.
OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChange:
    """A limit before and after.

    Attributes:
        before, after: None = off.
        settings: the account's settings with it.
    """

    name: str
    before: float | None
    after: float | None
    settings: Mapping[str, Any]

    @property
    def is_raise(self) -> bool:
        """Whether more may be risked than before."""
        if self.before is None:
            return False
        return self.after is None or self.after > self.before

    @property
    def is_none(self) -> bool:
        """Whether nothing changes."""
        return self.before == self.after


def change_of(account: Account, name: str, value: Decimal | None) -> LimitChange:
    """Give what setting a limit would change.

    Raises:
        InvalidInput: no such limit, or a value that it cannot have.
    """
    known = name.strip().lower()
    if known not in LIMITS:
        raise InvalidInput(
            f"Limit '{name[:40]}' was given; {', '.join(LIMITS)} can be set.",
            hint=nearest(known, LIMITS) or None,
        )
    before = getattr(limits_of(account.settings), known)
    settings = {
        **account.settings,
        "limits": {**account.settings.get("limits", {}), known: _stored(known, value)},
    }
    return LimitChange(
        name=known, before=before, after=getattr(limits_of(settings), known), settings=settings
    )


def written(value: float | None) -> str:
    """Give a limit's value as facts and the audit say it."""
    return OFF if value is None else f"{value:g}"


def _stored(name: str, value: Decimal | None) -> float | int | None:
    if value is None:
        return None
    if not value.is_finite() or abs(value.adjusted()) > 18:
        raise InvalidInput(f"{name} was to be {value}; a plain number or off is allowed.")
    if name not in COUNTS:
        return float(value)
    if value != value.to_integral_value():
        raise InvalidInput(f"{name} was to be {value}; a whole number or off is allowed.")
    return int(value)

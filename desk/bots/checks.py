"""Why an entry was taken or refused, in plain values: every check in its order, and the sizing arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from desk.bots.plan import Line
from trading.engine.config import RiskLimits
from trading.engine.records import DENIALS
from trading.engine.views import AccountView, EngineIntent

#: Checks as people know them, in the order of trading-rules.md B.4, each with the refusals that it may give.
_CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("kill_switch", ("kill_switch",)),
    ("data_freshness", ("stale_data",)),
    ("account_state", ("halted", "reducing")),
    ("daily_loss", ("daily_loss",)),
    ("locks", ("locked", "paused", "frozen")),
    ("duplicate_signal", ("duplicate",)),
    ("confirmation", ("unconfirmed",)),
    ("slots", ("slots",)),
    ("correlation", ("correlation",)),
    (
        "size",
        (
            "bad_signal",
            "no_edge",
            "method",
            "strategy",
            "max_position",
            "allocation",
            "portfolio_risk",
            "gross_exposure",
            "net_exposure",
        ),
    ),
    ("exchange_filters", ("short_not_allowed", "min_quantity", "min_notional")),
    ("balance", ("balance",)),
)


def checks_of(denied: str, account: AccountView, limits: RiskLimits) -> tuple[Mapping[str, Any], ...]:
    """Give the checks up to and with the first that failed; those after it were not asked."""
    out: list[Mapping[str, Any]] = []
    for name, refusals in _CHECKS:
        failed = denied in refusals
        detail = denied if failed and denied != name else _detail(name, account, limits)
        out.append({"name": name, "passed": not failed, "detail": detail})
        if failed:
            break
    return tuple(out)


def _detail(name: str, account: AccountView, limits: RiskLimits) -> str:
    """Give the numbers that a check compared."""
    match name:
        case "account_state":
            most = "none" if limits.max_drawdown is None else f"{-limits.max_drawdown:.2%}"
            return f"{account.state}, drawdown {account.drawdown_ratio:.2%} of {most}"
        case "daily_loss":
            most = "none" if limits.daily_loss is None else f"{-limits.daily_loss:.2%}"
            return f"{account.day_ratio:.2%} today of {most}"
        case "slots":
            most = "any" if limits.max_positions is None else str(limits.max_positions)
            return f"{account.slots_taken} taken of {most}"
        case "size":
            budget = (
                "any" if limits.portfolio_risk is None else f"{limits.portfolio_risk * account.equity:.2f}"
            )
            return f"open risk {account.open_risk:.2f} of {budget}"
        case "balance":
            return f"{account.free:.2f} free"
    return ""


def sizing_of(intent: EngineIntent, quantity: Decimal, price: Decimal, line: Line) -> Mapping[str, Any]:
    """Give the arithmetic of a size: each limit's quantity, the one that bound, and what is at risk at the stop."""
    if intent.denied in _BEFORE_SIZE:
        return {}
    stop = None if math.isnan(intent.stop) else Decimal(repr(intent.stop))
    return {
        "binding": intent.binding or intent.denied,
        "quantity": str(quantity),
        "notional": str(quantity * price),
        "risk": str(abs(price - stop) * quantity) if stop is not None else str(price * quantity),
        "step": str(line.instrument.step),
        "limits": {
            name: f"{max(0.0, value):.10g}"
            for name, value in intent.limits.items()
            if math.isfinite(value) and (name != "venue_max" or line.instrument.max_quantity is not None)
        },
    }


#: Refusals that come before any size is computed.
_BEFORE_SIZE = frozenset(DENIALS[1 : DENIALS.index("bad_signal") + 1])

"""Which facts people are told about, how loud, and how long the news stays news. Codes and values, never text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from desk.execution.client_ids import stable_id
from desk.identity import Role
from desk.views import Alert
from trading.events import (
    ApprovalRequested,
    ApprovalSettled,
    BotStateChanged,
    DailyLossReached,
    DaySummarised,
    EntryAnswered,
    EntryAsked,
    Event,
    FeedRecovered,
    FeedStalled,
    IncidentClosed,
    IncidentOpened,
    ModelDrifted,
    OrderChanged,
    OrderFilled,
    PairLocked,
    PositionClosed,
    PositionOpened,
    ReportReady,
    ServiceStarted,
    Severity,
    StrategyFailed,
    TradingHalted,
    TradingResumed,
    as_payload,
)
from trading.orders import OrderState, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a fact becomes an alert.

    Attributes:
        kind: text code of the alert, "alert.<kind>" in the catalogues.
        wanted: tells whether this very fact is worth an alert.
        about: what the alert is about, for de-duplication: the same key is told once.
        lives: after this long an undelivered alert is dropped; None = never (money and risk).
        role: who is told, at least.
        trouble: names the trouble that the fact is one more sign of; while it lasts, repeats are told ever more rarely.
        ends: names the troubles that the fact ends; where `only_after` is set it is told only if one was open.
        level: how loud this very fact is, where the fact says so itself.
        settles: key of the alert that asked what this fact answers: it is answered by this one, and its buttons go.
    """

    kind: str
    severity: Severity
    wanted: Callable[[Any], bool] = lambda _: True
    about: Callable[[Any], str]
    lives: timedelta | None = None
    role: Role = Role.VIEWER
    trouble: Callable[[Any], str] | None = None
    ends: Callable[[Any], tuple[str, ...]] | None = None
    only_after: bool = False
    level: Callable[[Any], Severity] | None = None
    settles: Callable[[Any], str] | None = None


#: Fields that every fact has; an alert carries them in columns of its own, but for the account.
_COMMON = frozenset({"workspace_id", "account_id", "bot_id", "pair"})

#: Kinds of alert that a person may not miss even when old.
RULES: Mapping[type[Event], tuple[Rule, ...]] = {
    PositionOpened: (
        Rule(kind="entry_filled", severity=Severity.INFO, about=lambda fact: f"entry:{fact.position_id}"),
    ),
    OrderFilled: (
        Rule(
            kind="partial_exit",
            severity=Severity.INFO,
            wanted=lambda fact: fact.reason in (Reason.TAKE_PROFIT_1, Reason.TAKE_PROFIT_2),
            about=lambda fact: f"fill:{fact.fill_id}",
        ),
    ),
    PositionClosed: (
        Rule(kind="exit_filled", severity=Severity.INFO, about=lambda fact: f"exit:{fact.position_id}"),
    ),
    OrderChanged: (
        Rule(
            kind="order_rejected",
            severity=Severity.WARNING,
            wanted=lambda fact: fact.after is OrderState.REJECTED,
            about=lambda fact: f"rejected:{fact.order_id}",
            # A venue that refuses one order of a pair will refuse the next hundred.
            trouble=lambda fact: f"rejected:{fact.account_id}:{fact.bot_id}:{fact.pair}",
        ),
        Rule(
            kind="order_unknown",
            severity=Severity.CRITICAL,
            wanted=lambda fact: fact.after is OrderState.UNKNOWN,
            about=lambda fact: f"unknown:{fact.order_id}",
            trouble=lambda fact: f"unknown:{fact.order_id}",
        ),
        Rule(
            kind="order_known",
            severity=Severity.INFO,
            wanted=lambda fact: fact.before is OrderState.UNKNOWN,
            about=lambda fact: f"known:{fact.order_id}:{fact.occurred_at.isoformat()}",
            ends=lambda fact: (f"unknown:{fact.order_id}",),
            only_after=True,
        ),
    ),
    TradingHalted: (
        Rule(
            kind="trading_halted",
            severity=Severity.CRITICAL,
            about=lambda fact: f"halted:{fact.account_id}:{fact.occurred_at.isoformat()}",
            trouble=lambda fact: f"halted:{fact.account_id}",
        ),
    ),
    TradingResumed: (
        Rule(
            kind="trading_resumed",
            severity=Severity.WARNING,
            about=lambda fact: f"resumed:{fact.account_id}:{fact.occurred_at.isoformat()}",
            ends=lambda fact: (f"halted:{fact.account_id}",),
        ),
    ),
    DailyLossReached: (
        Rule(
            kind="daily_loss",
            severity=Severity.WARNING,
            about=lambda fact: f"daily_loss:{fact.account_id}:{fact.until.isoformat()}",
        ),
    ),
    PairLocked: (
        Rule(
            kind="pair_locked",
            severity=Severity.WARNING,
            # A person who locks a pair knows it.
            wanted=lambda fact: not fact.actor,
            about=lambda fact: f"locked:{fact.account_id}:{fact.pair}:{fact.until.isoformat()}",
            lives=timedelta(hours=6),
        ),
    ),
    IncidentOpened: (
        Rule(
            kind="incident",
            severity=Severity.CRITICAL,
            about=lambda fact: f"incident:{fact.incident_id}",
            trouble=lambda fact: f"incident:{fact.account_id}:{fact.incident}:{fact.subject}",
            level=lambda fact: fact.level,
        ),
    ),
    IncidentClosed: (
        Rule(
            kind="incident_over",
            severity=Severity.INFO,
            about=lambda fact: (
                f"incident_over:{fact.account_id}:{fact.incident}:{fact.subject}:{fact.occurred_at.isoformat()}"
            ),
            ends=lambda fact: (f"incident:{fact.account_id}:{fact.incident}:{fact.subject}",),
            only_after=True,
        ),
    ),
    ApprovalRequested: (
        Rule(
            kind="approval_requested",
            severity=Severity.WARNING,
            about=lambda fact: f"approval:{fact.approval_id}",
            lives=timedelta(hours=1),
            role=Role.OPERATOR,
        ),
    ),
    ApprovalSettled: (
        Rule(
            kind="approval_settled",
            severity=Severity.INFO,
            wanted=lambda fact: fact.state != "APPROVED",
            about=lambda fact: f"approval:{fact.approval_id}:{fact.state}",
            settles=lambda fact: f"approval:{fact.approval_id}",
            lives=timedelta(hours=6),
            role=Role.OPERATOR,
        ),
    ),
    EntryAsked: (
        Rule(
            kind="entry_asked",
            severity=Severity.WARNING,
            about=lambda fact: f"entry_asked:{fact.code}",
            lives=timedelta(hours=1),
            role=Role.TRADER,
        ),
    ),
    EntryAnswered: (
        Rule(
            kind="entry_answered",
            severity=Severity.INFO,
            # Whoever said yes knows it, and a position that was opened has news of its own.
            wanted=lambda fact: fact.state not in ("APPROVED", "ENTERED"),
            about=lambda fact: f"entry_answered:{fact.code}:{fact.state}",
            settles=lambda fact: f"entry_asked:{fact.code}",
            lives=timedelta(hours=6),
            role=Role.TRADER,
        ),
    ),
    StrategyFailed: (
        Rule(
            kind="strategy_failed",
            severity=Severity.CRITICAL,
            about=lambda fact: f"strategy_failed:{fact.bot_id}:{fact.occurred_at.isoformat()}",
            trouble=lambda fact: f"strategy_failed:{fact.bot_id}",
        ),
    ),
    FeedStalled: (
        Rule(
            kind="feed_stalled",
            severity=Severity.WARNING,
            about=lambda fact: f"feed_stalled:{fact.account_id}:{fact.occurred_at.isoformat()}",
            trouble=lambda fact: f"feed:{fact.account_id}",
            lives=timedelta(hours=1),
        ),
    ),
    FeedRecovered: (
        Rule(
            kind="feed_recovered",
            severity=Severity.INFO,
            about=lambda fact: f"feed_recovered:{fact.account_id}:{fact.occurred_at.isoformat()}",
            ends=lambda fact: (f"feed:{fact.account_id}",),
            only_after=True,
            lives=timedelta(hours=1),
        ),
    ),
    BotStateChanged: (
        Rule(
            kind="bot_degraded",
            severity=Severity.WARNING,
            wanted=lambda fact: fact.axis == "condition" and fact.after == "DEGRADED",
            about=lambda fact: f"degraded:{fact.bot_id}:{fact.occurred_at.isoformat()}",
            trouble=lambda fact: f"degraded:{fact.bot_id}",
            lives=timedelta(hours=6),
        ),
        Rule(
            kind="bot_recovered",
            severity=Severity.INFO,
            wanted=lambda fact: fact.axis == "condition" and fact.after == "READY",
            about=lambda fact: f"recovered:{fact.bot_id}:{fact.occurred_at.isoformat()}",
            ends=lambda fact: (f"degraded:{fact.bot_id}", f"strategy_failed:{fact.bot_id}"),
            only_after=True,
            lives=timedelta(hours=6),
        ),
    ),
    ModelDrifted: (
        Rule(
            kind="model_drifted",
            severity=Severity.WARNING,
            about=lambda fact: f"drift:{fact.model}:{fact.version}:{fact.occurred_at.isoformat()}",
            lives=timedelta(days=2),
            role=Role.OPERATOR,
            trouble=lambda fact: f"drift:{fact.model}:{fact.version}",
        ),
    ),
    DaySummarised: (
        Rule(
            kind="day_summary",
            severity=Severity.INFO,
            about=lambda fact: f"day:{fact.account_id}:{fact.day}",
            lives=timedelta(days=2),
        ),
    ),
    ReportReady: (
        Rule(
            kind="report_ready",
            severity=Severity.INFO,
            # A report that somebody asked for is told to them alone, and the bots' own lie beside the account's.
            wanted=lambda fact: not fact.asked_by and not fact.bot_id,
            about=lambda fact: f"report:{fact.job_id}",
            lives=timedelta(days=2),
        ),
    ),
    ServiceStarted: (
        Rule(
            kind="service_started",
            severity=Severity.INFO,
            about=lambda fact: f"started:{fact.role}:{fact.occurred_at.isoformat()}",
            lives=timedelta(hours=1),
            role=Role.OPERATOR,
        ),
    ),
}

#: How long alerts are worth a message that no fact of the market raised.
OTHER_LIFETIMES: Mapping[str, timedelta | None] = {
    "digest": timedelta(days=2),
    "unacknowledged": None,
    "rule_fired": timedelta(hours=12),
    "process_silent": None,
    "process_back": timedelta(hours=6),
    "channel_off": timedelta(days=1),
    "below_threshold": timedelta(days=1),
    "above_threshold": timedelta(days=1),
    "still_going": timedelta(hours=6),
    "test": timedelta(hours=1),
}

#: Every kind of alert with its time to live.
LIFETIMES: Mapping[str, timedelta | None] = {
    **{rule.kind: rule.lives for rules in RULES.values() for rule in rules},
    **OTHER_LIFETIMES,
}


def rules_for(event: Event) -> tuple[Rule, ...]:
    """Give the rules that want this very fact."""
    return tuple(rule for rule in RULES.get(type(event), ()) if rule.wanted(event))


def any_rule(kind: str) -> Rule:
    """Give the rule of a kind of alert, for those that are posted to somebody by name."""
    return next(rule for rules in RULES.values() for rule in rules if rule.kind == kind)


def alert_of(rule: Rule, event: Event, now: datetime, **more: Any) -> Alert:
    """Give the alert that a fact becomes; `more` goes among its parameters."""
    key = rule.about(event)
    params = {name: value for name, value in as_payload(event).items() if name not in _COMMON}
    if event.account_id:
        params["account_id"] = event.account_id
    if rule.settles is not None:
        params |= {"replies_to": stable_id(event.workspace_id, "alert", rule.settles(event)), "settles": True}
    return Alert(
        id=stable_id(event.workspace_id, "alert", key),
        workspace_id=event.workspace_id,
        severity=rule.level(event) if rule.level else rule.severity,
        kind=rule.kind,
        params={**params, **more},
        dedupe_key=key,
        bot_id=event.bot_id,
        pair=event.pair,
        created_at=now,
        acknowledged_by="",
        acknowledged_at=None,
    )


def is_stale(alert: Alert, now: datetime) -> bool:
    """Tell whether an alert is too old to be worth a message."""
    lives = LIFETIMES.get(alert.kind)
    return lives is not None and now - alert.created_at > lives

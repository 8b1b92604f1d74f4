"""Alerts in the transaction of the facts that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from desk.alerting import incidents
from desk.alerting.channel import Reader
from desk.alerting.choosing import Choice, choices
from desk.alerting.readers import readers_of
from desk.alerting.rules import Rule, alert_of, rules_for
from desk.alerting.values import Escalation, HeldDelivery, Mode, NoticeSettings
from desk.execution.client_ids import stable_id
from desk.identity import Role
from desk.ports import Unit
from desk.views import Alert, Delivery, Member
from trading.events import AlertRaised, Event, Severity

#: A critical alert that nobody acknowledged goes further after this time.
ESCALATES_AFTER = timedelta(minutes=5)


async def raise_alerts(
    tx: Unit,
    workspace_id: str,
    events: Sequence[Event],
    now: datetime,
    *,
    members: Sequence[Member] | None = None,
) -> list[Event]:
    """Write the alerts that facts deserve with their deliveries; give the facts that they were raised."""
    wanted = [(rule, event) for event in events for rule in rules_for(event)]
    if not wanted:
        return []
    readers = await readers_of(tx, workspace_id, members=members)
    raised: list[Event] = []
    for rule, event in wanted:
        alert = await _alert(tx, rule, event, now)
        if alert is None:
            continue
        fact = await post(tx, alert, [one for one in readers if one.member.role >= rule.role], now)
        if fact is not None:
            raised.append(replace(fact, account_id=event.account_id, occurred_at=event.occurred_at))
    return raised


async def _alert(tx: Unit, rule: Rule, event: Event, now: datetime) -> Alert | None:
    """Give the alert of a fact; None where a trouble was told lately, or nothing was there to end."""
    if rule.ends is not None:
        ended = [
            one
            for key in rule.ends(event)
            if (one := await incidents.end(tx, event.workspace_id, key, now)) is not None
        ]
        if ended:
            first = min(ended, key=lambda one: one.opened_at)
            return alert_of(
                rule,
                event,
                now,
                count=sum(one.count for one in ended),
                lasted_s=round((now - first.opened_at).total_seconds()),
                replies_to=first.first_alert_id,
            )
        return None if rule.only_after else alert_of(rule, event, now)
    alert = alert_of(rule, event, now)
    if rule.trouble is None or await tx.alerts.by_id(alert.workspace_id, alert.id) is not None:
        return alert
    key = rule.trouble(event)
    sign = await incidents.show(tx, key, alert, now)
    if not sign.is_told:
        return None
    if not sign.first_alert_id:
        return alert_of(rule, event, now, trouble=key)
    return alert_of(rule, event, now, trouble=key, count=sign.count, replies_to=sign.first_alert_id)


async def post(
    tx: Unit,
    alert: Alert,
    readers: Iterable[Reader],
    now: datetime,
    *,
    channels: Sequence[str] | None = None,
    escalates: bool = True,
) -> AlertRaised | None:
    """Write an alert for some people, each as they chose; None when it was written before.

    Args:
        channels: only these, whatever people chose: an escalation.
        escalates: a critical alert goes further when nobody acknowledges it.
    """
    known = await tx.notices.settings(alert.workspace_id)
    chosen: list[Choice] = []
    for reader in readers:
        none = NoticeSettings(user_id=reader.member.user_id, workspace_id=alert.workspace_id)
        settings = known.get(reader.member.user_id, none)
        chosen += choices(alert, reader, settings, now, channels=channels)
    at_once = [one for one in chosen if one.at <= now]
    if not await tx.alerts.add(
        alert, [delivery_of(alert, one.channel, one.recipient, now) for one in at_once]
    ):
        return None
    for one in chosen:
        if one.at > now:
            await _hold(tx, alert, one)
    if alert.severity is Severity.CRITICAL and escalates:
        await tx.notices.escalate_later(
            Escalation(
                alert_id=alert.id, workspace_id=alert.workspace_id, step=0, due_at=now + ESCALATES_AFTER
            )
        )
    return AlertRaised(
        workspace_id=alert.workspace_id,
        occurred_at=now,
        bot_id=alert.bot_id,
        pair=alert.pair,
        alert_id=alert.id,
        level=alert.severity,
        title=f"alert.{alert.kind}",
        alert_kind=alert.kind,
    )


async def _hold(tx: Unit, alert: Alert, choice: Choice) -> None:
    delivery = delivery_of(alert, choice.channel, choice.recipient, choice.at, status="held")
    await tx.alerts.add_delivery(delivery)
    await tx.notices.hold(
        HeldDelivery(
            delivery_id=delivery.id,
            workspace_id=alert.workspace_id,
            alert_id=alert.id,
            channel=choice.channel,
            recipient=choice.recipient,
            release_at=choice.at,
            is_digest=choice.mode is Mode.DIGEST,
        )
    )


def delivery_of(
    alert: Alert, channel: str, recipient: str, at: datetime, *, status: str = "pending"
) -> Delivery:
    """Give the delivery of an alert to an address; the same one again has the same id."""
    return Delivery(
        id=stable_id(alert.workspace_id, "delivery", f"{alert.dedupe_key}|{channel}|{recipient}"),
        workspace_id=alert.workspace_id,
        alert_id=alert.id,
        channel=channel,
        recipient=recipient,
        status=status,
        attempts=0,
        next_attempt_at=at,
        sent_at=None,
        error="",
    )


def those_of(readers: Iterable[Reader], role: Role) -> list[Reader]:
    """Give the people with at least a role."""
    return [one for one in readers if one.member.role >= role]

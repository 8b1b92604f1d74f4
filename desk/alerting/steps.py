"""What alerting does as time goes by, one function a duty, each in a transaction of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from desk.alerting import incidents
from desk.alerting.channel import Reader
from desk.alerting.raising import ESCALATES_AFTER, delivery_of, post, those_of
from desk.alerting.readers import readers_of
from desk.alerting.values import CHANNELS, AlertIncident, Escalation, HeldDelivery
from desk.execution.client_ids import stable_id
from desk.identity import Role
from desk.ports import Unit
from desk.views import Alert
from trading.events import Event, Severity

#: A digest lists so many alerts one by one; the others are counted.
DIGEST_LINES = 40
#: After its last step an escalation is over: everybody was told on every channel.
LAST_STEP = 3


@dataclass(slots=True)
class Done:
    """What a duty did: the facts to be journalled, and how many alerts were written or let go."""

    events: list[Event] = field(default_factory=list)
    count: int = 0


async def release_held(tx: Unit, workspace_id: str, now: datetime) -> Done:
    """Let go what waited for the end of quiet hours, one by one, and for a digest, together."""
    done = Done()
    queues: dict[tuple[str, str], list[HeldDelivery]] = {}
    for one in await tx.notices.held_until(workspace_id, now):
        queues.setdefault((one.channel, one.recipient), []).append(one)
    for (channel, recipient), held in queues.items():
        alerts = {one.alert_id: await tx.alerts.by_id(workspace_id, one.alert_id) for one in held}
        known = [(one, alert) for one in held if (alert := alerts[one.alert_id]) is not None]
        known.sort(key=lambda pair: (pair[1].created_at, pair[0].delivery_id))
        together = [one for one in known if one[0].is_digest]
        # A night's worth of news is one message too: forty sounds at seven wake as surely as one at three.
        if not together and len(known) > 3:
            together = known
        singles = [one for one in known if one not in together]
        for one, alert in singles:
            await tx.notices.release([one], status="pending")
            await tx.notices.enqueue(delivery_of(alert, channel, recipient, now), now)
        if together:
            await tx.notices.release([one for one, _ in together], status="digested")
            digest = digest_of([alert for _, alert in together], channel, recipient, now)
            await tx.alerts.add(digest, [delivery_of(digest, channel, recipient, now)])
        done.count += len(known)
    return done


def digest_of(alerts: Sequence[Alert], channel: str, recipient: str, now: datetime) -> Alert:
    """Give one alert for many: how many of each kind, and the newest by name."""
    first = alerts[0]
    loudest = max(alerts, key=lambda one: list(Severity).index(one.severity)).severity
    key = f"digest:{channel}:{recipient}:{first.id}:{now.isoformat()}"
    return Alert(
        id=stable_id(first.workspace_id, "alert", key),
        workspace_id=first.workspace_id,
        severity=loudest,
        kind="digest",
        params={
            "count": len(alerts),
            "kinds": dict(Counter(one.kind for one in alerts)),
            "items": [
                [one.kind, one.severity.value, one.pair, one.created_at.isoformat(), one.params.get("pnl")]
                for one in alerts[-DIGEST_LINES:]
            ],
        },
        dedupe_key=key,
        bot_id="",
        pair="",
        created_at=now,
        acknowledged_by="",
        acknowledged_at=None,
    )


async def repeat_troubles(tx: Unit, workspace_id: str, now: datetime) -> Done:
    """Tell how often a trouble showed since it was told last, when its wait is over."""
    done = Done()
    due = [one for one in await tx.notices.untold_incidents(workspace_id, now) if not one.acknowledged_by]
    if not due:
        return done
    readers = await readers_of(tx, workspace_id)
    for one in due:
        alert = await _repeated(tx, one, now)
        raised = await post(tx, alert, readers, now, escalates=False)
        await tx.notices.save_incident(incidents.told(one, alert.id, now))
        if raised is not None:
            done.events.append(raised)
            done.count += 1
    return done


async def _repeated(tx: Unit, incident: AlertIncident, now: datetime) -> Alert:
    first = await tx.alerts.by_id(incident.workspace_id, incident.first_alert_id)
    key = f"again:{incident.key}:{incident.opened_at.isoformat()}:{incident.repeats + 1}"
    return Alert(
        id=stable_id(incident.workspace_id, "alert", key),
        workspace_id=incident.workspace_id,
        severity=incident.severity,
        kind="still_going",
        params={
            "of_kind": incident.kind,
            "count": incident.count,
            "untold": incident.untold,
            "since": incident.opened_at.isoformat(),
            "trouble": incident.key,
            "replies_to": incident.first_alert_id,
        },
        dedupe_key=key,
        bot_id=first.bot_id if first else "",
        pair=first.pair if first else "",
        created_at=now,
        acknowledged_by="",
        acknowledged_at=None,
    )


async def escalate(tx: Unit, workspace_id: str, now: datetime) -> Done:
    """Send critical alerts further that nobody acknowledged: other channels first, then every administrator."""
    done = Done()
    due = await tx.notices.escalations(workspace_id, now)
    if not due:
        return done
    readers = await readers_of(tx, workspace_id)
    for one in due:
        alert = await tx.alerts.by_id(workspace_id, one.alert_id)
        if alert is None or alert.acknowledged_at is not None:
            await tx.notices.stop_escalating(workspace_id, one.alert_id)
            continue
        raised = await post(
            tx,
            _unacknowledged(alert, one.step, now),
            _told_at(one.step, readers),
            now,
            channels=CHANNELS,
            escalates=False,
        )
        if raised is not None:
            done.events.append(raised)
            done.count += 1
        if one.step + 1 >= LAST_STEP:
            await tx.notices.stop_escalating(workspace_id, one.alert_id)
        else:
            await tx.notices.escalate_later(
                Escalation(
                    alert_id=one.alert_id,
                    workspace_id=workspace_id,
                    step=one.step + 1,
                    due_at=now + ESCALATES_AFTER * 2 ** (one.step + 1),
                )
            )
    return done


def _told_at(step: int, readers: Sequence[Reader]) -> list[Reader]:
    """Give whom a step tells: first those who can act, on all their channels; then everybody."""
    return those_of(readers, Role.OPERATOR) if step == 0 else list(readers)


def _unacknowledged(alert: Alert, step: int, now: datetime) -> Alert:
    key = f"unacknowledged:{alert.id}:{step}"
    return replace(
        alert,
        id=stable_id(alert.workspace_id, "alert", key),
        kind="unacknowledged",
        params={
            "of_kind": alert.kind,
            "of_alert": alert.id,
            "since": alert.created_at.isoformat(),
            "replies_to": alert.id,
            **{name: alert.params[name] for name in ("reason", "detail") if alert.params.get(name)},
        },
        dedupe_key=key,
        created_at=now,
    )

"""Words about alerts."""

from __future__ import annotations

from datetime import timedelta

from chatops import kinds
from chatops.alerts import alert_title
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Card, Column, Table, Text, Tone, Value
from chatops.problems import misheard
from chatops.reading import bots_of, reference
from chatops.room import Asked
from chatops.typing_repair import plain
from desk.commands import AcknowledgeAlert, SnoozeAlert
from desk.views import Alert, Filter
from desk.views import Page as RowPage
from trading.events import Severity

PAGE = Page(Group.ALERTS)


@PAGE.word(
    "alerts",
    example="/alerts 20",
    arguments=(
        Argument(name="n", read=kinds.whole(1, 100), default=10),
        Argument(name="open", read=kinds.flag, is_switch=True, default=False),
    ),
)
async def alerts(asked: Asked) -> Card:
    """List the last alerts and how their delivery stands; --open leaves out acknowledged ones."""
    async with asked.store.reading() as tx:
        rows = await tx.alerts.page(asked.workspace_id, Filter(), RowPage(first=asked.args["n"]))
        deliveries = await tx.alerts.deliveries(asked.workspace_id, [one.id for one in rows])
        bots = await bots_of(asked, tx)
    sent: dict[str, list[str]] = {}
    for one in deliveries:
        sent.setdefault(one.alert_id, []).append(one.status)
    shown = [one for one in rows if not asked.args["open"] or one.acknowledged_at is None]
    cells: tuple[tuple[Value, ...], ...] = tuple(
        (
            reference(one.id),
            one.created_at,
            Text(f"severity.{one.severity.value}"),
            alert_title(one),
            bots[one.bot_id].name if one.bot_id in bots else None,
            _delivery(sent.get(one.id, [])),
            one.acknowledged_by or None,
        )
        for one in shown
    )
    is_loud = any(one.severity is Severity.CRITICAL and one.acknowledged_at is None for one in shown)
    return Card(
        name="alerts",
        title=Text("alerts.title", {"n": len(shown)}),
        tone=Tone.BAD if is_loud else Tone.PLAIN,
        tables=(
            Table(
                name="alerts",
                columns=(
                    Column("id"),
                    Column("at", 1),
                    Column("severity"),
                    Column("alert"),
                    Column("bot", 2),
                    Column("delivery", 1),
                    Column("seen_by", 2),
                ),
                rows=cells,
            ),
        )
        if cells
        else (),
        notes=() if cells else (Text("alerts.none"),),
    )


def _delivery(statuses: list[str]) -> Value:
    if not statuses:
        return Text("delivery.nobody")
    return Text("delivery.some", {"count": statuses.count("sent"), "of": len(statuses)})


async def _found(asked: Asked) -> Alert:
    """Give the alert of a reference; without one the newest that nobody has seen.

    Raises:
        Misheard: nothing fits.
    """
    typed = asked.args["id"]
    async with asked.store.reading() as tx:
        rows = await tx.alerts.page(asked.workspace_id, Filter(), RowPage(first=200))
    if typed is None:
        found = next((one for one in rows if one.acknowledged_at is None), None)
    else:
        wanted = plain(typed).lstrip("#").lower()
        found = next((one for one in rows if wanted in (one.id.lower(), reference(one.id).lower())), None)
    if found is None:
        raise misheard("unknown_alert", advice="alerts", problem="not_found", found=typed or "–")
    return found


_ID = Argument(name="id", read=kinds.name, offers="alert")


@PAGE.word("ack", example="/ack a1b2c3", asks=AcknowledgeAlert, arguments=(_ID,))
async def ack(asked: Asked) -> Card:
    """Say that an alert was seen; it is not escalated, and its trouble is told no more until it is over."""
    found = await _found(asked)
    await asked.do(AcknowledgeAlert(alert_id=found.id))
    return Card(name="acknowledged", title=Text("ack.title"), tone=Tone.GOOD, body=(alert_title(found),))


@PAGE.word(
    "snooze",
    example="/snooze a1b2c3 for=2h",
    asks=SnoozeAlert,
    arguments=(_ID, Argument(name="for", read=kinds.span, only_named=True, default=timedelta(hours=1))),
)
async def snooze(asked: Asked) -> Card:
    """Hear nothing more of a trouble for a while."""
    found = await _found(asked)
    length: timedelta = asked.args["for"]
    await asked.do(SnoozeAlert(alert_id=found.id, duration=length))
    return Card(
        name="snoozed",
        title=Text("snooze.title", {"span": length}),
        tone=Tone.WARN,
        body=(alert_title(found),),
        notes=(Text("snooze.note"),),
    )

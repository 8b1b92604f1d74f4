"""A workspace with people, channels that record what they are handed, and a clock that tests move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from desk.alerting.channel import Notice, Outcome, sent
from desk.alerting.pump import OutboxPump
from desk.alerting.raising import raise_alerts
from desk.alerting.watch import AlertWatch
from desk.bus import EventBus
from desk.clock import ManualClock
from desk.identity import Role
from desk.store import SqlStore
from desk.views import Alert, Delivery, Filter, Member, Page, Workspace
from trading.events import Event

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(slots=True)
class Recorder:
    """A channel that writes down what it is handed, and answers as a test wants."""

    platform: str
    notices: list[Notice] = field(default_factory=list)
    answer: Callable[[Notice], Outcome] = lambda notice: sent(f"m-{notice.delivery.id[:6]}")

    async def send(self, notice: Notice) -> Outcome:
        outcome = self.answer(notice)
        if outcome.verdict.value == "sent":
            self.notices.append(notice)
        return outcome

    def kinds(self, recipient: str = "") -> list[str]:
        """Give the kinds that arrived, in order."""
        return [one.alert.kind for one in self.notices if not recipient or one.recipient == recipient]


@dataclass(slots=True, kw_only=True)
class AlertHouse:
    """The workspace and everything around its alerts."""

    store: SqlStore
    clock: ManualClock
    workspace: Workspace
    people: dict[str, Member]
    channels: dict[str, Recorder]
    pump: OutboxPump
    watch: AlertWatch

    async def raise_facts(self, *facts: Event) -> list[Event]:
        """Raise the alerts of some facts in one transaction, now."""
        async with self.store.transaction() as tx:
            return await raise_alerts(tx, self.workspace.id, facts, self.clock.now())

    async def carry(self) -> None:
        """Carry everything that is due, on every channel, until nothing moves."""
        moved = 1
        while moved:
            moved = 0
            for name in self.channels:
                moved += await self.pump.sweep(name)

    async def pass_time(self, seconds: float, *, step: float = 30.0) -> None:
        """Let time go by as the house would live through it."""
        while seconds > 0:
            self.clock.advance(min(step, seconds))
            seconds -= step
            await self.watch.look()
            await self.carry()

    async def alerts(self) -> Sequence[Alert]:
        """Give every alert, oldest first."""
        async with self.store.reading() as tx:
            rows = await tx.alerts.page(self.workspace.id, Filter(), Page(first=500))
        return list(reversed(rows))

    async def deliveries(self) -> Sequence[Delivery]:
        """Give every delivery."""
        async with self.store.reading() as tx:
            alerts = await tx.alerts.page(self.workspace.id, Filter(), Page(first=500))
            return await tx.alerts.deliveries(self.workspace.id, [one.id for one in alerts])


async def alert_house(
    store: SqlStore,
    *,
    people: Sequence[tuple[str, Role, Sequence[str]]] = (("ann", Role.OWNER, ("telegram", "email")),),
    time_zone: str = "UTC",
) -> AlertHouse:
    """Make a workspace; each person is (name, role, channels that reach them)."""
    clock = ManualClock(NOON)
    members: dict[str, Member] = {}
    async with store.transaction() as tx:
        workspace = await tx.workspaces.create("home")
        for name, role, channels in people:
            email = f"{name}@example.org" if "email" in channels else ""
            member = await tx.members.add(workspace.id, name=name, email=email, role=role)
            await tx.members.set_preference(workspace.id, member.user_id, language="en", time_zone=time_zone)
            members[name] = member
            for platform in ("telegram", "discord"):
                if platform in channels:
                    await tx.links.add(
                        workspace.id,
                        user_id=member.user_id,
                        platform=platform,
                        platform_user_id=f"{platform}-{name}",
                        display_name=name,
                        at=NOON,
                    )
    recorders = {name: Recorder(name) for name in ("telegram", "discord", "email")}
    pump = OutboxPump(store, clock, recorders.values())
    return AlertHouse(
        store=store,
        clock=clock,
        workspace=workspace,
        people=members,
        channels=recorders,
        pump=pump,
        watch=AlertWatch(store, EventBus(), clock, pump.ring),
    )

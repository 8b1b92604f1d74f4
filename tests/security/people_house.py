"""A desk with people, a clock that tests move, and doors to ask at; no market needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from desk.bus import EventBus
from desk.clock import ManualClock, SystemClock
from desk.commands import Command
from desk.desk import Desk, Outcome
from desk.feeds.simulated import SimulatedFeed
from desk.handlers import register_all
from desk.identity import Actor, Role
from desk.ports import Store
from desk.views import Account, AuditEntry, Member, Page, Workspace
from tests.support.api_house import shared_registry
from trading.events import Recorded, TradingState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class PeopleHouse:
    """A workspace with people."""

    store: Store
    clock: ManualClock
    desk: Desk
    workspace: Workspace
    account: Account
    members: Mapping[str, Member]

    def actor(self, name: str, *, channel: str = "graphql", session: str = "") -> Actor:
        """Give a person at a door."""
        member = self.members[name]
        return Actor(
            workspace_id=self.workspace.id,
            user_id=member.user_id,
            name=member.name,
            role=member.role,
            channel=channel,
            session_id=session,
        )

    async def do(self, command: Command, name: str, *, channel: str = "graphql", **more: Any) -> Outcome:
        """Do a command as a person."""
        return await self.desk.do(command, self.actor(name, channel=channel), **more)

    async def member(self, name: str) -> Member:
        """Give a person as they are now."""
        async with self.store.reading() as tx:
            found = await tx.members.by_name(self.workspace.id, name)
        assert found is not None
        return found

    async def state(self) -> TradingState:
        """Give the account's state."""
        async with self.store.reading() as tx:
            found = await tx.accounts.by_id(self.workspace.id, self.account.id)
        assert found is not None
        return found.trading_state

    async def audit(self) -> list[AuditEntry]:
        """Give the audit, newest first; its chain holds."""
        async with self.store.reading() as tx:
            assert await tx.audit.first_bad(self.workspace.id) is None
            return list(await tx.audit.page(self.workspace.id, Page(first=100)))

    async def facts(self) -> list[Recorded]:
        """Give the journal."""
        async with self.store.reading() as tx:
            return list(await tx.journal.after(self.workspace.id, 0, limit=1000))

    async def halt(self) -> None:
        """Halt the account, as a panic stop leaves it."""
        async with self.store.transaction() as tx:
            await tx.accounts.set_state(self.workspace.id, self.account.id, TradingState.HALTED, "drill")

    def restarted(self) -> PeopleHouse:
        """Give the house as a new process finds it: same store, nothing remembered."""
        return replace(self, desk=_desk(self.store, self.clock, always_two=self.desk.always_two))


def _desk(store: Store, clock: ManualClock, *, always_two: bool) -> Desk:
    desk = Desk(store, EventBus(), clock, always_two=always_two)
    register_all(desk, registry=shared_registry(), feed=SimulatedFeed(clock=SystemClock(), seed=7))
    return desk


async def a_people_house(
    store: Store,
    people: Mapping[str, Role],
    *,
    is_live: bool = True,
    always_two: bool = False,
    workspace: str = "home",
) -> PeopleHouse:
    """Make a workspace with these people and an account."""
    clock = ManualClock(NOON)
    async with store.transaction() as tx:
        made = await tx.workspaces.create(workspace)
        account = await tx.accounts.create(
            made.id,
            name="main",
            venue="paper",
            is_live=is_live,
            currency="USDT",
            capital=Decimal(1000),
            settings={},
        )
        members = {
            name: await tx.members.add(made.id, name=name, email=f"{name}@{workspace}.example", role=role)
            for name, role in people.items()
        }
    return PeopleHouse(
        store=store,
        clock=clock,
        desk=_desk(store, clock, always_two=always_two),
        workspace=made,
        account=account,
        members=members,
    )

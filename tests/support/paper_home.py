"""The least that a house needs: a workspace with its owner and a paper account."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from desk.identity import Actor, Role
from desk.ports import Store
from desk.views import Account, Member, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperHome:
    """Who lives there."""

    workspace: Workspace
    owner: Member
    account: Account

    def actor(self, *, channel: str = "graphql") -> Actor:
        """Give the owner at a door."""
        return Actor(
            workspace_id=self.workspace.id,
            user_id=self.owner.user_id,
            name="Ada",
            role=Role.OWNER,
            channel=channel,
        )


async def a_paper_home(store: Store) -> PaperHome:
    """Create Ada's workspace with an account of 10,000 USDT."""
    async with store.transaction() as tx:
        workspace = await tx.workspaces.create("home")
        owner = await tx.members.add(workspace.id, name="Ada", email="ada@example.org", role=Role.OWNER)
        account = await tx.accounts.create(
            workspace.id,
            name="paper",
            venue="paper",
            is_live=False,
            currency="USDT",
            capital=Decimal(10_000),
            settings={},
        )
    return PaperHome(workspace=workspace, owner=owner, account=account)

"""The demo: a funded paper account and a running bot, so that there is something to see at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from desk.commands import CreateApiToken, CreateBot, StartBot
from desk.desk import Desk
from desk.identity import Actor, Role
from desk.ports import Store
from desk.views import Account, Bot, Member, Workspace
from trading.events import BotCreated, BotStateChanged, Event, kind_of

if TYPE_CHECKING:
    from desk.assembly import House

WORKSPACE = "demo"
OWNER = "owner"
ACCOUNT = "paper"
BOT = "tide"
#: The demo's bot leaves half of the account to the next one.
SHARE = 0.5
MOST_PAIRS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What the demo set up.

    Attributes:
        token: secret of a new API token; every start makes one.
    """

    workspace: Workspace
    owner: Member
    account: Account
    bots: Sequence[Bot]
    token: str

    def actor(self, channel: str) -> Actor:
        """Give the owner at a door."""
        return Actor(
            workspace_id=self.workspace.id,
            user_id=self.owner.user_id,
            name=self.owner.name,
            role=self.owner.role,
            channel=channel,
            language=self.owner.language,
        )


async def seed_demo(
    house: House,
    *,
    capital: Decimal = Decimal(10_000),
    owner_email: str = "owner@localhost",
    strategy: str = "trend_following",
    timeframe: str = "15m",
) -> Demo:
    """Set up workspace, owner, account and one running bot where they are missing, and make a token.

    A second call changes nothing but the token: what people did since stays.
    """
    workspace, owner, account = await _ground(house.store, capital, owner_email)
    demo = Demo(workspace=workspace, owner=owner, account=account, bots=(), token="")
    actor = demo.actor("system")
    if not await _was_told(house.store, workspace, BotCreated):
        await house.desk.do(
            CreateBot(
                name=BOT,
                strategy=strategy,
                pairs=tuple(await house.feed.pairs())[:MOST_PAIRS],
                timeframe=str(getattr(house.feed, "timeframe", timeframe)),
                allocation=SHARE,
                account_id=account.id,
            ),
            actor,
        )
    if not await _was_told(house.store, workspace, BotStateChanged):
        await house.desk.do(StartBot(bot_id=BOT), actor)
    token = await _token(house.desk, actor)
    async with house.store.reading() as tx:
        bots = await tx.bots.all(workspace.id)
    return Demo(workspace=workspace, owner=owner, account=account, bots=tuple(bots), token=token)


async def _ground(store: Store, capital: Decimal, owner_email: str) -> tuple[Workspace, Member, Account]:
    async with store.transaction() as tx:
        workspaces = await tx.workspaces.all()
        workspace = next((one for one in workspaces if one.name == WORKSPACE), None)
        if workspace is None:
            workspace = await tx.workspaces.create(WORKSPACE)
        owner = await tx.members.by_name(workspace.id, OWNER)
        if owner is None:
            owner = await tx.members.add(workspace.id, name=OWNER, email=owner_email, role=Role.OWNER)
        accounts = await tx.accounts.all(workspace.id)
        account = next((one for one in accounts if one.name == ACCOUNT), None)
        if account is None:
            account = await tx.accounts.create(
                workspace.id,
                name=ACCOUNT,
                venue="paper",
                is_live=False,
                currency="USDT",
                capital=capital,
                settings={},
            )
        return workspace, owner, account


async def _was_told(store: Store, workspace: Workspace, kind: type[Event]) -> bool:
    """Tell whether a fact of a kind is in the journal: what people undid is not done again."""
    async with store.reading() as tx:
        return bool(await tx.journal.after(workspace.id, 0, limit=1, kinds=(kind_of(kind),)))


async def _token(desk: Desk, actor: Actor) -> str:
    made = await desk.do(CreateApiToken(label="demo", role=Role.OWNER), actor)
    secret: str = made.view.secret
    return secret

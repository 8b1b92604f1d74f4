"""The first start of an empty house: a workspace with an owner and a paper account, and a token to get in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from desk.assembly import House, seed_demo
from desk.commands import CreateApiToken, RevokeApiToken
from desk.identity import Actor, Role
from desk.views import ApiToken, Workspace

#: Name of the workspace, its owner and its account where nobody chose any.
WORKSPACE = "home"
OWNER = "owner"
ACCOUNT = "paper"

#: The label of tokens that a start prints, and how many of them stay valid.
LABEL = "printed at start"
DEMO_LABEL = "demo"
KEPT_TOKENS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """Who may come in, and with what.

    Attributes:
        token: empty where the workspace has no owner to give one to.
    """

    workspace: str
    user: str
    token: str


#: The way into a process that lets nobody in.
NOBODY = WayIn(workspace="", user="", token="")


async def prepare(house: House, *, demo: bool, capital: Decimal, owner_email: str) -> WayIn:
    """Set up what is missing and give a token; what people changed since stays."""
    if demo:
        made = await seed_demo(house, capital=capital, owner_email=owner_email)
        actor = made.actor("system")
        await _end_old_tokens(house, actor, DEMO_LABEL)
        return WayIn(workspace=made.workspace.name, user=made.owner.name, token=made.token)
    workspace = await _workspace(house, capital, owner_email)
    async with house.store.reading() as unit:
        members = await unit.members.all(workspace.id)
    owner = next((one for one in members if one.role is Role.OWNER), None)
    if owner is None:
        return WayIn(workspace=workspace.name, user="", token="")
    actor = Actor(
        workspace_id=workspace.id, user_id=owner.user_id, name=owner.name, role=owner.role, channel="system"
    )
    issued = await house.desk.do(CreateApiToken(label=LABEL, role=Role.OWNER), actor)
    await _end_old_tokens(house, actor, LABEL)
    return WayIn(workspace=workspace.name, user=owner.name, token=issued.view.secret)


async def _workspace(house: House, capital: Decimal, owner_email: str) -> Workspace:
    async with house.store.transaction() as unit:
        known = await unit.workspaces.all()
        if known:
            return known[0]
        workspace = await unit.workspaces.create(WORKSPACE)
        await unit.members.add(workspace.id, name=OWNER, email=owner_email, role=Role.OWNER)
        await unit.accounts.create(
            workspace.id,
            name=ACCOUNT,
            venue="paper",
            is_live=False,
            currency="USDT",
            capital=capital,
            settings={},
        )
        return workspace


async def _end_old_tokens(house: House, actor: Actor, label: str) -> None:
    """Keep the newest few: a client of the run before may still use its token, forgotten ones end."""
    async with house.store.reading() as unit:
        tokens: Sequence[ApiToken] = await unit.members.tokens(actor.workspace_id)
    valid = [one for one in tokens if one.label == label and one.revoked_at is None]
    valid.sort(key=lambda one: one.created_at, reverse=True)
    for old in valid[KEPT_TOKENS:]:
        await house.desk.do(RevokeApiToken(token_id=old.id), actor)

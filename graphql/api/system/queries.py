"""Reading how the house is, and anything by its id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import strawberry

from api.account.queries import shown_member
from api.account.types import api_token, workspace
from api.alerts.types import alert
from api.bots.types import bot
from api.context import Info
from api.errors import ApiError, ErrorCode
from api.ids import not_found, split_id
from api.jobs.types import job
from api.node import Node
from api.orders.types import order, signal
from api.permissions import reads
from api.portfolio.types import account, position, trade
from api.system.types import SystemStatus, system_status
from desk.identity import Role
from trading.errors import NotFound

#: Most ids of one `nodes`.
MAX_NODES = 100


@strawberry.type
class SystemQueries:
    """Root fields about the house."""

    @reads()
    async def system_status(self, info: Info) -> SystemStatus:
        """How the process is, part by part."""
        house = info.context.house
        report = await info.context.health.report()
        return system_status(report, feed=house.feed.label, venue=house.feed.venue, now=house.clock.now())

    @reads()
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        """Anything by its id."""
        return await find(info, id)

    @reads()
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        """Several things by their ids (at most 100), in that order; null where there is nothing."""
        if len(ids) > MAX_NODES:
            raise ApiError(
                ErrorCode.VALIDATION_FAILED, f"{len(ids)} ids were given; {MAX_NODES} are allowed."
            )
        return [await _or_none(info, one) for one in ids]


async def _or_none(info: Info, wanted: str) -> Node | None:
    try:
        return await find(info, wanted)
    except NotFound:
        return None


async def find(info: Info, wanted: str) -> Node:
    """Give anything by its id, if this asker may see it.

    Raises:
        NotFound: wrong type, another workspace's or nobody's: the same answer.
    """
    kind, own = split_id(wanted)
    finder = _FINDERS.get(kind)
    found = await finder(info, own) if finder else None
    if found is None:
        raise not_found(wanted)
    return found


async def _bot(info: Info, own: str) -> Node | None:
    found = await info.context.load.bot.load(own)
    return bot(found) if found else None


async def _account(info: Info, own: str) -> Node | None:
    found = await info.context.load.account.load(own)
    return account(found) if found else None


async def _member(info: Info, own: str) -> Node | None:
    found = await info.context.load.member.load(own)
    return shown_member(info, found) if found else None


async def _workspace(info: Info, own: str) -> Node | None:
    if own != info.context.workspace_id:
        return None
    async with info.context.house.store.reading() as unit:
        found = await unit.workspaces.by_id(own)
    return workspace(found) if found else None


async def _token(info: Info, own: str) -> Node | None:
    actor = info.context.actor
    async with info.context.house.store.reading() as unit:
        found = {one.id: one for one in await unit.members.tokens(actor.workspace_id)}.get(own)
    is_shown = found is not None and (actor.role >= Role.ADMIN or found.user_id == actor.user_id)
    return api_token(found) if found and is_shown else None


async def _order(info: Info, own: str) -> Node | None:
    async with info.context.house.store.reading() as unit:
        found = await unit.orders.by_id(info.context.workspace_id, own)
    return order(found) if found else None


async def _position(info: Info, own: str) -> Node | None:
    async with info.context.house.store.reading() as unit:
        found = await unit.positions.by_id(info.context.workspace_id, own)
    return position(found) if found else None


async def _trade(info: Info, own: str) -> Node | None:
    async with info.context.house.store.reading() as unit:
        found = await unit.positions.trade(info.context.workspace_id, own)
    return trade(found) if found else None


async def _signal(info: Info, own: str) -> Node | None:
    async with info.context.house.store.reading() as unit:
        found = await unit.signals.by_id(info.context.workspace_id, own)
    return signal(found) if found else None


async def _alert(info: Info, own: str) -> Node | None:
    async with info.context.house.store.reading() as unit:
        found = await unit.alerts.by_id(info.context.workspace_id, own)
    return alert(found) if found else None


async def _job(info: Info, own: str) -> Node | None:
    async with info.context.house.store.reading() as unit:
        found = await unit.jobs.by_id(info.context.workspace_id, own)
    return job(found) if found else None


_FINDERS: dict[str, Callable[[Info, str], Awaitable[Node | None]]] = {
    "Workspace": _workspace,
    "Member": _member,
    "ApiToken": _token,
    "Account": _account,
    "Bot": _bot,
    "Order": _order,
    "Position": _position,
    "Trade": _trade,
    "Signal": _signal,
    "Alert": _alert,
    "Job": _job,
}

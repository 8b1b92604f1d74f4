"""Reading chat links and approvals."""

from __future__ import annotations

import strawberry

from api.account.access_types import Approval, ChatLink, approval, chat_link
from api.account.exchanges import ExchangeQueries
from api.account.hooks import HookQueries
from api.context import Info
from api.permissions import reads
from desk.identity import Role


@strawberry.type
class AccessQueries(HookQueries, ExchangeQueries):
    """Root fields about how people come in and who agreed to what."""

    @reads()
    async def chat_links(self, info: Info) -> list[ChatLink]:
        """One's own linked chat accounts; admins see everybody's."""
        actor = info.context.actor
        async with info.context.house.store.reading() as unit:
            found = await unit.links.all(
                actor.workspace_id, user_id="" if actor.role >= Role.ADMIN else actor.user_id
            )
        return [chat_link(one, is_shown=True) for one in found[:100]]

    @reads(Role.OPERATOR)
    async def approvals(self, info: Info) -> list[Approval]:
        """The newest hundred requests for approval, newest first."""
        async with info.context.house.store.reading() as unit:
            found = await unit.approvals.recent(info.context.workspace_id)
        return [approval(one) for one in found]

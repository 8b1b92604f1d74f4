"""Who can be told, and where."""

from __future__ import annotations

from collections.abc import Sequence

from desk.alerting.channel import Reader
from desk.ports import Unit
from desk.views import Member


async def readers_of(
    tx: Unit, workspace_id: str, *, members: Sequence[Member] | None = None
) -> tuple[Reader, ...]:
    """Give everybody in a workspace with their addresses: the mail address, and the linked account of each platform."""
    people = members if members is not None else await tx.members.all(workspace_id)
    linked: dict[str, dict[str, str]] = {}
    for link in await tx.links.all(workspace_id):
        if link.revoked_at is None:
            # The newest link of a platform counts: people who change their account link the new one.
            linked.setdefault(link.user_id, {})[link.platform] = link.platform_user_id
    return tuple(
        Reader(
            member=one,
            addresses={**linked.get(one.user_id, {}), **({"email": one.email} if one.email else {})},
        )
        for one in people
    )

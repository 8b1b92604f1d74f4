"""Who can be told, and where."""

from __future__ import annotations

from collections.abc import Sequence

from desk.alerting.channel import Reader
from desk.ports import Unit
from desk.views import Member


async def readers_of(
    tx: Unit, workspace_id: str, *, members: Sequence[Member] | None = None
) -> tuple[Reader, ...]:
    """Give everybody in a workspace with their addresses."""
    people = members if members is not None else await tx.members.all(workspace_id)
    return tuple(Reader(member=one, addresses={"email": one.email} if one.email else {}) for one in people)

"""The calendar of a workspace."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from desk.identity import Role
from desk.ports import Unit

UTC_ZONE = ZoneInfo("UTC")


async def zone_of(tx: Unit, workspace_id: str) -> ZoneInfo:
    """Give the zone of a workspace's calendar: its first owner's."""
    for one in await tx.members.all(workspace_id):
        if one.role is Role.OWNER and one.time_zone:
            return ZoneInfo(one.time_zone)
    return UTC_ZONE

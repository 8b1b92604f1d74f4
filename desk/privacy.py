"""A person's data: what there is, what is given out, and how it ends.

Personal data lie in one table, sealed with a key per person. Erasing destroys the key, ends every way in and leaves a
pseudonym, so that the audit still verifies and still says that somebody did something.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from desk.ports import Unit
from desk.views import Member, Page
from trading.errors import NotFound


class DataClass(StrEnum):
    """What a column holds about people."""

    NONE = "none"  # the market, the machine, the workspace
    PERSONAL = "personal"  # sealed with the person's key
    HANDLE = "handle"  # the name that a person goes by here; becomes a pseudonym
    PERSON_ID = "person_id"  # points to a person, says nothing by itself
    PREFERENCE = "preference"  # language, time zone and the like; exported, reset by erasure
    PROOF = "proof"  # hashes and sealed secrets; ended by erasure, never exported
    TRACE = "trace"  # what a person did: kept for the audit under the pseudonym
    ADDRESS = "address"  # a copy of an address, kept until a message is through
    PLACE = "place"  # an account or place at a chat platform, kept while it is needed to answer there


#: Lines of the audit in an export.
_MOST_LINES = 1000


async def export_of(tx: Unit, workspace_id: str, member: Member, now: datetime) -> bytes:
    """Give everything that is known about a person as JSON; proofs and secrets are left out."""
    facts = await tx.privacy.facts_of(workspace_id, member.user_id)
    body: dict[str, Any] = {
        "exported_at": now,
        "person": {
            "id": member.user_id,
            "name": member.name,
            "role": member.role.name,
            "language": member.language,
            "time_zone": member.time_zone,
        },
        "personal_data": dict(facts),
        "chat_links": [
            {
                "platform": one.platform,
                "account": one.platform_user_id,
                "name": one.display_name,
                "since": one.verified_at,
            }
            for one in await tx.links.all(workspace_id, user_id=member.user_id)
        ],
        "sign_ins": [
            {"created_at": one.created_at, "used_at": one.used_at, "expires_at": one.expires_at}
            for one in await tx.sessions.of_user(workspace_id, member.user_id)
        ],
        "api_tokens": [
            {
                "label": one.label,
                "role": one.role.name,
                "created_at": one.created_at,
                "expires_at": one.expires_at,
                "revoked_at": one.revoked_at,
                "last_used_at": one.last_used_at,
            }
            for one in await tx.members.tokens(workspace_id)
            if one.user_id == member.user_id
        ],
        "rows": await tx.privacy.rows_of(workspace_id, member.user_id),
        "audit": [
            {"at": one.at, "action": one.action, "channel": one.channel, "outcome": one.outcome}
            for one in await tx.audit.page(workspace_id, Page(first=_MOST_LINES))
            if one.actor.rpartition("@")[0] == member.name
        ],
    }
    return orjson.dumps(body, option=orjson.OPT_INDENT_2)


async def erase(tx: Unit, workspace_id: str, user_id: str, now: datetime) -> str:
    """Erase a person; give the pseudonym that stays.

    Raises:
        NotFound: nobody by that id was ever in this workspace.
    """
    if not await tx.privacy.is_known(workspace_id, user_id):
        raise NotFound(
            "Nobody with that id was ever in this workspace.", hint="List the members for their ids."
        )
    await tx.sessions.revoke_all(workspace_id, user_id, now, "erased")
    await tx.members.revoke_tokens_of(workspace_id, user_id, now)
    await tx.proofs.end_step_ups(workspace_id, user_id)
    name = pseudonym(user_id)
    await tx.privacy.erase(workspace_id, user_id, name)
    return name


def pseudonym(user_id: str) -> str:
    """Give the name that an erased person goes by."""
    return f"erased-{hashlib.sha256(user_id.encode()).hexdigest()[:8]}"

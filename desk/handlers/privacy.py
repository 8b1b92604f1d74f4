"""Giving out and erasing a person's data."""

from __future__ import annotations

from desk.commands import RequestDataErasure, RequestDataExport
from desk.desk import Desk, Handling, Preview
from desk.handlers.people import member_of, require_role_possible
from desk.identity import Actor, Role
from desk.ports import Unit
from desk.privacy import erase, export_of
from desk.views import Member
from trading.errors import Denied


class PrivacyHandlers:
    """Does what concerns a person's data."""

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(RequestDataExport, self.export)
        desk.handle(RequestDataErasure, self.erase, preview=preview_erasure, asks_two=erases_power)

    async def export(self, command: RequestDataExport, handling: Handling) -> bytes:
        """Give everything that is known about a person."""
        member = await _subject(handling.tx, handling.actor, command.user_id)
        return await export_of(handling.tx, handling.actor.workspace_id, member, handling.now)

    async def erase(self, command: RequestDataErasure, handling: Handling) -> str:
        """Erase a person; give the pseudonym that stays."""
        tx, actor = handling.tx, handling.actor
        member = await _subject(tx, actor, command.user_id)
        await require_role_possible(tx, actor, member, Role.VIEWER)
        return await erase(tx, actor.workspace_id, member.user_id, handling.now)


async def erases_power(command: RequestDataErasure, tx: Unit, actor: Actor) -> bool:
    """Tell whether somebody else who could approve or administer is erased; whoever wants to go may go."""
    member = await _subject(tx, actor, command.user_id)
    return member.user_id != actor.user_id and member.role >= Role.ADMIN


async def preview_erasure(command: RequestDataErasure, tx: Unit, actor: Actor) -> Preview:
    """Say who is erased."""
    member = await _subject(tx, actor, command.user_id)
    await require_role_possible(tx, actor, member, Role.VIEWER)
    return Preview(code="confirm.RequestDataErasure", params={"name": member.name}, type_word=member.name)


async def _subject(tx: Unit, actor: Actor, wanted: str) -> Member:
    """Give the person whose data it is about: oneself, or for owners anybody."""
    person = wanted or actor.user_id
    member = (
        await member_of(tx, actor, person) if actor.role >= Role.OWNER or person == actor.user_id else None
    )
    if member is None:
        raise Denied("Data of somebody else are handled by owners; leave the person out for your own.")
    return member

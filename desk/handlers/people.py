"""Members, roles, tokens and personal choices."""

from __future__ import annotations

import hashlib
import secrets
import zoneinfo
from datetime import timedelta

from desk.commands import (
    AddMember,
    CreateApiToken,
    RemoveMember,
    RevokeApiToken,
    SetMemberRole,
    SetPreference,
)
from desk.desk import Desk, Handling, Preview
from desk.identity import Actor, Role
from desk.ports import Unit
from desk.views import IssuedToken, Member
from trading.errors import Conflict, Denied, InvalidInput, NotFound, nearest

#: Languages that texts exist in.
LANGUAGES = ("en", "fr")
#: Every token of ours begins with this, so that a leaked one is found by scanners.
LONGEST_TOKEN_LIFE = timedelta(days=366)
TOKEN_PREFIX = "bwk_"  # noqa: S105 - the beginning of every token, no secret


class PeopleHandlers:
    """Does what concerns people."""

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(CreateApiToken, self.create_api_token)
        desk.handle(RevokeApiToken, self.revoke_api_token)
        desk.handle(AddMember, self.add_member, preview=preview_member, asks_two=adds_power)
        desk.handle(SetMemberRole, self.set_member_role, preview=preview_role, asks_two=changes_power)
        desk.handle(RemoveMember, self.remove_member, preview=preview_removal, asks_two=removes_power)
        desk.handle(SetPreference, self.set_preference)

    async def create_api_token(self, command: CreateApiToken, handling: Handling) -> IssuedToken:
        """Make a token; its secret leaves the house once."""
        tx, actor = handling.tx, handling.actor
        label = " ".join(command.label.split())
        if not 1 <= len(label) <= 60:
            raise InvalidInput(f"A label of {len(label)} characters was given; 1 to 60 are allowed.")
        owner = command.user_id or actor.user_id
        if not owner:
            raise InvalidInput("A token belongs to a person; none was named.", hint="Name a user.")
        member = await member_of(tx, actor, owner)
        ceiling = min(member.role, actor.role)
        if command.role > ceiling or command.role is Role.STRANGER:
            raise Denied(
                f"A token with the role {command.role.name} was asked; VIEWER to {ceiling.name} is allowed for "
                f"{member.name}."
            )
        if command.lives is not None and not timedelta(minutes=1) <= command.lives <= LONGEST_TOKEN_LIFE:
            raise InvalidInput(
                f"A token that lives {command.lives} was asked; a minute to {LONGEST_TOKEN_LIFE.days} days are allowed."
            )
        scopes = [
            name
            for name, is_wanted in (("read", command.is_read_only), ("adhoc", command.may_improvise))
            if is_wanted
        ]
        secret = new_token()
        token = await tx.members.add_token(
            actor.workspace_id,
            user_id=member.user_id,
            label=label,
            role=command.role,
            secret_hash=hash_of_token(secret),
            expires_at=handling.now + command.lives if command.lives is not None else None,
            prefix=secret[: len(TOKEN_PREFIX) + 4],
            scopes=scopes,
        )
        return IssuedToken(token=token, secret=secret)

    async def revoke_api_token(self, command: RevokeApiToken, handling: Handling) -> bool:
        """End a token; a revoked one stays revoked."""
        tx, actor = handling.tx, handling.actor
        if not await tx.members.revoke_token(actor.workspace_id, command.token_id, handling.now):
            labels = {one.id: one.label for one in await tx.members.tokens(actor.workspace_id)}
            if command.token_id not in labels:
                raise NotFound(
                    f"No token '{command.token_id}'; {', '.join(labels.values()) or 'none exists'}.",
                    hint=nearest(command.token_id, labels) or None,
                )
            raise Conflict(f"Token '{labels[command.token_id]}' is revoked already.")
        return True

    async def add_member(self, command: AddMember, handling: Handling) -> Member:
        """Add a person."""
        tx, actor = handling.tx, handling.actor
        name = " ".join(command.name.split())
        if not 1 <= len(name) <= 60:
            raise InvalidInput(f"A name of {len(name)} characters was given; 1 to 60 are allowed.")
        if command.role is Role.STRANGER:
            raise InvalidInput("The role STRANGER was given; VIEWER to OWNER are allowed.")
        email = checked_email(command.email)
        if await tx.members.by_name(actor.workspace_id, name) is not None:
            raise Conflict(f"A member called '{name}' exists already; another name is needed.")
        return await tx.members.add(actor.workspace_id, name=name, email=email, role=command.role)

    async def set_member_role(self, command: SetMemberRole, handling: Handling) -> Member:
        """Change a role; somebody always owns the workspace."""
        tx, actor = handling.tx, handling.actor
        member = await member_of(tx, actor, command.user_id)
        await require_role_possible(tx, actor, member, command.role)
        await tx.members.set_role(actor.workspace_id, member.user_id, command.role)
        return await member_of(tx, actor, member.user_id)

    async def set_preference(self, command: SetPreference, handling: Handling) -> Member:
        """Choose one's own language and time zone; an empty one stays."""
        tx, actor = handling.tx, handling.actor
        member = await member_of(tx, actor, actor.user_id)
        language = command.language or member.language
        if language not in LANGUAGES:
            raise InvalidInput(
                f"Language '{language}' was given; {', '.join(LANGUAGES)} are allowed.",
                hint=nearest(language, LANGUAGES) or None,
            )
        time_zone = command.time_zone or member.time_zone
        if time_zone != "UTC" and time_zone not in zoneinfo.available_timezones():
            raise InvalidInput(
                f"Time zone '{time_zone}' was given; a name such as Europe/Paris is allowed.",
                hint=nearest(time_zone, zoneinfo.available_timezones()) or None,
            )
        await tx.members.set_preference(
            actor.workspace_id, member.user_id, language=language, time_zone=time_zone
        )
        return await member_of(tx, actor, member.user_id)

    async def remove_member(self, command: RemoveMember, handling: Handling) -> Member:
        """Take a person out, with every way in that they had."""
        tx, actor, now = handling.tx, handling.actor, handling.now
        member = await member_of(tx, actor, command.user_id)
        await require_role_possible(tx, actor, member, Role.VIEWER)
        await tx.sessions.revoke_all(actor.workspace_id, member.user_id, now, "removed")
        await tx.members.revoke_tokens_of(actor.workspace_id, member.user_id, now)
        for link in await tx.links.all(actor.workspace_id, user_id=member.user_id):
            await tx.links.revoke(actor.workspace_id, link.id, now)
        await tx.proofs.end_step_ups(actor.workspace_id, member.user_id)
        await tx.members.remove(actor.workspace_id, member.user_id)
        return member


async def removes_power(command: RemoveMember, tx: Unit, actor: Actor) -> bool:
    """Tell whether somebody who could approve or administer is removed."""
    return (await member_of(tx, actor, command.user_id)).role >= Role.ADMIN


async def preview_removal(command: RemoveMember, tx: Unit, actor: Actor) -> Preview:
    """Say who goes."""
    member = await member_of(tx, actor, command.user_id)
    await require_role_possible(tx, actor, member, Role.VIEWER)
    return Preview(
        code="confirm.RemoveMember",
        params={"name": member.name, "role": member.role.name},
        type_word=member.name,
    )


async def adds_power(command: AddMember, tx: Unit, actor: Actor) -> bool:
    """Tell whether a new member could approve or administer."""
    return command.role >= Role.ADMIN


async def changes_power(command: SetMemberRole, tx: Unit, actor: Actor) -> bool:
    """Tell whether somebody gains or loses the power to approve or administer."""
    member = await member_of(tx, actor, command.user_id)
    return max(command.role, member.role) >= Role.ADMIN


async def preview_member(command: AddMember, tx: Unit, actor: Actor) -> Preview:
    """Say who comes in as what."""
    return Preview(
        code="confirm.AddMember",
        params={"name": command.name, "role": command.role.name},
        type_word=command.name if command.role >= Role.ADMIN else "",
    )


async def require_role_possible(tx: Unit, actor: Actor, member: Member, role: Role) -> None:
    """Go on only when a member may become that; somebody always owns the workspace.

    Raises:
        InvalidInput: nobody is made a stranger.
        Conflict: the last owner stays one.
    """
    if role is Role.STRANGER:
        raise InvalidInput("The role STRANGER was given; VIEWER to OWNER are allowed.")
    owners = [one for one in await tx.members.all(actor.workspace_id) if one.role is Role.OWNER]
    if member.role is Role.OWNER and role is not Role.OWNER and len(owners) == 1:
        raise Conflict(
            f"{member.name} is the last owner; a workspace needs one.",
            hint="Make somebody else an owner first.",
        )


async def preview_role(command: SetMemberRole, tx: Unit, actor: Actor) -> Preview:
    """Say who becomes what."""
    member = await member_of(tx, actor, command.user_id)
    await require_role_possible(tx, actor, member, command.role)
    return Preview(
        code="confirm.SetMemberRole",
        params={"name": member.name, "before": member.role.name, "after": command.role.name},
        type_word=member.name if max(command.role, member.role) >= Role.ADMIN else "",
    )


async def member_of(tx: Unit, actor: Actor, user_id: str) -> Member:
    """Give a member by id or name.

    Raises:
        NotFound: nobody by that name in the actor's workspace.
    """
    member = await tx.members.by_id(actor.workspace_id, user_id) if user_id else None
    if member is None and user_id:
        member = await tx.members.by_name(actor.workspace_id, user_id)
    if member is None:
        names = [one.name for one in await tx.members.all(actor.workspace_id)]
        raise NotFound(
            f"No member is called '{user_id}'; {', '.join(names)}.", hint=nearest(user_id, names) or None
        )
    return member


def new_token() -> str:
    """Give a new secret token, 256 bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def hash_of_token(secret: str) -> str:
    """Give the hash under which a token is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def checked_email(email: str) -> str:
    """Give an address without spaces around it; an empty one is allowed.

    Raises:
        InvalidInput: it is no address.
    """
    clean = email.strip()
    local, at, domain = clean.rpartition("@")
    broken = any(one.isspace() or ord(one) < 32 for one in clean) or len(clean) > 254
    if clean and (not at or not local or not domain or broken):
        # The address itself is not repeated: this sentence goes into the audit.
        raise InvalidInput(f"An e-mail address of {len(clean)} characters was given; name@domain is allowed.")
    return clean

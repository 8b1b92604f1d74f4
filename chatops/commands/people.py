"""Words about people: who they are, what they may do, and what waits for a second one of them."""

from __future__ import annotations

from chatops import kinds
from chatops.approvals import approval_buttons, what_waits
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Card, Column, Field, Table, Text, Tone, Value
from chatops.errors import role_text
from chatops.problems import Misheard, did_you_mean, misheard
from chatops.proofs import has_second_factor
from chatops.room import Asked
from chatops.texts.catalogue import LANGUAGES
from chatops.typing_repair import plain
from desk.commands import (
    ApproveRequest,
    CreateChatLinkCode,
    RejectRequest,
    RevokeChatLink,
    SetMemberRole,
    StepUp,
)
from desk.identity import Role
from desk.people_views import SETTLED, Approval, ApprovalState
from desk.secrets import Secret
from desk.views import Member
from trading.errors import nearest

PAGE = Page(Group.PEOPLE)

_ROLES = tuple(one.name.lower() for one in Role if one is not Role.STRANGER)


@PAGE.word("users", example="/users", role=Role.ADMIN)
async def users(asked: Asked) -> Card:
    """List the members of the workspace and the chats that are linked to them."""
    async with asked.store.reading() as tx:
        rows = await tx.members.all(asked.workspace_id)
        links = await tx.links.all(asked.workspace_id)
    linked: dict[str, list[str]] = {}
    for one in links:
        if one.revoked_at is None:
            linked.setdefault(one.user_id, []).append(one.platform)
    return Card(
        name="users",
        title=Text("users.title", {"n": len(rows)}),
        tables=(
            Table(
                name="users",
                columns=(
                    Column("name"),
                    Column("role"),
                    Column("email"),
                    Column("chats"),
                    Column("language", 1),
                    Column("time_zone", 1),
                ),
                rows=tuple(_user(one, linked.get(one.user_id, [])) for one in rows),
            ),
        ),
    )


def _user(member: Member, chats: list[str]) -> tuple[Value, ...]:
    return (
        member.name,
        role_text(member.role),
        member.email or None,
        ", ".join(sorted(chats)) or None,
        Text(f"language.{member.language or LANGUAGES[0]}"),
        member.time_zone or "UTC",
    )


@PAGE.word(
    "role",
    example="/role ann trader",
    asks=SetMemberRole,
    arguments=(
        Argument(name="user", read=kinds.name, is_required=True, offers="user"),
        Argument(name="role", read=kinds.choice(*_ROLES), is_required=True, offers=_ROLES),
    ),
)
async def role(asked: Asked) -> Card:
    """Change what a member may do; a second person agrees."""
    member = await _member(asked, asked.args["user"])
    wanted = Role[asked.args["role"].upper()]
    await asked.do(SetMemberRole(user_id=member.user_id, role=wanted))
    return Card(
        name="role",
        title=Text("role_changed.title", {"name": member.name, "role": role_text(wanted)}),
        tone=Tone.GOOD,
    )


async def _member(asked: Asked, typed: str) -> Member:
    async with asked.store.reading() as tx:
        rows = await tx.members.all(asked.workspace_id)
    wanted = plain(typed).casefold().removeprefix("@")
    for one in rows:
        if wanted in (one.name.casefold(), one.email.casefold(), one.user_id):
            return one
    names = [one.name for one in rows]
    close = nearest(typed, names)
    raise misheard(
        "unknown_user",
        advice="users",
        problem="not_found",
        found=typed,
        allowed=", ".join(names),
        nearest=did_you_mean(close.split("'")[1] if close else ""),
    )


@PAGE.word(
    "link",
    example="/link",
    asks=CreateChatLinkCode,
    also=(RevokeChatLink,),
    arguments=(
        Argument(
            name="action",
            read=kinds.choice("new", "list", "end"),
            default="new",
            offers=("new", "list", "end"),
        ),
        Argument(name="platform", read=kinds.name),
    ),
)
async def link(asked: Asked) -> Card:
    """Give a one-time code that links a chat to you; list shows your links, end <platform> ends one."""
    async with asked.store.reading() as tx:
        mine = [
            one
            for one in await tx.links.all(asked.workspace_id, user_id=asked.actor.user_id)
            if one.revoked_at is None
        ]
    match asked.args["action"]:
        case "list":
            return Card(
                name="links",
                title=Text("link.title", {"n": len(mine)}),
                tables=(
                    Table(
                        name="links",
                        columns=(Column("platform"), Column("name"), Column("since")),
                        rows=tuple((one.platform, one.display_name, one.verified_at) for one in mine),
                    ),
                )
                if mine
                else (),
                notes=(Text("link.how"),),
            )
        case "end":
            wanted = plain(asked.args["platform"] or "").lower()
            found = next((one for one in mine if one.platform == wanted), None)
            if found is None:
                raise misheard(
                    "unknown_link",
                    problem="not_found",
                    found=wanted or "–",
                    allowed=", ".join(one.platform for one in mine) or "–",
                )
            await asked.do(RevokeChatLink(link_id=found.id))
            return Card(name="link", title=Text("link.ended", {"platform": wanted}), tone=Tone.WARN)
        case _:
            issued = (await asked.do(CreateChatLinkCode())).view
            return Card(
                name="link",
                title=Text("link.code"),
                tone=Tone.ASK,
                fields=(Field("code", issued.code), Field("until", issued.expires_at)),
                notes=(Text("link.say", {"code": issued.code}),),
            )


_CODE = Argument(name="code", read=kinds.name, offers="approval")


@PAGE.word(
    "approve",
    example="/approve K7Q2XM",
    asks=ApproveRequest,
    arguments=(_CODE,),
)
async def approve(asked: Asked) -> Card:
    """Agree, as a second person, to what waits; without a code list what does."""
    if asked.args["code"] is None:
        return await _waiting(asked)
    await asked.do(ApproveRequest(code=_code(asked)))
    return await _as_it_stands(asked)


@PAGE.word("reject", example="/reject K7Q2XM", asks=RejectRequest, arguments=(_CODE,))
async def reject(asked: Asked) -> Card:
    """Say no to what waits, withdraw one's own, or cancel a single owner's delay."""
    if asked.args["code"] is None:
        return await _waiting(asked)
    await asked.do(RejectRequest(code=_code(asked)))
    return await _as_it_stands(asked)


async def _as_it_stands(asked: Asked) -> Card:
    """Show a request as it is after the decision: it is carried out at once, and may be refused then."""
    async with asked.store.reading() as tx:
        found = await tx.approvals.by_code(asked.workspace_id, _code(asked))
    if found is None:
        raise misheard("unknown_approval", advice="approvals", problem="not_found", found=_code(asked))
    return _settled(found)


def _code(asked: Asked) -> str:
    return plain(asked.args["code"]).lstrip("#").upper()


async def _waiting(asked: Asked) -> Card:
    async with asked.store.reading() as tx:
        rows = [one for one in await tx.approvals.recent(asked.workspace_id) if one.state not in SETTLED]
    return Card(
        name="approvals",
        title=Text("approval.waiting", {"n": len(rows)}),
        tone=Tone.WARN if rows else Tone.PLAIN,
        tables=(
            Table(
                name="approvals",
                columns=(Column("code"), Column("what"), Column("by"), Column("until", 1)),
                rows=tuple(
                    (one.code, what_waits(one), one.requester_name, one.execute_at or one.expires_at)
                    for one in rows
                ),
            ),
        )
        if rows
        else (),
        notes=() if rows else (Text("approval.none"),),
        buttons=tuple(button for one in rows[:3] for button in approval_buttons(one)),
    )


def _settled(approval: Approval) -> Card:
    is_good = approval.state in (ApprovalState.DONE, ApprovalState.APPROVED)
    return Card(
        name="approval_settled",
        title=Text(f"approval_state.{approval.state.value}"),
        tone=Tone.GOOD if is_good else Tone.WARN,
        body=(
            what_waits(approval),
            *((Text("problem.said", {"message": approval.outcome}),) if approval.outcome else ()),
        ),
        fields=(
            Field("code", approval.code),
            Field("asked_by", approval.requester_name),
            Field("decided_by", approval.decided_by or None),
        ),
    )


@PAGE.word(
    "prove",
    example="/prove 123456",
    asks=StepUp,
    arguments=(Argument(name="proof", read=kinds.digits, is_required=True),),
)
async def prove(asked: Asked) -> Card:
    """Prove that it is you with a code of your second factor; here it counts for five minutes."""
    if not await has_second_factor(asked):
        raise Misheard(
            Text("problem.no_factor"), advice=Text("prove.none", {"name": asked.actor.name}), code="denied"
        )
    outcome = await asked.do(StepUp(proof=Secret(asked.args["proof"])))
    return Card(
        name="proved",
        title=Text("proved.title"),
        tone=Tone.GOOD,
        body=(Text("proved.body", {"until": outcome.view.until}),),
    )

"""Linking chats, deciding on approvals, proving who one is."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from api.account.access_types import Approval, ChatLink, approval, chat_link
from api.account.exchanges import ExchangeMutations
from api.account.hooks import HookMutations
from api.context import Info
from api.ids import own_id
from api.mutation import Payload, carry_out, mutates
from desk.commands import (
    ApproveRequest,
    BeginTotp,
    ConfirmTotp,
    CreateChatLinkCode,
    RejectRequest,
    RevokeChatLink,
    SetPassword,
    StepUp,
)
from desk.secrets import Secret


@strawberry.input
class CreateChatLinkCodeInput:
    """Only the key: the code links whichever chat account it is sent from."""

    idempotency_key: UUID


@strawberry.input
class RevokeChatLinkInput:
    """Which link."""

    link_id: strawberry.ID


@strawberry.input
class DecisionInput:
    """Which request, by its code."""

    code: str


@strawberry.input
class ApproveRequestInput(DecisionInput):
    """Which request to approve."""


@strawberry.input
class RejectRequestInput(DecisionInput):
    """Which request to reject, withdraw or cancel."""


@strawberry.input
class StepUpInput:
    """The newest code of the second factor; the password where there is none."""

    proof: str


@strawberry.input
class SetPasswordInput:
    """The new password, and the present one where there is one."""

    password: str
    current: str = ""


@strawberry.input
class BeginTotpInput:
    """Only the key."""

    idempotency_key: UUID


@strawberry.input
class ConfirmTotpInput:
    """The newest code of the new second factor."""

    proof: str


@strawberry.type
class CreateChatLinkCodePayload(Payload):
    """The code, shown this once and null in a replay; send it to the bot in private."""

    code: str | None = None
    expires_at: datetime | None = None


@strawberry.type
class RevokeChatLinkPayload(Payload):
    """The link that ended."""

    link: ChatLink | None = None


@strawberry.type
class DecisionPayload(Payload):
    """The request as it stands now."""

    approval: Approval | None = None


@strawberry.type
class ApproveRequestPayload(DecisionPayload):
    """The request, carried out or failed; `outcome` says why."""


@strawberry.type
class RejectRequestPayload(DecisionPayload):
    """The request that will not happen."""


@strawberry.type
class StepUpPayload(Payload):
    """Until when the proof counts."""

    step_up_until: datetime | None = None


@strawberry.type
class SetPasswordPayload(Payload):
    """Whether the password was set."""

    is_set: bool = False


@strawberry.type
class BeginTotpPayload(Payload):
    """The second factor's secret, shown this once and null in a replay."""

    secret: str | None = None
    uri: str | None = None


@strawberry.type
class ConfirmTotpPayload(Payload):
    """Whether the second factor is on."""

    is_on: bool = False


@strawberry.type
class AccessMutations(HookMutations, ExchangeMutations):
    """Mutations about coming in and about agreeing."""

    @mutates(CreateChatLinkCode)
    async def create_chat_link_code(
        self, info: Info, input: CreateChatLinkCodeInput
    ) -> CreateChatLinkCodePayload:
        """Make a code."""
        done = await carry_out(info, CreateChatLinkCode, key=input.idempotency_key)
        if done.errors:
            return CreateChatLinkCodePayload(user_errors=done.errors)
        return CreateChatLinkCodePayload(
            code=done.view.code if done.view else None,
            expires_at=done.view.expires_at if done.view else None,
            idempotent_replay=done.is_replay,
        )

    @mutates(RevokeChatLink)
    async def revoke_chat_link(self, info: Info, input: RevokeChatLinkInput) -> RevokeChatLinkPayload:
        """Unlink an account."""
        done = await carry_out(info, lambda: RevokeChatLink(link_id=own_id("ChatLink", input.link_id)))
        if done.errors:
            return RevokeChatLinkPayload(user_errors=done.errors)
        return RevokeChatLinkPayload(link=chat_link(done.view, is_shown=False))

    @mutates(ApproveRequest)
    async def approve_request(self, info: Info, input: ApproveRequestInput) -> ApproveRequestPayload:
        """Approve."""
        done = await carry_out(info, lambda: ApproveRequest(code=input.code))
        if done.errors:
            return ApproveRequestPayload(user_errors=done.errors)
        return ApproveRequestPayload(approval=await _approval(info, done.view.id))

    @mutates(RejectRequest)
    async def reject_request(self, info: Info, input: RejectRequestInput) -> RejectRequestPayload:
        """Reject."""
        done = await carry_out(info, lambda: RejectRequest(code=input.code))
        if done.errors:
            return RejectRequestPayload(user_errors=done.errors)
        return RejectRequestPayload(approval=await _approval(info, done.view.id))

    @mutates(StepUp)
    async def step_up(self, info: Info, input: StepUpInput) -> StepUpPayload:
        """Prove who one is."""
        done = await carry_out(info, lambda: StepUp(proof=Secret(input.proof)))
        if done.errors:
            return StepUpPayload(user_errors=done.errors)
        return StepUpPayload(step_up_until=done.view.until)

    @mutates(SetPassword)
    async def set_password(self, info: Info, input: SetPasswordInput) -> SetPasswordPayload:
        """Set the password."""
        done = await carry_out(
            info, lambda: SetPassword(password=Secret(input.password), current=Secret(input.current))
        )
        return SetPasswordPayload(user_errors=done.errors, is_set=not done.errors)

    @mutates(BeginTotp)
    async def begin_totp(self, info: Info, input: BeginTotpInput) -> BeginTotpPayload:
        """Draft a second factor."""
        done = await carry_out(info, BeginTotp, key=input.idempotency_key)
        if done.errors:
            return BeginTotpPayload(user_errors=done.errors)
        return BeginTotpPayload(
            secret=done.view.secret if done.view else None,
            uri=done.view.uri if done.view else None,
            idempotent_replay=done.is_replay,
        )

    @mutates(ConfirmTotp)
    async def confirm_totp(self, info: Info, input: ConfirmTotpInput) -> ConfirmTotpPayload:
        """Switch the second factor on."""
        done = await carry_out(info, lambda: ConfirmTotp(proof=Secret(input.proof)))
        return ConfirmTotpPayload(user_errors=done.errors, is_on=not done.errors)


async def _approval(info: Info, approval_id: str) -> Approval | None:
    async with info.context.house.store.reading() as unit:
        found = await unit.approvals.by_id(info.context.workspace_id, approval_id)
    return approval(found) if found else None

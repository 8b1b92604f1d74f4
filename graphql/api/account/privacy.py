"""A person's data: given out and erased."""

from __future__ import annotations

from uuid import UUID

import strawberry

from api.context import Info
from api.ids import own_id
from api.mutation import Payload, carry_out, mutates
from desk.commands import RequestDataErasure, RequestDataExport


@strawberry.input
class RequestDataExportInput:
    """Whose data; yours if left out."""

    idempotency_key: UUID
    member_id: strawberry.ID | None = None


@strawberry.input
class RequestDataErasureInput:
    """Who is erased; you if left out."""

    idempotency_key: UUID
    member_id: strawberry.ID | None = None


@strawberry.type
class RequestDataExportPayload(Payload):
    """Everything that is known, as JSON text; null in a replay."""

    document: str | None = None


@strawberry.type
class RequestDataErasurePayload(Payload):
    """The name that stays in the audit."""

    pseudonym: str | None = None


@strawberry.type
class PrivacyMutations:
    """Mutations about a person's data."""

    @mutates(RequestDataExport)
    async def request_data_export(
        self, info: Info, input: RequestDataExportInput
    ) -> RequestDataExportPayload:
        """Export."""
        done = await carry_out(
            info,
            lambda: RequestDataExport(user_id=own_id("Member", input.member_id) if input.member_id else ""),
            key=input.idempotency_key,
        )
        document = done.view.decode() if done.view is not None and not done.errors else None
        return RequestDataExportPayload(
            user_errors=done.errors, document=document, idempotent_replay=done.is_replay
        )

    @mutates(RequestDataErasure)
    async def request_data_erasure(
        self, info: Info, input: RequestDataErasureInput
    ) -> RequestDataErasurePayload:
        """Erase."""
        done = await carry_out(
            info,
            lambda: RequestDataErasure(user_id=own_id("Member", input.member_id) if input.member_id else ""),
            key=input.idempotency_key,
            keep=lambda name: {"pseudonym": name},
        )
        return RequestDataErasurePayload(
            user_errors=done.errors,
            pseudonym=done.kept.get("pseudonym"),
            idempotent_replay=done.is_replay,
        )

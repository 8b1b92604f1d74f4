"""Commands that wait for a second person, as cards."""

from __future__ import annotations

from chatops.cards import Button, Card, Field, Press, Text, Tone, Value
from chatops.previews import preview_text
from desk.people_views import Approval


def what_waits(approval: Approval) -> Text:
    """Give what would be done, as of the request."""
    return preview_text(approval.preview_code, approval.preview_params)


def approval_buttons(approval: Approval) -> tuple[Button, ...]:
    """Offer to agree and to refuse; a single owner's delay can only be cancelled."""
    params: dict[str, Value] = {"code": approval.code}
    no = Button(name="reject", press=Press.SAY, line=f"/reject {approval.code}", params=params)
    if approval.is_solo:
        return (no,)
    return (Button(name="approve", press=Press.SAY, line=f"/approve {approval.code}", params=params), no)


def approval_card(approval: Approval) -> Card:
    """Give the card of a command that waits for a second person, or for a delay."""
    fields = [
        Field("code", approval.code),
        Field("by", approval.requester_name),
        Field("until", approval.execute_at or approval.expires_at),
    ]
    return Card(
        name="approval",
        title=Text("approval.title"),
        tone=Tone.ASK,
        body=(what_waits(approval), Text("approval.solo" if approval.is_solo else "approval.two")),
        fields=tuple(fields),
        buttons=approval_buttons(approval),
    )

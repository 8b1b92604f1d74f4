"""What is said where a word needs a fresh proof of who asks: what is missing, and the next step to take."""

from __future__ import annotations

from chatops.cards import Button, Card, Press, Text, Tone
from chatops.room import Asked


async def has_second_factor(asked: Asked) -> bool:
    """Tell whether the person has a second factor: in a chat nothing else proves anything."""
    async with asked.store.reading() as tx:
        known = await tx.proofs.credentials(asked.workspace_id, asked.actor.user_id)
    return bool(known.totp_secret)


async def proof_card(asked: Asked) -> Card:
    """Say that a proof is missing, how it is given, and offer to go on with what was said."""
    has_one = await has_second_factor(asked)
    return Card(
        name="error",
        problem="step_up_required",
        title=Text("error.step_up_required"),
        tone=Tone.WARN,
        body=(Text("prove.needed", {"word": f"/{asked.word.name}"}),),
        notes=(Text("prove.how"),)
        if has_one
        else (Text("prove.none", {"name": asked.actor.name}), Text("prove.how")),
        buttons=(Button(name="again", press=Press.SAY, line=asked.line),),
    )

"""The answers that people may give to a bot that asks before it enters."""

from __future__ import annotations

from chatops.cards import Button, Press
from desk.handlers.entries import ANSWERS


def entry_buttons(code: str) -> tuple[Button, ...]:
    """Offer to approve, to halve and to skip; each button says the same line for everybody."""
    return tuple(
        Button(name=f"entry_{answer}", press=Press.SAY, line=f"/entry {code} {answer}") for answer in ANSWERS
    )

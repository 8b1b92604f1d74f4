"""Errors as cards: a code for programs, a sentence in the person's language, the details, what to do next."""

from __future__ import annotations

from chatops.because import because, in_full
from chatops.cards import Card, Text, Tone
from chatops.problems import Misheard
from chatops.said import said
from desk.identity import Role
from trading.errors import BreakwaterError, RequestProblem, RiskDenied


def misheard_card(problem: Misheard) -> Card:
    """Give the card of a line that was not understood or not allowed."""
    return Card(
        name="error",
        problem=problem.problem,
        title=Text(f"error.{problem.problem}"),
        tone=Tone.WARN,
        body=(problem.text,),
        notes=(problem.advice,) if problem.advice else (),
    )


def error_card(problem: BreakwaterError, word: str = "") -> Card:
    """Give the card of an error that the desk raised, in the reader's language where its sentence is known.

    Args:
        word: that was said: the desk names its command, a chat has a word for it.
    """
    first = in_full(said(problem.message))
    if word and "command" in first.params:
        first = Text(first.code, {**first.params, "command": word})
    body = [first]
    hint = in_full(said(problem.hint)) if problem.hint else None
    if isinstance(problem, RiskDenied):
        body.append(Text("problem.check", {"check": because(problem.reason)}))
    return Card(
        name="error",
        problem=problem.code,
        title=Text(f"error.{problem.code}"),
        tone=Tone.WARN if isinstance(problem, RequestProblem) else Tone.BAD,
        body=tuple(body),
        notes=(hint,) if hint else (),
    )


def role_text(role: Role) -> Text:
    """Give a role's name as a text."""
    return Text(f"role.{role.name.lower()}")

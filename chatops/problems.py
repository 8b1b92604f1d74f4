"""What goes wrong between a person and a door, as text codes with parameters."""

from __future__ import annotations

from typing import ClassVar

from chatops.cards import Text, Value
from trading.errors import RequestProblem


class Misheard(RequestProblem):
    """A line could not be understood; `text` says what was found and what is allowed.

    Attributes:
        advice: what to do next.
    """

    code: ClassVar[str] = "invalid_input"

    def __init__(self, text: Text, *, advice: Text | None = None, code: str = "invalid_input") -> None:
        super().__init__(text.code)
        self.text = text
        self.advice = advice
        self.problem = code


def misheard(code: str, *, advice: str = "", problem: str = "invalid_input", **params: Value) -> Misheard:
    """Make the error of a text code `problem.<code>`; `advice` is the code of what to do next."""
    return Misheard(
        Text(f"problem.{code}", params),
        advice=Text(f"advice.{advice}", params) if advice else None,
        code=problem,
    )


def did_you_mean(word: str) -> Value:
    """Give the sentence that offers the nearest word; nothing where none is near."""
    return Text("problem.nearest", {"word": word}) if word else ""

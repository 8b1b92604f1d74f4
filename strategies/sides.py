"""Which directions a strategy may trade."""

from __future__ import annotations

from strategies.parameters import Parameter

#: The parameter shared by every strategy that can go both ways; spot venues refuse shorts with a reason.
SIDES = Parameter(
    name="sides",
    kind="choice",
    default="both",
    choices=("both", "long", "short"),
    text="Directions that may be traded.",
)

_SIGNS = {"both": (1, -1), "long": (1,), "short": (-1,)}


def signs(word: str) -> tuple[int, ...]:
    """Give +1 and -1 for the directions of the word.

    Example:
        >>> signs("both")
        (1, -1)
    """
    return _SIGNS[word]


def beyond(side: int) -> str:
    """Give the relation that means "further in the direction of the trade"."""
    return ">" if side > 0 else "<"


def against(side: int) -> str:
    """Give the relation that means "further against the trade"."""
    return "<" if side > 0 else ">"


def word(side: int) -> str:
    """Give "long" or "short"."""
    return "long" if side > 0 else "short"

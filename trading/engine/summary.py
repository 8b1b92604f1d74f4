"""What an account's records add up to, by the same functions that admit entries."""

from __future__ import annotations

from trading.engine.entries import ANY_SEQUENCE, is_taken, position_risk
from trading.engine.matching import free_cash
from trading.engine.records import Records
from trading.jit import njit


@njit
def summarise(handles: Records) -> tuple[float, float, int]:
    """Give the free cash, what all positions lose at their stops, and the slots taken."""
    book = handles[0]
    risk, taken = 0.0, 0
    for j in range(book["n"]):
        risk += position_risk(book, j)
        if is_taken(book, j):
            taken += 1
    return free_cash(book, ANY_SEQUENCE), risk, taken

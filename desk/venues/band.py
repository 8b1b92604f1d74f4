"""The price band: what a venue says a price is must be near what it was, or be confirmed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

#: A price may move by this share from one good one to the next.
WIDTH = Decimal("0.20")
#: So many prices in a row that agree with each other outside the band are taken for a real move.
CONFIRMATIONS = 3
#: A good price older than this says nothing any more.
FRESH_S = 300.0
#: An order's price may be away from the last good price by this factor at most.
MOST_FACTOR = Decimal(3)


@dataclass(slots=True)
class _Known:
    good: Decimal
    at_s: float
    doubtful: list[Decimal] = field(default_factory=list)


class Band:
    """Last good prices by pair.

    Args:
        monotonic: seconds that never step back.
        second: another source's price of a pair, where there is one; it decides a doubt at once.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        width: Decimal = WIDTH,
        second: Callable[[str], Decimal | None] = lambda pair: None,
    ) -> None:
        self._monotonic = monotonic
        self._width = width
        self._second = second
        self._known: dict[str, _Known] = {}
        self.quarantined = 0

    def take(self, pair: str, price: Decimal) -> bool:
        """Tell whether a price is good; a doubtful one is kept for confirmation and counted."""
        if not price.is_finite() or price <= 0:
            self.quarantined += 1
            return False
        known = self._known.get(pair)
        now_s = self._monotonic()
        is_stale = known is not None and now_s - known.at_s > FRESH_S
        if (
            known is None
            or is_stale
            or self._is_near(price, known.good)
            or self._is_confirmed(pair, known, price)
        ):
            self._known[pair] = _Known(price, now_s)
            return True
        self.quarantined += 1
        return False

    def good(self, pair: str) -> Decimal | None:
        """Give the last good price, None where there is no fresh one."""
        known = self._known.get(pair)
        if known is None or self._monotonic() - known.at_s > FRESH_S:
            return None
        return known.good

    def allows_order_at(self, pair: str, price: Decimal) -> bool:
        """Tell whether an order's price is plausible: within a factor of the last good price, where one is known."""
        good = self.good(pair)
        return good is None or good / MOST_FACTOR <= price <= good * MOST_FACTOR

    def _is_near(self, price: Decimal, reference: Decimal) -> bool:
        return abs(price - reference) <= reference * self._width

    def _is_confirmed(self, pair: str, known: _Known, price: Decimal) -> bool:
        other = self._second(pair)
        if other is not None and self._is_near(price, other):
            return True
        known.doubtful = [one for one in known.doubtful if self._is_near(price, one)][-CONFIRMATIONS:]
        known.doubtful.append(price)
        return len(known.doubtful) >= CONFIRMATIONS

"""Timeframes: the length of a bar, and what time it is by bars."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trading.errors import InvalidInput

_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

#: The first Monday after the epoch: weekly bars open on Mondays, 00:00 UTC.
_WEEK_OFFSET_MS = 4 * 86_400_000

#: Timeframes offered in menus.
COMMON = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w")


@dataclass(frozen=True, slots=True, order=True)
class Timeframe:
    """The length of a bar in milliseconds; bars open on multiples of it since the epoch (weeks on Mondays).

    Example:
        >>> Timeframe.parse("4h").ms
        14400000
    """

    ms: int

    def __post_init__(self) -> None:
        if self.ms < 1_000 or self.ms % 1_000:
            raise InvalidInput(
                f"A timeframe of {self.ms} ms was given; whole seconds from 1s up are allowed."
            )

    @classmethod
    def parse(cls, text: str) -> Timeframe:
        """Read `5m`, `1h`, `1d`…

        Raises:
            InvalidInput: the text is not a number and one of s, m, h, d, w.
        """
        match = re.fullmatch(r"(\d{1,5})([smhdw])", text.strip())
        if match is None or int(match[1]) == 0:
            raise InvalidInput(
                f"Timeframe '{text}' was given; a number and one of s, m, h, d, w is allowed.",
                hint="For example 5m, 1h or 1d.",
            )
        return cls(int(match[1]) * _UNITS_MS[match[2]])

    @property
    def offset_ms(self) -> int:
        """Where the grid of opens starts, in ms after the epoch."""
        return _WEEK_OFFSET_MS if self.ms % _UNITS_MS["w"] == 0 else 0

    def floor(self, ts_ms: int) -> int:
        """Give the open time of the bar that holds a moment."""
        return (ts_ms - self.offset_ms) // self.ms * self.ms + self.offset_ms

    @property
    def bars_per_year(self) -> float:
        """Bars in 365 days: crypto trades around the clock."""
        return 365 * _UNITS_MS["d"] / self.ms

    def __str__(self) -> str:
        for unit in ("w", "d", "h", "m", "s"):
            if self.ms % _UNITS_MS[unit] == 0:
                return f"{self.ms // _UNITS_MS[unit]}{unit}"
        return f"{self.ms}ms"

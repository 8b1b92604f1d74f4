"""Signals: what a strategy wants at the close of a bar, as a row and as columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from trading.errors import ShapeMismatch, StrategyFailure

FloatArray = NDArray[np.float64]

#: Legs of the take-profit ladder.
LEGS = 3

#: TP1 50 %, TP2 30 %, TP3 20 % of the position.
DEFAULT_FRACTIONS = (0.5, 0.3, 0.2)


class EntryType(IntEnum):
    """How an entry is placed; resting entries live from the next bar until they expire."""

    MARKET = 0
    LIMIT = 1
    STOP = 2


class Exit(IntEnum):
    """Which side a strategy wants closed at the next open."""

    NONE = 0
    LONG = 1
    SHORT = 2
    ALL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One row: decided at the close of a bar, effective from the next open. NaN means "not set".

    Attributes:
        enter: +1 long, -1 short, 0 none.
        exit: see `Exit`.
        entry_price: limit or trigger price of a LIMIT or STOP entry.
        expiry_bars: bars a resting entry lives; 0 = until cancelled.
        stop: protective stop price.
        targets: prices of TP1…TP3, nearest first.
        fractions: shares of the position per target, sum ≤ 1.
        trail_ratio: trailing distance as a ratio of the best price (0.02 = 2 %); NaN = none.
        trail_after_ratio: gain on the entry that switches trailing on; 0 = at once.
        break_even_after_leg: 1 = the stop moves to break-even after TP1; 0 = never.
        max_bars: bars after which the position is closed at the next open; 0 = never.
        score: orders competing entries, higher first.
        size_hint: cap on the risk per trade as a ratio of equity wanted by the strategy; NaN = the account's.
        hedge_beta: makes the entry a hedge of what the bot holds on its other pairs: its notional is this β × theirs,
            against them. NaN = no hedge. Hedges are exempt from the correlation rule and from risk per trade, not from
            gross and net exposure.
        tag, exit_tag: index into the strategy's tags; -1 = none.
        grid_levels: cells of a grid (≤ 32) that a long entry opens between `grid_low` and `grid_high`; 0 = none.
    """

    enter: int = 0
    exit: int = 0
    entry_type: EntryType = EntryType.MARKET
    entry_price: float = float("nan")
    expiry_bars: int = 0
    stop: float = float("nan")
    targets: tuple[float, float, float] = (float("nan"),) * 3
    fractions: tuple[float, float, float] = DEFAULT_FRACTIONS
    trail_ratio: float = float("nan")
    trail_after_ratio: float = 0.0
    break_even_after_leg: int = 0
    max_bars: int = 0
    score: float = 0.0
    size_hint: float = float("nan")
    hedge_beta: float = float("nan")
    tag: int = -1
    exit_tag: int = -1
    grid_low: float = float("nan")
    grid_high: float = float("nan")
    grid_levels: int = 0


@dataclass(slots=True, kw_only=True)
class SignalColumns:
    """A strategy's whole output over a series: row t is decided at the close of bar t.

    All arrays have shape (n,), `targets` and `fractions` (n, 3). Absent optional columns are filled with the
    defaults of `Signal` as read-only views of one element, so that a long series costs no memory for what it does
    not use. `tags` names the integers in `tag` and `exit_tag`.
    """

    enter: NDArray[np.int8]
    exit: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))
    entry_type: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))
    entry_price: FloatArray = field(default_factory=lambda: np.empty(0))
    expiry_bars: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    stop: FloatArray = field(default_factory=lambda: np.empty(0))
    targets: FloatArray = field(default_factory=lambda: np.empty((0, LEGS)))
    fractions: FloatArray = field(default_factory=lambda: np.empty((0, LEGS)))
    trail_ratio: FloatArray = field(default_factory=lambda: np.empty(0))
    trail_after_ratio: FloatArray = field(default_factory=lambda: np.empty(0))
    break_even_after_leg: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))
    max_bars: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    score: FloatArray = field(default_factory=lambda: np.empty(0))
    size_hint: FloatArray = field(default_factory=lambda: np.empty(0))
    hedge_beta: FloatArray = field(default_factory=lambda: np.empty(0))
    tag: NDArray[np.int16] = field(default_factory=lambda: np.empty(0, np.int16))
    exit_tag: NDArray[np.int16] = field(default_factory=lambda: np.empty(0, np.int16))
    grid_low: FloatArray = field(default_factory=lambda: np.empty(0))
    grid_high: FloatArray = field(default_factory=lambda: np.empty(0))
    grid_levels: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.enter)
        nan = float("nan")
        defaults: dict[str, tuple[type, float]] = {
            "exit": (np.int8, 0),
            "entry_type": (np.int8, 0),
            "entry_price": (np.float64, nan),
            "expiry_bars": (np.int32, 0),
            "stop": (np.float64, nan),
            "trail_ratio": (np.float64, nan),
            "trail_after_ratio": (np.float64, 0.0),
            "break_even_after_leg": (np.int8, 0),
            "max_bars": (np.int32, 0),
            "score": (np.float64, 0.0),
            "size_hint": (np.float64, nan),
            "hedge_beta": (np.float64, nan),
            "tag": (np.int16, -1),
            "exit_tag": (np.int16, -1),
            "grid_low": (np.float64, nan),
            "grid_high": (np.float64, nan),
            "grid_levels": (np.int32, 0),
        }
        self.enter = np.ascontiguousarray(self.enter, np.int8)
        for name, (dtype, value) in defaults.items():
            column = getattr(self, name)
            if len(column) == 0 and n:
                setattr(self, name, np.broadcast_to(np.asarray(value, dtype), (n,)))
            else:
                setattr(self, name, np.ascontiguousarray(column, dtype))
            if len(getattr(self, name)) != n:
                raise ShapeMismatch(
                    f"Signal column '{name}' has {len(getattr(self, name))} rows; enter has {n}."
                )
        legs: dict[str, tuple[float, ...]] = {"targets": (nan,) * LEGS, "fractions": DEFAULT_FRACTIONS}
        for name, values in legs.items():
            if len(getattr(self, name)) == 0 and n:
                setattr(self, name, np.broadcast_to(np.asarray(values, np.float64), (n, LEGS)))
                continue
            array = np.ascontiguousarray(getattr(self, name), np.float64)
            if array.shape != (n, LEGS):
                raise ShapeMismatch(
                    f"Signal column '{name}' has shape {array.shape}; ({n}, {LEGS}) is needed."
                )
            setattr(self, name, array)

    def __len__(self) -> int:
        return len(self.enter)

    def row(self, t: int) -> Signal:
        """Give the row at one bar as a value."""
        return Signal(
            enter=int(self.enter[t]),
            exit=int(self.exit[t]),
            entry_type=EntryType(int(self.entry_type[t])),
            entry_price=float(self.entry_price[t]),
            expiry_bars=int(self.expiry_bars[t]),
            stop=float(self.stop[t]),
            targets=(float(self.targets[t, 0]), float(self.targets[t, 1]), float(self.targets[t, 2])),
            fractions=(float(self.fractions[t, 0]), float(self.fractions[t, 1]), float(self.fractions[t, 2])),
            trail_ratio=float(self.trail_ratio[t]),
            trail_after_ratio=float(self.trail_after_ratio[t]),
            break_even_after_leg=int(self.break_even_after_leg[t]),
            max_bars=int(self.max_bars[t]),
            score=float(self.score[t]),
            size_hint=float(self.size_hint[t]),
            hedge_beta=float(self.hedge_beta[t]),
            tag=int(self.tag[t]),
            exit_tag=int(self.exit_tag[t]),
            grid_low=float(self.grid_low[t]),
            grid_high=float(self.grid_high[t]),
            grid_levels=int(self.grid_levels[t]),
        )

    def tag_name(self, index: int) -> str:
        """Give the word behind a tag index; empty for none.

        Raises:
            StrategyFailure: the strategy used an index that it did not name.
        """
        if index < 0:
            return ""
        if index >= len(self.tags):
            raise StrategyFailure(f"Tag {index} was used; {len(self.tags)} tags are named.")
        return self.tags[index]

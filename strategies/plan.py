"""Plans: entries and exits as lists of named rules. Columns and explanations are two readings of the same plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strategies.base import Condition
from trading.errors import StrategyFailure
from trading.signals import DEFAULT_FRACTIONS, LEGS, EntryType, Exit, SignalColumns

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Column = FloatArray | float

_COMPARE = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition over every row: value relation threshold. NaN on either side never meets it."""

    name: str
    value: Column
    relation: str
    threshold: Column

    def met(self, rows: int) -> BoolArray:
        """Give the verdict of every row."""
        value = _spread(np.asarray(self.value, np.float64), rows)
        threshold = _spread(np.asarray(self.threshold, np.float64), rows)
        verdict: BoolArray = _COMPARE[self.relation](value, threshold)
        if self.relation == "!=":
            verdict &= (value == value) & (threshold == threshold)
        return verdict

    def at(self, t: int, tag: str) -> Condition:
        """Give the condition of one row."""
        value, threshold = _cell(self.value, t), _cell(self.threshold, t)
        met = value is not None and threshold is not None and bool(_COMPARE[self.relation](value, threshold))
        return Condition(
            name=f"{tag}.{self.name}",
            value=value,
            threshold=threshold,
            relation=self.relation,
            met=met,
        )


def _cell(column: Column, t: int) -> float | None:
    value = float(column[t]) if isinstance(column, np.ndarray) else float(column)
    return value if np.isfinite(value) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One way in: all rules met at a close, then an order with these levels. Entries are tried in order.

    Attributes:
        tag: word that follows the trade into the statistics.
        stop: protective stop; None = the idea has none.
        targets: up to three prices, nearest first.
        entry_price: limit or trigger price of a LIMIT or STOP entry.
        score: orders competing entries of several pairs, higher first.
        hedge_beta: makes it a hedge of what the bot holds on its other pairs (see `trading.signals.Signal`).
        grid_levels: cells of a grid that a long entry opens between `grid_low` and `grid_high`; 0 = no grid.
    """

    side: int
    tag: str
    rules: tuple[Rule, ...]
    stop: Column | None = None
    targets: tuple[Column, ...] = ()
    fractions: tuple[float, float, float] = DEFAULT_FRACTIONS
    entry_type: EntryType = EntryType.MARKET
    entry_price: Column | None = None
    expiry_bars: int = 0
    trail_ratio: Column | None = None
    trail_after_ratio: Column = 0.0
    break_even_after_leg: int = 0
    max_bars: int = 0
    score: Column = 0.0
    size_hint: Column | None = None
    hedge_beta: Column | None = None
    grid_low: Column | None = None
    grid_high: Column | None = None
    grid_levels: int = 0

    def all_rules(self, close: FloatArray) -> tuple[Rule, ...]:
        """Give the rules and the one that each entry with a stop obeys: the stop is on the losing side."""
        if self.stop is None:
            return self.rules
        reference = close if self.entry_price is None else self.entry_price
        return (*self.rules, Rule("stop_behind_entry", reference, ">" if self.side > 0 else "<", self.stop))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitPlan:
    """One way out: all rules met at a close, then the position is closed at the next open."""

    closes: Exit
    tag: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything a strategy wants over some rows."""

    entries: tuple[Entry, ...] = ()
    exits: tuple[ExitPlan, ...] = ()

    def conditions(self, close: FloatArray, t: int) -> tuple[Condition, ...]:
        """Give every condition of one row, entries in the order of how near they are, then exits."""
        groups = [tuple(rule.at(t, one.tag) for rule in one.all_rules(close)) for one in self.entries]
        groups.sort(key=lambda group: sum(not one.met for one in group))
        out = [condition for group in groups for condition in group]
        out += [rule.at(t, one.tag) for one in self.exits for rule in one.rules]
        return tuple(out)


#: Optional columns that entries write: dtype and the value of rows without an entry.
_ENTRY_COLUMNS: dict[str, tuple[type, float]] = {
    "entry_type": (np.int8, 0),
    "entry_price": (np.float64, float("nan")),
    "expiry_bars": (np.int32, 0),
    "stop": (np.float64, float("nan")),
    "trail_ratio": (np.float64, float("nan")),
    "trail_after_ratio": (np.float64, 0.0),
    "break_even_after_leg": (np.int8, 0),
    "max_bars": (np.int32, 0),
    "score": (np.float64, 0.0),
    "size_hint": (np.float64, float("nan")),
    "hedge_beta": (np.float64, float("nan")),
    "grid_low": (np.float64, float("nan")),
    "grid_high": (np.float64, float("nan")),
    "grid_levels": (np.int32, 0),
}


def columns_of(plan: Plan, close: FloatArray, tags: Sequence[str]) -> SignalColumns:
    """Write a plan as signal columns; of several entries met at one bar the first wins.

    Raises:
        StrategyFailure: a tag is not among the strategy's `tags`.
    """
    rows = len(close)
    met = [_all_met(entry.all_rules(close), rows) for entry in plan.entries]
    taken = np.zeros(rows, np.bool_)
    for verdict in met:
        verdict &= ~taken
        taken |= verdict
    out: dict[str, NDArray[Any]] = {"enter": np.zeros(rows, np.int8), "tag": np.full(rows, -1, np.int16)}
    for entry, verdict in zip(plan.entries, met, strict=True):
        out["enter"][verdict] = entry.side
        out["tag"][verdict] = _tag(tags, entry.tag)
    for name, (dtype, absent) in _ENTRY_COLUMNS.items():
        cells = [getattr(entry, name) for entry in plan.entries]
        if all(cell is None or (not isinstance(cell, np.ndarray) and cell == absent) for cell in cells):
            continue
        out[name] = np.full(rows, absent, dtype)
        for cell, verdict in zip(cells, met, strict=True):
            out[name][verdict] = absent if cell is None else _spread(np.asarray(cell), rows)[verdict]
    _write_legs(out, plan, met, rows)
    _write_exits(out, plan, tags, rows)
    return SignalColumns(**out, tags=tuple(tags))


def _write_legs(out: dict[str, NDArray[Any]], plan: Plan, met: Sequence[BoolArray], rows: int) -> None:
    if any(entry.targets for entry in plan.entries):
        out["targets"] = np.full((rows, LEGS), np.nan)
    if any(entry.fractions != DEFAULT_FRACTIONS for entry in plan.entries):
        out["fractions"] = np.tile(np.asarray(DEFAULT_FRACTIONS), (rows, 1))
    for entry, verdict in zip(plan.entries, met, strict=True):
        for leg, price in enumerate(entry.targets):
            wanted = _spread(np.asarray(price), rows)[verdict]
            # A short's far target may lie below zero: it is then never reached.
            out["targets"][verdict, leg] = np.where(wanted > 0.0, wanted, np.nan)
        if "fractions" in out:
            out["fractions"][verdict] = entry.fractions


def _write_exits(out: dict[str, NDArray[Any]], plan: Plan, tags: Sequence[str], rows: int) -> None:
    if not plan.exits:
        return
    out["exit"] = np.zeros(rows, np.int8)
    out["exit_tag"] = np.full(rows, -1, np.int16)
    for one in reversed(plan.exits):
        met = _all_met(one.rules, rows)
        out["exit"][met] |= np.int8(int(one.closes))
        out["exit_tag"][met] = _tag(tags, one.tag)


def _spread(value: NDArray[Any], rows: int) -> NDArray[Any]:
    """Give one value per row. Bots take one row at a time, and for that numpy's own broadcast was most of the work."""
    if value.size == rows == 1:
        return value.reshape(1)
    return value if value.shape == (rows,) else np.broadcast_to(value, (rows,))


def _all_met(rules: Sequence[Rule], rows: int) -> BoolArray:
    met = np.ones(rows, np.bool_)
    for rule in rules:
        met &= rule.met(rows)
    return met


def _tag(tags: Sequence[str], tag: str) -> int:
    if tag not in tags:
        raise StrategyFailure(
            f"Tag '{tag}' is used and not named; the strategy names {', '.join(tags) or 'none'}."
        )
    return list(tags).index(tag)

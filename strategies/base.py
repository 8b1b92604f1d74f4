"""BaseStrategy: the four questions every trading idea answers; ColumnStrategy: one answer for all of them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from strategies.parameters import Parameter, Value, read_all
from trading.errors import BadParameter, StrategyFailure
from trading.market import MarketView
from trading.signals import Signal, SignalColumns

__all__ = ["BaseStrategy", "ColumnStrategy", "Condition", "OpenTrade", "Parameter", "SignalStream"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A named condition of a decision, with what was found and what is asked: the stuff of `/why` and `/whynot`.

    Attributes:
        name: "<tag>.<condition>", e.g. "long_wave2.retrace_above".
        value, threshold: found and asked; None where not known yet (warm-up, no count).
        relation: "<", "<=", ">", ">=", "==" or "!=", read "value relation threshold".
        met: the verdict; an unknown value never meets a condition.
    """

    name: str
    value: float | None
    threshold: float | None
    relation: str
    met: bool

    def __str__(self) -> str:
        value = "unknown" if self.value is None else f"{self.value:.6g}"
        threshold = "unknown" if self.threshold is None else f"{self.threshold:.6g}"
        return f"{self.name}: {value} {self.relation} {threshold} {'met' if self.met else 'not met'}"


class OpenTrade(Protocol):
    """What `get_exit_conditions` reads of a position; NaN or None means "not set"."""

    @property
    def side(self) -> int:
        """+1 long, -1 short."""
        ...

    @property
    def entry_price(self) -> float: ...

    @property
    def stop(self) -> float: ...

    @property
    def targets(self) -> tuple[float, ...]: ...

    @property
    def market(self) -> MarketView | None:
        """The view at the last closed bar, when the strategy's own exit is to be asked too."""
        ...


class SignalStream(Protocol):
    """A strategy carried forward one closed bar at a time."""

    def step(
        self,
        ts_ms: int,
        open: float,
        high: float,
        low: float,
        close: float,
        volume: float,
        flags: int = 0,
        *,
        market: MarketView | None = None,
    ) -> Signal:
        """Take a closed bar, give its row. `market` is needed by strategies that look at other pairs or series."""
        ...

    def explain(self) -> tuple[Condition, ...]:
        """Give the conditions of the last row."""
        ...


class BaseStrategy(ABC):
    """A trading idea: when to enter, how large, and when to leave.

    Class attributes:
        name: unique, snake_case; what people type.
        title, idea: one line each.
        source: where the idea comes from.
        fails_in: the market regime in which it loses.
        parameters: what can be adjusted.
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    idea: ClassVar[str] = ""
    source: ClassVar[str] = ""
    fails_in: ClassVar[str] = ""
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    #: Entry and exit words of its trades; `Signal.tag` indexes it.
    tags: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **params: object) -> None:
        self.params: Mapping[str, Value] = MappingProxyType(read_all(self.name, self.parameters, params))
        self.check_parameters()

    def check_parameters(self) -> None:  # noqa: B027 - a hook, empty on purpose
        """Refuse combinations that no single range can express (fast window above slow, …)."""

    def number(self, name: str) -> float:
        """Give a numeric parameter as float."""
        return float(self.params[name])

    def whole(self, name: str) -> int:
        """Give an integer parameter."""
        return int(self.params[name])

    def flag(self, name: str) -> bool:
        """Give a yes-or-no parameter."""
        return bool(self.params[name])

    def choice(self, name: str) -> str:
        """Give the word of a choice."""
        return str(self.params[name])

    def refuse_unless(self, claim: bool, message: str) -> None:
        """Raise BadParameter when a claim about the parameters does not hold."""
        if not claim:
            raise BadParameter(f"'{self.name}': {message}")

    @property
    @abstractmethod
    def warmup_bars(self) -> int:
        """Bars before the first decision that does not depend on where the history begins (1e-6)."""

    @property
    def pairs_needed(self) -> tuple[str, ...]:
        """Other pairs or venues that the market view must hold."""
        return ()

    @property
    def series_needed(self) -> tuple[str, ...]:
        """External series that the market view must hold."""
        return ()

    @abstractmethod
    def validate_signal(self, market_data: MarketView) -> bool:
        """Tell whether the last closed bar is an entry."""

    def signal(self, market_data: MarketView) -> Signal:
        """Give the row of the last closed bar; by itself a strategy of the four questions buys at the market."""
        return Signal(enter=1 if self.validate_signal(market_data) else 0)

    @abstractmethod
    def calculate_position_size(
        self, risk_amount: Decimal, entry_price: Decimal, stop_loss: Decimal
    ) -> Decimal:
        """Give the quantity that loses `risk_amount` when the stop is hit: the *method* term of sizing."""

    @abstractmethod
    def get_entry_conditions(self, market_data: MarketView) -> tuple[Condition, ...]:
        """Give every condition of an entry at the last closed bar, with value, threshold and verdict."""

    @abstractmethod
    def get_exit_conditions(self, open_trade: OpenTrade, current_price: float) -> tuple[Condition, ...]:
        """Give every condition that would close the trade at this price."""

    @classmethod
    def get_config_schema(cls) -> dict[str, Any]:
        """Give the JSON schema of the parameters."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": cls.name,
            "description": cls.idea,
            "type": "object",
            "additionalProperties": False,
            "properties": {one.name: one.schema() for one in cls.parameters},
        }


class ColumnStrategy(BaseStrategy):
    """A strategy that says everything at once: `columns(market)`. The four questions read its last row."""

    @abstractmethod
    def columns(self, market: MarketView) -> SignalColumns:
        """Give the signal of every bar; row t may use rows ≤ t only."""

    def explain(self, market: MarketView, t: int = -1) -> tuple[Condition, ...]:
        """Give the conditions of one row; without rules of its own a strategy shows the row itself."""
        row = self.signal(market.until(len(market.candles) + t + 1 if t < 0 else t + 1))
        return (
            Condition(name="entry", value=float(row.enter), threshold=0.0, relation="!=", met=row.enter != 0),
        )

    def signal(self, market_data: MarketView) -> Signal:
        """Give the row of the last closed bar."""
        columns = self.columns(market_data)
        if len(columns) != len(market_data.candles):
            raise StrategyFailure(
                f"Strategy '{self.name}' gave {len(columns)} rows for {len(market_data.candles)} bars; "
                "one row per bar is needed."
            )
        return columns.row(len(columns) - 1) if len(columns) else Signal()

    @property
    def window_bars(self) -> int:
        """Bars that the default stream keeps and recomputes over."""
        return max(self.warmup_bars * 2, 256)

    def stream(self, history: MarketView | None = None) -> SignalStream:
        """Open the strategy on past bars; each later bar gives its row."""
        from strategies.window_stream import WindowStream

        return WindowStream(self, history)

    def validate_signal(self, market_data: MarketView) -> bool:
        return self.signal(market_data).enter != 0

    def calculate_position_size(
        self, risk_amount: Decimal, entry_price: Decimal, stop_loss: Decimal
    ) -> Decimal:
        distance = abs(entry_price - stop_loss)
        if risk_amount <= 0 or entry_price <= 0 or distance == 0:
            return Decimal(0)
        return risk_amount / distance

    def get_entry_conditions(self, market_data: MarketView) -> tuple[Condition, ...]:
        return self.explain(market_data)

    def get_exit_conditions(self, open_trade: OpenTrade, current_price: float) -> tuple[Condition, ...]:
        conditions = list(level_conditions(open_trade, current_price))
        if open_trade.market is not None:
            row = self.signal(open_trade.market)
            side = 1 if open_trade.side > 0 else 2
            conditions.append(
                Condition(
                    name="signal_exit",
                    value=float(row.exit),
                    threshold=0.0,
                    relation="!=",
                    met=bool(int(row.exit) & side),
                )
            )
        return tuple(conditions)


def level_conditions(open_trade: OpenTrade, current_price: float) -> tuple[Condition, ...]:
    """Compare a price with the stop and the targets of a position."""
    below, above = ("<=", ">=") if open_trade.side > 0 else (">=", "<=")
    out = [_level("stop", current_price, below, open_trade.stop)]
    out += [
        _level(f"target_{leg}", current_price, above, price)
        for leg, price in enumerate(open_trade.targets, start=1)
        if not math.isnan(price)
    ]
    return tuple(out)


def _level(name: str, price: float, relation: str, level: float) -> Condition:
    known = not math.isnan(level)
    met = known and (price <= level if relation == "<=" else price >= level)
    return Condition(name=name, value=price, threshold=level if known else None, relation=relation, met=met)

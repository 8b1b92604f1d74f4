"""What can be checked: indicators by spec, strategies, detectors and feature tables, each as a `Checkable`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, cast
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from trading.analysis.indicators import Parsed, list_indicators, parse
from trading.backtest.bias_material import EXACT, SETTLED, Columns, events_as_columns
from trading.market import MarketView
from trading.signals import Signal, SignalColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSubject:
    """Any function of a market that gives columns: a feature set, a detector's columns, a planted offender."""

    name: str
    warmup_bars: int
    function: Callable[[MarketView], Columns]
    anchored: Mapping[str, str] = field(default_factory=dict)

    def compute(self, market: MarketView) -> Columns:
        return self.function(market)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSubject:
    """A detector that emits events: `(bar at which it was known, everything it says as text)` in order."""

    name: str
    warmup_bars: int
    events: Callable[[MarketView], Iterable[tuple[int, str]]]
    anchored: Mapping[str, str] = field(
        default_factory=lambda: {
            "events": "counts begin at the first bar",
            "content": "ids and origins begin at the first bar",
        }
    )

    def compute(self, market: MarketView) -> Columns:
        return events_as_columns(
            len(market.candles), list(self.events(market)), lambda text: crc32(text.encode())
        )


@dataclass(frozen=True, slots=True)
class IndicatorSubject:
    """One indicator, batch and stream."""

    parsed: Parsed

    @property
    def name(self) -> str:
        return self.parsed.spec

    @property
    def warmup_bars(self) -> int:
        return self.parsed.settled_bars

    @property
    def anchored(self) -> Mapping[str, str]:
        return {}

    @property
    def follow_tolerance(self) -> float:
        return EXACT

    def compute(self, market: MarketView) -> Columns:
        return dict(zip(self.parsed.names, self.parsed.columns(market.candles), strict=True))

    def follow(self, market: MarketView, start: int, stop: int) -> Columns:
        stream = self.parsed.stream()
        candles = market.candles
        bars = np.column_stack(
            [
                candles.open[:stop],
                candles.high[:stop],
                candles.low[:stop],
                candles.close[:stop],
                candles.volume[:stop],
            ]
        )
        rows = [
            stream.step(cast("tuple[float, float, float, float, float]", tuple(bar))) for bar in bars.tolist()
        ]
        table = np.array(rows[start:], np.float64).reshape(stop - start, -1)
        return {name: table[:, k] for k, name in enumerate(self.parsed.names)}


def every_indicator() -> tuple[IndicatorSubject, ...]:
    """Give each indicator with its default settings."""
    return tuple(IndicatorSubject(parse(one.name)) for one in list_indicators())


class SignalStream(Protocol):
    """The running face of a strategy."""

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
    ) -> Signal: ...


class SignalSource(Protocol):
    """The part of a column strategy that is checked."""

    @property
    def warmup_bars(self) -> int: ...

    def columns(self, market: MarketView) -> SignalColumns: ...

    def stream(self, history: MarketView | None = None) -> SignalStream: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySubject:
    """One strategy with one set of parameters, columns and stream.

    Attributes:
        extra_bars: history beyond the warm-up that the stream is opened on.
    """

    name: str
    strategy: SignalSource
    anchored: Mapping[str, str] = field(default_factory=dict)

    @property
    def warmup_bars(self) -> int:
        return self.strategy.warmup_bars

    @property
    def follow_tolerance(self) -> float:
        # A stream recomputes over a window: the start-up tolerance is its contract.
        return SETTLED

    def compute(self, market: MarketView) -> Columns:
        return columns_of(self.strategy.columns(market))

    def follow(self, market: MarketView, start: int, stop: int) -> Columns:
        return _rows(self._steps(market, start, stop))

    def restart(self, market: MarketView, start: int, at: int, stop: int) -> Columns:
        # A strategy's state is its history: after a restart the stream is opened on stored candles again.
        return _rows(self._steps(market, start, at) + self._steps(market, at, stop))

    def _steps(self, market: MarketView, start: int, stop: int) -> list[Signal]:
        stream = self.strategy.stream(market.until(start))
        candles = market.candles
        needs_view = bool(market.others or market.series)
        return [
            stream.step(
                int(candles.ts_ms[t]),
                float(candles.open[t]),
                float(candles.high[t]),
                float(candles.low[t]),
                float(candles.close[t]),
                float(candles.volume[t]),
                int(candles.flags[t]),
                market=market.until(t + 1) if needs_view else None,
            )
            for t in range(start, stop)
        ]


#: Signal columns that mean something on every row.
_DECISIONS = ("enter", "exit")
#: Columns read only where an entry is decided.
_OF_ENTRY = tuple(
    one.name for one in fields(SignalColumns) if one.name not in (*_DECISIONS, "tags", "exit_tag")
)


def columns_of(signals: SignalColumns) -> dict[str, NDArray[Any]]:
    """Give a strategy's output as columns; what belongs to an entry is blank where there is none.

    Nobody reads the stop of a bar without an entry, so it is not judged there.
    """
    enters = signals.enter != 0
    out: dict[str, NDArray[Any]] = {name: getattr(signals, name) for name in _DECISIONS}
    out["exit_tag"] = np.where(signals.exit != 0, signals.exit_tag, -1)
    for name in _OF_ENTRY:
        column = getattr(signals, name)
        blank = np.nan if column.dtype.kind == "f" else -1
        where = enters[:, None] if column.ndim == 2 else enters
        out[name] = np.where(where, column, blank)
    return out


def _rows(signals: list[Signal]) -> dict[str, NDArray[Any]]:
    names = [one.name for one in fields(Signal)]
    values: dict[str, Any] = {name: np.array([getattr(signal, name) for signal in signals]) for name in names}
    return columns_of(SignalColumns(**values))

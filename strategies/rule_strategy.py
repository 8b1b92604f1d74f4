"""RuleStrategy: inputs and a plan. Columns, explanations and the live stream all come from the same plan."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property

from strategies.base import ColumnStrategy, Condition, OpenTrade, SignalStream, level_conditions
from strategies.frame import Frame, FrameStream, Input, frame_of, longest_warmup
from strategies.plan import Plan, columns_of
from trading.errors import StrategyFailure
from trading.market import MarketView
from trading.signals import Exit, Signal, SignalColumns


class RuleStrategy(ColumnStrategy):
    """A strategy told as named inputs and named rules.

    `plan` must be elementwise apart from looks back of at most `lookback_bars - 1` rows (`Frame.before`): then the
    live stream, which holds only that many rows, gives the same bits as the columns over the whole history.
    """

    #: Rows that the rules look at, this one included.
    lookback_bars: int = 3

    @abstractmethod
    def inputs(self) -> Mapping[str, Input]:
        """Name what is read beside the bars."""

    @abstractmethod
    def plan(self, frame: Frame) -> Plan:
        """Tell entries and exits over the rows of a frame."""

    @cached_property
    def opened_inputs(self) -> Mapping[str, Input]:
        """The inputs, built once."""
        return self.inputs()

    @property
    def warmup_bars(self) -> int:
        return longest_warmup(self.opened_inputs.values()) + self.lookback_bars - 1

    def columns(self, market: MarketView) -> SignalColumns:
        frame = frame_of(market, self.opened_inputs)
        return columns_of(self.plan(frame), frame["close"], self.tags)

    def explain(self, market: MarketView, t: int = -1) -> tuple[Condition, ...]:
        rows = len(market.candles)
        if not -rows <= t < rows:
            raise StrategyFailure(f"Strategy '{self.name}' was asked about bar {t}; {rows} bars are there.")
        frame = frame_of(market.until(t % rows + 1), self.opened_inputs)
        return self.plan(frame).conditions(frame["close"], len(frame) - 1)

    def get_exit_conditions(self, open_trade: OpenTrade, current_price: float) -> tuple[Condition, ...]:
        out = list(level_conditions(open_trade, current_price))
        if open_trade.market is not None:
            frame = frame_of(open_trade.market, self.opened_inputs)
            side = Exit.LONG if open_trade.side > 0 else Exit.SHORT
            for one in self.plan(frame).exits:
                if one.closes & side:
                    out += [rule.at(len(frame) - 1, one.tag) for rule in one.rules]
        return tuple(out)

    def stream(self, history: MarketView | None = None) -> SignalStream:
        return RuleStream(self, history)


class RuleStream:
    """A rule strategy carried forward; bit-identical to `columns` from the same first bar."""

    def __init__(self, strategy: RuleStrategy, history: MarketView | None = None) -> None:
        self._strategy = strategy
        self._frames = FrameStream(strategy.opened_inputs, strategy.lookback_bars)
        self._frame: Frame | None = None
        self._plan = Plan()
        if history is not None:
            self._frames.warm(history.candles, history)

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
        """Take a closed bar, give its row."""
        self._frame = self._frames.step((open, high, low, close, volume), ts_ms, market)
        self._plan = self._strategy.plan(self._frame)
        columns = columns_of(self._plan, self._frame["close"], self._strategy.tags)
        return columns.row(len(columns) - 1)

    def latest(self, column: str) -> float:
        """Give a column of the frame at the last row; NaN before the first bar."""
        return float("nan") if self._frame is None else float(self._frame[column][-1])

    def explain(self) -> tuple[Condition, ...]:
        """Give the conditions of the last row; none before the first bar."""
        if self._frame is None:
            return ()
        return self._plan.conditions(self._frame["close"], len(self._frame) - 1)

"""What a run over a history gives: fills, round trips, the value of the account at each close, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.engine.config import AccountConfig
from trading.engine.convert import exact_fee, exact_fill, exact_price, fill_value, reason_of, trade_id
from trading.engine.records import BINDINGS, R_END, Records
from trading.engine.views import AccountView, EngineFill, Notice, PositionView
from trading.fills import Fill
from trading.orders import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A round trip of one line from flat to flat; partial exits belong to it.

    Attributes:
        entry_index, exit_index: bars on the run's time axis.
        entry_price, exit_price: averages over all fills of that side.
        pnl: quote currency, net of both sides' fees; `pnl_ratio`: of what the entries cost.
        reason: of the fill that closed it; END_OF_DATA: still open, valued at the last close without exit costs.
        mae, mfe: worst and best excursion from the average entry, as ratios.
        binding: the limit that decided the size.
    """

    line: int
    bot_id: str
    pair: str
    is_long: bool
    quantity: Decimal
    entry_ms: int
    exit_ms: int
    entry_index: int
    exit_index: int
    entry_price: Decimal
    exit_price: Decimal
    pnl: Decimal
    pnl_ratio: float
    fees: Decimal
    reason: Reason
    tag: str
    exit_tag: str
    mae: float
    mfe: float
    bars: int
    binding: str

    @property
    def is_open(self) -> bool:
        """Whether the data ended before the trade did."""
        return self.reason is Reason.END_OF_DATA


@dataclass(frozen=True, kw_only=True)
class BacktestResult:
    """A finished run.

    Attributes:
        ts_ms: open times of the run's bars, int64, shape (n,).
        equity: value of the account at each close, float64, shape (n,).
        fill_records, trade_records: FILL and TRADE records in order; `trade_records` ends with the open positions.
        denied: refused entries by first failing reason.
        is_complete: False when the run was cancelled; all else is as it stood then.
    """

    config: AccountConfig
    tags: tuple[tuple[str, ...], ...]
    ts_ms: NDArray[np.int64]
    equity: NDArray[np.float64]
    fill_records: Records
    trade_records: Records
    denied: Mapping[str, int]
    notices: tuple[Notice, ...]
    account: AccountView
    positions: tuple[PositionView, ...]
    is_complete: bool = True

    @cached_property
    def fills(self) -> tuple[EngineFill, ...]:
        """Give every fill as a value, in order."""
        return tuple(fill_value(self.config.account_id, row) for row in self.fill_records)

    @cached_property
    def exact_fills(self) -> tuple[Fill, ...]:
        """Give every fill in exact money, in order."""
        return tuple(
            exact_fill(fill, self.config.lines[fill.line].instrument, self.config.lines[fill.line].bot_id)
            for fill in self.fills
        )

    @cached_property
    def trades(self) -> tuple[Trade, ...]:
        """Give every round trip as a value, in the order in which they closed; open ones last."""
        return tuple(self._trade(row) for row in self.trade_records)

    @property
    def pnl(self) -> NDArray[np.float64]:
        """Net profit per round trip, shape (trades,)."""
        return np.ascontiguousarray(self.trade_records["pnl"])

    @property
    def closed(self) -> NDArray[np.bool_]:
        """Which round trips are finished, shape (trades,)."""
        return np.asarray(self.trade_records["reason"] != R_END)

    def trade_ids(self) -> list[str]:
        """Give the id of each fill, as a replay of its bar would name it."""
        return [trade_id(self.config.account_id, row) for row in self.fill_records]

    def _trade(self, row: Any) -> Trade:
        line = int(row["line"])
        one = self.config.lines[line]
        return Trade(
            line=line,
            bot_id=one.bot_id,
            pair=one.instrument.pair,
            is_long=bool(row["side"] > 0),
            quantity=one.instrument.quantity_of(int(row["lots"])),
            entry_ms=int(row["entry_ms"]),
            exit_ms=int(row["exit_ms"]),
            entry_index=int(row["entry_bar"]),
            exit_index=int(row["exit_bar"]),
            entry_price=exact_price(one.instrument, float(row["entry_price"])),
            exit_price=exact_price(one.instrument, float(row["exit_price"])),
            pnl=exact_fee(float(row["pnl"])),
            pnl_ratio=float(row["pnl_ratio"]),
            fees=exact_fee(float(row["fees"])),
            reason=reason_of(row["reason"]),
            tag=self._word(line, int(row["tag"])),
            exit_tag=self._word(line, int(row["exit_tag"])),
            mae=float(row["mae"]),
            mfe=float(row["mfe"]),
            bars=int(row["exit_bar"] - row["entry_bar"]),
            binding=BINDINGS[row["binding"]],
        )

    def _word(self, line: int, index: int) -> str:
        words = self.tags[line]
        return words[index] if 0 <= index < len(words) else ""

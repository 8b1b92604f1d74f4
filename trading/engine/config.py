"""What an account is configured with: costs, limits, protections and its lines."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Literal

from trading.errors import InvalidInput
from trading.instruments import Instrument
from trading.risk.sizing import SizingMethod

__all__ = ["AccountConfig", "Costs", "LineConfig", "Protections", "RiskLimits", "SizingMethod"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What trading costs, as ratios of the price.

    Attributes:
        maker_fee, taker_fee: commission per side.
        slippage: against every market and stop fill.
        spread: full spread; market fills pay half of it.
        fill: a resting limit fills when the price trades through it, or already when it is touched.
        trailing: who moves a trailing stop: the bot at each close, effective from the next bar, or the venue inside
            the bar (only where the venue has such orders).
        maintenance_margin: a short is bought back by the venue once its collateral, the proceeds and as much of own
            money, is worth less than the debt and this share of it.
    """

    maker_fee: float = 0.001
    taker_fee: float = 0.001
    slippage: float = 0.0005
    spread: float = 0.0
    fill: Literal["through", "touch"] = "through"
    trailing: Literal["close", "venue"] = "close"
    maintenance_margin: float = 0.05

    def __post_init__(self) -> None:
        for name in ("maker_fee", "taker_fee", "slippage", "spread"):
            value = getattr(self, name)
            lowest = -0.01 if name == "maker_fee" else 0.0
            if not lowest <= value < 0.5:
                raise InvalidInput(f"{name} is {value}; a ratio from {lowest:g} to below 0.5 is allowed.")
        if self.fill not in ("through", "touch"):
            raise InvalidInput(f"fill is '{self.fill}'; 'through' or 'touch' is allowed.")
        if not 0.0 <= self.maintenance_margin < 1.0:
            raise InvalidInput(
                f"maintenance_margin is {self.maintenance_margin}; a ratio from 0 to below 1 is allowed."
            )
        if self.trailing not in ("close", "venue"):
            raise InvalidInput(f"trailing is '{self.trailing}'; 'close' or 'venue' is allowed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Protections:
    """Rules over closed trades that lock entries for a while; each is off until its first number is set.

    Attributes:
        stop_guard_count: this many losing stops within `stop_guard_window_ms` lock the pair, or the account when
            `is_stop_guard_global`, for `stop_guard_lock_ms`.
        drawdown_guard: closed-trade drawdown (ratio) within its window that locks the account, from
            `drawdown_guard_trades` trades on.
        cool_down_ms: a pair rests this long after an exit.
        low_profit_trades: with this many trades of a pair within its window and a summed profit ratio below
            `low_profit_ratio`, the pair is locked.
    """

    stop_guard_count: int = 0
    stop_guard_window_ms: int = 86_400_000
    stop_guard_lock_ms: int = 43_200_000
    is_stop_guard_global: bool = False
    drawdown_guard: float | None = None
    drawdown_guard_trades: int = 5
    drawdown_guard_window_ms: int = 604_800_000
    drawdown_guard_lock_ms: int = 86_400_000
    cool_down_ms: int = 0
    low_profit_trades: int = 0
    low_profit_ratio: float = 0.0
    low_profit_window_ms: int = 604_800_000
    low_profit_lock_ms: int = 86_400_000

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in ("drawdown_guard", "low_profit_ratio"):
                continue
            if not value >= 0 or value != int(value):
                raise InvalidInput(f"{one.name} is {value}; a whole number from 0 up is allowed.")
        if self.drawdown_guard is not None and not 0.0 < self.drawdown_guard <= 1.0:
            raise InvalidInput(
                f"drawdown_guard is {self.drawdown_guard}; a ratio above 0 up to 1 is allowed, or none."
            )
        if not math.isfinite(self.low_profit_ratio):
            raise InvalidInput(f"low_profit_ratio is {self.low_profit_ratio}; a finite ratio is allowed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """The account's limits; ratios are of equity, None switches a limit off.

    Attributes:
        risk_per_trade: equity lost when a stop is hit, an upper bound for every method; None = sized by the caps.
        max_position: notional at entry per base asset, existing exposure included.
        max_positions: open positions plus pending entries.
        max_drawdown: at this fall from the peak (inclusive) the account halts; `on_halt` says what then happens to
            open positions: closed at the market, or left with their protection.
        daily_loss: at this loss since 00:00 UTC (inclusive) entries end until the next 00:00 UTC.
        portfolio_risk: what all open positions and entries may lose at their stops together.
        correlation_count: an entry is refused when this many open positions are correlated with it; None = off.
        correlation_threshold, correlation_release: link above the first, unlink below the second.
        gross_exposure, net_exposure: sum, and absolute balance, of long and short notional.
        atr_multiple: stop distance of the ATR method, in ATR.
        is_conservative: size without unrealised profit.
        break_even_after_leg: default for signals that say 0; 1 = after TP1, 0 = never.
        max_signal_age_bars: an intent older than this is dropped unsent.
    """

    risk_per_trade: float | None = 0.01
    method: SizingMethod = SizingMethod.FIXED
    kelly_fraction: float = 0.5
    max_position: float | None = 0.10
    max_positions: int | None = 5
    max_drawdown: float | None = 0.20
    on_halt: Literal["flatten", "protect"] = "flatten"
    daily_loss: float | None = 0.05
    portfolio_risk: float | None = 0.06
    correlation_count: int | None = 2
    correlation_threshold: float = 0.7
    correlation_release: float = 0.6
    gross_exposure: float | None = None
    net_exposure: float | None = None
    atr_multiple: float = 2.0
    atr_window_bars: int = 14
    is_conservative: bool = False
    break_even_after_leg: int = 0
    max_signal_age_bars: int = 1
    protections: Protections = field(default_factory=Protections)

    def __post_init__(self) -> None:
        for name in ("risk_per_trade", "max_position", "max_drawdown", "daily_loss", "portfolio_risk"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value <= 1.0:
                raise InvalidInput(f"{name} is {value}; a ratio above 0 up to 1 is allowed, or none.")
        for name in ("gross_exposure", "net_exposure", "atr_multiple"):
            value = getattr(self, name)
            if value is not None and not (value > 0.0 and math.isfinite(value)):
                raise InvalidInput(f"{name} is {value}; a positive number is allowed.")
        for name in ("max_positions", "correlation_count"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InvalidInput(f"{name} is {value}; a whole number from 1 up is allowed, or none.")
        if not -1.0 <= self.correlation_release <= self.correlation_threshold <= 1.0:
            raise InvalidInput(
                f"correlation_release {self.correlation_release} and correlation_threshold "
                f"{self.correlation_threshold} were given; release ≤ threshold within -1…1 is allowed."
            )
        if self.on_halt not in ("flatten", "protect"):
            raise InvalidInput(f"on_halt is '{self.on_halt}'; 'flatten' or 'protect' is allowed.")

    @classmethod
    def off(cls) -> RiskLimits:
        """Give limits that never refuse: only cash bounds a size."""
        return cls(
            risk_per_trade=None,
            max_position=None,
            max_positions=None,
            max_drawdown=None,
            daily_loss=None,
            portfolio_risk=None,
            correlation_count=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LineConfig:
    """One bot on one pair.

    Attributes:
        allocation: share of the account that the bot sizes against, 0–1.
        confirm_bars: closes at which an entry's conditions must go on holding before it is taken.
        win_rate, payoff, trades: of closed out-of-sample trades, for Kelly until the line has 50 trades of its own;
            None = unknown.
        tags: words behind the tag indices of the bot's signals.
    """

    bot_id: str
    instrument: Instrument
    allocation: float = 1.0
    confirm_bars: int = 0
    win_rate: float | None = None
    payoff: float | None = None
    trades: int | None = None
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 < self.allocation <= 1.0:
            raise InvalidInput(
                f"Bot '{self.bot_id}': allocation is {self.allocation}; a share above 0 up to 1 is allowed."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountConfig:
    """An account: its capital in quote currency, its costs, limits and lines.

    Lines are kept as given; ties between entries of equal score go to the first by pair, then by bot.
    """

    account_id: str
    capital: Decimal
    lines: tuple[LineConfig, ...]
    timeframe_ms: int
    costs: Costs = field(default_factory=Costs)
    limits: RiskLimits = field(default_factory=RiskLimits)

    def __post_init__(self) -> None:
        if not self.capital > 0:
            raise InvalidInput(f"capital is {self.capital}; a positive amount is allowed.")
        if self.timeframe_ms <= 0:
            raise InvalidInput(f"timeframe_ms is {self.timeframe_ms}; a positive length is allowed.")
        if not self.lines:
            raise InvalidInput("An account without lines was given; at least one bot on one pair is needed.")
        seen: set[tuple[str, str]] = set()
        for line in self.lines:
            key = (line.bot_id, line.instrument.pair)
            if key in seen:
                raise InvalidInput(
                    f"Bot '{key[0]}' is on {key[1]} twice; one line per bot and pair is allowed."
                )
            seen.add(key)
        quotes = {line.instrument.quote for line in self.lines}
        if len(quotes) > 1:
            raise InvalidInput(
                f"Lines are quoted in {', '.join(sorted(quotes))}; one quote currency per account is allowed."
            )

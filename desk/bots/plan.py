"""What an account trades: its bots as lines of one engine, and the settings that its limits and costs come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np

from desk.entry_views import FORCE_ENTRY
from desk.views import Account, Bot
from strategies.base import BaseStrategy, ColumnStrategy
from strategies.registry import StrategyRegistry
from trading.engine.config import AccountConfig, Costs, LineConfig, Protections, RiskLimits
from trading.errors import BadSetting, StrategyFailure, nearest
from trading.instruments import Instrument
from trading.market import MarketView
from trading.signals import SignalColumns
from trading.timeframes import Timeframe

T = TypeVar("T")

#: The parameter of a configuration version that is the bot's share of its account.
ALLOCATION = "allocation"


class SilentStrategy(ColumnStrategy):
    """Wants nothing: stands in where a bot's own strategy cannot be built, so that its positions are looked after."""

    name = "silent"
    title = "No strategy"
    idea = "Wants nothing."
    source = "The house."
    fails_in = "It never trades."

    @property
    def warmup_bars(self) -> int:
        return 0

    def columns(self, market: MarketView) -> SignalColumns:
        return SignalColumns(enter=np.zeros(len(market.candles), np.int8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One bot on one pair, as the account loop carries it."""

    index: int
    bot: Bot
    pair: str
    instrument: Instrument
    strategy: ColumnStrategy

    @property
    def key(self) -> tuple[str, str]:
        """What names the line for ever: bot and pair."""
        return self.bot.id, self.pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An account with its lines."""

    account: Account
    config: AccountConfig
    lines: tuple[Line, ...]
    timeframe: Timeframe

    @property
    def pairs(self) -> tuple[str, ...]:
        """Every pair that is traded or looked at, each once."""
        looked_at = [pair for line in self.lines for pair in (line.pair, *line.strategy.pairs_needed)]
        return tuple(dict.fromkeys(looked_at))


def make_plan(
    account: Account,
    bots: Sequence[tuple[Bot, BaseStrategy]],
    instruments: Mapping[str, Instrument],
) -> Plan:
    """Give the lines of the bots in order, and the engine's configuration."""
    lines: list[Line] = []
    for bot, strategy in bots:
        if not isinstance(strategy, ColumnStrategy):
            raise StrategyFailure(
                f"Strategy '{bot.strategy}' gives no columns; a ColumnStrategy is needed to run a bot.",
            )
        for pair in bot.pairs:
            lines.append(
                Line(index=len(lines), bot=bot, pair=pair, instrument=instruments[pair], strategy=strategy)
            )
    timeframe = Timeframe.parse(bots[0][0].timeframe)
    confirm_bars = int(account.settings.get("confirm_bars", 0))
    config = AccountConfig(
        account_id=account.id,
        capital=account.capital,
        lines=tuple(
            LineConfig(
                bot_id=line.bot.id,
                instrument=line.instrument,
                allocation=line.bot.allocation,
                confirm_bars=confirm_bars,
                tags=(*line.strategy.tags, FORCE_ENTRY),
            )
            for line in lines
        ),
        timeframe_ms=timeframe.ms,
        costs=costs_of(account.settings),
        limits=limits_of(account.settings),
    )
    return Plan(account=account, config=config, lines=tuple(lines), timeframe=timeframe)


def strategy_of(bot: Bot, parameters: Mapping[str, Any], registry: StrategyRegistry) -> BaseStrategy:
    """Build a bot's strategy.

    Raises:
        UnknownStrategy, BadParameter: the configuration names what is no longer there.
    """
    own = {name: value for name, value in parameters.items() if name != ALLOCATION}
    return registry.get_strategy(bot.strategy)(**own)


def costs_of(settings: Mapping[str, Any]) -> Costs:
    """Read an account's costs; what is not set has its default."""
    return _read(Costs, "costs", settings.get("costs", {}))


def limits_of(settings: Mapping[str, Any]) -> RiskLimits:
    """Read an account's limits; what is not set has its default."""
    given = dict(settings.get("limits", {}))
    protections = _read(Protections, "protections", given.pop("protections", {}))
    return _read(RiskLimits, "limits", {**given, "protections": protections})


def _read(kind: type[T], name: str, given: Mapping[str, Any]) -> T:
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    for key in given:
        if key not in known:
            raise BadSetting(
                f"Account setting '{name}.{key}' is unknown; {', '.join(sorted(known))} can be set.",
                hint=nearest(key, known) or None,
            )
    return kind(**given)

"""Bots: the four axes of their state, phases, history and configuration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

from api import enums as _enums  # noqa: F401 - registers the enums that annotations name
from api.context import Info
from api.ids import global_id
from api.market.types import Strategy, strategy
from api.node import NamedValue, Node, computed, named_values, shaped
from api.portfolio.types import Account, Position, account, money_in, position
from desk import views
from desk.money import MoneyKind
from trading.errors import NotFound
from trading.events import Condition, Desired, Phase, TradingState


@strawberry.type(description="Where a bot stands with one pair, and since when.")
class PairPhase:
    """One pair of a bot."""

    pair: str
    phase: Phase
    since: datetime


@strawberry.type(description="A strategy with pairs, parameters and an allocation, attached to an account.")
class Bot(Node):
    """A bot. Its state has four axes: desired, condition, tradingState and one phase per pair."""

    id: strawberry.ID
    account_id: strawberry.ID
    name: str
    strategy_name: str
    pairs: list[str]
    timeframe: str
    parameters: list[NamedValue]
    allocation: float
    desired: Desired
    condition: Condition
    condition_reason: str
    trading_state: TradingState
    phases: list[PairPhase]
    resume_at: datetime | None
    last_bar_at: datetime | None
    version: int
    config_version: int
    is_live: bool
    created_at: datetime
    view: strawberry.Private[views.Bot]

    @computed
    def strategy(self, info: Info) -> Strategy | None:
        """The idea it runs; null when its package or file is gone."""
        try:
            return strategy(info.context.house.registry.info(self.view.strategy))
        except NotFound:
            return None

    @computed
    async def account(self, info: Info) -> Account | None:
        """The account it trades on."""
        found = await info.context.load.account.load(self.view.account_id)
        return account(found) if found else None

    @computed
    async def money(self, info: Info) -> MoneyKind:
        """Whose money it trades: paper, a venue's test environment, or real."""
        return await money_in(info, self.view.account_id, is_live=self.view.is_live)

    @computed
    async def positions(self, info: Info) -> list[Position]:
        """What it holds now."""
        return [position(one) for one in await info.context.load.open_positions.load(self.view.id)]


@strawberry.type(description="A line of a bot's state history.")
class StateChange:
    """One axis moved."""

    at: datetime
    bot_id: strawberry.ID
    axis: str
    pair: str
    before: str
    after: str
    cause: str
    actor: str


@strawberry.type(description="What a configuration changed; null where a parameter was not there.")
class ParameterChange:
    """One parameter of two versions."""

    name: str
    before: str | None
    after: str | None


@strawberry.type(description="An immutable configuration of a bot.")
class ConfigVersion:
    """A version; `isActive` marks the one in use."""

    id: strawberry.ID
    bot_id: strawberry.ID
    version: int
    parameters: list[NamedValue]
    author: str
    reason: str
    created_at: datetime
    is_active: bool
    diff_from_previous: list[ParameterChange] = strawberry.field(
        description="What differs from the version before; the first version differs in everything."
    )


def bot(view: views.Bot) -> Bot:
    """Give a bot."""
    return shaped(
        Bot,
        view,
        id=global_id("Bot", view.id),
        account_id=global_id("Account", view.account_id),
        strategy_name=view.strategy,
        parameters=named_values(view.parameters),
        pairs=list(view.pairs),
        phases=[shaped(PairPhase, one) for one in view.phases],
        view=view,
    )


def state_change(view: views.StateChange) -> StateChange:
    """Give a line of the history."""
    return shaped(StateChange, view, bot_id=global_id("Bot", view.bot_id))


def config_version(
    view: views.ConfigVersion, active: int, previous: views.ConfigVersion | None
) -> ConfigVersion:
    """Give a configuration; `active` is the version in use, `previous` the one before this."""
    return shaped(
        ConfigVersion,
        view,
        id=global_id("ConfigVersion", view.id),
        bot_id=global_id("Bot", view.bot_id),
        parameters=named_values(view.parameters),
        is_active=view.version == active,
        diff_from_previous=_changes(previous.parameters if previous else {}, view.parameters),
    )


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[ParameterChange]:
    old = {one.name: one.value for one in named_values(before)}
    new = {one.name: one.value for one in named_values(after)}
    return [
        ParameterChange(name=name, before=old.get(name), after=new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]

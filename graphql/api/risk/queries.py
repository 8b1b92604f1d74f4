"""Reading limits, how much of them is used, and which pairs move together."""

from __future__ import annotations

import asyncio
import math
from dataclasses import asdict

import strawberry

from api.context import Info
from api.errors import ApiError, ErrorCode
from api.ids import not_found, own_id
from api.node import NamedValue, named_values, shaped
from api.permissions import reads
from api.portfolio.types import Account, AccountStatus, PairLock, account, lock
from desk import views
from desk.bots.plan import limits_of
from trading.candles import Candles
from trading.errors import InvalidInput
from trading.risk.correlation import CorrelationRule, schedule
from trading.timeframes import Timeframe

#: Pairs of one matrix.
MAX_PAIRS = 20

#: Days of closes that a matrix looks at: its window, and days for the hysteresis to settle.
DAYS = 60


@strawberry.type(description="An account's limits, and where it stands.")
class RiskState:
    """`limits` and `protections` by name; null means off."""

    account: Account
    limits: list[NamedValue]
    protections: list[NamedValue]
    status: AccountStatus | None
    drawdown_left: float | None = strawberry.field(
        description="How much further equity may fall from its peak before the account halts, as a ratio."
    )
    daily_loss_left: float | None = strawberry.field(
        description="How much more may be lost today before entries end, as a ratio."
    )
    slots_left: int | None
    locks: list[PairLock]


@strawberry.type(description="How two pairs move together over the last thirty days.")
class PairCorrelation:
    """`rho` is null where too few days are stored; such pairs count as correlated."""

    first: str
    second: str
    rho: float | None
    is_correlated: bool = strawberry.field(description="Two positions on the same side count as correlated.")
    is_opposed: bool = strawberry.field(description="A long and a short count as correlated.")


@strawberry.type(description="The matrix, each pair of pairs once.")
class CorrelationMatrix:
    """As the correlation limit sees it."""

    pairs: list[str]
    threshold: float
    release: float
    values: list[PairCorrelation]


@strawberry.type
class RiskQueries:
    """Root fields about risk."""

    @reads()
    async def risk_state(self, info: Info, account_id: strawberry.ID) -> RiskState:
        """An account's limits and how much of them is left."""
        own = await _account(info, account_id)
        limits = limits_of(own.settings)
        held = await info.context.load.holdings()
        status = held.statuses.get(own.id)
        async with info.context.house.store.reading() as unit:
            locks = await unit.accounts.locks(
                info.context.workspace_id, own.id, info.context.house.clock.now()
            )
        values = asdict(limits)
        protections = values.pop("protections")
        return RiskState(
            account=account(own),
            limits=named_values(values),
            protections=named_values(protections),
            status=shaped(AccountStatus, status) if status else None,
            drawdown_left=_left(limits.max_drawdown, status.drawdown) if status else limits.max_drawdown,
            daily_loss_left=_left(limits.daily_loss, -status.day_change) if status else limits.daily_loss,
            slots_left=_slots(limits.max_positions, status),
            locks=[lock(one) for one in locks],
        )

    @reads()
    async def correlations(
        self,
        info: Info,
        account_id: strawberry.ID | None = None,
        pairs: list[str] | None = None,
        timeframe: str = "1h",
    ) -> CorrelationMatrix:
        """The correlation matrix of an account's pairs, or of those given (at most 20)."""
        rule = CorrelationRule()
        wanted = list(dict.fromkeys(pairs or ()))
        if account_id is not None:
            own = await _account(info, account_id)
            limits = limits_of(own.settings)
            rule = CorrelationRule(
                block_above=limits.correlation_threshold, release_below=limits.correlation_release
            )
            held = await info.context.load.holdings()
            of_bots = (one for bot in held.bots.values() if bot.account_id == own.id for one in bot.pairs)
            wanted = wanted or list(dict.fromkeys(of_bots))
        if not wanted:
            raise InvalidInput("Give pairs, or an account whose bots have some.")
        if len(wanted) > MAX_PAIRS:
            raise ApiError(
                ErrorCode.VALIDATION_FAILED, f"{len(wanted)} pairs were given; {MAX_PAIRS} are allowed."
            )
        candles = await _candles(info, wanted, timeframe)
        return await asyncio.to_thread(_matrix, candles, rule)


async def _candles(info: Info, pairs: list[str], timeframe: str) -> dict[str, Candles]:
    frame = Timeframe.parse(timeframe)
    bars = DAYS * 86_400_000 // frame.ms
    async with info.context.house.store.reading() as unit:
        venue = info.context.house.feed.venue
        return {one: await unit.candles.last(venue, one, str(frame), bars) for one in pairs}


def _matrix(candles: dict[str, Candles], rule: CorrelationRule) -> CorrelationMatrix:
    known = schedule(candles, rule)
    end = int(known.from_ms[-1]) if len(known.from_ms) else 0
    state = known.at(end)
    values = [
        PairCorrelation(
            first=first,
            second=second,
            rho=_number(float(state.rho[i, i + 1 + j])),
            is_correlated=bool(state.same[i, i + 1 + j]),
            is_opposed=bool(state.opposite[i, i + 1 + j]),
        )
        for i, first in enumerate(state.pairs)
        for j, second in enumerate(state.pairs[i + 1 :])
    ]
    return CorrelationMatrix(
        pairs=list(state.pairs), threshold=rule.block_above, release=rule.release_below, values=values
    )


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _left(limit: float | None, used: float) -> float | None:
    return None if limit is None else max(0.0, limit - max(0.0, used))


def _slots(most: int | None, status: views.AccountStatus | None) -> int | None:
    if most is None:
        return None
    return max(0, most - (status.open_positions if status else 0))


async def _account(info: Info, wanted: str) -> views.Account:
    found = await info.context.load.account.load(own_id("Account", wanted))
    if found is None:
        raise not_found(wanted)
    return found

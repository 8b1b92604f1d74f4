"""Panic, its release, locks, and closing a position."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry

from api.context import Info
from api.ids import global_id, id_or_name, own_id
from api.mutation import Payload, carry_out, kept_id, mutates
from api.portfolio.types import Account, PairLock, Position, account, lock, position
from desk.commands import (
    ClosePosition,
    ClosePositions,
    Command,
    LockPair,
    PanicStop,
    ReleasePanic,
    SetLimit,
    UnlockPair,
)
from trading.errors import InvalidInput


@strawberry.input
class ClosePositionInput:
    """Which position, and how much of it."""

    idempotency_key: UUID
    position_id: strawberry.ID
    share: Decimal = strawberry.field(default=Decimal(1), description="Above 0 to 1; 1 closes all of it.")


@strawberry.input
class ClosePositionsInput:
    """Which positions, and how much of each."""

    idempotency_key: UUID
    which: str = strawberry.field(default="all", description="all, winners or losers.")
    pair: str = strawberry.field(default="", description="Empty means every pair.")
    bot_id: strawberry.ID | None = None
    share: Decimal = strawberry.field(default=Decimal(1), description="Above 0 to 1; 1 closes all of each.")


@strawberry.type
class ClosePositionsPayload(Payload):
    """How many are being closed."""

    closing: int = 0


@strawberry.input
class PanicStopInput:
    """Which account, and what happens to what it holds."""

    idempotency_key: UUID
    account_id: strawberry.ID | None = None
    keep_positions: bool = False
    reason: str = ""


@strawberry.input
class ReleasePanicInput:
    """Which account."""

    idempotency_key: UUID
    account_id: strawberry.ID | None = None
    reason: str = ""


@strawberry.input
class SetLimitInput:
    """Which limit, and its new value: exactly one of `value` and `off`."""

    idempotency_key: UUID
    limit: str = strawberry.field(
        description="risk_per_trade, max_position, max_positions, max_drawdown, daily_loss, portfolio_risk, "
        "correlation_count, gross_exposure or net_exposure."
    )
    value: Decimal | None = strawberry.field(
        default=None, description="A ratio of equity (0.05 is 5 %), or a count."
    )
    off: bool = strawberry.field(default=False, description="Switch the limit off: the largest raise.")
    account_id: strawberry.ID | None = None
    reason: str = ""
    expected_version: int | None = strawberry.field(
        default=None, description="The account's `version` that was seen; another one is a VERSION_CONFLICT."
    )


@strawberry.input
class LockPairInput:
    """What is locked, and for how long."""

    idempotency_key: UUID
    pair: str = strawberry.field(default="", description="Empty locks every pair.")
    duration: timedelta = timedelta(hours=1)
    reason: str = ""
    account_id: strawberry.ID | None = None


@strawberry.input
class UnlockPairInput:
    """What is released."""

    idempotency_key: UUID
    pair: str = strawberry.field(default="", description="Empty releases the lock of every pair.")
    account_id: strawberry.ID | None = None


@strawberry.type
class ClosePositionPayload(Payload):
    """The position; it closes when the account's process takes the request."""

    position: Position | None = None


@strawberry.type(description="What a panic stop set going.")
class PanicReport:
    """Positions close when the account's process takes the requests."""

    was_halted: bool
    positions_open: int
    positions_closing: list[strawberry.ID]


@strawberry.type
class PanicStopPayload(Payload):
    """The halted account and what was set going; the report is null in a replay."""

    account: Account | None = None
    report: PanicReport | None = None


@strawberry.type
class ReleasePanicPayload(Payload):
    """The account, active again."""

    account: Account | None = None


@strawberry.type
class SetLimitPayload(Payload):
    """The account with its new limit; as it is now where somebody changed it meanwhile."""

    account: Account | None = None


@strawberry.type
class LockPairPayload(Payload):
    """The lock; null in a replay."""

    lock: PairLock | None = None


@strawberry.type
class UnlockPairPayload(Payload):
    """How many locks were released."""

    released: int | None = None


@strawberry.type
class RiskMutations:
    """Mutations that reduce risk, and those that let it grow again."""

    @mutates(ClosePosition, moves_money=True)
    async def close_position(self, info: Info, input: ClosePositionInput) -> ClosePositionPayload:
        """Close a position."""

        def build() -> Command:
            return ClosePosition(position_id=own_id("Position", input.position_id), share=input.share)

        done = await carry_out(info, build, key=input.idempotency_key, keep=kept_id)
        if done.errors:
            return ClosePositionPayload(user_errors=done.errors)
        async with info.context.house.store.reading() as unit:
            found = await unit.positions.by_id(info.context.workspace_id, str(done.kept["id"]))
        return ClosePositionPayload(
            position=position(found) if found else None, idempotent_replay=done.is_replay
        )

    @mutates(ClosePositions, moves_money=True)
    async def close_positions(self, info: Info, input: ClosePositionsInput) -> ClosePositionsPayload:
        """Close several positions."""
        done = await carry_out(
            info,
            lambda: ClosePositions(
                which=input.which,
                pair=input.pair,
                bot_id=own_id("Bot", input.bot_id) if input.bot_id else "",
                share=input.share,
            ),
            key=input.idempotency_key,
            keep=lambda view: {"closing": len(view)},
        )
        return ClosePositionsPayload(
            closing=int(done.kept.get("closing", 0)),
            user_errors=done.errors,
            idempotent_replay=done.is_replay,
        )

    @mutates(PanicStop, moves_money=True)
    async def panic_stop(self, info: Info, input: PanicStopInput) -> PanicStopPayload:
        """Halt an account."""

        def build() -> Command:
            return PanicStop(
                account_id=_account_id(input.account_id),
                keep_positions=input.keep_positions,
                reason=input.reason,
            )

        done = await carry_out(
            info, build, key=input.idempotency_key, keep=lambda view: {"id": view.account_id}
        )
        if done.errors:
            return PanicStopPayload(user_errors=done.errors)
        report = None
        if done.view is not None:
            closing = [strawberry.ID(global_id("Position", one)) for one in done.view.positions_closing]
            report = PanicReport(
                was_halted=done.view.was_halted,
                positions_open=done.view.positions_open,
                positions_closing=closing,
            )
        return PanicStopPayload(
            account=await _account(info, done.kept), report=report, idempotent_replay=done.is_replay
        )

    @mutates(ReleasePanic)
    async def release_panic(self, info: Info, input: ReleasePanicInput) -> ReleasePanicPayload:
        """Let an account trade again."""
        done = await carry_out(
            info,
            lambda: ReleasePanic(account_id=_account_id(input.account_id), reason=input.reason),
            key=input.idempotency_key,
            keep=kept_id,
        )
        if done.errors:
            return ReleasePanicPayload(user_errors=done.errors)
        return ReleasePanicPayload(account=await _account(info, done.kept), idempotent_replay=done.is_replay)

    @mutates(SetLimit)
    async def set_limit(self, info: Info, input: SetLimitInput) -> SetLimitPayload:
        """Change a limit."""

        def build() -> Command:
            if input.off is (input.value is not None):
                raise InvalidInput("Both or neither of `value` and `off` were given; exactly one is allowed.")
            return SetLimit(
                limit=input.limit,
                value=input.value,
                account_id=_account_id(input.account_id),
                reason=input.reason,
                expected_version=input.expected_version,
            )

        done = await carry_out(info, build, key=input.idempotency_key, keep=kept_id)
        if done.has_moved:
            return SetLimitPayload(user_errors=done.errors, account=await _named(info, input.account_id))
        if done.errors:
            return SetLimitPayload(user_errors=done.errors)
        return SetLimitPayload(account=await _account(info, done.kept), idempotent_replay=done.is_replay)

    @mutates(LockPair)
    async def lock_pair(self, info: Info, input: LockPairInput) -> LockPairPayload:
        """Lock a pair."""

        def build() -> Command:
            return LockPair(
                pair=input.pair,
                duration=input.duration,
                reason=input.reason,
                account_id=_account_id(input.account_id),
            )

        done = await carry_out(info, build, key=input.idempotency_key, keep=kept_id)
        return LockPairPayload(
            lock=lock(done.view) if done.view else None,
            user_errors=done.errors,
            idempotent_replay=done.is_replay,
        )

    @mutates(UnlockPair)
    async def unlock_pair(self, info: Info, input: UnlockPairInput) -> UnlockPairPayload:
        """Release a lock."""
        done = await carry_out(
            info,
            lambda: UnlockPair(pair=input.pair, account_id=_account_id(input.account_id)),
            key=input.idempotency_key,
            keep=lambda view: {"released": view},
        )
        released = done.kept.get("released")
        return UnlockPairPayload(
            released=int(released) if released is not None else None,
            user_errors=done.errors,
            idempotent_replay=done.is_replay,
        )


def _account_id(given: str | None) -> str:
    return id_or_name("Account", given)


async def _named(info: Info, given: str | None) -> Account | None:
    """Give the account that a command meant: the one that was named, or the only one."""
    wanted = _account_id(given)
    async with info.context.house.store.reading() as unit:
        every = await unit.accounts.all(info.context.workspace_id)
    found = [one for one in every if wanted in ("", one.id, one.name)]
    return account(found[0]) if len(found) == 1 else None


async def _account(info: Info, kept: Any) -> Account | None:
    async with info.context.house.store.reading() as unit:
        found = await unit.accounts.by_id(info.context.workspace_id, str(kept["id"]))
    return account(found) if found else None

"""Asking for work in the background, ending it, starting it anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import strawberry

from api.bots.mutations import ParameterInput, few
from api.context import Info
from api.ids import own_id
from api.jobs.types import Job, job
from api.mutation import Payload, carry_out, kept_id, mutates
from desk.commands import (
    CancelJob,
    CheckBias,
    Command,
    RetryJob,
    RunBacktest,
    RunOptimization,
    RunWalkForward,
)


@strawberry.input
class RunBacktestInput:
    """A strategy, its markets and costs."""

    idempotency_key: UUID
    strategy: str
    pairs: list[str]
    timeframe: str = "1h"
    since: datetime | None = None
    until: datetime | None = None
    parameters: list[ParameterInput] = strawberry.field(default_factory=list)
    limits: list[ParameterInput] = strawberry.field(
        default_factory=list, description="Risk limits by name; left out ones keep their default."
    )
    capital: Decimal = Decimal(10_000)
    fee: Decimal = Decimal("0.001")
    slippage: Decimal = Decimal("0.0005")
    can_short: bool = True
    spread: Decimal = Decimal(0)
    fill: str = strawberry.field(default="through", description='"through" or "touch": when a limit fills.')
    trailing: str = strawberry.field(
        default="close", description='"close" or "venue": who moves trailing stops, and when.'
    )
    detail: str = strawberry.field(
        default="", description="A shorter timeframe whose candles settle what came first inside a bar."
    )
    model: str = strawberry.field(
        default="", description='"NAME" or "NAME:VERSION": read these forecasts instead of the promoted ones.'
    )


@strawberry.input
class RunOptimizationInput(RunBacktestInput):
    """A strategy, its markets and what is searched."""

    grid: list[str] = strawberry.field(
        default_factory=list, description='Axes such as "fast=5:50:5"; none means a guided search.'
    )
    trials: int = 100
    objective: str = "sharpe"
    minimum_trades: int = 30


@strawberry.input
class RunWalkForwardInput(RunOptimizationInput):
    """A strategy, its markets, what is searched, and the stretches."""

    train: str = "90d"
    test: str = "30d"
    gap: str = "0d"
    anchored: bool = False


@strawberry.input
class CheckBiasInput:
    """What to check, and on which candles."""

    idempotency_key: UUID
    name: str
    pair: str
    timeframe: str = "1h"
    since: datetime | None = None
    until: datetime | None = None


@strawberry.input
class CancelJobInput:
    """Which job."""

    job_id: strawberry.ID


@strawberry.input
class RetryJobInput:
    """Which job."""

    idempotency_key: UUID
    job_id: strawberry.ID


@strawberry.type
class JobPayload(Payload):
    """A job, or why not."""

    job: Job | None = None


@strawberry.type
class RunBacktestPayload(JobPayload):
    """The queued job."""


@strawberry.type
class RunOptimizationPayload(JobPayload):
    """The queued job."""


@strawberry.type
class RunWalkForwardPayload(JobPayload):
    """The queued job."""


@strawberry.type
class CheckBiasPayload(JobPayload):
    """The queued job."""


@strawberry.type
class CancelJobPayload(JobPayload):
    """The job; a running one ends when its worker hears of it."""


@strawberry.type
class RetryJobPayload(JobPayload):
    """The job, queued anew."""


P = TypeVar("P", bound=JobPayload)


@strawberry.type
class JobMutations:
    """Mutations about jobs."""

    @mutates(RunBacktest)
    async def run_backtest(self, info: Info, input: RunBacktestInput) -> RunBacktestPayload:
        """Run a backtest."""
        return await payload_of(
            info, RunBacktestPayload, lambda: RunBacktest(**_run(input)), input.idempotency_key
        )

    @mutates(RunOptimization)
    async def run_optimization(self, info: Info, input: RunOptimizationInput) -> RunOptimizationPayload:
        """Search parameters."""

        def build() -> Command:
            return RunOptimization(**_run(input), **_search(input))

        return await payload_of(info, RunOptimizationPayload, build, input.idempotency_key)

    @mutates(RunWalkForward)
    async def run_walk_forward(self, info: Info, input: RunWalkForwardInput) -> RunWalkForwardPayload:
        """Walk forward."""

        def build() -> Command:
            return RunWalkForward(
                **_run(input),
                **_search(input),
                train=input.train,
                test=input.test,
                gap=input.gap,
                anchored=input.anchored,
            )

        return await payload_of(info, RunWalkForwardPayload, build, input.idempotency_key)

    @mutates(CheckBias)
    async def check_bias(self, info: Info, input: CheckBiasInput) -> CheckBiasPayload:
        """Check for bias."""

        def build() -> Command:
            return CheckBias(
                name=input.name,
                pair=input.pair,
                timeframe=input.timeframe,
                since=input.since,
                until=input.until,
            )

        return await payload_of(info, CheckBiasPayload, build, input.idempotency_key)

    @mutates(CancelJob)
    async def cancel_job(self, info: Info, input: CancelJobInput) -> CancelJobPayload:
        """End a job. Ending it twice is ending it once, so no key is needed."""
        return await payload_of(info, CancelJobPayload, lambda: CancelJob(job_id=own_id("Job", input.job_id)))

    @mutates(RetryJob)
    async def retry_job(self, info: Info, input: RetryJobInput) -> RetryJobPayload:
        """Start a job anew."""
        return await payload_of(
            info, RetryJobPayload, lambda: RetryJob(job_id=own_id("Job", input.job_id)), input.idempotency_key
        )


async def payload_of(
    info: Info, payload: type[P], build: Callable[[], Command], key: UUID | None = None
) -> P:
    """Carry out a command that gives a job; give the payload with it."""
    done = await carry_out(info, build, key=key, keep=kept_id)
    if done.errors:
        return payload(user_errors=done.errors)
    async with info.context.house.store.reading() as unit:
        found = await unit.jobs.by_id(info.context.workspace_id, str(done.kept["id"]))
    return payload(job=job(found) if found else None, idempotent_replay=done.is_replay)


def _run(given: RunBacktestInput) -> dict[str, Any]:
    return {
        "strategy": given.strategy,
        "pairs": tuple(few(given.pairs, "pairs")),
        "timeframe": given.timeframe,
        "since": given.since,
        "until": given.until,
        "parameters": _values(given.parameters, "parameters"),
        "limits": _values(given.limits, "limits"),
        "capital": given.capital,
        "fee": given.fee,
        "slippage": given.slippage,
        "can_short": given.can_short,
        "spread": given.spread,
        "fill": given.fill,
        "trailing": given.trailing,
        "detail": given.detail,
        "model": given.model,
    }


def _search(given: RunOptimizationInput) -> dict[str, Any]:
    return {
        "grid": tuple(few(given.grid, "axes")),
        "trials": given.trials,
        "objective": given.objective,
        "minimum_trades": given.minimum_trades,
    }


def _values(given: list[ParameterInput], name: str) -> tuple[tuple[str, Any], ...]:
    return tuple((one.name, one.value) for one in few(given, name))

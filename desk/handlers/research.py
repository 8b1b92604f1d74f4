"""Work in the background: asking for it, ending it, starting it anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from desk.commands import (
    CancelJob,
    CheckBias,
    Research,
    RetryJob,
    RunBacktest,
    RunOptimization,
    RunWalkForward,
)
from desk.desk import Desk, Handling, Preview
from desk.handlers.finding import pair_name
from desk.identity import Actor
from desk.jobs.bell import Bell
from desk.jobs.queueing import changed, new_job, queue
from desk.models.book import may_read_forecasts, refuse_deaf
from desk.models.registry import askable
from desk.ports import Feed, Unit
from desk.research.history import require_pairs
from desk.research.runs import fill_rule, risk_limits, trailing_rule
from desk.research.walks import span_ms
from desk.views import Job, JobState
from strategies.base import BaseStrategy
from strategies.registry import StrategyRegistry
from trading.backtest.search_space import read_axis
from trading.backtest.trials import check_objective
from trading.errors import BadParameter, InvalidInput, NotFound, nearest
from trading.timeframes import Timeframe

#: Most pairs of one run, and most trials of one search.
MOST_PAIRS = 20
MOST_TRIALS = 5_000

#: The kind of job behind each command.
KINDS: Mapping[type[Research], str] = {
    RunBacktest: "backtest",
    RunOptimization: "optimization",
    RunWalkForward: "walk_forward",
}


class ResearchHandlers:
    """Queues jobs, and ends them."""

    def __init__(self, registry: StrategyRegistry, feed: Feed, bell: Bell) -> None:
        self._registry = registry
        self._feed = feed
        self._bell = bell

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(RunBacktest, self.run)
        desk.handle(RunOptimization, self.run, preview=self.preview_search)
        desk.handle(RunWalkForward, self.run, preview=self.preview_search)
        desk.handle(CheckBias, self.check_bias)
        desk.handle(CancelJob, self.cancel)
        desk.handle(RetryJob, self.retry)

    async def run(self, command: Research, handling: Handling) -> Job:
        """Queue a run over a history; what can be refused at once is refused at once."""
        checked = await self._checked(command, handling.tx, handling.actor.workspace_id)
        title = f"{checked.strategy} on {', '.join(checked.pairs)} {checked.timeframe}"
        return await self._queue(handling, KINDS[type(command)], title, plain_input(checked))

    async def check_bias(self, command: CheckBias, handling: Handling) -> Job:
        """Queue bias checks."""
        pair = pair_name(command.pair)
        await require_pairs(handling.tx, self._feed, (pair,))
        _in_order(command.since, command.until)
        names = _checkable(self._registry)
        if command.name != "all" and command.name not in names:
            raise NotFound(
                f"'{command.name}' cannot be checked; all, {', '.join(names)} can.",
                hint=nearest(command.name, names) or None,
            )
        checked = replace(command, pair=pair, timeframe=str(Timeframe.parse(command.timeframe)))
        title = f"{checked.name} on {pair} {checked.timeframe}"
        return await self._queue(handling, "bias_check", title, plain_input(checked))

    async def cancel(self, command: CancelJob, handling: Handling) -> Job:
        """Ask for a job's end."""
        job = await handling.tx.jobs.ask_cancel(handling.actor.workspace_id, command.job_id, handling.now)
        if job.state is JobState.CANCELED:
            handling.emit(changed(job, handling.now))
        return job

    async def retry(self, command: RetryJob, handling: Handling) -> Job:
        """Start a job anew."""
        job = await handling.tx.jobs.retry(handling.actor.workspace_id, command.job_id, handling.now)
        handling.emit(changed(job, handling.now))
        handling.after_commit.append(lambda: self._bell.ring(job.id))
        return job

    async def preview_search(self, command: Research, tx: Unit, actor: Actor) -> Preview:
        """Say how many runs a search costs."""
        checked = await self._checked(command, tx, actor.workspace_id)
        return Preview(
            code=f"confirm.{type(command).__name__}",
            params={
                "strategy": checked.strategy,
                "pairs": ", ".join(checked.pairs),
                "timeframe": checked.timeframe,
                "count": trials_of(checked),
            },
        )

    async def _queue(self, handling: Handling, kind: str, title: str, given: Mapping[str, Any]) -> Job:
        actor = handling.actor
        job = new_job(
            actor.workspace_id,
            kind,
            title=title,
            input=given,
            now=handling.now,
            asked_by=actor.user_id,
            channel=actor.channel,
        )
        await queue(handling.tx, job)
        handling.emit(changed(job, handling.now))
        handling.after_commit.append(lambda: self._bell.ring(job.id))
        return job

    async def _checked(self, command: Research, tx: Unit, workspace_id: str) -> Research:
        strategy = self._registry.get_strategy(command.strategy)(**dict(command.parameters))
        pairs = tuple(dict.fromkeys(pair_name(one) for one in command.pairs if one.strip()))
        if len(pairs) > MOST_PAIRS:
            raise InvalidInput(f"{len(pairs)} pairs were given; up to {MOST_PAIRS} are allowed.")
        await require_pairs(tx, self._feed, (*pairs, *strategy.pairs_needed))
        _in_order(command.since, command.until)
        if command.capital <= 0:
            raise InvalidInput(f"Capital {command.capital} was given; more than 0 is allowed.")
        for name in ("fee", "slippage", "spread"):
            if not 0 <= getattr(command, name) < Decimal("0.1"):
                raise InvalidInput(
                    f"{name.capitalize()} {getattr(command, name)} was given; a share from 0 to below 0.1 is allowed.",
                    hint="0.001 is a tenth of a percent.",
                )
        _check_search(command, strategy)
        fill_rule(command.fill)
        trailing_rule(command.trailing)
        timeframe = Timeframe.parse(command.timeframe)
        if command.model:
            refuse_deaf(strategy.name, command.model, is_heard=may_read_forecasts(strategy.name))
            for one in pairs:
                await askable(tx, workspace_id, command.model, one, str(timeframe))
        limits = tuple((name, _number(value)) for name, value in command.limits)
        risk_limits(dict(limits))
        return replace(
            command,
            limits=limits,
            strategy=strategy.name,
            pairs=pairs,
            timeframe=str(timeframe),
            detail=_detail(command.detail, timeframe),
        )


def _detail(text: str, of: Timeframe) -> str:
    """Read the timeframe of detail candles.

    Raises:
        BadParameter: it is none that bars can be cut into.
    """
    if not text:
        return ""
    found = Timeframe.parse(text)
    if found.ms >= of.ms or of.ms % found.ms:
        raise BadParameter(
            f"Detail {found} was given for bars of {of}; a shorter timeframe that divides it is allowed.",
            hint="For example 5m for bars of 1h.",
        )
    return str(found)


def plain_input(command: Any) -> dict[str, Any]:
    """Give a command as plain values: what the job keeps as its input."""
    return {one.name: _plain(getattr(command, one.name)) for one in fields(command)}


def trials_of(command: Research) -> int:
    """Give how many runs a search makes per stretch; 1 for a plain run.

    Raises:
        BadParameter: an axis that cannot be read.
    """
    if not isinstance(command, RunOptimization | RunWalkForward):
        return 1
    if not command.grid:
        return command.trials
    count = 1
    for one in command.grid:
        count *= len(read_axis(one).values)
    return count


def _check_search(command: Research, strategy: BaseStrategy) -> None:
    if not isinstance(command, RunOptimization | RunWalkForward):
        return
    check_objective(command.objective)
    names = {one.name for one in strategy.parameters}
    for one in command.grid:
        axis = read_axis(one)
        if axis.name not in names:
            raise BadParameter(
                f"Parameter '{axis.name}' is unknown to {strategy.name}; {', '.join(sorted(names))} are known.",
                hint=nearest(axis.name, names) or None,
            )
    if not 1 <= (count := trials_of(command)) <= MOST_TRIALS:
        raise InvalidInput(
            f"{count} trials were asked for; 1 to {MOST_TRIALS} are allowed.",
            hint="Widen the steps of the grid.",
        )
    if isinstance(command, RunWalkForward):
        for length in (command.train, command.test, command.gap):
            span_ms(length)


def _checkable(registry: StrategyRegistry) -> tuple[str, ...]:
    from strategies.checkables import all_checkables

    return tuple(one.name for one in all_checkables(registry))


def _number(value: Any) -> Any:
    """Read a number that came as text; anything else stays as it is."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def _in_order(since: datetime | None, until: datetime | None) -> None:
    for one in (since, until):
        if one is not None and one.tzinfo is None:
            raise InvalidInput(f"Time {one.isoformat()} has no zone; UTC is expected.", hint="Add Z.")
    if since is not None and until is not None and since >= until:
        raise InvalidInput(
            f"A range from {since.isoformat()} until {until.isoformat()} was given; the end must come after the start."
        )


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        is_mapping = bool(value) and all(isinstance(one, tuple) and len(one) == 2 for one in value)
        return {key: _plain(one) for key, one in value} if is_mapping else [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value

"""What people want, looked up and made so: desired states, halts, locks, requests; and what the bots are in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from desk.bots.asking import Asking
from desk.bots.context import Context
from desk.bots.decisions import Decisions
from desk.bots.ledger import Held, order_id
from desk.bots.opening import Opened, needs_service
from desk.bots.plan import Line
from desk.bots.requests import (
    CloseRequest,
    ExitsRequest,
    open_exit_requests,
    open_requests,
    take_exit_request,
    take_request,
)
from desk.bots.state import be, want
from desk.clock import Clock, to_ms
from desk.execution.placing import SHARES
from desk.views import Account, Bot
from trading.engine.engine import CommandKind, EngineCommand
from trading.engine.views import PositionView
from trading.errors import InvalidInput, InvariantBroken
from trading.events import Condition, Desired, FeedRecovered, FeedStalled, StrategyFailed, TradingState
from trading.orders import Reason
from trading.risk.partial import part_to_close

#: Requests about positions are looked up this often while bars come fast.
_REQUESTS_S = 0.25
#: A feed is stalled when nothing came for this many bars, and at least this long.
_STALL_BARS = 3
_STALL_LEAST_S = 15.0


@dataclass(slots=True)
class _Seen:
    """What was looked up last."""

    bots: tuple[Bot, ...] = ()
    locked: frozenset[str] = frozenset()


class Housekeeping:
    """Keeps one opened account in step with what people want of it."""

    def __init__(self, opened: Opened, ledger: Held, decisions: Decisions, clock: Clock) -> None:
        self._opened = opened
        self._ledger = ledger
        self._decisions = decisions
        self._clock = clock
        self._asking = Asking(opened, decisions)
        self._seen = _Seen()
        self._asked_s = float("-inf")
        self._last_bar_s = clock.monotonic()
        self._is_stalled = False

    async def begin(self, context: Context) -> None:
        """Tell that the account was opened: RECONCILING, then READY or what stands in the way."""
        for bot in await self._bots(context):
            if bot.id not in self._traded() or bot.desired is Desired.STOPPED:
                continue
            if bot.condition not in (Condition.READY, Condition.ERROR):
                bot, events = await be(
                    context.tx, bot, Condition.RECONCILING, cause="opening the account", at=context.at
                )
                context.events.extend(events)
            if bot.id not in self._opened.failed:
                _, events = await be(context.tx, bot, Condition.READY, cause="", at=context.at)
                context.events.extend(events)
        await self.tell_failures(context)
        for line in self._opened.plan.lines:
            if line.bot.desired is not Desired.STOPPED:
                await self._opened.phases.wake(context, line)

    async def look(self, context: Context, *, has_bars: bool, has_ended: bool) -> bool:
        """Look up what people want and make it so; tell whether the account has to be opened anew."""
        account = await context.tx.accounts.by_id(context.workspace_id, context.account_id)
        if account is None:
            raise InvariantBroken(f"Account {context.account_id} is gone while it is traded.")
        bots = [await self._resumed(context, bot) for bot in await self._bots(context)]
        locks = await context.tx.accounts.locks(context.workspace_id, context.account_id, self._clock.now())
        self._seen = _Seen(bots=tuple(bots), locked=frozenset(one.pair for one in locks))
        await self._follow_state(context, account)
        await self._asking.look(context, self._clock.now())
        # Limits and costs are the engine's from its opening on: it is opened anew with what people set.
        is_over = account.settings != self._opened.plan.account.settings
        for bot in bots:
            is_over = await self._follow_wish(context, bot) or is_over
        self._pause_lines()
        await self._watch_feed(context, has_bars=has_bars, has_ended=has_ended)
        return is_over

    async def obey(self, context: Context) -> None:
        """Do the requests about positions, effective from the next open; keep people's locks for this close."""
        self._lock_lines(context)
        now_s = self._clock.monotonic()
        if now_s - self._asked_s < _REQUESTS_S and self._opened.engine.account().state == "active":
            return
        self._asked_s = now_s
        requests: list[tuple[Line, CloseRequest]] = []
        for line in self._opened.plan.lines:
            held = self._ledger.open.get(line.key)
            if held is not None:
                requests += [(line, one) for one in await open_requests(context.tx, held)]
        await self._close(context, requests)
        await self._change_exits(context)
        await self._cancel_wanted(context)

    async def tell_failures(self, context: Context) -> None:
        """Set bots whose strategy broke to ERROR, once; what they hold stays protected."""
        opened = self._opened
        for bot_id, failure in opened.failed.items():
            if bot_id in opened.memory.failed:
                continue
            opened.memory.failed[bot_id] = failure.message
            bot = await context.tx.bots.by_id(context.workspace_id, bot_id)
            if bot is None:
                continue
            _, events = await be(context.tx, bot, Condition.ERROR, cause=failure.message[:500], at=context.at)
            context.events.extend(events)
            context.events.append(
                StrategyFailed(
                    workspace_id=context.workspace_id,
                    occurred_at=context.at,
                    account_id=context.account_id,
                    bot_id=bot_id,
                    strategy=bot.strategy,
                    detail=str(failure),
                )
            )
            for line in opened.plan.lines:
                if line.bot.id == bot_id:
                    await self._cancel_entry(context, line)
        self._pause_lines()

    async def _bots(self, context: Context) -> Sequence[Bot]:
        return await context.tx.bots.of_account(context.workspace_id, context.account_id)

    def _traded(self) -> frozenset[str]:
        return frozenset(line.bot.id for line in self._opened.plan.lines)

    async def _resumed(self, context: Context, bot: Bot) -> Bot:
        """A pause with an end is over by itself."""
        now = self._clock.now()
        if bot.desired is not Desired.PAUSED or bot.resume_at is None or bot.resume_at > now:
            return bot
        bot, events = await want(
            context.tx, bot, Desired.RUNNING, cause="the pause is over", actor="breakwater@schedule", at=now
        )
        context.events.extend(events)
        return bot

    async def _follow_state(self, context: Context, account: Account) -> None:
        engine = self._opened.engine
        is_active = engine.account().state == "active"
        kind = None
        if account.trading_state is TradingState.HALTED and is_active:
            kind = CommandKind.HALT
        elif account.trading_state is TradingState.REDUCING and is_active:
            kind = CommandKind.REDUCE
        elif account.trading_state is TradingState.ACTIVE and not is_active:
            kind = CommandKind.ACTIVATE
        if kind is not None:
            intents = engine.command(EngineCommand(kind=kind))
            await self._decisions.follow(context, engine, intents)

    async def _follow_wish(self, context: Context, bot: Bot) -> bool:
        """Make one bot what people want it to be; tell whether the bots at work change."""
        is_traded = bot.id in self._traded()
        lines = [line for line in self._opened.plan.lines if line.bot.id == bot.id]
        held = [one for line in lines if (one := self._ledger.open.get(line.key)) is not None]
        if bot.desired is not Desired.STOPPED:
            if not is_traded:
                return True
            was_stopping = bot.condition in (Condition.STOPPING, Condition.IDLE)
            if was_stopping:
                # Started again while it still held something: with its newest configuration.
                self._opened.memory.configs.pop(bot.id, None)
                self._opened.memory.failed.pop(bot.id, None)
                _, events = await be(context.tx, bot, Condition.READY, cause="", at=self._clock.now())
                context.events.extend(events)
            return was_stopping or await self._reloaded(context, bot)
        if not is_traded:
            if bot.condition is not Condition.IDLE:
                _, events = await be(context.tx, bot, Condition.IDLE, cause="stopped", at=self._clock.now())
                context.events.extend(events)
            return False
        for line in lines:
            await self._cancel_entry(context, line)
        if needs_service(bot, held):
            cause = f"stopped; {len(held)} held with protection"
            _, events = await be(context.tx, bot, Condition.STOPPING, cause=cause, at=self._clock.now())
            context.events.extend(events)
            return False
        for line in lines:
            await self._opened.phases.rest(context, line)
        _, events = await be(context.tx, bot, Condition.IDLE, cause="stopped", at=self._clock.now())
        context.events.extend(events)
        return True

    async def _reloaded(self, context: Context, bot: Bot) -> bool:
        """Let a bot go on with the configuration that people want it to run by now."""
        wanted = self._opened.say.config_version(bot.id)
        if wanted <= self._opened.memory.configs.get(bot.id, bot.config_version):
            return False
        self._opened.memory.configs.pop(bot.id, None)
        self._opened.memory.failed.pop(bot.id, None)
        cause = f"configuration {bot.config_version}"
        _, events = await be(context.tx, bot, Condition.RECONCILING, cause=cause, at=self._clock.now())
        context.events.extend(events)
        return True

    async def _cancel_entry(self, context: Context, line: Line) -> None:
        engine = self._opened.engine
        if engine.position(line.index).pending_side:
            intents = engine.command(EngineCommand(kind=CommandKind.CANCEL, line=line.index))
            await self._decisions.follow(context, engine, intents)

    async def _cancel_wanted(self, context: Context) -> None:
        """End entries on paper that rest and that a person wants gone; on a live account the executor does."""
        if context.plan.account.is_live:
            return
        for line in self._opened.plan.lines:
            sequence = self._opened.memory.line(line.key).entry_sequence
            if not sequence:
                continue
            order = order_id(context.account_id, sequence)
            watch = await context.tx.execution.watch_of(context.workspace_id, order)
            if watch is not None and watch.cancel_reason:
                await self._cancel_entry(context, line)

    def _pause_lines(self) -> None:
        running = {bot.id for bot in self._seen.bots if bot.desired is Desired.RUNNING}
        if not self._seen.bots:
            running = {line.bot.id for line in self._opened.plan.lines if line.bot.desired is Desired.RUNNING}
        engine = self._opened.engine
        for line in self._opened.plan.lines:
            is_paused = line.bot.id not in running or line.bot.id in self._opened.failed
            if is_paused != engine.position(line.index).is_paused:
                kind = CommandKind.PAUSE if is_paused else CommandKind.RESUME
                engine.command(EngineCommand(kind=kind, line=line.index))

    def _lock_lines(self, context: Context) -> None:
        """A person's lock runs by the wall clock, the engine's by the bars: it is set anew for each close."""
        if not self._seen.locked:
            return
        engine, close_ms = self._opened.engine, to_ms(context.at)
        for line in self._opened.plan.lines:
            is_locked = line.pair in self._seen.locked or "" in self._seen.locked
            if is_locked and engine.position(line.index).locked_until_ms <= close_ms:
                engine.command(EngineCommand(kind=CommandKind.LOCK, line=line.index, until_ms=close_ms + 1))

    async def _close(self, context: Context, requests: Sequence[tuple[Line, CloseRequest]]) -> None:
        engine = self._opened.engine
        if any(one.reason is Reason.KILL_SWITCH for _, one in requests):
            intents = engine.command(EngineCommand(kind=CommandKind.KILL))
            await self._decisions.follow(context, engine, intents)
        for line, request in requests:
            refusal = ""
            if not engine.position(line.index).is_closing:
                try:
                    intents = engine.command(_close_command(line, engine.position(line.index), request))
                except InvalidInput as problem:
                    refusal = problem.message
                else:
                    await self._decisions.follow(context, engine, intents)
            await take_request(context.tx, context.workspace_id, request, self._clock.now(), refusal=refusal)

    async def _change_exits(self, context: Context) -> None:
        """Give positions the stops and targets that people asked for; what does not fit any more is answered so."""
        engine = self._opened.engine
        for line in self._opened.plan.lines:
            held = self._ledger.open.get(line.key)
            for request in await open_exit_requests(context.tx, held) if held is not None else ():
                refusal = ""
                try:
                    engine.command(_exits_command(line, request))
                except InvalidInput as problem:
                    refusal = problem.message
                else:
                    await self._ledger.stop_moved(context, engine, line, "by_hand")
                await take_exit_request(
                    context.tx, context.workspace_id, request, self._clock.now(), refusal=refusal
                )

    async def _watch_feed(self, context: Context, *, has_bars: bool, has_ended: bool) -> None:
        now_s = self._clock.monotonic()
        if has_bars:
            self._last_bar_s = now_s
        if has_ended:
            await self._conditions(context, Condition.READY, "the replay has ended")
            return
        age_s = now_s - self._last_bar_s
        limit_s = max(_STALL_LEAST_S, _STALL_BARS * self._opened.plan.timeframe.ms / 1_000)
        venue = self._opened.memory.venue
        if age_s > limit_s and not self._is_stalled:
            self._is_stalled = True
            context.events.append(
                FeedStalled(
                    workspace_id=context.workspace_id,
                    occurred_at=self._clock.now(),
                    account_id=context.account_id,
                    venue=venue,
                    age_s=age_s,
                )
            )
            await self._conditions(context, Condition.DEGRADED, f"no bar for {age_s:.0f} s")
        elif has_bars and self._is_stalled:
            self._is_stalled = False
            context.events.append(
                FeedRecovered(
                    workspace_id=context.workspace_id,
                    occurred_at=self._clock.now(),
                    account_id=context.account_id,
                    venue=venue,
                )
            )
            await self._conditions(context, Condition.READY, "")

    async def _conditions(self, context: Context, condition: Condition, cause: str) -> None:
        for known in self._seen.bots:
            if known.id not in self._traded() or known.desired is Desired.STOPPED:
                continue
            bot = await context.tx.bots.by_id(context.workspace_id, known.id)
            if bot is None or bot.condition not in (Condition.READY, Condition.DEGRADED):
                continue
            _, events = await be(context.tx, bot, condition, cause=cause, at=self._clock.now())
            context.events.extend(events)


def _close_command(line: Line, held: PositionView, request: CloseRequest) -> EngineCommand:
    """Give what closes a share of a position: whole steps, nothing too small for the venue, no dust behind."""
    part = part_to_close(
        held.quantity,
        request.share,
        instrument=line.instrument,
        price=Decimal(repr(held.mark)),
        stop=None if math.isnan(held.stop) else Decimal(repr(held.stop)),
    )
    lots = 0 if part.is_whole else line.instrument.lots(part.quantity)
    return EngineCommand(kind=CommandKind.CLOSE, line=line.index, lots=lots)


def _exits_command(line: Line, request: ExitsRequest) -> EngineCommand:
    if request.stop is not None:
        return EngineCommand(kind=CommandKind.SET_STOP, line=line.index, stop=float(request.stop))
    shares = SHARES[len(request.targets)]
    rest = 3 - len(request.targets)
    prices = [float(one) for one in request.targets] + [math.nan] * rest
    fractions = [float(one) for one in shares] + [0.0] * rest
    return EngineCommand(
        kind=CommandKind.SET_TARGETS,
        line=line.index,
        targets=(prices[0], prices[1], prices[2]),
        fractions=(fractions[0], fractions[1], fractions[2]),
    )

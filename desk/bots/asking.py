"""People's say in entries: semi-automatic bots ask before each one, and nothing goes against the market's direction.

An entry that waits is a row, written in the transaction of its bar; a person's answer is another change of that row.
So it survives a crash, is answered once, and is carried out once: at the next close after the yes, where the engine
sizes and checks it anew. What would be decided is found out on a copy of the engine, which is thrown away.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from desk.approvals import new_code
from desk.bots.context import Context, shown_price
from desk.bots.decisions import UNCONFIRMED, Decisions, Explain
from desk.bots.opening import Opened
from desk.bots.plan import Line
from desk.bots.trials import decided_alone, plan_of, signal_of, sized_to, trial
from desk.entry_views import Direction, EntryRequest, EntryState
from desk.execution.client_ids import stable_id
from trading.engine.views import AccountView, BarRow, EngineIntent
from trading.errors import InvariantBroken
from trading.events import Desired, EntryAsked, Phase, SignalLapsed, TradingState
from trading.orders import IntentKind
from trading.signals import Exit, Signal

#: The refusal of an entry against the direction that people set.
AGAINST = "market_direction"
#: The mark of a signal about which somebody was asked: while it lasts nobody is asked again.
ASKED = "asked"
#: The refusal of an entry that was asked for by hand and came to no close in time.
TOO_LATE = "too_late"

#: Exits that end the wish for a side.
_EXITS = {1: (Exit.LONG, Exit.ALL), -1: (Exit.SHORT, Exit.ALL)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the engine is told of a bar's signals.

    Attributes:
        signals: without the entries that wait for people, with those that people allowed.
        shown: the same with every entry, for whoever writes what followed.
        entering: allowed entries by line.
    """

    signals: Mapping[int, Signal]
    shown: Mapping[int, Signal]
    entering: Mapping[int, EntryRequest]


class Asking:
    """Holds entries back until people said yes."""

    def __init__(self, opened: Opened, decisions: Decisions) -> None:
        self._opened = opened
        self._decisions = decisions
        self._say = opened.say

    async def look(self, context: Context, now: datetime) -> None:
        """Look up what people said, and end what waited in vain."""
        tx, workspace_id, account_id = context.tx, context.workspace_id, context.account_id
        say = self._say
        say.now = now
        say.wishes = await tx.entries.wishes(workspace_id, account_id)
        direction = await tx.entries.direction(workspace_id, account_id)
        say.direction = direction.direction if direction else Direction.EVEN
        waiting = await tx.entries.open(workspace_id, account_id)
        say.waiting = {(one.bot_id, one.pair): one for one in waiting}
        if not (waiting or say.wishes):
            return
        if waiting:
            await self._end_stale(context, waiting)
        for line in self._opened.plan.lines:
            await self._put_back(context, line)

    async def hear(
        self,
        context: Context,
        rows: BarRow,
        signals: Mapping[int, Signal],
        *,
        closes: Mapping[str, float],
        account: AccountView,
        explain: Explain,
        may_enter: bool = True,
    ) -> Heard:
        """Give what the engine may hear of a bar's signals; ask people about the rest."""
        heard, shown = dict(signals), dict(signals)
        entering = await self._allowed(context, rows, signals, closes) if self._say.waiting else {}
        if not may_enter:
            entering = {}
        for index, request in entering.items():
            heard[index] = shown[index] = self._planned(rows, index, request)
        held = {
            index: one
            for index, one in signals.items()
            if one.enter and index not in entering and self._holds(context.line(index), one)
        }
        if held:
            for intent in trial(self._opened.engine, rows, heard):
                if intent.kind is not IntentKind.OPEN or intent.denied or intent.line not in held:
                    continue
                signal, line = held[intent.line], context.line(intent.line)
                heard[intent.line] = replace(signal, enter=0)
                if not self._say.direction.lets_in(signal.enter):
                    refused = replace(intent, denied=AGAINST)
                    await self._decisions.refuse(
                        context, self._opened.engine, line, refused, signal, closes, account, explain
                    )
                elif line.key not in self._say.waiting and not self._was_asked(line, signal):
                    await self._ask(context, line, intent, signal, closes[line.pair], account, explain)
        await self._tell_by_hand(context, rows, heard, entering, closes, account)
        return Heard(signals=heard, shown=shown, entering=entering)

    async def settle(self, context: Context, heard: Heard, intents: Sequence[EngineIntent]) -> None:
        """Write what became of the entries that people allowed."""
        decided = {one.line: one.denied for one in intents if one.kind is IntentKind.OPEN}
        for index, request in heard.entering.items():
            denied = decided.get(index, AGAINST)
            if request.is_by_hand and denied == UNCONFIRMED:
                # A wish by hand is one: it is held up to the engine until it was confirmed, or its time ran out.
                continue
            after = EntryState.REFUSED if denied else EntryState.ENTERED
            moved = await context.tx.entries.move(
                context.workspace_id,
                request.id,
                before=(EntryState.APPROVED,),
                after=after,
                outcome=denied,
                plan={**plan_of(heard.signals[index]), "tag": -1} if request.is_by_hand else None,
            )
            if moved:
                self._tell(context, request, after, denied)
            self._say.waiting.pop(context.line(index).key, None)

    # ------------------------------------------------------------ what waits

    async def _end_stale(self, context: Context, waiting: Sequence[EntryRequest]) -> None:
        lines = {line.key: line for line in self._opened.plan.lines}
        bots = {
            one.id: one for one in await context.tx.bots.of_account(context.workspace_id, context.account_id)
        }
        for request in waiting:
            bot, line = bots.get(request.bot_id), lines.get((request.bot_id, request.pair))
            is_wanted = (
                bot is not None
                and line is not None
                and bot.desired is not Desired.STOPPED
                and bot.trading_state is not TradingState.HALTED
            )
            is_over = request.expires_at <= self._say.now
            if not is_wanted or not (request.is_by_hand or self._say.asks(request.bot_id)):
                await self._end(context, request, EntryState.WITHDRAWN, "withdrawn")
            elif is_over and request.is_by_hand:
                await self._end(context, request, EntryState.EXPIRED, TOO_LATE)
            elif is_over and request.state is EntryState.WAITING:
                await self._end(context, request, EntryState.EXPIRED, "not_answered")

    async def _allowed(
        self, context: Context, rows: BarRow, signals: Mapping[int, Signal], closes: Mapping[str, float]
    ) -> dict[int, EntryRequest]:
        """Give the entries that people said yes to and that still make sense; end those that do not."""
        allowed: dict[int, EntryRequest] = {}
        for line in self._opened.plan.lines:
            request = self._say.waiting.get(line.key)
            if request is None or line.index not in rows:
                continue
            side = 1 if request.is_long else -1
            said = signals.get(line.index, Signal())
            close = shown_price(line.instrument, closes[line.pair])
            if request.is_by_hand and not self._is_free(line):
                await self._end(context, request, EntryState.REFUSED, "duplicate")
            elif request.is_by_hand and not self._say.direction.lets_in(side):
                await self._end(context, request, EntryState.REFUSED, AGAINST)
            elif not request.is_by_hand and (said.enter == -side or said.exit in _EXITS[side]):
                await self._end(context, request, EntryState.WITHDRAWN, "withdrawn")
            elif close is not None and request.has_drifted(close):
                await self._end(context, request, EntryState.DRIFTED, "drifted")
            elif request.state is EntryState.APPROVED and self._is_free(line):
                allowed[line.index] = request
        return allowed

    def _is_free(self, line: Line) -> bool:
        position = self._opened.engine.position(line.index)
        return position.side == 0 and position.pending_side == 0

    def _planned(self, rows: BarRow, index: int, request: EntryRequest) -> Signal:
        """Give the signal of an allowed entry, and let its line go on with the signal that was shown."""
        line, engine = self._opened.plan.lines[index], self._opened.engine
        memory = self._opened.memory.line(line.key)
        memory.last_denial = ""
        signal = signal_of(request.plan)
        if request.is_by_hand:
            # The house's own tag comes after the strategy's.
            signal = replace(signal, tag=len(line.strategy.tags))
            most = float(line.instrument.lots(request.quantity))
        else:
            memory.signal_id, memory.signal_side = request.signal_id, 1 if request.is_long else -1
            most = math.inf
        whole = decided_alone(engine, rows, index, signal)
        if whole is None or whole.denied:
            return signal
        wanted = min(most, float(request.share) * whole.lots)
        return signal if wanted >= whole.lots else sized_to(engine, rows, index, signal, wanted)

    async def _tell_by_hand(
        self,
        context: Context,
        rows: BarRow,
        heard: Mapping[int, Signal],
        entering: Mapping[int, EntryRequest],
        closes: Mapping[str, float],
        account: AccountView,
    ) -> None:
        """Write the signal of each entry that was asked for by hand, as the engine is about to decide it."""
        lines = self._opened.plan.lines
        fresh = {
            index: one
            for index, one in entering.items()
            if one.is_by_hand and self._opened.memory.line(lines[index].key).signal_id != one.signal_id
        }
        for intent in trial(self._opened.engine, rows, heard) if fresh else ():
            request = fresh.get(intent.line)
            if request is None or intent.kind is not IntentKind.OPEN:
                continue
            line, signal = context.line(intent.line), heard[intent.line]
            await self._decisions.make_room(context, line)
            await self._decisions.detected(
                context,
                self._opened.engine,
                line,
                intent,
                signal,
                closes[line.pair],
                account,
                lambda line: (),
                signal_id=request.signal_id,
            )
            memory = self._opened.memory.line(line.key)
            memory.signal_id, memory.signal_side = request.signal_id, signal.enter

    # ------------------------------------------------------------ asking

    def _holds(self, line: Line, signal: Signal) -> bool:
        return self._say.asks(line.bot.id) or not self._say.direction.lets_in(signal.enter)

    def _was_asked(self, line: Line, signal: Signal) -> bool:
        return self._opened.memory.line(line.key).last_denial == f"{signal.enter}:{ASKED}"

    async def _ask(
        self,
        context: Context,
        line: Line,
        intent: EngineIntent,
        signal: Signal,
        close: float,
        account: AccountView,
        explain: Explain,
    ) -> None:
        wish = self._say.wishes[line.bot.id]
        record = await self._decisions.detected(
            context, self._opened.engine, line, intent, signal, close, account, explain
        )
        self._opened.memory.line(line.key).last_denial = f"{signal.enter}:{ASKED}"
        now = self._say.now
        asked = EntryRequest(
            id=stable_id(context.account_id, "entry", record.id),
            workspace_id=context.workspace_id,
            account_id=context.account_id,
            bot_id=line.bot.id,
            pair=line.pair,
            code=new_code(),
            signal_id=record.id,
            is_long=signal.enter > 0,
            tag=record.tag,
            price=record.price,
            stop=shown_price(line.instrument, intent.stop),
            targets=record.targets,
            quantity=line.instrument.quantity_of(intent.lots),
            plan=plan_of(signal),
            state=EntryState.WAITING,
            drift_ratio=wish.drift_ratio,
            asked_at=now,
            expires_at=now + timedelta(seconds=wish.window_s),
        )
        for _ in range(5):
            if await context.tx.entries.ask(asked):
                break
            asked = replace(asked, code=new_code())
        else:
            raise InvariantBroken("Five codes of six letters were all in use.")
        self._say.waiting[line.key] = asked
        context.events.append(
            EntryAsked(
                workspace_id=context.workspace_id,
                occurred_at=context.at,
                account_id=context.account_id,
                bot_id=line.bot.id,
                pair=line.pair,
                code=asked.code,
                signal_id=record.id,
                is_long=asked.is_long,
                quantity=asked.quantity,
                price=asked.price,
                stop=asked.stop,
                targets=asked.targets,
                until=asked.expires_at,
                tag=asked.tag,
            )
        )

    # ------------------------------------------------------------ ends

    async def _end(self, context: Context, request: EntryRequest, after: EntryState, reason: str) -> None:
        """End a request and its signal; somebody's answer that came first stands."""
        moved = await context.tx.entries.move(
            context.workspace_id, request.id, before=(request.state,), after=after, outcome=reason
        )
        self._say.waiting.pop((request.bot_id, request.pair), None)
        if not moved:
            return
        memory = self._opened.memory.line((request.bot_id, request.pair))
        if not request.is_by_hand:
            await self._lapse(context, request, reason)
        elif memory.signal_id == request.signal_id:
            # It waited to be confirmed.
            memory.signal_id, memory.signal_side = "", 0
            await self._lapse(context, request, reason)
        self._tell(context, request, after, reason)

    async def _lapse(self, context: Context, request: EntryRequest, reason: str) -> None:
        await context.tx.signals.settle(
            context.workspace_id, request.signal_id, outcome="lapsed", reason=reason
        )
        context.events.append(
            SignalLapsed(
                workspace_id=context.workspace_id,
                occurred_at=context.at,
                account_id=context.account_id,
                bot_id=request.bot_id,
                pair=request.pair,
                signal_id=request.signal_id,
                reason=reason,
            )
        )

    def _tell(self, context: Context, request: EntryRequest, after: EntryState, reason: str) -> None:
        context.events.append(replace(request, state=after).answered(context.at, reason=reason))

    async def _put_back(self, context: Context, line: Line) -> None:
        """Look on where a signal ended with the answer."""
        memory = self._opened.memory.line(line.key)
        phases = self._opened.phases
        is_busy = (
            line.key in self._say.waiting or memory.signal_id or memory.entry_sequence or memory.position_id
        )
        if not is_busy and phases.of(line) is Phase.SIGNAL_DETECTED:
            await phases.go(context, line, Phase.MONITORING, cause="answered")

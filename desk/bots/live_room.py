"""The bots of a live account: the engine decides at every close, evidence moves it in between.

Bars and evidence take turns: each is one transaction in which rows, journal and the engine's saved state change
together. So a crash at any moment leaves a state that the next start reads back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from desk.bots.bar_rows import candle_events, status_of
from desk.bots.bar_step import BarStep
from desk.bots.context import Context, shown_price
from desk.bots.housekeeping import Housekeeping
from desk.bots.live_evidence import LiveEvidence, cash_of
from desk.bots.live_ledger import LiveLedger
from desk.bots.live_orders import LiveDecisions, LivePath
from desk.bots.live_rebuild import rebuild
from desk.bots.memory import pack
from desk.bots.opening import Opened, keep_history, read_rows, restored, warm
from desk.bots.state import be
from desk.bots.tools import Tools
from desk.clock import to_ms
from desk.execution.faults import faultpoint
from desk.execution.turns import Turn, Turns
from desk.ports import ClosedBars
from desk.venue_port import Venue
from desk.views import EquityPoint, FillRecord, Order, Position
from trading.engine.engine import CommandKind, EngineCommand
from trading.engine.views import EngineEvent, EventKind
from trading.errors import OperatorProblem, StoreProblem, StrategyFailure
from trading.events import Condition, Desired
from trading.instruments import Instrument
from trading.signals import Signal

#: A close that ended without closing is asked for again after this time.
_AGAIN_S = 5.0
#: Cash of less than this is not worth an event.
_CENT = Decimal("0.01")


class LiveRoom:
    """The engine of one live account, as the executor's listener and as the taker of bars."""

    def __init__(self, tools: Tools, turns: Turns, venue: Venue) -> None:
        self._tools = tools
        self._turns = turns
        self._venue = venue
        self._opened: Opened | None = None
        #: Why no bot can trade here; empty where one does or none wants to.
        self.cause = ""
        #: Evidence and rows agree: new risk may be taken.
        self.is_ready = False
        #: The bots at work changed; the room has to be opened anew.
        self.is_over = False
        #: Open time of the last committed bar.
        self.last_ms: int | None = None
        self._is_warm = False
        self._is_dirty = False
        self._closed_again_s = 0.0
        self._paid: dict[str, Decimal] | None = None
        turns.before_commit.append(self._save)
        turns.bars_held = self._bars_held

    @property
    def paid(self) -> Mapping[str, Decimal]:
        """What the account's fills moved, by currency, as it is counted here; empty before the first bar."""
        return dict(self._paid or {})

    @property
    def opened(self) -> Opened | None:
        """The account with its engine; None while no bot is at work."""
        return self._opened

    async def open(self) -> bool:
        """Read engine and bots from the rows; tell whether a bot is to be looked after.

        Raises:
            VenueBusy, VenueRefusal: the venue did not tell its trading rules.
        """
        account = self._turns.account
        async with self._tools.store.reading() as tx:
            is_needed = await read_rows(tx, account.workspace_id, account.id) is not None
        instruments = await self._venue.instruments() if is_needed else {}
        async with self._turns.turn() as turn:
            self._opened, self.cause, self.is_over, self._is_warm = None, "", False, False
            rows = await read_rows(turn.tx, account.workspace_id, account.id)
            if rows is None:
                return False
            try:
                self._require_prices()
                wanted = {pair for bot in rows.bots for pair in bot.pairs}
                opened = restored(
                    rows, self._tools.feed, self._tools.registry, _rules_of(wanted, instruments)
                )
            except (OperatorProblem, StrategyFailure) as problem:
                self.cause = problem.message
                return False
            is_rebuilt = rows.saved is None
            if is_rebuilt:
                await rebuild(turn, opened)
            await self._settle_in(turn, opened, is_rebuilt=is_rebuilt)
        return True

    async def warm(self) -> None:
        """Give strategies their past, tell that the bots are ready; afterwards bars may come.

        Raises:
            VenueProblem: the market cannot be asked now.
        """
        opened = self._known()
        await warm(opened, self._tools.store, self._tools.feed)
        await keep_history(opened, self._tools.store)
        async with self._turns.turn() as turn:
            if self.last_ms is None:
                # What closed before the first look is history, not news.
                closes = [int(past.ts_ms[-1]) for past in opened.history if len(past)]
                self.last_ms = max(closes, default=None)
            context = await self._context(turn)
            await self._keeping.begin(context)
            self._is_warm = self._is_dirty = True

    async def look(self, turn: Turn) -> None:
        """Make what people want of the bots so: pauses, stops, halts, closes and other exits, at once."""
        if self._opened is None:
            return
        context = await self._context(turn)
        before = self._opened.engine.account().last_sequence
        self.is_over = await self._keeping.look(context, has_bars=False, has_ended=False) or self.is_over
        await self._keeping.obey(context)
        await self._close_again(context)
        if self._is_warm:
            await self._tell_readiness(context)
        # Commands move more than sequences; what they change must be saved with what they caused.
        self._is_dirty = (
            self._is_dirty or bool(turn.events) or (self._opened.engine.account().last_sequence != before)
        )

    async def take(self, group: ClosedBars, *, is_newest: bool) -> None:
        """Take a closed bar: decide, and write what follows.

        Args:
            is_newest: no later bar is known; only then may its signals open something.
        """
        opened = self._known()
        async with self._turns.turn() as turn:
            context = await self._context(turn)
            if await self._keeping.look(context, has_bars=True, has_ended=False):
                self.is_over = True
                return
            context.bar_ms = group.ts_ms
            self._step.see(group)
            await self._settle_cash(context)
            await self._keeping.obey(context)
            why_not = self._why_not(group, is_newest=is_newest)

            async def sift(context: Context, signals: dict[int, Signal]) -> dict[int, Signal]:
                return await self._sift(context, signals, why_not)

            await self._step.decide(context, group, sift, may_enter=not why_not)
            await self._keeping.tell_failures(context)
            await self._write_bar(context, group)
        self.last_ms = group.ts_ms
        for one in candle_events(context, opened, group):
            self._tools.bus.publish_market(one)

    async def filled(self, turn: Turn, order: Order, fill: FillRecord) -> None:
        """An execution was booked."""
        if self._paid is not None:
            currency = fill.pair.partition("/")[2].partition(":")[0]
            self._paid[currency] = self._paid.get(currency, Decimal(0)) + cash_of(fill)
        if self._opened is not None:
            self._is_dirty = (
                await self._evidence.filled(await self._context(turn), order, fill) or self._is_dirty
            )

    async def ended(self, turn: Turn, order: Order) -> None:
        """An order will not fill any more."""
        if self._opened is not None:
            self._is_dirty = await self._evidence.ended(await self._context(turn), order) or self._is_dirty

    async def in_doubt(self, turn: Turn, order: Order, *, is_over: bool) -> None:
        """The fate of an order is unknown, or is known again."""
        if self._opened is not None:
            context = await self._context(turn)
            self._is_dirty = await self._evidence.in_doubt(context, order, is_over=is_over) or self._is_dirty

    def looks_after(self, position: Position) -> bool:
        """Tell whether a position is a bot's that is at work here."""
        return self._opened is not None and any(
            line.key == (position.bot_id, position.pair) for line in self._opened.plan.lines
        )

    async def tell(self, turn: Turn, condition: Condition, cause: str) -> None:
        """Write on the bots that are wanted how they are."""
        account = self._turns.account
        for bot in await turn.tx.bots.of_account(account.workspace_id, account.id):
            if bot.desired is not Desired.STOPPED and bot.condition is not Condition.ERROR:
                _, events = await be(turn.tx, bot, condition, cause=cause[:500], at=turn.at)
                turn.events.extend(events)

    def _known(self) -> Opened:
        assert self._opened is not None, "a room is opened before bars come"
        return self._opened

    def _require_prices(self) -> None:
        """Refuse a market that is another one than the account's venue.

        Raises:
            OperatorProblem: which market this process has.
        """
        venue, feed = self._turns.account.venue, self._tools.feed
        if feed.venue != venue:
            raise OperatorProblem(
                f"Bots of account '{self._turns.account.name}' need the prices of {venue}; this process has {feed.label}.",
                hint=f"Start it with BREAKWATER_MARKET={venue}.",
            )

    async def _settle_in(self, turn: Turn, opened: Opened, *, is_rebuilt: bool) -> None:
        """Put an opened account to work, brought to what the rows hold."""
        epoch = (await turn.tx.workspaces.install()).restore_epoch
        ledger = LiveLedger(opened.plan, opened.memory)
        decisions = LiveDecisions(opened.memory, opened.phases, ledger, restore_epoch=epoch)
        self._ledger, self._decisions = ledger, decisions
        self._evidence = LiveEvidence(opened, ledger, decisions)
        self._step = BarStep(opened, decisions, self._tools.clock, self._tools.models)
        self._keeping = Housekeeping(opened, ledger, decisions, self._tools.clock)
        self._opened = opened
        self.last_ms = opened.last_ms
        await self._evidence.catch_up(await self._context(turn), is_rebuilt=is_rebuilt)
        self._is_dirty = True

    async def _context(self, turn: Turn) -> Context:
        """Give a turn as a bar's bookkeeping sees it, with the holdings as they are now."""
        if self._turns.is_torn:
            raise StoreProblem("A transaction of this account failed; its engine is read anew from the rows.")
        opened = self._known()
        await self._ledger.refresh(turn.tx)
        path = LivePath(
            tx=turn.tx,
            venue=self._venue,
            epoch=self._turns.lease.epoch,
            at=turn.at,
            events=turn.events,
            turn=turn,
        )
        return Context(
            tx=turn.tx,
            plan=opened.plan,
            path=path,
            at=turn.at,
            bar_ms=self.last_ms or 0,
            events=turn.events,
        )

    def _why_not(self, group: ClosedBars, *, is_newest: bool) -> str:
        """Give why this bar's signals must not open anything; empty where they may."""
        age_s = self._tools.signal_age_s
        close_ms = group.ts_ms + self._known().plan.timeframe.ms
        is_old = age_s is not None and to_ms(self._tools.clock.now()) - close_ms > age_s * 1_000
        if not is_newest or is_old:
            return "stale_signal"
        return "" if self.is_ready else "reconciling"

    async def _sift(self, context: Context, signals: dict[int, Signal], why_not: str) -> dict[int, Signal]:
        """Keep back entries that must not be taken now; exits are always acted on."""
        opened = self._known()
        kept: dict[int, Signal] = {}
        for index, signal in signals.items():
            line = context.line(index)
            if signal.grid_levels:
                opened.failed[line.bot.id] = StrategyFailure(
                    f"Strategy '{line.bot.strategy}' of bot '{line.bot.name}' opens grids; grids trade on paper only.",
                    hint="Run it on a paper account.",
                )
                continue
            if signal.enter and why_not:
                close = opened.market.last_close[line.pair]
                price = shown_price(line.instrument, close) or Decimal(0)
                await self._decisions.keep_back(
                    context, opened.engine, line, signal, reason=why_not, price=price
                )
                signal = replace(signal, enter=0)
            if signal.enter or signal.exit:
                kept[index] = signal
        return kept

    async def _settle_cash(self, context: Context) -> None:
        """Let the bots count on no more cash than there is: what people took out, or spent by hand, is not theirs."""
        opened, account = self._known(), self._turns.account
        baseline = await context.tx.execution.baseline(account.workspace_id, account.id)
        if baseline is None:
            return
        if self._paid is None:
            # Added up once; from here on every fill is counted as it is booked. A turn that fails ends this room.
            self._paid = dict(await context.tx.execution.paid(account.workspace_id, account.id))
        currency = account.currency
        there = (
            Decimal(baseline.holdings.get(currency, "0"))
            + Decimal(baseline.flows.get(currency, "0"))
            + self._paid.get(currency, Decimal(0))
        )
        engine = opened.engine
        difference = min(opened.memory.cash, there) - Decimal(repr(engine.account().cash))
        if abs(difference) >= _CENT:
            sequence = engine.account().last_event + 1
            engine.apply(EngineEvent(kind=EventKind.FLOW, sequence=sequence, amount=float(difference)))

    async def _close_again(self, context: Context) -> None:
        """Ask again for closes that ended without closing, without waiting for the next bar."""
        now_s = self._tools.clock.monotonic()
        if not self._evidence.unclosed or now_s - self._closed_again_s < _AGAIN_S:
            return
        self._closed_again_s = now_s
        engine = self._known().engine
        for index in sorted(self._evidence.unclosed):
            if engine.position(index).is_open and not engine.position(index).is_closing:
                intents = engine.command(EngineCommand(kind=CommandKind.CLOSE, line=index))
                await self._decisions.follow(context, engine, intents)
                self._is_dirty = True
        self._evidence.unclosed.clear()

    async def _tell_readiness(self, context: Context) -> None:
        """RECONCILING while the account is compared, READY when every answer was explicit."""
        wanted, cause = (
            (Condition.READY, "") if self.is_ready else (Condition.RECONCILING, "comparing with the venue")
        )
        before = Condition.RECONCILING if self.is_ready else Condition.READY
        for bot in await context.tx.bots.of_account(context.workspace_id, context.account_id):
            if bot.desired is not Desired.STOPPED and bot.condition is before:
                _, events = await be(context.tx, bot, wanted, cause=cause, at=context.at)
                context.events.extend(events)

    async def _write_bar(self, context: Context, group: ClosedBars) -> None:
        opened, account = self._known(), self._turns.account
        for fresh in opened.market.take_fresh():
            await context.tx.candles.add(fresh)
        await self._ledger.mark(context, opened.engine)
        equity = self._ledger.equity()
        await context.tx.accounts.add_equity(
            account.workspace_id, account.id, [EquityPoint(at=context.at, equity=equity)]
        )
        await context.tx.accounts.save_status(account.workspace_id, status_of(context, opened, equity))
        bots = list(dict.fromkeys(line.bot.id for line in opened.plan.lines))
        await context.tx.bots.saw_bar(account.workspace_id, bots, context.at)
        self.last_ms = group.ts_ms
        self._is_dirty = True

    async def _save(self, turn: Turn) -> None:
        """Keep the engine's state with what it follows from, before the commit."""
        if self._opened is None or not self._is_dirty:
            return
        account = self._turns.account
        data = pack(self._opened.memory, self._opened.engine.snapshot())
        bar_ms = -1 if self.last_ms is None else self.last_ms
        await turn.tx.accounts.save_snapshot(account.workspace_id, account.id, bar_ms, data)
        faultpoint("k14")
        self._is_dirty = False

    def _bars_held(self, position: Position) -> int:
        """Give how many bars a position was held, before its last fill reaches the engine."""
        if self._opened is None:
            return 0
        for line in self._opened.plan.lines:
            if line.key == (position.bot_id, position.pair):
                return self._opened.engine.position(line.index).bars_held
        return 0


def _rules_of(pairs: set[str], known: Mapping[str, Instrument]) -> Mapping[str, Instrument]:
    missing: Sequence[str] = sorted(pairs - set(known))
    if missing:
        raise OperatorProblem(
            f"The venue does not trade {', '.join(missing)}.", hint="Give the bot pairs that it trades."
        )
    return known

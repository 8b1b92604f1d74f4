"""Compares an account with its venue: at the start before anything is sent, and again and again.

Missing is not flat and null is not zero: every question must be answered completely, otherwise the comparison is
incomplete and the account goes on RECONCILING. Fills that we missed are booked, orders that are not ours are adopted
as EXTERNAL, orders that we think are open and the venue does not list are asked about one by one. A difference in
holdings is an incident that a person settles; positions are moved by fills alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import structlog

from desk.clock import Clock, to_ms
from desk.execution.calling import Calls
from desk.execution.faults import faultpoint
from desk.execution.guarding import Guardian
from desk.execution.incidents import close_incident, open_incident
from desk.execution.intake import Intake
from desk.execution.resolving import Resolver
from desk.execution.turns import Turn, Turns
from desk.identity import new_id
from desk.order_views import Baseline, IncidentKind, Reconciliation
from desk.venue_port import Balance, VenueBusy, VenueOrder, VenuePosition, VenueRefusal, VenueTrade
from desk.views import Order, Position
from trading.events import AccountReconciled
from trading.instruments import Instrument
from trading.orders import OrderState, Reason

log = structlog.get_logger(__name__)

#: Trades are asked from so long before the last complete comparison.
OVERLAP_S = 120.0
#: Our clock may be so far from the venue's before people are told, and before nothing signed is sent.
OFFSET_TOLD_MS, OFFSET_REFUSED_MS = 500, 5_000


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that a venue was asked."""

    offset_ms: int
    instruments: Mapping[str, Instrument]
    balances: Mapping[str, Balance]
    positions: Sequence[VenuePosition]
    open_orders: Sequence[VenueOrder]
    trades: Sequence[VenueTrade]
    asked_ms: int


class Reconciler:
    """Compares one account with its venue."""

    def __init__(
        self, turns: Turns, calls: Calls, intake: Intake, resolver: Resolver, guardian: Guardian, clock: Clock
    ) -> None:
        self._turns = turns
        self._calls = calls
        self._intake = intake
        self._resolver = resolver
        self._guardian = guardian
        self._clock = clock
        #: The pairs that were ever traded or are to be; their trades are asked for.
        self.pairs: set[str] = set()
        #: Venue clock less ours at the last comparison.
        self.offset_ms = 0

    async def compare(self, *, cause: str) -> Reconciliation:
        """Ask everything, book what is missing, compare; give how it went."""
        run = await self._begin(cause)
        booked, adopted = self._intake.booked, self._intake.adopted
        try:
            answers = await self._ask(run)
            faultpoint("k15b")
            await self._write(answers)
            faultpoint("k15c")
            await self._ask_about_missing(answers)
            faultpoint("k15d")
            is_steady = booked == self._intake.booked or await self._is_steady(answers)
        except (VenueBusy, VenueRefusal) as problem:
            log.warning("comparison_incomplete", account_id=self._turns.account.id, error=str(problem))
            return await self._finish(run, "incomplete", {"why": str(problem)[:500]}, 0, 0, seen_ms=0)
        differences = await self._differences(answers) if is_steady else None
        detail: dict[str, object] = {"cause": cause}
        if differences:
            detail["differences"] = differences
        return await self._finish(
            run,
            "differs" if differences else "agreed",
            detail,
            self._intake.booked - booked,
            self._intake.adopted - adopted,
            seen_ms=answers.asked_ms,
        )

    async def _begin(self, cause: str) -> Reconciliation:
        account = self._turns.account
        async with self._turns.turn() as turn:
            faultpoint("k15a")
            last = await turn.tx.execution.last_reconciliation(
                account.workspace_id, account.id, is_complete=True
            )
            self.pairs |= {
                one.pair for one in await turn.tx.orders.unsettled(account.workspace_id, account.id)
            }
            self.pairs |= {one.pair for one in await turn.tx.positions.open(account.workspace_id, account.id)}
            self.pairs |= set(await turn.tx.execution.held(account.workspace_id, account.id))
            run = Reconciliation(
                id=new_id(),
                workspace_id=account.workspace_id,
                account_id=account.id,
                began_at=turn.at,
                ended_at=None,
                outcome="running",
                seen_ms=last.seen_ms if last else to_ms(account.created_at),
                detail={"cause": cause},
            )
            await turn.tx.execution.save_reconciliation(run)
        return run

    async def _ask(self, run: Reconciliation) -> Answers:
        """Ask for everything; any question that stays open raises."""
        venue, read = self._calls.venue, self._calls.read
        self.offset_ms = await read(venue.clock_offset_ms, key="clock")
        instruments = await read(venue.instruments, key="instruments")
        self._guardian.instruments = instruments
        self._turns.steps = {pair: one.step for pair, one in instruments.items()}
        asked_ms = to_ms(self._clock.now()) + self.offset_ms
        # Orders before trades: what fills in between is in the trades. Balances last: they are compared with both.
        open_orders = await read(venue.open_orders, key="open orders")
        pairs = sorted(self.pairs | {one.pair for one in open_orders})
        since_ms = run.seen_ms - round(OVERLAP_S * 1_000)
        trades: list[VenueTrade] = []
        for pair in pairs:
            trades += await read(lambda pair=pair: venue.trades(pair, since_ms), key=pair)  # type: ignore[misc]
        positions = await read(venue.positions, key="positions")
        balances = await read(venue.balances, key="balances")
        return Answers(
            offset_ms=self.offset_ms,
            instruments=instruments,
            balances=balances,
            positions=positions,
            open_orders=open_orders,
            trades=trades,
            asked_ms=asked_ms,
        )

    async def _write(self, answers: Answers) -> None:
        account = self._turns.account
        async with self._turns.turn() as turn:
            await self._keep_baseline(turn, answers)
            known = await turn.tx.execution.known_trades(
                account.id, [one.venue_trade_id for one in answers.trades]
            )
            ours = {
                one.client_order_id: one
                for one in await turn.tx.orders.unsettled(account.workspace_id, account.id)
            }
            if abs(answers.offset_ms) > OFFSET_TOLD_MS:
                await open_incident(turn, IncidentKind.CLOCK, account.venue, {"offset_ms": answers.offset_ms})
            else:
                await close_incident(turn, IncidentKind.CLOCK, account.venue)
        fresh = [one for one in answers.trades if one.venue_trade_id not in known]
        news = [one for one in answers.open_orders if _is_news(one, ours.get(one.client_order_id))]
        await self._intake.take([*fresh, *news])

    async def _keep_baseline(self, turn: Turn, answers: Answers) -> None:
        """Remember what was there before us, at the very first comparison."""
        account = turn.account
        if await turn.tx.execution.baseline(account.workspace_id, account.id) is not None:
            return
        held = await turn.tx.execution.held(account.workspace_id, account.id)
        paid = await turn.tx.execution.paid(account.workspace_id, account.id)
        moved = _by_asset(held, paid)
        missed = _effects(
            [
                one
                for one in answers.trades
                if one.venue_trade_id
                not in await turn.tx.execution.known_trades(account.id, (one.venue_trade_id,))
            ]
        )
        await turn.tx.execution.save_baseline(
            Baseline(
                account_id=account.id,
                workspace_id=account.workspace_id,
                holdings={
                    asset: str(one.total - moved.get(asset, Decimal(0)) - missed.get(asset, Decimal(0)))
                    for asset, one in answers.balances.items()
                },
                taken_at=turn.at,
            )
        )

    async def _ask_about_missing(self, answers: Answers) -> None:
        """Ask, one by one, about orders that we think are open and that the venue does not list."""
        account = self._turns.account
        async with self._turns.reading() as tx:
            unsettled = await tx.orders.unsettled(account.workspace_id, account.id)
            watches = await tx.execution.watches(account.workspace_id, account.id)
        listed = {one.client_order_id for one in answers.open_orders if one.client_order_id}
        listed |= {one.venue_order_id for one in answers.open_orders}
        for order in unsettled:
            is_listed = order.client_order_id in listed or order.venue_order_id in listed
            watch = watches.get(order.id)
            if order.state not in (OrderState.ACCEPTED, OrderState.PARTIAL) or is_listed:
                continue
            if order.reason is Reason.EXTERNAL and watch is None:
                await self._ask_external(order)
            elif watch is not None:
                await self._resolver.resolve(order, watch)

    async def _ask_external(self, order: Order) -> None:
        """Somebody else's order is gone from the open list: look for its end in the closed one."""
        since_ms = to_ms(order.created_at) - round(OVERLAP_S * 1_000)
        closed = await self._calls.read(
            lambda: self._calls.venue.closed_orders(order.pair, since_ms), key=order.id
        )
        await self._intake.take([one for one in closed if one.venue_order_id == order.venue_order_id])

    async def _is_steady(self, answers: Answers) -> bool:
        """Something was booked: look whether the balances still are what they were when they are compared."""
        balances = await self._calls.read(self._calls.venue.balances, key="balances")
        return {one.asset: one.total for one in balances.values()} == {
            one.asset: one.total for one in answers.balances.values()
        }

    async def _differences(self, answers: Answers) -> list[dict[str, str]]:
        """Give what the venue holds beside what our fills say; open and settle the incidents about it."""
        account = self._turns.account
        async with self._turns.turn() as turn:
            held = await turn.tx.execution.held(account.workspace_id, account.id)
            paid = await turn.tx.execution.paid(account.workspace_id, account.id)
            baseline = await turn.tx.execution.baseline(account.workspace_id, account.id)
            open_positions = await turn.tx.positions.open(account.workspace_id, account.id)
            expected = _expected(baseline, held, paid)
            if self._calls.venue.rules.is_spot:
                found = await self._spot(turn, answers, expected, baseline, open_positions)
            else:
                found = _margin(answers, open_positions)
            await self._tell(turn, found)
            for position in open_positions:
                turn.touched.add(position.id)
        return found

    async def _spot(
        self,
        turn: Turn,
        answers: Answers,
        expected: Mapping[str, Decimal],
        baseline: Baseline | None,
        open_positions: Sequence[Position],
    ) -> list[dict[str, str]]:
        """A surplus or a change of cash is a flow of money that people made; coins of a position that lack are not."""
        steps = {one.base: one.step for one in answers.instruments.values()}
        held: dict[str, Decimal] = {}
        for one in open_positions:
            base = one.pair.partition("/")[0]
            held[base] = held.get(base, Decimal(0)) + one.quantity
        found: list[dict[str, str]] = []
        flows = dict(baseline.flows) if baseline else {}
        for asset in sorted({*expected, *answers.balances}):
            actual = answers.balances[asset].total if asset in answers.balances else Decimal(0)
            step = steps.get(asset, Decimal("1e-8"))
            difference = actual - expected.get(asset, Decimal(0))
            if held.get(asset, Decimal(0)) - actual >= step:
                found.append({"asset": asset, "expected": str(held[asset]), "found": str(actual)})
            elif abs(difference) >= step:
                flows[asset] = str(Decimal(flows.get(asset, "0")) + difference)
        if baseline is not None and flows != dict(baseline.flows):
            await turn.tx.execution.save_baseline(replace(baseline, flows=flows))
        return found

    async def _tell(self, turn: Turn, found: Sequence[Mapping[str, str]]) -> None:
        account = turn.account
        differing = {one["asset"] for one in found}
        for incident in await turn.tx.execution.open_incidents(account.workspace_id, account.id):
            agrees = incident.kind is IncidentKind.DIFFERENCE and incident.subject not in differing
            if agrees or await self._guardian.is_settled(turn, incident):
                await close_incident(turn, incident.kind, incident.subject)
        for one in found:
            await open_incident(turn, IncidentKind.DIFFERENCE, one["asset"], one)

    async def _finish(
        self,
        run: Reconciliation,
        outcome: str,
        detail: Mapping[str, object],
        fills: int,
        adopted: int,
        *,
        seen_ms: int,
    ) -> Reconciliation:
        async with self._turns.turn() as turn:
            faultpoint("k15e")
            ended = replace(
                run,
                ended_at=turn.at,
                outcome=outcome,
                seen_ms=seen_ms or run.seen_ms,
                detail={**detail, "fills": fills, "adopted": adopted},
            )
            await turn.tx.execution.save_reconciliation(ended)
            is_news = outcome != "agreed" or fills or adopted or detail.get("cause") != "schedule"
            if is_news:
                turn.events.append(
                    AccountReconciled(
                        workspace_id=run.workspace_id,
                        occurred_at=turn.at,
                        account_id=run.account_id,
                        outcome=outcome,
                        fills=fills,
                        adopted=adopted,
                        detail=str(detail.get("why", "")),
                    )
                )
        return ended


def _is_news(said: VenueOrder, known: Order | None) -> bool:
    """Tell whether an open order says something that its row does not."""
    if known is None:
        return True
    if known.state in (OrderState.ACCEPTED, OrderState.PARTIAL, OrderState.CANCEL_PENDING):
        return said.filled_quantity > known.filled_quantity
    return True


def _by_asset(held: Mapping[str, Decimal], paid: Mapping[str, Decimal]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = dict(paid)
    for pair, quantity in held.items():
        base = pair.partition("/")[0]
        found[base] = found.get(base, Decimal(0)) + quantity
    return found


def _effects(trades: Sequence[VenueTrade]) -> dict[str, Decimal]:
    """Give what executions did to each asset."""
    found: dict[str, Decimal] = {}
    for one in trades:
        base, _, quote = one.pair.partition("/")
        sign = 1 if one.side.value == "buy" else -1
        found[base] = found.get(base, Decimal(0)) + sign * one.quantity - one.base_fee
        cash = -sign * one.quantity * one.price - (Decimal(0) if one.base_fee else one.fee)
        found[quote] = found.get(quote, Decimal(0)) + cash
    return found


def _expected(
    baseline: Baseline | None, held: Mapping[str, Decimal], paid: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    expected = _by_asset(held, paid)
    if baseline is not None:
        for asset, amount in (*baseline.holdings.items(), *baseline.flows.items()):
            expected[asset] = expected.get(asset, Decimal(0)) + Decimal(amount)
    return expected


def _margin(answers: Answers, open_positions: Sequence[Position]) -> list[dict[str, str]]:
    ours: dict[str, Decimal] = {}
    for one in open_positions:
        ours[one.pair] = ours.get(one.pair, Decimal(0)) + (one.quantity if one.is_long else -one.quantity)
    theirs = {one.pair: one.quantity for one in answers.positions}
    return [
        {
            "asset": pair,
            "expected": str(ours.get(pair, Decimal(0))),
            "found": str(theirs.get(pair, Decimal(0))),
        }
        for pair in sorted({*ours, *theirs})
        if ours.get(pair, Decimal(0)) != theirs.get(pair, Decimal(0))
    ]

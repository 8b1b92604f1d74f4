"""What people ask of the owner of an account: compare now, accept a difference, close the breaker."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from desk.execution.incidents import close_incident
from desk.execution.splitting import CORRECTION
from desk.execution.turns import Turn, Turns
from desk.order_views import AccountRequest, Incident, IncidentKind, RequestKind
from desk.venue_port import VenueTrade
from desk.views import Position
from trading.fills import Liquidity
from trading.orders import Side

if TYPE_CHECKING:
    from desk.execution.executor import Executor


class Asked:
    """Does the requests that wait."""

    def __init__(self, turns: Turns, executor: Executor) -> None:
        self._turns = turns
        self._executor = executor

    async def take(self) -> int:
        """Do every request that waits, once each; give how many there were."""
        account = self._turns.account
        async with self._turns.reading() as tx:
            waiting = await tx.execution.requests(account.workspace_id, account.id)
        for request in waiting:
            answer = await self._do(request)
            async with self._turns.turn() as turn:
                await turn.tx.execution.answer(account.workspace_id, request.id, answer, turn.at)
        return len(waiting)

    async def _do(self, request: AccountRequest) -> str:
        if request.kind is RequestKind.RESET_BREAKER:
            self._executor.breaker.reset()
            return "closed"
        if request.kind is RequestKind.MEND:
            async with self._turns.turn() as turn:
                turn.touched.add(str(request.params["position_id"]))
            return "mended"
        if request.kind is RequestKind.ACCEPT_DIFFERENCES:
            return await self._accept(request)
        return "agreed" if await self._executor.compare(cause=request.actor) else "incomplete"

    async def _accept(self, request: AccountRequest) -> str:
        """Book what is gone as sold by hand at its last price, tagged as a correction; then compare again."""
        account = self._turns.account
        async with self._turns.reading() as tx:
            incidents = [
                one
                for one in await tx.execution.open_incidents(account.workspace_id, account.id)
                if one.kind is IncidentKind.DIFFERENCE
            ]
            held = await tx.positions.open(account.workspace_id, account.id)
        corrections = [one for incident in incidents for one in _corrections(incident, held)]
        await self._executor.intake.take(corrections)
        async with self._turns.turn() as turn:
            await self._settle(turn, incidents, request.actor)
        await self._executor.compare(cause=request.actor)
        return f"{len(corrections)} corrections"

    async def _settle(self, turn: Turn, incidents: list[Incident], actor: str) -> None:
        for incident in incidents:
            await close_incident(turn, IncidentKind.DIFFERENCE, incident.subject, by=actor)


def _corrections(incident: Incident, held: Sequence[Position]) -> list[VenueTrade]:
    """Give the trades by hand that would explain a difference; their ids follow from the incident."""
    found = Decimal(incident.detail["found"])
    positions: list[Position] = [
        one for one in held if incident.subject in (one.pair, one.pair.partition("/")[0])
    ]
    lacking = sum((one.quantity for one in positions), Decimal(0)) - abs(found)
    corrections = []
    for one in sorted(positions, key=lambda position: position.opened_at):
        part = min(lacking, one.quantity)
        if part <= 0:
            break
        lacking -= part
        corrections.append(
            VenueTrade(
                venue_trade_id=f"{CORRECTION}{incident.id}:{one.id}",
                venue_order_id=f"{CORRECTION}{incident.id}:{one.id}",
                client_order_id="",
                pair=one.pair,
                side=Side.SELL if one.is_long else Side.BUY,
                price=one.mark_price,
                quantity=part,
                fee=Decimal(0),
                liquidity=Liquidity.TAKER,
                traded_at_ms=round(incident.opened_at.timestamp() * 1_000),
            )
        )
    return corrections

"""Executors with the classic mistakes; the checker must catch each, or it is worth nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from desk.execution.executor import Executor
from desk.execution.exits import WantedExit
from desk.execution.guarding import Guardian
from desk.execution.intake import Intake
from desk.execution.moves import move
from desk.execution.order_path import request_of
from desk.execution.resolving import Resolver
from desk.execution.sending import Sender
from desk.execution.turns import Turn
from desk.order_views import OrderWatch, Protection
from desk.venue_port import OutcomeUnknown, VenueBusy, VenueRefusal, VenueTrade
from desk.views import Order
from trading.errors import VenueProblem
from trading.orders import OrderState

_numbers = count(1)


class _SendsBeforeCommit(Sender):
    """The bytes go out, then the claim is written."""

    async def send(self, order: Order) -> None:
        try:
            placement = await self._calls.write(lambda: self._calls.venue.place(request_of(order)))
        except (VenueBusy, VenueRefusal, OutcomeUnknown):
            return
        from desk.execution.faults import faultpoint

        faultpoint("k04")
        claimed = await self._claim(order)
        if claimed is not None:
            await self._accepted(claimed, placement)


class _Resubmits(Sender):
    """No answer is taken for a no: the order is sent again."""

    async def _in_doubt(self, order: Order, problem: VenueProblem) -> None:
        async with self._turns.turn() as turn:
            await move(turn, order, OrderState.INTENT, evidence="timed out")


class _CountsTwice(Intake):
    """Every message is news, also the second time."""

    async def _trade(self, turn: Turn, said: VenueTrade) -> bool:
        known = await turn.tx.execution.known_trades(turn.account.id, (said.venue_trade_id,))
        if known:
            said = replace(said, venue_trade_id=f"{said.venue_trade_id}/2{next(_numbers)}")
        return await super()._trade(turn, said)


class _TakesSilenceForNo(Resolver):
    """Not found is cancelled."""

    async def _absent(self, order: Order, watch: OrderWatch) -> None:
        async with self._turns.turn() as turn:
            current = await turn.tx.orders.by_id(order.workspace_id, order.id)
            if current is None or current.state is not order.state:
                return
            if current.state in (OrderState.UNKNOWN, OrderState.CANCEL_PENDING):
                ended = await move(turn, current, OrderState.CANCELED, evidence="not found")
                await self._intake.ended(turn, ended)


class _GivesUp(Guardian):
    """An exit that was refused once is nobody's business any more."""

    async def _place(self, turn: Turn, protection: Protection, want: WantedExit) -> None:
        if not await self._refused(turn, protection.position_id, want.order_type, leg=want.leg):
            await super()._place(turn, protection, want)


class SendsBeforeCommit(Executor):
    """Broken build a."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.sender = _SendsBeforeCommit(self._turns, self.calls, self.intake, self.guardian, self._listener)


class Resubmits(Executor):
    """Broken build b."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.sender = _Resubmits(self._turns, self.calls, self.intake, self.guardian, self._listener)


class CountsTwice(Executor):
    """Broken build c."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        broken = _CountsTwice(self._turns, self._listener, venue=self._venue.name, rules=self._venue.rules)
        self.intake = self.resolver._intake = self.sender._intake = self.reconciler._intake = broken


class TakesSilenceForNo(Executor):
    """Broken build d."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        broken = _TakesSilenceForNo(self._turns, self.calls, self.intake, self._listener)
        self.resolver = self.reconciler._resolver = broken


class GivesUp(Executor):
    """A broken guardian: positions lie bare, and nobody is told."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.guardian.__class__ = _GivesUp


BROKEN: dict[str, type[Executor]] = {
    "send before commit": SendsBeforeCommit,
    "blind resubmit on timeout": Resubmits,
    "no inbox dedupe": CountsTwice,
    "not found means cancelled": TakesSilenceForNo,
}
#: Caught only where protection is judged and venues refuse: in histories.
BARE: dict[str, type[Executor]] = {"a refused stop is given up": GivesUp}

"""What a venue said becomes rows: the only thing that ends a sent order or moves a position.

Evidence comes repeated, out of order, late, and twice by different ways. A trade counts once by its id. An order ends
only when every execution that the venue counts on it is booked; until then its pair is named as one whose trades
must be asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from desk.clock import from_ms
from desk.execution import holdings
from desk.execution.client_ids import stable_id
from desk.execution.drafts import take_place
from desk.execution.faults import faultpoint
from desk.execution.incidents import close_incident, open_incident
from desk.execution.moves import average_after, filled, move, placed
from desk.execution.names import EXTERNAL, LATE
from desk.execution.splitting import CORRECTION, Part, parts_of
from desk.execution.turns import Listener, Turn, Turns
from desk.order_views import IncidentKind, OrderWatch
from desk.venue_port import VenueOrder, VenueRules, VenueTrade
from desk.views import FillRecord, Order
from trading.orders import TERMINAL, OrderState, OrderType, Reason, may_go

#: Begins the reason of a wish to cancel whose rest is placed anew at the price that follows.
REPRICE = "reprice:"
#: Pieces of evidence in one transaction.
_AT_ONCE = 100

_IN_DOUBT = (OrderState.CLAIMED, OrderState.UNKNOWN)


class Intake:
    """Writes evidence of one account."""

    def __init__(self, turns: Turns, listener: Listener, *, venue: str, rules: VenueRules) -> None:
        self._turns = turns
        self._listener = listener
        self._venue = venue
        self._rules = rules
        #: Executions booked and foreign orders adopted so far.
        self.booked = 0
        self.adopted = 0

    async def take(self, said: Sequence[VenueOrder | VenueTrade]) -> set[str]:
        """Write evidence; give the pairs whose trades have to be asked for."""
        trades = sorted(
            (one for one in said if isinstance(one, VenueTrade)),
            key=lambda one: (one.traded_at_ms, one.venue_trade_id),
        )
        orders = [one for one in said if isinstance(one, VenueOrder)]
        asked: set[str] = set()
        everything: list[VenueOrder | VenueTrade] = [*trades, *orders]
        for first in range(0, len(everything), _AT_ONCE):
            faultpoint("k09")
            async with self._turns.turn() as turn:
                for one in everything[first : first + _AT_ONCE]:
                    is_short = (
                        await self._trade(turn, one)
                        if isinstance(one, VenueTrade)
                        else await self._order(turn, one)
                    )
                    if is_short:
                        asked.add(one.pair)
                faultpoint("k10")
            faultpoint("k11")
        return asked

    async def ended(self, turn: Turn, order: Order) -> None:
        """Tell whoever must know that an order will not fill any more, and place its rest anew where that is wanted."""
        if order.position_id:
            turn.touched.add(order.position_id)
            turn.freed.add(order.position_id)
        watch = await turn.tx.execution.watch_of(order.workspace_id, order.id)
        left = order.quantity - order.filled_quantity
        if (
            watch is not None
            and watch.cancel_reason.startswith(REPRICE)
            and order.state is OrderState.CANCELED
            and left > 0
        ):
            span = watch.rest_until - order.created_at if watch.rest_until else None
            faultpoint("k16c")
            await take_place(
                turn,
                order,
                why=f"reprice-{watch.reprices_left}",
                quantity=left,
                price=Decimal(watch.cancel_reason.removeprefix(REPRICE)),
                rest_until=turn.at + span if span else None,
                reprices_left=watch.reprices_left - 1,
            )
            return
        if _is_wanted_still(order, watch):
            # Proved absent, and nothing of it was filled: the same exit goes out anew under an id of its own, and
            # whoever wanted it, an engine or a person, goes on waiting for it.
            await take_place(turn, order, why="absent", quantity=left, binding=order.binding)
            return
        await self._listener.ended(turn, order)

    async def _order(self, turn: Turn, said: VenueOrder) -> bool:
        """Write what the venue says of an order; tell whether executions are missing."""
        order = await self._ours(turn, said.client_order_id, said.venue_order_id)
        if order is None:
            if not said.client_order_id and await self._is_doubtful(turn, said.pair):
                return True
            if said.state not in TERMINAL:
                await self._adopt(turn, said)
            return said.filled_quantity > 0
        if order.state in TERMINAL:
            if said.state not in TERMINAL and order.state is OrderState.NOT_PLACED:
                await self._came_late(turn, order, said.venue_order_id, said)
            return said.filled_quantity > order.filled_quantity
        is_short = said.filled_quantity > order.filled_quantity
        if order.state is OrderState.INTENT:
            # A database that went back in time knows less than the venue: follow the venue.
            order = await move(turn, order, OrderState.CLAIMED, evidence="found at the venue")
        if order.state in _IN_DOUBT and (
            said.state not in TERMINAL or is_short or said.state is OrderState.FILLED
        ):
            order = await self._known(turn, order, said.venue_order_id)
        if said.state in TERMINAL and said.state is not OrderState.FILLED and not is_short:
            await self._end(turn, order, said)
        return is_short

    async def _known(self, turn: Turn, order: Order, venue_order_id: str) -> Order:
        """The venue has it: whatever was in doubt is not any more."""
        was_unknown = order.state is OrderState.UNKNOWN
        order = await move(
            turn,
            order,
            OrderState.ACCEPTED,
            evidence=f"{self._venue} venue",
            venue_order_id=venue_order_id or None,
        )
        if was_unknown:
            await self._out_of_doubt(turn, order)
        return order

    async def _out_of_doubt(self, turn: Turn, order: Order) -> None:
        await close_incident(turn, IncidentKind.UNRESOLVED, order.id)
        await self._listener.in_doubt(turn, order, is_over=True)
        if order.position_id:
            turn.touched.add(order.position_id)

    async def _end(self, turn: Turn, order: Order, said: VenueOrder) -> None:
        was_unknown = order.state is OrderState.UNKNOWN
        after = said.state if may_go(order.state, said.state) else OrderState.EXPIRED
        ended = await move(
            turn, order, after, evidence=f"{self._venue} venue", venue_order_id=said.venue_order_id or None
        )
        if was_unknown:
            await self._out_of_doubt(turn, ended)
        await self.ended(turn, ended)

    async def _trade(self, turn: Turn, said: VenueTrade) -> bool:
        """Book an execution once; tell whether it has to be asked for again."""
        account = turn.account
        if await turn.tx.execution.known_trades(account.id, (said.venue_trade_id,)):
            return False
        order = await self._ours(turn, said.client_order_id, said.venue_order_id)
        if order is None:
            if not said.client_order_id and await self._is_doubtful(turn, said.pair):
                return True
            order = await self._adopt_traded(turn, said)
        elif order.state is OrderState.NOT_PLACED:
            order = await self._came_late(turn, order, said.venue_order_id, None, said)
        for part in await parts_of(turn, order, said, is_spot=self._rules.is_spot):
            await self._book(turn, order, said, part)
        await self._count(turn, order, said)
        self.booked += 1
        return False

    async def _book(self, turn: Turn, order: Order, said: VenueTrade, part: Part) -> None:
        """Write one part of an execution and fold it into its position."""
        account = turn.account
        fill = FillRecord(
            id=stable_id(account.id, "fill", part.trade_id),
            workspace_id=account.workspace_id,
            account_id=account.id,
            bot_id=order.bot_id,
            order_id=order.id,
            position_id=part.position_id,
            pair=said.pair,
            venue_trade_id=part.trade_id,
            side=said.side,
            price=said.price,
            quantity=part.quantity,
            fee=part.fee,
            liquidity=said.liquidity,
            reason=order.reason,
            leg=order.leg,
            source=self._venue,
            filled_at=from_ms(said.traded_at_ms),
            base_fee=part.base_fee or None,
        )
        await turn.tx.fills.add(fill)
        turn.events.append(filled(order, fill, turn.at))
        if part.position is not None:
            await holdings.change_position(turn, part.position, order, fill)
        elif part.position_id:
            await holdings.open_position(turn, order, fill)
        await self._listener.filled(turn, order, fill)

    async def _count(self, turn: Turn, order: Order, said: VenueTrade) -> None:
        """Count an execution on its order's row."""
        total = order.filled_quantity + said.quantity
        if total > order.quantity:
            await open_incident(
                turn,
                IncidentKind.OVERFILL,
                order.id,
                {"filled": total, "ordered": order.quantity},
                bot_id=order.bot_id,
                pair=order.pair,
            )
        if order.state in TERMINAL:
            return
        if order.state is OrderState.INTENT:
            order = await move(turn, order, OrderState.CLAIMED, evidence="found at the venue")
        was_unknown = order.state is OrderState.UNKNOWN
        moved = await move(
            turn,
            order,
            OrderState.FILLED if total >= order.quantity else OrderState.PARTIAL,
            evidence=f"trade {said.venue_trade_id}",
            venue_order_id=said.venue_order_id or None,
            filled_quantity=total,
            average_price=average_after(order, said.price, said.quantity),
        )
        if was_unknown:
            await self._out_of_doubt(turn, moved)
        if moved.state is OrderState.FILLED:
            await self.ended(turn, moved)

    async def _ours(self, turn: Turn, client_id: str, venue_order_id: str) -> Order | None:
        """Find an order by our id, by the venue's, or as the one that was adopted."""
        ws, account_id, orders = turn.account.workspace_id, turn.account.id, turn.tx.orders
        if client_id:
            late = await orders.by_client_id(ws, LATE + client_id)
            found = late or await orders.by_client_id(ws, client_id)
            if found is not None and found.account_id == account_id:
                return found
        if venue_order_id:
            return await orders.by_venue_id(ws, account_id, venue_order_id)
        return None

    async def _is_doubtful(self, turn: Turn, pair: str) -> bool:
        """Tell whether evidence without our id may be about an order whose venue id we have not heard yet."""
        at_work = await turn.tx.orders.at_work(turn.account.workspace_id, turn.account.id, turn.at)
        return any(one.pair == pair and one.state in _IN_DOUBT and not one.venue_order_id for one in at_work)

    async def _adopt(self, turn: Turn, said: VenueOrder, *, client_id: str = "", bot_id: str = "") -> Order:
        """Write somebody else's order, as it is found; it is never cancelled by itself."""
        account = turn.account
        order = Order(
            id=stable_id(account.id, "external", client_id or said.venue_order_id),
            workspace_id=account.workspace_id,
            account_id=account.id,
            bot_id=bot_id,
            pair=said.pair,
            client_order_id=client_id
            or f"{EXTERNAL}{stable_id(account.id, 'ext', said.venue_order_id)[:13]}",
            venue_order_id=said.venue_order_id,
            side=said.side,
            order_type=said.order_type,
            quantity=said.quantity,
            price=said.price,
            stop_price=said.stop_price,
            filled_quantity=Decimal(0),
            average_price=None,
            state=OrderState.ACCEPTED,
            state_reason="",
            evidence=f"{self._venue} venue",
            reason=Reason.EXTERNAL,
            leg=0,
            binding="",
            signal_id="",
            position_id="",
            is_reduce_only=False,
            attempts=0,
            created_at=turn.at,
            updated_at=turn.at,
        )
        if await turn.tx.orders.adopt(order):
            self.adopted += 1
            turn.events.append(placed(order, turn.at))
        return order

    async def _adopt_traded(self, turn: Turn, said: VenueTrade) -> Order:
        """Write somebody else's order of which only an execution is seen; what it asked for is not known."""
        order = await self._adopt(turn, _as_order(said))
        if said.venue_trade_id.startswith(CORRECTION):
            return order
        await open_incident(
            turn,
            IncidentKind.EXTERNAL,
            order.id,
            {"side": said.side.value, "quantity": said.quantity, "price": said.price},
            pair=said.pair,
        )
        return order

    async def _came_late(
        self,
        turn: Turn,
        burned: Order,
        venue_order_id: str,
        said: VenueOrder | None,
        trade: VenueTrade | None = None,
    ) -> Order:
        """A burned id appeared: keep it as an order of its own, have it cancelled, tell people."""
        shown = said
        if shown is None:
            assert trade is not None
            shown = replace(_as_order(trade), quantity=burned.quantity)
        order = await self._adopt(
            turn, replace(shown, venue_order_id=venue_order_id), client_id=LATE + burned.client_order_id
        )
        await turn.tx.execution.watch(
            OrderWatch(
                order_id=order.id,
                workspace_id=order.workspace_id,
                account_id=order.account_id,
                cancel_reason="its id was burned",
            )
        )
        await open_incident(
            turn,
            IncidentKind.LATE_ACCEPTANCE,
            burned.id,
            {"order": burned.client_order_id, "quantity": shown.quantity},
            bot_id=burned.bot_id,
            pair=burned.pair,
        )
        return order


def _as_order(said: VenueTrade) -> VenueOrder:
    return VenueOrder(
        client_order_id=said.client_order_id,
        venue_order_id=said.venue_order_id,
        pair=said.pair,
        side=said.side,
        order_type=OrderType.MARKET,
        state=OrderState.ACCEPTED,
        quantity=said.quantity,
        filled_quantity=Decimal(0),
    )


def _is_wanted_still(order: Order, watch: OrderWatch | None) -> bool:
    """Tell whether an order was an exit at market that never arrived: an exit is wanted until it is done."""
    return (
        order.state is OrderState.NOT_PLACED
        and order.is_reduce_only
        and bool(order.position_id)
        and order.order_type is OrderType.MARKET
        and not (watch is not None and watch.cancel_reason)
    )

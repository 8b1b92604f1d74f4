"""MetaTrader 5 behind the venue port, through its Python package, which exists on Windows only.

The package speaks to a terminal on the same machine and blocks while it does, so each call goes to a thread of its own.
Our order id travels as the order's comment; terminals cut comments at 31 characters and ours have 25. There is no
websocket: evidence comes from asking.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, TypeVar

from desk.clock import Clock, to_ms
from desk.venue_port import (
    Balance,
    Evidence,
    OrderRequest,
    OutcomeUnknown,
    Placement,
    Refusal,
    StreamGap,
    VenueBusy,
    VenueOrder,
    VenuePosition,
    VenueRefusal,
    VenueRules,
    VenueTrade,
)
from desk.venues import mt5_reading as reading
from desk.venues.reading import Unreadable
from trading.errors import OperatorProblem
from trading.instruments import Instrument
from trading.orders import TERMINAL

T = TypeVar("T")

#: Marks our orders among those of other programs at the same terminal.
MAGIC = 7_319_042
#: Terminals cut comments at 31 characters.
COMMENT_CHARS = 31
#: Evidence is asked for this often.
LOOK_S = 2.0
#: A call to the terminal that takes longer is given up.
TIMEOUT_S = 15.0

#: Return codes of `order_send` that say no for certain.
_REFUSALS: Mapping[int, Refusal] = {
    10006: Refusal.OTHER,
    10007: Refusal.OTHER,
    10013: Refusal.FILTER,
    10014: Refusal.FILTER,
    10015: Refusal.FILTER,
    10016: Refusal.WOULD_TRIGGER,
    10017: Refusal.HALTED,
    10018: Refusal.HALTED,
    10019: Refusal.BALANCE,
    10026: Refusal.KEY,
    10027: Refusal.KEY,
    10030: Refusal.FILTER,
    10033: Refusal.TOO_MANY,
    10034: Refusal.TOO_MANY,
    10035: Refusal.UNKNOWN_ORDER,
    10036: Refusal.UNKNOWN_ORDER,
}
#: Return codes that say: not accepted, try later.
_LATER = frozenset({10004, 10020, 10021, 10024})
#: Return codes that say: accepted.
_ACCEPTED = frozenset({10008, 10009, 10010})


def load_terminal() -> Any:
    """Give the MetaTrader5 package.

    Raises:
        OperatorProblem: it is not installed.
    """
    try:
        import MetaTrader5  # type: ignore[import-not-found,unused-ignore]
    except ImportError as missing:
        raise OperatorProblem(
            "The MetaTrader5 package is not installed; it exists on Windows only.",
            hint="Install breakwater[mt5] on the machine that runs the terminal.",
        ) from missing
    return MetaTrader5


class Mt5Venue:
    """One account at one terminal.

    Args:
        terminal: the package, or whatever has its functions.
        login, password, server: of the account; empty takes the one that the terminal is signed in to.
    """

    name = "mt5"
    rules = VenueRules(
        visibility_delay_s=10.0,
        client_id_chars=COMMENT_CHARS,
        has_reduce_only=True,
        most_stop_orders=None,
        is_spot=False,
    )

    def __init__(
        self, terminal: Any, clock: Clock, *, login: int = 0, password: str = "", server: str = ""
    ) -> None:
        self._terminal = terminal
        self._clock = clock
        self._login = {"login": login, "password": password, "server": server} if login else {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mt5")
        self._is_open = False
        self._closed = asyncio.Event()
        self._sizes: dict[str, Decimal] = {}
        self.is_live = True

    async def place(self, request: OrderRequest) -> Placement:
        """Place an order, once."""
        await self._prepare()
        order = reading.order_request(self._terminal, request, self._size(request.pair), magic=MAGIC)
        try:
            answer = await self._ask("order_send", order)
        except VenueBusy as silent:
            # The terminal may have passed the order on before it fell silent.
            raise OutcomeUnknown(
                f"The terminal gave no answer to {request.client_order_id}.", hint="It is settled by asking."
            ) from silent
        self._check(answer, f"{request.side} {request.quantity} {request.pair}")
        number = int(getattr(answer, "order", 0) or 0)
        if number <= 0:
            raise OutcomeUnknown(f"The terminal's answer to {request.client_order_id} names no order.")
        return Placement(venue_order_id=str(number), accepted_at_ms=to_ms(self._clock.now()))

    async def cancel(self, pair: str, client_order_id: str) -> None:
        """Cancel an order; one that is gone already is a success."""
        found = await self.find(pair, client_order_id)
        if found is None or found.state in TERMINAL:
            return
        order = {"action": self._terminal.TRADE_ACTION_REMOVE, "order": int(found.venue_order_id)}
        try:
            self._check(await self._ask("order_send", order), f"the cancellation of {client_order_id}")
        except VenueRefusal as refusal:
            if refusal.reason is not Refusal.UNKNOWN_ORDER:
                raise

    async def find(self, pair: str, client_order_id: str) -> VenueOrder | None:
        """Look for an order by its comment, among the open ones and in the history."""
        for order in [*await self.open_orders(pair), *await self.closed_orders(pair, 0)]:
            if order.client_order_id == client_order_id:
                return order
        return None

    async def open_orders(self, pair: str = "") -> Sequence[VenueOrder]:
        """Give every open order of the account."""
        await self._prepare()
        rows = await self._rows("orders_get")
        orders = [self._order(one, is_open=True) for one in rows if self._is_known(one)]
        return [one for one in orders if pair in ("", one.pair)]

    async def closed_orders(self, pair: str, since_ms: int) -> Sequence[VenueOrder]:
        """Give the orders of a pair that ended."""
        await self._prepare()
        rows = await self._rows("history_orders_get", *self._since(since_ms))
        orders = [self._order(one, is_open=False) for one in rows if self._is_known(one)]
        return [one for one in orders if one.pair == pair and one.updated_at_ms >= since_ms]

    async def trades(self, pair: str, since_ms: int) -> Sequence[VenueTrade]:
        """Give the account's executions on a pair since a venue time, oldest first."""
        await self._prepare()
        comments = {one.venue_order_id: one.client_order_id for one in await self.closed_orders(pair, 0)}
        rows = await self._rows("history_deals_get", *self._since(since_ms))
        found = [
            self._read(lambda row: reading.trade_of(self._terminal, row, self._size(pair), comments), one)
            for one in rows
            if one.symbol == reading.symbol_name(pair)
        ]
        trades = [one for one in found if one is not None]
        return sorted(trades, key=lambda one: one.traded_at_ms)

    async def balances(self) -> Mapping[str, Balance]:
        """Give the account's money: what is free and what is margin."""
        await self._prepare()
        return self._read(reading.balances_of, await self._ask("account_info"))

    async def is_demo(self) -> bool:
        """Tell whether the account holds the broker's play money; a contest's counts as real."""
        await self._prepare()
        info = await self._ask("account_info")
        return bool(getattr(info, "trade_mode", None) == self._terminal.ACCOUNT_TRADE_MODE_DEMO)

    async def positions(self) -> Sequence[VenuePosition]:
        """Give open positions."""
        await self._prepare()
        rows = await self._rows("positions_get")
        return [
            self._read(
                lambda row: reading.position_of(self._terminal, row, self._size(reading.pair_of(row.symbol))),
                one,
            )
            for one in rows
        ]

    async def instruments(self) -> Mapping[str, Instrument]:
        """Give the trading rules by pair."""
        await self._prepare()
        found = {}
        for row in await self._rows("symbols_get"):
            one = self._read(reading.instrument_of, row)
            if one is not None:
                found[one.pair] = one
                self._sizes[one.pair] = reading.contract_size(row)
        return found

    async def last_price(self, pair: str) -> Decimal:
        """Give the price of the last trade, or the middle of the quote where there are no trades."""
        await self._prepare()
        return self._read(reading.price_of, await self._ask("symbol_info_tick", reading.symbol_name(pair)))

    async def evidence(self) -> AsyncIterator[Evidence]:
        """Ask for what happened, again and again; repeats are normal."""
        yield StreamGap(since_ms=0, cause="connected")
        since_ms = to_ms(self._clock.now())
        while not self._closed.is_set():
            await self._clock.sleep(LOOK_S)
            try:
                fresh = await self._happened(since_ms)
            except VenueBusy as problem:
                yield StreamGap(since_ms=since_ms, cause=problem.message)
                continue
            for one in fresh:
                yield one
            since_ms = to_ms(self._clock.now()) - round(LOOK_S * 5000)

    async def clock_offset_ms(self) -> int:
        """Give 0: the terminal stamps with its server's clock, and nothing we send is signed."""
        await self._prepare()
        await self._ask("account_info")
        return 0

    async def close(self) -> None:
        """Let go of the terminal."""
        self._closed.set()
        if self._is_open:
            self._is_open = False
            await asyncio.get_running_loop().run_in_executor(self._thread, self._terminal.shutdown)
        self._thread.shutdown(wait=False)

    async def _happened(self, since_ms: int) -> list[Evidence]:
        happened: list[Evidence] = list(await self.open_orders())
        rows = await self._rows("history_orders_get", *self._since(since_ms))
        ended = [self._order(one, is_open=False) for one in rows if self._is_known(one)]
        happened += ended
        for pair in sorted({one.pair for one in ended}):
            happened += await self.trades(pair, since_ms)
        return happened

    async def _prepare(self) -> None:
        if self._is_open:
            return
        if not await self._ask("initialize", **self._login):
            raise VenueBusy(f"The terminal did not open: {self._terminal.last_error()}.")
        self._is_open = True
        await self.instruments()

    async def _ask(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Call the terminal in its thread; None from it is an error, never an empty answer."""
        call = getattr(self._terminal, name)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await loop.run_in_executor(self._thread, lambda: call(*arguments, **named))
        except TimeoutError as late:
            raise VenueBusy(f"The terminal did not answer {name} within {TIMEOUT_S:.0f} s.") from late
        if answer is None:
            raise VenueBusy(f"The terminal could not answer {name}: {self._terminal.last_error()}.")
        return answer

    async def _rows(self, name: str, *arguments: Any) -> Sequence[Any]:
        rows = await self._ask(name, *arguments)
        if not isinstance(rows, tuple | list):
            raise VenueBusy(f"The terminal's answer to {name} is no list.")
        return rows

    def _size(self, pair: str) -> Decimal:
        if pair not in self._sizes:
            raise VenueRefusal(f"The terminal has no pair '{pair}'.", reason=Refusal.OTHER)
        return self._sizes[pair]

    def _is_known(self, row: Any) -> bool:
        """Tell whether an order is about a pair at all; a terminal also holds indices and shares."""
        return any(row.symbol == reading.symbol_name(pair) for pair in self._sizes)

    def _since(self, since_ms: int) -> tuple[int, int]:
        # A day beyond now: the server's clock may be in another zone.
        return since_ms // 1000, to_ms(self._clock.now()) // 1000 + 86_400

    def _order(self, row: Any, *, is_open: bool) -> VenueOrder:
        size = self._size(reading.pair_of(row.symbol))
        return self._read(lambda one: reading.order_of(self._terminal, one, size, is_open=is_open), row)

    def _read(self, read: Callable[[Any], T], row: Any) -> T:
        try:
            return read(row)
        except (Unreadable, AttributeError, TypeError, ValueError, ArithmeticError) as strange:
            raise VenueBusy(f"The terminal's answer cannot be read: {strange}.") from strange

    def _check(self, answer: Any, doing: str) -> None:
        code = int(getattr(answer, "retcode", 0) or 0)
        said = str(getattr(answer, "comment", ""))[:100]
        if code in _ACCEPTED:
            return
        if code in _LATER:
            raise VenueBusy(f"The terminal did not accept {doing} now ({code} {said}).")
        if code in _REFUSALS:
            raise VenueRefusal(f"The terminal refused {doing} ({code} {said}).", reason=_REFUSALS[code])
        raise OutcomeUnknown(
            f"The terminal's answer to {doing} ({code} {said}) does not say what became of it."
        )

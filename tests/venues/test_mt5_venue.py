"""MetaTrader 5 over a stand-in with the documented interface of its package."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio

from desk.clock import SystemClock
from desk.exchange_ports import ExchangeSecret
from desk.secrets import Secret
from desk.venue_port import OrderRequest, OutcomeUnknown, Refusal, VenueBusy, VenueRefusal
from desk.venues.mt5_venue import Mt5Venue, load_terminal
from desk.venues.probing import VenueProbe
from trading.errors import InvalidInput, OperatorProblem
from trading.orders import OrderState, OrderType, Side

PAIR = "EUR/USD"
NOON = 1_772_366_400


class Terminal:
    """The functions and constants of the package that we use, over one account in memory."""

    TRADE_ACTION_DEAL, TRADE_ACTION_PENDING, TRADE_ACTION_REMOVE = 1, 5, 8
    ORDER_TYPE_BUY, ORDER_TYPE_SELL, ORDER_TYPE_BUY_LIMIT = 0, 1, 2
    ORDER_TYPE_SELL_LIMIT, ORDER_TYPE_BUY_STOP, ORDER_TYPE_SELL_STOP = 3, 4, 5
    ORDER_TIME_GTC, ORDER_FILLING_IOC, ORDER_FILLING_RETURN = 0, 1, 2
    ORDER_STATE_STARTED, ORDER_STATE_PLACED, ORDER_STATE_CANCELED = 0, 1, 2
    ORDER_STATE_PARTIAL, ORDER_STATE_FILLED, ORDER_STATE_REJECTED, ORDER_STATE_EXPIRED = 3, 4, 5, 6
    DEAL_TYPE_BUY, DEAL_TYPE_SELL, POSITION_TYPE_BUY = 0, 1, 0
    ACCOUNT_TRADE_MODE_DEMO = 0

    def __init__(self) -> None:
        self.orders: dict[int, SimpleNamespace] = {}
        self.history: list[SimpleNamespace] = []
        self.deals: list[SimpleNamespace] = []
        self.sent: list[dict[str, Any]] = []
        self.silent: set[str] = set()
        self.retcode = 10009
        self.is_shut = False
        self.logins: list[dict[str, Any]] = []
        self.trade_mode = 0

    def initialize(self, **login: Any) -> bool:
        self.logins.append(login)
        return "initialize" not in self.silent

    def shutdown(self) -> None:
        self.is_shut = True

    def last_error(self) -> tuple[int, str]:
        return (-10004, "No IPC connection")

    def symbols_get(self) -> tuple[SimpleNamespace, ...] | None:
        if "symbols_get" in self.silent:
            return None
        rules = {"trade_tick_size": 0.00001, "volume_step": 0.01, "volume_min": 0.01, "volume_max": 100.0}
        return (
            SimpleNamespace(name="EURUSD", trade_contract_size=100_000.0, **rules),
            SimpleNamespace(name="US500", trade_contract_size=1.0, **rules),
        )

    def account_info(self) -> SimpleNamespace | None:
        if "account_info" in self.silent:
            return None
        return SimpleNamespace(currency="USD", equity=10_000.0, margin=250.0, trade_mode=self.trade_mode)

    def symbol_info_tick(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(last=0.0, bid=1.08500, ask=1.08510)

    def orders_get(self) -> tuple[SimpleNamespace, ...] | None:
        return None if "orders_get" in self.silent else tuple(self.orders.values())

    def history_orders_get(self, since: int, until: int) -> tuple[SimpleNamespace, ...]:
        return tuple(self.history)

    def history_deals_get(self, since: int, until: int) -> tuple[SimpleNamespace, ...]:
        return tuple(self.deals)

    def positions_get(self) -> tuple[SimpleNamespace, ...]:
        return (SimpleNamespace(symbol="EURUSD", volume=0.02, type=1),)

    def order_send(self, order: dict[str, Any]) -> SimpleNamespace | None:
        self.sent.append(order)
        if "order_send" in self.silent:
            return None
        if self.retcode != 10009:
            return SimpleNamespace(retcode=self.retcode, order=0, comment="no")
        if order["action"] == self.TRADE_ACTION_REMOVE:
            gone = self.orders.pop(order["order"])
            gone.state = self.ORDER_STATE_CANCELED
            self.history.append(gone)
            return SimpleNamespace(retcode=10009, order=order["order"], comment="done")
        number = 1000 + len(self.sent)
        row = SimpleNamespace(
            ticket=number,
            symbol=order["symbol"],
            type=order["type"],
            comment=order["comment"],
            volume_initial=order["volume"],
            volume_current=order["volume"],
            price_open=order.get("price", 0.0),
            state=self.ORDER_STATE_PLACED,
            time_setup=NOON,
            time_done=NOON,
        )
        if order["action"] == self.TRADE_ACTION_DEAL:
            row.volume_current, row.state = 0.0, self.ORDER_STATE_FILLED
            self.history.append(row)
            self.deals.append(
                SimpleNamespace(
                    ticket=number * 10,
                    order=number,
                    symbol=order["symbol"],
                    type=order["type"],
                    comment="",
                    price=1.0851,
                    volume=order["volume"],
                    commission=-0.07,
                    fee=0.0,
                    time=NOON,
                    time_msc=NOON * 1000 + 5,
                )
            )
        else:
            self.orders[number] = row
        return SimpleNamespace(retcode=10009, order=number, comment="done")


@pytest_asyncio.fixture
async def opened() -> AsyncIterator[tuple[Mt5Venue, Terminal]]:
    terminal = Terminal()
    venue = Mt5Venue(terminal, SystemClock())
    yield venue, terminal
    await venue.close()


def order(client_order_id: str, kind: str = "limit", **more: Any) -> OrderRequest:
    given = {"price": Decimal("1.05")} if kind == "limit" else {}
    return OrderRequest(
        client_order_id=client_order_id,
        pair=PAIR,
        side="buy",
        order_type=kind,
        quantity=Decimal(2000),
        **{**given, **more},
    )


async def test_an_order_is_sent_in_lots_and_read_in_the_base_asset(opened: tuple[Mt5Venue, Terminal]) -> None:
    venue, terminal = opened

    placement = await venue.place(order("bw-1"))

    found = await venue.find(PAIR, "bw-1")
    assert terminal.sent[0]["volume"] == 0.02
    assert found is not None
    assert found.venue_order_id == placement.venue_order_id
    assert (found.quantity, found.state, found.price) == (Decimal(2000), OrderState.ACCEPTED, Decimal("1.05"))


async def test_a_market_order_becomes_a_trade_with_its_costs(opened: tuple[Mt5Venue, Terminal]) -> None:
    venue, _ = opened
    await venue.place(order("bw-1", "market"))

    (trade,) = await venue.trades(PAIR, 0)
    found = await venue.find(PAIR, "bw-1")

    assert (trade.client_order_id, trade.side, trade.quantity) == ("bw-1", Side.BUY, Decimal(2000))
    assert trade.fee == Decimal("0.07")
    assert found is not None
    assert found.state is OrderState.FILLED


async def test_a_cancelled_order_is_terminal_and_cancelling_again_changes_nothing(
    opened: tuple[Mt5Venue, Terminal],
) -> None:
    venue, _ = opened
    await venue.place(order("bw-1", "stop", stop_price=Decimal("1.10")))
    (resting,) = await venue.open_orders(PAIR)

    for _ in range(2):
        await venue.cancel(PAIR, "bw-1")
    await venue.cancel(PAIR, "bw-never")

    found = await venue.find(PAIR, "bw-1")
    assert (resting.order_type, resting.stop_price) == (OrderType.STOP, Decimal("1.1"))
    assert found is not None
    assert found.state is OrderState.CANCELED


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (10019, Refusal.BALANCE),
        (10014, Refusal.FILTER),
        (10018, Refusal.HALTED),
        (10016, Refusal.WOULD_TRIGGER),
    ],
)
async def test_a_refusal_says_why(opened: tuple[Mt5Venue, Terminal], code: int, reason: Refusal) -> None:
    venue, terminal = opened
    terminal.retcode = code

    with pytest.raises(VenueRefusal) as refusal:
        await venue.place(order("bw-1"))

    assert refusal.value.reason is reason


@pytest.mark.parametrize("code", [10011, 10012, 10031, 0])
async def test_a_code_that_does_not_say_what_became_of_it_is_unknown(
    opened: tuple[Mt5Venue, Terminal], code: int
) -> None:
    venue, terminal = opened
    terminal.retcode = code

    with pytest.raises(OutcomeUnknown):
        await venue.place(order("bw-1"))


async def test_a_terminal_that_falls_silent_makes_writes_unknown_and_reads_busy(
    opened: tuple[Mt5Venue, Terminal],
) -> None:
    venue, terminal = opened
    await venue.instruments()
    terminal.silent = {"order_send", "orders_get", "account_info"}

    with pytest.raises(OutcomeUnknown):
        await venue.place(order("bw-1"))
    for ask in (venue.open_orders(), venue.balances()):
        with pytest.raises(VenueBusy):
            await ask

    assert len(terminal.sent) == 1


async def test_a_terminal_that_does_not_open_is_busy_and_nothing_is_sent() -> None:
    terminal = Terminal()
    terminal.silent = {"initialize"}
    venue = Mt5Venue(terminal, SystemClock())

    with pytest.raises(VenueBusy):
        await venue.place(order("bw-1"))
    await venue.close()

    assert terminal.sent == []


async def test_rules_money_and_positions_are_in_the_base_asset(opened: tuple[Mt5Venue, Terminal]) -> None:
    venue, _ = opened

    rules = await venue.instruments()
    (position,) = await venue.positions()

    assert list(rules) == [PAIR]
    assert (rules[PAIR].step, rules[PAIR].tick) == (Decimal(1000), Decimal("0.00001"))
    assert (await venue.balances())["USD"].free == Decimal(9750)
    assert position.quantity == Decimal(-2000)
    assert await venue.last_price(PAIR) == Decimal("1.08505")


async def test_a_terminal_is_opened_with_the_kept_key_and_signs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("desk.venues.mt5_venue.load_terminal", lambda: terminal)
    secret = ExchangeSecret(
        api_key=Secret("5012345"), api_secret=Secret("password"), passphrase=Secret("Broker-Demo")
    )

    probed = await VenueProbe({}, SystemClock()).probe("mt5", secret, is_sandbox=True)

    assert terminal.logins == [{"login": 5012345, "password": "password", "server": "Broker-Demo"}]
    assert (probed.can_withdraw, probed.totals) == (False, {"USD": Decimal(10_000)})
    assert terminal.is_shut


@pytest.mark.parametrize("trade_mode", [1, 2], ids=["contest", "real"])
async def test_only_a_demo_account_is_taken_as_a_test_environment(
    monkeypatch: pytest.MonkeyPatch, trade_mode: int
) -> None:
    terminal = Terminal()
    terminal.trade_mode = trade_mode
    monkeypatch.setattr("desk.venues.mt5_venue.load_terminal", lambda: terminal)
    secret = ExchangeSecret(api_key=Secret("5012345"), api_secret=Secret("password"))
    probe = VenueProbe({}, SystemClock())

    with pytest.raises(InvalidInput, match="none of a demo"):
        await probe.probe("mt5", secret, is_sandbox=True)
    probed = await probe.probe("mt5", secret, is_sandbox=False)

    assert probed.totals == {"USD": Decimal(10_000)}


def test_without_the_package_the_operator_is_told_what_to_install() -> None:
    with pytest.raises(OperatorProblem, match=r"breakwater\[mt5\]"):
        load_terminal()

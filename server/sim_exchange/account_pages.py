"""Signed requests of the simulated exchange: orders, pairs of orders, balances, trades, rights of the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.sim_exchange.house import SimHouse
from server.sim_exchange.orders import SimOrder, Wallet
from server.sim_exchange.refusals import Refusal
from server.sim_exchange.requests import missing, order_of

Values = Mapping[str, str]


def place(house: SimHouse, wallet: Wallet, values: Values) -> dict[str, Any]:
    """Place an order."""
    return house.exchange.place(wallet, order_of(house, values), house.now_ms()).placed()


def place_pair(house: SimHouse, wallet: Wallet, values: Values) -> dict[str, Any]:
    """Place a one-cancels-other pair."""
    above, below = order_of(house, values, prefix="above"), order_of(house, values, prefix="below")
    above.list_client_id = below.list_client_id = values.get("listClientOrderId", f"list-{above.number}")
    house.exchange.place_pair(wallet, above, below, house.now_ms())
    return {
        **list_of(above, (above, below), house.now_ms()),
        "orderReports": [above.placed(), below.placed()],
    }


def list_of(order: SimOrder, both: tuple[SimOrder, ...], now_ms: int) -> dict[str, Any]:
    """Give a pair as the venue shows it."""
    is_live = any(one.is_live for one in both)
    return {
        "orderListId": order.list_number,
        "contingencyType": "OCO",
        "listStatusType": "EXEC_STARTED" if is_live else "ALL_DONE",
        "listOrderStatus": "EXECUTING" if is_live else "ALL_DONE",
        "listClientOrderId": order.list_client_id,
        "transactionTime": now_ms,
        "symbol": order.symbol,
        "orders": [
            {"symbol": one.symbol, "orderId": one.number, "clientOrderId": one.client_id} for one in both
        ],
    }


def query(house: SimHouse, wallet: Wallet, values: Values) -> dict[str, Any]:
    """Give one order."""
    return _wanted(house, wallet, values).described()


def cancel(house: SimHouse, wallet: Wallet, values: Values) -> dict[str, Any]:
    """Cancel one order."""
    try:
        order = _wanted(house, wallet, values)
    except Refusal as unknown:
        if unknown.code == -2013:
            raise Refusal(-2011, "Unknown order sent.") from None
        raise
    order.cancel_client_id = values.get("newClientOrderId", "")
    return house.exchange.cancel(wallet, order, house.now_ms()).canceled()


def cancel_all(house: SimHouse, wallet: Wallet, values: Values) -> list[dict[str, Any]]:
    """Cancel every open order of a symbol."""
    name = house.exchange.symbol(values.get("symbol", "")).name
    live = [one for one in house.exchange.shown(wallet, name, house.now_ms()) if one.is_live]
    if not live:
        raise Refusal(-2011, "Unknown order sent.")
    return [house.exchange.cancel(wallet, one, house.now_ms()).canceled() for one in live if one.is_live]


def open_orders(house: SimHouse, wallet: Wallet, values: Values) -> list[dict[str, Any]]:
    """Give the open orders, of one symbol or of all."""
    shown = house.exchange.shown(wallet, values.get("symbol"), house.now_ms())
    return [one.described() for one in shown if one.is_live]


def all_orders(house: SimHouse, wallet: Wallet, values: Values) -> list[dict[str, Any]]:
    """Give the orders of a symbol, oldest first."""
    name = house.exchange.symbol(values.get("symbol", "")).name
    limit = min(1000, int(values.get("limit", "500")))
    start, first = int(values.get("startTime", "0")), int(values.get("orderId", "0"))
    shown = [
        one.described()
        for one in house.exchange.shown(wallet, name, house.now_ms())
        if one.at_ms >= start and one.number >= first
    ]
    return shown[:limit] if start or first else shown[-limit:]


def my_trades(house: SimHouse, wallet: Wallet, values: Values) -> list[dict[str, Any]]:
    """Give the own trades of a symbol, oldest first; visible when their order is."""
    name = house.exchange.symbol(values.get("symbol", "")).name
    limit = min(1000, int(values.get("limit", "500")))
    start, first = int(values.get("startTime", "0")), int(values.get("fromId", "0"))
    shown = {one.number for one in house.exchange.shown(wallet, name, house.now_ms())}
    found = [
        one.described()
        for one in wallet.trades
        if one.symbol == name
        and one.order_number in shown
        and one.at_ms >= start
        and one.number >= first
        and str(one.order_number) == values.get("orderId", str(one.order_number))
    ]
    return found[:limit] if start or first else found[-limit:]


def account(house: SimHouse, wallet: Wallet, values: Values) -> dict[str, Any]:
    """Give the balances and what the key may do."""
    rows = wallet.balances()
    if values.get("omitZeroBalances") == "true":
        rows = [one for one in rows if float(one["free"]) or float(one["locked"])]
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": "0.00100000",
            "taker": "0.00100000",
            "buyer": "0.00000000",
            "seller": "0.00000000",
        },
        "canTrade": True,
        "canWithdraw": wallet.may_withdraw,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": house.now_ms(),
        "accountType": "SPOT",
        "balances": rows,
        "permissions": ["SPOT"],
        "uid": 354937868,
    }


def key_rights(house: SimHouse, wallet: Wallet, values: Values) -> dict[str, Any]:
    """Give what the key may do."""
    return {
        "ipRestrict": True,
        "createTime": house.now_ms() - 86_400_000,
        "enableReading": True,
        "enableWithdrawals": wallet.may_withdraw,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": True,
        "enablePortfolioMarginTrading": False,
    }


def _wanted(house: SimHouse, wallet: Wallet, values: Values) -> SimOrder:
    number, client_id = values.get("orderId"), values.get("origClientOrderId")
    if number is None and client_id is None:
        raise missing("orderId")
    return house.exchange.find(
        wallet,
        house.exchange.symbol(values.get("symbol", "")).name,
        number=int(number) if number is not None else None,
        client_id=client_id,
        now_ms=house.now_ms(),
    )

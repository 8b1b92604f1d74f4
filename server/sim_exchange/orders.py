"""Orders, trades and balances of the simulated exchange, and how the venue writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from server.sim_exchange.symbols import plain

#: States in which an order may still trade.
LIVE = ("NEW", "PARTIALLY_FILLED")

#: Types that wait for a trigger price.
STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")


@dataclass(slots=True, kw_only=True)
class Trade:
    """One execution."""

    number: int
    order_number: int
    symbol: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    at_ms: int
    is_buyer: bool
    is_maker: bool

    def described(self) -> dict[str, Any]:
        """Give the trade as `myTrades` shows it."""
        return {
            "symbol": self.symbol,
            "id": self.number,
            "orderId": self.order_number,
            "orderListId": -1,
            "price": plain(self.price),
            "qty": plain(self.quantity),
            "quoteQty": plain(self.price * self.quantity),
            "commission": plain(self.fee),
            "commissionAsset": self.fee_asset,
            "time": self.at_ms,
            "isBuyer": self.is_buyer,
            "isMaker": self.is_maker,
            "isBestMatch": True,
        }

    def as_fill(self) -> dict[str, Any]:
        """Give the trade as the answer to a placement shows it."""
        return {
            "price": plain(self.price),
            "qty": plain(self.quantity),
            "commission": plain(self.fee),
            "commissionAsset": self.fee_asset,
            "tradeId": self.number,
        }


@dataclass(slots=True, kw_only=True)
class SimOrder:
    """One order.

    Attributes:
        visible_from_ms: queries and lists show it from then on (history delay).
        list_number: the one-cancels-other pair it belongs to; -1 none.
        locked: what is kept back for it, in the asset that it would pay.
    """

    number: int
    client_id: str
    symbol: str
    side: str
    kind: str
    quantity: Decimal
    price: Decimal
    stop_price: Decimal
    time_in_force: str
    at_ms: int
    visible_from_ms: int
    list_number: int = -1
    list_client_id: str = ""
    status: str = "NEW"
    filled: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    updated_ms: int = 0
    is_triggered: bool = False
    locked: Decimal = Decimal(0)
    cancel_client_id: str = ""
    trades: list[Trade] = field(default_factory=list)

    @property
    def is_live(self) -> bool:
        """Whether it may still trade."""
        return self.status in LIVE

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its trigger."""
        return self.kind in STOPS and not self.is_triggered

    @property
    def left(self) -> Decimal:
        """What is not filled yet."""
        return self.quantity - self.filled

    def described(self) -> dict[str, Any]:
        """Give the order as queries show it."""
        return {
            "symbol": self.symbol,
            "orderId": self.number,
            "orderListId": self.list_number,
            "clientOrderId": self.client_id,
            "price": plain(self.price),
            "origQty": plain(self.quantity),
            "executedQty": plain(self.filled),
            "cummulativeQuoteQty": plain(self.paid),
            "status": self.status,
            "timeInForce": self.time_in_force,
            "type": self.kind,
            "side": self.side,
            "stopPrice": plain(self.stop_price),
            "icebergQty": "0.00000000",
            "time": self.at_ms,
            "updateTime": self.updated_ms,
            "isWorking": not self.is_waiting,
            "workingTime": self.at_ms,
            "origQuoteOrderQty": "0.00000000",
            "selfTradePreventionMode": "NONE",
        }

    def placed(self) -> dict[str, Any]:
        """Give the answer to a placement (type FULL)."""
        answer = self.described()
        for name in ("time", "updateTime", "isWorking", "icebergQty"):
            del answer[name]
        if self.kind not in STOPS:
            del answer["stopPrice"]
        return {**answer, "transactTime": self.at_ms, "fills": [one.as_fill() for one in self.trades]}

    def canceled(self) -> dict[str, Any]:
        """Give the answer to a cancellation."""
        answer = self.placed()
        del answer["fills"]
        return {**answer, "origClientOrderId": self.client_id, "clientOrderId": self.cancel_client_id}

    def report(self, execution: str, at_ms: int, trade: Trade | None = None) -> dict[str, Any]:
        """Give the `executionReport` of a step."""
        is_cancel = execution == "CANCELED"
        return {
            "e": "executionReport",
            "E": at_ms,
            "s": self.symbol,
            "c": self.cancel_client_id if is_cancel else self.client_id,
            "S": self.side,
            "o": self.kind,
            "f": self.time_in_force,
            "q": plain(self.quantity),
            "p": plain(self.price),
            "P": plain(self.stop_price),
            "F": "0.00000000",
            "g": self.list_number,
            "C": self.client_id if is_cancel else "",
            "x": execution,
            "X": self.status,
            "r": "NONE",
            "i": self.number,
            "l": plain(trade.quantity if trade else Decimal(0)),
            "z": plain(self.filled),
            "L": plain(trade.price if trade else Decimal(0)),
            "n": plain(trade.fee if trade else Decimal(0)),
            "N": trade.fee_asset if trade else None,
            "T": at_ms,
            "t": trade.number if trade else -1,
            "I": self.number * 2,
            "w": self.is_live and not self.is_waiting,
            "m": trade.is_maker if trade else False,
            "M": False,
            "O": self.at_ms,
            "Z": plain(self.paid),
            "Y": plain(trade.price * trade.quantity if trade else Decimal(0)),
            "Q": "0.00000000",
            "W": self.at_ms,
            "V": "NONE",
        }


@dataclass(slots=True, kw_only=True)
class Wallet:
    """What one key owns."""

    key: str
    secret: str
    free: dict[str, Decimal]
    locked: dict[str, Decimal] = field(default_factory=dict)
    may_withdraw: bool = False
    is_revoked: bool = False
    #: Event queues of the sockets that listen to this wallet.
    orders: dict[int, SimOrder] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)

    def total(self, asset: str) -> Decimal:
        """Give free and locked together."""
        return self.free.get(asset, Decimal(0)) + self.locked.get(asset, Decimal(0))

    def lock(self, asset: str, amount: Decimal) -> None:
        """Keep an amount back (negative: let it go)."""
        self.free[asset] = self.free.get(asset, Decimal(0)) - amount
        self.locked[asset] = self.locked.get(asset, Decimal(0)) + amount

    def balances(self) -> list[dict[str, str]]:
        """Give every balance as the venue shows it."""
        assets = sorted(set(self.free) | set(self.locked))
        return [
            {
                "asset": asset,
                "free": plain(self.free.get(asset, Decimal(0))),
                "locked": plain(self.locked.get(asset, Decimal(0))),
            }
            for asset in assets
        ]

"""The yardstick: Strawberry as its documentation shows it, resolvers that give values from memory, caches on.

It has no accounts, no limits, no database and no errors to mask, and answers the same documents.

    python benchmarks/api_parts/bare.py PORT
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Generic, NewType, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "graphql"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import strawberry
import uvloop
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from server.web import bound_socket, web_server

T = TypeVar("T")
Cursor = NewType("Cursor", str)
NOW = datetime(2026, 1, 5, tzinfo=UTC)


@strawberry.enum
class State(Enum):
    """Stands for every enum of the mix."""

    ACTIVE = "active"


@strawberry.type
class Edge(Generic[T]):
    cursor: str
    node: T


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Connection(Generic[T]):
    edges: list[Edge[T]]
    page_info: PageInfo


@strawberry.type
class Order:
    id: strawberry.ID
    pair: str
    side: State
    order_type: State
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None
    state: State
    created_at: datetime


@strawberry.type
class Trade:
    id: strawberry.ID
    number: int
    pair: str
    is_long: bool
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    pnl: Decimal
    pnl_ratio: float
    fees: Decimal
    reason: State
    closed_at: datetime


@strawberry.type
class Status:
    as_of: datetime
    equity: Decimal
    cash: Decimal
    drawdown: float
    open_positions: int


@strawberry.type
class Account:
    id: strawberry.ID
    name: str
    currency: str
    trading_state: State
    status: Status | None


@strawberry.type
class PairPhase:
    pair: str
    phase: State


@strawberry.type
class Bot:
    id: strawberry.ID
    name: str
    desired: State
    condition: State
    trading_state: State
    phases: list[PairPhase]


@strawberry.type
class Position:
    id: strawberry.ID
    pair: str
    is_long: bool
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal
    unrealized_pnl: Decimal
    stop: Decimal | None
    opened_at: datetime
    as_of: datetime
    bot: Bot | None


@strawberry.input
class PositionFilter:
    is_open: bool | None = None


ONE = Decimal("1.25")
BOT = Bot(
    id=strawberry.ID("b"), name="bot-1", desired=State.ACTIVE, condition=State.ACTIVE, trading_state=State.ACTIVE,
    phases=[PairPhase(pair="BTC/USDT", phase=State.ACTIVE), PairPhase(pair="ETH/USDT", phase=State.ACTIVE)],
)  # fmt: skip
ORDER = Order(
    id=strawberry.ID("o"), pair="BTC/USDT", side=State.ACTIVE, order_type=State.ACTIVE, quantity=ONE,
    filled_quantity=ONE, average_price=ONE, state=State.ACTIVE, created_at=NOW,
)  # fmt: skip
TRADE = Trade(
    id=strawberry.ID("t"), number=7, pair="BTC/USDT", is_long=True, quantity=ONE, entry_price=ONE, exit_price=ONE,
    pnl=ONE, pnl_ratio=0.01, fees=ONE, reason=State.ACTIVE, closed_at=NOW,
)  # fmt: skip
POSITION = Position(
    id=strawberry.ID("p"), pair="BTC/USDT", is_long=True, quantity=ONE, entry_price=ONE, mark_price=ONE,
    unrealized_pnl=ONE, stop=ONE, opened_at=NOW, as_of=NOW, bot=BOT,
)  # fmt: skip
ACCOUNT = Account(
    id=strawberry.ID("a"), name="paper", currency="USDT", trading_state=State.ACTIVE,
    status=Status(as_of=NOW, equity=ONE, cash=ONE, drawdown=0.02, open_positions=3),
)  # fmt: skip


def page(one: T, count: int) -> Connection[T]:
    """Give a page of the same row."""
    return Connection(
        edges=[Edge(cursor=str(at), node=one) for at in range(count)],
        page_info=PageInfo(has_next_page=True, end_cursor=str(count)),
    )


@strawberry.type
class Query:
    @strawberry.field
    async def order(self, id: strawberry.ID) -> Order:
        return ORDER

    @strawberry.field
    async def trade(self, id: strawberry.ID) -> Trade:
        return TRADE

    @strawberry.field
    async def account(self, id: strawberry.ID) -> Account:
        return ACCOUNT

    @strawberry.field
    async def bot(self, id: strawberry.ID) -> Bot:
        return BOT

    @strawberry.field
    async def bots(self, first: int = 20) -> Connection[Bot]:
        return page(BOT, first)

    @strawberry.field
    async def orders(self, first: int = 20, after: Cursor | None = None) -> Connection[Order]:
        return page(ORDER, first)

    @strawberry.field
    async def trades(self, first: int = 20, after: Cursor | None = None) -> Connection[Trade]:
        return page(TRADE, first)

    @strawberry.field
    async def positions(self, first: int = 20, filter: PositionFilter | None = None) -> Connection[Position]:
        return page(POSITION, first)


async def main(port: int) -> None:
    """Serve until it is killed."""
    schema = strawberry.Schema(
        Query,
        extensions=[lambda: ParserCache(maxsize=512), lambda: ValidationCache(maxsize=512)],
        config=StrawberryConfig(
            scalar_map={Cursor: strawberry.scalar(name="Cursor", serialize=str, parse_value=str)}
        ),
    )
    app = Starlette(routes=[Route("/graphql", GraphQL(schema, graphql_ide=None))])
    await web_server(app).serve(sockets=[bound_socket("127.0.0.1", port)])


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))

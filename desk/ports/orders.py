"""Where orders, fills, positions and what came of them are kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from desk.order_views import (
    AccountRequest,
    Baseline,
    Incident,
    IncidentKind,
    OrderWatch,
    Protection,
    Reconciliation,
)
from desk.venue_port import OrderRequest as OrderRequest
from desk.venue_port import Placement as Placement
from desk.venue_port import Venue as Venue
from desk.views import (
    FillRecord,
    Filter,
    Order,
    Page,
    Position,
    Trade,
)
from trading.orders import OrderState


class Orders(Protocol):
    """Intents, orders and their append-only events. `add` writes intent and order together."""

    async def add(self, order: Order, *, idempotency_key: str) -> bool:
        """Write a new order with its intent; False when that client id or key is already there."""
        ...

    async def adopt(self, order: Order) -> bool:
        """Write an order that somebody else placed at the venue, as it is found; False when it is known."""
        ...

    async def move(
        self,
        workspace_id: str,
        order_id: str,
        after: OrderState,
        *,
        evidence: str,
        detail: str = "",
        at: datetime,
        venue_order_id: str | None = None,
        filled_quantity: Decimal | None = None,
        average_price: Decimal | None = None,
    ) -> Order:
        """Go to a state along `trading.orders.TRANSITIONS` and append the event."""
        ...

    async def by_id(self, workspace_id: str, order_id: str) -> Order | None: ...
    async def by_client_id(self, workspace_id: str, client_order_id: str) -> Order | None: ...
    async def by_venue_id(self, workspace_id: str, account_id: str, venue_order_id: str) -> Order | None: ...
    async def at_work(
        self, workspace_id: str, account_id: str, now: datetime, *, position_id: str = ""
    ) -> Sequence[Order]:
        """Give the orders that somebody has to do something about: all but those that rest quietly."""
        ...

    async def unsettled(self, workspace_id: str, account_id: str) -> Sequence[Order]: ...
    async def events(self, workspace_id: str, order_id: str) -> Sequence[Mapping[str, Any]]: ...
    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Order]: ...


class Fills(Protocol):
    """Fills, unique by (account, venue trade id)."""

    async def add(self, fill: FillRecord) -> bool:
        """Book a fill; False when this venue trade is already booked."""
        ...

    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[FillRecord]: ...
    async def of_orders(self, workspace_id: str, order_ids: Sequence[str]) -> Sequence[FillRecord]: ...


class Execution(Protocol):
    """What the order path keeps beside orders: watches, exits, incidents, comparisons, requests to the owner."""

    async def next_number(self, workspace_id: str, account_id: str) -> int:
        """Count up the account's own orders and give the number."""
        ...

    async def watch(self, watch: OrderWatch) -> None: ...
    async def watch_of(self, workspace_id: str, order_id: str) -> OrderWatch | None: ...
    async def watches(self, workspace_id: str, account_id: str) -> Mapping[str, OrderWatch]:
        """Give the watches of the orders that may still change, by order."""
        ...

    async def burned(self, workspace_id: str, account_id: str) -> Sequence[OrderWatch]: ...
    async def protect(self, protection: Protection) -> None: ...
    async def protection_of(self, workspace_id: str, position_id: str) -> Protection | None: ...
    async def protections(self, workspace_id: str, account_id: str) -> Sequence[Protection]: ...
    async def release(self, workspace_id: str, position_id: str) -> None: ...
    async def open_incident(self, incident: Incident) -> bool:
        """Open an incident; False when one about the same is open already."""
        ...

    async def close_incidents(
        self, workspace_id: str, account_id: str, kind: IncidentKind, subject: str, *, by: str, at: datetime
    ) -> int: ...
    async def open_incidents(self, workspace_id: str, account_id: str) -> Sequence[Incident]: ...
    async def incidents(self, workspace_id: str, page: Page) -> Sequence[Incident]: ...
    async def save_reconciliation(self, run: Reconciliation) -> None: ...
    async def last_reconciliation(
        self, workspace_id: str, account_id: str, *, is_complete: bool = False
    ) -> Reconciliation | None: ...
    async def ask(self, request: AccountRequest) -> None:
        """Leave a request for the process that owns the account."""
        ...

    async def requests(self, workspace_id: str, account_id: str) -> Sequence[AccountRequest]: ...
    async def request(self, workspace_id: str, request_id: str) -> AccountRequest | None: ...
    async def answer(self, workspace_id: str, request_id: str, answer: str, at: datetime) -> bool: ...
    async def baseline(self, workspace_id: str, account_id: str) -> Baseline | None: ...
    async def save_baseline(self, baseline: Baseline) -> None: ...
    async def held(self, workspace_id: str, account_id: str) -> Mapping[str, Decimal]:
        """Give Σ fills per pair, exact."""
        ...

    async def paid(self, workspace_id: str, account_id: str) -> Mapping[str, Decimal]:
        """Give Σ cash per quote currency of all fills, exact."""
        ...

    async def known_trades(self, account_id: str, trade_ids: Collection[str]) -> set[str]: ...


class Positions(Protocol):
    """Positions and finished trades."""

    async def save(self, position: Position) -> None: ...
    async def by_id(self, workspace_id: str, position_id: str) -> Position | None: ...
    async def open(self, workspace_id: str, account_id: str = "") -> Sequence[Position]: ...
    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Position]: ...
    async def add_trade(self, trade: Trade) -> Trade:
        """Write a finished trade; its number counts up per workspace and is given by the store when 0."""
        ...

    async def trade(self, workspace_id: str, trade_id: str) -> Trade | None: ...
    async def trade_by_number(self, workspace_id: str, number: int) -> Trade | None: ...
    async def trades(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Trade]: ...
    async def archive_trade(self, workspace_id: str, trade_id: str, by: str, at: datetime) -> bool:
        """Leave a trade out of lists from now on; False when it was left out before."""
        ...

    async def add_trade_event(
        self, workspace_id: str, position_id: str, at: datetime, kind: str, detail: Mapping[str, Any]
    ) -> None: ...
    async def trade_events(self, workspace_id: str, position_id: str) -> Sequence[Mapping[str, Any]]: ...
    async def add_risk_event(
        self,
        workspace_id: str,
        account_id: str,
        bot_id: str,
        at: datetime,
        rule: str,
        detail: Mapping[str, Any],
    ) -> None: ...
    async def risk_events(self, workspace_id: str, page: Page) -> Sequence[Mapping[str, Any]]: ...


class Metrics(Protocol):
    """Per-bot and per-strategy figures kept for people: bot_metrics and strategy_performance."""

    async def save_bot(
        self, workspace_id: str, bot_id: str, day: datetime, values: Mapping[str, Any]
    ) -> None: ...
    async def of_bot(
        self, workspace_id: str, bot_id: str, since: datetime | None
    ) -> Sequence[Mapping[str, Any]]: ...
    async def save_strategy(
        self, workspace_id: str, strategy: str, period: str, values: Mapping[str, Any]
    ) -> None: ...
    async def of_strategy(self, workspace_id: str, strategy: str) -> Sequence[Mapping[str, Any]]: ...

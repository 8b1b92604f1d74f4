"""Alerts and their deliveries."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api import enums as _enums  # noqa: F401 - registers the enums that annotations name
from api.context import Info
from api.ids import global_id
from api.node import NamedValue, Node, computed, named_values, shaped
from desk import views
from trading.events import Severity


@strawberry.type(description="One alert on its way by one channel. Recipients are not shown.")
class Delivery:
    """A delivery."""

    channel: str
    status: str
    attempts: int
    next_attempt_at: datetime | None
    sent_at: datetime | None
    error: str


@strawberry.type(description="Something people should know: a code with parameters; doors render the text.")
class Alert(Node):
    """An alert."""

    id: strawberry.ID
    severity: Severity
    kind: str
    params: list[NamedValue]
    bot_id: strawberry.ID | None
    pair: str
    created_at: datetime
    acknowledged_by: str
    acknowledged_at: datetime | None
    own_id: strawberry.Private[str]

    @computed
    async def deliveries(self, info: Info) -> list[Delivery]:
        """Where it went."""
        found = await info.context.load.deliveries.load(self.own_id)
        return [shaped(Delivery, one) for one in found]


def alert(view: views.Alert) -> Alert:
    """Give an alert."""
    return shaped(
        Alert,
        view,
        id=global_id("Alert", view.id),
        bot_id=global_id("Bot", view.bot_id) or None,
        params=named_values(view.params),
        own_id=view.id,
    )

"""The judge of alerts: what people heard at the witness, compared with what the rows say was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from desk.cursors import cursor_of
from desk.ports import Unit
from desk.views import Filter, Page

_AT_ONCE = 1_000


async def untold(tx: Unit, workspace_id: str, told: Sequence[Mapping[str, Any]], *, kills: int) -> list[str]:
    """Give every broken promise about alerts, one sentence each.

    I6: each delivery was heard at least once, in order per recipient. I7: heard twice only where a process was killed
    between sending and marking, at most once per such kill, and the second time says that it is one.

    Args:
        kills: processes that carried alerts and were killed.
    """
    found = []
    heard = Counter(str(one["delivery_id"]) for one in told)
    page = Page(first=_AT_ONCE)
    while alerts := await tx.alerts.page(workspace_id, Filter(), page):
        for row in await tx.alerts.deliveries(workspace_id, [alert.id for alert in alerts]):
            if row.status != "sent":
                found.append(f"I6: delivery {row.id} is {row.status}; after healing everything is sent.")
            elif not heard[row.id]:
                found.append(f"I6: delivery {row.id} is marked as sent; nobody heard it.")
        page = Page(first=_AT_ONCE, after=cursor_of(alerts[-1]))
    first: dict[str, Mapping[str, Any]] = {}
    latest: dict[str, str] = {}
    for one in told:
        name, recipient = str(one["delivery_id"]), str(one["recipient"])
        if name in first:
            if not one["is_repeat"]:
                found.append(f"I7: delivery {name} was told again without saying so.")
            continue
        first[name] = one
        if str(one["created_at"]) < latest.get(recipient, ""):
            found.append(f"I6: delivery {name} was told out of order.")
        latest[recipient] = str(one["created_at"])
    repeats = sum(count - 1 for count in heard.values())
    if repeats > kills:
        found.append(f"I7: {repeats} alerts were told twice after {kills} kills of whoever tells them.")
    return found

"""The word that gives trades, orders, alerts or the audit as a file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Card, File, Text, Tone
from chatops.gathering import market_time
from chatops.problems import misheard
from chatops.room import Asked
from desk.identity import Role
from desk.ports import Unit
from desk.reports.exports import FORMS, exported
from desk.views import Filter
from desk.views import Page as RowPage

PAGE = Page(Group.RESULTS)

#: Rows of one file; more are asked for by days.
_MOST_ROWS = 10_000
_WHAT = ("trades", "orders", "alerts", "audit")

TRADE_COLUMNS = (
    "number", "pair", "is_long", "quantity", "entry_price", "exit_price", "pnl", "pnl_ratio", "fees", "reason", "tag",
    "exit_tag", "bars", "opened_at", "closed_at", "bot_id",
)  # fmt: skip
_ORDER_COLUMNS = (
    "created_at", "updated_at", "pair", "side", "order_type", "quantity", "price", "stop_price", "filled_quantity",
    "average_price", "state", "state_reason", "reason", "client_order_id", "venue_order_id", "bot_id",
)  # fmt: skip
_ALERT_COLUMNS = ("created_at", "severity", "kind", "pair", "params", "acknowledged_by", "acknowledged_at")
_AUDIT_COLUMNS = (
    "sequence", "at", "actor", "channel", "action", "subject", "detail", "outcome", "hash",
)  # fmt: skip


@PAGE.word(
    "export",
    example="/export trades 30 xlsx",
    role=Role.OPERATOR,
    arguments=(
        Argument(name="what", read=kinds.choice(*_WHAT), is_required=True, offers=_WHAT),
        Argument(name="days", read=kinds.whole(1, 3650)),
        Argument(name="form", read=kinds.choice(*FORMS), default="csv", offers=tuple(FORMS)),
    ),
)
async def export(asked: Asked) -> Card:
    """Give the trades, orders, alerts or (for admins) the audit, of some days or all, as a file."""
    what, form = asked.args["what"], asked.args["form"]
    if what == "audit" and asked.actor.role < Role.ADMIN:
        raise misheard(
            "role",
            advice="role",
            problem="denied",
            word="/export audit",
            needed=Text("role.admin"),
            found=Text(f"role.{asked.actor.role.name.lower()}"),
        )
    span = None if asked.args["days"] is None else timedelta(days=asked.args["days"])
    async with asked.store.reading() as tx:
        columns, found = await _found(asked, tx, what, span)
    rows = [tuple(getattr(one, name) for name in columns) for one in found]
    content = await asyncio.to_thread(exported, what, columns, rows, form)
    return Card(
        name="export",
        title=Text("export.title", {"n": len(rows), "what": Text(f"export_of.{what}")}),
        tone=Tone.GOOD if rows else Tone.WARN,
        body=(Text("export.all") if span is None else Text("export.days", {"n": asked.args["days"]}),),
        notes=(Text("export.cut", {"n": _MOST_ROWS}),) if len(rows) >= _MOST_ROWS else (),
        file=File(name=f"{what}-{asked.now:%Y-%m-%d}.{form}", media_type=FORMS[form], content=content),
    )


async def _found(
    asked: Asked, tx: Unit, what: str, span: timedelta | None
) -> tuple[tuple[str, ...], Sequence[Any]]:
    """Give the columns and the newest rows."""
    workspace, page = asked.workspace_id, RowPage(first=_MOST_ROWS)
    since = None if span is None else asked.now - span
    match what:
        case "trades":
            return TRADE_COLUMNS, await _of_accounts(asked, tx, span, tx.positions.trades, "closed_at")
        case "orders":
            return _ORDER_COLUMNS, await _of_accounts(asked, tx, span, tx.orders.page, "created_at")
        case "alerts":
            return _ALERT_COLUMNS, await tx.alerts.page(workspace, Filter(since=since), page)
        case _:
            entries = await tx.audit.page(workspace, page)
            return _AUDIT_COLUMNS, [one for one in entries if since is None or one.at >= since]


async def _of_accounts(
    asked: Asked,
    tx: Unit,
    span: timedelta | None,
    read: Callable[[str, Filter, RowPage], Awaitable[Sequence[Any]]],
    moment: str,
) -> Sequence[Any]:
    """Give the newest rows of all accounts, days counted back in the time of each one's market."""
    found: list[Any] = []
    for account in await tx.accounts.all(asked.workspace_id):
        since = None if span is None else await market_time(asked, tx, account.id) - span
        wanted = Filter(account_id=account.id, since=since)
        found += await read(asked.workspace_id, wanted, RowPage(first=_MOST_ROWS))
    return sorted(found, key=lambda one: (getattr(one, moment), one.id), reverse=True)[:_MOST_ROWS]

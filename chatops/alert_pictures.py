"""Pictures that go with alerts: the trade on its candles, or the entry that a bot asks about."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Any

import structlog

from chatops.cards import Chart
from chatops.pictures import spoken
from chatops.sightings import Look, Sight, market_candles, market_chart, trade_chart
from desk.charts.specs import Mark, Theme, TradeMarks
from desk.clock import to_ms
from desk.entry_views import EntryRequest
from desk.ports import Painter, Store, Unit
from desk.views import Alert, Bot, Filter, Page
from trading.errors import BreakwaterError

log = structlog.get_logger(__name__)

#: Alerts that are about a position.
_OF_POSITIONS = frozenset({"entry_filled", "partial_exit", "exit_filled"})
#: Alerts that are about an entry which waits for people.
_OF_ENTRIES = frozenset({"entry_asked"})
#: Alerts that have a picture.
PICTURED = _OF_POSITIONS | _OF_ENTRIES
#: Chats are told at once: only what asks for a decision waits for its picture there.
PICTURED_IN_CHATS = _OF_ENTRIES
#: An alert waits so long for its picture, and not at all behind so many others.
WITHIN_S, MOST_WAITING = 5.0, 4
#: Pictures that are kept for the other people who are told.
_REMEMBERED = 64
#: Fills of a position that a picture reads.
_MOST_FILLS = 200


class AlertPictures:
    """Draws what alerts are about; without a picture the text is complete, and it never waits long for one."""

    def __init__(
        self, store: Store, painter: Painter, *, kinds: Collection[str] = PICTURED, theme: Theme = Theme.DARK
    ) -> None:
        self._store = store
        self._painter = painter
        self._kinds = frozenset(kinds)
        self._theme = theme
        self._waiting = 0
        self._drawn: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    async def __call__(self, alert: Alert, *, language: str) -> bytes | None:
        """Give the PNG of an alert; None where it has none, it could not be drawn, or many wait already."""
        key = (alert.id, language)
        if alert.kind not in self._kinds or key in self._drawn:
            return self._drawn.get(key)
        if self._waiting >= MOST_WAITING:
            return None
        self._waiting += 1
        try:
            async with asyncio.timeout(WITHIN_S):
                picture = await self._draw(alert, language)
        except (BreakwaterError, TimeoutError) as problem:
            log.warning("alert_picture_failed", alert_kind=alert.kind, error=str(problem) or "too slow")
            return None
        finally:
            self._waiting -= 1
        if picture is not None:
            self._drawn[key] = picture
            while len(self._drawn) > _REMEMBERED:
                self._drawn.popitem(last=False)
        return picture

    async def _draw(self, alert: Alert, language: str) -> bytes | None:
        async with self._store.reading() as tx:
            chart = await alert_chart(tx, alert, self._theme)
        if chart is None:
            return None
        return await self._painter.draw(chart.kind, spoken(chart, language).spec)


def letter_pictures(store: Store, painter: Painter) -> AlertPictures:
    """Give what draws for mails: on paper's white."""
    return AlertPictures(store, painter, theme=Theme.LIGHT)


async def alert_chart(tx: Unit, alert: Alert, theme: Theme = Theme.DARK) -> Chart | None:
    """Give the picture of what an alert is about; None where there is none."""
    bot = await tx.bots.by_id(alert.workspace_id, alert.bot_id) if alert.bot_id else None
    if alert.kind in _OF_ENTRIES:
        request = await tx.entries.by_code(alert.workspace_id, str(alert.params.get("code", "")))
        return await asked_chart(tx, request, bot, theme) if request else None
    if alert.kind in _OF_POSITIONS:
        return await _position_chart(tx, alert, bot, theme)
    return None


async def asked_chart(
    tx: Unit, request: EntryRequest, bot: Bot | None, theme: Theme = Theme.DARK
) -> Chart | None:
    """Give the picture of an entry that waits: its price, stop and targets on the newest candles."""
    if bot is None:
        return None
    newest, _ = await market_candles(tx, request.pair, bot, 1)
    if newest is None or not len(newest):
        return None
    marks = TradeMarks(
        is_long=request.is_long,
        # An entry lies at the last candle, whatever the clock on the wall says: a replay has a time of its own.
        entry=Mark(ts_ms=int(newest.ts_ms[-1]), price=float(request.price)),
        stop=None if request.stop is None else float(request.stop),
        targets=tuple(float(one) for one in request.targets),
        is_open=True,
    )
    return await market_chart(tx, request.pair, bot, Look(theme=theme), marks)


async def _position_chart(tx: Unit, alert: Alert, bot: Bot | None, theme: Theme) -> Chart | None:
    workspace_id, params = alert.workspace_id, alert.params
    position_id = await _position_of(tx, workspace_id, params)
    position = await tx.positions.by_id(workspace_id, position_id) if position_id else None
    if position is None:
        return None
    fills = await tx.fills.page(
        workspace_id, Filter(extra={"position_id": position.id}), Page(first=_MOST_FILLS)
    )
    signal = await tx.signals.by_id(workspace_id, position.signal_id) if position.signal_id else None
    sight = Sight(
        position=position,
        bot=bot,
        fills=sorted(fills, key=lambda one: one.filled_at),
        events=await tx.positions.trade_events(workspace_id, position.id),
        signal=signal,
        until_ms=to_ms(position.closed_at or position.as_of),
    )
    return await trade_chart(tx, sight, theme)


async def _position_of(tx: Unit, workspace_id: str, params: Mapping[str, Any]) -> str:
    """Give the position that an alert names, itself or by its order."""
    if named := str(params.get("position_id") or ""):
        return named
    order = await tx.orders.by_id(workspace_id, str(params.get("order_id") or ""))
    return order.position_id if order else ""

"""The journal as a stream that resumes, and filters of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import strawberry

from api.context import Info
from api.enums import EventKind
from api.errors import ApiError, ErrorCode
from api.events.hub import CursorExpired
from api.events.types import Event, shown_event, subscribed
from api.ids import Cursor, journal_cursor, journal_sequence, not_found, own_id
from api.permissions import streams
from desk.bus import SlowConsumer
from trading.events import AlertRaised, Recorded, Severity, kind_of

#: Kinds of each narrower stream.
ORDER_KINDS = frozenset({"order_placed", "order_changed", "order_filled", "entry_denied"})
POSITION_KINDS = frozenset({"position_opened", "position_changed", "position_closed"})
BOT_KINDS = frozenset(
    {"bot_created", "bot_deleted", "bot_state_changed", "bot_config_changed", "strategy_failed"}
)
ALERT_KINDS = frozenset({"alert_raised"})
JOB_KINDS = frozenset({"job_changed"})
SYSTEM_KINDS = frozenset(
    {
        "service_started",
        "service_stopped",
        "feed_stalled",
        "feed_recovered",
        "trading_halted",
        "trading_resumed",
        "daily_loss_reached",
        "pair_locked",
        "pair_unlocked",
    }
)

_LOUDNESS = {one: place for place, one in enumerate(Severity)}


@strawberry.type
class EventSubscriptions:
    """Streams of facts; each begins with SUBSCRIBED and resumes with `after`."""

    @streams()
    async def events(
        self, info: Info, after: Cursor | None = None, kinds: list[EventKind] | None = None
    ) -> AsyncIterator[Event]:
        """The whole journal of the workspace, resumable; `kinds` narrows it."""
        wanted = frozenset(one.value for one in kinds or ())
        async for one in follow(info, after, wanted):
            yield one

    @streams()
    async def order_events(
        self, info: Info, bot_id: strawberry.ID | None = None, after: Cursor | None = None
    ) -> AsyncIterator[Event]:
        """Orders placed, changed, filled and denied."""
        async for one in follow(info, after, ORDER_KINDS, await _known_bot(info, bot_id)):
            yield one

    @streams()
    async def position_updates(
        self, info: Info, bot_id: strawberry.ID | None = None, after: Cursor | None = None
    ) -> AsyncIterator[Event]:
        """Positions opened, changed and closed."""
        async for one in follow(info, after, POSITION_KINDS, await _known_bot(info, bot_id)):
            yield one

    @streams()
    async def bot_events(
        self, info: Info, bot_id: strawberry.ID | None = None, after: Cursor | None = None
    ) -> AsyncIterator[Event]:
        """State and configuration of bots."""
        async for one in follow(info, after, BOT_KINDS, await _known_bot(info, bot_id)):
            yield one

    @streams()
    async def alerts(
        self, info: Info, min_severity: Severity = Severity.INFO, after: Cursor | None = None
    ) -> AsyncIterator[Event]:
        """Alerts from a severity upwards."""
        async for one in follow(info, after, ALERT_KINDS, min_severity=min_severity):
            yield one

    @streams()
    async def job_progress(
        self, info: Info, job_id: strawberry.ID | None = None, after: Cursor | None = None
    ) -> AsyncIterator[Event]:
        """States and progress of a job, or of all of them."""
        own = own_id("Job", job_id) if job_id else ""
        async with info.context.house.store.reading() as unit:
            if own and await unit.jobs.by_id(info.context.workspace_id, own) is None:
                raise not_found(job_id or "")
        async for one in follow(info, after, JOB_KINDS, job_id=own):
            yield one

    @streams()
    async def system_events(self, info: Info, after: Cursor | None = None) -> AsyncIterator[Event]:
        """Halts, locks, feeds and services."""
        async for one in follow(info, after, SYSTEM_KINDS):
            yield one


async def follow(
    info: Info,
    after: str | None,
    kinds: frozenset[str] = frozenset(),
    bot_id: str = "",
    min_severity: Severity | None = None,
    job_id: str = "",
) -> AsyncIterator[Event]:
    """Follow the journal of the asker's workspace.

    Raises:
        ApiError: CURSOR_EXPIRED, or SLOW_CONSUMER with the cursor to resume from.
    """
    context = info.context
    after = context.resume_after or after
    start = journal_sequence(after) if after else None
    facts = context.journal.read(context.workspace_id, start)
    is_first = True
    try:
        async for position, batch in facts:
            if is_first:
                context.place = journal_cursor(position)
                yield subscribed(position, context.house.clock.now())
                is_first = False
            for recorded in batch:
                if _wanted(recorded, kinds, bot_id, min_severity, job_id):
                    context.place = journal_cursor(recorded.sequence)
                    yield context.journal.shown(recorded, shown_event)
    except SlowConsumer as slow:
        context.observer.dropped("slow_consumer")
        raise ApiError(
            ErrorCode.SLOW_CONSUMER,
            "This stream fell behind and was ended; subscribe again after the cursor.",
            cursor=journal_cursor(slow.last_sequence),
        ) from slow
    except CursorExpired as expired:
        context.observer.dropped("cursor_expired")
        raise ApiError(ErrorCode.CURSOR_EXPIRED, str(expired)) from expired
    finally:
        await facts.aclose()


def _wanted(
    recorded: Recorded, kinds: frozenset[str], bot_id: str, min_severity: Severity | None, job_id: str
) -> bool:
    fact = recorded.event
    if kinds and kind_of(fact) not in kinds:
        return False
    if bot_id and fact.bot_id != bot_id:
        return False
    if job_id and getattr(fact, "job_id", "") != job_id:
        return False
    if min_severity is not None and isinstance(fact, AlertRaised):
        return _LOUDNESS[fact.level] >= _LOUDNESS[min_severity]
    return True


async def _known_bot(info: Info, bot_id: str | None) -> str:
    if not bot_id:
        return ""
    own = own_id("Bot", bot_id)
    if await info.context.load.bot.load(own) is None:
        raise not_found(bot_id)
    return own

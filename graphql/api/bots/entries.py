"""People's say in entries: semi-automatic bots, answers, the market's direction; a running bot's configuration; the archive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry

from api.context import Info
from api.ids import global_id, id_or_name, own_id
from api.mutation import Payload, carry_out, mutates
from api.permissions import reads
from desk.commands import (
    AnswerEntry,
    ArchiveTrade,
    Command,
    EnterByHand,
    ReloadConfig,
    SetEntryMode,
    SetMarketDirection,
)
from desk.entry_views import ANSWER_WITHIN, DRIFT_RATIO, Direction, EntryRequest, EntryState
from desk.identity import Role

strawberry.enum(EntryState, description="Where an entry that waits for people stands.")
strawberry.enum(Direction, name="MarketDirection", description="Which entries are let in.")


@strawberry.type(
    description="An entry that a semi-automatic bot asks people about, or that a person asked for by hand."
)
class Entry:
    """One of them."""

    code: str = strawberry.field(description="What AnswerEntry takes.")
    bot_id: strawberry.ID
    signal_id: strawberry.ID
    pair: str
    is_long: bool
    tag: str
    price: Decimal
    stop: Decimal | None
    targets: list[Decimal]
    quantity: Decimal = strawberry.field(
        description="As it was when it was asked; it is sized anew at the close."
    )
    share: Decimal = strawberry.field(description="1, or 0.5 where somebody chose half.")
    state: EntryState
    asked_at: datetime
    expires_at: datetime
    decided_by: str
    outcome: str = strawberry.field(description="The check that refused it, or why it ended.")


def entry(found: EntryRequest) -> Entry:
    """Give an entry as the API shows it."""
    return Entry(
        code=found.code,
        bot_id=strawberry.ID(global_id("Bot", found.bot_id)),
        signal_id=strawberry.ID(global_id("Signal", found.signal_id)),
        pair=found.pair,
        is_long=found.is_long,
        tag=found.tag,
        price=found.price,
        stop=found.stop,
        targets=list(found.targets),
        quantity=found.quantity,
        share=found.share,
        state=found.state,
        asked_at=found.asked_at,
        expires_at=found.expires_at,
        decided_by=found.decided_by,
        outcome=found.outcome,
    )


@strawberry.input
class SetEntryModeInput:
    """Which bot, and how it enters."""

    idempotency_key: UUID
    bot_id: strawberry.ID
    is_asked: bool = strawberry.field(description="Ask a person before each entry.")
    window: timedelta = strawberry.field(default=ANSWER_WITHIN, description="1 minute to 24 hours.")
    drift: Decimal = strawberry.field(
        default=DRIFT_RATIO,
        description="Share of the price, above 0 to 0.2, that the market may move meanwhile.",
    )


@strawberry.input
class AnswerEntryInput:
    """Which entry, and the answer."""

    idempotency_key: UUID
    code: str
    answer: str = strawberry.field(description="approve, half or skip.")


@strawberry.input
class EnterByHandInput:
    """What a bot on paper is to enter."""

    idempotency_key: UUID
    bot_id: strawberry.ID
    pair: str
    is_long: bool
    price: Decimal | None = strawberry.field(
        default=None, description="Of a resting limit entry; without it at the market."
    )
    stake: Decimal | None = strawberry.field(
        default=None, description="At most so much money; the limits may give less."
    )
    quantity: Decimal | None = strawberry.field(default=None, description="At most so many units.")
    stop: Decimal | None = strawberry.field(
        default=None, description="Without it, and without stopRatio, the strategy's own."
    )
    stop_ratio: Decimal | None = strawberry.field(
        default=None, description="The stop as a distance from the entry: 0.02 is 2 %."
    )
    targets: list[Decimal] = strawberry.field(
        default_factory=list, description="Up to three, nearest first; without any the strategy's own."
    )
    rest_for: timedelta | None = strawberry.field(
        default=None, description="So long a limit entry rests; 24 bars without it."
    )


@strawberry.input
class SetMarketDirectionInput:
    """Which way."""

    idempotency_key: UUID
    direction: str = strawberry.field(description="long, short, even or none.")
    account_id: strawberry.ID | None = None


@strawberry.input
class ReloadConfigInput:
    """Which bot."""

    idempotency_key: UUID
    bot_id: strawberry.ID
    expected_version: int | None = strawberry.field(
        default=None, description="The `configVersion` that was seen; another one is a VERSION_CONFLICT."
    )


@strawberry.input
class ArchiveTradeInput:
    """Which trade."""

    idempotency_key: UUID
    trade_id: strawberry.ID


@strawberry.type
class SetEntryModePayload(Payload):
    """How the bot enters from its next bar on."""

    is_asked: bool | None = None


@strawberry.type
class AnswerEntryPayload(Payload):
    """The entry with its answer."""

    entry: Entry | None = None


@strawberry.type
class EnterByHandPayload(Payload):
    """The entry; it is decided at the next close."""

    entry: Entry | None = None


@strawberry.type
class SetMarketDirectionPayload(Payload):
    """The direction."""

    direction: Direction | None = None


@strawberry.type
class ReloadConfigPayload(Payload):
    """The version that the bot goes on with; the newest one where another was expected."""

    config_version: int | None = None


@strawberry.type
class ArchiveTradePayload(Payload):
    """The number of the archived trade."""

    number: int | None = None


@strawberry.type
class EntryQueries:
    """Queries about entries that people have a say in."""

    @reads(Role.VIEWER)
    async def entries(self, info: Info, first: int = 20) -> list[Entry]:
        """Give the newest entries that people were asked about, newest first; at most 100."""
        async with info.context.house.store.reading() as unit:
            found = await unit.entries.recent(info.context.workspace_id, max(1, min(first, 100)))
        return [entry(one) for one in found]


@strawberry.type
class EntryMutations:
    """Mutations about entries that people have a say in."""

    @mutates(SetEntryMode)
    async def set_entry_mode(self, info: Info, input: SetEntryModeInput) -> SetEntryModePayload:
        """Let a bot ask before each entry, or no more."""
        done = await carry_out(
            info,
            lambda: SetEntryMode(
                bot_id=own_id("Bot", input.bot_id),
                is_asked=input.is_asked,
                window=input.window,
                drift=input.drift,
            ),
            key=input.idempotency_key,
            keep=lambda view: {"is_asked": view.is_asked},
        )
        return SetEntryModePayload(
            is_asked=done.kept.get("is_asked"), user_errors=done.errors, idempotent_replay=done.is_replay
        )

    @mutates(AnswerEntry, moves_money=True)
    async def answer_entry(self, info: Info, input: AnswerEntryInput) -> AnswerEntryPayload:
        """Answer an entry."""
        done = await carry_out(
            info,
            lambda: AnswerEntry(code=input.code, answer=input.answer),
            key=input.idempotency_key,
            keep=lambda view: {"code": view.code},
        )
        return AnswerEntryPayload(
            entry=await _entry(info, done.kept), user_errors=done.errors, idempotent_replay=done.is_replay
        )

    @mutates(EnterByHand, moves_money=True)
    async def enter_by_hand(self, info: Info, input: EnterByHandInput) -> EnterByHandPayload:
        """Let a bot on paper enter a pair, sized and protected by its rules."""

        def build() -> Command:
            return EnterByHand(
                bot_id=own_id("Bot", input.bot_id),
                pair=input.pair,
                is_long=input.is_long,
                price=input.price,
                stake=input.stake,
                quantity=input.quantity,
                stop=input.stop,
                stop_ratio=input.stop_ratio,
                targets=tuple(input.targets),
                rest_for=input.rest_for,
            )

        done = await carry_out(
            info, build, key=input.idempotency_key, keep=lambda view: {"code": view.request.code}
        )
        return EnterByHandPayload(
            entry=await _entry(info, done.kept), user_errors=done.errors, idempotent_replay=done.is_replay
        )

    @mutates(SetMarketDirection)
    async def set_market_direction(
        self, info: Info, input: SetMarketDirectionInput
    ) -> SetMarketDirectionPayload:
        """Set the direction."""
        done = await carry_out(
            info,
            lambda: SetMarketDirection(
                direction=input.direction,
                account_id=id_or_name("Account", input.account_id),
            ),
            key=input.idempotency_key,
            keep=lambda view: {"direction": view.direction.value},
        )
        kept = done.kept.get("direction")
        return SetMarketDirectionPayload(
            direction=Direction(kept) if kept else None,
            user_errors=done.errors,
            idempotent_replay=done.is_replay,
        )

    @mutates(ReloadConfig)
    async def reload_config(self, info: Info, input: ReloadConfigInput) -> ReloadConfigPayload:
        """Go on with the newest configuration."""
        done = await carry_out(
            info,
            lambda: ReloadConfig(bot_id=own_id("Bot", input.bot_id), expected_version=input.expected_version),
            key=input.idempotency_key,
            keep=lambda view: {"version": view.config_version},
        )
        version = done.kept.get("version")
        if done.has_moved:
            async with info.context.house.store.reading() as unit:
                found = await unit.bots.by_id(info.context.workspace_id, own_id("Bot", input.bot_id))
            version = found.config_version if found else None
        return ReloadConfigPayload(
            config_version=version, user_errors=done.errors, idempotent_replay=done.is_replay
        )

    @mutates(ArchiveTrade)
    async def archive_trade(self, info: Info, input: ArchiveTradeInput) -> ArchiveTradePayload:
        """Archive a trade."""
        done = await carry_out(
            info,
            lambda: ArchiveTrade(trade_id=own_id("Trade", input.trade_id)),
            key=input.idempotency_key,
            keep=lambda view: {"number": view.number},
        )
        return ArchiveTradePayload(
            number=done.kept.get("number"), user_errors=done.errors, idempotent_replay=done.is_replay
        )


async def _entry(info: Info, kept: Mapping[str, Any]) -> Entry | None:
    if not kept:
        return None
    async with info.context.house.store.reading() as unit:
        found = await unit.entries.by_code(info.context.workspace_id, str(kept["code"]))
    return entry(found) if found else None

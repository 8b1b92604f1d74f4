"""Setting bots up, starting and stopping them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import strawberry

from api.bots.types import Bot, bot
from api.context import Info
from api.ids import id_or_name, own_id
from api.mutation import Payload, carry_out, kept_id, mutates
from desk import views
from desk.commands import (
    ChangeConfig,
    Command,
    CreateBot,
    DeleteBot,
    GoLive,
    GoPaper,
    PauseBot,
    ResumeBot,
    RollBackConfig,
    StartBot,
    StopBot,
)
from trading.errors import InvalidInput

#: Most pairs or parameters of one input.
MAX_ITEMS = 100


@strawberry.input(description="A parameter as text; the strategy reads it by its kind.")
class ParameterInput:
    """One setting of a strategy."""

    name: str
    value: str


@strawberry.input
class CreateBotInput:
    """A new bot."""

    idempotency_key: UUID
    name: str
    strategy: str
    pairs: list[str]
    timeframe: str = "1h"
    parameters: list[ParameterInput] = strawberry.field(default_factory=list)
    allocation: float = strawberry.field(default=1.0, description="Share of the account, above 0 to 1.")
    account_id: strawberry.ID | None = strawberry.field(
        default=None, description="Its id or its name; may be left out where there is one account."
    )


@strawberry.input
class StartBotInput:
    """Which bot."""

    idempotency_key: UUID
    bot_id: strawberry.ID


@strawberry.input
class PauseBotInput:
    """Which bot, for how long, and why."""

    idempotency_key: UUID
    bot_id: strawberry.ID
    duration: timedelta | None = strawberry.field(default=None, description="Resumes by itself after it.")
    reason: str = ""


@strawberry.input
class ResumeBotInput:
    """Which bot."""

    idempotency_key: UUID
    bot_id: strawberry.ID


@strawberry.input
class StopBotInput:
    """Which bot, and what happens to what it holds."""

    idempotency_key: UUID
    bot_id: strawberry.ID
    close_positions: bool = False


@strawberry.input
class DeleteBotInput:
    """Which bot."""

    idempotency_key: UUID
    bot_id: strawberry.ID
    expected_version: int | None = strawberry.field(
        default=None, description="The bot's `version` that was seen; another one is a VERSION_CONFLICT."
    )


@strawberry.input
class GoLiveInput:
    """Which bot, and the live account that it shall trade."""

    idempotency_key: UUID
    bot_id: strawberry.ID
    account_id: strawberry.ID | None = strawberry.field(
        default=None, description="Its id or its name; may be left out where there is one live account."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="The bot's `version` that was seen; another one is a VERSION_CONFLICT."
    )


@strawberry.input
class GoPaperInput:
    """Which bot, and the paper account that it shall trade."""

    idempotency_key: UUID
    bot_id: strawberry.ID
    account_id: strawberry.ID | None = strawberry.field(
        default=None, description="Its id or its name; may be left out where there is one paper account."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="The bot's `version` that was seen; another one is a VERSION_CONFLICT."
    )


@strawberry.input
class ChangeConfigInput:
    """New parameters; the version that was seen guards against somebody else's change."""

    idempotency_key: UUID
    bot_id: strawberry.ID
    parameters: list[ParameterInput]
    reason: str = ""
    expected_version: int | None = strawberry.field(
        default=None, description="The `configVersion` that was seen; another one is a VERSION_CONFLICT."
    )


@strawberry.input
class RollBackConfigInput:
    """Which version to go back to; 0 = the one before the newest."""

    idempotency_key: UUID
    bot_id: strawberry.ID
    version: int = 0
    expected_version: int | None = strawberry.field(
        default=None, description="The `configVersion` that was seen; another one is a VERSION_CONFLICT."
    )


@strawberry.type
class BotPayload(Payload):
    """A bot, or why not."""

    bot: Bot | None = None


@strawberry.type
class CreateBotPayload(BotPayload):
    """The new bot; it is stopped."""


@strawberry.type
class StartBotPayload(BotPayload):
    """The bot, wanted running."""


@strawberry.type
class PauseBotPayload(BotPayload):
    """The bot, wanted paused."""


@strawberry.type
class ResumeBotPayload(BotPayload):
    """The bot, wanted running."""


@strawberry.type
class StopBotPayload(BotPayload):
    """The bot, wanted stopped."""


@strawberry.type
class DeleteBotPayload(BotPayload):
    """The archived bot."""


@strawberry.type
class GoLivePayload(BotPayload):
    """The bot on its live account; it is stopped."""


@strawberry.type
class GoPaperPayload(BotPayload):
    """The bot on its paper account; it is stopped."""


@strawberry.type
class ChangeConfigPayload(BotPayload):
    """The bot with its new configuration version."""


@strawberry.type
class RollBackConfigPayload(BotPayload):
    """The bot with a new version that has the old values."""


P = TypeVar("P", bound=BotPayload)
Item = TypeVar("Item")


@strawberry.type
class BotMutations:
    """Mutations about bots."""

    @mutates(CreateBot)
    async def create_bot(self, info: Info, input: CreateBotInput) -> CreateBotPayload:
        """Set up a bot."""

        def build() -> Command:
            return CreateBot(
                name=input.name,
                strategy=input.strategy,
                pairs=tuple(few(input.pairs, "pairs")),
                timeframe=input.timeframe,
                parameters=_parameters(input.parameters),
                allocation=input.allocation,
                account_id=id_or_name("Account", input.account_id),
            )

        return await _bot_payload(info, CreateBotPayload, build, input.idempotency_key)

    @mutates(StartBot)
    async def start_bot(self, info: Info, input: StartBotInput) -> StartBotPayload:
        """Start a bot."""
        return await _bot_payload(
            info, StartBotPayload, lambda: StartBot(bot_id=own_id("Bot", input.bot_id)), input.idempotency_key
        )

    @mutates(PauseBot)
    async def pause_bot(self, info: Info, input: PauseBotInput) -> PauseBotPayload:
        """Pause a bot."""

        def build() -> Command:
            return PauseBot(bot_id=own_id("Bot", input.bot_id), duration=input.duration, reason=input.reason)

        return await _bot_payload(info, PauseBotPayload, build, input.idempotency_key)

    @mutates(ResumeBot)
    async def resume_bot(self, info: Info, input: ResumeBotInput) -> ResumeBotPayload:
        """Resume a bot."""
        return await _bot_payload(
            info,
            ResumeBotPayload,
            lambda: ResumeBot(bot_id=own_id("Bot", input.bot_id)),
            input.idempotency_key,
        )

    @mutates(StopBot, moves_money=True)
    async def stop_bot(self, info: Info, input: StopBotInput) -> StopBotPayload:
        """Stop a bot."""

        def build() -> Command:
            return StopBot(bot_id=own_id("Bot", input.bot_id), close_positions=input.close_positions)

        return await _bot_payload(info, StopBotPayload, build, input.idempotency_key)

    @mutates(DeleteBot)
    async def delete_bot(self, info: Info, input: DeleteBotInput) -> DeleteBotPayload:
        """Archive a bot."""

        def build() -> Command:
            return DeleteBot(bot_id=own_id("Bot", input.bot_id), expected_version=input.expected_version)

        return await _bot_payload(info, DeleteBotPayload, build, input.idempotency_key, input.bot_id)

    @mutates(GoLive)
    async def go_live(self, info: Info, input: GoLiveInput) -> GoLivePayload:
        """Move a bot to a live account."""

        def build() -> Command:
            return GoLive(
                bot_id=own_id("Bot", input.bot_id),
                account_id=id_or_name("Account", input.account_id),
                expected_version=input.expected_version,
            )

        return await _bot_payload(info, GoLivePayload, build, input.idempotency_key, input.bot_id)

    @mutates(GoPaper)
    async def go_paper(self, info: Info, input: GoPaperInput) -> GoPaperPayload:
        """Move a bot back to a paper account."""

        def build() -> Command:
            return GoPaper(
                bot_id=own_id("Bot", input.bot_id),
                account_id=id_or_name("Account", input.account_id),
                expected_version=input.expected_version,
            )

        return await _bot_payload(info, GoPaperPayload, build, input.idempotency_key, input.bot_id)

    @mutates(ChangeConfig)
    async def change_config(self, info: Info, input: ChangeConfigInput) -> ChangeConfigPayload:
        """Change a configuration."""

        def build() -> Command:
            return ChangeConfig(
                bot_id=own_id("Bot", input.bot_id),
                parameters=_parameters(input.parameters),
                reason=input.reason,
                expected_version=input.expected_version,
            )

        return await _bot_payload(info, ChangeConfigPayload, build, input.idempotency_key, input.bot_id)

    @mutates(RollBackConfig)
    async def roll_back_config(self, info: Info, input: RollBackConfigInput) -> RollBackConfigPayload:
        """Go back to an earlier configuration."""

        def build() -> Command:
            return RollBackConfig(
                bot_id=own_id("Bot", input.bot_id),
                version=input.version,
                expected_version=input.expected_version,
            )

        return await _bot_payload(info, RollBackConfigPayload, build, input.idempotency_key, input.bot_id)


async def _bot_payload(
    info: Info, payload: type[P], build: Callable[[], Command], key: UUID, named: str = ""
) -> P:
    """Carry out a command about a bot; where the bot `named` moved on, show it as it is now."""
    done = await carry_out(info, build, key=key, keep=kept_id)
    if done.errors:
        present = await _bot(info, own_id("Bot", named)) if done.has_moved and named else None
        return payload(bot=bot(present) if present else None, user_errors=done.errors)
    shown = await _bot(info, str(done.kept["id"])) or done.view
    return payload(bot=bot(shown) if shown else None, idempotent_replay=done.is_replay)


async def _bot(info: Info, own: str) -> views.Bot | None:
    async with info.context.house.store.reading() as unit:
        return await unit.bots.by_id(info.context.workspace_id, own)


def _parameters(given: list[ParameterInput]) -> tuple[tuple[str, Any], ...]:
    return tuple((one.name, one.value) for one in few(given, "parameters"))


def few(items: list[Item], name: str) -> list[Item]:
    """Refuse a list that is longer than inputs may be."""
    if len(items) > MAX_ITEMS:
        raise InvalidInput(f"{len(items)} {name} were given; {MAX_ITEMS} are allowed.")
    return items

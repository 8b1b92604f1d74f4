"""Moves along the four axes of a bot's state: each is a row with its cause, and a fact."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from desk.ports import Unit
from desk.views import Bot, StateChange
from trading.errors import InvariantBroken
from trading.events import PHASES, BotStateChanged, Condition, Desired, Phase

#: Who moved it, where nobody asked.
HOUSE = "breakwater@system"


async def want(
    tx: Unit,
    bot: Bot,
    desired: Desired,
    *,
    cause: str,
    actor: str,
    at: datetime,
    resume_at: datetime | None = None,
) -> tuple[Bot, tuple[BotStateChanged, ...]]:
    """Write what people want of a bot; the supervisor makes it so."""
    if bot.desired is desired and bot.resume_at == resume_at:
        return bot, ()
    saved = await tx.bots.save(
        replace(bot, desired=desired, resume_at=resume_at), expected_version=bot.version
    )
    if bot.desired is desired:
        return saved, ()
    return saved, (await _record(tx, bot, "desired", bot.desired, desired, cause, actor, at),)


async def be(
    tx: Unit, bot: Bot, condition: Condition, *, cause: str, at: datetime, actor: str = HOUSE
) -> tuple[Bot, tuple[BotStateChanged, ...]]:
    """Write how a bot is; the cause is shown to people until the next move."""
    if bot.condition is condition and bot.condition_reason == cause:
        return bot, ()
    saved = await tx.bots.save(replace(bot, condition=condition, condition_reason=cause))
    if bot.condition is condition:
        return saved, ()
    return saved, (await _record(tx, bot, "condition", bot.condition, condition, cause, actor, at),)


async def go(
    tx: Unit,
    bot: Bot,
    pair: str,
    before: Phase,
    after: Phase,
    *,
    cause: str,
    at: datetime,
    actor: str = HOUSE,
) -> BotStateChanged:
    """Write where a bot stands with a pair.

    Raises:
        InvariantBroken: the table of phases has no such step.
    """
    if after not in PHASES[before]:
        raise InvariantBroken(
            f"Bot '{bot.name}' on {pair}: no step leads from {before} to {after} ({cause})."
        )
    await tx.bots.set_phase(bot.workspace_id, bot.id, pair, after, at)
    return await _record(tx, bot, "phase", before, after, cause, actor, at, pair=pair)


async def put_to_rest(tx: Unit, workspace_id: str, account_id: str, at: datetime) -> list[BotStateChanged]:
    """Set stopped bots that hold nothing to IDLE, with all their pairs."""
    events: list[BotStateChanged] = []
    for bot in await tx.bots.of_account(workspace_id, account_id):
        if bot.desired is not Desired.STOPPED:
            continue
        awake = [one for one in bot.phases if one.phase not in (Phase.IDLE, Phase.POSITION_OPEN)]
        events += [
            await go(tx, bot, one.pair, one.phase, Phase.IDLE, cause="stopped", at=at) for one in awake
        ]
        _, moved = await be(tx, bot, Condition.IDLE, cause="stopped", at=at)
        events.extend(moved)
    return events


async def _record(
    tx: Unit,
    bot: Bot,
    axis: str,
    before: str,
    after: str,
    cause: str,
    actor: str,
    at: datetime,
    *,
    pair: str = "",
) -> BotStateChanged:
    await tx.bots.add_state_change(
        bot.workspace_id,
        StateChange(
            at=at,
            bot_id=bot.id,
            axis=axis,
            pair=pair,
            before=str(before),
            after=str(after),
            cause=cause,
            actor=actor,
        ),
    )
    return BotStateChanged(
        workspace_id=bot.workspace_id,
        occurred_at=at,
        account_id=bot.account_id,
        bot_id=bot.id,
        pair=pair,
        axis=axis,
        before=str(before),
        after=str(after),
        cause=cause,
        actor=actor,
    )

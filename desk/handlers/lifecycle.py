"""Starting, pausing, resuming and stopping: what people want, written down; the supervisor makes it so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from desk.bots.requests import ask_to_close
from desk.bots.state import want
from desk.commands import PauseBot, ResumeBot, StartBot, StopBot
from desk.desk import Desk, Handling, Preview
from desk.handlers.finding import bot_of, has_test_money
from desk.identity import Actor
from desk.ports import Unit
from desk.views import Account, Bot, Position
from trading.errors import Conflict, InvalidInput
from trading.events import Desired, Event, TradingState
from trading.orders import Reason

#: Pauses are for people who will come back.
LONGEST_PAUSE = timedelta(days=365)


class LifecycleHandlers:
    """Writes what people want of bots."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(StartBot, self.start_bot, preview=preview_start)
        desk.handle(PauseBot, self.pause_bot)
        desk.handle(ResumeBot, self.resume_bot, preview=preview_resume)
        desk.handle(StopBot, self.stop_bot, preview=preview_stop)

    async def start_bot(self, command: StartBot, handling: Handling) -> Bot:
        """Want it running. A running bot stays as it is."""
        bot = await bot_of(handling.tx, handling.actor, command.bot_id)
        await _refuse_when_halted(handling.tx, bot, "start")
        if bot.desired is Desired.STOPPED:
            await _refuse_over_allocation(handling.tx, bot)
        return await self._want(handling, bot, Desired.RUNNING, cause="started")

    async def pause_bot(self, command: PauseBot, handling: Handling) -> Bot:
        """Want no entries, for a while or until resumed."""
        bot = await bot_of(handling.tx, handling.actor, command.bot_id)
        if bot.desired is Desired.STOPPED:
            raise Conflict(
                f"Bot '{bot.name}' is stopped; only a running bot is paused.", hint="Start it first."
            )
        resume_at = None
        if command.duration is not None:
            if not timedelta(0) < command.duration <= LONGEST_PAUSE:
                raise InvalidInput(
                    f"A pause of {command.duration} was given; more than 0 and up to {LONGEST_PAUSE.days} days is allowed."
                )
            resume_at = handling.now + command.duration
        cause = f"paused: {command.reason}" if command.reason else "paused"
        bot, events = await want(
            handling.tx,
            bot,
            Desired.PAUSED,
            cause=cause,
            actor=handling.actor.label,
            at=handling.now,
            resume_at=resume_at,
        )
        self._done(handling, events)
        return bot

    async def resume_bot(self, command: ResumeBot, handling: Handling) -> Bot:
        """Want entries again."""
        bot = await bot_of(handling.tx, handling.actor, command.bot_id)
        if bot.desired is Desired.STOPPED:
            raise Conflict(f"Bot '{bot.name}' is stopped; only a paused bot is resumed.", hint="Start it.")
        await _refuse_when_halted(handling.tx, bot, "resume")
        return await self._want(handling, bot, Desired.RUNNING, cause="resumed")

    async def stop_bot(self, command: StopBot, handling: Handling) -> Bot:
        """Want it stopped; its positions keep their stops or are closed."""
        bot = await bot_of(handling.tx, handling.actor, command.bot_id)
        bot = await self._want(handling, bot, Desired.STOPPED, cause="stopped")
        if command.close_positions:
            for position in await positions_of(handling.tx, bot):
                await ask_to_close(handling.tx, position, reason=Reason.FORCE_EXIT, by=handling)
        return bot

    async def _want(self, handling: Handling, bot: Bot, desired: Desired, *, cause: str) -> Bot:
        bot, events = await want(
            handling.tx, bot, desired, cause=cause, actor=handling.actor.label, at=handling.now
        )
        self._done(handling, events)
        return bot

    def _done(self, handling: Handling, events: Iterable[Event]) -> None:
        for event in events:
            handling.emit(event)
        handling.after_commit.append(self._wake)


async def preview_start(command: StartBot, tx: Unit, actor: Actor) -> Preview:
    """Say what will trade, and with whose money; the name of a bot with live money has to be typed."""
    bot = await bot_of(tx, actor, command.bot_id)
    is_test = bot.is_live and await has_test_money(tx, bot.workspace_id, bot.account_id)
    money = ".test" if is_test else ".live" if bot.is_live else ""
    return Preview(
        code=f"confirm.StartBot{money}",
        params={
            "bot": bot.name,
            "strategy": bot.strategy,
            "pairs": ", ".join(bot.pairs),
            "timeframe": bot.timeframe,
        },
        type_word=bot.name if bot.is_live and not is_test else "",
        needed=bot.desired is not Desired.RUNNING,
    )


async def preview_resume(command: ResumeBot, tx: Unit, actor: Actor) -> Preview:
    """Say what will open positions again."""
    bot = await bot_of(tx, actor, command.bot_id)
    return Preview(code="confirm.ResumeBot", params={"bot": bot.name}, needed=bot.desired is Desired.PAUSED)


async def preview_stop(command: StopBot, tx: Unit, actor: Actor) -> Preview:
    """Say which positions stay, or what closing them would bring; nothing to confirm when flat."""
    bot = await bot_of(tx, actor, command.bot_id)
    held = await positions_of(tx, bot)
    return Preview(
        code="confirm.StopBot.close" if command.close_positions else "confirm.StopBot.keep",
        params={"bot": bot.name, **summary_of(held)},
        needed=bool(held),
    )


async def positions_of(tx: Unit, bot: Bot) -> list[Position]:
    """Give a bot's open positions."""
    return [one for one in await tx.positions.open(bot.workspace_id, bot.account_id) if one.bot_id == bot.id]


def summary_of(positions: Iterable[Position]) -> dict[str, object]:
    """Give what a preview shows of positions: how many, which, worth what, open profit."""
    held = list(positions)
    return {
        "count": len(held),
        "pairs": ", ".join(one.pair for one in held),
        "value": sum((one.quantity * one.mark_price for one in held), start=0),
        "unrealized_pnl": sum((one.unrealized_pnl for one in held), start=0),
    }


async def _account(tx: Unit, bot: Bot) -> Account | None:
    return await tx.accounts.by_id(bot.workspace_id, bot.account_id)


async def _refuse_when_halted(tx: Unit, bot: Bot, verb: str) -> None:
    account = await _account(tx, bot)
    if account is not None and account.trading_state is TradingState.HALTED:
        raise Conflict(
            f"Account '{account.name}' is halted ({account.state_reason or 'no reason given'}); "
            f"bot '{bot.name}' cannot {verb}.",
            hint="An admin releases it with /unlatch first.",
        )


async def _refuse_over_allocation(tx: Unit, bot: Bot) -> None:
    others = [
        one
        for one in await tx.bots.of_account(bot.workspace_id, bot.account_id)
        if one.id != bot.id and one.desired is not Desired.STOPPED
    ]
    taken = sum(one.allocation for one in others)
    if taken + bot.allocation > 1.0 + 1e-9:
        raise Conflict(
            f"Bot '{bot.name}' is to have {bot.allocation:.0%} of its account; {max(0.0, 1 - taken):.0%} is free "
            f"beside {', '.join(one.name for one in others)}.",
            hint="Lower its allocation in its configuration, or stop another bot.",
        )

"""People's say in entries, the configuration that a running bot goes on with, and the archive of finished trades."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from desk.bots.memory import unpack
from desk.commands import (
    AnswerEntry,
    ArchiveTrade,
    ReloadConfig,
    SetEntryMode,
    SetMarketDirection,
)
from desk.desk import Desk, Handling, Preview
from desk.entry_views import BotWish, Direction, EntryRequest, EntryState, MarketDirection
from desk.handlers.finding import account_of, bot_of, require_version
from desk.handlers.telling import tell
from desk.identity import Actor
from desk.ports import Unit
from desk.views import Bot, Trade
from trading.errors import Conflict, InvalidInput, NotFound, nearest
from trading.events import Desired, Event, SignalLapsed, TradingState

#: An entry waits at least and at most so long.
SHORTEST_WINDOW, LONGEST_WINDOW = timedelta(minutes=1), timedelta(hours=24)
#: The price may move by this share at most while an entry waits.
LARGEST_DRIFT = Decimal("0.2")

#: What may be answered: the state that follows, and the share of the size.
ANSWERS = {
    "approve": (EntryState.APPROVED, Decimal(1)),
    "half": (EntryState.APPROVED, Decimal("0.5")),
    "skip": (EntryState.SKIPPED, Decimal(1)),
}


class EntryHandlers:
    """Writes what people say; the account loop reads it before its next bar."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(SetEntryMode, self.set_entry_mode, preview=preview_mode)
        desk.handle(AnswerEntry, self.answer_entry)
        desk.handle(SetMarketDirection, self.set_direction)
        desk.handle(ReloadConfig, self.reload_config, preview=preview_reload)
        desk.handle(ArchiveTrade, self.archive_trade, preview=preview_archive)

    async def set_entry_mode(self, command: SetEntryMode, handling: Handling) -> BotWish:
        """Let a bot ask before each entry from its next bar on, or no more."""
        bot = await bot_of(handling.tx, handling.actor, command.bot_id)
        if not SHORTEST_WINDOW <= command.window <= LONGEST_WINDOW:
            raise InvalidInput(
                f"A window of {command.window} was given; {SHORTEST_WINDOW} to {LONGEST_WINDOW} is allowed."
            )
        if not Decimal(0) < command.drift <= LARGEST_DRIFT:
            raise InvalidInput(
                f"A drift of {command.drift} was given; a share above 0 and up to {LARGEST_DRIFT} is allowed."
            )
        wish = replace(
            await wish_of(handling.tx, bot, handling),
            is_asked=command.is_asked,
            window_s=int(command.window.total_seconds()),
            drift_ratio=command.drift,
        )
        return await self._save(wish, handling)

    async def answer_entry(self, command: AnswerEntry, handling: Handling) -> EntryRequest:
        """Write an answer, after a look at whether the entry still makes sense."""
        tx, actor, now = handling.tx, handling.actor, handling.now
        if command.answer not in ANSWERS:
            raise InvalidInput(
                f"'{command.answer}' was given; {', '.join(ANSWERS)} are allowed.",
                hint=nearest(command.answer, ANSWERS) or None,
            )
        after, share = ANSWERS[command.answer]
        request = await _waiting_request(tx, actor, command.code, is_skip=after is EntryState.SKIPPED)
        if request.state is EntryState.APPROVED:
            return await self._take_back(request, handling)
        if request.expires_at <= now:
            raise Conflict(
                f"{request.code} ended at {request.expires_at:%H:%M} UTC without an answer.",
                hint="The bot asks again at its next signal.",
            )
        bot = await bot_of(tx, actor, request.bot_id)
        if after is EntryState.APPROVED:
            _refuse_at_rest(bot)
            price = await _last_price(tx, bot, request.pair)
            if price is not None and request.has_drifted(price):
                after = EntryState.DRIFTED
        if not await tx.entries.decide(
            actor.workspace_id, request.id, after=after, share=share, by=actor.label, at=now
        ):
            raise Conflict(f"{request.code} was answered meanwhile.")
        request = replace(request, state=after, share=share, decided_by=actor.label, decided_at=now)
        reason = "" if after is EntryState.APPROVED else after.value.lower()
        facts: list[Event] = [request.answered(now, reason=reason)]
        if reason:
            await tx.signals.settle(actor.workspace_id, request.signal_id, outcome="lapsed", reason=reason)
            facts.append(
                SignalLapsed(
                    workspace_id=actor.workspace_id,
                    occurred_at=now,
                    account_id=request.account_id,
                    bot_id=request.bot_id,
                    pair=request.pair,
                    signal_id=request.signal_id,
                    reason=reason,
                )
            )
        await tell(handling, *facts)
        handling.after_commit.append(self._wake)
        return request

    async def _take_back(self, request: EntryRequest, handling: Handling) -> EntryRequest:
        """End an entry by hand before the close that it waits for."""
        moved = await handling.tx.entries.move(
            request.workspace_id,
            request.id,
            before=(EntryState.APPROVED,),
            after=EntryState.SKIPPED,
            outcome="skipped",
        )
        if not moved:
            raise Conflict(f"{request.code} was answered meanwhile.")
        taken_back = replace(request, state=EntryState.SKIPPED, outcome="skipped")
        await tell(handling, taken_back.answered(handling.now, reason="skipped", actor=handling.actor.label))
        handling.after_commit.append(self._wake)
        return taken_back

    async def set_direction(self, command: SetMarketDirection, handling: Handling) -> MarketDirection:
        """Refuse entries against a direction from the next bar on."""
        account = await account_of(handling.tx, handling.actor, command.account_id)
        try:
            direction = Direction(command.direction.strip().lower())
        except ValueError:
            names = [one.value for one in Direction]
            raise InvalidInput(
                f"Direction '{command.direction}' was given; {', '.join(names)} are allowed.",
                hint=nearest(command.direction, names) or None,
            ) from None
        found = MarketDirection(
            account_id=account.id,
            workspace_id=account.workspace_id,
            direction=direction,
            set_by=handling.actor.label,
            set_at=handling.now,
        )
        await handling.tx.entries.set_direction(found)
        handling.after_commit.append(self._wake)
        return found

    async def reload_config(self, command: ReloadConfig, handling: Handling) -> BotWish:
        """Let a running bot go on with its newest configuration."""
        bot = await bot_of(handling.tx, handling.actor, command.bot_id)
        require_version(f"The configuration of '{bot.name}'", command.expected_version, bot.config_version)
        before = await running_version(handling.tx, bot)
        if bot.desired is Desired.STOPPED or before >= bot.config_version:
            why = (
                "is stopped" if bot.desired is Desired.STOPPED else f"runs configuration {before}, the newest"
            )
            raise Conflict(
                f"Bot '{bot.name}' {why}; there is nothing to reload.",
                hint="A stopped bot takes its newest configuration when it is started.",
            )
        wish = replace(await wish_of(handling.tx, bot, handling), config_version=bot.config_version)
        return await self._save(wish, handling)

    async def archive_trade(self, command: ArchiveTrade, handling: Handling) -> Trade:
        """Leave a trade out of lists and statistics."""
        trade = await trade_of(handling.tx, handling.actor, command.trade_id)
        done = await handling.tx.positions.archive_trade(
            trade.workspace_id, trade.id, handling.actor.label, handling.now
        )
        if not done:
            raise Conflict(f"Trade #{trade.number} is archived already.")
        return trade

    async def _save(self, wish: BotWish, handling: Handling) -> BotWish:
        saved = replace(wish, set_by=handling.actor.label, set_at=handling.now)
        await handling.tx.entries.save_wish(saved)
        handling.after_commit.append(self._wake)
        return saved


async def wish_of(tx: Unit, bot: Bot, handling: Handling) -> BotWish:
    """Give what is wanted of a bot so far."""
    known = (await tx.entries.wishes(bot.workspace_id, bot.account_id)).get(bot.id)
    return known or BotWish(
        bot_id=bot.id, workspace_id=bot.workspace_id, account_id=bot.account_id, set_at=handling.now
    )


async def running_version(tx: Unit, bot: Bot) -> int:
    """Give the configuration version that a bot runs, by the account's saved state; before its first bar the newest."""
    saved = await tx.accounts.snapshot(bot.workspace_id, bot.account_id)
    if saved is None:
        return bot.config_version
    memory, _ = unpack(saved[1])
    return memory.configs.get(bot.id, bot.config_version)


async def trade_of(tx: Unit, actor: Actor, trade_id: str) -> Trade:
    """Give a finished trade by its id or number.

    Raises:
        NotFound: there is none.
    """
    number = trade_id.strip().lstrip("#")
    trade = await tx.positions.trade(actor.workspace_id, trade_id)
    if trade is None and number.isascii() and number.isdigit() and len(number) <= 9:
        trade = await tx.positions.trade_by_number(actor.workspace_id, int(number))
    if trade is None:
        raise NotFound(f"No finished trade is '{trade_id}'.", hint="/trades lists them.")
    return trade


async def preview_mode(command: SetEntryMode, tx: Unit, actor: Actor) -> Preview:
    """Ask before a bot enters by itself again."""
    bot = await bot_of(tx, actor, command.bot_id)
    wish = (await tx.entries.wishes(bot.workspace_id, bot.account_id)).get(bot.id)
    was_asked = wish is not None and wish.is_asked
    return Preview(
        code="confirm.SetEntryMode", params={"bot": bot.name}, needed=was_asked and not command.is_asked
    )


async def preview_reload(command: ReloadConfig, tx: Unit, actor: Actor) -> Preview:
    """Say what would change, from what to what."""
    bot = await bot_of(tx, actor, command.bot_id)
    version = await running_version(tx, bot)
    configs = {one.version: one.parameters for one in await tx.bots.configs(bot.workspace_id, bot.id)}
    before, after = configs.get(version, {}), configs.get(bot.config_version, {})
    changes = [
        f"{name}: {before.get(name, '–')} → {after.get(name, '–')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    return Preview(
        code="confirm.ReloadConfig",
        params={
            "bot": bot.name,
            "before": version,
            "version": bot.config_version,
            "changes": "; ".join(changes) or "–",
        },
        needed=version < bot.config_version,
    )


async def preview_archive(command: ArchiveTrade, tx: Unit, actor: Actor) -> Preview:
    """Say which trade, and ask for its number."""
    trade = await trade_of(tx, actor, command.trade_id)
    return Preview(
        code="confirm.ArchiveTrade",
        params={"number": trade.number, "pair": trade.pair, "pnl": trade.pnl},
        type_word=str(trade.number),
    )


async def _waiting_request(tx: Unit, actor: Actor, code: str, *, is_skip: bool) -> EntryRequest:
    wanted = code.strip().upper()
    request = await tx.entries.by_code(actor.workspace_id, wanted)
    if request is None:
        raise NotFound(f"No entry is called '{wanted[:40]}'.", hint="/entry lists those that wait.")
    may_go = is_skip and request.is_by_hand and request.state is EntryState.APPROVED
    if request.state is not EntryState.WAITING and not may_go:
        by = f" by {request.decided_by}" if request.decided_by else ""
        raise Conflict(f"{request.code} is {request.state.value.lower()} already{by}.")
    return request


def _refuse_at_rest(bot: Bot) -> None:
    if bot.desired is not Desired.RUNNING or bot.trading_state is not TradingState.ACTIVE:
        state = bot.trading_state if bot.trading_state is not TradingState.ACTIVE else bot.desired
        raise Conflict(
            f"Bot '{bot.name}' is {state.value.lower()}; it opens nothing now.",
            hint="Resume it first, then answer again.",
        )


async def _last_price(tx: Unit, bot: Bot, pair: str) -> Decimal | None:
    fits = [one for one in await tx.candles.series() if one.pair == pair and one.timeframe == bot.timeframe]
    if not fits:
        return None
    newest = max(fits, key=lambda one: one.last)
    candles = await tx.candles.last(newest.venue, pair, newest.timeframe, 1)
    return Decimal(repr(float(candles.close[-1]))) if len(candles) else None

"""Entries by hand on paper accounts: a wish for the account's own loop, which sizes, checks and protects it like any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from desk.approvals import new_code
from desk.bots.asking import AGAINST
from desk.bots.by_hand import planned_by_hand
from desk.commands import EnterByHand
from desk.desk import Desk, Handling, Preview
from desk.entry_views import FORCE_ENTRY, EntryByHand, EntryRequest, EntryState, PlannedEntry
from desk.execution.client_ids import stable_id
from desk.execution.placing import SHARES
from desk.handlers.finding import account_of, bot_of, pair_name
from desk.handlers.telling import tell
from desk.identity import Actor, new_id
from desk.ports import Feed, Unit
from desk.views import Account, Bot
from strategies.registry import StrategyRegistry
from trading.errors import Conflict, InvalidInput, InvariantBroken, RiskDenied
from trading.events import Desired, TradingState

#: The price may move so far until the close; past the stop nothing is entered at all.
DRIFT_RATIO = Decimal("0.05")
#: A limit price waits for the market to come: only the stop bounds it.
_ANY_DRIFT = Decimal(10) ** 9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wished:
    """A wish that may be granted, as far as rows tell."""

    bot: Bot
    account: Account
    wish: EnterByHand


class ByHandHandlers:
    """Writes entries by hand; the account loop takes them at its next close."""

    def __init__(self, desk: Desk, registry: StrategyRegistry, feed: Feed, wake: Callable[[], None]) -> None:
        self._desk = desk
        self._registry = registry
        self._feed = feed
        self._wake = wake

    def register(self) -> None:
        """Enter the handler."""
        self._desk.handle(EnterByHand, self.enter, preview=self.preview, before=self.plan)

    async def plan(self, command: EnterByHand, actor: Actor) -> PlannedEntry:
        """Find out what would be entered now, before the transaction: the engine is restored for it."""
        async with self._desk.store.reading() as tx:
            return (await self._planned(tx, command, actor))[1]

    async def enter(self, command: EnterByHand, handling: Handling) -> EntryByHand:
        """Write the wish, as one that was approved by whoever had it."""
        tx, actor, now = handling.tx, handling.actor, handling.now
        planned: PlannedEntry = handling.prepared
        wished = await _wished(tx, command, actor, now)
        request_id = new_id()
        request = EntryRequest(
            id=request_id,
            workspace_id=actor.workspace_id,
            account_id=wished.account.id,
            bot_id=wished.bot.id,
            pair=planned.pair,
            code=new_code(),
            signal_id=stable_id(wished.account.id, "signal", request_id),
            is_long=planned.is_long,
            tag=FORCE_ENTRY,
            price=planned.price,
            stop=planned.stop,
            targets=planned.targets,
            quantity=planned.quantity,
            plan=planned.plan,
            state=EntryState.APPROVED,
            drift_ratio=_ANY_DRIFT if planned.is_limit else DRIFT_RATIO,
            asked_at=now,
            expires_at=planned.until,
            decided_by=actor.label,
            decided_at=now,
        )
        for _ in range(5):
            if await tx.entries.ask(request):
                break
            request = replace(request, code=new_code())
        else:
            raise InvariantBroken("Five codes of six letters were all in use.")
        await tell(handling, request.answered(now, reason=FORCE_ENTRY))
        handling.after_commit.append(self._wake)
        return EntryByHand(request=request, planned=planned)

    async def preview(self, command: EnterByHand, tx: Unit, actor: Actor) -> Preview:
        """Say what would be bought or sold, where it is given up, what that loses, and which limit decides the size."""
        wished, planned = await self._planned(tx, command, actor)
        return Preview(
            code="confirm.EnterByHand.limit" if planned.is_limit else "confirm.EnterByHand",
            params={
                "bot": wished.bot.name,
                "pair": planned.pair,
                "side": "long" if planned.is_long else "short",
                "quantity": planned.quantity,
                "price": planned.price,
                "value": planned.price * planned.quantity,
                "stop": planned.stop,
                "risk": planned.risk,
                "binding": planned.binding,
                "targets": ", ".join(map(str, planned.targets)) or "–",
                "timeframe": wished.bot.timeframe,
                "currency": wished.account.currency,
            },
        )

    async def _planned(self, tx: Unit, command: EnterByHand, actor: Actor) -> tuple[_Wished, PlannedEntry]:
        now = self._desk.clock.now()
        wished = await _wished(tx, command, actor, now)
        return wished, await planned_by_hand(
            tx, self._feed, self._registry, wished.account, wished.bot, wished.wish, now
        )


async def _wished(tx: Unit, command: EnterByHand, actor: Actor, now: datetime) -> _Wished:
    """Look at everything that rows tell.

    Raises:
        InvalidInput, Conflict, RiskDenied: why it cannot be.
    """
    bot = await bot_of(tx, actor, command.bot_id)
    account = await account_of(tx, actor, bot.account_id)
    wish = replace(command, pair=pair_name(command.pair))
    if account.is_live:
        raise InvalidInput(
            f"Bot '{bot.name}' trades real money; an entry by hand goes through a bot on paper only.",
            hint="Place an order on the live account instead.",
        )
    if wish.pair not in bot.pairs:
        raise InvalidInput(f"{wish.pair} is no pair of {bot.name}; {', '.join(bot.pairs)} are.")
    _check_amounts(wish)
    if bot.desired is not Desired.RUNNING or account.trading_state is not TradingState.ACTIVE:
        state = account.trading_state if account.trading_state is not TradingState.ACTIVE else bot.desired
        raise Conflict(
            f"Bot '{bot.name}' is {state.value.lower()}; it opens nothing now.",
            hint="Let it run first, then ask again.",
        )
    await _refuse_taken(tx, bot, wish)
    refused = ""
    if any(
        one.pair in ("", wish.pair) for one in await tx.accounts.locks(actor.workspace_id, account.id, now)
    ):
        refused = "locked"
    direction = await tx.entries.direction(actor.workspace_id, account.id)
    if direction is not None and not direction.direction.lets_in(1 if wish.is_long else -1):
        refused = AGAINST
    if refused:
        raise RiskDenied(
            f"{bot.name} cannot enter {wish.pair} now.",
            reason=refused,
            hint="/whynot shows what keeps bots from entering a pair.",
        )
    return _Wished(bot=bot, account=account, wish=wish)


def _check_amounts(wish: EnterByHand) -> None:
    for name, one in (
        ("price", wish.price),
        ("stake", wish.stake),
        ("quantity", wish.quantity),
        ("stop", wish.stop),
        ("stop_ratio", wish.stop_ratio),
        *(("target", one) for one in wish.targets),
    ):
        if one is not None and not (one.is_finite() and 0 < one < Decimal("1e15")):
            raise InvalidInput(f"{name} {one} was given; more than 0 is allowed.")
    if wish.stop is not None and wish.stop_ratio is not None:
        raise InvalidInput("A stop was given as a price and as a distance; one of them is allowed.")
    if wish.stop_ratio is not None and wish.stop_ratio >= 1:
        raise InvalidInput(f"A stop {wish.stop_ratio:.0%} away was given; less than 100% is allowed.")
    if len(wish.targets) > len(SHARES):
        raise InvalidInput(f"{len(wish.targets)} targets were given; up to {len(SHARES)} are allowed.")
    if wish.rest_for is not None and (wish.price is None or wish.rest_for.total_seconds() <= 0):
        raise InvalidInput("A time to rest was given without a limit price; only a limit entry rests.")


async def _refuse_taken(tx: Unit, bot: Bot, wish: EnterByHand) -> None:
    """Refuse what would be a second position or question of the same bot and pair."""
    for one in await tx.positions.open(bot.workspace_id, bot.account_id):
        if (one.bot_id, one.pair) == (bot.id, wish.pair):
            raise Conflict(
                f"{bot.name} holds {wish.pair} already; one position of a bot and pair is allowed.",
                hint="Close it first, or let another bot enter.",
            )
    for waiting in await tx.entries.open(bot.workspace_id, bot.account_id):
        if (waiting.bot_id, waiting.pair) == (bot.id, wish.pair):
            raise Conflict(
                f"Entry {waiting.code} of {bot.name} and {wish.pair} waits already.",
                hint=f"/entry {waiting.code} shows it.",
            )

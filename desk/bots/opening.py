"""Opening an account: the rows and the saved state become an engine, warm strategies and a place in the market.

This one path serves the first start, a restart after a crash, and a change of the bots at work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from desk.bots.carriers import Carrier
from desk.bots.market import Market
from desk.bots.memory import LoopMemory, unpack
from desk.bots.phases import Phases
from desk.bots.plan import Plan, SilentStrategy, make_plan, strategy_of
from desk.bots.positions import held_quantity
from desk.bots.say import Say
from desk.ports import Feed, Store, Unit
from desk.views import Account, Bot, Filter, Page, Position
from strategies.base import BaseStrategy
from strategies.registry import StrategyRegistry
from trading.candles import Candles
from trading.engine.engine import AccountEngine
from trading.engine.views import Bar as EngineBar
from trading.errors import BreakwaterError, InvariantBroken, OperatorProblem, StrategyFailure
from trading.events import Desired
from trading.instruments import Instrument
from trading.risk.correlation import DAY_MS

#: History is at least this long, so that charts have something to show.
_LEAST_BARS = 400
#: History reaches back this far for the correlation of daily returns.
_CORRELATION_DAYS = 32
#: History is never longer.
_MOST_BARS = 50_000
#: So many bars are written in one transaction.
_BARS_AT_ONCE = 2_000


@dataclass(slots=True)
class Opened:
    """An account ready for its next bar.

    Attributes:
        last_ms: open time of the last committed bar; None before the first.
        carriers: by line index; a line whose strategy broke has none.
        failed: bots whose strategy broke while opening, with the reason.
        history: bars that were fetched and are not stored yet.
        say: what people said about its entries.
    """

    plan: Plan
    engine: AccountEngine
    memory: LoopMemory
    market: Market
    phases: Phases
    positions: dict[tuple[str, str], Position]
    last_ms: int | None
    carriers: dict[int, Carrier] = field(default_factory=dict)
    failed: dict[str, StrategyFailure] = field(default_factory=dict)
    history: list[Candles] = field(default_factory=list)
    say: Say = field(default_factory=Say)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What the store says about an account."""

    account: Account
    bots: tuple[Bot, ...]
    saved: tuple[int, bytes] | None
    positions: tuple[Position, ...]
    parameters: Mapping[str, Mapping[str, object]]
    memory: LoopMemory | None
    engine: bytes


async def open_account(
    store: Store, feed: Feed, registry: StrategyRegistry, workspace_id: str, account_id: str
) -> Opened | None:
    """Open an account; None when no bot of it needs to be looked after.

    Raises:
        OperatorProblem: the account went on another market before, or its saved state is gone.
        InvariantBroken: the rows and the engine's state disagree.
    """
    async with store.reading() as tx:
        rows = await read_rows(tx, workspace_id, account_id)
        if rows is not None and rows.saved is None:
            await _require_untraded(tx, rows.account)
    if rows is None:
        return None
    wanted = dict.fromkeys(pair for bot in rows.bots for pair in bot.pairs)
    opened = restored(rows, feed, registry, {pair: await feed.instrument(pair) for pair in wanted})
    _reconcile(opened)
    await warm(opened, store, feed)
    return opened


def restored(
    rows: Rows, feed: Feed, registry: StrategyRegistry, instruments: Mapping[str, Instrument]
) -> Opened:
    """Give the engine and everything around it as the rows say; strategies know no past yet.

    Raises:
        OperatorProblem: the account went on another market before, or a pair has no trading rules.
    """
    memory = rows.memory or LoopMemory(venue=feed.venue, cash=rows.account.capital)
    if memory.venue != feed.venue:
        raise OperatorProblem(
            f"Account '{rows.account.name}' traded on {memory.venue}; this process has {feed.venue}.",
            hint="Start it with the same market, or give it another data folder.",
        )
    failed: dict[str, StrategyFailure] = {}
    built = _build(rows, registry, failed)
    plan = make_plan(rows.account, built, instruments)
    engine = AccountEngine(plan.config)
    if rows.engine:
        engine.restore(rows.engine)
    memory.keep((line.key for line in plan.lines), (bot.id for bot in rows.bots))
    for bot in rows.bots:
        memory.configs.setdefault(bot.id, bot.config_version)
    opened = Opened(
        plan=plan,
        engine=engine,
        memory=memory,
        market=Market(feed.venue, plan.timeframe),
        phases=Phases(),
        positions={(one.bot_id, one.pair): one for one in rows.positions},
        last_ms=rows.saved[0] if rows.saved and rows.saved[0] >= 0 else None,
        failed=failed,
    )
    for line in plan.lines:
        opened.phases.know(line)
    return opened


def needs_service(bot: Bot, held: Sequence[Position]) -> bool:
    """Tell whether a bot has to be looked after: it is wanted, or still holds something."""
    return bot.desired is not Desired.STOPPED or any(one.bot_id == bot.id for one in held)


async def read_rows(tx: Unit, workspace_id: str, account_id: str) -> Rows | None:
    """Give what the store says of an account; None when no bot of it needs to be looked after."""
    account = await tx.accounts.by_id(workspace_id, account_id)
    if account is None:
        return None
    positions = tuple(await tx.positions.open(workspace_id, account_id))
    bots = tuple(
        one for one in await tx.bots.of_account(workspace_id, account_id) if needs_service(one, positions)
    )
    if not bots:
        return None
    saved = await tx.accounts.snapshot(workspace_id, account_id)
    memory, engine = unpack(saved[1]) if saved else (None, b"")
    return Rows(
        account=account,
        bots=bots,
        saved=saved,
        positions=positions,
        parameters={bot.id: await _parameters(tx, bot, memory) for bot in bots},
        memory=memory,
        engine=engine,
    )


async def _require_untraded(tx: Unit, account: Account) -> None:
    """Refuse to begin anew where trades are known: the engine alone knows the cash that they left.

    Raises:
        OperatorProblem: the account traded, and its saved state is gone.
    """
    if await tx.fills.page(account.workspace_id, Filter(account_id=account.id), Page(first=1)):
        raise OperatorProblem(
            f"Account '{account.name}' has traded, and its saved state is gone; it would begin with its first capital.",
            hint="Restore the database from a backup, or let the bots trade in a new account.",
        )


async def _parameters(tx: Unit, bot: Bot, memory: LoopMemory | None) -> Mapping[str, object]:
    """Give the configuration that the bot was started with: a change waits for its next start."""
    version = memory.configs.get(bot.id, bot.config_version) if memory else bot.config_version
    for one in await tx.bots.configs(bot.workspace_id, bot.id):
        if one.version == version:
            return one.parameters
    return bot.parameters


def _build(
    rows: Rows, registry: StrategyRegistry, failed: dict[str, StrategyFailure]
) -> list[tuple[Bot, BaseStrategy]]:
    built: list[tuple[Bot, BaseStrategy]] = []
    for bot in rows.bots:
        try:
            built.append((bot, strategy_of(bot, rows.parameters[bot.id], registry)))
        except BreakwaterError as problem:
            # The bot cannot decide any more; what it holds is still looked after.
            failed[bot.id] = StrategyFailure(problem.message, hint=problem.hint)
            built.append((bot, SilentStrategy()))
    return built


def _reconcile(opened: Opened) -> None:
    """Compare what the ledger holds with what the engine holds: a difference stops the account."""
    for line in opened.plan.lines:
        by_rows = opened.positions[line.key].quantity if line.key in opened.positions else Decimal(0)
        by_fills = held_quantity(opened.memory.line(line.key))
        by_engine = opened.engine.position(line.index).quantity
        if not by_rows == by_fills == by_engine:
            raise InvariantBroken(
                f"{line.bot.name} on {line.pair}: the position says {by_rows}, its fills {by_fills}, the engine "
                f"{by_engine}; they must agree."
            )


async def warm(opened: Opened, store: Store, feed: Feed) -> None:
    """Give every pair its past and every strategy its place; afterwards the next bar may come."""
    past: dict[str, Candles] = {}
    for pair in opened.plan.pairs:
        past[pair] = await _past(opened, store, feed, pair)
        opened.market.remember(past[pair])
    for line in opened.plan.lines:
        origin = opened.memory.origins.setdefault(
            line.key, int(past[line.pair].ts_ms[0]) if len(past[line.pair]) else 0
        )
        own = past[line.pair].between(origin, None)
        others = {pair: past[pair] for pair in line.strategy.pairs_needed}
        try:
            opened.carriers[line.index] = await asyncio.to_thread(Carrier, line, own, others)
        except StrategyFailure as failure:
            opened.failed[line.bot.id] = failure
    await asyncio.to_thread(_compile, opened.plan)


async def keep_history(opened: Opened, store: Store) -> None:
    """Store the bars that were fetched, a part at a time: a month of minutes written at once would hold the database
    for so long that leases run out. They are the market's, not the account's: it does not matter who writes them."""
    for past in opened.history:
        for first in range(0, len(past), _BARS_AT_ONCE):
            async with store.transaction() as tx:
                await tx.candles.add(past.rows(first, first + _BARS_AT_ONCE))


async def _past(opened: Opened, store: Store, feed: Feed, pair: str) -> Candles:
    """Give the bars up to the last committed one, from the beginning of every strategy on the pair."""
    plan = opened.plan
    timeframe = str(plan.timeframe)
    stop_ms = None if opened.last_ms is None else opened.last_ms + plan.timeframe.ms
    known = [origin for (_, origin_pair), origin in opened.memory.origins.items() if origin_pair == pair]
    wanted = _wanted_bars(plan, pair)
    fetched = await feed.history(pair, timeframe, before_ms=stop_ms, bars=wanted)
    opened.history.append(fetched)
    if not known:
        return fetched
    async with store.reading() as tx:
        stored = await tx.candles.load(feed.venue, pair, timeframe, from_ms=min(known), to_ms=stop_ms)
    first = int(fetched.ts_ms[0]) if len(fetched) else None
    return stored if len(stored) and (first is None or int(stored.ts_ms[0]) <= first) else fetched


def _wanted_bars(plan: Plan, pair: str) -> int:
    of_days = _CORRELATION_DAYS * DAY_MS // plan.timeframe.ms + 1
    warm = max(
        2 * line.strategy.warmup_bars
        for line in plan.lines
        if pair in (line.pair, *line.strategy.pairs_needed)
    )
    return min(_MOST_BARS, max(_LEAST_BARS, warm, of_days))


def _compile(plan: Plan) -> None:
    """Run the engine once, so that the first bar does not wait for the compiler."""
    engine = AccountEngine(plan.config)
    bar = {0: EngineBar(ts_ms=plan.timeframe.ms, open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0)}
    engine.match(bar)
    engine.decide(bar, {})
    engine.account()

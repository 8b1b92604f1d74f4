"""A live bot at `breakwater sim-exchange` over sockets, killed (-9) again and again, trades like its paper twin.

    python tests/proofs/live_bots.py [--full] [--bars N] [--kills N] [--seed N] [--log FILE]

Real ccxt, the exchange in a process of its own, a strategy with stop, ladder, break-even and trailing. Prices walk
through every bar at the exchange; the trader is killed at random moments and at named points: while it decides, sends,
protects, reads fills, moves a stop or starts. In the end

- its trades equal those of the same bot over the same bars on paper, up to the prices that the exchange gave. The one
  thing that a kill may cost is an entry: killed between its claim and its first byte, it is proved absent and is not
  sent again (`NOT_PLACED`). Such entries are counted, and only they may be missing;
- an independent judge finds the exchange's ledger and the rows telling one story: nothing lost, nothing doubled;
- no process sent an entry before it had compared the account with the exchange;
- a position was behind its stop at the exchange, but for the measured gaps.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "graphql")]

from server.warm import use_cache  # noqa: E402

# Before the core is imported: its compiled form is kept with the checkout.
use_cache(_ROOT / ".cache")

import ccxt.pro  # noqa: E402, F401 - forked traders need it at once

from desk.clock import SystemClock, from_ms, to_ms  # noqa: E402
from desk.store import SqlStore, migrate, open_store  # noqa: E402
from desk.venues.ccxt_venue import CcxtVenue  # noqa: E402
from desk.venues.client import open_link  # noqa: E402
from desk.views import Account  # noqa: E402
from tests.desk.desk_house import a_house, at_work, market, until  # noqa: E402
from tests.support.live_bot_play import POINTS, Life, Play, Rows  # noqa: E402
from tests.support.live_bot_process import QUICK, Released, Trader  # noqa: E402
from tests.support.live_bots import COSTS, ScriptFeed, Told, joined, told  # noqa: E402
from tests.support.order_checker import complaints  # noqa: E402
from tests.support.sim_process import Gap, SimProcess  # noqa: E402
from trading.candles import Candles  # noqa: E402
from trading.instruments import Instrument  # noqa: E402

PAIR = "BTC/USDT"
HISTORY = 310
CAPITAL = Decimal(90_000)
BOT: dict[str, Any] = {
    "strategy": "trend_following",
    "parameters": (
        ("fast_bars", 3),
        ("slow_bars", 8),
        ("trend_bars", 13),
        ("entry", "cross"),
        ("sides", "long"),
    ),
}
#: Quantities differ by the fee that the exchange keeps in the coin and by a step; after a lost entry by its result too.
_SIZES, _SIZES_AFTER_A_MISS = Decimal("0.002"), Decimal("0.05")
#: Prices differ by half a spread of the exchange (a tick) on each execution; a break-even stop also by what its fee was.
_PRICES = Decimal("0.0002")
#: A stop is missing at most so long: while a target is taken or a stop moves, and after a kill until it is back.
GAP_S, GAP_AFTER_KILL_S = 5.0, 20.0


def series(bars: int) -> list[Candles]:
    """Give the market."""
    return [joined(replace(one, venue="binance")) for one in market((PAIR,), bars=bars, seed=5)]


async def prepare(url: str) -> tuple[str, str]:
    """Write a live account with a running bot, as the go-live command leaves it; give workspace and account."""
    await migrate(url)
    store = open_store(url)
    house = await a_house(store, feed=ScriptFeed(series(HISTORY + 10), {}, venue="binance", history=HISTORY))
    account = await an_account(store, house.workspace.id, "real", venue="binance", is_live=True)
    started = await house.start_bot("real tide", account_id="paper", pairs=(PAIR,), **BOT)
    async with store.transaction() as tx:
        await tx.bots.save(replace(started, account_id=account.id, is_live=True))
    await store.close()
    return house.workspace.id, account.id


async def an_account(store: SqlStore, workspace_id: str, name: str, *, venue: str, is_live: bool) -> Account:
    """Write an account of the size that both have."""
    async with store.transaction() as tx:
        return await tx.accounts.create(
            workspace_id,
            name=name,
            venue=venue,
            is_live=is_live,
            currency="USDT",
            capital=CAPITAL,
            settings={"costs": COSTS},
        )


async def on_paper(url: str, data: list[Candles], rules: dict[str, Instrument]) -> list[Told]:
    """Give the trades of the twin."""
    await migrate(url)
    store = open_store(url)
    feed = ScriptFeed(data, rules, venue="binance", history=HISTORY)
    feed.release(len(data[0]))
    house = await a_house(store, feed=feed)
    await an_account(store, house.workspace.id, "twin", venue="paper", is_live=False)
    await house.start_bot(account_id="twin", pairs=(PAIR,), **BOT)
    async with at_work(house):
        last = int(data[0].ts_ms[-1])
        await until(lambda: any(one.last_ms == last for one in house.supervisor.loops.values()), within_s=400)
    trades = [told(one) for one in await house.trades()]
    await store.close()
    return trades


async def rules_of(trader: Trader) -> dict[str, Instrument]:
    """Ask the exchange for its trading rules."""
    venue = CcxtVenue(open_link(QUICK, trader.address(), SystemClock()))
    try:
        return dict(await venue.instruments())
    finally:
        await venue.close()


async def judged(
    url: str, workspace_id: str, account_id: str, exchange: SimProcess
) -> tuple[list[Told], list[str]]:
    """Give the live bot's trades, and every broken promise."""
    store = open_store(url)
    seen = exchange.witnessed(PAIR)
    start = {asset: exchange.start().get(asset, Decimal(0)) for asset in PAIR.split("/")}
    async with store.reading() as tx:
        found = await complaints(tx, workspace_id, account_id, seen, start=start)
    house = await a_house(store, feed=ScriptFeed(series(HISTORY + 10), {}, venue="binance", history=HISTORY))
    trades = [told(one) for one in await house.trades()]
    await store.close()
    return trades, found


def prove(
    options: argparse.Namespace, bars: int, kills: int, folder: Path
) -> tuple[dict[str, Any], list[str]]:
    """Play it; give the figures and what is wrong."""
    path = folder / "live.sqlite3"
    url = f"sqlite:{path}"
    exchange = SimProcess(folder / "witness.jsonl")
    workspace_id, account_id = asyncio.run(prepare(url))
    data = series(HISTORY + bars)
    chance = random.Random(options.seed)
    trader = Trader(
        url=url,
        base_url=exchange.base_url,
        ws_url=exchange.ws_url,
        ws_api_url=exchange.ws_api_url,
        data=data,
        history=HISTORY,
        released=Released(HISTORY),
        log=options.log,
    )
    play = Play(trader, exchange, Rows(path), chance)
    try:
        # The twin goes first: what it compiles and imports, every trader finds done.
        paper = asyncio.run(
            on_paper(f"sqlite:{folder / 'paper.sqlite3'}", data, asyncio.run(rules_of(trader)))
        )
        exchange.price(PAIR, Decimal(str(float(data[0].close[HISTORY - 1]))))
        began_s = time.monotonic()
        play.kill()
        for row in range(HISTORY, HISTORY + bars):
            # A kill takes 1.6 processes: some are killed again while they start, or while they answer a price.
            is_killed = chance.random() < (kills - play.kills) / (HISTORY + bars - row) / 1.6
            if play.is_armed and chance.random() < 0.7:
                # It is left to work until it passes its point.
                is_killed = False
            elif is_killed and chance.random() < 0.5:
                play.points = [chance.choice(POINTS)]
            play.bar(data[0], row, is_killed=is_killed)
        took_s = time.monotonic() - began_s
        play.kill()
        play.wait(play.is_settled)
        live, wrong = asyncio.run(judged(url, workspace_id, account_id, exchange))
        missing = [
            row[0]
            for row in play.rows.ask(
                "SELECT id FROM orders WHERE state = 'not_placed' AND is_reduce_only = 0"
            )
        ]
        wrong += unlike(live, paper, may_miss=len(missing))
        ready, early = compared(play, exchange)
        wrong += early
        gaps, long = bare(exchange.gaps(PAIR), play.lives)
        wrong += long
        ready.sort()
        figures = {
            "bars": bars,
            "kills": play.kills,
            "at_named_points": play.at_points,
            "orders_at_venue": sum(1 for _ in exchange.of("order")),
            "fills": exchange.fills(),
            "trades": len(live),
            "entries_lost_to_a_kill": len(missing),
            "reasons": sorted({one.reason for one in live}),
            "restart_to_compared_s": {"median": ready[len(ready) // 2], "most": ready[-1]},
            "without_whole_stop_s": gaps,
            "took_s": round(took_s),
            "seed": options.seed,
        }
    finally:
        play.end()
        exchange.close()
    return figures, wrong


def unlike(live: list[Told], paper: list[Told], *, may_miss: int) -> Iterator[str]:
    """Tell where the two stories differ; an entry that a kill cost leaves its trade out, and sizes after it differ."""
    rest = list(live)
    missed = 0
    for one in paper:
        if rest and one.is_like(rest[0], sizes=_SIZES if not missed else _SIZES_AFTER_A_MISS, prices=_PRICES):
            rest.pop(0)
        elif missed < may_miss:
            missed += 1
        else:
            yield f"on paper {one}; live {rest[0] if rest else 'nothing'}"
            return
    if rest:
        yield f"live only: {rest[0]}"
    if len(live) < 2:
        yield f"the bot made {len(live)} trades: nothing is shown"


def compared(play: Play, exchange: SimProcess) -> tuple[list[float], list[str]]:
    """Give how long each process took to compare its account, and the entries that went out before."""
    done = [
        _ms(row[0])
        for row in play.rows.ask(
            "SELECT ended_at FROM reconciliations WHERE outcome = 'agreed' ORDER BY ended_at"
        )
    ]
    entries = [one["at_ms"] for one in exchange.of("order") if one["side"] == "BUY"]
    took, early = [], []
    for life in play.lives:
        first = next((one for one in done if life.began_ms <= one <= life.ended_ms), None)
        if first is not None:
            took.append(round((first - life.began_ms) / 1_000, 3))
        early += [
            f"an entry went out at {from_ms(one):%H:%M:%S.%f}, before the account was compared"
            for one in entries
            if life.began_ms <= one <= life.ended_ms and (first is None or one < first)
        ]
    return took, early


def bare(gaps: list[Gap], lives: list[Life]) -> tuple[dict[str, Any], list[str]]:
    """Give how long positions were not wholly behind stops, and the gaps that are too long."""
    quiet, killed = list[float](), list[float]()
    for one in gaps:
        was_killed = any(one.began_ms <= life.ended_ms <= one.ended_ms for life in lives)
        (killed if was_killed else quiet).append(one.seconds)
    wrong = [f"no whole stop for {one} s, without a kill" for one in quiet if one > GAP_S]
    wrong += [f"no whole stop for {one} s around a kill" for one in killed if one > GAP_AFTER_KILL_S]
    told_of: dict[str, Any] = {}
    for name, found in (("undisturbed", sorted(quiet)), ("around_a_kill", sorted(killed))):
        told_of[name] = {"n": len(found)}
        if found:
            told_of[name] |= {"median": found[len(found) // 2], "most": found[-1]}
    return told_of, wrong


def _ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def main() -> int:
    """Prove it; 0 when live and paper tell one story."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--bars", type=int, default=0)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", default="", help="where traders write their log")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    bars = options.bars or (440 if options.full else 62)
    kills = options.kills or (120 if options.full else 12)
    with tempfile.TemporaryDirectory() as folder:
        figures, wrong = prove(options, bars, kills, Path(folder))
    print(json.dumps(figures))
    for one in wrong:
        print(f"  {one}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

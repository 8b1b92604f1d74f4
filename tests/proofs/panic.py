"""/panic on Telegram against a strategy that wants to buy at every bar: no order after the halt, also after restarts.

Run: python tests/proofs/panic.py [--full]

A person writes /panic and taps Confirm; python-telegram-bot carries both over sockets. A venue of our own writes down every
order that reaches it, in order, together with the moment at which the account was halted in the database. After that
moment only orders that reduce may arrive. Then the process' parts are stopped and opened anew on the same database,
several times, and the market goes on: nothing may be bought.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from chatops.commands import full_book
from chatops.doors.door import DoorState
from chatops.doors.links import DeskLinks
from chatops.room import Room
from chatops.telegram_bot.door import TelegramDoor
from desk.identity import Role
from desk.store import SqlStore, migrate, open_store
from desk.venue_port import OrderRequest, Placement
from desk.venues.paper import PaperVenue
from strategies.registry import default_registry
from tests.desk import desk_house
from tests.desk.desk_house import DeskHouse, a_house, at_work, market, until
from tests.desk.test_supervision import Always
from tests.support.telegram_world import TOKEN, StandIn, Telegram
from trading.events import OrderPlaced, TradingHalted, TradingState
from trading.orders import Side

OWNER = 4242


class Witness(PaperVenue):
    """A venue that writes down what reaches it."""

    seen: list[OrderRequest] = []  # noqa: RUF012 - one book for every venue of the proof

    async def place(self, request: OrderRequest) -> Placement:
        """Write an order down and take it."""
        self.seen.append(request)
        return await super().place(request)


async def house_of(store: SqlStore, bars_per_s: float, bars: int) -> DeskHouse:
    """Give a house whose bot wants to be long at every close."""
    registry = default_registry()
    registry.register(Always)
    return await a_house(store, market(bars=bars), registry=registry, bars_per_s=bars_per_s)


async def link(house: DeskHouse) -> None:
    """Link the owner."""
    async with house.store.transaction() as tx:
        await tx.links.add(
            house.workspace.id,
            user_id=house.members[Role.OWNER].user_id,
            platform="telegram",
            platform_user_id=str(OWNER),
            display_name="owner",
            at=house.clock.now(),
        )


async def opened(house: DeskHouse, telegram: Telegram, stack: AsyncExitStack) -> None:
    """Run the house and its Telegram door until the stack is closed."""
    await stack.enter_async_context(at_work(house))
    room = Room(desk=house.desk)
    door = TelegramDoor(room, full_book(), DeskLinks(house.desk), token=TOKEN, base_url=telegram.url)
    running = asyncio.create_task(door.run())

    async def close() -> None:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    stack.push_async_callback(close)
    await until(lambda: door.state is DoorState.OPEN)


async def bars_pass(house: DeskHouse, count: int) -> int:
    """Let the market go on for so many bars; give how many there were."""
    [loop] = house.supervisor.loops.values()
    first = await _equity_points(house)
    await until(lambda: _reached(house, first + count) if not loop.has_ended else True)
    return await _equity_points(house) - first


async def _reached(house: DeskHouse, count: int) -> bool:
    return await _equity_points(house) >= count


async def _equity_points(house: DeskHouse) -> int:
    async with house.store.reading() as tx:
        return len(await tx.accounts.equity(house.workspace.id, house.account.id))


async def is_halted(house: DeskHouse) -> bool:
    """Look into the database."""
    async with house.store.reading() as tx:
        account = await tx.accounts.by_id(house.workspace.id, house.account.id)
    return account is not None and account.trading_state is TradingState.HALTED


async def opens_after_the_halt(house: DeskHouse) -> int:
    """Count the orders that open in the journal behind the halt's own line; the strategy is never short."""
    facts = [one.event for one in await house.journal()]
    halt = next(at for at, one in enumerate(facts) if isinstance(one, TradingHalted))
    return sum(1 for one in facts[halt:] if isinstance(one, OrderPlaced) and one.side is Side.BUY)


@dataclass(slots=True)
class Tally:
    """What the rounds saw."""

    entries: int = 0
    bars_after: int = 0
    at_venue: int = 0
    in_journal: int = 0
    unlatched: int = 0


async def pull(house: DeskHouse, telegram: Telegram, tally: Tally, calm_bars: int) -> int:
    """Let the bot buy, pull the emergency stop by chat, and let the market go on; give the venue's halt mark."""
    async with AsyncExitStack() as stack:
        await opened(house, telegram, stack)
        await until(lambda: any(not one.is_reduce_only for one in Witness.seen))
        await bars_pass(house, calm_bars)
        asked = await telegram.ask(OWNER, "/panic proof")
        answer = await telegram.press(OWNER, asked, "Confirm")
        assert "error" not in answer["text"].lower(), answer["text"]
        await until(lambda: is_halted(house))
        mark = len(Witness.seen)
        tally.entries += sum(1 for one in Witness.seen if not one.is_reduce_only)
        tally.bars_after += await bars_pass(house, 60)
        assert not await house.positions(), "positions are still open"
    return mark


async def go_on(house: DeskHouse, telegram: Telegram, tally: Tally) -> None:
    """Open everything anew on the same database and let the market go on."""
    async with AsyncExitStack() as stack:
        await opened(house, telegram, stack)
        await until(lambda: bool(house.supervisor.loops))
        tally.bars_after += await bars_pass(house, 40)
        tally.unlatched += not await is_halted(house)
        assert not await house.positions(), "a restart opened a position"


async def prove(rounds: int, restarts: int) -> int:
    """Pull the emergency stop in several houses, each restarted several times."""
    desk_house.PaperVenue = Witness  # type: ignore[attr-defined]
    tally = Tally()
    stand_in = StandIn()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            url = f"sqlite:{folder}/{number}.sqlite3"
            await migrate(url)
            store = open_store(url)
            async with stand_in.visited() as telegram:
                Witness.seen.clear()
                house = await house_of(store, 100.0, 20_000)
                await link(house)
                await house.start_bot(strategy="always")
                mark = await pull(house, telegram, tally, 5 + 3 * number)
                for _ in range(restarts):
                    await go_on(await house_of(store, 100.0, 20_000), telegram, tally)
                tally.at_venue += sum(1 for one in Witness.seen[mark:] if not one.is_reduce_only)
                tally.in_journal += await opens_after_the_halt(house)
            await store.close()
    stand_in.close()
    print(
        f"panic: {rounds} emergency stops by Telegram after {tally.entries} entries, {restarts} restarts each; in "
        f"{tally.bars_after} bars behind the halt mark {tally.at_venue} orders that open reached the venue and "
        f"{tally.in_journal} the journal; unlatched {tally.unlatched} times"
    )
    is_calm = not (tally.at_venue or tally.in_journal or tally.unlatched)
    return 0 if is_calm and tally.bars_after >= rounds * 60 else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    asked = parser.parse_args()
    sys.exit(asyncio.run(prove(5 if asked.full else 1, 3 if asked.full else 1)))

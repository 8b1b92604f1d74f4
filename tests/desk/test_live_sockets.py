"""A live bot over real sockets, with ccxt at a simulated exchange: a part leaves, and a panic ends everything for good."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from desk.clock import SystemClock
from desk.commands import ClosePosition, PanicStop
from desk.settings import VenueSettings
from desk.store import SqlStore
from desk.venues.ccxt_venue import CcxtVenue
from desk.venues.client import open_link
from desk.views import Account
from server.sim_exchange.app import KEY, RunningSim, SimOptions, running_sim
from strategies.registry import default_registry
from tests.desk.desk_house import DeskHouse, a_house, at_work, until
from tests.desk.test_supervision import Always
from tests.support.live_bot_process import QUICK
from tests.support.live_bots import COSTS, ScriptFeed
from tests.support.live_house import HISTORY, series
from tests.support.sim import address_of
from trading.orders import Reason

PAIR = "BTC/USDT"


def stops(sim: RunningSim) -> list[Decimal]:
    """Give what rests at the exchange as stops."""
    orders = sim.house.exchange.wallets[KEY].orders.values()
    return [one.left for one in orders if one.is_live and one.kind.startswith("STOP")]


def purchases(sim: RunningSim) -> int:
    """Count the purchases that the exchange's ledger has."""
    lines = sim.house.exchange.ledger.lines
    return sum(one["kind"] == "order" and one["side"] == "BUY" for one in lines)


async def a_live_bot(store: SqlStore, feed: ScriptFeed, address: VenueSettings) -> DeskHouse:
    """Set a live account with a running bot up, as the go-live command leaves it."""
    registry = default_registry()
    registry.register(Always)
    house = await a_house(store, feed=feed, registry=registry)

    async def open_venue(account: Account) -> CcxtVenue:
        return CcxtVenue(open_link(QUICK, address, SystemClock()))

    house.supervisor._tools = replace(house.supervisor._tools, open_venue=open_venue, signal_age_s=None)
    async with store.transaction() as tx:
        account = await tx.accounts.create(
            house.workspace.id,
            name="real",
            venue="binance",
            is_live=True,
            currency="USDT",
            capital=Decimal(50_000),
            settings={"costs": COSTS},
        )
    started = await house.start_bot(account_id="paper", pairs=(PAIR,), strategy="always")
    async with store.transaction() as tx:
        await tx.bots.save(replace(started, account_id=account.id, is_live=True))
    return house


async def test_half_leaves_and_after_a_panic_nothing_is_opened_any_more(sqlite_store: SqlStore) -> None:
    data = [replace(one, venue="binance") for one in series()]
    feed = ScriptFeed(data, {}, venue="binance", history=HISTORY)
    async with running_sim(SimOptions(volatility=0)) as sim:
        sim.control.set("price", {"symbol": "BTCUSDT", "price": str(round(float(data[0].close[HISTORY]), 2))})
        ours_before = sim.house.exchange.wallets[KEY].total("BTC")
        house = await a_live_bot(sqlite_store, feed, address_of(sim))
        async with at_work(house):
            feed.release(HISTORY + 1)
            await until(lambda: len(stops(sim)) == 1)
            await until(lambda: _is_protected(house, sim))
            [held] = await house.positions()
            assert purchases(sim) == 1

            await house.desk.do(ClosePosition(position_id=held.id, share=Decimal("0.5")), house.actor())
            await until(lambda: stops(sim) and stops(sim)[0] < held.quantity * Decimal("0.6"))
            await until(lambda: _is_protected(house, sim))
            [rest] = await house.positions()
            assert (rest.id, await house.trades()) == (held.id, [])

            await house.desk.do(PanicStop(account_id=rest.account_id), house.actor())
            await until(lambda: _has_left(house))
            await until(lambda: stops(sim) == [])
            last = int(data[0].ts_ms[HISTORY + 3])
            feed.release(HISTORY + 4)
            await until(lambda: any(one.last_ms == last for one in house.supervisor.loops.values()))

        [trade] = await house.trades()
        assert trade.reason is Reason.KILL_SWITCH
        # The strategy wanted to be long at every one of the closes since.
        assert purchases(sim) == 1
        # What was there before is not touched, and what was bought is gone but for a fee's dust.
        left = sim.house.exchange.wallets[KEY].total("BTC") - ours_before
        assert 0 <= left < held.quantity * Decimal("0.01")


async def _is_protected(house: DeskHouse, sim: RunningSim) -> bool:
    held = await house.positions()
    # A fee in the coin leaves less than a step over that no stop can hold.
    return len(held) == 1 and [abs(held[0].quantity - one) < Decimal("0.00001") for one in stops(sim)] == [
        True
    ]


async def _has_left(house: DeskHouse) -> bool:
    return len(await house.trades()) == 1

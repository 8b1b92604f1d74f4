"""A paper bot trades on live prices that come over real sockets: ready, bar after bar, through a cut connection."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from desk.assembly import House, HouseOptions, open_house
from desk.commands import CreateBot, StartBot
from desk.feeds.live_options import LiveOptions
from desk.identity import Actor, Role
from server.sim_exchange.app import SimOptions, running_sim
from tests.support.sim import address_of

#: How long a busy machine may take for the history and the first bar.
PATIENCE_S = 240.0


async def a_bot_at_work(house: House) -> tuple[str, str]:
    """Make a workspace, a paper account and a running bot; give the ids of workspace and account."""
    async with house.store.transaction() as tx:
        workspace = await tx.workspaces.create("home")
        member = await tx.members.add(workspace.id, name="olga", email="", role=Role.OWNER)
        account = await tx.accounts.create(
            workspace.id,
            name="paper",
            venue="paper",
            is_live=False,
            currency="USDT",
            capital=Decimal(10_000),
            settings={},
        )
    actor = Actor(
        user_id=member.user_id, workspace_id=workspace.id, name="olga", role=Role.OWNER, channel="cli"
    )
    pairs = ("BTC/USDT", "ETH/USDT")
    made = await house.desk.do(
        CreateBot(name="live", strategy="breakout", pairs=pairs, timeframe="1s"), actor
    )
    await house.desk.do(StartBot(bot_id=made.view.id), actor)
    return workspace.id, account.id


async def bars_until(
    house: House, workspace_id: str, account_id: str, moments: set[datetime], wanted: int
) -> None:
    """Collect the times of the account's bars until there are enough."""
    while len(moments) < wanted:
        async with house.store.reading() as tx:
            status = await tx.accounts.status(workspace_id, account_id)
        if status is not None:
            moments.add(status.as_of)
        await asyncio.sleep(0.2)


async def prove(*, bars: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        async with running_sim(SimOptions(volatility=3)) as sim:
            market = LiveOptions(venue="binance", address=address_of(sim), pairs=("top-3",))
            async with open_house(HouseOptions(data_dir=Path(folder), market=market)) as house:
                workspace_id, account_id = await a_bot_at_work(house)
                moments: set[datetime] = set()
                async with asyncio.timeout(PATIENCE_S):
                    await bars_until(house, workspace_id, account_id, moments, bars)
                    cut = sim.house.drop_sockets()
                    before = len(moments)
                    await bars_until(house, workspace_id, account_id, moments, before + bars)
                async with house.store.reading() as tx:
                    stored = await tx.candles.last("binance", "BTC/USDT", "1s", 2 * bars)
                is_healthy = house.is_healthy
    steps = {int(one) for one in stored.ts_ms[1:] - stored.ts_ms[:-1]}
    print(f"{len(moments)} bar times seen, {cut} sockets cut between, distances of stored bars {steps} ms")
    return 0 if is_healthy and cut >= 1 and steps == {1000} else 1


def main() -> int:
    """Run the proof."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="60 bars on each side of the cut; otherwise 4")
    asked = parser.parse_args()
    return asyncio.run(prove(bars=60 if asked.full else 4))


if __name__ == "__main__":
    sys.exit(main())

"""100 dropped websockets and 1,000 shuffled, repeated fills give the position that the exchange has.

A real client follows its account at a simulated exchange over sockets. The sockets are cut again and again while
orders fill; events come in another order and several times. The position folded from the stream, with the questions
that a gap asks for, must be the exchange's own, to the last digit, and no trade may count twice.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal

from desk.venue_port import OrderRequest, OutcomeUnknown, StreamGap, VenueBusy, VenueTrade
from desk.venues.ccxt_venue import CcxtVenue
from tests.support.sim import SimVenue, open_sim_venue, until
from trading.errors import VenueProblem

PAIR = "BTC/USDT"


@dataclass
class Folded:
    """What the stream and the questions it asks for make of the account."""

    trades: dict[str, VenueTrade] = field(default_factory=dict)
    repeats: int = 0
    gaps: int = 0
    from_questions: int = 0

    def take(self, trade: VenueTrade, *, is_asked: bool) -> None:
        if trade.venue_trade_id in self.trades:
            self.repeats += not is_asked
            return
        self.trades[trade.venue_trade_id] = trade
        self.from_questions += is_asked

    @property
    def position(self) -> Decimal:
        signs = {"buy": 1, "sell": -1}
        return sum(
            (one.quantity * signs[one.side.value] - one.base_fee for one in self.trades.values()), Decimal(0)
        )


async def follow(venue: CcxtVenue, folded: Folded) -> None:
    async with aclosing(venue.evidence()) as items:  # type: ignore[type-var]
        async for item in items:
            if isinstance(item, VenueTrade):
                folded.take(item, is_asked=False)
            elif isinstance(item, StreamGap):
                folded.gaps += 1
                await catch_up(venue, folded)


async def catch_up(venue: CcxtVenue, folded: Folded) -> None:
    while True:
        try:
            for trade in await venue.trades(PAIR, 0):
                folded.take(trade, is_asked=True)
        except VenueBusy:
            await asyncio.sleep(0.1)
        else:
            return


async def trade(opened: SimVenue, fills: int, chance: random.Random, seconds: float) -> None:
    pause_s = seconds / fills
    for number in range(fills):
        request = OrderRequest(
            client_order_id=f"bw-{number}",
            pair=PAIR,
            side=chance.choice(("buy", "sell")),
            order_type="market",
            quantity=Decimal(chance.randint(10, 400)) * Decimal("0.00001"),
        )
        try:
            await opened.venue.place(request)
        except OutcomeUnknown:
            # Settled by the trades that are asked for; never sent again.
            continue
        except VenueProblem as problem:
            raise SystemExit(f"an order was refused: {problem}") from problem
        await asyncio.sleep(pause_s * chance.random() * 2)


async def cut(opened: SimVenue, drops: int, chance: random.Random) -> int:
    """Cut sockets while one is up; give how many were cut."""
    done = 0
    while done < drops:
        await until(lambda: bool(opened.sim.house.sockets))
        await asyncio.sleep(0.3 + chance.random() * 0.6)
        done += opened.sim.house.drop_sockets() > 0
        await until(lambda: not opened.sim.house.sockets)
    return done


async def prove(*, drops: int, fills: int, seed: int) -> int:
    chance = random.Random(seed)
    started = time.monotonic()
    async with open_sim_venue() as opened:
        before = (await opened.venue.balances())["BTC"].total
        folded = Folded()
        following = asyncio.create_task(follow(opened.venue, folded))
        opened.sim.control.set("fault", {"kind": "ws_shuffle", "count": 7})
        opened.sim.control.set("fault", {"kind": "ws_duplicate", "count": 2})
        cutting = asyncio.create_task(cut(opened, drops, chance))
        await trade(opened, fills, chance, seconds=drops * 0.9)
        dropped = await cutting
        expected = len(opened.sim.house.exchange.wallets["sim-key"].trades)
        await until(lambda: len(folded.trades) == expected, seconds=60)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        after = (await opened.venue.balances())["BTC"].total
    held = after - before
    print(
        f"{dropped} drops, {expected} fills, {folded.gaps} gaps, {folded.repeats} repeats passed over, "
        f"{folded.from_questions} fills found by asking, {time.monotonic() - started:.0f} s (seed {seed})"
    )
    print(f"position folded {folded.position}, at the exchange {held}")
    is_same = folded.position == held and dropped >= drops and expected >= fills
    return 0 if is_same else 1


def main() -> int:
    """Run the proof."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="100 drops and 1,000 fills; otherwise 10 and 200")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    drops, fills = (100, 1_000) if asked.full else (10, 200)
    return asyncio.run(prove(drops=drops, fills=fills, seed=asked.seed))


if __name__ == "__main__":
    sys.exit(main())

"""Discord is away for ten minutes with alerts queued: none is lost, each reader's order is kept, no limit is broken.

The real library over sockets against a stand-in in another process that counts its limits; both live in a time that
runs faster. Alerts are raised before, during and after the outage, and the carrying process is replaced once in the
middle of the backlog, between sending and booking.

Run: python tests/proofs/discord_outage.py [--full]     (210 deliveries to 5 people; --full: 5,040 to 20)
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from chatops.discord_bot.alerts import DiscordAlerts
from desk.alerting.pump import OutboxPump
from desk.alerting.raising import raise_alerts
from desk.identity import Role
from desk.ports import Store
from desk.secrets import Secret
from desk.store import migrate, open_store
from tests.support.discord_people import Remote, in_another_process
from tests.support.discord_world import TOKEN
from tests.support.fast_clock import FastClock
from trading.events import DailyLossReached

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OUTAGE_S = 600.0


async def prove(people: int, alerts: int, scale: float, folder: Path) -> str:
    """Live through the outage and give the figures."""
    url = f"sqlite:{folder / 'proof.db'}"
    await migrate(url)
    clock = FastClock(NOON, scale)
    store = open_store(url, clock=clock)
    workspace_id = await _people(store, people)
    raised = 0

    async def raise_some(count: int) -> None:
        nonlocal raised
        for number in range(raised, raised + count):
            fact = DailyLossReached(
                workspace_id=workspace_id,
                occurred_at=clock.now(),
                account_id="a",
                loss=-(number + 1) / 10_000,
                until=NOON + timedelta(days=number + 1),
            )
            async with store.transaction() as tx:
                await raise_alerts(tx, workspace_id, [fact], clock.now())
        raised += count

    began = time.process_time()
    async with in_another_process(scale) as server:
        way = _way(store, clock, server)
        pump = OutboxPump(store, clock, [way])
        carrying = asyncio.create_task(pump.run())
        third = alerts // 3
        await raise_some(third)
        await _until_empty(store, clock)
        before = await _arrived(server)

        await server("outage", on=True)
        away_until = clock.monotonic() + OUTAGE_S
        while raised < 2 * third:
            await raise_some(min(5, 2 * third - raised))
            pump.ring()
            await clock.sleep(OUTAGE_S / third)
        await clock.sleep(max(0.0, away_until - clock.monotonic()))
        during = await _arrived(server) - before
        await server("outage", on=False)
        back = clock.monotonic()
        await raise_some(alerts - raised)

        # The carrying process is replaced in the middle of the backlog.
        while await _arrived(server) < before + people * third // 4:
            await clock.sleep(1.0)
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
        await way.close()
        way = _way(store, clock, server)
        carrying = asyncio.create_task(OutboxPump(store, clock, [way]).run())
        await _until_empty(store, clock)
        drained_s = clock.monotonic() - back
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
        await way.close()
        texts, state = await server("texts"), await server("state")
    await store.close()
    assert during == 0, "the platform was not away"
    assert state["violations"] == []
    busiest = _verify(texts, people, alerts)
    return (
        f"{people * alerts} deliveries to {people} people, Discord away for {OUTAGE_S:.0f} s ({before} before): 0 lost, "
        f"0 twice, order kept for each; {state['repeated_nonces']} sent again by the second carrier were shown once; "
        f"drained in {drained_s:.0f} s of the platform's time, {state['limited']} requests told to wait, at most "
        f"{busiest} messages a channel within 5 s (Discord: 5); {time.process_time() - began:.0f} s CPU"
    )


def _way(store: Store, clock: FastClock, server: Remote) -> DiscordAlerts:
    return DiscordAlerts(store, clock, token=Secret(TOKEN), api_url=server.api_url)


async def _people(store: Store, count: int) -> str:
    async with store.transaction() as tx:
        workspace = await tx.workspaces.create("home")
        for number in range(count):
            member = await tx.members.add(workspace.id, name=f"p{number}", email="", role=Role.OWNER)
            await tx.links.add(
                workspace.id,
                user_id=member.user_id,
                platform="discord",
                platform_user_id=str(700000000000000000 + number),
                display_name=f"p{number}",
                at=NOON,
            )
    return workspace.id


async def _arrived(server: Remote) -> int:
    return int((await server("state"))["messages"])


async def _until_empty(store: Store, clock: FastClock) -> None:
    while True:
        async with store.reading() as tx:
            if (await tx.alerts.pending())[0] == 0:
                return
        await clock.sleep(1.0)


def _verify(texts: Sequence[dict[str, Any]], people: int, alerts: int) -> int:
    """Check what arrived; give the most messages that any channel got within five seconds of the platform."""
    by_channel: dict[str, list[int]] = {}
    for one in texts:
        found = re.search(r"−(\d+)[.](\d\d)%", one["text"])
        assert found, one["text"]
        by_channel.setdefault(one["channel"], []).append(int(found[1] + found[2]))
    assert len(by_channel) == people, len(by_channel)
    for channel, mine in by_channel.items():
        assert mine == list(range(1, alerts + 1)), f"{channel}: {len(mine)} of {alerts}, {mine[:10]}"
    return max(int(one["within_window"]) for one in texts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    size = (20, 252, 10.0) if parser.parse_args().full else (5, 42, 60.0)
    with tempfile.TemporaryDirectory() as name:
        print(asyncio.run(prove(*size, Path(name))))

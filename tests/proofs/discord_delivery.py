"""From a committed fact to Discord's server: 20 alerts a second to 25 people.

Run: python tests/proofs/discord_delivery.py [--full]     (6 seconds of alerts; --full: 60)

The stand-in for Discord is another process that counts its limits; discord.py talks to it over sockets.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from chatops.discord_bot.alerts import DiscordAlerts
from desk.alerting.pump import OutboxPump
from desk.clock import SystemClock
from desk.identity import Role
from desk.secrets import Secret
from desk.store import SqlStore, migrate, open_store
from tests.proofs.telegram_delivery import an_alert, quantile
from tests.support.discord_people import Remote, in_another_process
from tests.support.discord_world import TOKEN

#: Exit code when only a speed was missed; `tools/prove.py` tries once more.
TOO_SLOW = 75
#: Discord takes five messages in five seconds for each person: with a few more people than alerts a second there is room.
PEOPLE, EACH_S = 25, 20
ASKED_MS = 500
#: The first messages are out of the platform's window by then.
_WINDOW_S = 5.5


async def _people(store: SqlStore) -> str:
    async with store.transaction() as tx:
        workspace = await tx.workspaces.create("home")
        for number in range(PEOPLE):
            member = await tx.members.add(workspace.id, name=f"p{number}", email="", role=Role.OPERATOR)
            await tx.links.add(
                workspace.id,
                user_id=member.user_id,
                platform="discord",
                platform_user_id=_user(number),
                display_name=f"p{number}",
                at=SystemClock().now(),
            )
    return workspace.id


def _user(number: int) -> str:
    return str(700000000000000000 + number)


async def prove(seconds: float, folder: Path) -> int:
    """Commit alerts and measure until Discord has each; 75 when only the speed was missed."""
    url = f"sqlite:{folder / 'proof.db'}"
    await migrate(url)
    store = open_store(url)
    clock = SystemClock()
    workspace_id = await _people(store)
    committed: dict[int, float] = {}
    count = round(seconds * EACH_S)
    async with in_another_process() as server:
        way = DiscordAlerts(store, clock, token=Secret(TOKEN), api_url=server.api_url)
        pump = OutboxPump(store, clock, [way])
        carrying = asyncio.create_task(pump.run())
        # The first message to each opens a conversation, as on any day before.
        await _commit(store, pump, workspace_id, range(90_000, 90_000 + PEOPLE), committed, every_s=0.0)
        await _arrived(server, PEOPLE)
        await asyncio.sleep(_WINDOW_S)
        await _commit(store, pump, workspace_id, range(count), committed, every_s=1 / EACH_S)
        await _arrived(server, PEOPLE + count)
        texts, state = await server("texts"), await server("state")
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
        await way.close()
    await store.close()
    found = {int(number): float(one["at"]) for one in texts if (number := _number(one["text"]))}
    assert len(texts) == len(found) == count + PEOPLE, (
        f"{len(texts)} messages, {len(found)} of {count} alerts"
    )
    assert state["violations"] == []
    waits = [(found[number] - committed[number]) * 1000 for number in range(count)]
    p50, p99 = quantile(waits, 0.5), quantile(waits, 0.99)
    print(
        f"speed: {count} alerts at {EACH_S}/s to {PEOPLE} people: commit to Discord p50 {p50:.0f} ms, p99 {p99:.0f} ms "
        f"(asked: {ASKED_MS} ms), {state['limited']} requests told to wait"
    )
    return 0 if p99 <= ASKED_MS else TOO_SLOW


def _number(text: str) -> str:
    found = re.search(r"N(\d{5})/USDT", text)
    return found[1] if found else ""


async def _commit(
    store: SqlStore,
    pump: OutboxPump,
    workspace_id: str,
    numbers: range,
    committed: dict[int, float],
    *,
    every_s: float,
) -> None:
    began = time.monotonic()
    for turn, number in enumerate(numbers):
        await asyncio.sleep(max(0.0, began + turn * every_s - time.monotonic()))
        alert, delivery = an_alert(
            workspace_id, number, turn % PEOPLE, SystemClock().now(), channel="discord"
        )
        async with store.transaction() as tx:
            await tx.alerts.add(alert, [delivery])
        committed[number] = time.monotonic()
        pump.ring()


async def _arrived(server: Remote, count: int) -> None:
    """Wait until so many messages arrived."""
    ends = time.monotonic() + 120
    while int((await server("state"))["messages"]) < count:
        assert time.monotonic() < ends, "not everything arrived within 2 minutes"
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    seconds = 60.0 if parser.parse_args().full else 6.0
    with tempfile.TemporaryDirectory() as name:
        sys.exit(asyncio.run(prove(seconds, Path(name))))

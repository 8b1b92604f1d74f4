"""Discord hears from us within a second in every case, while the database stands still for ten.

The real library over sockets against a stand-in in another process, which takes the time from sending an interaction to
its acknowledgement. Commands, buttons and forms arrive while nothing can be read or written; afterwards each is
answered, once.

Run: python tests/proofs/discord_stall.py [--full]     (40 interactions, 3 s; --full: 100 interactions, 10 s)
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from chatops.commands import full_book
from chatops.discord_bot.door import DiscordDoor
from desk.clock import SystemClock
from desk.identity import Role
from desk.secrets import Secret
from desk.store import migrate, open_store
from tests.chatops.chat_house import furnished
from tests.support.discord_house import title, user_of
from tests.support.discord_people import Remote, in_another_process
from tests.support.discord_world import GUILD, TOKEN
from tests.support.door_people import FakePeople
from tests.support.stalled_store import StalledStore

#: What Discord waits for, and what we promise.
LIMIT_S = 1.0


async def prove(count: int, stall_s: float, folder: Path) -> str:
    """Stall, ask, and give the figures."""
    url = f"sqlite:{folder / 'proof.db'}"
    await migrate(url)
    store = StalledStore(open_store(url))
    house = await furnished(store)
    # The house's clock stands; the door must wait in real time.
    house.desk.clock = SystemClock()
    people = FakePeople(house, {user_of(role): role for role in Role if role is not Role.STRANGER})
    async with in_another_process() as server:
        door = DiscordDoor(
            house.room,
            full_book(),
            people,
            token=Secret(TOKEN),
            api_url=server.api_url,
            gateway_url=server.gateway_url,
            guild_id=GUILD,
        )
        running = asyncio.create_task(door.run())
        await server("ready", timeout_s=60)
        asked = await _prepared(server)
        store.stall()
        begun = [await _act(server, number, asked) for number in range(count)]
        await asyncio.sleep(stall_s)
        seen = [await server("seen", interaction=one) for one in begun]
        waits = [one["after_s"] for one in seen]
        assert all(one is not None for one in waits), (
            f"{sum(one is None for one in waits)} were not acknowledged"
        )
        assert not any(_is_answered(one) for one in seen if one["answer"] == 5), (
            "the database did not stand still"
        )
        store.go_on()
        late = [await server("seen", interaction=one, wait=True) for one in begun]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        state = await server("state")
    await store.close()
    assert state["violations"] == []
    assert all(_is_answered(one) for one in late if one["answer"] == 5)
    waits.sort()
    assert waits[-1] < LIMIT_S, f"the slowest took {waits[-1]:.2f} s"
    kinds = {
        name: sum(one["answer"] == code for one in seen)
        for name, code in (("deferred", 5), ("deferred update", 6), ("form", 9))
    }
    return (
        f"{count} of {count} acknowledged while the database stood still for {stall_s:.0f} s "
        f"({', '.join(f'{number} {name}' for name, number in kinds.items())}): "
        f"median {waits[count // 2] * 1000:.0f} ms, slowest {waits[-1] * 1000:.0f} ms; all answered afterwards"
    )


async def _prepared(server: Remote) -> dict[str, Any]:
    """Give a message with a confirmation and one with a refresh button."""
    owner = user_of(Role.OWNER)
    status = await server("slash", user=owner, name="status")
    panic = await server("slash", user=owner, name="panic")
    return {"status": status["messages"][0], "panic": panic["messages"][0]}


async def _act(server: Remote, number: int, asked: dict[str, Any]) -> str:
    owner = user_of(Role.OWNER)
    kind = number % 4
    if kind < 2:
        done = await server("slash", user=owner, name=("bots", "status")[kind], wait=False)
    elif kind == 2:
        message = asked["status"]
        custom_id = message["components"][0]["components"][0]["custom_id"]
        done = await server("press", user=owner, message=message["id"], custom_id=custom_id, wait=False)
    else:
        # Looks like a confirmation that needs a word: the form comes without a look-up.
        done = await server(
            "press", user=owner, message=asked["panic"]["id"], custom_id="bw:t:" + "x" * 22, wait=False
        )
    return str(done["id"])


def _is_answered(seen: dict[str, Any]) -> bool:
    return any(title(one) for one in seen["messages"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    size = (100, 10.0) if parser.parse_args().full else (40, 3.0)
    with tempfile.TemporaryDirectory() as name:
        print(asyncio.run(prove(*size, Path(name))))

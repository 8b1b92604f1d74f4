"""A day at Discord with `breakwater up` and settings alone: linking, commands, a panic, its alert; nothing secret is logged.

Three processes: the program, the stand-in of Discord, and this one, which is the person.

Run: python tests/proofs/discord_day.py [--full]     (both are the same)
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.chatops.test_telegram_up import link_code, up
from tests.support.discord_house import title
from tests.support.discord_people import Remote, in_another_process
from tests.support.discord_world import GUILD, TOKEN

ANN = "700000000000000077"


def _settings(server: Remote, token: str = TOKEN) -> dict[str, str]:
    return {
        "BREAKWATER_DISCORD_TOKEN": token,
        "BREAKWATER_DISCORD_GUILD_ID": GUILD,
        "BREAKWATER_DISCORD_API_URL": server.api_url,
        "BREAKWATER_DISCORD_GATEWAY_URL": server.gateway_url,
    }


def _button(message: Mapping[str, Any], label: str) -> str:
    shown = [one for row in message["components"] for one in row["components"]]
    return str(next(one["custom_id"] for one in shown if one["label"] == label))


async def prove(tmp_path: Path) -> str:
    """Live the day and give the figures."""
    acknowledged: dict[str, float] = {}
    async with in_another_process() as server, up(tmp_path, _settings(server)) as ready:
        await server("ready", timeout_s=60)

        async def say(word: str, /, **options: Any) -> dict[str, Any]:
            seen: dict[str, Any] = await server("slash", user=ANN, name=word, options=options, timeout_s=60)
            acknowledged[word] = seen["after_s"]
            return seen

        async def press(seen: Mapping[str, Any], label: str) -> dict[str, Any]:
            message = seen["messages"][0]
            pressed: dict[str, Any] = await server(
                "press", user=ANN, message=message["id"], custom_id=_button(message, label), timeout_s=60
            )
            return pressed

        code = await link_code(ready)
        linked = await say("link", action=code)
        assert title(linked["messages"][0]).startswith("Linked: ")
        offered = await server("complete", user=ANN, name="panic", option="account", typed="p")
        assert [one["value"] for one in offered["choices"]] in ([], ["paper"])
        bots = await say("bots")
        assert "/newbot makes one" in str(bots["messages"][0]["embeds"])
        asked = await say("panic")
        assert title(asked["messages"][0]) == "Please confirm"
        halted = await press(asked, "Confirm")
        assert halted["messages"][0]["id"] == asked["messages"][0]["id"]
        assert "halted" in title(halted["messages"][0])
        # The alert of it comes by itself, in the conversation with the bot.
        alerts = await server("told", user=ANN, timeout_s=60)
        assert "halted" in str(alerts[0]["embeds"]).lower()
        state = await server("state")

    assert state["violations"] == []
    assert list(state["commands"]) == [GUILD]
    log = (tmp_path / "log.txt").read_text()
    assert TOKEN not in log
    assert code not in log
    assert "token-" not in log, "nor the tokens of interactions"
    waits = ", ".join(f"{name} {wait * 1000:.0f} ms" for name, wait in acknowledged.items())
    return f"linked, asked, halted and told over sockets between three processes; acknowledged after: {waits}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(asyncio.run(prove(Path(name))))

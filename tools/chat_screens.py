"""Write docs/chat/screens.md and the pictures beside it: real cards of the test house, as the console and a mail show them.

Run: PYTHONPATH=.:graphql python tools/chat_screens.py
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "graphql")]

from chatops.alerts import alert_card  # noqa: E402 - the path is set above
from chatops.console.render import console_text  # noqa: E402
from chatops.email.bodies import card_as_text  # noqa: E402
from chatops.texts.speaker import Speaker  # noqa: E402
from desk.charts.drawing import draw  # noqa: E402
from desk.store import migrate, open_store  # noqa: E402
from desk.views import Filter, Page  # noqa: E402
from tests.chatops.chat_house import NOON, ChatHouse, furnished  # noqa: E402

#: What is said, and in which language it is answered.
LINES = (
    ("/status", "en"),
    ("/accounts", "en"),
    ("/trades 3", "en"),
    ("/why", "en"),
    ("/whynot ETH/USDT", "en"),
    ("/stop demo", "en"),
    ("/risk what_if BTC/USDT -20%", "en"),
    ("/limits", "en"),
    ("/waves BTC/USDT", "en"),
    ("/backtest trend_following BTC/USDT 1h", "en"),
    ("/notify quiet 23:00-07:00", "en"),
    ("/alert add price BTC/USDT above 70000", "en"),
    ("/report month", "fr"),
    ("/pause nobody", "fr"),
)
#: Whose picture is kept, and under which name.
PICTURES = {"/balance": "allocation", "/risk": "limits", "/risk correlation": "correlation"}

_HEAD = """# Screens

Cards of the test house (a made-up bot `demo` on a simulated market), as a console of 100 columns and a mail show them.
Telegram's are in [../telegram.md](../telegram.md), Discord's in [../discord.md](../discord.md).
Written by `python tools/chat_screens.py`.
"""


async def screens(house: ChatHouse) -> str:
    """Give the page."""
    parts = [_HEAD]
    chat = house.chat()
    for line, language in LINES:
        card = await chat.say(line)
        shown = console_text(card, Speaker(language), width=100, color=False).rstrip()
        parts.append(f"\n```\nbreakwater> {line}\n{shown}\n```\n")
    async with house.store.reading() as tx:
        rows = await tx.alerts.page(house.workspace.id, Filter(), Page(first=10))
    for alert in rows:
        text = card_as_text(alert_card(alert, bot="demo"), Speaker("en", "Europe/Paris")).rstrip()
        parts.append(f"\nAn alert by mail ({alert.kind}), its text part:\n\n```\n{text}\n```\n")
    for line, name in PICTURES.items():
        card = await chat.say(line)
        assert card.chart is not None, line
        (ROOT / "docs" / "pictures" / f"{name}.png").write_bytes(draw(card.chart.kind, card.chart.spec))
        parts.append(f"\n`{line}` sends\n\n![{name}](../pictures/{name}.png)\n")
    return "".join(parts)


async def main() -> None:
    """Furnish a house, talk to it, write what it says."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:{Path(folder) / 'screens.db'}"
        await migrate(url)
        store = open_store(url)
        try:
            page = await screens(await furnished(store))
        finally:
            await store.close()
    (ROOT / "docs" / "chat" / "screens.md").write_text(page, encoding="utf-8")
    print(f"{len(LINES)} cards and {len(PICTURES)} pictures of {NOON:%Y-%m-%d}")


if __name__ == "__main__":
    asyncio.run(main())

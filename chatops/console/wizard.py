"""/newbot as a conversation: asks for what the line would say, and gives the line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from textwrap import fill

from chatops.cards import Text
from chatops.room import Room
from chatops.texts.speaker import Speaker
from desk.identity import Actor
from strategies.registry import default_registry

#: Columns of what is explained.
_WIDTH = 78

Ask = Callable[[str], Awaitable[str | None]]


async def new_bot_line(
    room: Room, actor: Actor, speaker: Speaker, ask: Ask, tell: Callable[[str], None]
) -> str | None:
    """Ask for a new bot's settings and give the line that makes it; None when the person cancels."""
    tell(speaker.label("console", "wizard") + "\n")
    names = [one.name for one in default_registry().list_strategies()]
    name = await ask(speaker.label("console", "name"))
    if not name or not name.strip():
        return None
    _explain(tell, speaker.say(Text("console.strategies", {"choices": ", ".join(names)})))
    strategy = await ask(speaker.label("console", "strategy"))
    if not strategy or not strategy.strip():
        return None
    _explain(tell, speaker.label("console", "pairs_how"))
    pairs = await ask(speaker.label("console", "pairs"))
    if not pairs or not pairs.strip():
        return None
    timeframe = (await ask(speaker.label("console", "tf")) or "").strip() or "1h"
    _explain(tell, speaker.label("console", "risk_how"))
    risk = (await ask(speaker.label("console", "risk")) or "").strip().lower() or "bold"
    # A share is understood too: a risk profile is a share of the account with a name.
    share = f"risk={risk}" if risk.isalpha() else f"allocation={risk}"
    joined = ",".join(one for one in pairs.replace(";", ",").replace(" ", ",").split(",") if one)
    return f'/newbot "{name.strip()}" {strategy.strip()} {joined} tf={timeframe} {share}'


def _explain(tell: Callable[[str], None], text: str) -> None:
    """Say what may be answered, in lines that the narrowest terminals hold."""
    tell(fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False) + "\n")

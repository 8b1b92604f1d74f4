"""What hooks said, as series that a bot's strategy reads through `MarketView`: each message is heard at one close.

Messages come by the wall clock, bars by the market's. So a message that waits is given to the bar that is decided next,
in that bar's transaction: a crash takes both back, and no message is heard twice or by another bot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from desk.clock import from_ms, to_ms
from desk.ports import Unit
from desk.views import Bot, SignalRecord
from strategies.outside_signal import DIRECTION, HEARD_AT, PRICES, SCORE
from trading.events import Event, SignalLapsed
from trading.market import Series

IntArray = NDArray[np.int64]

_NAMES = frozenset({HEARD_AT, DIRECTION, SCORE, *PRICES})

#: What becomes of a hook's signal: it waits, a close heard it, a later one before the same close took its place, or it
#: became too old.
RECEIVED, HEARD, REPLACED, LAPSED = "received", "heard", "replaced", "lapsed"

#: A message may wait for the bar in which it came to close, and so much longer for that bar to arrive.
GRACE = timedelta(seconds=60)

#: Messages that wait are looked for no further back: what is older lapses when its bot runs again.
_LOOKED_BACK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """The close at which a strategy is about to decide.

    Attributes:
        bar_ms: open time of the bar.
        length: of its timeframe.
        now: by the wall clock.
    """

    bar_ms: int
    length: timedelta
    now: datetime


def is_of_hooks(series: str) -> bool:
    """Tell whether a series that a strategy names is of what hooks say."""
    return series.partition(":")[0] in _NAMES


async def hear(tx: Unit, bot: Bot, pair: str, close: Close) -> list[Event]:
    """Give the last message that waits for a bot on a pair to this close; what waited too long lapses, as facts say."""
    facts: list[Event] = []
    waiting = await tx.signals.waiting(
        bot.workspace_id, bot.id, pair, outcome=RECEIVED, since=close.now - _LOOKED_BACK
    )
    for one in waiting:
        if close.now - one.bar_at <= close.length + GRACE:
            if one is waiting[-1]:
                await tx.signals.place(bot.workspace_id, one.id, outcome=HEARD, bar_at=from_ms(close.bar_ms))
            else:
                reason = f"{one.reason}: a later message came before the close"
                await tx.signals.settle(bot.workspace_id, one.id, outcome=REPLACED, reason=reason)
            continue
        reason = f"{one.reason}: came at {one.bar_at:%Y-%m-%d %H:%M:%S} UTC, more than one bar ago"
        await tx.signals.settle(bot.workspace_id, one.id, outcome=LAPSED, reason=reason)
        facts.append(
            SignalLapsed(
                workspace_id=bot.workspace_id,
                occurred_at=close.now,
                account_id=bot.account_id,
                bot_id=bot.id,
                pair=pair,
                signal_id=one.id,
                reason=reason,
            )
        )
    return facts


async def heard_series(
    tx: Unit, bot: Bot, pair: str, closes_ms: IntArray, length: timedelta
) -> dict[str, Series]:
    """Give what a bot's hooks said about a pair, each message from the close at which it was heard."""
    if not len(closes_ms):
        return {}
    found = await tx.signals.heard(
        bot.workspace_id,
        bot.id,
        pair,
        outcome=HEARD,
        since=from_ms(int(closes_ms[0])) - length,
        until=from_ms(int(closes_ms[-1])),
    )
    return series_of(pair, found, length)


def series_of(pair: str, heard: Sequence[SignalRecord], length: timedelta) -> dict[str, Series]:
    """Give messages, oldest first and one a close, as series."""
    at = np.array([to_ms(one.bar_at + length) for one in heard], np.int64)
    levels = [[one.stop, *one.targets, None, None, None][:4] for one in heard]
    columns: dict[str, list[float]] = {
        HEARD_AT: [float(one) for one in at],
        DIRECTION: [float(one.direction) for one in heard],
        SCORE: [one.score for one in heard],
    }
    for place, name in enumerate(PRICES):
        columns[name] = [_number(one[place]) for one in levels]
    return {
        f"{name}:{pair}": Series(available_ms=at, values=np.array(values, np.float64))
        for name, values in columns.items()
    }


def _number(value: object) -> float:
    return float("nan") if value is None else float(str(value))

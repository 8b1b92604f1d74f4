"""Entries by hand in a replay: recorded facts that stand in the strategy's columns at the bars that decided them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from desk.bots.trials import signal_of
from desk.clock import to_ms
from desk.entry_views import FORCE_ENTRY, EntryState
from desk.ports import Unit
from desk.views import Account, Bot, SignalRecord
from trading.candles import Candles
from trading.signals import SignalColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class HandEntry:
    """An entry that a person asked for and the account's loop made.

    Attributes:
        bar_ms: open time of the first bar at which the engine was told.
        closes: at so many closes it was told, one after the other.
        plan: the signal as the engine was given it, as plain values.
    """

    pair: str
    bar_ms: int
    closes: int
    plan: Mapping[str, Any]


async def entered_by_hand(
    tx: Unit, bot: Bot, account: Account, signals: Collection[SignalRecord]
) -> tuple[HandEntry, ...]:
    """Give the entries by hand whose signals are among these."""
    known = {one.id: one for one in signals if one.tag == FORCE_ENTRY}
    if not known:
        return ()
    return tuple(
        HandEntry(
            pair=one.pair,
            bar_ms=to_ms(known[one.signal_id].bar_at),
            closes=1 + int(account.settings.get("confirm_bars", 0)),
            plan=one.plan,
        )
        for one in await tx.entries.by_hand(bot.workspace_id, bot.id)
        if one.signal_id in known and one.state is EntryState.ENTERED
    )


def with_entries(columns: SignalColumns, candles: Candles, entries: Collection[HandEntry]) -> SignalColumns:
    """Give columns in which entries by hand take the place of what the strategy wanted at their bars."""
    if not entries:
        return columns
    tags = (*columns.tags, FORCE_ENTRY)
    written = {
        one.name: np.array(getattr(columns, one.name)) for one in fields(SignalColumns) if one.name != "tags"
    }
    for entry in entries:
        signal = replace(signal_of(entry.plan), tag=len(columns.tags))
        first = int(np.searchsorted(candles.ts_ms, entry.bar_ms))
        for row in range(first, min(first + entry.closes, len(candles))):
            for name, column in written.items():
                column[row] = getattr(signal, name)
    return SignalColumns(**written, tags=tags)

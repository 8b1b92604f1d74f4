"""Facts about Elliott waves: what the counts that a bot's strategy reads were told at a close."""

from __future__ import annotations

import math

from desk.bots.carriers import Carrier
from desk.bots.context import Context
from strategies.rule_strategy import RuleStrategy
from strategies.waves import ABC, CORRECTION, WAVE_2, WAVE_4, WAVE_5, WaveInput
from trading.analysis.elliott.events import EventType
from trading.events import WaveLabelled

#: What the confirmation of a pivot means: an event of the detector, and which wave or pattern ended there.
_MEANS = {
    WAVE_2: (EventType.WAVE_LABELLED, "wave 2"),
    WAVE_4: (EventType.WAVE_LABELLED, "wave 4"),
    WAVE_5: (EventType.COUNT_COMPLETED, "impulse or diagonal"),
    ABC: (EventType.COUNT_COMPLETED, "correction"),
    CORRECTION: (EventType.WAVE_LABELLED, "wave B or D"),
}


def wave_facts(context: Context, carrier: Carrier) -> list[WaveLabelled]:
    """Give what was confirmed at this close; most closes confirm nothing.

    A confirmed pivot never moves and is told at one row only, so nothing is told twice and nothing is taken back.
    """
    line = carrier.line
    if not isinstance(line.strategy, RuleStrategy):
        return []
    facts = []
    for alias, one in line.strategy.opened_inputs.items():
        if not isinstance(one, WaveInput):
            continue
        setup, direction, price = (
            carrier.latest(f"{alias}.{name}") for name in ("setup", "direction", "pivot_price")
        )
        if math.isnan(setup) or int(setup) not in _MEANS or not math.isfinite(price):
            continue
        event, pattern = _MEANS[int(setup)]
        facts.append(
            WaveLabelled(
                workspace_id=context.workspace_id,
                occurred_at=context.at,
                account_id=context.account_id,
                bot_id=line.bot.id,
                pair=line.pair,
                wave_event=event.value,
                timeframe=line.bot.timeframe,
                degree=one.degree,
                pattern=pattern,
                direction="up" if direction > 0 else "down",
                price=price,
                bar_ms=context.bar_ms,
            )
        )
    return facts

"""Events and counts as plain dictionaries, for JSON: every field is described in docs/elliott.md.

Prices are strings (the shortest text that reads back as the same float), ratios and scores are numbers.
"""

from __future__ import annotations

from typing import Any

from trading.analysis.elliott.decode import WaveEvent
from trading.analysis.elliott.events import EventType, Pivot, ProvisionalLeg, Status, WaveCount, moment


def _price(value: float | None) -> str | None:
    return None if value is None else repr(value)


def _time(ts_ms: int) -> str:
    text = moment(ts_ms).isoformat(timespec="milliseconds" if ts_ms % 1000 else "seconds")
    return text.replace("+00:00", "Z")


def _pivot(pivot: Pivot) -> dict[str, Any]:
    return {
        "id": pivot.id,
        "kind": pivot.kind,
        "price": _price(pivot.price),
        "extreme_index": pivot.extreme_index,
        "extreme_time": _time(pivot.extreme_ms),
        "confirmed_index": pivot.confirmed_index,
        "confirmed_time": _time(pivot.confirmed_ms),
        "threshold": pivot.threshold,
    }


def count_as_dict(count: WaveCount) -> dict[str, Any]:
    """Give a count; `pivots` only when it is complete, `waves` always."""
    pivots = {pivot.id: pivot for pivot in count.pivots}
    fields: dict[str, Any] = {
        "count_id": count.id,
        "symbol": count.symbol,
        "timeframe": count.timeframe,
        "degree": count.degree,
        "scale": count.scale,
        "pattern": count.pattern.value,
        "direction": count.direction,
        "status": count.status.value,
        "current_label": count.current_label,
        "opened_time": _time(count.opened_ms),
        "updated_time": _time(count.updated_ms),
        "as_of_time": _time(count.as_of_ms),
        "truncated": count.is_truncated,
        "expanding": count.is_expanding,
        "invalidation_price": _price(count.invalidation_price),
        "invalidation_rule": count.invalidation_rule.value,
        "confirmation_price": _price(count.confirmation_price),
        "targets": [
            {"label": t.label, "ratio": t.ratio, "price": _price(t.price), "basis": t.basis}
            for t in count.targets
        ],
        "score": count.score,
        "score_parts": dict(count.score_parts),
        "confidence": count.confidence,
        "base_rate": count.base_rate,
        "alternatives": list(count.alternatives),
        "waves": [
            {
                "label": wave.label,
                "start_index": pivots[wave.start_pivot_id].extreme_index,
                "start_price": _price(pivots[wave.start_pivot_id].price),
                "end_index": None if wave.end_pivot_id is None else pivots[wave.end_pivot_id].extreme_index,
                "end_price": None if wave.end_pivot_id is None else _price(pivots[wave.end_pivot_id].price),
                "sub_count_id": wave.sub_count_id,
            }
            for wave in count.waves
        ],
    }
    if count.status is Status.COMPLETE:
        fields["pivots"] = [_pivot(pivot) for pivot in count.pivots]
    return fields


def event_as_dict(event: WaveEvent) -> dict[str, Any]:
    """Give an event: what, when it was known, and the pivot or count it is about."""
    fields: dict[str, Any] = {
        "seq": event.seq,
        "type": event.type.value,
        "bar_index": event.bar_index,
        "ts_ms": event.ts_ms,
        "time": _time(event.ts_ms),
        "degree": event.degree,
    }
    if event.type is EventType.DATA_GAP:
        return fields | {"missing_bars": event.missing_bars}
    pivot = event.pivot
    if pivot is not None:
        direction = "up" if pivot.kind == "H" else "down"
        return fields | {"direction": direction, "pivot_id": pivot.id} | _pivot(pivot)
    count = event.count
    assert count is not None
    last = count.pivots[-1]
    fields |= count_as_dict(count)
    fields |= {
        "wave": count.waves[len(count.pivots) - 2].label,
        "extreme_index": last.extreme_index,
        "confirmed_index": last.confirmed_index,
        "price": _price(last.price if event.price is None else event.price),
    }
    if event.type is EventType.COUNT_INVALIDATED:
        fields["rule"] = count.invalidation_rule.value
    if event.type is EventType.COUNT_SUPERSEDED:
        fields["superseded_by"] = event.superseded_by
    return fields


def provisional_as_dict(leg: ProvisionalLeg) -> dict[str, Any]:
    """Give a running leg; it belongs under a key `provisional`, never among the pivots."""
    return {
        "degree": leg.degree,
        "direction": leg.direction,
        "start_pivot_id": leg.start_pivot_id,
        "extreme_index": leg.extreme_index,
        "extreme_time": _time(leg.extreme_ms),
        "extreme_price": _price(leg.extreme_price),
        "confirmation_price": _price(leg.confirmation_price),
        "threshold": leg.threshold,
    }

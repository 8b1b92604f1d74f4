"""What the engine tells: pivots, waves, counts and events, frozen, built only when somebody looks.

An event keeps the engine's own record as bytes, so that the log of a long history costs no objects, two logs are
equal when their bytes are, and a value read later is the value written then.

Source: trading-rules.md A.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class EventType(StrEnum):
    """What happened."""

    PIVOT_CONFIRMED = "PIVOT_CONFIRMED"
    COUNT_OPENED = "COUNT_OPENED"
    WAVE_LABELLED = "WAVE_LABELLED"
    COUNT_COMPLETED = "COUNT_COMPLETED"
    COUNT_INVALIDATED = "COUNT_INVALIDATED"
    COUNT_SUPERSEDED = "COUNT_SUPERSEDED"
    DATA_GAP = "DATA_GAP"


class Pattern(StrEnum):
    """What a count is believed to be."""

    UNKNOWN = "unknown"
    IMPULSE = "impulse"
    LEADING_DIAGONAL = "leading_diagonal"
    ENDING_DIAGONAL = "ending_diagonal"
    ZIGZAG = "zigzag"
    FLAT_REGULAR = "flat_regular"
    FLAT_EXPANDED = "flat_expanded"
    FLAT_RUNNING = "flat_running"
    TRIANGLE = "triangle"


class Status(StrEnum):
    """Whether a count is alive; it changes through events only."""

    OPEN = "open"
    COMPLETE = "complete"
    INVALIDATED = "invalidated"
    SUPERSEDED = "superseded"


class Rule(StrEnum):
    """Why a count died, or what its invalidation price guards (A.2)."""

    NONE = "none"
    ALTERNATION = "pivots_alternate"
    WAVE_2 = "wave_2_stays_inside_wave_1"
    WAVE_3_BEYOND = "wave_3_passes_wave_1"
    WAVE_3_SHORTEST = "wave_3_is_not_the_shortest"
    OVERLAP = "wave_4_stays_out_of_wave_1"
    INSIDE = "nothing_passes_the_ends_of_a_wave"
    TRUNCATED = "truncated_fifth_needs_five_subwaves"
    DIAGONAL_WAVE_4 = "diagonal_wave_4_stays_inside_wave_3"
    LENGTHS = "legs_shrink_or_grow_in_turn"
    LINES = "boundary_lines_converge_or_diverge"
    B_BEYOND = "wave_b_stays_inside_wave_a"
    C_SHORT = "wave_c_passes_wave_a"
    TRIANGLE_E = "wave_e_stays_inside_wave_c"
    END_PASSED = "the_end_of_the_pattern_holds"


EVENT_TYPES = ("", *EventType)
PATTERNS = tuple(Pattern)
STATUSES = ("", *Status)
RULES = tuple(Rule)


def moment(ts_ms: int) -> datetime:
    """Give a UTC time for epoch milliseconds."""
    return datetime.fromtimestamp(ts_ms / 1000, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pivot:
    """A swing high or low, published at the bar that confirmed it and never changed.

    Attributes:
        kind: "H" or "L".
        extreme_index, extreme_ms: bar of the price; confirmed_index, confirmed_ms: bar at whose close it was known.
        threshold: the move that confirmed it; ln price in log scale, price in linear scale.
    """

    id: int
    degree: int
    kind: str
    price: float
    extreme_index: int
    extreme_ms: int
    confirmed_index: int
    confirmed_ms: int
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """One wave of a count; without an end it is in progress.

    Attributes:
        label: "1"…"5" or "A"…"E".
        sub_count_id: completed count of the next lower degree that fills the wave exactly.
    """

    label: str
    start_pivot_id: int
    end_pivot_id: int | None
    sub_count_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A price where a wave tends to end: a ratio of a basis, in linear price."""

    label: str
    ratio: float
    price: float
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveCount:
    """One reading of the waves of one degree, as it was known at `as_of_ms`.

    Attributes:
        direction: "up" or "down", the direction of its first wave.
        pivots: p0… as far as confirmed. waves: the waves between them, and the one in progress.
        current_label: the wave in progress, None when complete or dead.
        invalidation_price, invalidation_rule: what would kill it (for a dead one: what did).
        score, score_parts: how well the guidelines are met, in (0, 1]; not a probability.
        confidence: how often claims of this kind and score came true so far, None below 200 cases.
        base_rate: how often they come true on random walks.
        alternatives: ids of other open counts of the degree.
        is_truncated: a fifth wave that does not pass the third. is_expanding: of a diagonal or triangle.
    """

    id: int
    symbol: str
    timeframe: str
    degree: int
    scale: str
    pattern: Pattern
    direction: str | None
    pivots: tuple[Pivot, ...]
    waves: tuple[Wave, ...]
    status: Status
    current_label: str | None
    opened_ms: int
    updated_ms: int
    as_of_ms: int
    invalidation_price: float | None
    invalidation_rule: Rule
    confirmation_price: float | None
    targets: tuple[Target, ...]
    score: float | None
    score_parts: Mapping[str, float]
    confidence: float | None
    base_rate: float | None
    alternatives: tuple[int, ...]
    is_truncated: bool = False
    is_expanding: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionalLeg:
    """The leg that is still running: its end may move, so it is for drawing only.

    Attributes:
        confirmation_price: where the extreme so far would become a pivot; None while the engine warms up.
    """

    degree: int
    direction: str
    start_pivot_id: int | None
    extreme_price: float
    extreme_index: int
    extreme_ms: int
    confirmation_price: float
    threshold: float


@dataclass(frozen=True, slots=True)
class SeriesName:
    """Which series the counts are of."""

    symbol: str = ""
    timeframe: str = ""
    scale: str = "log"

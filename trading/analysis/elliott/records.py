"""The shapes of the engine's memory and the codes that stand in it.

Everything the engine knows lies in fixed-size record arrays: nothing grows with the number of bars, and a
snapshot is their bytes. Compiled code reads a field as `record["name"]`, which numba and plain numpy both
understand, so the worked examples also run uncompiled.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

#: An array of records, and one of them: what a field holds is known to the compiler, not to the type checker.
Records = NDArray[np.void]
Record = Any

#: Raised when a field below changes its meaning: an old snapshot is then refused, not misread.
LAYOUT_VERSION = 1

#: Degrees that one engine can follow.
MAX_DEGREES = 8
#: Confirmed pivots remembered per degree; the longest window needs six and two of context.
RING = 12
#: Open counts per degree. At most six can be open at once (three impulses, a correction, a diagonal, a triangle).
MAX_OPEN = 8
#: Other open counts named by an event.
MAX_ALTERNATIVES = 5
#: Pivots of the longest pattern: impulse p0…p5, triangle a0…e.
MAX_PIVOTS = 6
#: Guideline scores kept per count.
PARTS = 12
#: Cases whose outcome is awaited, per degree; the oldest is given up when a new one finds no room.
MAX_PENDING = 16
#: Buckets of the score in the calibration table.
SCORE_BINS = 10
#: Events that one bar can cause in one degree: 6 invalidations, 1 pivot, 6 advances, 3 supersessions, 4 openings.
EVENTS_PER_DEGREE = 20


def _code(number: int) -> int:
    """Give a machine integer: numba compiles a function anew for each literal it is called with, but not for these."""
    return cast("int", np.int64(number))


# Events.
PIVOT_CONFIRMED = _code(1)
COUNT_OPENED = _code(2)
WAVE_LABELLED = _code(3)
COUNT_COMPLETED = _code(4)
COUNT_INVALIDATED = _code(5)
COUNT_SUPERSEDED = _code(6)
DATA_GAP = _code(7)

# Patterns.
UNKNOWN = _code(0)
IMPULSE = _code(1)
LEADING_DIAGONAL = _code(2)
ENDING_DIAGONAL = _code(3)
ZIGZAG = _code(4)
FLAT_REGULAR = _code(5)
FLAT_EXPANDED = _code(6)
FLAT_RUNNING = _code(7)
TRIANGLE = _code(8)

# Status of a count.
OPEN = _code(1)
COMPLETE = _code(2)
INVALIDATED = _code(3)
SUPERSEDED = _code(4)

# Labels: 1…5 for motive waves, 11…15 for A…E.
WAVE_2 = _code(2)
WAVE_3 = _code(3)
WAVE_4 = _code(4)
WAVE_5 = _code(5)
LABEL_A = _code(11)
LABEL_B = _code(12)
LABEL_C = _code(13)
LABEL_D = _code(14)
LABEL_E = _code(15)

# Rules: why a count died, or would die beyond its invalidation price.
OK = _code(0)
RULE_ALTERNATION = _code(1)
RULE_WAVE_2 = _code(2)
RULE_WAVE_3_BEYOND = _code(3)
RULE_WAVE_3_SHORTEST = _code(4)
RULE_OVERLAP = _code(5)
RULE_INSIDE = _code(6)
RULE_TRUNCATED = _code(7)
RULE_DIAGONAL_WAVE_4 = _code(8)
RULE_DIAGONAL_LENGTHS = _code(9)
RULE_DIAGONAL_LINES = _code(10)
RULE_B_BEYOND = _code(11)
RULE_C_SHORT = _code(12)
RULE_TRIANGLE_E = _code(13)
RULE_END_PASSED = _code(14)

# Numbers of pivots, and nobody's id.
NO_PIVOTS = _code(0)
ONE_PIVOT = _code(1)
PIVOTS_OF_WAVE_2 = _code(3)
PIVOTS_OF_CORRECTION = _code(4)
PIVOTS_OF_WAVE_4 = _code(5)
NOBODY = _code(-1)

# What is calibrated: the claim that a published count makes about the next move.
CLAIM_NONE = _code(-1)
CLAIM_WAVE_3 = _code(0)
CLAIM_WAVE_5 = _code(1)
CLAIM_IMPULSE = _code(2)
CLAIM_DIAGONAL = _code(3)
CLAIM_ZIGZAG = _code(4)
CLAIM_FLAT = _code(5)
CLAIM_TRIANGLE = _code(6)
CLAIMS = 7

PIVOT = np.dtype(
    [
        ("id", np.int64),
        ("price", np.float64),
        ("x", np.float64),  # ln price in log scale, price in linear scale
        ("extreme_index", np.int64),
        ("extreme_ms", np.int64),
        ("confirmed_index", np.int64),
        ("confirmed_ms", np.int64),
        ("threshold", np.float64),  # in x
        ("volume", np.float64),  # base asset traded from the start up to and with the extreme's bar
        ("lower_pivots", np.int64),  # pivots of the next lower degree confirmed by the extreme's bar
        (
            "sub_count_id",
            np.int64,
        ),  # completed motive count of the lower degree that fills the leg to here, or -1
        ("corrective_id", np.int64),  # correction completed at this pivot, or -1
        ("corrective_pattern", np.int64),
        ("kind", np.int64),  # +1 high, -1 low
        ("clean", np.int64),  # rule I6 holds for the leg to here
    ],
    align=True,
)

BAR = np.dtype(
    [
        ("high", np.float64),
        ("low", np.float64),
        ("close", np.float64),
        ("high_x", np.float64),
        ("low_x", np.float64),
        ("close_x", np.float64),
    ],
    align=True,
)

META = np.dtype(
    [
        ("degrees", np.int64),
        ("bar", np.int64),  # bars seen
        ("ts_ms", np.int64),
        ("step_ms", np.int64),  # shortest distance of two bars seen, or the declared one
        ("declared_step_ms", np.int64),
        ("log_scale", np.int64),
        ("window", np.int64),
        ("warm_up", np.int64),
        ("floor", np.float64),
        ("overlap_tolerance", np.float64),
        ("high", np.float64),
        ("low", np.float64),
        ("close_x", np.float64),
        ("atr", np.float64),
        ("ranges", np.int64),
        ("volume", np.float64),
        ("next_pivot", np.int64),
        ("next_count", np.int64),
        ("next_seq", np.int64),
        ("events", np.int64),  # rows used in the event buffer
    ],
    align=True,
)

DEGREE = np.dtype(
    [
        ("multiple", np.float64),
        ("direction", np.int64),  # +1 the leg rises, -1 it falls, 0 not known yet
        ("pivots", np.int64),  # pivots published so far
        # The running extreme of the leg, and the furthest price against it since.
        ("ext_price", np.float64),
        ("ext_x", np.float64),
        ("ext_bar", np.int64),
        ("ext_ms", np.int64),
        ("ext_volume", np.float64),
        ("ext_lower", np.int64),
        ("threshold", np.float64),
        ("opp_price", np.float64),
        ("opp_x", np.float64),
        ("opp_bar", np.int64),
        ("opp_ms", np.int64),
        ("opp_volume", np.float64),
        ("opp_lower", np.int64),
        # Lowest and highest price over stretches of whole bars, for rule I6.
        ("leg_low", np.float64),  # start of the leg … its extreme
        ("leg_high", np.float64),
        ("run_low", np.float64),  # start of the leg … now
        ("run_high", np.float64),
        ("since_low", np.float64),  # extreme … now
        ("since_high", np.float64),
        ("opp_low", np.float64),  # extreme … opposite extreme
        ("opp_high", np.float64),
        # Before the first swing: both sides are watched.
        ("top_x", np.float64),
        ("top_threshold", np.float64),
        ("top_against", np.float64),
        ("top_bar", np.int64),
        ("bottom_x", np.float64),
        ("bottom_threshold", np.float64),
        ("bottom_against", np.float64),
        ("bottom_bar", np.int64),
        # Open counts, and the tightest invalidation price on each side.
        ("open", np.int64),
        ("guard_low", np.float64),
        ("guard_high", np.float64),
        ("pending", np.int64),
        # Last completed motive count per direction (0 down, 1 up), for the higher degree.
        ("motive_id", np.int64, (2,)),
        ("motive_start", np.int64, (2,)),
        ("motive_end", np.int64, (2,)),
    ],
    align=True,
)

COUNT = np.dtype(
    [
        ("id", np.int64),
        ("first", np.int64),  # number of p0 among the pivots of its degree
        ("opened_index", np.int64),
        ("opened_ms", np.int64),
        ("updated_ms", np.int64),
        ("invalidation", np.float64),
        ("score", np.float64),
        ("confidence", np.float64),
        ("parts", np.float64, (PARTS,)),
        ("pattern", np.int64),
        ("direction", np.int64),
        ("status", np.int64),
        ("label", np.int64),  # the wave that ended last
        ("current", np.int64),  # the wave in progress, 0 when complete
        ("rule", np.int64),  # what the invalidation price guards
        ("side", np.int64),  # +1 it dies below the invalidation price, -1 above it
        ("touch", np.int64),  # reaching the price is enough
        ("pivots", np.int64),
        ("truncated", np.int64),
        ("expanding", np.int64),  # diagonal or triangle: 1 expanding, 0 contracting
        ("claim", np.int64),
    ],
    align=True,
)

PENDING = np.dtype(
    [
        ("target", np.float64),
        ("stop", np.float64),
        ("direction", np.int64),
        ("claim", np.int64),
        ("bin", np.int64),
    ],
    align=True,
)

#: What an event tells of a pivot.
EVENT_PIVOT = np.dtype(
    [
        ("id", np.int64),
        ("price", np.float64),
        ("extreme_index", np.int64),
        ("extreme_ms", np.int64),
        ("confirmed_index", np.int64),
        ("confirmed_ms", np.int64),
        ("threshold", np.float64),
        ("sub_count_id", np.int64),
        ("kind", np.int64),
    ],
    align=True,
)

EVENT = np.dtype(
    [
        ("seq", np.int64),
        ("bar_index", np.int64),
        ("ts_ms", np.int64),
        ("other_id", np.int64),  # superseding count, or missing bars of a gap, else -1
        ("price", np.float64),  # of the pivot, or where the rule was broken
        (
            "alternatives",
            np.int64,
            (MAX_ALTERNATIVES,),
        ),  # ids of the other open counts of the degree, else -1
        ("type", np.int64),
        ("degree", np.int64),  # -1 for a gap
        ("count", COUNT),
        ("pivots", EVENT_PIVOT, (MAX_PIVOTS,)),  # of the count, or the one confirmed
    ],
    align=True,
)


STATE = np.dtype(
    [
        ("meta", META),
        ("degree", DEGREE, (MAX_DEGREES,)),
        ("ring", PIVOT, (MAX_DEGREES, RING)),
        ("open", COUNT, (MAX_DEGREES, MAX_OPEN)),  # oldest first, `degree["open"]` of them
        ("pending", PENDING, (MAX_DEGREES, MAX_PENDING)),
        ("table", np.int64, (CLAIMS, SCORE_BINS, 2)),  # cases that failed, cases that came true
        ("done", COUNT, (MAX_DEGREES,)),  # the latest completed count, and its pivots
        ("done_pivots", EVENT_PIVOT, (MAX_DEGREES, MAX_PIVOTS)),
        # Scratch of one step.
        ("bar", BAR),
        ("window", PIVOT, (MAX_PIVOTS,)),
        ("draft", COUNT),
        # Always zero.
        ("no_count", COUNT),
        ("no_pivot", EVENT_PIVOT),
    ],
    align=True,
)


class Memory(NamedTuple):
    """What a step works on: the state, one STATE record, and the buffer that it appends events to."""

    state: Record
    events: Records

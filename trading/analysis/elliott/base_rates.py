"""How often the claims of counts come true on driftless random walks.

Measured by `benchmarks/elliott.py --base-rates` (20 walks of 50,000 bars, seeds 0…19, default settings). They stand beside every confidence, so that nobody takes the first for
an edge.
"""

from __future__ import annotations

#: Share of claims that came true, in the order of `records.CLAIM_*`: wave 3 equals wave 1, wave 5 passes wave 3,
#: retracement after an impulse, after a diagonal, B passed after a zigzag, after a flat, D passed after a triangle.
BASE_RATES: tuple[float, ...] = (0.602, 0.768, 0.496, 0.453, 0.491, 0.499, 0.548)

#: Completed impulses per pivot on the same walks, by degree.
IMPULSES_PER_PIVOT: tuple[float, ...] = (0.044, 0.042, 0.037, 0.027)

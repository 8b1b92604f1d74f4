"""Centre and width of features, taken from what was learned from and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.learning.panel import Panel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Scaled features are cut off here: one wild bar must not be all that a model sees.
MOST = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaler:
    """What is taken off each feature, and what it is divided by."""

    centre: FloatArray
    width: FloatArray

    def apply(self, values: FloatArray) -> FloatArray:
        """Scale features, whatever axes come before theirs."""
        scaled: FloatArray = np.clip((values - self.centre) / self.width, -MOST, MOST)
        return scaled


def fit_scaler(panel: Panel, learned: IntArray) -> Scaler:
    """Take centre and width from the bars at which samples were decided."""
    rows = panel.table[panel.rows[learned]]
    width = rows.std(axis=0)
    # A feature that never moves says nothing; it stays at 0.
    return Scaler(centre=rows.mean(axis=0), width=np.where(width > 1e-9, width, 1.0))

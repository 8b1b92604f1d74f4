"""Fingerprints of what made a model: the candles that it learned from, and the code that trained it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trading.candles import Candles

#: What decides what a training gives, seen from the folder that holds the packages.
_CODE = ("trading/learning", "workers/forecasts")

_COLUMNS = ("ts_ms", "open", "high", "low", "close", "volume", "flags")


def data_hash(series: Sequence[Candles]) -> str:
    """Give a fingerprint of candles: pairs, timeframe and every bit of every bar, in order."""
    found = hashlib.sha256()
    for one in series:
        found.update(f"{one.pair}|{one.timeframe}|{len(one)}|".encode())
        for name in _COLUMNS:
            found.update(np.ascontiguousarray(getattr(one, name)).tobytes())
    return found.hexdigest()


def code_hash() -> str:
    """Give a fingerprint of the code that trains and judges."""
    root = Path(__file__).parents[2]
    found = hashlib.sha256()
    for path in sorted(one for folder in _CODE for one in (root / folder).glob("*.py")):
        found.update(path.relative_to(root).as_posix().encode())
        found.update(path.read_bytes())
    return found.hexdigest()

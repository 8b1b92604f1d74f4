"""Proof on real candles: nothing is repainted, nothing is unsound; and how real series compare with shuffled ones.

    python tests/proofs/elliott_prefixes.py [--prefixes 1000] [--series 20] [--files "*_1h.csv.gz"]

For every series (the 1h candles of the shared data; random walks where those are absent) the events of random
prefixes must be the events of the whole, byte for byte, up to the cut (T9). Every completed count goes before the
independent judge (T14). At the end stands the block-shuffle null (T16): counts and scores on the real series against
the same returns in shuffled blocks of 24 bars. It is reported, not judged.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.wave_series import candles_of, real_series, walk
from tests.support.waves import unsound
from trading.analysis.elliott import EventType, WaveDetector, WaveSettings, event_as_dict
from trading.analysis.elliott.records import COUNT_COMPLETED, IMPULSE, PIVOT_CONFIRMED
from trading.candles import Candles

SETTINGS = (WaveSettings(), WaveSettings(degrees=(2.0, 4.0), scale="linear", floor_ratio=0.0))
BLOCK_BARS = 24


def repainted(candles: Candles, setting: WaveSettings, prefixes: int, seed: int) -> int:
    """Count prefixes whose events differ from those of the whole series."""
    whole = WaveDetector(setting).run(candles).rows
    bars = whole["bar_index"]
    wrong = 0
    for cut in np.random.default_rng(seed).integers(50, len(candles), prefixes).tolist():
        expected = whole[: int(np.searchsorted(bars, cut))].tobytes()
        wrong += WaveDetector(setting).run(candles.rows(0, cut)).tobytes() != expected
    return wrong


def condemned(candles: Candles, setting: WaveSettings) -> tuple[int, int]:
    """Give how many completed counts were judged, and how many of them are unsound."""
    high, low = candles.high.tolist(), candles.low.tolist()
    log = WaveDetector(setting).run(candles).of_type(EventType.COUNT_COMPLETED)
    verdicts = [unsound(event_as_dict(event), high, low) for event in log]
    return len(verdicts), sum(bool(verdict) for verdict in verdicts)


def shuffled(candles: Candles, seed: int) -> Candles:
    """Rebuild a series from its own bars, in shuffled blocks of consecutive bars."""
    before = np.r_[candles.open[0], candles.close[:-1]]
    shape = np.log(
        np.column_stack([candles.open, candles.high, candles.low, candles.close]) / before[:, None]
    )
    blocks = [np.arange(i, min(i + BLOCK_BARS, len(candles))) for i in range(0, len(candles), BLOCK_BARS)]
    random = np.random.default_rng(seed)
    order = np.concatenate([blocks[i] for i in random.permutation(len(blocks))])
    shape = shape[order]
    level = np.r_[0.0, np.cumsum(shape[:, 3])[:-1]]
    prices: NDArray[np.float64] = candles.open[0] * np.exp(shape + level[:, None])
    return candles_of(prices[:, 0], prices[:, 1], prices[:, 2], prices[:, 3], candles.volume[order])


def described(candles: Candles) -> tuple[float, float, float]:
    """Give completed impulses per pivot, and the mean score of impulses and of all completed counts."""
    rows = WaveDetector(WaveSettings()).run(candles).rows
    done = rows[rows["type"] == COUNT_COMPLETED]["count"]
    impulses = done[done["pattern"] == IMPULSE]
    pivots = (rows["type"] == PIVOT_CONFIRMED).sum()
    score = float(impulses["score"].mean()) if len(impulses) else float("nan")
    all_scores = float(done["score"].mean()) if len(done) else float("nan")
    return len(impulses) / max(int(pivots), 1), score, all_scores


def main() -> int:
    """Print the findings; 1 when anything was repainted or unsound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prefixes", type=int, default=1_000, help="prefixes in all")
    parser.add_argument("--series", type=int, default=20)
    parser.add_argument("--files", default="*_1h.csv.gz", help="which candle files, as a glob")
    asked = parser.parse_args()
    series = real_series(asked.series, asked.files) or [
        (f"walk {seed}", walk(5_000, seed)) for seed in range(asked.series)
    ]
    each = -(-asked.prefixes // (len(series) * len(SETTINGS)))
    prefixes = wrong = judged = bad = 0
    for number, (_, candles) in enumerate(series):
        for setting in SETTINGS:
            wrong += repainted(candles, setting, each, number)
            prefixes += each
            found, faulty = condemned(candles, setting)
            judged, bad = judged + found, bad + faulty
    print(f"series {len(series)}, prefixes {prefixes}, repainted {wrong}")
    print(f"completed counts judged {judged}, unsound {bad}")
    real = np.array([described(candles) for _, candles in series])
    null = np.array([described(shuffled(candles, 7)) for _, candles in series])
    names = ("impulses per pivot", "score of impulses", "score of all counts")
    for name, on_real, on_null in zip(names, real.T, null.T, strict=True):
        difference = on_real - on_null
        error = np.nanstd(difference, ddof=1) / np.sqrt(len(difference)) if len(series) > 1 else float("nan")
        print(
            f"{name}: real {np.nanmean(on_real):.4f}, shuffled {np.nanmean(on_null):.4f}, "
            f"difference {np.nanmean(difference):+.4f} ± {error:.4f}"
        )
    return 1 if wrong or bad else 0


if __name__ == "__main__":
    sys.exit(main())

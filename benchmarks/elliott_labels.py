"""Agreement of the wave engine with windows that people labelled, whatever it is.

    python benchmarks/elliott_labels.py [--write]

The file holds 26 or so daily bars per window and one label, no pivots. A window is given to the engine between a
straight lead-in and a straight tail that reverse at its first and last bar (as in the constructions of
trading-rules.md A.10), once rising and once falling, because the engine publishes no pivot at the edge of what it
has seen. Eight ATR multiples are tried. Of the counts that complete inside the window and cover at least 60 % of it
the one with most pivots is the answer (every impulse also holds a zigzag, not the other way round), then the one with
the best score times coverage. All of that looks at the whole window: it measures the
classification, not a forecast.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.data import shared_data
from trading.analysis.elliott import EventType, WaveDetector, WaveSettings
from trading.candles import Candles
from trading.timeframes import Timeframe

LABELS = {"1": "impulse", "2": "diagonal", "3": "flat", "4": "zigzag", "5": "triangle"}
FAMILY = {
    "impulse": "impulse",
    "leading_diagonal": "diagonal",
    "ending_diagonal": "diagonal",
    "zigzag": "zigzag",
    "flat_regular": "flat",
    "flat_expanded": "flat",
    "flat_running": "flat",
    "triangle": "triangle",
}
MULTIPLES = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
LEAD_BARS = 20
DAY_MS = 86_400_000
RESULT = Path(__file__).parent / "results" / "elliott_labels.json"

Table = NDArray[np.float64]


def windows(path: Path) -> list[tuple[str, Table]]:
    """Read (label, bars) with bars of shape (n, 4): open, high, low, close."""
    found: list[tuple[str, list[list[float]]]] = []
    with gzip.open(path, "rt") as lines:
        for row in csv.reader(lines):
            if len(row) == 2:
                found.append((LABELS[row[1]], []))
            else:
                found[-1][1].append([float(value) for value in row[1:5]])
    return [(label, np.array(bars)) for label, bars in found if len(bars) >= 5]


def _line(start: float, step: float, bars: int) -> Table:
    close = start * np.exp(step * np.arange(1, bars + 1))
    open_ = np.r_[start, close[:-1]]
    return np.column_stack([open_, np.maximum(open_, close), np.minimum(open_, close), close])


def framed(bars: Table, rises_first: bool) -> Candles:
    """Put a window between a lead-in and a tail whose bars are as long as its own are on average."""
    sound = np.column_stack([bars[:, 0], bars.max(axis=1), bars.min(axis=1), bars[:, 3]])
    step = float(np.log(sound[:, 1] / sound[:, 2]).mean()) or 0.01
    lead_step = -step if rises_first else step
    first, last = sound[0, 0], sound[-1, 3]
    lead = _line(first * np.exp(-lead_step * LEAD_BARS), lead_step, LEAD_BARS)
    up_at_end = sound[-1, 3] > np.median(sound[-len(sound) // 3 :, 3])
    tail = _line(last, -step if up_at_end else step, LEAD_BARS)
    table = np.vstack([lead, sound, tail])
    n = len(table)
    return Candles(
        ts_ms=np.arange(n, dtype=np.int64) * DAY_MS,
        open=table[:, 0],
        high=table[:, 1],
        low=table[:, 2],
        close=table[:, 3],
        volume=np.zeros(n),
        timeframe=Timeframe(DAY_MS),
    )


def answer(bars: Table) -> str:
    """Give the family of the best count of a window, or "none"."""
    best, found = (0, 0.0), "none"
    for rises_first in (True, False):
        candles = framed(bars, rises_first)
        for multiple in MULTIPLES:
            setting = WaveSettings(degrees=(multiple,), floor_ratio=0.0)
            for event in WaveDetector(setting).run(candles).of_type(EventType.COUNT_COMPLETED):
                count = event.count
                assert count is not None
                first, last = count.pivots[0].extreme_index, count.pivots[-1].extreme_index
                if first < LEAD_BARS - 1 or last > LEAD_BARS + len(bars):
                    continue
                coverage = (last - first) / (len(bars) - 1)
                value = (len(count.pivots), coverage * (count.score or 0.0))
                if coverage >= 0.6 and value > best:
                    best, found = value, FAMILY[count.pattern.value]
    return found


def main() -> None:
    """Print (and with --write keep) the table of labels against answers."""
    folder = shared_data()
    path = folder / "elliott" / "Elliott_training_set.csv.gz" if folder else None
    if path is None or not path.is_file():
        sys.exit(
            "The labelled windows are not here: set BREAKWATER_SHARED_DATA to the folder that has elliott/."
        )
    table: dict[str, Counter[str]] = {label: Counter() for label in LABELS.values()}
    for label, bars in windows(path):
        table[label][answer(bars)] += 1
    columns = [*LABELS.values(), "none"]
    print(f"{'label':10} {'windows':>8} {'agree':>7}  " + " ".join(f"{name:>9}" for name in columns))
    result: dict[str, dict[str, int]] = {}
    for label, answers in table.items():
        n = sum(answers.values())
        share = answers[label] / n if n else 0.0
        print(f"{label:10} {n:8d} {share:7.1%}  " + " ".join(f"{answers[name]:9d}" for name in columns))
        result[label] = {name: answers[name] for name in columns}
    total = sum(sum(answers.values()) for answers in table.values())
    agreed = sum(answers[label] for label, answers in table.items())
    commonest = max(sum(answers.values()) for answers in table.values())
    print(
        f"all {total}: {agreed / total:.1%} agree; always naming the commonest label: {commonest / total:.1%}"
    )
    if "--write" in sys.argv:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps({"windows": total, "agreed": agreed, "table": result}, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""The mood of a pair: its headlines' scores, newer ones weighing more, as known at each moment.

    mood(t) = Σ min(Wₛ, cap) · mₛ / (Σ min(Wₛ, cap) + prior)

over sources s, where a headline known at k weighs 2^-((t - k) / half-life) until it is two days old, Wₛ is the weight
of a source's headlines and mₛ their weighted mean. So a lone headline moves the mood little (the prior), and no source
moves it far by saying the same thing a thousand times (the cap).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from desk.news.views import ScoredAt

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodRule:
    """How headlines become a mood.

    Attributes:
        half_life: after which a headline weighs half.
        window: after which it weighs nothing.
        prior: weight of saying nothing, in fresh headlines.
        cap: most weight of one source, in fresh headlines.
    """

    half_life: timedelta = timedelta(hours=6)
    window: timedelta = timedelta(hours=48)
    prior: float = 2.0
    cap: float = 5.0


RULE = MoodRule()

_EPOCH, _MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Mood:
    """Values and weights at moments; NaN and 0 where no headline counts."""

    values: FloatArray
    weights: FloatArray


def seen_ms(known_at: datetime) -> int:
    """Give the first millisecond at which something known at a time is known: never before it."""
    return -((_EPOCH - known_at) // _MS)


def mood_at(items: Sequence[ScoredAt], moments_ms: IntArray, rule: MoodRule = RULE) -> Mood:
    """Give the mood at each moment, from what was known by then.

    Args:
        items: oldest first by `known_at`.
        moments_ms: UTC epoch milliseconds, shape (n,).
    """
    values = np.full(len(moments_ms), np.nan)
    weights = np.zeros(len(moments_ms))
    if not items:
        return Mood(values, weights)
    known = np.array([seen_ms(one.known_at) for one in items], np.int64)
    scores = np.clip(np.array([one.score for one in items], np.float64), -1.0, 1.0)
    names = {name: at for at, name in enumerate(sorted({one.source for one in items}))}
    sources = np.array([names[one.source] for one in items], np.int64)
    first = np.searchsorted(known, moments_ms - int(rule.window.total_seconds() * 1000), "right")
    last = np.searchsorted(known, moments_ms, "right")
    half_life_ms = rule.half_life.total_seconds() * 1000
    for at in np.flatnonzero(last > first):
        counted = slice(first[at], last[at])
        decay = np.exp2((known[counted] - moments_ms[at]) / half_life_ms)
        # Few items per moment, always in the same order: the same items give the same bits, live and in a backtest.
        total = np.bincount(sources[counted], decay, len(names))
        balance = np.bincount(sources[counted], decay * scores[counted], len(names))
        present = total > 0
        kept = np.minimum(total[present], rule.cap)
        weight = float(kept.sum())
        values[at] = float((kept * balance[present] / total[present]).sum()) / (weight + rule.prior)
        weights[at] = weight / (weight + rule.prior)
    return Mood(values, weights)

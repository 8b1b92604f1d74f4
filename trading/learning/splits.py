"""Who may learn from what: stretches of time for walk-forward, and purged folds for choosing between models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from trading.errors import InvalidInput

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """When models are trained anew, in the walk-forward and live alike.

    Attributes:
        train_ms: length of the stretch that is learned from; 0 = everything before.
        test_ms: how long a model is used before the next takes its place.
        embargo_ms: left out between what was learned and the first use; at least the label's horizon.
    """

    train_ms: int
    test_ms: int
    embargo_ms: int

    def __post_init__(self) -> None:
        if self.test_ms <= 0 or self.train_ms < 0 or self.embargo_ms < 0:
            raise InvalidInput(
                f"A walk of {self.train_ms} ms training, {self.test_ms} ms test and {self.embargo_ms} ms embargo was "
                "given; a positive test and no negative length are allowed."
            )

    def learned(self, retrain_ms: int, decided_ms: IntArray, known_ms: IntArray) -> BoolArray:
        """Tell which samples a model trained at a time may learn from: their labels were known by then, embargo off."""
        end = retrain_ms - self.embargo_ms
        start = retrain_ms - self.embargo_ms - self.train_ms if self.train_ms else None
        found = known_ms <= end
        return found if start is None else found & (decided_ms >= start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One model's life: trained with what was known at `retrain_ms`, used for decisions in [retrain_ms, until_ms)."""

    retrain_ms: int
    until_ms: int


def walk_folds(first_ms: int, last_ms: int, plan: Retraining, *, least_train_ms: int) -> tuple[Fold, ...]:
    """Cut a history into the lives of successive models; the last may be short.

    Raises:
        InvalidInput: the history is shorter than one training and one use.
    """
    start = first_ms + max(least_train_ms, plan.train_ms) + plan.embargo_ms
    if start >= last_ms:
        raise InvalidInput(
            f"A history of {(last_ms - first_ms) / 86_400_000:.1f} days was given; more than "
            f"{(start - first_ms) / 86_400_000:.1f} days are needed to train once.",
            hint="Give longer candles or a shorter training.",
        )
    return tuple(
        Fold(retrain_ms=begin, until_ms=min(begin + plan.test_ms, last_ms))
        for begin in range(start, last_ms, plan.test_ms)
    )


def folds_before(
    first_ms: int, retrain_ms: int, plan: Retraining, *, least_train_ms: int
) -> tuple[Fold, ...]:
    """Give the lives of the models that would have been trained before one that is trained now, oldest first.

    Their times lie whole uses before it, so the next retraining finds the same times: what was trained then is a fold now.

    Raises:
        InvalidInput: the history is shorter than one training and one use.
    """
    start = first_ms + max(least_train_ms, plan.train_ms) + plan.embargo_ms
    count = (retrain_ms - start) // plan.test_ms
    if count < 1:
        raise InvalidInput(
            f"A history of {(retrain_ms - first_ms) / 86_400_000:.1f} days was given; "
            f"{(start - first_ms + plan.test_ms) / 86_400_000:.1f} days at least are needed to train once and to judge it.",
            hint="Give longer candles, a shorter training or a shorter use.",
        )
    times = [retrain_ms - back * plan.test_ms for back in range(int(count), 0, -1)]
    return tuple(Fold(retrain_ms=begin, until_ms=begin + plan.test_ms) for begin in times)


def purged(decided_ms: IntArray, known_ms: IntArray, tested: BoolArray, *, embargo_ms: int) -> BoolArray:
    """Tell which samples may be learned from when others are tested.

    Left out are the tested ones, those whose label's life [decided, known] touches a tested stretch, and those decided
    within the embargo after one.
    """
    learned = ~tested
    for start, stop in _stretches(decided_ms, tested):
        inside = tested & (decided_ms >= start) & (decided_ms <= stop)
        end = max(int(known_ms[inside].max()), stop)
        touches = (known_ms >= start) & (decided_ms <= end + embargo_ms)
        learned &= ~touches
    return learned


def combinatorial_folds(
    decided_ms: IntArray, known_ms: IntArray, groups: int, tested_groups: int, *, embargo_ms: int
) -> Iterator[tuple[BoolArray, BoolArray]]:
    """Test every choice of `tested_groups` of `groups` stretches: combinatorial purged cross-validation.

    Raises:
        InvalidInput: not 1 ≤ tested < groups.

    Source:
        López de Prado, Advances in Financial Machine Learning (2018), ch. 12.
    """
    if not 1 <= tested_groups < groups:
        raise InvalidInput(
            f"{tested_groups} of {groups} groups were to be tested; 1 to {groups - 1} are allowed."
        )
    parts = list(_groups(decided_ms, groups))
    for chosen in combinations(range(groups), tested_groups):
        tested = np.logical_or.reduce([parts[one] for one in chosen])
        yield purged(decided_ms, known_ms, tested, embargo_ms=embargo_ms), tested


def _groups(decided_ms: IntArray, count: int) -> Iterator[BoolArray]:
    times = np.unique(decided_ms)
    if not 2 <= count <= len(times):
        raise InvalidInput(
            f"{count} folds of {len(times)} times were asked for; 2 to {len(times)} are allowed."
        )
    for part in np.array_split(times, count):
        yield (decided_ms >= part[0]) & (decided_ms <= part[-1])


def _stretches(decided_ms: IntArray, tested: BoolArray) -> Iterator[tuple[int, int]]:
    """Give the runs of tested times without an untested one between them."""
    times, place = np.unique(decided_ms, return_inverse=True)
    is_tested = np.zeros(len(times), np.bool_)
    is_tested[place[tested]] = True
    edges = np.flatnonzero(np.diff(np.r_[False, is_tested, False].astype(np.int8)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        yield int(times[start]), int(times[stop - 1])

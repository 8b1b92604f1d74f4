"""Seeded histories: whatever the venue, the stream and crashes do, nothing is lost and nothing is doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk.execution.executor import Executor
from tests.proofs.simulated_histories import live
from tests.support.broken_builds import BROKEN
from tests.support.stores import run


def test_histories_full_of_bad_news_lose_and_double_nothing(template: Path) -> None:
    counts, complaints = run(live(template, range(20_000, 20_120)))

    assert complaints == []
    assert counts["resent"] == 0
    # Otherwise the histories were too gentle to say anything.
    assert counts["crashes"] > 30
    assert counts["unknown"] > 15


#: A seed at which each mistake shows.
_SHOWS = {
    "send before commit": range(5, 6),
    "blind resubmit on timeout": range(5, 6),
    "no inbox dedupe": range(1, 2),
    "not found means cancelled": range(20, 40),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_the_judge_catches_the_classic_mistakes(template: Path, name: str) -> None:
    build: type[Executor] = BROKEN[name]

    _, complaints = run(live(template, _SHOWS[name], build))

    assert complaints


def test_the_same_seed_is_the_same_history(template: Path) -> None:
    first = run(live(template, range(7, 9)))
    second = run(live(template, range(7, 9)))

    assert first == second

"""T15, short: on driftless walks without costs no Elliott strategy earns or loses anything (full: tests/proofs)."""

from __future__ import annotations

import numpy as np
import pytest

from strategies.base import ColumnStrategy
from strategies.registry import default_registry
from tests.support.markets import bridge_candles
from tests.support.random_walks import ELLIOTT, verdict_of


def test_the_walks_are_fair_bets_with_sound_bars() -> None:
    ends = []
    for seed in range(300):
        candles = bridge_candles(200, seed=seed)
        assert (candles.high >= np.maximum(candles.open, candles.close)).all()
        assert (candles.low <= np.minimum(candles.open, candles.close)).all()
        ends.append(candles.close[-1] / 100.0 - 1.0)

    t = np.mean(ends) / np.std(ends, ddof=1) * np.sqrt(len(ends))

    assert abs(t) < 3.0
    assert np.std(ends) > 0.05


@pytest.mark.parametrize("name", ELLIOTT)
def test_an_elliott_strategy_earns_nothing_on_random_walks(name: str) -> None:
    strategy = default_registry().get_strategy(name)(**ELLIOTT[name][1])
    assert isinstance(strategy, ColumnStrategy)

    found = verdict_of(strategy, seeds=range(20), bars=3_000)

    assert found.trades >= 60
    assert abs(found.t) < 3.0, found

"""On markets without anything in them forecasts change nothing in the money: through the engine, after costs."""

from __future__ import annotations

import pytest

from tests.support.markets import walk_candles
from trading.learning.baselines import LastReturnLearner
from trading.learning.linear import LinearLearner
from trading.learning.panel import make_panel
from trading.learning.splits import Retraining, walk_folds
from trading.learning.walk import walk_forward
from workers.forecasts.effect import FILTERED, effects

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
PLAN = Retraining(train_ms=0, test_ms=20 * DAY_MS, embargo_ms=24 * HOUR_MS)


@pytest.mark.parametrize("seed", [1, 21])
def test_on_random_walks_every_difference_of_roi_contains_zero_with_costs(seed: int) -> None:
    series = [walk_candles(2_400, seed=seed + k, pair=f"W{k}/USDT") for k in range(4)]
    panel = make_panel(series, window_bars=8, horizon_bars=24)
    first, last = int(panel.decided_ms.min()), int(panel.decided_ms.max()) + HOUR_MS
    folds = walk_folds(first, last, PLAN, least_train_ms=30 * DAY_MS)
    walk = walk_forward(panel, [LinearLearner(), LastReturnLearner()], folds, PLAN, stride_bars=4)

    found = effects(series, panel, [walk.tracks[0]], baseline=walk.tracks[1])

    assert len(found) == 3 + len(FILTERED)
    assert [one.against for one in found if not one.difference.contains_zero] == []
    # It really traded, and really paid: what costs took is what is missing against doing nothing.
    alone = next(one for one in found if one.against == "no trade at all")
    assert alone.trades_with > 100
    assert alone.difference.point < 0.0

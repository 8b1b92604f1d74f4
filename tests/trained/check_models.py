"""Networks trained as the registry trains them, from candles to a file that speaks; run by `make test-train`."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest

from desk.clock import from_ms
from desk.models.files import FORECASTS, NETWORK
from desk.models.plan import TrainingPlan, plan_from
from desk.models.speaking import NetworkVoice, Speaker, needed_files, speaker_of
from desk.models.views import Spoken
from trading.candles import Candles
from trading.timeframes import Timeframe
from workers.forecasts.export import PARITY
from workers.forecasts.training import run
from workers.hand import Result

HOUR_MS = 3_600_000
KINDS = ("lstm", "transformer")


@cache
def swings() -> tuple[Candles, ...]:
    """Make hourly candles of two pairs that swing, so that there is something to learn."""
    found = []
    for seed in (1, 2):
        random = np.random.default_rng(seed)
        bars = 1_500
        steps = 0.006 * np.sin(np.arange(bars) / 6.0 + seed) + random.normal(0.0, 0.003, bars)
        close = 100.0 * np.exp(np.cumsum(steps))
        open_ = np.r_[100.0, close[:-1]]
        found.append(
            Candles(
                ts_ms=1_704_067_200_000 + np.arange(bars, dtype=np.int64) * HOUR_MS,
                open=open_,
                high=np.maximum(open_, close) * 1.001,
                low=np.minimum(open_, close) * 0.999,
                close=close,
                volume=random.lognormal(3.0, 0.5, bars),
                timeframe=Timeframe.parse("1h"),
                pair=f"W{seed}/USDT",
            )
        )
    return tuple(found)


@cache
def trained(kind: str) -> Result:
    plan = TrainingPlan(
        model=f"small-{kind}",
        kind=kind,
        pairs=("W1/USDT", "W2/USDT"),
        horizon_bars=4,
        window_bars=16,
        least_train_days=30,
        retrain_days=20,
        stride_bars=1,
    )
    return run(
        {"plan": plan.as_values(), "candles": swings(), "retrain_ms": None}, lambda bar, done, total: None
    )


def speaker(kind: str) -> Speaker:
    made = trained(kind)
    plan = plan_from(made.values["plan"])
    version = Spoken(
        id="v1",
        model=plan.model,
        version=1,
        kind=kind,
        pairs=plan.pairs,
        timeframe=plan.timeframe,
        horizon_bars=plan.horizon_bars,
        window_bars=plan.window_bars,
        retrain_at=from_ms(made.values["retrain_ms"]),
        files={},
    )
    return speaker_of(version, {name: made.files[name][1] for name in needed_files(version)})


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_is_judged_beside_every_baseline_and_its_file_says_what_it_says(kind: str) -> None:
    card = trained(kind).values["card"]

    names = {row["name"] for row in card["table"]}
    assert names == {"zero (last price)", "always long", "last return", "linear", "gradient boosting", kind}
    assert set(card["against"]) == names - {kind}
    assert 0.0 <= card["parity"] <= PARITY
    # These candles swing: what learns must find it.
    assert card["against"]["zero (last price)"] > 0.05
    assert card["learned"]["known_by"] > datetime(2024, 2, 1, tzinfo=UTC).isoformat()
    assert card["findings"] == [] or all(one.startswith("accuracy") for one in card["findings"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_says_the_same_bits_for_one_bar_and_for_a_history(kind: str) -> None:
    candles, model = swings()[0], speaker(kind)
    whole = model.say(candles)

    for bars in (600, 901, 1_499):
        alone = speaker(kind).say(candles.rows(bars - model.least_bars, bars))
        at = np.searchsorted(whole.close_ms, alone.close_ms[-1])
        assert alone.expected[-1].tobytes() == whole.expected[at].tobytes()
        assert alone.forecasts.quantiles[-1].tobytes() == whole.forecasts.quantiles[at].tobytes()
    assert isinstance(model.voice, NetworkVoice)


@pytest.mark.parametrize("kind", KINDS)
def test_forecasts_out_of_sample_travel_with_the_network(kind: str) -> None:
    made, model = trained(kind), speaker(kind)

    heard = model.heard["W1/USDT"]
    assert (np.diff(heard.close_ms) > 0).all()
    assert heard.close_ms[-1] < made.values["retrain_ms"]
    assert np.isfinite(heard.expected).all()
    assert len(made.files[FORECASTS][1]) > 0


def test_a_network_trained_twice_at_one_time_is_the_same_file() -> None:
    first = trained("lstm")
    again = trained.__wrapped__("lstm")

    assert (
        hashlib.sha256(first.files[NETWORK][1]).digest() == hashlib.sha256(again.files[NETWORK][1]).digest()
    )
    assert first.files == again.files

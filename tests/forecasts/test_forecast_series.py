"""Forecasts reach strategies as they were known: the same bits live and over a history, and never from a later version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desk.clock import from_ms, to_ms
from desk.models.book import forecast_series, may_read_forecasts, reigns_of
from desk.models.files import LINEAR, read_linear
from desk.models.queries import fan_of, forecast_of
from desk.models.registry import promote, roll_back
from desk.models.speaking import LinearVoice, Speaker
from desk.models.views import ModelVersion, Promotion, Reason, Spoken
from desk.research.runs import run_backtest
from desk.series import external_series
from desk.store import SqlStore
from strategies.learned_signal import SERIES, LearnedSignal
from tests.support.learned_models import BARS, PAIRS, PLAN, Registry, a_registry, known_by, markets, trained
from trading.candles import SYNTHETIC, Candles
from trading.errors import NotFound
from trading.market import MarketView, Series
from workers.backtests import request_of

#: Bars that a live view holds.
SEEN = 512
BTC = markets()[0]
CLOSES = BTC.ts_ms + BTC.timeframe.ms


@pytest.fixture
async def registry(sqlite_store: SqlStore, tmp_path: Path) -> Registry:
    return await a_registry(sqlite_store, (tmp_path / "shelf").as_uri())


async def speak(registry: Registry, version: ModelVersion, bars: int) -> None:
    """Promote a version right after a bar closed."""
    async with registry.store.transaction() as tx:
        await promote(tx, version, at=from_ms(known_by(bars) + 1), by="ann")


async def over(registry: Registry, candles: Candles = BTC) -> Series:
    """Give the series as a job computes it, from data that travelled to it."""
    async with registry.store.reading() as tx:
        book = await registry.room.book(tx, registry.workspace_id, candles.pair, "1h")
    return forecast_series(book.reigns, book.speakers(), candles)


def aligned(series: Series, candles: Candles = BTC) -> np.ndarray[Any, np.dtype[np.float64]]:
    return MarketView(candles=candles, series={"f": series}).external("f")


async def test_a_bot_at_its_bar_and_a_backtest_hear_the_same_bits_across_promotions(
    registry: Registry,
) -> None:
    first, second = await registry.enter(trained()), await registry.enter(trained(1_440))
    await speak(registry, first, 1_400)
    await speak(registry, second, 1_500)

    whole = aligned(await over(registry))
    heard = []
    async with registry.store.reading() as tx:
        for bars in range(1_380, 1_620):
            view = MarketView(candles=BTC.rows(bars - SEEN, bars))

            async def forecasts(pair: str, candles: Candles = view.candles) -> Series | None:
                return await registry.room.series(tx, registry.workspace_id, candles)

            found = await external_series(
                tx, LearnedSignal().series_needed, BTC.pair, view.close_ms, forecasts=forecasts
            )
            heard.append(replace(view, series=found).external(SERIES.format(pair=BTC.pair))[-1])

    assert np.array(heard).tobytes() == whole[1_379:1_619].tobytes()
    assert np.isfinite(heard).all()


async def test_a_later_version_changes_nothing_before_it_spoke(registry: Registry) -> None:
    first, second = await registry.enter(trained()), await registry.enter(trained(1_440))
    await speak(registry, first, 1_400)
    before = aligned(await over(registry))

    await speak(registry, second, 1_500)
    after = aligned(await over(registry))
    async with registry.store.transaction() as tx:
        await roll_back(tx, registry.workspace_id, PLAN.model, at=from_ms(known_by(1_600) + 1), by="ann")
    back = aligned(await over(registry))

    assert after[:1_500].tobytes() == before[:1_500].tobytes()
    assert (after[1_500:] != before[1_500:]).all()
    assert back[:1_600].tobytes() == after[:1_600].tobytes()
    assert back[1_600:].tobytes() == before[1_600:].tobytes()


async def test_no_forecast_rests_on_a_bar_after_it_nor_on_weights_that_saw_it(registry: Registry) -> None:
    """Change everything after a time: what was forecast until then must not move, from training to series."""
    version = await registry.enter(trained())
    await speak(registry, version, BARS)
    cut = 1_000
    whole = aligned(await over(registry))

    # A training at that time knows nothing later; its model is the walk's model of that time.
    then = trained(BARS - 240)
    speaker = await registry.room.speaker(version)
    inside = speaker.heard[BTC.pair].close_ms
    fold = (inside >= known_by(BARS - 240)) & (inside < known_by(BARS))
    own = await registry.enter(then, at=from_ms(known_by(BARS - 240)))
    said = (await registry.room.speaker(own)).say(BTC)
    same = np.isin(said.close_ms, inside[fold])

    assert fold.sum() > 200
    np.testing.assert_array_equal(said.expected[same], speaker.heard[BTC.pair].expected[fold])
    # And the series before everything that the version learned is that walk, not the version itself.
    hindsight = speaker.say(BTC)
    at = np.searchsorted(hindsight.close_ms, CLOSES[cut])
    assert whole[cut] != hindsight.expected[at]
    assert np.isnan(whole[:400]).all()
    assert np.isfinite(whole[BARS:]).all()


def a_version(number: int, *, model: str = "hourly", pairs: tuple[str, ...] = PAIRS) -> Spoken:
    return Spoken(
        id=f"{model}{number}",
        model=model,
        version=number,
        kind="linear",
        pairs=pairs,
        timeframe="1h",
        horizon_bars=6,
        window_bars=8,
        retrain_at=from_ms(0),
        files={},
    )


def promotions(*changes: tuple[str, int, int]) -> list[Promotion]:
    return [
        Promotion(
            id=str(number),
            workspace_id="w",
            model=model,
            version=version,
            before=0,
            at=from_ms(at),
            reason=Reason.PROMOTED,
            by="",
        )
        for number, (model, version, at) in enumerate(changes)
    ]


def told(found: Sequence[Any]) -> list[tuple[int, str]]:
    return [(one.from_ms, "" if one.version is None else one.version.id) for one in found]


def test_the_model_that_was_promoted_last_speaks_and_gives_the_word_back() -> None:
    versions = [a_version(1), a_version(1, model="swift"), a_version(2, model="swift", pairs=("ETH/USDT",))]
    changes = promotions(("hourly", 1, 100), ("swift", 1, 200), ("swift", 2, 300), ("hourly", 0, 400))

    assert told(reigns_of(versions, changes, "BTC/USDT", "1h")) == [
        (0, "hourly1"),
        (200, "swift1"),
        (300, "hourly1"),
        (400, ""),
    ]
    assert told(reigns_of(versions, changes, "ETH/USDT", "1h")) == [
        (0, "hourly1"),
        (200, "swift1"),
        (300, "swift2"),
        (400, "swift2"),
    ]
    assert reigns_of(versions, changes, "SOL/USDT", "1h") == ()
    assert reigns_of(versions, changes, "BTC/USDT", "5m") == ()


def test_nothing_is_said_where_nobody_speaks_nor_into_bars_without_a_forecast() -> None:
    voice = LinearVoice(read_linear(trained().files[LINEAR][1]))
    versions = [a_version(1)]
    changes = promotions(("hourly", 1, known_by(600)), ("hourly", 0, known_by(700)))
    speakers = {"hourly1": Speaker(versions[0], voice, {})}

    found = aligned(forecast_series(reigns_of(versions, changes, BTC.pair, "1h"), speakers, BTC))
    dead = replace(BTC, flags=np.where(np.arange(len(BTC)) == 650, SYNTHETIC, BTC.flags).astype(np.uint8))
    quiet = aligned(forecast_series(reigns_of(versions, changes, BTC.pair, "1h"), speakers, dead), dead)

    assert np.isfinite(found[600:698]).all()
    assert np.isnan(found[700:]).all()
    assert np.isnan(quiet[650])
    assert np.isfinite(quiet[651])


async def test_a_backtest_of_learned_signal_reads_the_book_that_travelled_with_it(registry: Registry) -> None:
    await speak(registry, await registry.enter(trained()), BARS)
    async with registry.store.reading() as tx:
        book = await registry.room.book(tx, registry.workspace_id, BTC.pair, "1h")
    given: Mapping[str, Any] = {
        "input": {
            "strategy": "learned_signal",
            "parameters": {"cost_multiple": 0.1, "horizon_bars": 6},
            "limits": {},
            "capital": "10000",
            "fee": "0.001",
            "slippage": "0.0005",
            "can_short": True,
        },
        "candles": [BTC],
        "strategy_path": None,
        "books": {BTC.pair: book},
    }

    found = run_backtest(request_of(given)).document
    blind = run_backtest(request_of({**given, "books": {}})).document

    assert len(found["trades"]) > 20
    assert blind["trades"] == []
    first = min(one["entry_at"] for one in found["trades"])
    assert first > from_ms(int(CLOSES[400])).isoformat()


def test_only_strategies_that_may_read_forecasts_are_given_them() -> None:
    assert may_read_forecasts("learned_signal")
    assert may_read_forecasts("one_of_our_own")
    assert not may_read_forecasts("trend_following")


class OneFeed:
    """Has the candles and nothing else."""

    venue = "made"

    async def pairs(self) -> tuple[str, ...]:
        return PAIRS

    async def history(self, pair: str, timeframe: str, *, before_ms: int | None, bars: int) -> Candles:
        candles = markets()[PAIRS.index(pair)]
        return candles.rows(len(candles) - bars, len(candles))


async def test_a_forecast_says_what_it_expects_how_it_was_judged_and_when_it_learned(
    registry: Registry,
) -> None:
    version = await registry.enter(trained())
    feed: Any = OneFeed()
    async with registry.store.reading() as tx:
        with pytest.raises(NotFound, match="No model speaks for BTC/USDT"):
            await forecast_of(tx, registry.room, feed, registry.workspace_id, "BTC/USDT")
    await speak(registry, version, BARS)

    async with registry.store.reading() as tx:
        found = await forecast_of(tx, registry.room, feed, registry.workspace_id, "BTC/USDT")
        with pytest.raises(NotFound, match="SOL/USDT"):
            await forecast_of(tx, registry.room, feed, registry.workspace_id, "SOL/USDT")

    assert (found.model, found.version, found.kind, found.timeframe) == ("hourly", 1, "linear", "1h")
    assert to_ms(found.at) == CLOSES[-1]
    assert np.log1p(found.expected) == pytest.approx(aligned(await over(registry))[-1])
    assert list(found.returns) == sorted(found.returns)
    assert 0.0 < found.up < 1.0
    assert found.fan[0].prices == (found.price,) * 5
    assert found.fan[-1].prices == pytest.approx([found.price * (1 + one) for one in found.returns])
    assert found.retrained_at == version.retrain_at
    assert (found.next_at - found.retrained_at).days == PLAN.retrain_days
    assert found.skill == version.skill
    assert dict(found.against)["zero (last price)"] == pytest.approx(version.skill, abs=1e-6)
    assert not found.is_useful


def test_a_fan_widens_with_the_root_of_time() -> None:
    fan = fan_of(100.0, 0.0, (-0.04, 0.0, 0.04), 0, 12_000)

    quarter, end = fan[3], fan[12]
    assert (to_ms(quarter.at), to_ms(end.at)) == (3_000, 12_000)
    assert np.log(quarter.prices[2] / 100.0) == pytest.approx(0.02)
    assert np.log(end.prices[2] / 100.0) == pytest.approx(0.04)


async def test_a_model_that_cannot_be_read_says_nothing_and_the_bot_goes_on(
    registry: Registry, tmp_path: Path
) -> None:
    version = await registry.enter(trained())
    await speak(registry, version, BARS)
    for one in (tmp_path / "shelf").rglob("*"):
        if one.is_file():
            one.unlink()

    async with registry.store.reading() as tx:
        assert await registry.room.series(tx, registry.workspace_id, BTC) is None

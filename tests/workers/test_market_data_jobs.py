"""Stored candles kept whole by jobs: fetched, filled back, verified, derived, forgotten; each run again changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from desk.bus import EventBus
from desk.clock import SystemClock, to_ms
from desk.identity import new_id
from desk.jobs.bell import Bell
from desk.jobs.queueing import new_job, queue
from desk.jobs.timetable import ENTRIES, Timetable
from desk.ports import Store
from desk.settings import Settings, VenueSettings
from desk.views import Filter, Job, JobState, Page
from server.sim_exchange.app import RunningSim, SimOptions, running_sim
from tests.support.sim import until
from trading.candles import Candles
from trading.errors import BadSetting
from trading.timeframes import Timeframe
from workers.hand import Result
from workers.house import working
from workers.kinds import Bench, Duty, Task, kinds
from workers.market_data.fetching import fill_back, refresh
from workers.market_data.series import kept_series, read_series, read_spans
from workers.market_data.tidying import derive, forget, whole_bars
from workers.market_data.verifying import verify

NAME = "binance:BTC/USDT:1m"
MINUTE = Timeframe.parse("1m")


@dataclass(slots=True)
class Care:
    """A store, an exchange, and duties run as a worker runs them."""

    store: Store
    sim: RunningSim
    settings: Settings
    workspace_id: str

    async def do(self, duty: Duty, **changes: Any) -> dict[str, Any]:
        """Run a duty and keep its result as its job would."""
        bars: list[tuple[str, float, float]] = []
        clock = SystemClock()
        kind = next(one.name for one in kinds().values() if one.duty is duty)
        job = new_job(self.workspace_id, kind, title=kind, input={}, now=clock.now())
        async with self.store.transaction() as tx:
            await queue(tx, job)
            claimed = await tx.jobs.claim(job.id, "test", clock.now(), 60.0)
        assert claimed is not None
        task = Task(
            job=claimed,
            store=self.store,
            clock=clock,
            bench=Bench(feed=None, settings=replace(self.settings, **changes)),  # type: ignore[arg-type]
            tell=lambda *told: bars.append(told),
        )
        result: Result = await duty(task)
        async with self.store.transaction() as tx:
            await tx.jobs.finish(claimed, JobState.DONE, at=clock.now(), result=result.values)
        assert bars == [] or bars[-1][1] == bars[-1][2]
        return result.values

    async def stored(self, timeframe: str = "1m") -> Candles:
        async with self.store.reading() as tx:
            return await tx.candles.load("binance", "BTC/USDT", timeframe)

    async def change(self, sql: str) -> None:
        """Change rows behind the store's back."""
        async with self.store.transaction() as tx:
            await tx.candles._tx.change(sql)  # type: ignore[attr-defined]


@pytest_asyncio.fixture
async def care(sqlite_store: Store, tmp_path: Path) -> AsyncIterator[Care]:
    async with sqlite_store.transaction() as tx:
        workspace = await tx.workspaces.create(new_id())
    async with running_sim(SimOptions()) as sim:
        settings = Settings(
            data_dir=tmp_path,
            candles=(NAME,),
            candles_history_days=1,
            venues={"binance": VenueSettings(base_url=sim.base_url)},
        )
        yield Care(sqlite_store, sim, settings, workspace.id)


async def test_a_refresh_fetches_the_newest_bars_but_leaves_the_last_minutes_to_whoever_trades(
    care: Care,
) -> None:
    first = await care.do(refresh)
    again = await care.do(refresh)

    bars = await care.stored()
    age_ms = to_ms(SystemClock().now()) - int(bars.ts_ms[-1])
    assert first["series"][NAME]["new"] == len(bars) >= 490
    assert again["series"][NAME]["new"] <= 1
    assert 600_000 <= age_ms < 800_000


async def test_older_bars_and_holes_are_filled_and_a_second_run_finds_nothing_to_do(care: Care) -> None:
    await care.do(refresh)
    bars = await care.stored()
    hole = bars.ts_ms[100:103].tolist()
    await care.change(f"DELETE FROM candles WHERE ts_ms BETWEEN {hole[0]} AND {hole[-1]}")

    found = await care.do(fill_back)
    again = await care.do(fill_back)

    whole = await care.stored()
    assert found["series"][NAME]["new"] == len(whole) - len(bars) + 3
    assert again["series"][NAME]["new"] <= 1
    assert np.all(np.diff(whole.ts_ms) == MINUTE.ms)
    assert len(whole) > 1_400


async def test_a_venue_that_is_away_fails_its_series_and_keeps_no_other_back(care: Care) -> None:
    both = (NAME, "kraken:BTC/USDT:1h")

    found = await care.do(
        refresh,
        candles=both,
        venues={**care.settings.venues, "kraken": VenueSettings(base_url="http://127.0.0.1:1")},
    )

    assert "error" in found["series"]["kraken:BTC/USDT:1h"]
    assert found["series"][NAME]["new"] > 400


async def test_longer_bars_are_derived_only_from_whole_ones_and_are_the_venues_own(care: Care) -> None:
    await care.do(refresh)
    await care.change(f"DELETE FROM candles WHERE ts_ms = {(await care.stored()).ts_ms[250]}")

    found = await care.do(derive, candles_resample=("5m", "1h"))
    again = await care.do(derive, candles_resample=("5m", "1h"))

    fives, ones = await care.stored("5m"), await care.stored()
    assert found["series"]["binance:BTC/USDT:5m"] == {"new": len(fives), "from": "1m"}
    assert again["series"]["binance:BTC/USDT:5m"]["new"] == 0
    assert len(fives) == len(whole_bars(ones, Timeframe.parse("5m"))) in (97, 98, 99)
    first = ones.between(int(fives.ts_ms[0]), int(fives.ts_ms[0]) + 300_000)
    assert (fives.high[0], fives.close[0]) == (first.high.max(), first.close[-1])


async def test_a_verification_says_what_is_stored_and_finds_a_bar_that_was_changed_or_lost(
    care: Care,
) -> None:
    await care.do(refresh)
    calm = await care.do(verify)
    still_calm = await care.do(verify)
    bars = await care.stored()

    await care.change(f"UPDATE candles SET close = close * 1.01 WHERE ts_ms = {bars.ts_ms[10]}")
    changed = await care.do(verify)
    await care.change(f"DELETE FROM candles WHERE ts_ms = {bars.ts_ms[20]}")
    lost = await care.do(verify)

    year = str(calm["series"][NAME]["years"] and next(iter(calm["series"][NAME]["years"])))
    told = f"{NAME}: the bars of {year} are not those that were verified before"
    assert calm["findings"] == still_calm["findings"] == []
    assert (calm["series"][NAME]["bars"], calm["series"][NAME]["gaps"]) == (len(bars), 0)
    assert told in changed["findings"]
    assert told in lost["findings"]
    assert lost["series"][NAME]["gaps"] == 1


async def test_bars_that_are_too_old_are_forgotten_and_a_verification_does_not_miss_them(care: Care) -> None:
    await care.do(fill_back, candles_history_days=3)
    await care.do(verify)

    found = await care.do(forget, candles_keep=("1m=1d",))
    after = await care.do(verify, candles_keep=("1m=1d",))
    without_leave = await care.do(forget, candles_keep=())

    bars = await care.stored()
    assert found["forgotten"][NAME] > 2_000
    assert to_ms(SystemClock().now()) - int(bars.ts_ms[0]) <= 86_460_000
    assert after["findings"] == []
    assert without_leave["forgotten"] == {}


async def test_series_in_use_are_kept_without_being_named_and_old_ones_are_not(care: Care) -> None:
    await care.do(refresh)
    unnamed = replace(care.settings, candles=())
    async with care.store.reading() as tx:
        now = await kept_series(tx, unnamed, SystemClock().now())
        later = await kept_series(tx, unnamed, SystemClock().now() + timedelta(days=40))

    assert [one.name for one in now] == [NAME]
    assert later == ()


@pytest.mark.parametrize("text", ["", "BTC/USDT:1h", "binance:BTCUSDT:1h", "binanse:BTC/USDT:1h"])
def test_a_series_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadSetting):
        read_series(text)


@pytest.mark.parametrize("text", ["1m", "1m=90", "1m=0d", "1m=-3d"])
def test_a_span_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadSetting):
        read_spans(Settings(candles_keep=(text,)))


async def test_the_clock_queues_the_care_of_candles_and_a_worker_does_it(care: Care) -> None:
    entries = [one for one in ENTRIES if one.name in ("candles", "candle_verify")]
    timetable = Timetable(entries=[replace(one, is_eager=True) for one in entries])
    clock, bell = SystemClock(), Bell()
    bench = Bench(feed=None, settings=care.settings)  # type: ignore[arg-type]

    async def done() -> list[Job]:
        async with care.store.reading() as tx:
            page = await tx.jobs.page(care.workspace_id, Filter(), Page(first=10))
        return [one for one in page if one.state is JobState.DONE]

    async def are_both() -> bool:
        return len(await done()) == 2

    async with working(care.store, EventBus(), clock, bell=bell, bench=bench, timetable=timetable):
        await until(are_both, seconds=60.0)
    await asyncio.sleep(0)

    jobs = {one.kind: one for one in await done()}
    assert set(jobs) == {"candle_refresh", "candle_verify"}
    assert jobs["candle_refresh"].result["series"][NAME]["new"] > 400

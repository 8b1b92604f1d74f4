"""Runs as jobs take what the command line takes: who trails stops, shorter candles inside a bar, whose forecasts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from desk.clock import SystemClock, from_ms
from desk.commands import RunBacktest, RunOptimization, RunWalkForward
from desk.feeds.replay import ReplayFeed
from desk.models.room import room_of
from desk.research.runs import Request, run_backtest
from desk.settings import Settings
from desk.store import SqlStore
from desk.views import Job
from tests.desk.desk_house import DeskHouse, a_house
from tests.support.learned_models import BARS, PLAN, Registry, trained
from tests.support.learned_models import markets as learned_markets
from trading.backtest.bias_audits import random_walk
from trading.candles import Candles, resample
from trading.errors import BreakwaterError, InvalidInput
from trading.timeframes import Timeframe
from workers import kinds
from workers.backtests import request_of
from workers.kinds import Bench, markets, with_parts

FINE = replace(random_walk(12_000, seed=5, timeframe=Timeframe.parse("15m")), pair="BTC/USDT", venue="made")
COARSE = resample(FINE, Timeframe.parse("1h"))
TREND: dict[str, Any] = {
    "strategy": "trend_following",
    "pairs": ("BTC/USDT",),
    "parameters": (("trail_atr", 1.0),),
}


def history(*series: Candles) -> ReplayFeed:
    """Give a market of which everything is past; it shows longer timeframes too."""
    return ReplayFeed(series, clock=SystemClock(), live_from_ms=int(series[0].ts_ms[-1]) + 1)


async def asked(store: SqlStore, command: Any) -> tuple[DeskHouse, Job]:
    house = await a_house(store, feed=history(FINE))
    outcome = await house.desk.do(command, house.actor())
    job: Job = outcome.view
    return house, job


async def request_for(store: SqlStore, command: Any) -> Request:
    """Give the run that a job does, from the command to the worker."""
    house, job = await asked(store, command)
    async with house.store.reading() as tx:
        return request_of(await markets(tx, Bench(feed=house.feed), job))


async def test_a_job_trails_at_the_venue_and_looks_inside_bars_as_the_command_line_does(
    sqlite_store: SqlStore,
) -> None:
    command = RunBacktest(**TREND, trailing="venue", detail="15m", spread=Decimal("0.0004"), fill="touch")
    request = await request_for(sqlite_store, command)

    found = run_backtest(request).document
    by_command = run_backtest(
        replace(request, candles=(COARSE,), detail=(FINE,), trailing="venue", spread=0.0004, fill="touch")
    ).document

    assert found["costs"]["trailing"] == "venue"
    assert found["costs"]["detail"] == {"BTC/USDT": "15m"}
    assert (found["costs"]["spread"], found["costs"]["fill"]) == (0.0004, "touch")
    assert found["trades"] == by_command["trades"]
    blurred = run_backtest(replace(request, detail=())).document
    at_closes = run_backtest(replace(request, detail=(), trailing="close")).document
    assert blurred["trades"] != found["trades"]
    assert blurred["trades"] != at_closes["trades"]


async def test_a_house_that_replays_a_file_from_its_first_bar_researches_the_whole_file(
    sqlite_store: SqlStore,
) -> None:
    house = await a_house(sqlite_store, feed=ReplayFeed([FINE], clock=SystemClock()))
    whole = (await house.desk.do(RunBacktest(**TREND, detail="15m"), house.actor())).view
    since = from_ms(int(COARSE.ts_ms[1_000]))
    later = (await house.desk.do(RunBacktest(**TREND, since=since), house.actor())).view

    async with house.store.reading() as tx:
        read = request_of(await markets(tx, Bench(feed=house.feed), whole))
        cut = request_of(await markets(tx, Bench(feed=house.feed), later))

    (candles,) = read.candles
    assert candles.ts_ms.tolist() == COARSE.ts_ms.tolist()
    assert len(read.detail[0]) == len(FINE)
    assert cut.candles[0].ts_ms.tolist() == COARSE.ts_ms[1_000:].tolist()


@pytest.mark.parametrize("command", [RunOptimization, RunWalkForward])
async def test_searches_and_walks_take_the_same_options(sqlite_store: SqlStore, command: Any) -> None:
    wish = command(**TREND, grid=("fast_bars=10,20",), trailing="venue", detail="15m")

    request = await request_for(sqlite_store, wish)

    assert request.trailing == "venue"
    assert [(one.pair, str(one.timeframe)) for one in request.detail] == [("BTC/USDT", "15m")]
    assert (int(request.detail[0].ts_ms[0]), len(request.detail[0])) == (int(COARSE.ts_ms[0]), len(FINE))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"detail": "1h"}, "a shorter timeframe that divides it"),
        ({"detail": "45m"}, "a shorter timeframe that divides it|45m"),
        ({"detail": "soon"}, "soon"),
        ({"trailing": "never"}, "close or venue is allowed"),
        ({"fill": "always"}, "through or touch is allowed"),
        ({"spread": Decimal("0.5")}, "from 0 to below 0.1"),
        ({"model": "hourly"}, "reads no forecasts"),
        ({"model": "hourly", "strategy": "learned_signal", "parameters": ()}, "No model is called 'hourly'"),
    ],
)
async def test_an_option_that_makes_no_sense_is_refused_before_anything_is_queued(
    sqlite_store: SqlStore, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(BreakwaterError, match=said):
        await asked(sqlite_store, RunBacktest(**{**TREND, **options}))


async def test_detail_candles_beyond_what_can_be_worked_on_are_refused(
    sqlite_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "MOST_BARS", 10_000)

    with pytest.raises(InvalidInput, match="up to 10000 can be worked on"):
        await request_for(sqlite_store, RunBacktest(**TREND, detail="15m"))


async def test_a_job_reads_the_model_that_it_names_and_says_so(
    sqlite_store: SqlStore, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path)
    house = await a_house(sqlite_store, feed=history(*learned_markets()))
    registry = Registry(sqlite_store, house.workspace.id, room_of(settings))
    await registry.enter(trained(BARS - 60))
    await registry.enter(trained())
    command = RunBacktest(
        strategy="learned_signal",
        pairs=("BTC/USDT",),
        parameters=(("cost_multiple", 0.1), ("horizon_bars", PLAN.horizon_bars)),
        model="hourly:1",
    )
    job: Any = (await house.desk.do(command, house.actor())).view

    async with house.store.reading() as tx:
        request = request_of(await markets(tx, Bench(feed=house.feed, settings=settings), job))
    found = run_backtest(request).document

    assert [(one["model"], one["version"]) for one in found["models"]] == [("hourly", 1)]
    assert len(found["trades"]) > 10
    with pytest.raises(InvalidInput, match="cannot be asked about BTC/USDT 4h"):
        await house.desk.do(replace(command, timeframe="4h"), house.actor())


async def test_a_search_during_which_another_model_began_to_speak_is_refused(sqlite_store: SqlStore) -> None:
    house, head = await asked(sqlite_store, RunOptimization(**TREND, grid=("fast_bars=10,20",)))
    async with house.store.transaction() as tx:
        await tx.jobs.add(
            replace(head, id="a" * 32, dedupe_key="a", group_id=head.id, result={"trials": [], "models": [1]})
        )
        await tx.jobs.add(
            replace(head, id="b" * 32, dedupe_key="b", group_id=head.id, result={"trials": [], "models": [2]})
        )

    async with house.store.reading() as tx:
        payload = await with_parts(tx, Bench(feed=house.feed), head)

    assert payload["problems"] == ["another model began to speak during the search; ask for it again"]

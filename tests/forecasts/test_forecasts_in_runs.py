"""A bot that trades on forecasts, and every way to backtest it: all hear the same model and say so."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from desk.assembly import House, HouseOptions, open_house
from desk.commands import CreateBot, PromoteModel, StartBot
from desk.reports.drift.values import Drift
from desk.views import Filter, Page, Trade
from tests.support.cli import assert_refused, breakwater
from tests.support.learned_models import BARS, Registry, markets, trained
from tests.support.paper_home import a_paper_home

#: What is played: the end of what the model learned from, and what came after it.
PLAYED = markets()[0].rows(BARS - 240, BARS + 260)
SETTINGS = {"cost_multiple": 0.1, "horizon_bars": 6}


@dataclass(frozen=True, slots=True)
class Played:
    """A house in which a bot traded on forecasts to the end of the market, shut again.

    Attributes:
        folder: its data folder.
        file: the candles that were played.
    """

    folder: Path
    file: Path
    trades: tuple[Trade, ...]
    drift: Drift


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("house")
    file = folder / "made_BTC-USDT_1h.csv"
    names = ("ts_ms", "open", "high", "low", "close", "volume")
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(names)
        writer.writerows(zip(*(getattr(PLAYED, name).tolist() for name in names), strict=True))
    trades, drift = asyncio.run(played_to_the_end(folder, file))
    return Played(folder, file, trades, drift)


async def played_to_the_end(folder: Path, file: Path) -> tuple[tuple[Trade, ...], Drift]:
    """Enter two versions, promote the first, and let a bot trade on it."""
    options = HouseOptions(data_dir=folder, replay=(file,), speed_bars_per_s=0.0)
    async with open_house(options) as house:
        owner = (await a_paper_home(house.store)).actor()
        registry = Registry(house.store, owner.workspace_id, house.models)
        await registry.enter(trained(BARS - 60))
        await registry.enter(trained())
        await house.desk.do(PromoteModel(model="hourly", version=1), owner)
        wish = CreateBot(
            name="seer",
            strategy="learned_signal",
            pairs=("BTC/USDT",),
            timeframe="1h",
            parameters=tuple(SETTINGS.items()),
        )
        bot: Any = (await house.desk.do(wish, owner)).view
        await house.desk.do(StartBot(bot_id="seer"), owner)
        async with asyncio.timeout(120.0):
            await ended(house)
        drift = await house.drifts.of(owner.workspace_id, bot.id, 60)
        async with house.store.reading() as tx:
            rows = await tx.positions.trades(owner.workspace_id, Filter(), Page(first=1_000))
    return tuple(reversed(rows)), drift


async def ended(house: House) -> None:
    while True:
        loops = list(house.supervisor.loops.values())
        if loops and all(one.has_ended for one in loops):
            return
        await asyncio.sleep(0.05)


def backtest(played: Played, *more: object) -> Any:
    """Run the command on the same candles, with the strategy's settings and a spot account."""
    given = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]
    ran = breakwater(
        "backtest",
        "learned_signal",
        "-c",
        played.file,
        *given,
        "--spot",
        "--data-dir",
        played.folder,
        *more,
        "--json",
    )
    assert ran.code == 0, ran.err
    return ran.json


def entries(trades: Sequence[Any]) -> list[tuple[str, str]]:
    return [(one["entry_at"][:16], one["exit_at"][:16]) for one in trades]


def test_a_bot_trades_on_the_promoted_model_and_the_backtest_makes_the_same_trades(played: Played) -> None:
    found = backtest(played)

    closed = [one for one in found["trades"] if not one["is_open"]]
    lived = [(f"{one.opened_at:%Y-%m-%dT%H:%M}", f"{one.closed_at:%Y-%m-%dT%H:%M}") for one in played.trades]
    assert len(lived) >= 10
    assert entries(closed) == lived
    for one, other in zip(closed, played.trades, strict=True):
        assert Decimal(str(one["pnl"])) == pytest.approx(other.pnl, rel=Decimal("1e-3"))
    assert [(one["model"], one["version"]) for one in found["models"]] == [("hourly", 1)]


def test_the_drift_of_a_bot_on_forecasts_hears_the_same_model(played: Played) -> None:
    assert played.drift.live_trades == played.drift.replay_trades == len(played.trades)
    assert played.drift.signal_match == 1.0


def test_a_backtest_names_whose_forecasts_it_read_and_until_when_they_learned(played: Played) -> None:
    promoted = backtest(played)["models"]
    named = backtest(played, "--model", "hourly:2")

    (one,) = promoted
    assert (one["pair"], one["version"]) == ("BTC/USDT", 1)
    assert one["from"] < one["learned_until"] < one["to"]
    assert [one["version"] for one in named["models"]] == [2]
    assert named["models"][0]["learned_until"] > one["learned_until"]
    said = breakwater(
        "backtest", "learned_signal", "-c", played.file, "--model", "hourly", "--data-dir", played.folder
    )
    assert "Forecasts of BTC/USDT: hourly v2, which learned until" in " ".join(said.out.split())


def test_searches_and_walks_read_the_model_too(played: Played) -> None:
    where = ("-c", played.file, "--data-dir", played.folder, "--grid", "cost_multiple=0.1,0.2", "--json")

    search = breakwater("optimize", "learned_signal", *where, "--minimum-trades", 1)
    walk = breakwater(
        "walk-forward", "learned_signal", *where, "--train", "8d", "--test", "4d", "--minimum-trades", 1
    )

    assert [one["version"] for one in search.json["models"]] == [1]
    assert search.json["best"]["figures"]["trades"] >= 1
    assert [one["version"] for one in walk.json["models"]] == [1]


def test_a_model_that_cannot_be_read_by_a_run_is_refused_with_a_reason(
    played: Played, tmp_path: Path
) -> None:
    start = ("backtest", "learned_signal", "-c", played.file)
    other = ("backtest", "trend_following", "-c", played.file)

    assert_refused(
        breakwater(*start, "--model", "nobody", "--data-dir", played.folder), "No model is called", "hourly"
    )
    assert_refused(breakwater(*start, "--model", "hourly:9", "--data-dir", played.folder), "no version 9")
    assert_refused(breakwater(*start, "--model", "hourly:x", "--data-dir", played.folder), "Version 'x'")
    assert_refused(breakwater(*other, "--model", "hourly", "--data-dir", played.folder), "reads no forecasts")
    assert_refused(breakwater(*start, "--model", "hourly", "--data-dir", tmp_path / "none"), "no registry")
    assert not (tmp_path / "none").exists()

"""Which market a start gets: live when it is in reach, otherwise clearly the simulated one, or waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import orjson
import pytest

from desk.assembly import HouseOptions, make_feed
from desk.clock import SystemClock
from desk.feeds.live import LiveFeed
from desk.feeds.live_options import LiveOptions, live_options
from desk.settings import VenueSettings, load_settings
from desk.store import open_store
from server.market import open_market
from server.sim_exchange.app import SimOptions, running_sim
from server.sim_exchange.ledger import read_ledger
from tests.support.sim import address_of
from tests.support.stores import SqliteTemplate
from trading.candles import Candles
from trading.errors import BadSetting
from trading.timeframes import Timeframe

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = VenueSettings(base_url="http://127.0.0.1:1")


def options(folder: Path, address: VenueSettings) -> HouseOptions:
    return HouseOptions(
        data_dir=folder, market=LiveOptions(venue="binance", address=address, pairs=("BTC/USDT", "top-3"))
    )


async def test_a_venue_in_reach_is_the_market(tmp_path: Path) -> None:
    async with running_sim(SimOptions()) as sim:
        opened = await open_market(options(tmp_path, address_of(sim)))
        assert opened.feed is not None
        try:
            assert next(iter(await opened.feed.pairs())) == "BTC/USDT"
            assert opened.feed.label == "binance, live"
            rules = await opened.feed.instrument("BTC/USDT")
            past = await opened.feed.history("BTC/USDT", "1m", before_ms=None, bars=30)
        finally:
            await opened.feed.close()

    assert opened.note == ""
    assert rules.venue == "binance"
    assert len(past) == 30
    assert past.flags.sum() == 0


async def test_a_fresh_house_out_of_reach_plays_the_simulated_exchange_and_says_so(
    sqlite_template: SqliteTemplate, tmp_path: Path
) -> None:
    sqlite_template.copy(tmp_path / "breakwater.db")

    opened = await open_market(options(tmp_path, NOWHERE))

    assert opened.options.market is None
    assert opened.feed is None
    assert "The simulated exchange is played instead" in opened.note
    assert make_feed(opened.options, SystemClock()).label.startswith("simulated exchange")


async def test_a_house_that_traded_there_waits_for_the_venue(
    sqlite_template: SqliteTemplate, tmp_path: Path
) -> None:
    store = open_store(sqlite_template.copy(tmp_path / "breakwater.db"))
    ones = np.ones(1)
    bar = Candles(
        ts_ms=np.array([0], np.int64),
        open=ones,
        high=ones,
        low=ones,
        close=ones,
        volume=ones,
        timeframe=Timeframe.parse("1m"),
        pair="BTC/USDT",
        venue="binance",
    )
    async with store.transaction() as tx:
        await tx.candles.add(bar)
    await store.close()

    opened = await open_market(options(tmp_path, NOWHERE))

    assert isinstance(opened.feed, LiveFeed)
    await opened.feed.close()
    assert opened.options.market is not None
    assert "waiting for it" in opened.feed.label
    assert "cannot be reached now" in opened.note


def test_the_settings_name_the_market_and_nothing_is_live_without_them() -> None:
    found = live_options(
        load_settings(
            {
                "BREAKWATER_MARKET": "binance",
                "BREAKWATER_MARKET_PAIRS": "BTC/USDT,top-5",
                "BREAKWATER_BINANCE_BASE_URL": "http://127.0.0.1:9009",
                "BREAKWATER_BINANCE_SANDBOX": "true",
            }
        )
    )

    assert live_options(load_settings({})) is None
    assert found is not None
    assert (found.pairs, found.second) == (("BTC/USDT", "top-5"), "coingecko")
    assert (found.address.base_url, found.address.sandbox) == ("http://127.0.0.1:9009", True)
    with pytest.raises(BadSetting):
        load_settings({"BREAKWATER_MARKET": "binanse"})


def test_the_simulated_exchange_runs_as_a_program_and_its_witness_outlives_a_kill(tmp_path: Path) -> None:
    ledger = tmp_path / "witness.jsonl"
    command = ["sim-exchange", "--port", "0", "--json", "--ledger", str(ledger), "--key", "k1:secret-1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "server", *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        ready = orjson.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        process.stdout.close()

    lines = list(read_ledger(ledger))
    assert ready["ready"] is True
    assert ready["key"] == "k1"
    assert [one["kind"] for one in lines] == ["balances"]
    assert ledger.stat().st_mode & 0o077 == 0

"""`breakwater train` and `breakwater models`: from candle files to a version that speaks, and back."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path

import pytest

from desk.assembly import HouseOptions, open_house
from desk.identity import Role
from desk.models.files import LINEAR
from desk.models.shelf import digest_of
from tests.support.cli import assert_refused, breakwater
from tests.support.learned_models import BARS, PAIRS, markets, trained
from trading.candles import Candles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with an owner and a trader."""

    async def furnish() -> None:
        options = HouseOptions(data_dir=tmp_path, is_trading=False, is_pumping=False)
        async with open_house(options) as house, house.store.transaction() as tx:
            home = await tx.workspaces.create("home")
            await tx.members.add(home.id, name="owner", email="", role=Role.OWNER)
            await tx.members.add(home.id, name="tom", email="", role=Role.TRADER)

    asyncio.run(furnish())
    return tmp_path


def written(folder: Path, candles: Candles) -> Path:
    path = folder / f"made_{candles.pair.replace('/', '-')}_1h.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["ts_ms", "open", "high", "low", "close", "volume"])
        columns = [
            getattr(candles, name).tolist() for name in ("ts_ms", "open", "high", "low", "close", "volume")
        ]
        writer.writerows(zip(*columns, strict=True))
    return path


def test_a_model_is_trained_listed_shown_promoted_and_rolled_back(folder: Path) -> None:
    files = [written(folder, one.rows(0, BARS)) for one in markets()]
    where = ("--data-dir", folder)
    plan = ("--horizon", 6, "--window", 8, "--least-train-days", 15, "--retrain-days", 10, "--stride", 2)

    made = breakwater("train", "hourly", "-c", files[0], "-c", files[1], *plan, *where, "--json")
    listed = breakwater("models", "list", *where, "--json")
    shown = breakwater("models", "show", "hourly", *where)
    denied = breakwater("models", "promote", "hourly", "--as", "tom", *where)
    promoted = breakwater("models", "promote", "hourly", *where, "--json")
    again = breakwater("models", "promote", "hourly", *where)
    now = breakwater("models", "list", *where, "--json")
    back = breakwater("models", "rollback", "hourly", *where)

    assert made.code == 0, made
    # The weights of the same training inside a job.
    assert made.json["version"] == 1
    assert made.json["artefact"] == digest_of(trained().files[LINEAR][1])
    assert made.json["pairs"] == list(PAIRS)
    assert made.json["card"]["verdict"] == trained().values["card"]["verdict"]
    assert made.json["state"] == "kept"
    assert listed.json["models"][0]["speaks"] is None
    assert "Did not beat a forecast of zero" in " ".join(shown.out.split())
    assert "gradient boosting" in shown.out or "last return" in shown.out
    assert_refused(denied, "ADMIN")
    assert promoted.json["version"] == 1
    assert_refused(again, "speaks already")
    assert now.json["models"][0]["speaks"] == 1
    assert "No version of hourly speaks any more" in back.out


def test_what_cannot_be_trained_is_refused_in_one_line(folder: Path) -> None:
    short = written(folder, markets()[0].rows(0, 500))
    where = ("--data-dir", folder)

    assert_refused(breakwater("train", "hourly", *where), "No candles", "--candles")
    assert_refused(breakwater("train", "hourly", "-c", short, *where), "days at least are needed")
    assert_refused(breakwater("train", "../x", "-c", short, *where), "Model name")
    assert_refused(breakwater("train", "hourly", "-c", short, "--kind", "forest", *where), "transformer")
    assert_refused(breakwater("models", "show", "hourly", *where), "No model is called")
    assert breakwater("models", "list", *where, "--json").json == {"models": []}

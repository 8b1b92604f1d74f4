"""A backtest, a search and a walk take the same account: costs, who trails, limits, shorter candles."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.cli.research import backtest
from server.cli.search import optimize
from server.cli.walking import walk_forward
from tests.support.cli import assert_refused, breakwater

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
START_MS = 1_704_067_200_000
IDEA = '''
from __future__ import annotations

import numpy as np

from strategies.base import ColumnStrategy
from strategies.parameters import Parameter
from trading.market import MarketView
from trading.signals import SignalColumns


class EveryTwelfth(ColumnStrategy):
    """Buys every twelfth bar with a stop, a target and a trailing stop."""

    name = "every_twelfth"
    title = "Every twelfth"
    idea = "Buy often, so that stops, targets and trailing happen."
    source = "Made for tests."
    fails_in = "Every market."
    parameters = (
        Parameter(name="reach", kind="float", default=0.01, minimum=0.001, maximum=0.1, text="Stop and target."),
    )
    warmup_bars = 1

    def columns(self, market: MarketView) -> SignalColumns:
        close, reach = market.candles.close, self.number("reach")
        enter = (np.arange(len(close)) % 12 == 0).astype(np.int8)
        targets = np.full((len(close), 3), np.nan)
        targets[:, 0] = close * (1 + reach)
        return SignalColumns(
            enter=enter, stop=close * (1 - reach), targets=targets,
            fractions=np.tile((1.0, 0.0, 0.0), (len(close), 1)), trail_ratio=np.full(len(close), reach / 2),
        )
'''


def write_series(path: Path, prices: Any, step_ms: int) -> Path:
    """Write bars of some minutes each from a price a minute."""
    size = step_ms // MINUTE_MS
    rows = prices[: len(prices) // size * size].reshape(-1, size)
    lines = ["ts_ms,open,high,low,close,volume"]
    opened = np.r_[prices[0], rows[:-1, -1]]
    for i, row in enumerate(rows):
        high, low = max(row.max(), opened[i]), min(row.min(), opened[i])
        lines.append(f"{START_MS + i * step_ms},{opened[i]:.4f},{high:.4f},{low:.4f},{row[-1]:.4f},10")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Give a strategy of one's own, 600 hours and their five minutes."""
    folder = tmp_path_factory.mktemp("account")
    (folder / "own").mkdir()
    (folder / "own" / "every_twelfth.py").write_text(IDEA)
    prices = 100 * np.exp(np.cumsum(np.random.default_rng(8).normal(0, 0.001, 600 * 60)))
    return {
        "own": folder / "own",
        "hours": write_series(folder / "test_BTC-USDT_1h.csv", prices, HOUR_MS),
        "minutes": write_series(folder / "test_BTC-USDT_5m.csv", prices, 5 * MINUTE_MS),
    }


def run(command: str, given: dict[str, Path], *flags: object) -> Any:
    return breakwater(
        command, "every_twelfth", "--candles", given["hours"], "--strategy-path", given["own"], "--limit",
        "max_drawdown=none", *flags, "--json",
    )  # fmt: skip


def test_they_take_the_same_options_of_an_account() -> None:
    account = {
        "limit", "capital", "fee", "slippage", "spread", "fill", "trailing", "detail", "spot", "from_", "to", "set_",
        "strategy_path",
    }  # fmt: skip

    for command in (backtest, optimize, walk_forward):
        assert account <= set(inspect.signature(command).parameters), command.__name__


SEARCHES = {
    "backtest": (),
    "optimize": ("--grid", "reach=0.01,0.02", "--minimum-trades", 1),
    "walk-forward": ("--grid", "reach=0.01,0.02", "--minimum-trades", 1, "--train", "10d", "--test", "5d"),
}


@pytest.mark.parametrize("command", SEARCHES)
@pytest.mark.parametrize("flags", [("--trailing", "venue"), ("--detail", "minutes")], ids="-".join)
def test_who_trails_and_what_lies_inside_a_bar_change_what_is_found(
    given: dict[str, Path], command: str, flags: tuple[str, str]
) -> None:
    plain = run(command, given, *SEARCHES[command])
    other = run(command, given, *SEARCHES[command], flags[0], given.get(flags[1], flags[1]))

    assert (plain.code, other.code) == (0, 0), (plain.err, other.err)
    assert plain.out != other.out


def test_shorter_candles_are_named_and_must_be_of_the_pair(given: dict[str, Path], tmp_path: Path) -> None:
    other = tmp_path / "test_ETH-USDT_5m.csv"
    other.write_bytes(given["minutes"].read_bytes())

    found = run("backtest", given, "--detail", given["minutes"])

    assert found.json["costs"]["detail"] == {"BTC/USDT": "5m"}
    assert_refused(run("backtest", given, "--detail", other), "'ETH/USDT'", "BTC/USDT")
    assert_refused(
        run("backtest", given, "--detail", given["minutes"], "--detail", given["minutes"]), "twice"
    )
    assert_refused(run("backtest", given, "--detail", given["hours"]), "shorter timeframe")


def test_the_report_names_who_moved_the_trailing_stops(given: dict[str, Path], tmp_path: Path) -> None:
    said = {}
    for way in ("close", "venue"):
        file = tmp_path / f"{way}.html"
        assert (
            run("backtest", given, "--trailing", way, "--detail", given["minutes"], "--report", file).code
            == 0
        )
        said[way] = file.read_text()

    assert "moved by the venue inside the bar" in said["venue"]
    assert "moved by the bot at the close of a bar" in said["close"]
    assert "moved by the venue" not in said["close"]
    assert "its 5m candles settle what came first" in said["close"]


def test_a_search_goes_on_only_from_a_journal_of_the_same_account(
    given: dict[str, Path], tmp_path: Path
) -> None:
    journal = tmp_path / "trials.jsonl"
    search = (*SEARCHES["optimize"], "--journal", journal)
    first = run("optimize", given, *search)

    again, other = run("optimize", given, *search), run("optimize", given, *search, "--trailing", "venue")

    assert again.out == first.out
    assert other.code == 2


def test_the_order_of_the_pairs_changes_nothing(given: dict[str, Path], tmp_path: Path) -> None:
    other = tmp_path / "test_ETH-USDT_1h.csv"
    prices = 50 * np.exp(np.cumsum(np.random.default_rng(9).normal(0, 0.001, 600 * 60)))
    write_series(other, prices, HOUR_MS)
    flags = ("--strategy-path", given["own"], "--limit", "max_positions=1", "--json")

    one = breakwater(
        "backtest", "every_twelfth", "--candles", given["hours"], "--candles", other, *flags
    ).json
    two = breakwater(
        "backtest", "every_twelfth", "--candles", other, "--candles", given["hours"], *flags
    ).json

    assert one["denied"]["slots"] == two["denied"]["slots"] > 0
    assert one["trades"] == two["trades"]
    assert one["metrics"] == two["metrics"]


def test_a_search_draws_its_heat_map_and_tells_a_plateau_from_a_peak(
    given: dict[str, Path], tmp_path: Path
) -> None:
    grid = ("--grid", "fast_bars=5:15:5", "--grid", "slow_bars=40:60:20", "--minimum-trades", 1)
    request = (
        "optimize",
        "trend_following",
        "--candles",
        given["hours"],
        *grid,
        "--objective",
        "profit_factor",
    )

    found = breakwater(*request, "--chart", tmp_path / "heat.png", "--json").json
    shown = breakwater(*request).out

    near = [one for one in found["trials"] if is_neighbour(one["params"], found["best"]["params"])]
    mean = np.mean([one["figures"]["profit_factor"] for one in near])
    assert found["plateau"] == pytest.approx(mean / found["best"]["figures"]["profit_factor"])
    assert "neighbours reach" in shown
    assert (tmp_path / "heat.png").read_bytes().startswith(b"\x89PNG")


def is_neighbour(params: dict[str, Any], best: dict[str, Any]) -> bool:
    steps = (
        abs(params["fast_bars"] - best["fast_bars"]) / 5 + abs(params["slow_bars"] - best["slow_bars"]) / 20
    )
    return bool(steps == 1)

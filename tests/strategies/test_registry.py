"""The registry: built-ins, packages, folders, and what happens when one of them is broken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strategies.base import BaseStrategy
from strategies.buy_and_hold import BuyAndHold
from strategies.registry import StrategyRegistry, default_registry
from tests.support.markets import walk_candles
from tests.support.plugins import strategy_text, write_package
from trading.errors import StrategyFailure, UnknownStrategy
from trading.market import MarketView

BUILT_IN = {
    "arbitrage",
    "breakout",
    "buy_and_hold",
    "elliott_wave",
    "grid_trading",
    "learned_signal",
    "mean_reversion",
    "momentum",
    "outside_signal",
    "scalping",
    "trend_following",
}


def write(file: Path, text: str) -> None:
    """Write a file so that its time moves even on a coarse clock."""
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(text)
    if before:
        os.utime(file, ns=(before + 2_000_000_000, before + 2_000_000_000))


def test_every_strategy_of_the_specification_is_registered_and_described() -> None:
    registry = default_registry()

    infos = {info.name: info for info in registry.list_strategies()}

    assert set(infos) == BUILT_IN
    for info in infos.values():
        for text in (info.title, info.idea, info.source, info.fails_in):
            assert len(text) >= 8, info.name
        assert info.warmup_bars >= 1
        assert info.tags
        assert info.origin == "built-in"


def test_an_unknown_name_names_the_nearest_and_lists_all() -> None:
    with pytest.raises(UnknownStrategy) as unknown:
        default_registry().get_strategy("trend_folowing")

    assert "Did you mean 'trend_following'?" in str(unknown.value)
    assert "buy_and_hold" in str(unknown.value)


def test_register_works_as_a_decorator() -> None:
    registry = StrategyRegistry()

    @registry.register
    class Mine(BuyAndHold):
        name = "mine"

    assert registry.get_strategy("mine") is Mine


def test_register_refuses_what_is_no_complete_strategy() -> None:
    registry = StrategyRegistry()

    class Half(BaseStrategy):
        name = "half"

    class Nameless(BuyAndHold):
        name = ""

    class Unbuildable(BuyAndHold):
        name = "unbuildable"

        def check_parameters(self) -> None:
            raise ZeroDivisionError("no luck")

    with pytest.raises(
        StrategyFailure, match="cannot be built with its defaults: ZeroDivisionError: no luck"
    ):
        registry.register(Unbuildable)
    with pytest.raises(StrategyFailure, match="lacks calculate_position_size"):
        registry.register(Half)
    with pytest.raises(StrategyFailure, match="snake_case"):
        registry.register(Nameless)
    with pytest.raises(StrategyFailure, match="subclass of BaseStrategy"):
        registry.register(int)  # type: ignore[type-var]


def test_a_package_adds_a_strategy_through_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_package(tmp_path, "packaged_idea")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = default_registry()

    loaded = registry.load_entry_points()

    assert loaded == ("packaged_idea",)
    assert registry.info("packaged_idea").origin == "package package_of_packaged_idea"
    columns = registry.get_strategy("packaged_idea")()
    assert columns.validate_signal(MarketView(candles=walk_candles(60))) in (True, False)


def test_a_broken_package_is_noted_and_leaves_the_others_working(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_package(tmp_path, "fine_idea")
    write_package(tmp_path, "broken_idea")
    (tmp_path / "package_of_broken_idea" / "__init__.py").write_text("raise RuntimeError('not today')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = default_registry()

    loaded = registry.load_entry_points()

    assert loaded == ("fine_idea",)
    assert "RuntimeError: not today" in str(registry.failures["entry point broken_idea"])


def test_a_folder_adds_a_strategy_and_follows_its_changes(tmp_path: Path) -> None:
    file = tmp_path / "idea.py"
    write(file, strategy_text("folder_idea", bars=10))
    registry = default_registry()

    assert registry.load_folder(tmp_path) == ("folder_idea",)
    first = registry.get_strategy("folder_idea")
    assert first().params["bars"] == 10
    assert registry.get_strategy("folder_idea") is first

    write(file, strategy_text("folder_idea", bars=33))

    assert registry.get_strategy("folder_idea")().params["bars"] == 33
    assert first().params["bars"] == 10


def test_a_file_that_breaks_keeps_its_old_version_and_says_line_and_reason(tmp_path: Path) -> None:
    file = tmp_path / "idea.py"
    write(file, strategy_text("folder_idea"))
    registry = default_registry()
    registry.load_folder(tmp_path)

    write(file, strategy_text("folder_idea") + "\nthis is no python\n")
    still = registry.get_strategy("folder_idea")

    assert still().params["bars"] == 10
    assert "idea.py" in str(registry.failures[f"file {tmp_path.name}/idea.py"])
    assert "line" in str(registry.failures[f"file {tmp_path.name}/idea.py"])

    write(file, strategy_text("folder_idea", bars=12))

    assert registry.get_strategy("folder_idea")().params["bars"] == 12
    assert registry.failures == {}


def test_a_file_that_is_broken_from_the_start_is_refused_and_the_others_are_loaded(tmp_path: Path) -> None:
    write(tmp_path / "bad.py", "import no_such_module_anywhere\n")
    write(tmp_path / "good.py", strategy_text("good_idea"))
    write(tmp_path / "_helper.py", "raise RuntimeError('never read')\n")
    registry = default_registry()

    with pytest.raises(StrategyFailure, match=r"bad\.py.* in line 1: ModuleNotFoundError"):
        registry.load_folder(tmp_path)

    assert registry.get_strategy("good_idea").name == "good_idea"


def test_a_file_that_renames_its_strategy_takes_the_old_name_away(tmp_path: Path) -> None:
    file = tmp_path / "idea.py"
    write(file, strategy_text("first_name"))
    registry = default_registry()
    registry.load_folder(tmp_path)

    write(file, strategy_text("second_name"))

    assert registry.get_strategy("second_name").name == "second_name"
    assert "first_name" not in registry.names()


def test_a_removed_file_takes_its_strategy_away(tmp_path: Path) -> None:
    file = tmp_path / "idea.py"
    write(file, strategy_text("folder_idea"))
    registry = default_registry()
    registry.load_folder(tmp_path)

    file.unlink()

    with pytest.raises(UnknownStrategy):
        registry.get_strategy("folder_idea")


def test_a_file_cannot_take_the_name_of_a_built_in(tmp_path: Path) -> None:
    write(tmp_path / "idea.py", strategy_text("buy_and_hold"))
    registry = default_registry()

    with pytest.raises(StrategyFailure, match="choose another name"):
        registry.load_folder(tmp_path)

    assert registry.get_strategy("buy_and_hold") is BuyAndHold


def test_a_file_without_a_strategy_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "idea.py", "x = 1\n")

    with pytest.raises(StrategyFailure, match="defines no strategy"):
        default_registry().load_folder(tmp_path)
    with pytest.raises(StrategyFailure, match="is not a folder"):
        default_registry().load_folder(tmp_path / "nowhere")

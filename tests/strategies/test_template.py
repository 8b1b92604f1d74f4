"""The template works as it stands: copied, renamed, loaded, run."""

from __future__ import annotations

from pathlib import Path

import strategies
from strategies.registry import default_registry
from tests.support.markets import walk_candles
from trading.market import MarketView

TEMPLATE = Path(strategies.__file__).with_name("_template.py")


def test_a_copy_of_the_template_is_a_working_strategy(tmp_path: Path) -> None:
    text = TEMPLATE.read_text().replace('name = "my_idea"', 'name = "copied_idea"')
    (tmp_path / "copied_idea.py").write_text(text)
    registry = default_registry()

    assert registry.load_folder(tmp_path) == ("copied_idea",)

    strategy = registry.get_strategy("copied_idea")(average_bars=20)
    columns = strategy.columns(MarketView(candles=walk_candles(600, seed=1)))  # type: ignore[attr-defined]
    assert (columns.enter == 1).sum() > 5
    assert columns.tags == ("crossed", "fell_back")


def test_the_template_itself_is_not_registered() -> None:
    assert "my_idea" not in default_registry().names()

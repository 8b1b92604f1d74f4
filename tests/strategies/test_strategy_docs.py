"""Every strategy has its page and its row in the quality ladder; every indicator stands in the reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from strategies.registry import default_registry
from trading.analysis.indicators import list_indicators, parse

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", default_registry().names())
def test_a_strategy_has_a_page_that_names_its_parameters_source_and_failure(name: str) -> None:
    cls = default_registry().get_strategy(name)

    page = (ROOT / "docs" / "strategies" / f"{name}.md").read_text(encoding="utf-8")

    for text in (cls.idea, cls.source, cls.fails_in, *cls.tags):
        assert text in page
    for one in cls.parameters:
        assert f"| `{one.name}` | {one.default} | {one.allowed} |" in page
    assert "## Out of sample" in page


def test_every_strategy_has_a_row_in_the_quality_ladder() -> None:
    text = (ROOT / "strategies" / "README.md").read_text(encoding="utf-8")

    rows = [line for line in text.splitlines() if line.startswith("| [")]

    assert {row.split("]")[0][3:] for row in rows} == set(default_registry().names())
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert all(cell.startswith(("done", "exempt: ", "todo")) for cell in cells[1:5])
        assert cells[5]
        assert "RESULT" not in cells[5]


def test_every_indicator_stands_in_the_reference_with_its_warm_up() -> None:
    text = (ROOT / "docs" / "indicators.md").read_text(encoding="utf-8")

    for one in list_indicators():
        parsed = parse(one.name)
        assert f"| `{one.name}` {one.title} |" in text
        assert f"| {parsed.first_valid} | {parsed.settled_bars} |" in text

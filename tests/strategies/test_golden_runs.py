"""Golden runs: what each strategy does on a made market does not change unnoticed."""

from __future__ import annotations

import pytest

from strategies.registry import default_registry
from tests.support.golden_runs import golden_run, read_golden


@pytest.mark.parametrize("name", default_registry().names())
def test_a_strategy_does_what_its_golden_run_says(name: str) -> None:
    assert golden_run(name) == read_golden()[name]


def test_there_is_a_golden_run_of_each_registered_strategy_and_no_other() -> None:
    assert set(read_golden()) == set(default_registry().names())

"""Nothing registered looks ahead or depends on where its history begins (full: `breakwater check-bias all`)."""

from __future__ import annotations

from functools import cache

import pytest

from strategies.checkables import all_checkables
from strategies.registry import default_registry
from tests.support.markets import full_market, walk_candles
from trading.backtest.bias import QUICK, Checkable, check_subject
from trading.market import MarketView

SUBJECTS: dict[str, Checkable] = {one.name: one for one in all_checkables(default_registry())}


@cache
def market() -> MarketView:
    return full_market(walk_candles(2_600, seed=31))


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_registered_thing_passes_every_bias_check(name: str) -> None:
    report = check_subject(SUBJECTS[name], market(), QUICK)

    assert report.is_clean, [finding.message for finding in report.findings]

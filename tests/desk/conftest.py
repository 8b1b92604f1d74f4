"""The engine is compiled once, before the first test that waits for bars."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading.engine.config import AccountConfig, LineConfig
from trading.engine.engine import AccountEngine
from trading.engine.views import Bar
from trading.instruments import Instrument
from trading.signals import Signal


@pytest.fixture(scope="session", autouse=True)
def compiled_engine() -> None:
    """Run every step of the engine once."""
    config = AccountConfig(
        account_id="warm",
        capital=Decimal(1_000),
        lines=(LineConfig(bot_id="warm", instrument=Instrument(pair="BTC/USDT")),),
        timeframe_ms=60_000,
    )
    engine = AccountEngine(config)
    bar = {0: Bar(ts_ms=60_000, open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0)}
    engine.match(bar)
    engine.decide(bar, {0: Signal(enter=1, stop=0.9)})
    engine.account()

"""Say this, expect that card: what a learned model expects, with its worth said beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chatops.cards import Number, Ratio, Text, Tone
from chatops.testing import Chat, column, field, spoken
from desk.charts.drawing import draw
from desk.clock import to_ms
from desk.models.queries import PairForecast, fan_of
from desk.models.views import DriftReading
from desk.store import SqlStore
from tests.chatops.chat_house import NOON, furnished
from trading.errors import NotFound

_LOGS = (-0.02, -0.006, 0.001, 0.008, 0.024)


def a_forecast(pair: str) -> PairForecast:
    return PairForecast(
        pair=pair,
        timeframe="1h",
        model="ridge",
        version=3,
        kind="linear",
        at=NOON,
        until=NOON + timedelta(days=1),
        horizon_bars=24,
        price=42_000.0,
        expected=0.001,
        up=0.52,
        quantiles=(0.05, 0.25, 0.5, 0.75, 0.95),
        returns=_LOGS,
        coverage=(0.06, 0.24, 0.51, 0.74, 0.95),
        fan=fan_of(42_000.0, 0.001, _LOGS, to_ms(NOON), 86_400_000),
        skill=-0.01,
        against=(("last_value", -0.01), ("volatility_only", None)),
        verdict="no better than zero",
        is_useful=False,
        round_trip_cost=0.003,
        retrained_at=NOON - timedelta(days=20),
        next_at=NOON + timedelta(days=10),
        drift=DriftReading(
            id="d",
            workspace_id="w",
            model="ridge",
            version=3,
            at=NOON,
            worst="rsi",
            share_moved=0.4,
            skill=None,
            expected=None,
            samples=10,
            is_alarming=True,
            psi={},
        ),
    )


async def test_a_forecast_is_shown_with_its_fan_its_calibration_and_its_worth(
    sqlite_store: SqlStore,
) -> None:
    house = await furnished(sqlite_store)

    async def forecast(workspace_id: str, pair: str) -> PairForecast:
        assert workspace_id == house.workspace.id
        return a_forecast(pair)

    chat = Chat(replace(house.room, forecast=forecast), house.actor())

    card = await chat.say("/forecast btc", expect="ml")

    assert card.tone is Tone.WARN
    assert card.body == (Text("ml.useless"),)
    assert field(card, "skill") == Number(-0.01, digits=3)
    assert column(card, "quantiles", "lay_below")[0] == Ratio(0.06, digits=0)
    assert len(column(card, "baselines", "baseline")) == 2
    assert "moved away from what it learned (rsi most)" in spoken(card)
    assert card.chart is not None
    assert len(card.chart.spec["close"]) == 60
    assert draw("fan", card.chart.spec)[:4] == b"\x89PNG"


@pytest.mark.parametrize("line", ["/ml BTC/USDT", "/ml", "/ml DOGE/USDT"])
async def test_without_a_model_or_a_market_the_card_says_what_to_do(
    sqlite_store: SqlStore, line: str
) -> None:
    house = await furnished(sqlite_store)

    async def forecast(workspace_id: str, pair: str) -> PairForecast:
        raise NotFound(f"No model speaks for {pair}.", hint="Train one and promote it.")

    assert (await house.chat().say(line, expect="error")).problem in {"not_found", "invalid_input"}
    chat = Chat(replace(house.room, forecast=forecast), house.actor())
    assert (await chat.say(line, expect="error")).problem in {"not_found", "invalid_input"}

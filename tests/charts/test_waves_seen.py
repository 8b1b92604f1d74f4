"""Counts on pictures: only what was known at the last bar."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from desk.charts.specs import Mark
from desk.clock import to_ms
from desk.reports.pictures import candle_spec, fibonacci_levels, trade_marks
from desk.reports.waves import seen_waves
from tests.chatops.chat_house import generated_candles
from tests.support.records import NOON, a_fill, a_position, a_signal, an_order
from trading.orders import Reason, Side


def test_counts_are_found_and_lie_on_the_candles() -> None:
    series = generated_candles(900)
    found = 0

    for end in range(500, 900, 50):
        waves = seen_waves(series.rows(0, end), shown_bars=150)
        for line in waves.lines:
            found += 1
            for point in line.points:
                row = int(np.searchsorted(series.ts_ms, point.ts_ms))
                assert row < end
                assert point.price in (series.high[row], series.low[row])
        assert [one.is_alternate for one in waves.lines] in ([], [False], [False, True])

    assert found > 4


def test_later_bars_change_nothing_that_was_seen_before() -> None:
    series = generated_candles(900)
    cut = series.rows(0, 700)
    changed = replace(series, close=np.r_[series.close[:700], series.close[700:] * 3])

    assert seen_waves(changed.rows(0, 700)) == seen_waves(cut)


def test_no_candles_show_no_waves() -> None:
    assert seen_waves(generated_candles(10).rows(0, 0)).lines == ()


def test_retracements_are_measured_from_the_end_of_the_move() -> None:
    levels = fibonacci_levels(Mark(ts_ms=0, price=100.0), Mark(ts_ms=1, price=200.0))

    assert [(one.label, round(one.price, 6)) for one in levels] == [
        ("23.6 %", 176.4),
        ("38.2 %", 161.8),
        ("50 %", 150.0),
        ("61.8 %", 138.2),
        ("78.6 %", 121.4),
    ]


def test_a_trades_marks_come_from_its_fills_and_timeline() -> None:
    position = replace(a_position("w"), legs=(), closed_at=NOON + timedelta(hours=5))
    order = replace(an_order("w"), side=Side.SELL, reason=Reason.TAKE_PROFIT_1)
    sold = replace(a_fill(order), position_id=position.id, quantity=position.entry_quantity / 2)
    foreign = replace(sold, position_id="another")
    moved = {
        "at": NOON + timedelta(hours=1),
        "kind": "stop_moved",
        "detail": {"from": "41000", "to": "42000"},
    }

    marks = trade_marks(position, [sold, foreign], [moved], a_signal("w"))

    assert [one.label for one in marks.exits] == ["TP1 50%"]
    assert [one.price for one in marks.stop_path] == [41000.0, 42000.0]
    assert marks.stop_path[1].ts_ms == to_ms(NOON + timedelta(hours=1))
    assert marks.targets == (43000.5, 44000.0, 45000.0)
    assert not marks.is_open


def test_a_spec_holds_the_candles_as_they_are() -> None:
    series = generated_candles(50)

    spec = candle_spec(series, title="t")

    assert np.array_equal(np.asarray(spec.close), series.close)
    assert len(spec.ts_ms) == 50

"""One set of rules, three ways of running it: skipping, stepping, and fed bar by bar with a restart in between."""

from __future__ import annotations

from dataclasses import fields

import pytest

from tests.support.rule_sets import difference, first_difference, random_case, run
from tests.support.strategy_runs import names, strategy_case
from trading.signals import SignalColumns


@pytest.mark.parametrize("seed", [*range(40), 84, 99])
def test_random_rule_sets_give_identical_fills_trades_equity_and_account(seed: int) -> None:
    assert first_difference(seed, bars=400, restart=seed % 2 == 0) == ""


@pytest.mark.parametrize("name", names())
def test_every_strategy_gives_identical_fills_trades_equity_and_account(name: str) -> None:
    case = strategy_case(name)

    assert difference(case, name, restart_at=700) == ""
    assert len(run(case, "array").fill_records) > 0


def test_random_rule_sets_reach_every_kind_of_fill_and_most_denials() -> None:
    reasons, denied = set(), set()
    # Few made markets fall or rise far enough for the kill switch (78, 151) or the lender (84).
    for seed in (*range(40), 78, 84, 151):
        result = run(random_case(seed, bars=400), "array")
        reasons |= {fill.reason.value for fill in result.fills}
        denied |= set(result.denied)

    assert reasons >= {
        "entry", "stop_loss", "trailing_stop", "break_even_stop", "take_profit_1", "take_profit_2", "take_profit_3",
        "exit_signal", "max_bars", "grid", "kill_switch", "hedge", "liquidation",
    }  # fmt: skip
    assert denied >= {
        "stale_data", "halted", "daily_loss", "locked", "duplicate", "unconfirmed", "slots", "correlation",
        "max_position", "short_not_allowed", "min_notional",
    }  # fmt: skip


def test_same_run_twice_is_equal_to_the_last_bit() -> None:
    case = random_case(7)

    first, second = run(case, "array"), run(case, "array")

    assert first.equity.tobytes() == second.equity.tobytes()
    assert first.fill_records.tobytes() == second.fill_records.tobytes()
    assert first.trade_ids() == second.trade_ids()
    assert len(set(first.trade_ids())) == len(first.trade_ids())


@pytest.mark.parametrize("seed", [2, 11])
def test_cut_off_future_changes_no_fill_before_it(seed: int) -> None:
    whole, cut = random_case(seed, bars=400), 250
    end = int(whole.series[0].ts_ms[cut])
    lengths = [int((one.ts_ms < end).sum()) for one in whole.series]
    part = type(whole)(
        account=whole.account,
        series=tuple(one.rows(0, n) for one, n in zip(whole.series, lengths, strict=True)),
        signals=tuple(_head(one, n) for one, n in zip(whole.signals, lengths, strict=True)),
        detail={pair: one.between(None, end) for pair, one in whole.detail.items()},
    )

    full, short = run(whole, "array"), run(part, "array")

    assert short.fills == tuple(fill for fill in full.fills if fill.ts_ms < end)
    assert short.equity.tobytes() == full.equity[: len(short.equity)].tobytes()


def _head(columns: SignalColumns, n: int) -> SignalColumns:
    return SignalColumns(
        tags=columns.tags,
        **{f.name: getattr(columns, f.name)[:n] for f in fields(columns) if f.name != "tags"},
    )


def test_a_long_run_keeps_alive_what_it_reaches_by_address() -> None:
    # This case allocates inside the loop in such a way that a record of a freed array was once overwritten.
    case = random_case(1_020, bars=1_500)

    assert len(run(case, "array").fill_records) == len(run(case, "bar").fill_records) > 0


def test_a_break_even_move_that_an_odd_bar_put_off_is_made_at_the_next_bar_by_every_driver() -> None:
    # Both targets fill inside the shorter bars of a bar that is itself marked odd.
    assert difference(random_case(1_220, bars=1_500), "seed 1220") == ""


def test_shorter_bars_inside_an_odd_bar_trade_in_every_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    # A made market whose whole bar is marked odd while a shorter bar inside it fills a stop entry.
    monkeypatch.setattr("tests.support.rule_sets.shared_data", lambda: None)

    assert difference(random_case(99, bars=400), "seed 99") == ""

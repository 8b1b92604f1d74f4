"""Every backtest that people see was audited: its futures, its fills, and what it earns on noise."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from desk.research.audit import audit_sentences, audited
from desk.research.pictures import backtest_report
from desk.research.runs import Done, Request, run_backtest
from tests.support.cli import breakwater
from trading.backtest.bias_audits import random_walk
from trading.candles import Candles

CANDLES: Candles = random_walk(2_500, seed=5, steps_per_bar=20)

#: Knows the close of the next bar.
CHEAT = '''
import numpy as np
from strategies.base import ColumnStrategy
from trading.signals import Exit, SignalColumns


class Clairvoyant(ColumnStrategy):
    """Buys before rises."""

    name = "clairvoyant"
    title = "Clairvoyant"
    idea = "Buys when the next close is higher."
    source = "A test."
    fails_in = "Never, which is the trouble."
    tags = ("sight",)
    warmup_bars = 1

    def columns(self, market):
        close = market.candles.close
        rises = np.append(close[1:] > close[:-1], False)
        wishes = np.where(rises, Exit.NONE, Exit.ALL).astype(np.int8)
        return SignalColumns(
            enter=rises.astype(np.int8), exit=wishes, tag=np.zeros(len(close), np.int16), tags=self.tags
        )
'''


def run(strategy: str, *, path: Path | None = None, pairs: int = 1) -> Done:
    return audited(
        run_backtest(
            Request(
                strategy=strategy,
                parameters={},
                limits={},
                candles=tuple(replace(CANDLES, pair=f"P{k}/USDT") for k in range(pairs)),
                capital=Decimal(10_000),
                fee=0.001,
                slippage=0.0005,
                spread=0.0,
                fill="through",
                can_short=True,
                strategy_path=path,
            )
        )
    )


def test_an_honest_strategy_is_audited_in_words_and_on_its_report() -> None:
    done = run("trend_following")

    said = audit_sentences(done.document["audit"])

    assert done.document["audit"]["clean"] is True
    assert [one["check"] for one in done.document["audit"]["checks"]] == [
        "prefix_consistency",
        "future_poisoning",
        "fill_audit",
        "martingale_audit",
    ]
    assert all(one["runs"] for one in done.document["audit"]["checks"])
    assert said[0].startswith("Audited: ")
    page = backtest_report(done, ".html")
    assert isinstance(page, str)
    assert said[0].split(";")[0] in page


def test_a_strategy_that_knows_the_next_close_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "clairvoyant.py").write_text(CHEAT)

    done = run("clairvoyant", path=tmp_path)

    failed = {one["check"] for one in done.document["audit"]["checks"] if one["findings"]}
    assert done.document["audit"]["clean"] is False
    assert {"prefix_consistency", "future_poisoning", "martingale_audit"} <= failed
    assert any(one.startswith("AUDIT FAILED") for one in audit_sentences(done.document["audit"]))


def test_several_markets_are_audited_without_random_walks_and_that_is_said() -> None:
    done = run("trend_following", pairs=2)

    checks = {one["check"]: one for one in done.document["audit"]["checks"]}
    assert checks["fill_audit"]["runs"] > 0
    assert checks["martingale_audit"]["runs"] == 0
    assert any("several markets" in one for one in audit_sentences(done.document["audit"]))


@pytest.mark.parametrize("strategy", ["grid_trading", "mean_reversion"])
def test_limits_that_a_bar_opens_beyond_are_honest_fills(strategy: str) -> None:
    assert run(strategy).document["audit"]["clean"] is True


def test_the_command_line_says_it_and_has_it_in_json(tmp_path: Path) -> None:
    file = tmp_path / "P_USDT_1h.csv"
    rows = zip(
        CANDLES.ts_ms, CANDLES.open, CANDLES.high, CANDLES.low, CANDLES.close, CANDLES.volume, strict=True
    )
    file.write_text(
        "ts_ms,open,high,low,close,volume\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    )

    shown = breakwater("backtest", "trend_following", "--candles", str(file))
    told = breakwater("backtest", "trend_following", "--candles", str(file), "--json").json

    assert "Audited: " in shown.out
    assert told["audit"]["clean"] is True

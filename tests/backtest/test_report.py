"""The backtest report: the model, the page, the PDF, and the journal of a search."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from pypdf import PdfReader

from desk.reports.backtest_report import MOST_TRADES, report_html, report_pdf
from desk.reports.figures import GROUPS, lines_of, price, shown
from desk.reports.plot import line_plot, nice_steps, reduced, time_ticks
from desk.reports.svg import heat_color, ink_on
from desk.reports.trial_journal import TrialJournal
from trading.backtest.metrics import NAMES, Metrics, metrics_from_returns
from trading.backtest.report import BacktestReport, ReportTrade, build_report
from trading.backtest.returns import DAY_MS
from trading.backtest.search_space import Grid, Value
from trading.backtest.sweep import sweep
from trading.backtest.trials import Trial
from trading.errors import Conflict

START = 1_672_531_200_000
HOUR = 3_600_000
GRID = Grid.read(["fast=5:25:10", "slow=40:60:10"])


def trade(number: int, pnl: float, **changes: object) -> ReportTrade:
    one = ReportTrade(
        number=number,
        pair="BTC/USDT",
        side=1,
        quantity=0.0123,
        entry_ms=START + number * DAY_MS,
        exit_ms=START + number * DAY_MS + 6 * HOUR,
        entry_price=43_210.5,
        exit_price=43_900.0,
        pnl=pnl,
        pnl_ratio=pnl / 1_000,
        fees=0.5,
        reason="take_profit_1",
        tag="cross_long",
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def make_report(*, days: int = 120, trades: int = 12, notes: tuple[str, ...] = ()) -> BacktestReport:
    steps = np.random.default_rng(3).normal(0.0002, 0.004, days * 24)
    equity = 10_000.0 * np.concatenate(([1.0], np.cumprod(1.0 + steps)))

    def run(params: Mapping[str, Value]) -> Metrics:
        return metrics_from_returns(None, steps[:90] + 1e-5 * float(params["fast"]))

    found = sweep(run, GRID, workers=1)
    return build_report(
        strategy="trend_following",
        params={"fast": 25, "slow": 40},
        pairs=("BTC/USDT",),
        timeframe="1h",
        bars=days * 24,
        ts_ms=START + np.arange(days * 24 + 1) * HOUR,
        equity=equity,
        trades=[trade(k, (-1) ** k * 10.0 * k) for k in range(1, trades + 1)],
        settings={"Capital": "10,000 USDT"},
        deflated=found.deflated,
        heat=found.heat_map(GRID.axis("fast"), GRID.axis("slow")),
        objective="sharpe",
        notes=notes,
        draws=200,
    )


class Page(HTMLParser):
    """Collects text, and refuses tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.sources: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "line", "polyline", "polygon"):
            self.open.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "data", "srcset")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        return

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


def test_the_page_shows_every_figure_and_needs_nothing_from_elsewhere() -> None:
    report = make_report()

    text = report_html(report)
    page = Page(text)

    for _, lines in lines_of(report.metrics):
        for words, value, _ in lines:
            assert words in page.texts
            assert value in page.texts
    assert page.sources == []
    assert "<script" not in text
    assert "url(" not in text
    assert text.count("<svg") == 2


def test_the_page_says_how_far_to_believe_the_winner_of_a_search() -> None:
    report = make_report()
    assert report.deflated is not None

    text = " ".join(Page(report_html(report)).texts)

    assert "best of 9 trials" in text
    assert "deflated Sharpe ratio" in text
    assert report.metrics["dsr"] is not None
    assert "A plateau of similar values" in text
    assert "one order in twenty is worse than" in text


def test_names_from_outside_are_escaped_on_the_page_and_in_the_pdf() -> None:
    report = replace(make_report(notes=("<script>alert(1)</script> & more",)), title="<b>x</b>")

    text = report_html(report)
    pdf = PdfReader(io.BytesIO(report_pdf(report)))

    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "<b>x</b>" in pdf.pages[0].extract_text()


def test_the_pdf_holds_the_same_figures() -> None:
    report = make_report()

    pdf = PdfReader(io.BytesIO(report_pdf(report)))
    text = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pdf.pages))

    for _, lines in lines_of(report.metrics):
        for words, value, _ in lines:
            assert words.split(" (")[0].replace("…", "")[:20].strip() in text
            assert value.replace("\u2212", "-") in text
    assert pdf.metadata is not None
    assert pdf.metadata.title == "trend_following on BTC/USDT"


def test_a_run_without_trades_and_with_a_single_mark_still_makes_both() -> None:
    tiny = build_report(
        strategy="idle",
        params={},
        pairs=("BTC/USDT",),
        timeframe="1h",
        bars=1,
        ts_ms=np.array([START, START + HOUR]),
        equity=np.array([100.0, 100.0]),
        trades=[],
        settings={},
    )

    text = report_html(tiny)

    assert "No trade was closed." in text
    assert tiny.intervals == {}
    assert tiny.order_risk is None
    assert report_pdf(tiny).startswith(b"%PDF-")


def test_long_lists_of_trades_are_cut_and_say_so() -> None:
    report = make_report()
    many = replace(report, trades=tuple(trade(k, 1.0) for k in range(1, MOST_TRADES + 11)))

    text = report_html(many)

    assert "10 more trades are in the exported table." in text
    assert text.count("<td>BTC/USDT</td>") == MOST_TRADES


def test_a_trade_that_the_end_of_the_data_found_open_is_marked() -> None:
    report = replace(make_report(), trades=(trade(1, 5.0, is_open_at_end=True),))

    assert "<td>open</td>" in report_html(report)


def test_a_ruined_account_has_a_report() -> None:
    ruined = build_report(
        strategy="bold",
        params={},
        pairs=("BTC/USDT",),
        timeframe="1d",
        bars=40,
        ts_ms=START + np.arange(41) * DAY_MS,
        equity=np.concatenate((np.linspace(100.0, 5.0, 20), np.full(21, -3.0))),
        trades=[trade(1, -103.0), trade(2, 0.0)],
        settings={},
    )

    assert "The value reached zero or less" in report_html(ruined)
    assert ruined.order_risk is not None
    assert ruined.order_risk.ruin_share == 1.0


def test_every_figure_of_the_report_is_a_metric() -> None:
    named = [name for _, figures in GROUPS for name, _, _ in figures]

    assert set(named) <= set(NAMES)
    assert len(named) == len(set(named))


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (-0.0242, "percent", "\u22122.42 %"),
        (1_234.5, "money", "1,234.50"),
        (30, "count", "30"),
        (None, "number", "–"),
        (-0.00001, "percent", "0.00 %"),
        (4.0, "days", "4.0 days"),
    ],
)
def test_figures_are_written_for_people(value: float | None, kind: str, text: str) -> None:
    assert shown(value, kind) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00001234, "0.00001234"), (43_210.5, "43,210.5"), (12_345_678.0, "12,345,678"), (1.5, "1.5")],
)
def test_prices_are_never_written_in_powers_of_ten(value: float, text: str) -> None:
    assert price(value) == text


def test_reducing_a_line_keeps_its_highest_and_lowest_point() -> None:
    values = np.random.default_rng(1).normal(size=100_000)
    values[31_234], values[77_777] = 50.0, -50.0

    times, kept = reduced(np.arange(100_000, dtype=np.int64), values)

    assert len(kept) <= 900
    assert (kept.max(), kept.min()) == (50.0, -50.0)
    assert (np.diff(times) > 0).all()
    assert (times[0], times[-1]) == (0, 99_999)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.331, 0.0), (9_950.0, 10_010.0), (1e-6, 5e-6)])
def test_axis_steps_are_round_and_inside(low: float, high: float) -> None:
    steps = nice_steps(low, high, 5)

    assert 3 <= len(steps) <= 7
    assert low - 1e-9 <= steps[0] < steps[-1] <= high + 1e-9 * max(1.0, high)


@pytest.mark.parametrize("days", [0.5, 2, 10, 60, 200, 900, 4000])
def test_times_on_the_axis_are_few_round_and_in_order(days: float) -> None:
    ticks = time_ticks(START, START + int(days * DAY_MS))

    assert 2 <= len(ticks) <= 10
    assert [tick.at for tick in ticks] == sorted(tick.at for tick in ticks)
    assert all(0.0 <= tick.at <= 1.0 for tick in ticks)


def test_a_flat_line_can_be_drawn() -> None:
    plot = line_plot(np.array([0, 1], np.int64), np.array([5.0, 5.0]), base=5.0)

    assert all(0.0 < y < 1.0 for _, y in plot.points)


def test_colours_show_sign_and_size_and_leave_text_readable() -> None:
    assert heat_color(0.0, -1.0, 1.0) == "#f6f7f9"
    assert heat_color(1.0, -1.0, 1.0) == "#12876f"
    assert heat_color(-1.0, -1.0, 1.0) == "#c2303d"
    assert ink_on("#12876f") == "#ffffff"
    assert ink_on("#f6f7f9") == "#1b2433"


def test_a_journal_is_resumed_and_refuses_another_search(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "search.jsonl"
    subject = {"strategy": "trend_following", "candles": "abc"}
    runs: list[Mapping[str, Value]] = []

    def run(params: Mapping[str, Value]) -> Metrics:
        runs.append(params)
        return metrics_from_returns(None, [0.01, -0.005, 0.002])

    with TrialJournal(path, subject) as journal:
        assert journal.known == ()
        sweep(run, Grid.read(["fast=5:10:5"]), workers=1, record=journal.record)
    with path.open("a") as file:
        file.write('{"trial": 2, "par')
    with TrialJournal(path, subject) as journal:
        known = journal.known
        sweep(run, Grid.read(["fast=5:20:5"]), workers=1, known=known, record=journal.record)
    with TrialJournal(path, subject) as journal:
        assert [one.params["fast"] for one in journal.known] == [5, 10, 15, 20]

    assert [one.params["fast"] for one in known] == [5, 10]
    assert len(runs) == 4
    with pytest.raises(Conflict, match="another search"), TrialJournal(path, {"strategy": "else"}):
        raise AssertionError("a journal of another search was opened")


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    journal = TrialJournal(tmp_path / "a.jsonl", {})

    with pytest.raises(Conflict, match="not open"):
        journal.record(Trial.done(0, {}, metrics_from_returns(None, [0.0])))

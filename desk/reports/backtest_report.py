"""A backtest report for people: one self-contained page, or a PDF; both show the same figures."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from desk.reports.figures import INTERVAL_WORDS, lines_of, moment, price, shown
from desk.reports.plot import line_plot
from desk.reports.svg import heat_cells, heat_color, ink_on, line_chart
from trading.backtest.monthly import YearRow
from trading.backtest.report import BacktestReport, ReportTrade

if TYPE_CHECKING:
    from jinja2 import Template

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

#: Trades listed on a page; the rest is in the exported table.
MOST_TRADES = 500


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only reports need it

    folder = Path(__file__).parent / "templates"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("backtest_report.html.j2")


def report_html(report: BacktestReport) -> str:
    """Write the report as one page that needs nothing from elsewhere: no script, no font, no picture file."""
    from markupsafe import Markup

    equity = line_plot(report.ts_ms, report.equity, base=float(report.equity[0]))
    water = line_plot(report.ts_ms, report.water, as_percent=True, is_zero_on_top=True, base=0.0)
    ends_well = report.equity[-1] >= report.equity[0]
    return _template().render(
        report=report,
        span=f"{moment(report.from_ms)} to {moment(report.to_ms)} UTC",
        figures=lines_of(report.metrics),
        # Our own drawing: numbers and escaped labels.
        equity_chart=Markup(line_chart(equity, name="Equity", css="gain" if ends_well else "loss")),  # noqa: S704
        water_chart=Markup(line_chart(water, name="Drawdown", height=150.0, css="loss")),  # noqa: S704
        month_names=MONTHS,
        months=[month_cells(row, report.months) for row in report.months],
        falls=[
            (
                shown(one.depth, "percent"),
                moment(one.peak_ms),
                moment(one.trough_ms),
                moment(one.recovered_ms) if one.recovered_ms is not None else "not yet",
                shown(one.days, "days"),
            )
            for one in report.drawdowns
        ],
        intervals=interval_rows(report),
        order=order_sentences(report),
        deflated=deflated_sentence(report),
        heat=heat_cells(report.heat) if report.heat is not None else [],
        trades=[trade_cells(trade) for trade in report.trades[:MOST_TRADES]],
        left_out=max(0, len(report.trades) - MOST_TRADES),
    )


def month_cells(row: YearRow, rows: tuple[YearRow, ...]) -> tuple[int, list[tuple[str, str, str]], str]:
    """Give a year, (text, background, ink) per month, and the year's return."""
    known = [gain for one in rows for gain in one.months if gain is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    reach = max(abs(low), abs(high))
    cells = []
    for gain in row.months:
        if gain is None:
            cells.append(("", "#ffffff", "#1b2433"))
        else:
            # The same strength for gains and losses of the same size.
            color = heat_color(gain, -reach or -1.0, reach or 1.0)
            cells.append((shown(gain, "percent"), color, ink_on(color)))
    return row.year, cells, shown(row.year_return, "percent")


def interval_rows(report: BacktestReport) -> list[tuple[str, str, str, str, str]]:
    """Give (words, point, low, median, high) of each bootstrap interval."""
    rows = []
    for name, one in report.intervals.items():
        words, kind = INTERVAL_WORDS[name]
        rows.append(
            (
                words,
                shown(one.point, kind),
                shown(one.low, kind),
                shown(one.median, kind),
                shown(one.high, kind),
            )
        )
    return rows


def order_sentences(report: BacktestReport) -> tuple[str, ...]:
    """Say what another order of the trades would have done."""
    risk = report.order_risk
    if risk is None:
        return ()
    return (
        (
            f"The same trades in another order: the median maximum drawdown is {shown(risk.median, 'percent')}, one order "
            f"in twenty is worse than {shown(risk.bad, 'percent')}; the real order gave {shown(risk.observed, 'percent')}."
        ),
        (
            f"{shown(risk.breaker_share, 'percent')} of the orders fall by 20 % or more, "
            f"{shown(risk.ruin_share, 'percent')} lose everything. "
            f"{shown(risk.luck, 'percent')} of the orders would have drawn down deeper than the real one."
        ),
    )


def deflated_sentence(report: BacktestReport) -> str:
    """Say how far the winner of a search can be believed."""
    one = report.deflated
    if one is None:
        return ""
    belief = "is undefined" if one.dsr is None else f"is {shown(one.dsr, 'percent')}"
    return (
        f"These parameters are the best of {one.trials:,} trials. The best of as many without any edge is expected to "
        f"show a Sharpe ratio of {shown(one.luck_sharpe, 'number')}; the probability that this one's true Sharpe "
        f"ratio is above that (deflated Sharpe ratio) {belief}."
    )


def trade_cells(trade: ReportTrade) -> tuple[str, ...]:
    """Give a trade as the texts of its row."""
    return (
        str(trade.number),
        trade.pair,
        "long" if trade.side > 0 else "short",
        price(trade.quantity),
        moment(trade.entry_ms),
        price(trade.entry_price),
        moment(trade.exit_ms) if not trade.is_open_at_end else "open",
        price(trade.exit_price),
        shown(trade.pnl, "money"),
        shown(trade.pnl_ratio, "percent"),
        trade.reason.replace("_", " "),
        trade.tag.replace("_", " "),
    )


def report_pdf(report: BacktestReport) -> bytes:
    """Write the report as a PDF of A4 pages."""
    from desk.reports.backtest_pdf import build_pdf  # reportlab is heavy: only where a PDF is asked for

    return build_pdf(report)

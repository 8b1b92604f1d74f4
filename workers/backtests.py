"""A backtest: the run, its report and its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from desk.research.audit import audited
from desk.research.pictures import backtest_picture, backtest_report
from desk.research.runs import Request, run_backtest
from desk.research.tables import trades_csv
from trading.candles import fill_gaps
from workers.hand import Result, Tell

if TYPE_CHECKING:
    from desk.models.book import Book
    from trading.market import Series

#: Steps that the progress bar of a run counts.
_STEPS = 3


def run(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Run a strategy over its markets."""
    tell("backtest", 0, _STEPS)
    done = audited(run_backtest(request_of(payload)))
    tell("backtest", 1, _STEPS)
    trades = done.document.pop("trades")
    files = {
        "trades.csv": ("text/csv", trades_csv(trades).encode()),
        "equity.png": ("image/png", backtest_picture(done)),
    }
    tell("backtest", 2, _STEPS)
    for ending, media_type in ((".html", "text/html"), (".pdf", "application/pdf")):
        body = backtest_report(done, ending)
        files[f"report{ending}"] = (media_type, body.encode() if isinstance(body, str) else body)
    tell("backtest", _STEPS, _STEPS)
    return Result(values=done.document, files=files)


def forecasts_of(payload: Mapping[str, Any]) -> dict[str, Series]:
    """Give the forecasts of the markets' pairs, each by the version that spoke at the time."""
    from desk.models.book import forecast_series
    from strategies.learned_signal import SERIES

    books: Mapping[str, Book] = payload.get("books", {})
    found = {}
    for candles in payload["candles"]:
        if (book := books.get(candles.pair)) is not None:
            whole, _ = fill_gaps(candles)
            found[SERIES.format(pair=candles.pair)] = forecast_series(book.reigns, book.speakers(), whole)
    return found


def request_of(payload: Mapping[str, Any]) -> Request:
    """Read what was asked for."""
    given = payload["input"]
    return Request(
        strategy=given["strategy"],
        parameters=dict(given["parameters"]),
        limits=dict(given["limits"]),
        candles=tuple(payload["candles"]),
        capital=Decimal(given["capital"]),
        fee=float(given["fee"]),
        slippage=float(given["slippage"]),
        spread=0.0,
        fill="through",
        can_short=given["can_short"],
        strategy_path=payload["strategy_path"],
        series={**payload.get("series", {}), **forecasts_of(payload)},
    )

"""A backtest: the run, its report and its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from desk.models.book import forecasts_of, speeches_of
from desk.research.audit import audited
from desk.research.pictures import backtest_picture, backtest_report
from desk.research.runs import Request, run_backtest
from desk.research.tables import trades_csv
from workers.hand import Result, Tell

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


def request_of(payload: Mapping[str, Any]) -> Request:
    """Read what was asked for; input that was queued before an option existed lacks it."""
    given = payload["input"]
    books = payload.get("books", {})
    return Request(
        strategy=given["strategy"],
        parameters=dict(given["parameters"]),
        limits=dict(given["limits"]),
        candles=tuple(payload["candles"]),
        capital=Decimal(given["capital"]),
        fee=float(given["fee"]),
        slippage=float(given["slippage"]),
        spread=float(given.get("spread", 0)),
        fill=given.get("fill", "through"),
        trailing=given.get("trailing", "close"),
        can_short=given["can_short"],
        strategy_path=payload["strategy_path"],
        series={**payload.get("series", {}), **forecasts_of(books, payload["candles"])},
        models=speeches_of(books, payload["candles"]),
        detail=tuple(payload.get("detail", ())),
    )

"""Pictures and reports of the command line, from the same rooms that chat uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trading.candles import Candles

if TYPE_CHECKING:
    from desk.research.runs import Done
    from trading.backtest.report import BacktestReport
    from trading.backtest.walk_forward import WalkForward

#: Bars that a candle picture shows.
SHOWN_BARS = 300


def equity_picture(
    ts_ms: Any, equity: Any, *, title: str, subtitle: str, benchmark: Any = (), currency: str = ""
) -> bytes:
    """Draw equity with drawdown."""
    from desk.charts.drawing import draw
    from desk.charts.specs import EquitySpec, as_spec

    spec = EquitySpec(
        ts_ms=ts_ms, equity=equity, benchmark=benchmark, title=title, subtitle=subtitle, currency=currency
    )
    return draw("equity", as_spec(spec))


def backtest_picture(done: Done) -> bytes:
    """Draw a run's equity beside buy and hold of its first market."""
    result, market = done.result, done.markets[0]
    figures = done.document["metrics"]
    at = np.clip(np.searchsorted(market.ts_ms, result.ts_ms, "right") - 1, 0, None)
    held = float(done.request.capital) * market.close[at] / market.close[at[0]]
    shown = [
        f"ROI {figures['roi']:+.2%}" if figures["roi"] is not None else "",
        f"{figures['trades']} trades",
    ]
    if figures["sharpe"] is not None:
        shown.append(f"Sharpe {figures['sharpe']:.2f}")
    if figures["max_drawdown"] is not None:
        shown.append(f"max drawdown {figures['max_drawdown']:.1%}")
    return equity_picture(
        result.ts_ms + market.timeframe.ms,
        result.equity,
        benchmark=held,
        title=f"{done.document['strategy']} on {', '.join(done.document['pairs'])} {done.document['timeframe']}",
        subtitle="  ·  ".join(one for one in shown if one),
        currency=market.pair.split("/")[-1],
    )


def wave_picture(candles: Candles) -> bytes:
    """Draw the newest candles with the best count and its alternate."""
    from desk.charts.drawing import draw
    from desk.charts.specs import as_spec
    from desk.reports.pictures import candle_spec, fibonacci_levels
    from desk.reports.waves import seen_waves

    seen = seen_waves(candles, shown_bars=SHOWN_BARS)
    shown = candles.rows(max(0, len(candles) - SHOWN_BARS), len(candles))
    spec = candle_spec(
        shown,
        title=f"{candles.pair or 'candles'} {candles.timeframe}",
        subtitle="Elliott counts as known at the last bar; the dashed one is the alternate",
        waves=seen.lines,
        levels=fibonacci_levels(*seen.move) if seen.move else (),
    )
    return draw("candles", as_spec(spec))


def backtest_report(done: Done, ending: str) -> bytes | str:
    """Render the report of an audited run as HTML or PDF."""
    from desk.research.audit import audit_sentences
    from desk.research.runs import spoken_sentences
    from trading.backtest.evaluate import report_of

    gaps = done.document["gaps"]
    filled = (f"{gaps} missing bars were filled with synthetic ones that trigger no entry.",) if gaps else ()
    inside = tuple(
        f"Inside a bar of {pair} its {timeframe} candles settle what came first."
        for pair, timeframe in done.document["costs"]["detail"].items()
    )
    report = report_of(
        done.result,
        strategy=done.document["strategy"],
        params=done.document["params"],
        timeframe=done.document["timeframe"],
        notes=(*audit_sentences(done.document["audit"]), *spoken_sentences(done.document), *filled, *inside),
    )
    return rendered(report, ending)


def rendered(report: BacktestReport, ending: str) -> bytes | str:
    """Render a report as HTML (".html") or PDF (".pdf")."""
    from desk.reports.backtest_report import report_html, report_pdf

    return report_html(report) if ending == ".html" else report_pdf(report)


def walk_picture(walk: WalkForward, *, title: str, subtitle: str) -> bytes:
    """Draw the concatenated out-of-sample equity."""
    return equity_picture(walk.ts_ms, walk.equity, title=title, subtitle=subtitle)

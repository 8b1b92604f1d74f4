"""`optimize`: picking parameters; every trial is recorded."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli import output
from server.cli.asking import request
from server.cli.options import (
    AsJson,
    Capital,
    Chart,
    DataDir,
    Detail,
    Fee,
    FillRule,
    From,
    Limits,
    Model,
    Settings,
    Slippage,
    Sources,
    Spot,
    Spread,
    StrategyPath,
    To,
    Trailing,
)

if TYPE_CHECKING:
    from desk.research.runs import Request
    from trading.backtest.sweep import Recorder
    from trading.backtest.trials import SearchResult, Trial
    from trading.candles import Candles

Grid = Annotated[
    list[str] | None, typer.Option("--grid", help="A parameter's values, k=a:b:step or k=a,b,c; repeatable.")
]
Search = Annotated[str, typer.Option(help="tpe: a guided search over the strategy's own ranges.")]
TrialCount = Annotated[int, typer.Option("--trials", help="Trials of a guided search.")]
Objective = Annotated[str, typer.Option(help="What is maximised, e.g. sharpe, calmar, roi.")]
MinimumTrades = Annotated[int, typer.Option(help="Closed trades that a winner needs.")]


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.command("optimize")(optimize)


def optimize(
    strategy: Annotated[str, typer.Argument(help="A registered strategy.")],
    candles: Sources,
    grid: Grid = None,
    search: Search = "",
    trials: TrialCount = 100,
    objective: Objective = "sharpe",
    minimum_trades: MinimumTrades = 30,
    set_: Settings = None,
    limit: Limits = None,
    from_: From = "",
    to: To = "",
    capital: Capital = "10000",
    fee: Fee = 0.001,
    slippage: Slippage = 0.0005,
    spread: Spread = 0.0,
    fill: FillRule = "through",
    trailing: Trailing = "close",
    detail: Detail = None,
    spot: Spot = False,
    model: Model = "",
    strategy_path: StrategyPath = None,
    data_dir: DataDir = None,
    journal: Annotated[
        Path | None,
        typer.Option(help="Record every trial here (JSON lines); an interrupted search goes on from it."),
    ] = None,
    chart: Chart = None,
    as_json: AsJson = False,
) -> None:
    """Search a strategy's parameters. Every trial is recorded, and the winner is deflated by their number."""
    wanted = request(
        strategy,
        candles,
        set_=set_,
        limit=limit,
        from_=from_,
        to=to,
        capital=capital,
        fee=fee,
        slippage=slippage,
        spread=spread,
        fill=fill,
        trailing=trailing,
        spot=spot,
        detail=detail,
        strategy_path=strategy_path,
        model=model,
        data_dir=data_dir,
    )
    from desk.research.runs import spoken
    from desk.research.searches import heat_picture, laboratory, picker, search_document

    lab, fixed = laboratory(wanted)
    with cancelled_by_ctrl_c() as stop, _recorder(journal, wanted, grid or [], search) as (known, record):
        pick, axes = picker(
            wanted,
            grid or [],
            search,
            trials,
            objective,
            minimum_trades,
            known=known,
            record=record,
            cancel=stop,
        )
        found = pick(lambda params: lab({**fixed, **params}))
    if chart is not None:
        output.write_file(chart, heat_picture(found, axes))
    document = search_document(strategy, found, objective, axes, spoken(wanted.models))
    if as_json:
        output.emit_json(document)
        return
    _print_search(document, found, objective)


@contextmanager
def cancelled_by_ctrl_c() -> Iterator[threading.Event]:
    """Let Ctrl-C end the search after the running trials, so that nothing half-done is lost."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _recorder(
    path: Path | None, request: Request, grid: list[str], search: str
) -> Iterator[tuple[tuple[Trial, ...], Recorder | None]]:
    if path is None:
        yield (), None
        return
    from desk.reports.trial_journal import TrialJournal
    from desk.research.runs import spoken

    subject = {
        "strategy": request.strategy,
        "parameters": dict(request.parameters),
        "limits": dict(request.limits),
        "candles": _named(request.candles),
        "capital": str(request.capital),
        "costs": [request.fee, request.slippage, request.spread, request.fill],
        "space": [grid, search],
    }
    # Named only where they are not as always, so that journals of plain searches go on.
    unusual: dict[str, Any] = {
        "trailing": request.trailing if request.trailing != "close" else None,
        "is_spot": None if request.can_short else True,
        "detail": _named(request.detail) or None,
        "models": spoken(request.models) or None,
    }
    subject |= {name: value for name, value in unusual.items() if value is not None}
    with TrialJournal(path, subject) as journal:
        yield journal.known, journal.record


def _named(series: tuple[Candles, ...]) -> list[list[Any]]:
    return [[one.pair, str(one.timeframe), int(one.ts_ms[0]), int(one.ts_ms[-1]), len(one)] for one in series]


def _print_search(document: dict[str, Any], found: SearchResult, objective: str) -> None:
    from desk.research.runs import spoken_sentences

    rows = [
        (
            str(one.number),
            ", ".join(f"{k}={v}" for k, v in one.params.items()),
            *(output.figure(one.figures, name) for name in (objective, "roi", "max_drawdown", "trades")),
        )
        for one in found.ranked()[:10]
    ]
    output.table(
        f"Best of {len(found.trials)} trials",
        ("trial", "parameters", objective, "roi", "drawdown", "trades"),
        rows,
        right=(0, 2, 3, 4, 5),
    )
    screen = output.console()
    if found.best is None:
        screen.print("No trial closed enough trades to be picked.")
    if rare := sum(one.figure("trades") < found.minimum_trades for one in found.trials):
        screen.print(
            f"{rare} trials closed fewer than {found.minimum_trades} trades (--minimum-trades): they come last and cannot win."
        )
    if found.deflated is not None:
        dsr = "undefined" if found.deflated.dsr is None else f"{found.deflated.dsr:.1%}"
        screen.print(
            f"Deflated Sharpe ratio: {dsr}. With {found.deflated.trials} trials, luck alone is expected to show a Sharpe ratio of "
            f"{found.deflated.luck_sharpe:.2f}."
        )
    if document["plateau"] is not None:
        screen.print(
            f"The winner's neighbours reach {document['plateau']:.0%} of its {objective}: near 100 % is a plateau, far below a "
            "peak."
        )
    for sentence in spoken_sentences(document):
        screen.print(sentence)
    if document["was_cancelled"]:
        screen.print("Interrupted; with --journal the search goes on from here.")

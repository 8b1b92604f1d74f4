"""`optimize`: picking parameters; every trial is recorded."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli import inputs, output
from server.cli.options import (
    AsJson,
    Capital,
    Chart,
    Fee,
    FillRule,
    From,
    Settings,
    Slippage,
    Sources,
    Spread,
    StrategyPath,
    To,
)
from trading.errors import InvalidInput

if TYPE_CHECKING:
    from server.cli.runs import Request
    from trading.backtest.evaluate import Laboratory
    from trading.backtest.sweep import Recorder
    from trading.backtest.trials import SearchResult, Trial
    from trading.backtest.walk_forward import Picker

Grid = Annotated[
    list[str] | None, typer.Option("--grid", help="A parameter's values, k=a:b:step or k=a,b,c; repeatable.")
]
Search = Annotated[str, typer.Option(help="tpe: a guided search over the strategy's own ranges.")]
TrialCount = Annotated[int, typer.Option("--trials", help="Trials of a guided search.")]
Objective = Annotated[str, typer.Option(help="What is maximised, e.g. sharpe, calmar, roi.")]
MinimumTrades = Annotated[int, typer.Option(help="Closed trades that a winner needs.")]
Limit = Annotated[list[str] | None, typer.Option("--limit", help="A risk limit, name=value; repeatable.")]


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
    limit: Limit = None,
    from_: From = "",
    to: To = "",
    capital: Capital = "10000",
    fee: Fee = 0.001,
    slippage: Slippage = 0.0005,
    spread: Spread = 0.0,
    fill: FillRule = "through",
    strategy_path: StrategyPath = None,
    journal: Annotated[
        Path | None,
        typer.Option(help="Record every trial here (JSON lines); an interrupted search goes on from it."),
    ] = None,
    chart: Chart = None,
    as_json: AsJson = False,
) -> None:
    """Search a strategy's parameters; every trial is recorded, and the winner is deflated by their number."""
    wanted = request(
        strategy, candles, set_, limit, from_, to, capital, fee, slippage, spread, fill, strategy_path
    )
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
        output.write_file(chart, _heat_picture(found, axes))
    document = _search_document(wanted, found, objective)
    if as_json:
        output.emit_json(document)
        return
    _print_search(document, found, objective)


def request(
    strategy: str,
    candles: list[str],
    set_: list[str] | None,
    limit: list[str] | None,
    from_: str,
    to: str,
    capital: str,
    fee: float,
    slippage: float,
    spread: float,
    fill: str,
    strategy_path: Path | None,
) -> Request:
    from server.cli.runs import Request

    return Request(
        strategy=strategy,
        parameters=inputs.settings(set_ or []),
        limits=inputs.settings(limit or []),
        candles=tuple(inputs.candles(one, from_=from_, to=to) for one in candles),
        capital=inputs.money("capital", capital),
        fee=fee,
        slippage=slippage,
        spread=spread,
        fill=fill,
        can_short=True,
        strategy_path=strategy_path,
    )


def laboratory(request: Request) -> tuple[Laboratory, Mapping[str, Any]]:
    from server.cli.runs import account_for, columns_of, prepared, registry
    from trading.backtest.evaluate import Laboratory

    markets, _ = prepared(request.candles)
    cls = registry(request.strategy_path).get_strategy(request.strategy)
    cls(**request.parameters)
    lab = Laboratory(
        markets, account_for(request, markets), lambda params: columns_of(cls(**params), markets)
    )
    return lab, request.parameters


def picker(
    request: Request,
    grid: list[str],
    search: str,
    trials: int,
    objective: str,
    minimum_trades: int,
    *,
    known: tuple[Trial, ...] = (),
    record: Recorder | None = None,
    cancel: threading.Event | None = None,
) -> tuple[Picker, tuple[Any, ...]]:
    """Give what picks parameters: a whole grid, or a guided search over it or over the strategy's own ranges."""
    from server.cli.runs import registry
    from trading.backtest.optimizer import Interval
    from trading.backtest.optimizer import search as guided
    from trading.backtest.search_space import Axis, read_axis
    from trading.backtest.search_space import Grid as Space
    from trading.backtest.sweep import sweep
    from trading.backtest.trials import check_objective

    check_objective(objective)
    if search not in {"", "tpe"}:
        raise InvalidInput(
            f"Search '{search}' was given; tpe is allowed.", hint="Or give --grid for every combination."
        )
    parameters = {
        one.name: one for one in registry(request.strategy_path).get_strategy(request.strategy).parameters
    }
    axes = tuple(read_axis(one) for one in grid)
    for axis in axes:
        if axis.name not in parameters:
            registry(request.strategy_path).get_strategy(request.strategy)(**{axis.name: axis.values[0]})
    if not search:
        if not axes:
            raise InvalidInput("No parameters were named; --grid k=a:b:step or --search tpe is needed.")
        space = Space(axes=axes)
        return (
            lambda run: sweep(
                run,
                space,
                objective=objective,
                minimum_trades=minimum_trades,
                known=known,
                record=record,
                cancel=cancel,
            )
        ), axes
    dimensions: list[Any] = list(axes)
    for one in parameters.values():
        if axes or one.name in request.parameters:
            continue
        if one.kind == "choice":
            dimensions.append(Axis(name=one.name, values=one.choices))
        elif one.kind == "bool":
            dimensions.append(Axis(name=one.name, values=(True, False)))
        elif one.minimum is not None and one.maximum is not None:
            step = one.step or (1.0 if one.kind == "int" else None)
            dimensions.append(Interval(name=one.name, low=one.minimum, high=one.maximum, step=step))
    return (
        lambda run: guided(
            run,
            dimensions,
            trials=trials,
            objective=objective,
            minimum_trades=minimum_trades,
            known=known,
            record=record,
            cancel=cancel,
        )
    ), axes


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

    subject = {
        "strategy": request.strategy,
        "parameters": dict(request.parameters),
        "limits": dict(request.limits),
        "candles": [
            [one.pair, str(one.timeframe), int(one.ts_ms[0]), int(one.ts_ms[-1]), len(one)]
            for one in request.candles
        ],
        "capital": str(request.capital),
        "costs": [request.fee, request.slippage, request.spread, request.fill],
        "space": [grid, search],
    }
    with TrialJournal(path, subject) as journal:
        yield journal.known, journal.record


def _search_document(request: Request, found: SearchResult, objective: str) -> dict[str, Any]:
    best = found.best
    return {
        "strategy": request.strategy,
        "objective": objective,
        "trials": [
            {
                "trial": one.number,
                "params": one.params,
                "state": one.state,
                "figures": one.figures,
                "message": one.message or None,
            }
            for one in found.trials
        ],
        "best": None
        if best is None
        else {"trial": best.number, "params": best.params, "figures": best.figures},
        "deflated": None
        if found.deflated is None
        else {
            "trials": found.deflated.trials,
            "sharpe_daily_sd": found.deflated.sharpe_daily_sd,
            "luck_sharpe": found.deflated.luck_sharpe,
            "dsr": found.deflated.dsr,
        },
        "was_cancelled": found.was_cancelled,
    }


def _print_search(document: dict[str, Any], found: SearchResult, objective: str) -> None:
    rows = [
        (
            str(one.number),
            ", ".join(f"{k}={v}" for k, v in one.params.items()),
            *(figure(one.figures, name) for name in (objective, "roi", "max_drawdown", "trades")),
        )
        for one in found.ranked()[:10]
    ]
    output.table(
        f"Best of {len(found.trials)} trials",
        ("trial", "parameters", objective, "ROI", "max drawdown", "trades"),
        rows,
        right=(0, 2, 3, 4, 5),
    )
    screen = output.console()
    if found.best is None:
        screen.print("No trial closed enough trades to be picked.")
    if found.deflated is not None:
        dsr = "undefined" if found.deflated.dsr is None else f"{found.deflated.dsr:.1%}"
        screen.print(
            f"Deflated Sharpe ratio: {dsr}. With {found.deflated.trials} trials, luck alone is expected to show a Sharpe ratio of "
            f"{found.deflated.luck_sharpe:.2f}."
        )
    if document["was_cancelled"]:
        screen.print("Interrupted; with --journal the search goes on from here.")


def figure(figures: Mapping[str, Any] | None, name: str) -> str:
    value = (figures or {}).get(name)
    return "-" if value is None else output.number(value)


def _heat_picture(found: SearchResult, axes: tuple[Any, ...]) -> bytes:
    from desk.charts.drawing import draw
    from desk.charts.specs import BarSpec, HeatSpec, as_spec

    if len(axes) == 1:
        by_value = {str(one.params[axes[0].name]): one.figure(found.objective) for one in found.trials}
        spec = BarSpec(
            labels=tuple(by_value),
            values=tuple(by_value.values()),
            title=f"{found.objective} by {axes[0].name}",
        )
        return draw("daily", as_spec(spec))
    if len(axes) < 2:
        raise InvalidInput("A picture of a search needs --grid with one or two parameters.")
    heat = found.heat_map(axes[0], axes[1])
    map_spec = HeatSpec(
        x=tuple(str(one) for one in heat.x.values),
        y=tuple(str(one) for one in heat.y.values),
        values=heat.values.ravel(),  # type: ignore[arg-type]
        x_name=heat.x.name,
        y_name=heat.y.name,
        title=f"{found.objective} by {heat.x.name} and {heat.y.name}",
        subtitle=f"{len(found.trials)} trials; the best is framed",
    )
    return draw("heat", as_spec(map_spec))

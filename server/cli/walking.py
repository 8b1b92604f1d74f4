"""`walk-forward`: judging honestly what a search picks."""

from __future__ import annotations

from typing import Annotated

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
from server.cli.search import (
    Grid,
    MinimumTrades,
    Objective,
    Search,
    TrialCount,
    cancelled_by_ctrl_c,
)


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.command("walk-forward")(walk_forward)


def walk_forward(
    strategy: Annotated[str, typer.Argument(help="A registered strategy.")],
    candles: Sources,
    train: Annotated[str, typer.Option(help="Length of the training window, e.g. 90d.")],
    test: Annotated[str, typer.Option(help="Length of the test window, e.g. 30d.")],
    gap: Annotated[
        str, typer.Option(help="Bars left out between them, at least the longest holding time.")
    ] = "0d",
    anchored: Annotated[
        bool, typer.Option("--anchored", help="The training window always starts at the first bar.")
    ] = False,
    grid: Grid = None,
    search: Search = "",
    trials: TrialCount = 30,
    objective: Objective = "sharpe",
    minimum_trades: MinimumTrades = 10,
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
    chart: Chart = None,
    as_json: AsJson = False,
) -> None:
    """Pick parameters on one stretch, trade the next, again. Only the out-of-sample equity counts."""
    from desk.research.runs import spoken_sentences
    from desk.research.searches import laboratory, picker
    from desk.research.walks import span_ms, walk_document
    from trading.backtest.walk_forward import Plan, windows
    from trading.backtest.walk_forward import walk_forward as walk

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
    lab, fixed = laboratory(wanted)
    plan = Plan(train_ms=span_ms(train), test_ms=span_ms(test), gap_ms=span_ms(gap), is_anchored=anchored)
    first = min(int(one.ts_ms[0]) for one in lab.series)
    last = max(int(one.ts_ms[-1]) + one.timeframe.ms for one in lab.series)
    cuts = windows(first, last, plan)
    with cancelled_by_ctrl_c() as stop, output.progress() as bar:
        task = bar.add_task("Walking", total=len(cuts))
        pick, _ = picker(wanted, grid or [], search, trials, objective, minimum_trades, cancel=stop)
        done = walk(
            lambda params, start, end: lab.window({**fixed, **params}, start, end),
            pick,
            cuts,
            cancel=stop,
            progress=lambda _: bar.update(task, advance=1),
        )
    if chart is not None:
        from desk.research.pictures import walk_picture

        output.write_file(
            chart,
            walk_picture(done, title=f"{strategy}: out of sample", subtitle=f"train {train}, test {test}"),
        )
    document = walk_document(wanted, done)
    if as_json:
        output.emit_json(document)
        return
    rows = [
        (
            str(one["test_from"])[:10],
            str(one["test_to"])[:10],
            ", ".join(f"{k}={v}" for k, v in (one["params"] or {}).items()) or "stood aside",
            output.figure(one["in_sample"], objective),
            output.figure(one["out_of_sample"], objective),
            output.figure(one["out_of_sample"], "roi"),
        )
        for one in document["windows"]
    ]
    output.table(
        f"{strategy}: walk-forward",
        ("test from", "to", "picked", f"{objective} in", "out", "roi out"),
        rows,
        right=(3, 4, 5),
    )
    output.figures("Out of sample, all windows", done.metrics.values, done.metrics.reasons, is_share=True)
    efficiency = (
        f"{done.efficiency:.2f}" if done.efficiency is not None else f"undefined: {done.efficiency_reason}"
    )
    output.console().print(f"Walk-forward efficiency: {efficiency.rstrip('.')}.")
    for sentence in spoken_sentences(document):
        output.console().print(sentence)
    if not done.gap_is_enough:
        output.console().print("A training trade was held longer than the gap: give a longer --gap.")

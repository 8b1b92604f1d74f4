"""`strategies`, `backtest`, `optimize`, `walk-forward`: trading ideas over stored candles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.command("strategies")(strategies)
    app.command("backtest")(backtest)


def strategies(
    name: Annotated[str, typer.Argument(help="Show one strategy with its parameters.")] = "",
    strategy_path: StrategyPath = None,
    as_json: AsJson = False,
) -> None:
    """List the strategies, or show one. One comes with its parameters, their units, defaults and ranges."""
    from desk.research.runs import registry

    known = registry(strategy_path)
    shown = [known.info(name)] if name else list(known.list_strategies())
    if as_json:
        documents = [
            {
                "name": one.name, "title": one.title, "idea": one.idea, "source": one.source, "fails_in": one.fails_in,
                "warmup_bars": one.warmup_bars, "origin": one.origin, "tags": one.tags, "schema": one.schema,
                "parameters": [
                    {
                        "name": p.name, "kind": p.kind, "default": p.default, "minimum": p.minimum, "maximum": p.maximum,
                        "step": p.step, "choices": p.choices, "unit": p.unit, "text": p.text,
                    }
                    for p in one.parameters
                ],
            }
            for one in shown
        ]  # fmt: skip
        output.emit_json(documents[0] if name else {"strategies": documents})
        return
    if not name:
        output.table(
            "Strategies",
            ("name", "title", "warm-up", "from"),
            [(one.name, one.title, f"{one.warmup_bars} bars", one.origin) for one in shown],
        )
        output.console().print("Show one with 'breakwater strategies NAME'.")
        return
    one = shown[0]
    screen = output.console()
    screen.print(
        f"[bold]{one.name}[/bold]: {one.title}\n\n{one.idea}\n\nSource: {one.source}\nFails in: {one.fails_in}\nWarm-up: {one.warmup_bars} bars\n"
    )
    screen.print("Parameters, set with --set NAME=VALUE:")
    for p in one.parameters:
        output.entry(f"{p.name} = {p.default} {p.unit}".rstrip() + f" ({p.allowed})", p.text)


def backtest(
    strategy: Annotated[str, typer.Argument(help="A registered strategy; see 'breakwater strategies'.")],
    candles: Sources,
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
    trades: Annotated[Path | None, typer.Option(help="Write the trades (CSV) to this file.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a report (.html or .pdf) to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a strategy over candles: metrics, trades, equity."""
    from desk.research.audit import audited
    from desk.research.runs import run_backtest

    for path, endings in ((chart, (".png",)), (trades, (".csv",)), (report, (".html", ".pdf"))):
        if path is not None:
            _check_target(path, endings)
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
    done = audited(run_backtest(wanted))
    if trades is not None:
        from desk.research.tables import trades_csv

        output.write_file(trades, trades_csv(done.document["trades"]))
    if chart is not None:
        from desk.research.pictures import backtest_picture

        output.write_file(chart, backtest_picture(done))
    if report is not None:
        from desk.research.pictures import backtest_report

        output.write_file(report, backtest_report(done, report.suffix.lower()))
    if as_json:
        output.emit_json(done.document)
        return
    _print_backtest(done.document)
    for path in (trades, chart, report):
        if path is not None:
            output.console().print(f"Written: {path}")


def _check_target(path: Path, endings: tuple[str, ...]) -> None:
    from trading.errors import InvalidInput

    if path.suffix.lower() not in endings:
        raise InvalidInput(f"File '{path.name}' was given; an ending of {' or '.join(endings)} is allowed.")
    if not path.expanduser().resolve().parent.is_dir():
        raise InvalidInput(
            f"Folder '{path.parent}' does not exist.", hint="Name a file in a folder that exists."
        )


def _print_backtest(document: dict[str, Any]) -> None:
    from desk.research.audit import audit_sentences
    from desk.research.runs import spoken_sentences

    screen = output.console()
    params = ", ".join(f"{k}={v}" for k, v in document["params"].items())
    screen.print(
        f"[bold]{document['strategy']}[/bold] on {', '.join(document['pairs'])} {document['timeframe']}, {document['bars']} bars, "
        f"{document['from'][:10]} to {document['to'][:10]}\n{params}"
    )
    output.figures("", document["metrics"], document["reasons"])
    _print_trades(document["trades"])
    if document["denied"]:
        screen.print(
            "Entries refused: "
            + ", ".join(f"{reason} {count}×" for reason, count in document["denied"].items())
        )
    if document["gaps"]:
        screen.print(f"Gaps filled with synthetic bars that trigger no entry: {document['gaps']} bars.")
    for sentence in spoken_sentences(document):
        screen.print(sentence)
    for sentence in audit_sentences(document["audit"]):
        screen.print(sentence, style="bold red" if sentence.startswith("AUDIT FAILED") else None)


def _print_trades(trades: list[dict[str, Any]]) -> None:
    """Show the last ten, as much of them as the screen holds; --trades writes everything."""
    from desk.reports.figures import price, signed

    columns = ("in", "out", "pair", "side", "quantity", "entry", "exit", "P&L", "return", "reason", "tag")
    numbers = ("quantity", "entry", "exit", "P&L", "return")
    rows = [
        (
            one["entry_at"][:16].replace("T", " "), one["exit_at"][:16].replace("T", " "), one["pair"], one["side"], price(one["quantity"]),
            price(one["entry_price"]), price(one["exit_price"]), signed(one["pnl"], "money"), signed(one["pnl_ratio"], "percent"), one["reason"], one["tag"],
        )
        for one in trades[-10:]
    ]  # fmt: skip
    if not rows:
        return
    several = len({one["pair"] for one in trades}) > 1
    spare = ("tag", "quantity", "out", *(() if several else ("pair",)), "exit", "entry", "return")
    kept = output.fitting(columns, rows, spare=spare)
    output.table(
        f"Last {len(rows)} of {len(trades)} trades",
        [columns[i] for i in kept],
        [[row[i] for i in kept] for row in rows],
        right=[place for place, i in enumerate(kept) if columns[i] in numbers],
    )

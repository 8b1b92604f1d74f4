"""`strategies`, `backtest`, `optimize`, `walk-forward`: trading ideas over stored candles."""

from __future__ import annotations

from decimal import Decimal
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
    """List the registered strategies, or one with its parameters, units, defaults and ranges."""
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
    rows = [(p.name, str(p.default), p.allowed, p.unit, p.text) for p in one.parameters]
    output.table(
        "Parameters (--set name=value)",
        ("name", "default", "allowed", "unit", "what it does"),
        rows,
        right=(1,),
    )


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
    _print_trades(document["trades"], screen.width)
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


def _print_trades(trades: list[dict[str, Any]], width: int) -> None:
    """Show the last ten; a narrow screen shows when they began and what came of them, --trades writes the rest."""
    recent = trades[-10:]
    if not recent:
        return
    from desk.reports.figures import price

    is_wide, has_pairs = width >= 130, len({one["pair"] for one in recent}) > 1

    def priced(value: Decimal) -> str:
        return f"{value:f}" if is_wide else price(float(value))

    begins = 0 if is_wide else 5
    columns: list[tuple[str, bool, list[str]]] = [
        ("in", False, [one["entry_at"][begins:16].replace("T", " ") for one in recent]),
        ("side", False, [one["side"] for one in recent]),
        ("entry", True, [priced(one["entry_price"]) for one in recent]),
        ("exit", True, [priced(one["exit_price"]) for one in recent]),
        ("P&L", True, [f"{one['pnl']:+.2f}" for one in recent]),
        ("", True, [f"{one['pnl_ratio']:+.2%}" for one in recent]),
        ("reason", False, [one["reason"] for one in recent]),
    ]
    if is_wide or has_pairs:
        columns.insert(1, ("pair", False, [one["pair"] for one in recent]))
    if is_wide:
        columns.insert(1, ("out", False, [one["exit_at"][:16].replace("T", " ") for one in recent]))
        columns.insert(4, ("quantity", True, [f"{one['quantity']:f}" for one in recent]))
        columns.append(("tag", False, [one["tag"] for one in recent]))
    output.table(
        f"Last {len(recent)} of {len(trades)} trades",
        [name for name, _, _ in columns],
        list(zip(*(cells for _, _, cells in columns), strict=True)),
        right=[i for i, (_, is_right, _) in enumerate(columns) if is_right],
    )

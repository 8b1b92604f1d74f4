"""`metrics`: every performance figure of a series that came from anywhere, and what the go-live gate would say."""

from __future__ import annotations

import csv
import gzip
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli import output
from server.cli.options import AsJson
from trading.errors import InvalidInput, nearest

if TYPE_CHECKING:
    from trading.backtest.metrics import Metrics, Trials


def metrics(
    returns: Annotated[
        Path | None, typer.Option(help="CSV with ts_ms,return (or only return: one a day).")
    ] = None,
    equity: Annotated[
        Path | None,
        typer.Option(
            help="CSV with ts_ms,equity, and flow: what was deposited (+) or withdrawn (-) with it."
        ),
    ] = None,
    trades: Annotated[Path | None, typer.Option(help="CSV with pnl, net of costs, one row a trade.")] = None,
    initial: Annotated[float | None, typer.Option(help="Equity before the first row.")] = None,
    trials: Annotated[
        int | None, typer.Option(help="Parameter sets that were tried; gives the deflated Sharpe ratio.")
    ] = None,
    trials_sd: Annotated[
        float | None, typer.Option(help="Standard deviation of the trials' daily Sharpe ratios.")
    ] = None,
    days_per_year: Annotated[
        float, typer.Option(help="Days that make a year; 252 to compare with figures of stock markets.")
    ] = 365.0,
    gate: Annotated[
        bool,
        typer.Option("--gate", help="Judge them as the gate before real money does; needs --trades too."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compute every performance figure of a series. It may come from anywhere."""
    if (returns is not None and equity is not None) or (
        returns is None and equity is None and trades is None
    ):
        raise InvalidInput("Give one of --returns or --equity, or --trades, or --trades with one of them.")
    if (trials is None) != (trials_sd is None):
        raise InvalidInput("--trials and --trials-sd belong together; one of them is missing.")
    if gate and (trades is None or (returns is None and equity is None)):
        raise InvalidInput("--gate judges days and trades; give --trades, and --returns or --equity.")
    if gate and days_per_year != 365.0:
        raise InvalidInput(f"--gate was given with {days_per_year:g} days per year; the gate's year has 365.")
    tried = _tried(trials, trials_sd)
    pnl = _columns(trades, ("pnl",))["pnl"] if trades is not None else None
    found = _figures(returns, equity, pnl, initial, tried, days_per_year)
    document: dict[str, Any] = found.as_json()
    if tried is not None:
        document["trials"] = _luck(tried)
    if gate:
        document["gate"] = _judged(found, pnl or [])
    if as_json:
        output.emit_json(document)
        return
    output.figures("Performance", found.values, found.reasons)
    if tried is not None:
        output.console().print(
            f"Luck alone is expected to show a daily Sharpe ratio of {document['trials']['luck_sharpe_daily']:.4f}."
        )
    if gate:
        _print_gate(document["gate"])


def _tried(trials: int | None, trials_sd: float | None) -> Trials | None:
    from trading.backtest.metrics import Trials

    if trials is None or trials_sd is None:
        return None
    return Trials(count=trials, sharpe_daily_sd=trials_sd)


def _luck(tried: Trials) -> dict[str, float]:
    from trading.backtest.probabilistic import expected_maximum

    most = expected_maximum(tried.count)
    return {
        "count": tried.count,
        "sharpe_daily_sd": tried.sharpe_daily_sd,
        "expected_maximum": most,
        "luck_sharpe_daily": most * tried.sharpe_daily_sd,
    }


def _figures(
    returns: Path | None,
    equity: Path | None,
    pnl: list[float] | None,
    initial: float | None,
    tried: Trials | None,
    days_per_year: float,
) -> Metrics:
    from trading.backtest.metrics import metrics_from_returns, metrics_from_trades, performance

    if returns is not None:
        columns = _columns(returns, ("return",), optional=("ts_ms",))
        return metrics_from_returns(
            columns.get("ts_ms"), columns["return"], trades=pnl, trials=tried, days_per_year=days_per_year
        )
    if equity is not None:
        columns = _columns(equity, ("equity",), optional=("ts_ms", "flow"))
        times = columns.get("ts_ms") or [float(i * 86_400_000) for i in range(len(columns["equity"]))]
        flows = [
            (int(at), amount)
            for at, amount in zip(times, columns.get("flow", [0.0] * len(times)), strict=True)
            if amount
        ]
        return performance(
            times,
            columns["equity"],
            trades=pnl,
            initial=initial,
            flows=flows,
            trials=tried,
            days_per_year=days_per_year,
        )
    return metrics_from_trades(pnl or [], initial=initial)


def _judged(found: Metrics, pnl: list[float]) -> dict[str, Any]:
    import numpy as np

    from trading.risk.gates import go_live_gate

    # What luck passes does not depend on the scale of the money, so any start will do.
    judged = go_live_gate(
        found, days_on_paper=float(found["days"] or 0), trade_pnl=np.asarray(pnl, np.float64), initial=1.0
    )
    interval = judged.win_rate_interval
    return {
        "has_passed": judged.has_passed,
        "lines": [
            {
                "gate": one.gate,
                "value": one.value,
                "needed": one.needed,
                "has_passed": one.has_passed,
                "reason": one.reason or None,
            }
            for one in judged.lines
        ],
        "psr": judged.psr,
        "sharpe_standard_error": judged.sharpe_standard_error,
        "sharpe_false_pass_rate": judged.sharpe_false_pass_rate,
        "false_pass_rate": judged.false_pass_rate,
        "days_needed": judged.days_needed,
        "win_rate_interval": None if interval is None else list(interval),
    }


def _print_gate(judged: dict[str, Any]) -> None:
    rows = [
        (
            str(one["gate"]),
            "–" if one["value"] is None else f"{one['value']:.6g}",
            one["needed"],
            "passed" if one["has_passed"] else "failed",
            one["reason"] or "",
        )
        for one in judged["lines"]
    ]
    output.table("Gate before real money", ("line", "found", "needed", "verdict", ""), rows, right=(1,))
    screen = output.console()
    screen.print("Passed." if judged["has_passed"] else "Not passed.")
    rate = judged["sharpe_false_pass_rate"]
    if rate is not None:
        screen.print(f"Over so many days {rate:.1%} of strategies without any edge pass the Sharpe line.")
    if judged["days_needed"] is not None:
        screen.print(
            f"To tell this Sharpe ratio from zero, about {judged['days_needed']:.0f} days are needed."
        )


def _columns(path: Path, wanted: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, list[float]]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.name.endswith(".gz") else raw).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as failed:
        said = failed.strerror if isinstance(failed, OSError) else failed
        raise InvalidInput(f"File '{path}' cannot be read: {said}.") from failed
    reader = csv.DictReader(io.StringIO(text))
    names = [one.strip() for one in reader.fieldnames or ()]
    missing = [one for one in wanted if one not in names]
    if missing:
        raise InvalidInput(
            f"File '{path.name}' has the columns {', '.join(names) or 'none'}; {', '.join(missing)} is needed.",
            hint=nearest(missing[0], names) or None,
        )
    present = [one for one in (*wanted, *optional) if one in names]
    found: dict[str, list[float]] = {one: [] for one in present}
    for row, cells in enumerate(reader):
        for name in present:
            text_value = (cells.get(name) or "").strip()
            try:
                value = float(text_value)
            except ValueError:
                value = math.nan
            if not math.isfinite(value):
                raise InvalidInput(
                    f"File '{path.name}', row {row}: {name} is '{text_value}'; a finite number is needed."
                )
            found[name].append(value)
    return found

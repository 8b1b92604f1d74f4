"""`indicators`, `waves`, `check-bias`: looking at candles."""

from __future__ import annotations

import math
import sys
from typing import Annotated, Any

import typer

from server.cli import inputs, output
from server.cli.options import AsJson, Chart, From, Source, StrategyPath, To


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.command("indicators")(indicators)
    app.command("waves")(waves)
    app.command("check-bias")(check_bias)


def indicators(
    candles: Source = "",
    indicator: Annotated[
        list[str] | None,
        typer.Option("--indicator", "-i", help="Such as rsi:14 or macd:12:26:9; repeatable."),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List the indicators with their settings.")] = False,
    from_: From = "",
    to: To = "",
    as_json: AsJson = False,
) -> None:
    """Compute indicator columns. They come as a CSV on stdout, or as JSON with null while an indicator warms up."""
    from trading.analysis.indicators import compute, list_indicators
    from trading.errors import InvalidInput

    if show:
        for one in list_indicators():
            settings = ", ".join(f"{s.name} {s.default:g}" for s in one.settings)
            output.entry(f"{one.name}: {settings}", one.title)
        return
    if not candles:
        raise InvalidInput(
            "No candles were named; --candles is needed.", hint="Give a file or venue:PAIR:timeframe."
        )
    if not indicator:
        raise InvalidInput(
            "No indicator was named; at least one --indicator is needed.",
            hint="See 'breakwater indicators --list'.",
        )
    series = inputs.candles(candles, from_=from_, to=to)
    columns: dict[str, Any] = {}
    for spec in indicator:
        columns.update(compute(spec, series))
    if as_json:
        output.emit_json({"columns": columns})
        return
    sys.stdout.write(",".join(["ts_ms", *columns]) + "\n")
    for t in range(len(series)):
        cells = ("" if math.isnan(column[t]) else repr(float(column[t])) for column in columns.values())
        sys.stdout.write(",".join([str(series.ts_ms[t]), *cells]) + "\n")


def waves(
    candles: Source,
    scale: Annotated[str, typer.Option(help="linear or log: in which scale lengths are compared.")] = "log",
    degrees: Annotated[
        str, typer.Option(help="ATR multiples, one per degree, smallest first.")
    ] = "3,6,12,24",
    atr: Annotated[int, typer.Option(help="ATR window in bars.")] = 14,
    last: Annotated[
        bool, typer.Option("--last", help="Give the current counts instead of the events.")
    ] = False,
    from_: From = "",
    to: To = "",
    chart: Chart = None,
    as_json: AsJson = False,
) -> None:
    """Detect Elliott waves causally. Gives JSON lines of wave events in order, or the current counts."""
    from server.cli.numbers import without_noise
    from trading.analysis.elliott import WaveDetector, WaveSettings, count_as_dict, event_as_dict

    series = inputs.candles(candles, from_=from_, to=to)
    detector = WaveDetector(
        WaveSettings(
            degrees=_multiples(degrees), atr_window_bars=atr, scale=_scale(scale), bar_ms=series.timeframe.ms
        ),
        symbol=series.pair,
        timeframe=str(series.timeframe),
    )
    log = detector.run(series)
    if chart is not None:
        from desk.research.pictures import wave_picture

        output.write_file(chart, wave_picture(series))
        output.note(f"Chart written to {chart}")
    if last:
        counts = [without_noise(count_as_dict(one)) for one in detector.counts()]
        if as_json:
            output.emit_json({"counts": counts})
        else:
            for one in counts:
                output.emit_json(one)
        return
    if as_json:
        output.emit_json({"events": [without_noise(event_as_dict(one)) for one in log]})
        return
    for event in log:
        sys.stdout.write(output.as_json(without_noise(event_as_dict(event))) + "\n")


def _scale(text: str) -> Any:
    from trading.errors import BadParameter, nearest

    if text not in {"linear", "log"}:
        raise BadParameter(
            f"Scale '{text}' was given; linear or log is allowed.",
            hint=nearest(text, ("linear", "log")) or None,
        )
    return text


def _multiples(text: str) -> tuple[float, ...]:
    from trading.errors import BadParameter

    try:
        found = tuple(float(one) for one in text.split(","))
    except ValueError:
        found = ()
    if (
        not found
        or not all(math.isfinite(one) and one > 0 for one in found)
        or list(found) != sorted(set(found))
    ):
        raise BadParameter(
            f"Degrees '{text}' were given; increasing positive ATR multiples, separated by commas, are allowed.",
            hint="For example 3,6,12,24.",
        )
    return found


def check_bias(
    name: Annotated[str, typer.Argument(help="A strategy, indicator or detector, or 'all'.")],
    candles: Source,
    strategy_path: StrategyPath = None,
    from_: From = "",
    to: To = "",
    as_json: AsJson = False,
) -> int:
    """Look for look-ahead and recursion. Is every value the same when the future is cut off, poisoned or replaced?"""
    from desk.research.bias import verdicts

    series = inputs.candles(candles, from_=from_, to=to)
    with output.progress() as bar:
        task = bar.add_task("Checking", total=None)
        found = verdicts(
            name,
            series,
            strategy_path,
            progress=lambda subject, total: bar.update(task, advance=1, total=total, description=subject),
        )
    if as_json:
        output.emit_json(found)
    else:
        rows = [
            (one["name"], "clean" if one["clean"] else "BIASED", "; ".join(one["findings"]))
            for one in found["checked"]
        ]
        output.table(f"Bias checks on {len(series)} bars", ("what", "verdict", "found"), rows)
    return 0 if found["clean"] else 1

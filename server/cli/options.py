"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def _known_stop(given: str | None) -> str | None:
    from desk.execution.winding_down import OnStop

    known = [one.value for one in OnStop]
    if given is not None and given not in known:
        raise typer.BadParameter(f"'{given}' was given; {', '.join(known)} are allowed.")
    return given


Source = Annotated[
    str,
    typer.Option(
        "--candles", "-c", help="A candle file (.csv, .csv.gz, .parquet, .feather) or venue:PAIR:timeframe."
    ),
]
Sources = Annotated[
    list[str],
    typer.Option(
        "--candles", "-c", help="A candle file or venue:PAIR:timeframe; repeat it for several pairs."
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else there.")
]
From = Annotated[str, typer.Option("--from", help="First bar: a date or time in UTC.")]
To = Annotated[str, typer.Option("--to", help="Bars before this date or time in UTC.")]
Chart = Annotated[Path | None, typer.Option("--chart", help="Write a picture (PNG) to this file.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="A strategy parameter, name=value; repeatable.")
]
StrategyPath = Annotated[
    Path | None,
    typer.Option(
        "--strategy-path", help="A folder with strategy files of your own.", envvar="BREAKWATER_STRATEGY_PATH"
    ),
]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where the database and files live.")]
Capital = Annotated[str, typer.Option(help="Starting money in quote currency.")]
Fee = Annotated[float, typer.Option(help="Fee per side as a ratio: 0.001 is 0.1 %.")]
Slippage = Annotated[float, typer.Option(help="Slippage of market and stop fills as a ratio.")]
Spread = Annotated[float, typer.Option(help="Bid-ask spread as a ratio; market fills pay half of it.")]
Trailing = Annotated[
    str,
    typer.Option(
        "--trailing",
        help="close: the bot moves trailing stops at each close; venue: the venue does inside the bar.",
    ),
]
FillRule = Annotated[
    str, typer.Option("--fill", help="through: a limit needs a price beyond it; touch: equality is enough.")
]
Limits = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        help="A risk limit or protection, name=value, e.g. max_position=0.2; none switches it off; repeatable.",
    ),
]
Detail = Annotated[
    list[str] | None,
    typer.Option(
        "--detail",
        help="Shorter candles of a pair (file or venue:PAIR:timeframe) that settle what came first inside a bar; repeatable.",
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        help="NAME or NAME:VERSION: read this model's forecasts instead of those of the promoted one.",
    ),
]
Spot = Annotated[bool, typer.Option("--spot", help="Refuse short positions, as spot venues do.")]
OnStopOption = Annotated[
    str | None,
    typer.Option(
        "--on-stop",
        help="What a stop does on live accounts: leave, protect or close; default: the setting ON_STOP.",
        callback=_known_stop,
    ),
]

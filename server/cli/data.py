"""`candles`: stored series."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from server.cli import output
from server.cli.options import AsJson, DataDir

candles = typer.Typer(help="Import, list and verify stored candle series.", no_args_is_help=True)


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.add_typer(candles, name="candles")


@candles.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A .csv, .csv.gz, .parquet or .feather file.")],
    venue: Annotated[
        str, typer.Option(help="Where the candles are from; default: from the file's name.")
    ] = "",
    pair: Annotated[str, typer.Option(help="Such as BTC/USDT; default: from the file's name.")] = "",
    timeframe: Annotated[
        str, typer.Option(help="Such as 1h; default: from the file's name or its rows.")
    ] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Import a candle file; importing it again changes nothing."""
    from desk.feeds.files import load_candles
    from server.cli.house import opened_store
    from trading.candles import fill_gaps
    from trading.errors import InvalidInput
    from trading.timeframes import Timeframe

    series = load_candles(
        file, pair=pair, venue=venue, timeframe=Timeframe.parse(timeframe) if timeframe else None
    )
    missing = [name for name, value in (("--venue", series.venue), ("--pair", series.pair)) if not value]
    if missing:
        raise InvalidInput(
            f"The name '{file.name}' does not say what the series is; give {' and '.join(missing)}."
        )
    _, gaps = fill_gaps(series)

    async def store_it() -> tuple[int, int]:
        async with opened_store(data_dir) as store, store.transaction() as tx:
            return await tx.candles.add(series)

    new, known = asyncio.run(store_it())
    name = f"{series.venue}:{series.pair}:{series.timeframe}"
    if as_json:
        document = {
            "series": name,
            "new": new,
            "known": known,
            "refused": 0,
            "gaps": len(gaps),
            "missing_bars": sum(one.bars for one in gaps),
        }
        output.emit_json(document)
        return
    output.console().print(
        f"{name}: {new} bars new, {known} known, 0 refused; {len(gaps)} gaps ({sum(one.bars for one in gaps)} bars)."
    )


@candles.command("fetch")
def fetch(
    pair: Annotated[list[str], typer.Option(help="Such as BTC/USDT; repeatable.")],
    timeframe: Annotated[str, typer.Option(help="Such as 1h.")],
    venue: Annotated[str, typer.Option(help="Exchange to ask.")] = "binance",
    from_: Annotated[
        str, typer.Option("--from", help="First day or time, UTC; default: go on after the last stored bar.")
    ] = "",
    to: Annotated[str, typer.Option(help="Up to this day or time, UTC; default: now.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Fetch candles from an exchange into the store. Stopped at any moment, the next run goes on."""
    from server.cli.fetching import fetch_all
    from server.cli.inputs import moment_ms
    from trading.timeframes import Timeframe

    rows = asyncio.run(
        fetch_all(
            venue,
            pair,
            Timeframe.parse(timeframe),
            from_ms=moment_ms(from_) if from_ else None,
            to_ms=moment_ms(to) if to else None,
            data_dir=data_dir,
        )
    )
    if as_json:
        output.emit_json({"series": rows})
        return 0
    for row in rows:
        output.console().print(
            f"{row['series']}: {row['new']} bars new, {row['known']} known, {row['corrected']} told differently by the "
            f"venue now; {row['bars']} stored, {row['gaps']} gaps ({row['missing_bars']} bars), "
            f"checksum {str(row['checksum'])[:16]}."
        )
    return 0


@candles.command("list")
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the stored series."""
    from server.cli.house import opened_store

    async def load() -> list[dict[str, object]]:
        async with opened_store(data_dir) as store, store.reading() as tx:
            return [
                {
                    "series": f"{one.venue}:{one.pair}:{one.timeframe}",
                    "bars": one.bars,
                    "from": one.first,
                    "to": one.last,
                    "checksum": one.checksum,
                }
                for one in await tx.candles.series()
            ]

    found = asyncio.run(load())
    if as_json:
        output.emit_json({"series": found})
        return
    output.table(
        "Stored series",
        ("series", "bars", "first", "last"),
        [
            (str(r["series"]), str(r["bars"]), f"{r['from']:%Y-%m-%d %H:%M}", f"{r['to']:%Y-%m-%d %H:%M}")
            for r in found
        ],
        right=(1,),
    )


@candles.command("upkeep")
def upkeep_(data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Show the series that are kept up to date. Tells what the jobs that do it did last."""
    from server.cli.upkeep import KINDS, upkeep

    found = asyncio.run(upkeep(data_dir))
    if as_json:
        output.emit_json(found)
        return 1 if found["findings"] else 0
    output.table(
        "Kept series",
        ("series", "bars", "last", "late by", "gaps", "problem"),
        [
            (
                one["series"],
                str(one["bars"]),
                f"{one['to']:%Y-%m-%d %H:%M}" if one["to"] else "-",
                f"{one['late_bars']} bars" if one["late_bars"] is not None else "-",
                "-" if one["gaps"] is None else str(one["gaps"]),
                one["problem"] or "",
            )
            for one in found["series"]
        ],
        right=(1, 3, 4),
    )
    output.table(
        "Done by the clock",
        ("what", "state", "when"),
        [
            (KINDS[kind], job["state"] if job else "never", f"{job['at']:%Y-%m-%d %H:%M}" if job else "-")
            for kind, job in found["jobs"].items()
        ],
    )
    for one in found["findings"]:
        output.console().print(one)
    return 1 if found["findings"] else 0


@candles.command("verify")
def verify(
    series: Annotated[str, typer.Argument(help="venue:PAIR:timeframe, or a candle file.")],
    as_json: AsJson = False,
) -> int:
    """Check a series against the laws of candles. Lists its gaps and gives its checksum."""
    from desk.clock import from_ms
    from desk.feeds.candle_rows import checksum
    from server.cli import inputs
    from trading.candles import check, fill_gaps

    found = check(inputs.candles(series))
    _, gaps = fill_gaps(found)
    rows = [{"from": from_ms(one.from_ms), "to": from_ms(one.to_ms), "bars": one.bars} for one in gaps]
    if as_json:
        output.emit_json(
            {
                "series": series,
                "bars": len(found),
                "timeframe": str(found.timeframe),
                "gaps": rows,
                "checksum": checksum(found),
            }
        )
        return 0
    output.console().print(
        f"{series}: {len(found)} bars of {found.timeframe}, all in order; {len(gaps)} gaps; "
        f"checksum {checksum(found)}."
    )
    if rows:
        output.table(
            "Gaps",
            ("from", "until", "bars"),
            [
                (f"{one['from']:%Y-%m-%d %H:%M}", f"{one['to']:%Y-%m-%d %H:%M}", str(one["bars"]))
                for one in rows
            ],
            right=(2,),
        )
    return 0

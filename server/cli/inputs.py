"""What commands are given: candle series, key=value settings, times and money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from trading.errors import BadParameter, InvalidInput, NotFound

if TYPE_CHECKING:
    from trading.candles import Candles


def candles(source: str, *, from_: str = "", to: str = "", data_dir: Path | None = None) -> Candles:
    """Read a candle file, or a stored series named `venue:PAIR:timeframe`, cut to [from, to).

    Raises:
        InvalidInput: neither a file nor a series.
        BadCandles: the row and the reason.
    """
    from desk.feeds.files import load_candles

    path = Path(source).expanduser()
    if (
        path.exists()
        or source.count(":") != 2
        or source.lower().endswith((".csv", ".gz", ".parquet", ".feather"))
    ):
        # Constructed series are welcome in research; what is stored or traded must be whole.
        found = load_candles(path, has_whole_bodies=False)
    else:
        found = _stored(source, data_dir)
    cut = found.between(moment_ms(from_) if from_ else None, moment_ms(to) if to else None)
    if len(cut) < 2:
        raise InvalidInput(
            f"'{source}' has {len(cut)} bars between {from_ or 'its start'} and {to or 'its end'}; at least 2 are needed."
        )
    return cut


def _stored(source: str, data_dir: Path | None) -> Candles:
    import asyncio

    from server.cli.house import opened_store

    venue, pair, timeframe = source.split(":")

    async def load() -> Candles:
        async with opened_store(data_dir) as store, store.reading() as tx:
            found = await tx.candles.load(venue, pair, timeframe)
            if len(found):
                return found
            known = [f"{one.venue}:{one.pair}:{one.timeframe}" for one in await tx.candles.series()]
        raise NotFound(
            f"No stored series '{source}'; {', '.join(known) or 'none'} is stored.",
            hint="Import one with 'breakwater candles import'.",
        )

    return asyncio.run(load())


def moment_ms(text: str) -> int:
    """Read a date or a time in UTC, or epoch milliseconds.

    Raises:
        InvalidInput: neither.
    """
    if text.isdigit() and len(text) > 8:
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise InvalidInput(
            f"Time '{text}' was given; a date such as 2024-01-31 or 2024-01-31T12:00:00Z (UTC) is allowed."
        ) from wrong
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Read `k=v` settings; numbers, true and false become values, the rest stays text.

    Raises:
        BadParameter: no equals sign.
    """
    found: dict[str, Any] = {}
    for one in pairs:
        key, equals, value = one.partition("=")
        if not equals or not key:
            raise BadParameter(
                f"Setting '{one}' was given; name=value is allowed.", hint="For example --set fast=20."
            )
        found[key.strip()] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def money(name: str, text: str) -> Decimal:
    """Read an exact positive amount.

    Raises:
        InvalidInput: not a positive finite number.
    """
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or found <= 0:
        raise InvalidInput(f"{name} is '{text}'; a positive number is allowed.")
    return found


def json_file(path: Path, what: str) -> Any:
    """Read a JSON file.

    Raises:
        InvalidInput: not there, or not JSON (names the place).
    """
    try:
        return orjson.loads(path.read_bytes())
    except OSError as failed:
        raise InvalidInput(f"{what} file '{path}' cannot be read: {failed.strerror}.") from failed
    except orjson.JSONDecodeError as wrong:
        raise InvalidInput(f"{what} file '{path}' is not JSON: {wrong}.") from wrong

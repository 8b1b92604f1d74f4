"""Candle files: CSV (plain or gzip), Parquet and Feather, read without pandas and checked before use."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.candles import Candles, check
from trading.errors import BadCandles, InvalidInput
from trading.timeframes import Timeframe

FloatArray = NDArray[np.float64]

_PRICES = ("open", "high", "low", "close", "volume")
_TIMES = ("ts_ms", "timestamp", "date", "time", "open_time", "datetime")

#: Endings that can be read.
ENDINGS = (".csv", ".csv.gz", ".parquet", ".feather")

#: Epoch seconds stay below this until the year 5138; epoch milliseconds are above it since 1973.
_SECONDS_BELOW = 100_000_000_000


def load_candles(
    path: Path,
    *,
    pair: str = "",
    venue: str = "",
    timeframe: Timeframe | None = None,
    has_whole_bodies: bool = True,
) -> Candles:
    """Read a candle file and check it.

    Args:
        path: `.csv`, `.csv.gz`, `.parquet` or `.feather` with `ts_ms` or `timestamp`/`date`, open, high, low,
            close, volume.
        pair, venue, timeframe: what the series is; by default from a name such as `binance_BTC-USDT_1h.csv.gz`,
            and the timeframe else from the commonest distance of rows.
        has_whole_bodies: refuse bars whose open or close lies outside low and high.

    Raises:
        InvalidInput: no such file, or an ending that cannot be read.
        BadCandles: the row and the reason.
    """
    if not path.is_file():
        raise InvalidInput(
            f"Candle file '{path}' does not exist.",
            hint=f"A file that ends in {', '.join(ENDINGS)} is allowed.",
        )
    name = path.name.lower()
    try:
        if name.endswith((".csv", ".csv.gz")):
            ts_ms, columns = _read_csv(path)
        elif name.endswith((".parquet", ".feather")):
            ts_ms, columns = _read_arrow(path)
        else:
            raise InvalidInput(
                f"Candle file '{path.name}' was given; endings {', '.join(ENDINGS)} are allowed."
            )
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as broken:
        raise BadCandles(f"Candle file '{path.name}' cannot be read: {broken}.") from broken
    if len(ts_ms) < 2:
        raise BadCandles(f"Candle file '{path.name}' has {len(ts_ms)} rows; at least 2 are needed.")
    named_venue, named_pair, named_timeframe = from_name(path.name)
    candles = Candles(
        ts_ms=ts_ms,
        open=columns["open"],
        high=columns["high"],
        low=columns["low"],
        close=columns["close"],
        volume=columns["volume"],
        timeframe=timeframe or named_timeframe or _commonest_step(ts_ms, path.name),
        pair=pair or named_pair,
        venue=venue or named_venue,
    )
    return check(candles, has_whole_bodies=has_whole_bodies)


def from_name(name: str) -> tuple[str, str, Timeframe | None]:
    """Give venue, pair and timeframe from a name such as `binance_BTC-USDT_1h.csv.gz`; empty where it says nothing."""
    match = re.match(r"([a-z0-9]+)_([A-Z0-9]+)-([A-Z0-9]+)_(\d+[smhdw])\.", name)
    if match:
        return match[1], f"{match[2]}/{match[3]}", Timeframe.parse(match[4])
    # freqtrade's habit: BTC_USDT-1h.feather
    match = re.match(r"([A-Z0-9]+)_([A-Z0-9]+)-(\d+[smhdw])\.", name)
    if match:
        return "", f"{match[1]}/{match[2]}", Timeframe.parse(match[3])
    return "", "", None


def _commonest_step(ts_ms: NDArray[np.int64], name: str) -> Timeframe:
    steps, counts = np.unique(np.diff(ts_ms), return_counts=True)
    step = int(steps[np.argmax(counts)])
    if step < 1_000 or step % 1_000:
        raise BadCandles(
            f"Candle file '{name}': rows are {step} ms apart most often, so the timeframe cannot be told.",
            hint="Sort the rows by time, or give the timeframe.",
        )
    return Timeframe(step)


def _read_csv(path: Path) -> tuple[NDArray[np.int64], dict[str, FloatArray]]:
    raw = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
    head, _, _ = raw.partition(b"\n")
    header = head.decode("utf-8-sig").strip()
    delimiter = ";" if header.count(";") > header.count(",") else ","
    names = [one.strip().strip('"').lower() for one in header.split(delimiter)]
    time_column, price_columns = _locate(names, path.name)
    body = raw[len(head) + 1 :]
    if not body.strip():
        return np.empty(0, np.int64), {one: np.empty(0) for one in _PRICES}
    try:
        prices = np.loadtxt(
            io.BytesIO(body),
            delimiter=delimiter,
            usecols=price_columns,
            ndmin=2,
            dtype=np.float64,
            quotechar='"',
            comments=None,
        )
        times: NDArray[Any] = np.loadtxt(
            io.BytesIO(body),
            delimiter=delimiter,
            usecols=time_column,
            ndmin=1,
            dtype=np.str_,
            quotechar='"',
            comments=None,
        )
    except (ValueError, IndexError):
        raise _first_bad_row(body, delimiter, names, price_columns, path.name) from None
    return _epoch_ms(times, path.name, is_ms=names[time_column] == "ts_ms"), {
        one: np.ascontiguousarray(prices[:, i]) for i, one in enumerate(_PRICES)
    }


def _locate(names: Sequence[str], file: str) -> tuple[int, list[int]]:
    time_column = next((names.index(one) for one in _TIMES if one in names), None)
    missing = [one for one in _PRICES if one not in names]
    if time_column is None or missing:
        lacks = ([] if time_column is not None else ["ts_ms"]) + missing
        raise BadCandles(
            f"Candle file '{file}' has the columns {', '.join(names)[:200]}; {', '.join(lacks)} is missing.",
            hint="A header line with ts_ms (or timestamp, date), open, high, low, close, volume is needed.",
        )
    return time_column, [names.index(one) for one in _PRICES]


def _first_bad_row(
    body: bytes, delimiter: str, names: Sequence[str], price_columns: Sequence[int], file: str
) -> BadCandles:
    for row, line in enumerate(body.decode("utf-8", "replace").splitlines()):
        if not line.strip():
            continue
        cells = [one.strip().strip('"') for one in line.split(delimiter)]
        if len(cells) < len(names):
            return BadCandles(
                f"Candle file '{file}', row {row}: {len(cells)} cells were found; {len(names)} are needed.",
                hint="Correct or remove the row; nothing was imported.",
            )
        for column in price_columns:
            try:
                float(cells[column])
            except ValueError:
                return BadCandles(
                    f"Candle file '{file}', row {row}: {names[column]} is '{cells[column][:40]}'; a number is needed.",
                    hint="Correct or remove the row; nothing was imported.",
                )
    return BadCandles(f"Candle file '{file}' is not a table of numbers.")


def _epoch_ms(times: NDArray[Any], file: str, *, is_ms: bool) -> NDArray[np.int64]:
    try:
        numbers = times.astype(np.float64)
    except ValueError:
        return _dates_ms(times, file) if "-" in str(times[0]) else _numbers_only(times, file)
    if not np.isfinite(numbers).all():
        row = int(np.argmin(np.isfinite(numbers)))
        raise BadCandles(
            f"Candle file '{file}', row {row}: the time is '{times[row]}'; a number or a date is needed."
        )
    # A column named ts_ms says its unit; any other may hold seconds.
    scale = 1_000 if not is_ms and numbers.max() < _SECONDS_BELOW else 1
    return np.round(numbers * scale).astype(np.int64)


def _numbers_only(times: NDArray[Any], file: str) -> NDArray[np.int64]:
    row = next(i for i, one in enumerate(times) if not re.fullmatch(r"[-+0-9.eE]+", str(one)))
    raise BadCandles(
        f"Candle file '{file}', row {row}: the time is '{str(times[row])[:40]}'; a number is needed.",
        hint="Correct or remove the row; nothing was imported.",
    )


def _dates_ms(times: NDArray[Any], file: str) -> NDArray[np.int64]:
    # RFC 3339 in UTC: "2024-01-01 00:00:00+00:00", "2024-01-01T00:00:00Z".
    plain = [re.sub(r"(Z|[+-]00:?00| UTC)$", "", str(one)).replace(" ", "T") for one in times]
    for row, text in enumerate(plain):
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?", text):
            raise BadCandles(
                f"Candle file '{file}', row {row}: the time is '{times[row]}'; epoch milliseconds or a UTC date is needed."
            )
    return np.asarray(plain, "datetime64[ms]").astype(np.int64)


def _read_arrow(path: Path) -> tuple[NDArray[np.int64], dict[str, FloatArray]]:
    # pyarrow takes 0.2 s to import and only these two formats need it.
    import pyarrow as pa
    from pyarrow import feather, parquet

    try:
        table = (
            parquet.read_table(path) if path.name.lower().endswith(".parquet") else feather.read_table(path)
        )
    except pa.ArrowInvalid as broken:
        raise BadCandles(f"Candle file '{path.name}' cannot be read: {broken}.") from broken
    by_name = {str(one).lower(): one for one in table.column_names}
    names = list(by_name)
    time_column, price_columns = _locate(names, path.name)
    times = table[by_name[names[time_column]]]
    if pa.types.is_timestamp(times.type):
        ts_ms = times.cast(pa.timestamp("ms", tz=times.type.tz)).cast(pa.int64()).to_numpy()
    else:
        ts_ms = _epoch_ms(times.to_numpy().astype(np.str_), path.name, is_ms=names[time_column] == "ts_ms")
    try:
        columns = {
            one: table[by_name[names[i]]].to_numpy().astype(np.float64)
            for one, i in zip(_PRICES, price_columns, strict=True)
        }
    except (TypeError, ValueError) as broken:
        raise BadCandles(
            f"Candle file '{path.name}': a price column is not made of numbers: {broken}."
        ) from broken
    return np.asarray(ts_ms, np.int64), columns

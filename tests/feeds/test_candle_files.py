from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from desk.feeds.files import from_name, load_candles
from tests.support.data import shared_data
from trading.errors import BadCandles, InvalidInput
from trading.timeframes import Timeframe

HEADER = "ts_ms,open,high,low,close,volume\n"
ROWS = (
    "1704067200000,100,101,99,100.5,5\n"
    "1704070800000,100.5,102,100,101,6\n"
    "1704074400000,101,103,100,102,7\n"
)  # fmt: skip


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["binance_BTC-USDT_1h.csv", "binance_BTC-USDT_1h.csv.gz"])
def test_a_csv_file_gives_its_rows_and_says_what_it_is_by_its_name(tmp_path: Path, name: str) -> None:
    candles = load_candles(write(tmp_path, name, HEADER + ROWS))

    assert (candles.venue, candles.pair, str(candles.timeframe)) == ("binance", "BTC/USDT", "1h")
    assert candles.close.tolist() == [100.5, 101.0, 102.0]


def test_seconds_dates_and_other_column_orders_are_understood(tmp_path: Path) -> None:
    by_date = "date;volume;close;open;high;low\n2024-01-01 00:00:00+00:00;5;100.5;100;101;99\n2024-01-01T01:00:00Z;6;101;100.5;102;100\n"
    by_second = "Timestamp,Open,High,Low,Close,Volume\n1704067200,100,101,99,100.5,5\n1704070800,100.5,102,100,101,6\n"

    dated = load_candles(write(tmp_path, "a.csv", by_date))
    seconds = load_candles(write(tmp_path, "b.csv", by_second))

    assert dated.ts_ms.tolist() == seconds.ts_ms.tolist() == [1704067200000, 1704070800000]
    assert dated.close.tolist() == seconds.close.tolist()
    assert dated.timeframe == Timeframe.parse("1h")


def test_parquet_and_feather_give_the_same_as_csv(tmp_path: Path) -> None:
    plain = load_candles(write(tmp_path, "a.csv", HEADER + ROWS))
    table = pa.table(
        {
            "date": pa.array(plain.ts_ms, pa.timestamp("ms", tz="UTC")),
            **{one: getattr(plain, one) for one in ("open", "high", "low", "close", "volume")},
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    feather.write_feather(table, str(tmp_path / "BTC_USDT-1h.feather"))

    for name in ("a.parquet", "BTC_USDT-1h.feather"):
        other = load_candles(tmp_path / name)
        assert np.array_equal(other.ts_ms, plain.ts_ms)
        assert np.array_equal(other.close, plain.close)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEADER + ROWS.replace("101,103,100,102", "101,99,100,102"), "row 2"),
        (HEADER + ROWS.replace("100.5,102", "abc,102"), "row 1: open is 'abc'"),
        (HEADER + ROWS + "1704074400000,101,103,100,102,7\n", "row 3 (ts_ms 1704074400000): the time repeats"),
        (HEADER + ROWS + "1704067200000,101,103,100,102,7\n", "row 3 (ts_ms 1704067200000): the time is before"),
        (HEADER + ROWS + "1704078000001,101,103,100,102,7\n", "off the 1h grid"),
        (HEADER + ROWS + "1704078000000,nan,103,100,102,7\n", "not a finite number"),
        (HEADER + ROWS + "1704078000000,1,103,0,102,7\n", "not positive"),
        (HEADER + ROWS + "1704078000000,101,103\n", "row 3: 3 cells"),
        (HEADER + ROWS + "yesterday,101,103,100,102,7\n", "row 3: the time is 'yesterday'"),
        (HEADER, "has 0 rows"),
        ("time,open,high,low,close\n", "volume is missing"),
        ("", "missing"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_refused_with_the_row_and_the_reason(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(BadCandles) as refused:
        load_candles(write(tmp_path, "x.csv", text))

    assert says in str(refused.value)


def test_a_file_that_is_not_there_or_not_readable_gives_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not exist"):
        load_candles(tmp_path / "none.csv")
    with pytest.raises(InvalidInput, match="endings"):
        load_candles(write(tmp_path, "x.xls", "1"))
    broken = tmp_path / "x.csv.gz"
    broken.write_bytes(gzip.compress((HEADER + ROWS * 500).encode())[:-40])
    with pytest.raises(BadCandles, match="cannot be read"):
        load_candles(broken)


def test_names_tell_venue_pair_and_timeframe() -> None:
    assert from_name("kraken_ETH-EUR_5m.csv.gz") == ("kraken", "ETH/EUR", Timeframe.parse("5m"))
    assert from_name("ETH_EUR-4h.feather") == ("", "ETH/EUR", Timeframe.parse("4h"))
    assert from_name("anything.csv") == ("", "", None)


def test_every_real_hourly_file_obeys_the_laws(tmp_path: Path) -> None:
    folder = shared_data()
    files = sorted(folder.glob("ohlcv/*_1h.csv.gz")) if folder else [write(tmp_path, "a.csv", HEADER + ROWS)]

    lengths = [len(load_candles(path)) for path in files]

    assert min(lengths) >= 3

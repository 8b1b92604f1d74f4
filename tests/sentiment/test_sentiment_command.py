"""`breakwater sentiment score`: a text, lines, a CSV, packed or not; and what is neither."""

from __future__ import annotations

import gzip
from pathlib import Path

import orjson

from tests.support.cli import assert_refused, breakwater

TEXTS = ["Bitcoin soars to a record high as inflows surge", "", "Exchange files for bankruptcy after hack"]


def _labels(argument: object) -> list[int]:
    document = orjson.loads(breakwater("sentiment", "score", argument, "--json").out)
    assert [set(one) for one in document["texts"]] == [{"text", "label", "score"}] * len(document["texts"])
    assert document["model"].startswith("breakwater-sentiment")
    return [one["label"] for one in document["texts"]]


def test_a_text_and_files_of_either_shape_are_scored(tmp_path: Path) -> None:
    lines, table = tmp_path / "news.txt", tmp_path / "news.csv"
    lines.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    table.write_text(
        "id,text\n" + "".join(f'{at},"{one}"\n' for at, one in enumerate(TEXTS)), encoding="utf-8"
    )
    packed = tmp_path / "news.csv.gz"
    packed.write_bytes(gzip.compress(table.read_bytes()))

    assert _labels(TEXTS[0]) == [1]
    assert _labels(lines) == [1, 0, -1]
    assert _labels(table) == [1, 0, -1]
    assert _labels(packed) == [1, 0, -1]


def test_people_read_a_table() -> None:
    ran = breakwater("sentiment", "score", "[red]Bitcoin[/red] soars to a record high")

    assert ran.code == 0
    assert "[red]Bitcoin[/red] soars" in ran.out
    assert "bullish" in ran.out


def test_what_cannot_be_scored_is_named(tmp_path: Path) -> None:
    table, noise, cut = tmp_path / "a.csv", tmp_path / "b.txt", tmp_path / "c.csv.gz"
    table.write_text("title,body\nx,y\n", encoding="utf-8")
    noise.write_bytes(b"\xff\xfe\x00")
    cut.write_bytes(gzip.compress(b"text\nx\n" * 100)[:20])

    assert_refused(breakwater("sentiment", "score", table), "title, body", "one called text is needed")
    assert_refused(breakwater("sentiment", "score", noise), "is not UTF-8 text")
    assert_refused(breakwater("sentiment", "score", cut), "cannot be read")
    assert_refused(breakwater("sentiment", "score", "x", "--model", "nowhere"), "no folder and no name")

"""Allocation, correlation, limits as dials, drift; and the reader's language inside every picture."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from chatops.cards import Card, Chart, Text
from chatops.pictures import in_language
from chatops.texts.catalogue import catalogue
from desk.charts.drawing import draw
from desk.charts.kinds import KINDS
from desk.charts.look import clean, price_text, when
from desk.charts.specs import Theme
from desk.charts.words import ENGLISH, numeral, speaking, word
from tests.chatops.hostile import SEEDS
from trading.errors import InvalidInput, ShapeMismatch

_START = 1_767_600_000_000
_HOURS = [_START + 3_600_000 * step for step in range(60)]

SPECS: dict[str, dict[str, Any]] = {
    "allocation": {
        "labels": ["USDT", "BTC/USDT", "ETH/USDT"],
        "values": [7950.25, 2098.1, -640.5],
        "currency": "USDT",
    },
    "correlation": {
        "names": ["BTC/USDT", "ETH/USDT", "XRP/USDT"],
        "values": [1.0, 0.93, 0.1, 0.93, 1.0, float("nan"), 0.1, float("nan"), 1.0],
        "held": ["BTC/USDT"],
    },
    "gauge": {
        "gauges": [
            {"label": "drawdown", "used": 0.16, "text": "3.2 % of 20 %"},
            {"label": "open risk", "used": 1.04},
            {"label": "slots", "used": float("nan")},
        ]
    },
    "drift": {
        "ts_ms": _HOURS,
        "live": [float(step) for step in range(60)],
        "replay": [step * 1.2 for step in range(60)],
        "note": "41 of 42",
    },
    "before_after": {
        "labels": ["USDT", "BTC/USDT", "ETH/USDT"],
        "before": [5000.0, 2100.5, -800.0],
        "after": [7100.5, 0.0, -800.0],
        "currency": "USDT",
    },
    "search": {
        "trials": [0, 3, 1, 7],
        "values": [0.4, -1.2, 0.9, 1.5],
        "done": 12,
        "of": 50,
    },
    "fan": {
        "ts_ms": _HOURS,
        "close": [100.0 + step % 7 for step in range(60)],
        "ahead_ms": [_HOURS[-1] + 3_600_000 * step for step in range(3)],
        "bands": [104.0, 101.0, 99.0, 104.0, 104.5, 105.0, 104.0, 107.0, 109.0],
        "quantiles": [0.1, 0.5, 0.9],
    },
}


def size_of(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return int(width), int(height)


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("kind", sorted(SPECS))
def test_each_is_drawn_the_same_each_time_in_both_themes(kind: str, theme: Theme) -> None:
    spec = {**SPECS[kind], "title": "Paper", "theme": theme.value}

    first = draw(kind, spec)

    assert size_of(first)[0] == 1280
    assert len(first) < 300_000
    assert draw(kind, spec) == first


def test_the_reader_s_language_changes_the_picture() -> None:
    card = Card(
        name="x", title=Text("balance.title"), chart=Chart(kind="gauge", spec=SPECS["gauge"], name="risk")
    )
    french = in_language(card, "fr")
    assert french.chart is not None
    assert in_language(card, "en") is card

    assert french.chart.spec["words"]["reached"] == "atteint"
    assert draw("gauge", french.chart.spec) != draw("gauge", SPECS["gauge"])


def test_every_word_of_a_picture_is_in_every_catalogue() -> None:
    for language in ("en", "fr"):
        known = {code.removeprefix("picture.") for code in catalogue(language) if code.startswith("picture.")}
        assert known == set(ENGLISH)
    assert all(catalogue("en")[f"picture.{name}"] == text for name, text in ENGLISH.items())


def test_numbers_and_months_follow_the_words() -> None:
    french = {
        name.removeprefix("picture."): str(text)
        for name, text in catalogue("fr").items()
        if name.startswith("picture.")
    }

    with speaking(french):
        assert price_text(1234567.5, 2) == "1\u202f234\u202f567,50"
        assert when(_START, "%d %b %Y") == "05 janv. 2026"
        assert word("deepest", depth="{day}", day="x") == "repli, au plus bas {day} le x"
    assert numeral("1,234.5") == "1,234.5"
    with speaking({"months": "only|two"}):
        assert when(_START, "%b") == "Jan"


@pytest.mark.parametrize("kind", sorted(SPECS))
@pytest.mark.parametrize("text", [one for one in SEEDS if one != "\ud800 lone"][:6])
def test_hostile_names_are_drawn_as_they_are(kind: str, text: str) -> None:
    spec = {**SPECS[kind], "title": text, "subtitle": text}
    for name in ("labels", "names", "held"):
        if name in spec:
            spec[name] = [text, *spec[name][1:]]
    if kind == "gauge":
        spec["gauges"] = [{"label": text, "used": 0.5, "text": text}]

    assert size_of(draw(kind, spec))[0] == 1280
    assert all(one.isprintable() for one in clean(text))


def test_many_small_parts_become_one_and_many_dials_keep_two_rows() -> None:
    many = {"labels": [f"A{n}/USDT" for n in range(40)], "values": [float(40 - n) for n in range(40)]}

    assert size_of(draw("allocation", many)) == (1280, 640)
    assert size_of(draw("gauge", {"gauges": [{"label": "x", "used": 0.1}] * 20})) == (1280, 740)
    wide = {"names": [f"N{n}" for n in range(20)], "values": np.eye(20).ravel().tolist()}
    assert size_of(draw("correlation", wide)) == (1280, 800)


@pytest.mark.parametrize(
    ("kind", "spec", "error"),
    [
        ("allocation", {"labels": ["a"], "values": []}, ShapeMismatch),
        ("allocation", {"labels": [], "values": []}, InvalidInput),
        ("correlation", {"names": ["a", "b"], "values": [1.0]}, ShapeMismatch),
        ("gauge", {"gauges": []}, InvalidInput),
        ("drift", {"ts_ms": [1], "live": [1.0], "replay": [1.0]}, InvalidInput),
        ("before_after", {"labels": [], "before": [], "after": []}, InvalidInput),
        ("before_after", {"labels": ["a"], "before": [1.0], "after": []}, ShapeMismatch),
        ("search", {"trials": [], "values": []}, InvalidInput),
        ("fan", {**SPECS["fan"], "quantiles": [0.1, 0.9]}, ShapeMismatch),
    ],
)
def test_malformed_specs_are_refused(kind: str, spec: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        draw(kind, spec)


def test_every_kind_has_a_drawer() -> None:
    assert set(SPECS) < set(KINDS)

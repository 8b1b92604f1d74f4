"""10,000 hostile strings through every renderer: nothing breaks, nothing is injected, nothing is lost.

Terminal, JSON, mail text and mail HTML take each string by itself; pictures take them by the hundred under bars and by
the dozen in every other place where a picture holds data.

Run: python tests/proofs/hostile_texts.py [--full]      (600 strings; --full: 10,000)
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from desk.charts.drawing import draw
from desk.charts.look import clean
from tests.chatops.hostile import strings
from tests.chatops.renderers import check_everywhere

#: Strings that one picture of bars holds, and one of the others.
_BY_THE_HUNDRED, _BY_THE_DOZEN = 100, 12


def bars_of(texts: list[str]) -> tuple[str, dict[str, Any]]:
    """Give a picture with a string under each bar."""
    values = [float(number) for number in range(len(texts))]
    return "daily", {
        "labels": texts,
        "values": values,
        "currency": texts[0],
        "title": texts[0],
        "subtitle": texts[-1],
    }


def pictures_of(texts: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Give pictures of every other kind that hold strings wherever data may stand."""
    heads = {"title": texts[0], "subtitle": texts[-1]}
    count = len(texts)
    times = [1_767_225_600_000 + 3_600_000 * number for number in range(30)]
    candles: dict[str, Any] = {
        "ts_ms": times,
        **dict.fromkeys(("open", "high", "low", "close", "volume"), [100.0] * 30),
        **heads,
    }
    marks = [
        {"ts_ms": times[number], "price": 100.0 + number, "label": one}
        for number, one in enumerate(texts[:6])
    ]
    return [
        ("allocation", {"labels": texts, "values": [float(n + 1) for n in range(count)], **heads}),
        ("correlation", {"names": texts, "values": [0.1] * count**2, "held": texts[:2], **heads}),
        ("gauge", {"gauges": [{"label": one, "used": 0.5, "text": one} for one in texts], **heads}),
        (
            "trade",
            {
                **candles,
                "levels": [{"price": 101.0 + n, "label": one} for n, one in enumerate(texts[6:])],
                "trade": {"is_long": True, "entry": marks[0], "exits": marks[1:]},
                "waves": [{"points": marks, "pattern": texts[0], "running": texts[-1]}],
                "overlays": [{"label": texts[1], "values": [100.0] * 30}],
            },
        ),
        (
            "equity",
            {
                "ts_ms": times,
                "equity": [100.0 + n for n in range(30)],
                "currency": texts[2],
                **heads,
            },
        ),
    ]


def main(count: int) -> None:
    """Render them all."""
    began = time.process_time()
    found = list(strings(count, seed=7))
    for number, text in enumerate(found):
        try:
            check_everywhere(text, ("en", "fr")[number % 2])
            assert all(one.isprintable() for one in clean(text)), "a picture would hold a control character"
        except AssertionError as problem:
            raise SystemExit(f"string {number} {text!r}: {problem}") from problem
    wanted = [bars_of(found[start : start + _BY_THE_HUNDRED]) for start in range(0, count, _BY_THE_HUNDRED)]
    for turn, start in enumerate(range(0, count, _BY_THE_DOZEN)):
        # Every string stands under a bar and in one picture of another kind; the kinds take turns.
        first = min(start, count - _BY_THE_DOZEN)
        others = pictures_of(found[first : first + _BY_THE_DOZEN])
        wanted.append(others[turn % len(others)])
    for number, (kind, spec) in enumerate(wanted):
        assert draw(kind, spec).startswith(b"\x89PNG"), (kind, number)
    took = time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{count} strings, 5 renderers (terminal, JSON, mail text, mail HTML, {len(wanted)} pictures of 6 kinds): "
        f"0 failures, {took:.1f} s CPU, {memory} MiB at most"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    main(10_000 if parser.parse_args().full else 600)

"""10,000 hostile strings through every renderer: nothing breaks, nothing is injected, nothing is lost.

Terminal, JSON, mail text and mail HTML take each string by itself; pictures take them by the dozen, in every place
where a picture holds data.

Run: python tests/proofs/hostile_texts.py [--full]      (2,000 strings; --full: 10,000)
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from desk.charts.drawing import draw
from desk.charts.look import clean
from tests.chatops.hostile import strings
from tests.chatops.renderers import check_everywhere

#: Strings that one round of pictures holds.
_BY_THE_DOZEN = 40


def pictures_of(texts: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Give pictures that hold strings wherever data may stand."""
    names = texts[:12]
    heads = {"title": texts[0], "subtitle": texts[-1]}
    flat = [0.1] * (len(names) ** 2)
    return [
        (
            "daily",
            {"labels": texts, "values": [float(n) for n in range(len(texts))], "currency": texts[0], **heads},
        ),
        ("allocation", {"labels": names, "values": [float(n + 1) for n in range(len(names))], **heads}),
        ("correlation", {"names": names, "values": flat, "held": names[:2], **heads}),
        ("gauge", {"gauges": [{"label": one, "used": 0.5, "text": one} for one in texts[:8]], **heads}),
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
    drawn = 0
    for start in range(0, count, _BY_THE_DOZEN):
        for kind, spec in pictures_of(found[start : start + _BY_THE_DOZEN]):
            assert draw(kind, spec).startswith(b"\x89PNG"), (kind, start)
            drawn += 1
    took = time.process_time() - began
    print(
        f"{count} strings, 5 renderers (terminal, JSON, mail text, mail HTML, {drawn} pictures): 0 failures, "
        f"{took:.1f} s CPU"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    main(10_000 if parser.parse_args().full else 2_000)

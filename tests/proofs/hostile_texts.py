"""10,000 hostile strings through every renderer: nothing breaks, nothing is injected, nothing is lost.

Run: python tests/proofs/hostile_texts.py [count]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.chatops.hostile import strings
from tests.chatops.renderers import check_everywhere


def main(count: int) -> None:
    began = time.process_time()
    for number, text in enumerate(strings(count, seed=7)):
        try:
            check_everywhere(text, ("en", "fr")[number % 2])
        except AssertionError as problem:
            raise SystemExit(f"string {number} {text!r}: {problem}") from problem
    took = time.process_time() - began
    print(
        f"{count} strings, 4 renderers (terminal, JSON, mail text, mail HTML): 0 failures, {took:.1f} s CPU"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)

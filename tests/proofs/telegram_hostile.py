"""10,000 hostile strings as Telegram messages and buttons: every page is taken, nothing is injected or live, nothing lost.

Run: python tests/proofs/telegram_hostile.py [--full]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.chatops.hostile import strings
from tests.chatops.telegram_renderer import check_telegram


def main(count: int) -> None:
    """Check so many strings, in both languages by turns."""
    began = time.process_time()
    for number, text in enumerate(strings(count, seed=7)):
        try:
            check_telegram(text, ("en", "fr")[number % 2])
        except Exception as problem:
            raise SystemExit(f"string {number} {text!r}: {problem}") from problem
    print(f"hostile: {count} strings on Telegram: 0 failures, {time.process_time() - began:.1f} s CPU")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    main(10_000 if parser.parse_args().full else 1_000)

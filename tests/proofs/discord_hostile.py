"""Hostile strings as embeds, buttons and slash options: within Discord's limits, obeyed nowhere, nothing lost.

Run: python tests/proofs/discord_hostile.py [--full]     (1,500 strings; --full: 10,000)
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from chatops.arguments import take_apart
from chatops.commands import full_book
from chatops.discord_bot.markdown import escaped
from chatops.discord_bot.tree import line_of
from chatops.problems import Misheard
from tests.chatops.discord_renderings import check_as_embeds
from tests.chatops.hostile import strings
from tests.support.discord_markdown import read


def main(count: int) -> None:
    word = full_book().find("pause")
    assert word is not None
    began = time.process_time()
    refused = 0
    for number, text in enumerate(strings(count, seed=11)):
        try:
            check_as_embeds(text, ("en", "fr")[number % 2])
            assert read(escaped(text)).marks == []
            line = line_of(word, [{"name": "bot", "value": text}, {"name": "reason", "value": text}])
            try:
                args = word.read(take_apart(line).rest)
            except Misheard:
                # Too long for a reader: said plainly, and nothing is done.
                refused += 1
                continue
            assert args["for"] is None, "a value became another argument"
            assert args["bot"] == args["reason"]
        except AssertionError as problem:
            raise SystemExit(f"string {number} {text!r}: {problem}") from problem
    print(
        f"{count} strings as title, text, field, cell, footer, button and slash option: 0 refused by Discord's limits, "
        f"0 obeyed as markup, link or mention, 0 lost; {refused} too long for an argument; "
        f"{time.process_time() - began:.1f} s CPU"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    main(10_000 if parser.parse_args().full else 1_500)

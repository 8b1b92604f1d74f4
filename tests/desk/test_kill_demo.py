"""The proof that kill -9 changes nothing, in its short profile."""

from __future__ import annotations

from pathlib import Path

from tests.proofs.kill_demo import prove


def test_a_demo_that_was_killed_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    # One kill here; `make prove` kills again and again.
    figures = prove(1, seed=3, folder=tmp_path)

    assert figures["kills"] == 1
    assert figures["bars"] > 0

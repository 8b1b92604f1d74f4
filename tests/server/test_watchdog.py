"""The watchdog: a loop that stands still ends its process, with the place written down; a stopped process gets its chance."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from server.watchdog import BEAT_S, STALLED, Watchdog

_ROOT = Path(__file__).resolve().parents[2]

_PROGRAM = """
import asyncio, sys, time
from server.watchdog import watched

def stand_still():
    time.sleep(60)

async def main():
    with watched(1):
        await asyncio.sleep(1.6)
        print("lived", flush=True)
        stand_still()

asyncio.run(main())
"""


class Elapsed:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_loop_that_beats_is_left_alone_and_one_that_does_not_is_found() -> None:
    elapsed = Elapsed()
    dog = Watchdog(3.0, elapsed=elapsed)
    found = []

    for step in range(20):
        elapsed.now_s += BEAT_S
        if step < 10:
            dog.beat()
        found.append(dog.look())

    assert found.index(True) == 15
    assert not any(found[:15])


def test_a_process_that_was_stopped_for_an_hour_gets_its_chance() -> None:
    elapsed = Elapsed()
    dog = Watchdog(3.0, elapsed=elapsed)

    elapsed.now_s += 3_600.0

    assert not dog.look()
    dog.beat()
    assert not dog.look()


def test_a_stalled_process_says_where_it_stands_and_ends_with_its_own_code() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=_ROOT, capture_output=True, text=True, check=False, timeout=60
    )

    assert done.stdout.startswith("lived")
    assert done.returncode == STALLED, done.stderr
    assert "loop_stalled" in done.stdout + done.stderr
    assert "stand_still" in done.stdout + done.stderr

"""Stop the owner of an account in the middle of its work, let another take over, wake the first: nobody sends twice.

    python tests/proofs/split_brain.py [--full] [--rounds 50]

Each round: a trader works at 20 orders a second; SIGSTOP; once its lease has run out a second trader takes it and
works; SIGCONT; the first must lose. Short profile: 3 rounds. PostgreSQL, because
SQLite has one machine and one writer anyway: who stands still with the lock in its hand stops everybody. In the end the judge compares witness and rows, and no
client id may have been asked for twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "graphql")]

from desk.bots import leases  # noqa: E402
from desk.store import migrate  # noqa: E402
from tests.support.kill_cycles import Tally, WitnessProcess, an_account, heal_and_judge  # noqa: E402
from tests.support.live_trader import Job, trade  # noqa: E402
from tests.support.services import PostgresServer  # noqa: E402

#: Leases of these traders run out sooner, so that fifty rounds fit into minutes; the rules are the same.
LEASE_S, HEARTBEAT_S = 1.2, 0.4

#: Exit code when a take-over came too late; `tools/prove.py` tries once more.
TOO_SLOW = 75


def start(job: Job) -> tuple[int, int]:
    """Fork a trader; give its pid and its pipe."""
    told_r, told_w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(told_r)
        try:
            trade(job, lambda text: _tell(told_w, text))
        finally:
            os._exit(0)
    os.close(told_w)
    return pid, told_r


def _tell(pipe: int, text: str) -> None:
    os.write(pipe, text.encode() + b"\n")


def wait_for(pipe: int, word: bytes, within_s: float) -> bytes:
    """Read a trader's pipe until a word is told; give everything read."""
    read = b""
    until = time.monotonic() + within_s
    while word not in read and time.monotonic() < until:
        if select.select([pipe], [], [], 0.1)[0]:
            chunk = os.read(pipe, 65_536)
            if not chunk:
                break
            read += chunk
    return read


def acknowledged(told: bytes) -> list[str]:
    """Give the orders that a trader acknowledged."""
    return [line[3:].decode() for line in told.split(b"\n") if line.startswith(b"ok ")]


def one_round(job: Job, number: int, tally: Tally) -> bool:
    """Play one round; tell whether the second trader took over while the first was stopped."""
    first, first_pipe = start(replace(job, seed=number * 2))
    told = wait_for(first_pipe, b"ok ", 20.0)
    time.sleep(0.05 + 0.01 * (number % 20))
    os.kill(first, signal.SIGSTOP)
    second, second_pipe = start(replace(job, seed=number * 2 + 1))
    told_second = wait_for(second_pipe, b"ok ", 60.0)
    for _ in range(3):
        if b"ready" in told_second:
            break
        # It gave up on a database in the hand of somebody who stands still; whoever supervises starts it again.
        os.kill(second, signal.SIGKILL)
        os.waitpid(second, 0)
        os.close(second_pipe)
        second, second_pipe = start(replace(job, seed=number * 2 + 1))
        told_second = wait_for(second_pipe, b"ok ", 60.0)
    took_over = b"ready" in told_second
    os.kill(first, signal.SIGCONT)
    time.sleep(0.5)
    for pid in (first, second):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    for pipe, so_far in ((first_pipe, told), (second_pipe, told_second)):
        tally.acknowledged += acknowledged(so_far + wait_for(pipe, b"\0", 0.3))
        os.close(pipe)
    tally.kills += 2
    return took_over


def main() -> int:
    """Prove it; 0 when nobody sent twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--rounds", type=int, default=0)
    options = parser.parse_args()
    rounds = options.rounds or (50 if options.full else 3)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    leases.LEASE_TTL_S, leases.HEARTBEAT_S = LEASE_S, HEARTBEAT_S
    with tempfile.TemporaryDirectory() as folder:
        server = PostgresServer(is_own=True)
        witness = WitnessProcess(Path(folder), dedupe="none")
        try:
            url = server.database_url("postgres")
            asyncio.run(migrate(url))
            result = prove(url, witness, rounds)
        finally:
            witness.close()
            server.close()
    print(json.dumps(result, indent=1))
    if result["double_sends"] or result["complaints"]:
        return 1
    # Whoever takes over needs time to start; on a busy machine it comes too late for its round.
    return 0 if result["took_over"] == rounds else TOO_SLOW


def prove(url: str, witness: WitnessProcess, rounds: int) -> dict[str, Any]:
    """Play the rounds, heal, judge."""
    workspace_id, account_id = asyncio.run(an_account(url))
    job = Job(
        url=url, port=witness.port, account_id=account_id, workspace_id=workspace_id, seed=0, most_s=60.0
    )
    tally = Tally()
    took_over = sum(one_round(job, number, tally) for number in range(rounds))
    found = heal_and_judge(job, witness, tally)
    asked = Counter(witness.witnessed().requests)
    return {
        "rounds": rounds,
        "took_over": took_over,
        "orders": len(asked),
        "double_sends": sum(count - 1 for count in asked.values()),
        "complaints": found[:10],
    }


if __name__ == "__main__":
    sys.exit(main())

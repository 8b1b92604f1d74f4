"""Restart a durable PostgreSQL under load with a pool of two: it heals within 5 s and leaks no slot.

    python tests/proofs/database_restarts.py [--full] [--restarts 20]

Half of the stops are crashes. Five tasks write intents all the time; every acknowledged one must be there afterwards,
and the journal may have no gap. Short profile: 4 restarts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

import structlog

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "graphql")]

from tests.support.crashes import restart_under_load  # noqa: E402
from tests.support.services import PostgresServer  # noqa: E402


def main() -> int:
    """Prove it; an assertion says what did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--restarts", type=int, default=0)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    restarts = options.restarts or (20 if options.full else 4)
    server = PostgresServer(is_own=True, is_durable=True)
    try:
        ways = [signal.SIGINT if number % 2 == 0 else signal.SIGQUIT for number in range(restarts)]
        healed_s = asyncio.run(restart_under_load(server, ways))
    finally:
        server.close()
    print(
        json.dumps(
            {
                "restarts": restarts,
                "healed_s": {
                    "median": round(sorted(healed_s)[restarts // 2], 2),
                    "most": round(max(healed_s), 2),
                },
                "leaked_slots": 0,
                "lost": 0,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How long `audit verify` takes: a whole chain and its seals, in the embedded database.

python benchmarks/audit_verify.py [--lines 100000]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from desk.audit_seals import AuditSeals, verify
from desk.clock import SystemClock
from desk.store import migrate, open_store

#: Lines written per transaction.
CHUNK = 2_000

#: A head was signed each so many lines.
SEALED_EVERY = 1_000

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def run(lines: int, folder: Path) -> tuple[float, float]:
    """Write a chain; give seconds on the wall and of processor time that its verification took."""
    url = f"sqlite:{folder / 'audit.db'}"
    await migrate(url)
    store = open_store(url, clock=SystemClock())
    seals = AuditSeals(folder)
    try:
        async with store.transaction() as tx:
            workspace = await tx.workspaces.create("bench")
        for start in range(0, lines, CHUNK):
            async with store.transaction() as tx:
                for n in range(start, min(start + CHUNK, lines)):
                    line = await tx.audit.append(
                        workspace.id,
                        at=AT,
                        actor="olga@telegram",
                        channel="telegram",
                        action="StartBot",
                        subject="01a2089a-f135-751f-8ec1-5c697baaa7a9",
                        detail={"bot_id": "tide", "reason": "the week begins", "n": n},
                        outcome="done",
                    )
                    if line.sequence % SEALED_EVERY == 0:
                        seals.add(workspace.id, line.sequence, line.hash, AT)
        wall, cpu = time.perf_counter(), time.process_time()
        async with store.reading() as tx:
            verdict = await verify(tx, workspace.id, seals.read())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if not verdict.is_whole or verdict.lines != lines or verdict.seals != lines // SEALED_EVERY:
            raise SystemExit(f"The chain of {lines} lines should hold; {verdict} was found.")
    finally:
        await store.close()
    return wall, cpu


def main() -> int:
    """Measure, and tell whether five seconds were enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    lines = parser.parse_args().lines
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = asyncio.run(run(lines, Path(folder)))
    print(f"{lines:,} lines with {lines // SEALED_EVERY} seals: {wall:.2f} s ({cpu:.2f} s CPU); asked: 5 s")
    return 0 if wall < 5 else 1


if __name__ == "__main__":
    raise SystemExit(main())

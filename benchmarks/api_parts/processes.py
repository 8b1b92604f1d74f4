"""Server processes with their CPU clocks."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.services import free_port

ROOT = Path(__file__).resolve().parents[2]

#: A server may take so long to answer, beside whatever else the machine does.
START_S = 180.0


def cpu_s(pid: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children_cpu_s(pid: int) -> float:
    """CPU time of a process' children that live: PostgreSQL has one for each connection."""
    total = 0.0
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(OSError):
            total += cpu_s(int(child))
    return total


class Server:
    """A server process with its CPU clock."""

    def __init__(self, *command: str, takes_lines: bool = False) -> None:
        self.port = free_port()
        script, *rest = command
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}"}
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "benchmarks" / "api_parts" / script), str(self.port), *rest],
            env=environment,
            stdin=subprocess.PIPE if takes_lines else None,
        )

    async def ready(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            writer.close()
            return
        raise RuntimeError(f"The server did not start within {START_S:g} s.")

    def tell(self, line: str) -> None:
        """Send a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    @property
    def cpu_s(self) -> float:
        """CPU time of all its threads so far."""
        return cpu_s(self.process.pid)


@contextmanager
def started(*command: str, takes_lines: bool = False) -> Iterator[Server]:
    """Run a server process."""
    server = Server(*command, takes_lines=takes_lines)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(20)

"""A real RabbitMQ from the machine's package, started for one run on free loopback ports."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tests.support.services import ServiceUnavailable, free_port

#: Where Debian keeps the program; the one on PATH insists on a system service.
_PLACES = ("/usr/lib/rabbitmq/bin/rabbitmq-server",)

#: An Erlang machine takes its time on a busy computer.
_START_S = 120.0


def program() -> Path | None:
    """Give the server's program, if the package is installed."""
    return next((Path(one) for one in _PLACES if Path(one).is_file()), None)


class RabbitServer:
    """A RabbitMQ server in a temporary folder."""

    def __init__(self) -> None:
        found = program()
        if found is None:
            raise ServiceUnavailable("RabbitMQ is not installed; Debian's package rabbitmq-server has it.")
        self._folder = Path(tempfile.mkdtemp(prefix="breakwater-rabbit-"))
        self._port, self._names, distribution = free_port(), free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": f"breakwater{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "none"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "ERL_EPMD_PORT": str(self._names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [found],
                cwd=self._folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()

    def close(self) -> None:
        """Stop the server, its name service, and remove its folder."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, how)
                self._process.wait(20)
                break
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        subprocess.run(
            ["epmd", "-port", str(self._names), "-kill"], capture_output=True, check=False, timeout=20
        )
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self) -> None:
        import pika
        from pika.exceptions import AMQPError

        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            try:
                pika.BlockingConnection(pika.URLParameters(self.url)).close()
            except (AMQPError, OSError):
                time.sleep(0.3)
            else:
                return
        text = (self._folder / "server.log").read_text(errors="replace")[-800:]
        self.close()
        raise ServiceUnavailable(f"RabbitMQ did not answer within {_START_S:.0f} s: {text}")

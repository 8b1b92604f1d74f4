"""`up` as a process of its own: ready, in use, stopped in time, and refused before anything starts."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import orjson
import pytest

from desk.settings import Settings
from server.up import UpOptions, house_options, secrets_of, serve, smtp_server

ROOT = Path(__file__).resolve().parents[2]

#: Runs `serve` without compiling ahead: an empty house trades nothing yet.
PROGRAM = """
import sys
from pathlib import Path
import server.up
from desk.settings import load_settings
from server import roles
server.up._warm = lambda: None
env = {"BREAKWATER_DATA_DIR": sys.argv[1], "BREAKWATER_PORT": sys.argv[2]}
role = getattr(roles, sys.argv[4])
sys.exit(server.up.serve(load_settings(env), server.up.UpOptions(as_json=sys.argv[3] == "json", role=role)))
"""


def _start(
    folder: Path, port: int = 0, form: str = "json", role: str = "EVERYTHING"
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), str(port), form, role],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_up_says_ready_in_one_line_serves_and_stops_cleanly_on_a_signal(tmp_path: Path) -> None:
    process = _start(tmp_path / "data")
    assert process.stdout is not None
    ready = orjson.loads(process.stdout.readline())
    answer = httpx.post(
        ready["graphql"],
        json={"query": "{ viewer { role workspace { name } } accounts { edges { node { name capital } } } }"},
        headers={"authorization": f"Bearer {ready['token']}"},
        trust_env=False,
    ).json()
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    rest, log = process.communicate(timeout=30)

    assert set(ready) == {"ready", "graphql", "subscriptions", "token", "pid"}
    assert (ready["ready"], ready["pid"], rest) == (True, process.pid, "")
    assert ready["subscriptions"].startswith("ws://127.0.0.1:")
    assert answer["data"]["viewer"] == {"role": "OWNER", "workspace": {"name": "home"}}
    assert answer["data"]["accounts"]["edges"] == [{"node": {"name": "paper", "capital": "10000"}}]
    assert process.returncode == 0, log
    assert time.monotonic() - began < 5.5
    assert ready["token"] not in log


def test_trade_alone_has_health_and_metrics_but_no_api(tmp_path: Path) -> None:
    process = _start(tmp_path / "data", form="text", role="TRADING")
    assert process.stdout is not None
    shown = ""
    while "Data" not in shown:
        shown += process.stdout.readline()
    address = shown.split("Health", 1)[1].split()[0].removesuffix("/readyz")
    found = {
        path: httpx.get(address + path, trust_env=False).status_code
        for path in ("/livez", "/readyz", "/startupz", "/metrics", "/health", "/graphql")
    }
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=30)

    assert found == {
        "/livez": 200,
        "/readyz": 200,
        "/startupz": 200,
        "/metrics": 200,
        "/health": 401,
        "/graphql": 404,
    }
    assert "breakwater serve" in shown
    assert process.returncode == 0, log


def test_a_busy_port_is_one_line_and_code_2_before_anything_is_written(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        process = _start(tmp_path / "data", port, "text")
        shown, log = process.communicate(timeout=60)

    assert (process.returncode, shown) == (2, "")
    assert len(log.strip().splitlines()) == 1
    assert str(port) in log
    assert "--port" in log
    assert not (tmp_path / "data").exists()


def test_a_data_folder_that_cannot_be_used_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")

    code = serve(replace(Settings(), data_dir=tmp_path / "file", port=0), UpOptions())

    shown = capsys.readouterr().err
    assert code == 2
    assert str(tmp_path / "file") in shown
    assert "--data-dir" in shown


def test_an_address_of_another_machine_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = serve(replace(Settings(), host="192.0.2.1", data_dir=tmp_path, port=0), UpOptions())

    assert code == 2
    assert "192.0.2.1" in capsys.readouterr().err


def test_settings_and_this_runs_options_become_the_houses(tmp_path: Path) -> None:
    from desk.secrets import Secret

    settings = replace(
        Settings(),
        data_dir=tmp_path,
        smtp_host="mail.example",
        smtp_tls="implicit",
        smtp_password=Secret("hunter2"),
        strategy_path=tmp_path / "mine",
    )
    options = house_options(settings, UpOptions(seed=11, replay=(tmp_path / "a.csv",)), version="1.2")

    assert (options.seed, options.speed_bars_per_s, options.version) == (11, settings.demo_speed, "1.2")
    assert (options.replay, options.strategy_paths) == ((tmp_path / "a.csv",), (tmp_path / "mine",))
    assert options.smtp is not None
    assert (options.smtp.host, options.smtp.tls.value, options.smtp.password) == (
        "mail.example",
        "implicit",
        "hunter2",
    )
    assert secrets_of(settings) == [settings.smtp_password]
    assert smtp_server(Settings()) is None


async def test_the_first_start_makes_a_house_once_and_old_printed_tokens_end(tmp_path: Path) -> None:
    from decimal import Decimal

    from desk.assembly import HouseOptions, open_house
    from server.auth import TokenAuthenticator
    from server.first_start import KEPT_TOKENS, prepare

    ways = []
    async with open_house(HouseOptions(data_dir=tmp_path, is_trading=False, is_pumping=False)) as house:
        for _ in range(KEPT_TOKENS + 2):
            ways.append(await prepare(house, demo=False, capital=Decimal(500), owner_email="o@example.org"))
            await asyncio.sleep(0.002)
        checks = TokenAuthenticator(house.store, house.clock)
        valid = [await checks.session(one.token) is not None for one in ways]
        async with house.store.reading() as unit:
            workspaces = await unit.workspaces.all()

    assert valid == [False, False, True, True, True]
    assert [one.name for one in workspaces] == ["home"]
    assert (ways[0].workspace, ways[0].user) == ("home", "owner")

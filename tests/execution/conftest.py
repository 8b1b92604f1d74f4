"""A store in memory with the schema of a migrated file, and a live account over a fake venue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from desk.store import migrate
from tests.support.execution_house import LiveHouse, a_live_house
from tests.support.histories import StepClock
from tests.support.memory_store import memory_store
from tests.support.stores import run

MakeHouse = Callable[..., Awaitable[LiveHouse]]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file."""
    path = tmp_path_factory.mktemp("execution") / "template.sqlite3"
    run(migrate(f"sqlite:{path}"))
    return path


@pytest.fixture
def make_house(template: Path) -> MakeHouse:
    """Put a live account together over a database of its own."""

    async def make(**given: Any) -> LiveHouse:
        clock = StepClock()
        return await a_live_house(memory_store(template, clock), clock=clock, **given)

    return make

"""Opening the store for commands that do one thing and leave."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desk.ports import Store
    from desk.settings import Settings


def settings(data_dir: Path | None = None) -> Settings:
    """Read the settings from the environment, with the data folder of the command line on top."""
    import os

    from desk.settings import load_settings

    environment = dict(os.environ)
    if data_dir is not None:
        environment["BREAKWATER_DATA_DIR"] = str(data_dir)
    return load_settings(environment)


@asynccontextmanager
async def opened_store(data_dir: Path | None = None) -> AsyncIterator[Store]:
    """Open the store that the settings name, migrated to the newest schema."""
    from desk.assembly import open_migrated_store

    store = await open_migrated_store(settings(data_dir))
    try:
        yield store
    finally:
        await store.close()

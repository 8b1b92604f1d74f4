"""Opening the store or the house for commands that do one thing and leave, and remembering how it was opened."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from trading.errors import OperatorProblem

if TYPE_CHECKING:
    from desk.assembly import HouseOptions
    from desk.ports import Store
    from desk.settings import Settings
    from server.up import UpOptions

#: How the house was last opened, in the data folder: the console shows the same market.
MEMORY = "house.json"


def settings(data_dir: Path | None = None) -> Settings:
    """Read the settings from the environment, with the data folder of the command line on top."""
    from desk.settings import load_settings

    environment = dict(os.environ)
    if data_dir is not None:
        environment["BREAKWATER_DATA_DIR"] = str(data_dir)
    return load_settings(environment, env_file=Path(".env"))


def remember(found: Settings, options: UpOptions) -> None:
    """Write down which market the house is opened with.

    Raises:
        OperatorProblem: the data folder cannot be written.
    """
    memory = {
        "replay": [str(one.resolve()) for one in options.replay],
        "seed": found.demo_seed if options.seed is None else options.seed,
        "speed": found.demo_speed if options.speed_bars_per_s is None else options.speed_bars_per_s,
        "live": bool(found.market) and not options.demo and not options.replay,
    }
    path = found.data_dir / MEMORY
    draft = path.with_name(f".{MEMORY}.{os.getpid()}")
    try:
        found.data_dir.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(orjson.dumps(memory))
        draft.replace(path)
    except OSError as failed:
        raise OperatorProblem(
            f"The data folder '{found.data_dir}' cannot be written: {failed.strerror}.",
            hint="Choose another with --data-dir or BREAKWATER_DATA_DIR, or give this user the right to write there.",
        ) from failed


def remembered(found: Settings) -> HouseOptions:
    """Give options with the market that the house was last opened with.

    Raises:
        OperatorProblem: what was remembered cannot be read.
    """
    from desk.assembly import HouseOptions
    from desk.feeds.live_options import live_options
    from desk.news.sources import schedule_with_news

    memory = _memory(found.data_dir / MEMORY)
    return HouseOptions(
        data_dir=found.data_dir,
        database_url=found.database_url.reveal(),
        replay=tuple(Path(one) for one in memory.get("replay", ())),
        market=live_options(found) if memory.get("live") else None,
        seed=memory.get("seed", found.demo_seed),
        speed_bars_per_s=memory.get("speed", found.demo_speed),
        strategy_paths=(found.strategy_path,) if found.strategy_path else (),
        key_path=found.key_path,
        always_two=found.two_person == "always",
        redis_url=found.redis_url,
        storage_url=found.storage_url,
        schedule=schedule_with_news(found),
        venues=found.venues,
    )


#: What each part of the memory is.
_FORMS: dict[str, type | tuple[type, ...]] = {
    "replay": list,
    "seed": int,
    "speed": (int, float),
    "live": bool,
}


def _memory(path: Path) -> dict[str, Any]:
    """Read what was remembered; nothing where no house was opened yet."""
    try:
        found = orjson.loads(path.read_bytes())
        is_sound = isinstance(found, dict) and all(
            isinstance(found.get(name, form() if isinstance(form, type) else 0), form)
            for name, form in _FORMS.items()
        )
    except FileNotFoundError:
        return {}
    except orjson.JSONDecodeError:
        found, is_sound = {}, False
    except OSError as failed:
        raise OperatorProblem(
            f"'{path}' cannot be read: {failed.strerror}.", hint="Give this user the right to read it."
        ) from failed
    if not is_sound:
        raise OperatorProblem(
            f"'{path}' is damaged; it remembers which market the house was opened with.",
            hint="Remove it: the next start writes it anew.",
        )
    return dict(found)


@asynccontextmanager
async def opened_store(data_dir: Path | None = None) -> AsyncIterator[Store]:
    """Open the store that the settings name, migrated to the newest schema."""
    from desk.assembly import open_migrated_store

    store = await open_migrated_store(settings(data_dir))
    try:
        yield store
    finally:
        await store.close()

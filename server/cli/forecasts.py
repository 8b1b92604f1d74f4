"""What a strategy reads beside candles, for runs on the command line: forecasts, moods, as the house knows them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.cli import output
from trading.errors import InvalidInput

if TYPE_CHECKING:
    from desk.models.book import Speech
    from desk.settings import Settings
    from trading.candles import Candles
    from trading.market import Series

#: The word before the colon with which a strategy asks for forecasts.
_FORECAST = "forecast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Series by name, and whose forecasts are among them."""

    series: Mapping[str, Series] = field(default_factory=dict)
    models: tuple[Speech, ...] = ()


def heard(
    strategy: str,
    parameters: Mapping[str, Any],
    markets: tuple[Candles, ...],
    strategy_path: Path | None,
    *,
    model: str,
    data_dir: Path | None,
) -> Heard:
    """Give the series that a strategy names; with no store here there are none.

    Raises:
        InvalidInput: a model is named for a strategy that reads no forecasts, or without a registry to find it in.
    """
    from desk.models.book import refuse_deaf
    from desk.research.runs import registry
    from server.cli.house import settings

    names = registry(strategy_path).get_strategy(strategy)(**parameters).series_needed
    refuse_deaf(strategy, model, is_heard=any(one.partition(":")[0] == _FORECAST for one in names))
    if not names:
        return Heard()
    found = settings(data_dir)
    if not _has_store(found):
        if model:
            raise InvalidInput(
                f"There is no registry in '{found.data_dir}' to find model '{model[:60]}' in.",
                hint="Train one with 'breakwater train', or name the folder with --data-dir.",
            )
        return Heard()
    return asyncio.run(_from_store(names, markets, found, model, data_dir))


async def _from_store(
    names: tuple[str, ...],
    markets: tuple[Candles, ...],
    found: Settings,
    model: str,
    data_dir: Path | None,
) -> Heard:
    from desk.models.book import forecasts_of, speeches_of
    from desk.models.room import room_of
    from desk.series import known_series
    from server.cli.house import opened_store

    async with opened_store(data_dir) as store, store.reading() as tx:
        homes = sorted(await tx.workspaces.all(), key=lambda one: (one.created_at, one.id))
        series = await known_series(tx, names, markets)
        books = {}
        if homes and any(one.partition(":")[0] == _FORECAST for one in names):
            room = room_of(found)
            books = {
                one.pair: await room.book(tx, homes[0].id, one.pair, str(one.timeframe), model=model)
                for one in markets
            }
    models = speeches_of(books, markets)
    if books and not models:
        output.note(
            f"No model speaks for {', '.join(books)}; a strategy that waits for forecasts trades nothing."
        )
    return Heard(series=series | forecasts_of(books, markets), models=models)


def _has_store(found: Settings) -> bool:
    """Tell whether there is a database already: a run over a file makes none."""
    return bool(found.database_url.reveal()) or (found.data_dir / "breakwater.db").exists()

"""A small linear model, trained for real once per run, and a registry to put it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from desk.clock import from_ms
from desk.identity import new_id
from desk.models.plan import TrainingPlan
from desk.models.registry import enter_version
from desk.models.room import ModelRoom
from desk.models.shelf import Shelf
from desk.models.views import ModelVersion
from desk.ports import Store
from desk.store import SqlStore
from tests.support.markets import walk_candles
from trading.candles import Candles
from workers.forecasts.training import run
from workers.hand import Result

BARS = 1_300
PAIRS = ("BTC/USDT", "ETH/USDT")

PLAN = TrainingPlan(
    model="hourly",
    kind="linear",
    pairs=PAIRS,
    horizon_bars=6,
    window_bars=8,
    least_train_days=15,
    retrain_days=10,
    stride_bars=2,
)


@cache
def markets() -> tuple[Candles, ...]:
    """Hourly candles of both pairs, longer than what is learned from."""
    return tuple(
        replace(walk_candles(BARS + 400, seed=seed, pair=pair), venue="made")
        for seed, pair in enumerate(PAIRS, start=11)
    )


def known_by(bars: int) -> int:
    """Give the close of a bar, in milliseconds."""
    one = markets()[0]
    return int(one.ts_ms[bars - 1]) + one.timeframe.ms


@cache
def trained(bars: int = BARS, **changes: Any) -> Result:
    """Train on what was known after so many bars."""
    plan = replace(PLAN, **changes)
    payload = {"plan": plan.as_values(), "candles": markets(), "retrain_ms": known_by(bars)}
    return run(payload, lambda bar, done, total: None)


@dataclass(frozen=True, slots=True)
class Registry:
    """A store with a workspace, and a shelf."""

    store: Store
    workspace_id: str
    room: ModelRoom

    async def enter(
        self, made: Result, *, at: datetime | None = None, is_kept: bool = True, **changes: Any
    ) -> ModelVersion:
        """Enter what a training made, with its files on the shelf."""
        values: Mapping[str, Any] = {**made.values, **changes}
        for _, body in made.files.values():
            await self.room.shelf.put(body)
        async with self.store.transaction() as tx:
            version = await enter_version(
                tx,
                self.workspace_id,
                values,
                made.files,
                job_id=new_id(),
                made_by="",
                at=at or from_ms(int(values["retrain_ms"])),
            )
            if is_kept:
                await tx.models.keep(self.workspace_id, version.id)
        async with self.store.reading() as tx:
            found = await tx.models.by_id(self.workspace_id, version.id)
        assert found is not None
        return found


async def a_registry(store: SqlStore, url: str) -> Registry:
    """Give an empty registry."""
    async with store.transaction() as tx:
        workspace = await tx.workspaces.create("home")
    return Registry(store, workspace.id, ModelRoom(Shelf(url)))

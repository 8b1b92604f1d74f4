"""Loaders: one statement per kind of thing and operation, however many rows ask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cached_property
from typing import Generic, TypeVar

from strawberry.dataloader import DataLoader

from api.read_models import Holdings, ReadModels
from desk.ports import Store
from desk.views import Bot, Delivery, FillRecord, JobFile, Member

V = TypeVar("V")


class FromMemory(Generic[V]):
    """Gives one kind of thing from the workspace's copy in memory."""

    def __init__(
        self,
        loaders: Loaders,
        pick: Callable[[Holdings, str], V],
        *,
        otherwise: Callable[[str], Awaitable[V]] | None = None,
    ) -> None:
        self._loaders = loaders
        self._pick = pick
        self._otherwise = otherwise

    async def load(self, key: str) -> V:
        """Give what has this key."""
        found = self._pick(await self._loaders.holdings(), key)
        if found is None and self._otherwise is not None:
            return await self._otherwise(key)
        return found


class Loaders:
    """The loaders of one operation; never shared across operations, people or workspaces."""

    def __init__(self, store: Store, workspace_id: str, models: ReadModels) -> None:
        self._store = store
        self._workspace_id = workspace_id
        self._models = models
        self._holdings: Holdings | None = None
        self.bot = FromMemory(self, lambda held, key: held.bots.get(key), otherwise=self._archived)
        self.account = FromMemory(self, lambda held, key: held.accounts.get(key))
        self.money = FromMemory(self, lambda held, key: held.money.get(key))
        self.account_status = FromMemory(self, lambda held, key: held.statuses.get(key))
        self.open_positions = FromMemory(self, lambda held, key: held.positions_of.get(key, ()))

    @property
    def at_hand(self) -> Holdings | None:
        """The workspace as this operation sees it, if that needs no reading; it stays the same until its end."""
        if self._holdings is None:
            self._holdings = self._models.fresh(self._workspace_id)
        return self._holdings

    async def holdings(self) -> Holdings:
        """The workspace as this operation sees it."""
        found = self.at_hand
        if found is None:
            found = await self._models.of(self._workspace_id)
            # Two fields of one operation may have waited; the first one's copy counts.
            self._holdings = found = self._holdings or found
        return found

    def forget(self) -> None:
        """Look again: this operation changed something."""
        self._holdings = None

    @cached_property
    def archived(self) -> DataLoader[str, Bot | None]:
        """ArchivedBotByIdLoader."""
        return DataLoader(self._bots, cache=True)

    async def _archived(self, bot_id: str) -> Bot | None:
        return await self.archived.load(bot_id)

    @cached_property
    def member(self) -> DataLoader[str, Member | None]:
        """MemberByIdLoader."""
        return DataLoader(self._members, cache=True)

    @cached_property
    def fills(self) -> DataLoader[str, list[FillRecord]]:
        """FillsByOrderLoader."""
        return DataLoader(self._fills, cache=True)

    @cached_property
    def deliveries(self) -> DataLoader[str, list[Delivery]]:
        """DeliveriesByAlertLoader."""
        return DataLoader(self._deliveries, cache=True)

    @cached_property
    def job_files(self) -> DataLoader[str, list[JobFile]]:
        """FilesByJobLoader."""
        return DataLoader(self._job_files, cache=True)

    async def _bots(self, ids: list[str]) -> Sequence[Bot | None]:
        async with self._store.reading() as unit:
            return [await unit.bots.by_id(self._workspace_id, one) for one in ids]

    async def _members(self, ids: list[str]) -> Sequence[Member | None]:
        async with self._store.reading() as unit:
            found = {one.user_id: one for one in await unit.members.all(self._workspace_id)}
        return [found.get(one) for one in ids]

    async def _fills(self, order_ids: list[str]) -> Sequence[list[FillRecord]]:
        found = await self._store.glance.fills.of_orders(self._workspace_id, order_ids)
        return _grouped(((one.order_id, one) for one in found), order_ids)

    async def _deliveries(self, alert_ids: list[str]) -> Sequence[list[Delivery]]:
        found = await self._store.glance.alerts.deliveries(self._workspace_id, alert_ids)
        return _grouped(((one.alert_id, one) for one in found), alert_ids)

    async def _job_files(self, job_ids: list[str]) -> Sequence[list[JobFile]]:
        found = await self._store.glance.jobs.files(self._workspace_id, job_ids)
        return _grouped(((one.job_id, one) for one in found), job_ids)


def _grouped(pairs: Iterable[tuple[str, V]], keys: Sequence[str]) -> list[list[V]]:
    groups: dict[str, list[V]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return [groups[key] for key in keys]

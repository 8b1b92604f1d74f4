"""Loaders: one statement per kind of thing and operation, however many rows ask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TypeVar

from strawberry.dataloader import DataLoader

from desk.ports import Store
from desk.views import Account, AccountStatus, Bot, Delivery, FillRecord, JobFile, Member, Position

V = TypeVar("V")


class Loaders:
    """The loaders of one operation; never shared across operations, people or workspaces."""

    def __init__(self, store: Store, workspace_id: str) -> None:
        self._store = store
        self._workspace_id = workspace_id

    @cached_property
    def bot(self) -> DataLoader[str, Bot | None]:
        """BotByIdLoader."""
        return DataLoader(self._bots, cache=True)

    @cached_property
    def account(self) -> DataLoader[str, Account | None]:
        """AccountByIdLoader."""
        return DataLoader(self._accounts, cache=True)

    @cached_property
    def account_status(self) -> DataLoader[str, AccountStatus | None]:
        """AccountStatusByIdLoader."""
        return DataLoader(self._account_statuses, cache=True)

    @cached_property
    def member(self) -> DataLoader[str, Member | None]:
        """MemberByIdLoader."""
        return DataLoader(self._members, cache=True)

    @cached_property
    def open_positions(self) -> DataLoader[str, list[Position]]:
        """OpenPositionsByBotLoader."""
        return DataLoader(self._open_positions, cache=True)

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
            found = {one.id: one for one in await unit.bots.all(self._workspace_id)}
            for one in ids:
                if one not in found and (archived := await unit.bots.by_id(self._workspace_id, one)):
                    found[one] = archived
        return [found.get(one) for one in ids]

    async def _accounts(self, ids: list[str]) -> Sequence[Account | None]:
        async with self._store.reading() as unit:
            found = {one.id: one for one in await unit.accounts.all(self._workspace_id)}
        return [found.get(one) for one in ids]

    async def _account_statuses(self, ids: list[str]) -> Sequence[AccountStatus | None]:
        async with self._store.reading() as unit:
            return [await unit.accounts.status(self._workspace_id, one) for one in ids]

    async def _members(self, ids: list[str]) -> Sequence[Member | None]:
        async with self._store.reading() as unit:
            found = {one.user_id: one for one in await unit.members.all(self._workspace_id)}
        return [found.get(one) for one in ids]

    async def _open_positions(self, bot_ids: list[str]) -> Sequence[list[Position]]:
        async with self._store.reading() as unit:
            found = await unit.positions.open(self._workspace_id)
        return _grouped(((one.bot_id, one) for one in found), bot_ids)

    async def _fills(self, order_ids: list[str]) -> Sequence[list[FillRecord]]:
        async with self._store.reading() as unit:
            found = await unit.fills.of_orders(self._workspace_id, order_ids)
        return _grouped(((one.order_id, one) for one in found), order_ids)

    async def _deliveries(self, alert_ids: list[str]) -> Sequence[list[Delivery]]:
        async with self._store.reading() as unit:
            found = await unit.alerts.deliveries(self._workspace_id, alert_ids)
        return _grouped(((one.alert_id, one) for one in found), alert_ids)

    async def _job_files(self, job_ids: list[str]) -> Sequence[list[JobFile]]:
        async with self._store.reading() as unit:
            found = await unit.jobs.files(self._workspace_id, job_ids)
        return _grouped(((one.job_id, one) for one in found), job_ids)


def _grouped(pairs: Iterable[tuple[str, V]], keys: Sequence[str]) -> list[list[V]]:
    groups: dict[str, list[V]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return [groups[key] for key in keys]

"""What is asked all the time, in memory: bots, accounts with their status, open positions; one copy per workspace.

A copy is one snapshot of the store. It is used until this process commits anything, or for `MAX_AGE_S`, because other
processes commit too. So whoever changed something here sees it in the next answer, and a change made elsewhere is seen
within a quarter of a second; statements do not grow with requests.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeVar

from desk.clock import Clock
from desk.cursors import cursor_of, read_cursor
from desk.money import MoneyKind, kinds_of
from desk.ports import Store
from desk.views import Account, AccountStatus, Bot, Filter, Page, Position

#: A copy is read anew after it.
MAX_AGE_S = 0.25

#: Workspaces kept; the one that was idle longest goes first.
MAX_WORKSPACES = 1024

T = TypeVar("T")


class _Named(Protocol):
    @property
    def id(self) -> str: ...


V = TypeVar("V", bound=_Named)


@dataclass(frozen=True, kw_only=True)
class Holdings:
    """A workspace at one moment.

    Attributes:
        money: what each account trades.
        open_positions: newest first.
        shown: values in the form in which clients see them, made once.
    """

    commits: int
    read_at: float
    bots: Mapping[str, Bot]
    accounts: Mapping[str, Account]
    money: Mapping[str, MoneyKind]
    statuses: Mapping[str, AccountStatus]
    open_positions: tuple[Position, ...]
    positions_of: Mapping[str, tuple[Position, ...]]
    shown: dict[tuple[str, str], Any] = field(default_factory=dict)

    @cached_property
    def bots_oldest_first(self) -> tuple[Bot, ...]:
        """The bots in the order in which they are listed."""
        return tuple(sorted(self.bots.values(), key=lambda one: (one.created_at, one.id)))

    def once(self, kind: str, view: V, make: Callable[[V], T]) -> T:
        """Give a value of this copy in the form in which clients see it, which is made once.

        Args:
            view: with an id; of another moment than this copy, it is made anew.
        """
        known = self.shown.get((kind, view.id))
        if known is None or known[0] is not view:
            known = self.shown[(kind, view.id)] = (view, make(view))
        found: T = known[1]
        return found

    def page(self, wanted: Filter, page: Page) -> list[Position]:
        """Give a page of the open positions, as the store would."""
        after = read_cursor(page.after) if page.after else None
        found = [
            one
            for one in self.open_positions
            if (not wanted.bot_id or one.bot_id == wanted.bot_id)
            and (not wanted.account_id or one.account_id == wanted.account_id)
            and (not wanted.pair or one.pair == wanted.pair)
            and (wanted.since is None or one.opened_at >= wanted.since)
            and (wanted.until is None or one.opened_at < wanted.until)
            and (after is None or read_cursor(cursor_of(one)) < after)
        ]
        return found[: page.first]


class ReadModels:
    """The copies of a process."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[str, Holdings] = OrderedDict()
        self._reading: dict[tuple[str, int], asyncio.Task[Holdings]] = {}

    def fresh(self, workspace_id: str) -> Holdings | None:
        """Give a workspace if the copy is still good."""
        found = self._known.get(workspace_id)
        if found is None or found.commits != self._store.commits:
            return None
        return found if self._clock.monotonic() - found.read_at < MAX_AGE_S else None

    async def of(self, workspace_id: str) -> Holdings:
        """Give a workspace as it is; several askers share one reading, unless something was committed since it began."""
        found = self.fresh(workspace_id)
        if found is not None:
            return found
        key = (workspace_id, self._store.commits)
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.create_task(self._read(workspace_id))
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        # Shielded: the one who gives up must not take the others' reading along.
        return await asyncio.shield(task)

    async def _read(self, workspace_id: str) -> Holdings:
        commits, now = self._store.commits, self._clock.monotonic()
        async with self._store.reading() as unit:
            bots = await unit.bots.all(workspace_id)
            accounts = await unit.accounts.all(workspace_id)
            money = await kinds_of(unit, workspace_id, accounts)
            statuses = await unit.accounts.statuses(workspace_id)
            positions = await unit.positions.open(workspace_id)
        positions_of: dict[str, list[Position]] = {}
        for one in positions:
            positions_of.setdefault(one.bot_id, []).append(one)
        found = Holdings(
            commits=commits,
            read_at=now,
            bots={one.id: one for one in bots},
            accounts={one.id: one for one in accounts},
            money=money,
            statuses={one.account_id: one for one in statuses},
            open_positions=tuple(reversed(positions)),
            positions_of={bot: tuple(held) for bot, held in positions_of.items()},
        )
        self._known[workspace_id] = found
        self._known.move_to_end(workspace_id)
        while len(self._known) > MAX_WORKSPACES:
            self._known.popitem(last=False)
        return found

"""The outbox pump: alerts leave in order per recipient, at least once, with back-off, expiry and dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from desk.alerting.channel import Channel, Notice, Outcome, Reader, Verdict, retry
from desk.alerting.choosing import mode_of
from desk.alerting.readers import readers_of
from desk.alerting.rerouting import Rerouting
from desk.alerting.rules import is_stale
from desk.alerting.values import Mode, NoticeSettings
from desk.clock import Clock
from desk.ending import ended
from desk.execution.faults import faultpoint
from desk.money import MoneyKind, kinds_of
from desk.ports import Store, Unit
from desk.views import Alert, Bot, Delivery
from trading.errors import BreakwaterError

log = structlog.get_logger(__name__)

#: A lost doorbell costs at most this long.
SWEEP_S = 0.5
#: Waits between tries: 1, 2, 4 … seconds up to this.
LONGEST_WAIT_S = 60.0
#: One try may take this long.
SEND_TIMEOUT_S = 30.0
#: Deliveries taken at once.
BATCH = 200
#: People served at the same time on one channel; each person's alerts leave one after the other.
AT_ONCE = 16
#: Whoever's server keeps us waiting longer than this no longer keeps the others waiting.
PATIENCE_S = 0.25
#: A channel that is off is probed again after this time; meanwhile what waits goes another way.
PROBE_S = 300.0

#: The last try may have arrived: its process died, or nobody knows how it ended.
_DOUBTFUL = frozenset({"sending", "doubtful"})


@dataclass(slots=True)
class _Way:
    """A channel with what the pump remembers of it."""

    channel: Channel
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    held_until: datetime | None = None
    failures: int = 0
    off: str = ""
    probe_at: datetime | None = None
    task: asyncio.Task[None] | None = None
    #: People whose alerts are still under way, while the others are served on.
    late: dict[str, asyncio.Task[int]] = field(default_factory=dict)

    def is_held(self, now: datetime) -> bool:
        """Tell whether nobody may be tried before a time."""
        return self.held_until is not None and now < self.held_until

    def is_closed(self, now: datetime) -> bool:
        """Tell whether nothing goes here now: held, or off and not to be probed yet."""
        return self.is_held(now) or (self.probe_at is not None and now < self.probe_at)


class OutboxPump:
    """Carries deliveries from the store to the channels, each in a task of its own: one that is away delays no other."""

    def __init__(self, store: Store, clock: Clock, channels: Iterable[Channel] = ()) -> None:
        self._store = store
        self._clock = clock
        self._ways: dict[str, _Way] = {}
        self._changed = asyncio.Event()
        for one in channels:
            self.attach(one)

    @property
    def platforms(self) -> frozenset[str]:
        """Channels that carry here and are not off."""
        return frozenset(name for name, way in self._ways.items() if not way.off)

    def attach(self, channel: Channel) -> None:
        """Carry on a channel from now on; a door may come up later than the house."""
        self.detach(channel.platform)
        self._ways[channel.platform] = _Way(channel)
        self._changed.set()

    def detach(self, platform: str) -> None:
        """Carry there no more; what waits stays in the outbox."""
        way = self._ways.pop(platform, None)
        if way is not None and way.task is not None:
            way.task.cancel()
        self._changed.set()

    def ring(self) -> None:
        """Say that there may be something to carry."""
        for way in self._ways.values():
            way.bell.set()

    async def run(self) -> None:
        """Carry until cancelled."""
        try:
            while True:
                self._changed.clear()
                for name, way in tuple(self._ways.items()):
                    if way.task is None or way.task.done():
                        way.task = asyncio.create_task(self._serve(way), name=f"outbox-{name}")
                await self._changed.wait()
        finally:
            tasks = [way.task for way in self._ways.values() if way.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, way: _Way) -> None:
        try:
            await self._serve_on(way)
        finally:
            late = tuple(way.late.values())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _serve_on(self, way: _Way) -> None:
        while True:
            carried = 0
            way.bell.clear()
            if len(way.late) >= AT_ONCE:
                await asyncio.wait(way.late.values(), return_when=asyncio.FIRST_COMPLETED)
            try:
                carried = await self.sweep(way.channel.platform, patience_s=PATIENCE_S)
            except BreakwaterError as problem:
                # The database is away: what waits there is safe; come back.
                log.warning("outbox_sweep_failed", channel=way.channel.platform, error=str(problem))
            except Exception:
                log.exception("outbox_sweep_broke", channel=way.channel.platform)
            if not carried:
                await self._rest(way)

    async def _rest(self, way: _Way) -> None:
        sleeper = asyncio.ensure_future(self._clock.sleep(SWEEP_S))
        bell = asyncio.ensure_future(way.bell.wait())
        try:
            await asyncio.wait({sleeper, bell}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await ended(sleeper, bell)

    async def sweep(self, platform: str, *, patience_s: float | None = None) -> int:
        """Try everything that is due on one channel; give how many were settled for good.

        Args:
            patience_s: people who take longer are left to go on by themselves; None waits for everybody.
        """
        way = self._ways[platform]
        now = self._clock.now()
        if way.is_held(now):
            return 0
        async with self._store.reading() as tx:
            due = await tx.alerts.due(platform, now, limit=BATCH)
            desk = await _Reading.of(tx, {one.workspace_id for one, _ in due}) if due else _Reading()
        if not due:
            return 0
        if way.is_closed(now):
            return await self._rerouting(way).all(due, desk.readers, way.off)
        queues: dict[str, list[tuple[Delivery, Alert]]] = {}
        for delivery, alert in due:
            if delivery.recipient not in way.late:
                queues.setdefault(delivery.recipient, []).append((delivery, alert))
        # A channel that was away is tried with one letter before everybody's goes.
        first = 1 if way.failures or way.off else len(queues)
        lines = list(queues.values())
        # Whether the channel is there at all is waited for.
        is_probe = bool(way.failures or way.off)
        settled = await self._carry_lines(way, lines[:first], desk, None if is_probe else patience_s)
        if not way.failures and not way.off and lines[first:]:
            settled += await self._carry_lines(way, lines[first:], desk, patience_s)
        return settled

    async def _carry_lines(
        self,
        way: _Way,
        lines: Sequence[list[tuple[Delivery, Alert]]],
        desk: _Reading,
        patience_s: float | None,
    ) -> int:
        gate = asyncio.Semaphore(AT_ONCE)

        async def carry(line: list[tuple[Delivery, Alert]]) -> int:
            async with gate:
                return await self._carry_line(way, line, desk)

        if patience_s is None or not lines:
            return sum(await asyncio.gather(*(carry(one) for one in lines)))
        tasks = {line[0][0].recipient: asyncio.create_task(carry(line)) for line in lines}
        try:
            done, late = await asyncio.wait(tasks.values(), timeout=patience_s)
        except asyncio.CancelledError:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
            raise
        for recipient, task in tasks.items():
            if task in late:
                self._leave(way, recipient, task)
        return sum([task.result() for task in done])

    def _leave(self, way: _Way, recipient: str, task: asyncio.Task[int]) -> None:
        """Let a person's alerts go on by themselves."""
        way.late[recipient] = task

        def ended(over: asyncio.Task[int]) -> None:
            way.late.pop(recipient, None)
            if not over.cancelled() and (problem := over.exception()) is not None:
                # What could not be booked waits in the outbox, as after any failed sweep.
                log.warning("outbox_line_failed", channel=way.channel.platform, error=str(problem))
            way.bell.set()

        task.add_done_callback(ended)

    async def _carry_line(self, way: _Way, line: list[tuple[Delivery, Alert]], desk: _Reading) -> int:
        """Carry one person's alerts in order until one has to wait; give how many were settled."""
        settled = 0
        for delivery, alert in line:
            now = self._clock.now()
            if way.is_closed(now):
                break
            if is_stale(alert, now):
                await self._failed(delivery, "expired", None)
                settled += 1
                continue
            async with self._store.transaction() as tx:
                if not await tx.alerts.mark_sending(delivery.id, now):
                    # Another process has it, or an earlier one to this person still waits.
                    break
                notice = await desk.notice(tx, way.channel.platform, delivery, alert)
            if notice is None:
                await self._failed(delivery, "Nobody in the workspace has this address any more.", None)
                settled += 1
                continue
            faultpoint("k12")
            outcome = await self._sent(way, notice)
            faultpoint("k13")
            if not await self._settle(way, notice, outcome, desk):
                break
            settled += 1
        return settled

    async def _sent(self, way: _Way, notice: Notice) -> Outcome:
        platform = way.channel.platform
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                return await way.channel.send(notice)
        except TimeoutError:
            return retry(f"no answer within {SEND_TIMEOUT_S:g} s", is_doubtful=True)
        except (BreakwaterError, OSError) as problem:
            return retry(str(problem) or type(problem).__name__)
        except Exception as problem:
            # A channel's own mistake must not stop the alerts of everybody else.
            log.exception("alert_channel_broke", channel=platform, alert_kind=notice.alert.kind)
            return retry(f"{type(problem).__name__}: {problem}", is_doubtful=True)

    async def _settle(self, way: _Way, notice: Notice, outcome: Outcome, desk: _Reading) -> bool:
        """Book how a try ended; tell whether this delivery is done with."""
        now = self._clock.now()
        delivery, alert, platform = notice.delivery, notice.alert, way.channel.platform
        if outcome.verdict is Verdict.SENT:
            way.failures, way.off, way.held_until, way.probe_at = 0, "", None, None
            async with self._store.transaction() as tx:
                await tx.alerts.mark_sent(delivery.id, now)
                if outcome.message_ref:
                    await tx.notices.keep_message(delivery, outcome.message_ref)
            return True
        if outcome.verdict is Verdict.REFUSED:
            log.warning("alert_refused", channel=platform, alert_kind=alert.kind, error=outcome.reason)
            await self._rerouting(way).refused(delivery, alert, desk.readers, outcome.reason)
            return True
        if outcome.verdict is Verdict.DISABLED:
            log.error("alert_channel_off", channel=platform, error=outcome.reason)
            way.off, way.probe_at = outcome.reason, now + timedelta(seconds=PROBE_S)
            done = await self._rerouting(way).all([(delivery, alert)], desk.readers, outcome.reason)
            return done == 1
        wait_s = outcome.retry_after_s
        if outcome.holds_channel:
            wait_s = _wait_s(way.failures) if wait_s is None else wait_s
            way.failures += 1
            way.held_until = now + timedelta(seconds=wait_s)
        elif wait_s is None:
            wait_s = _wait_s(delivery.attempts)
        await self._failed(delivery, outcome.reason, now + timedelta(seconds=wait_s), outcome.is_doubtful)
        return False

    def _rerouting(self, way: _Way) -> Rerouting:
        others = self.platforms - {way.channel.platform}
        return Rerouting(self._store, self._clock, way.channel.platform, others, self.ring)

    async def _failed(
        self, delivery: Delivery, error: str, retry_at: datetime | None, is_doubtful: bool = False
    ) -> None:
        async with self._store.transaction() as tx:
            await tx.alerts.mark_failed(delivery.id, error[:500], retry_at, is_doubtful=is_doubtful)


def _wait_s(failures: int) -> float:
    return min(LONGEST_WAIT_S, 2.0 ** min(failures, 10))


class _Reading:
    """What a sweep has read of the workspaces that it serves."""

    def __init__(self) -> None:
        self.readers: dict[str, dict[tuple[str, str], Reader]] = {}
        self._settings: dict[str, Mapping[str, NoticeSettings]] = {}
        self._names: dict[str, str] = {}
        self._bots: dict[str, dict[str, Bot]] = {}
        self._accounts: dict[str, dict[str, tuple[str, MoneyKind]]] = {}

    @classmethod
    async def of(cls, tx: Unit, workspaces: Iterable[str]) -> _Reading:
        """Read them."""
        found = cls()
        for one in workspaces:
            people = await readers_of(tx, one)
            found.readers[one] = {
                (channel, address): reader
                for reader in people
                for channel, address in reader.addresses.items()
            }
            found._settings[one] = await tx.notices.settings(one)
            workspace = await tx.workspaces.by_id(one)
            found._names[one] = workspace.name if workspace else ""
            found._bots[one] = {bot.id: bot for bot in await tx.bots.all(one)}
            accounts = await tx.accounts.all(one)
            money = await kinds_of(tx, one, accounts)
            found._accounts[one] = {account.id: (account.name, money[account.id]) for account in accounts}
        return found

    async def notice(self, tx: Unit, platform: str, delivery: Delivery, alert: Alert) -> Notice | None:
        """Give a delivery with all that a renderer needs; None where its reader has gone."""
        reader = self.readers.get(delivery.workspace_id, {}).get((platform, delivery.recipient))
        if reader is None:
            return None
        member = reader.member
        settings = self._settings[delivery.workspace_id].get(member.user_id) or NoticeSettings(
            user_id=member.user_id, workspace_id=delivery.workspace_id
        )
        bot = self._bots[delivery.workspace_id].get(alert.bot_id)
        account, money = self._account(delivery.workspace_id, alert, bot)
        earlier = str(alert.params.get("replies_to") or "")
        return Notice(
            delivery=delivery,
            alert=alert,
            member=member,
            bot=bot.name if bot else "",
            account=account,
            money=money,
            workspace=self._names[delivery.workspace_id],
            is_silent=mode_of(settings, reader, platform, alert.kind, alert.severity) is Mode.SILENT,
            is_repeat=delivery.status in _DOUBTFUL,
            replies_to=await tx.notices.message_of(
                delivery.workspace_id, earlier, platform, delivery.recipient
            )
            if earlier
            else "",
        )

    def _account(self, workspace_id: str, alert: Alert, bot: Bot | None) -> tuple[str, MoneyKind | None]:
        """Give the account that an alert is about and whose money it is; a house on paper is spared the second."""
        accounts = self._accounts[workspace_id]
        account_id = str(alert.params.get("account_id") or (bot.account_id if bot else ""))
        name, money = accounts.get(account_id, ("", None))
        is_paper = all(kind is MoneyKind.PAPER for _, kind in accounts.values())
        return (name if len(accounts) > 1 else "", None if is_paper else money)

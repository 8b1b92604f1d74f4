"""The dead man's switch: a process that trades says that it lives, and another process notices when it falls silent."""

from __future__ import annotations

import asyncio
import os
import socket
from datetime import datetime, timedelta

import structlog

from desk.alerting import incidents
from desk.alerting.raising import post, those_of
from desk.alerting.readers import readers_of
from desk.alerting.steps import Done
from desk.alerting.values import Heartbeat
from desk.clock import Clock
from desk.execution.client_ids import stable_id
from desk.identity import Role
from desk.ports import Store, Unit
from desk.views import Alert
from trading.errors import BreakwaterError
from trading.events import Severity

log = structlog.get_logger(__name__)

#: A living process says so this often.
BEAT_S = 10.0
#: Silence this long means that it hangs, or is dead, or has lost the database.
PATIENCE_S = 45


class Pulse:
    """Says that this process lives, until it is cancelled; then that it went on request."""

    def __init__(self, store: Store, clock: Clock, role: str) -> None:
        self._store = store
        self._clock = clock
        self._role = role
        self.name = f"{role}@{socket.gethostname()}:{os.getpid()}"

    async def run(self) -> None:
        """Beat until cancelled."""
        try:
            while True:
                try:
                    await self.beat()
                except BreakwaterError as problem:
                    # Whoever watches sees the silence; nothing here can help.
                    log.warning("heartbeat_failed", error=str(problem))
                await self._clock.sleep(BEAT_S)
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def beat(self, *, is_last: bool = False) -> None:
        """Say it once."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            await tx.notices.beat(
                Heartbeat(
                    name=self.name,
                    role=self._role,
                    beat_at=now,
                    patience_s=PATIENCE_S,
                    stopped_at=now if is_last else None,
                )
            )

    async def stop(self) -> None:
        """Say that the silence to come is wanted."""
        try:
            await self.beat(is_last=True)
        except BreakwaterError as problem:
            log.warning("heartbeat_failed", error=str(problem))


async def look_for_silence(tx: Unit, workspace_id: str, now: datetime) -> Done:
    """Tell of processes that fell silent, once, and of their return."""
    done = Done()
    for one in await tx.notices.heartbeats():
        key = f"silent:{one.role}"
        is_silent = one.stopped_at is None and now - one.beat_at > timedelta(seconds=one.patience_s)
        known = await tx.notices.incident(workspace_id, key)
        is_open = known is not None and known.resolved_at is None
        if is_silent and not is_open and not await _is_replaced(tx, one, now):
            alert = _silent(workspace_id, one, now, key)
            await incidents.show(tx, key, alert, now)
            raised = await post(tx, alert, await readers_of(tx, workspace_id), now)
        elif (
            is_open
            and not is_silent
            and one.stopped_at is None
            and known is not None
            and one.beat_at > known.opened_at
        ):
            await incidents.end(tx, workspace_id, key, now)
            alert = _back(workspace_id, one, now, known.first_alert_id, known.opened_at)
            raised = await post(tx, alert, those_of(await readers_of(tx, workspace_id), Role.VIEWER), now)
        else:
            continue
        if raised is not None:
            done.events.append(raised)
            done.count += 1
    return done


async def _is_replaced(tx: Unit, silent: Heartbeat, now: datetime) -> bool:
    """Tell whether another process of the same role lives: the dead one's work is being done."""
    return any(
        one.role == silent.role
        and one.name != silent.name
        and one.stopped_at is None
        and now - one.beat_at <= timedelta(seconds=one.patience_s)
        for one in await tx.notices.heartbeats()
    )


def _silent(workspace_id: str, beat: Heartbeat, now: datetime, key: str) -> Alert:
    return Alert(
        id=stable_id(workspace_id, "alert", f"{key}:{beat.name}:{beat.beat_at.isoformat()}"),
        workspace_id=workspace_id,
        severity=Severity.CRITICAL,
        kind="process_silent",
        params={"process": beat.name, "since": beat.beat_at.isoformat(), "trouble": key},
        dedupe_key=f"{key}:{beat.name}:{beat.beat_at.isoformat()}",
        bot_id="",
        pair="",
        created_at=now,
        acknowledged_by="",
        acknowledged_at=None,
    )


def _back(workspace_id: str, beat: Heartbeat, now: datetime, first: str, since: datetime) -> Alert:
    key = f"back:{beat.name}:{since.isoformat()}"
    return Alert(
        id=stable_id(workspace_id, "alert", key),
        workspace_id=workspace_id,
        severity=Severity.INFO,
        kind="process_back",
        params={
            "process": beat.name,
            "lasted_s": round((now - since).total_seconds()),
            "replies_to": first,
        },
        dedupe_key=key,
        bot_id="",
        pair="",
        created_at=now,
        acknowledged_by="",
        acknowledged_at=None,
    )

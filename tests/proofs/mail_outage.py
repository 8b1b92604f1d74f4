"""The mail server is away for ten minutes with alerts queued: none is lost, and each reader's order is kept.

A real SMTP server (aiosmtpd) over sockets, the real transport, the real store; only the waiting is virtual. Alerts are
raised before, during and after the outage, and the carrying process dies once in the middle.

Run: python tests/proofs/mail_outage.py [--full]     (210 deliveries to 5 people; --full: 5,040 to 20)
"""

from __future__ import annotations

import argparse
import asyncio
import email
import email.policy
import re
import socket
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from aiosmtpd.controller import Controller

from chatops.email.letters import render_alert
from desk.alerting.by_mail import MailAlerts
from desk.alerting.pump import OutboxPump
from desk.alerting.raising import raise_alerts
from desk.clock import ManualClock
from desk.identity import Role
from desk.mail import SmtpMailer, SmtpServer, Tls
from desk.store import migrate, open_store
from trading.events import DailyLossReached

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OUTAGE_S = 600


class Mailbox:
    """What the server took: (recipient, message id, number of the alert), in order."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, str, int]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(letter, EmailMessage)
        body = letter.get_body(("plain",))
        assert body is not None
        text = body.get_content()
        found = re.search(r"−(\d+)\.(\d\d)%", text)
        assert found, text
        self.letters.append((letter["To"], letter["Message-ID"], int(found[1] + found[2])))
        return "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def prove(people: int, alerts: int, folder: Path) -> str:
    """Live through the outage and give the figures."""
    url = f"sqlite:{folder / 'proof.db'}"
    await migrate(url)
    clock = ManualClock(NOON)
    store = open_store(url, clock=clock)
    async with store.transaction() as tx:
        workspace = await tx.workspaces.create("home")
        for number in range(people):
            await tx.members.add(
                workspace.id, name=f"p{number}", email=f"p{number}@example.org", role=Role.OWNER
            )
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    mailer = SmtpMailer(SmtpServer(host="127.0.0.1", port=port, tls=Tls.NONE, timeout_s=5.0))
    pump = OutboxPump(store, clock, [MailAlerts(mailer, render_alert)])

    async def raise_some(first: int, count: int) -> None:
        for number in range(first, first + count):
            fact = DailyLossReached(
                workspace_id=workspace.id,
                occurred_at=clock.now(),
                account_id="a",
                loss=-(number + 1) / 10_000,
                until=NOON + timedelta(days=number + 1),
            )
            async with store.transaction() as tx:
                await raise_alerts(tx, workspace.id, [fact], clock.now())

    began = time.process_time()
    third = alerts // 3
    controller.start()
    await raise_some(0, third)
    while await pump.sweep("email"):
        pass
    before = len(box.letters)
    controller.stop()
    away_since = clock.now()
    step = max(1, third // (OUTAGE_S // 10))
    raised = third
    while (clock.now() - away_since).total_seconds() < OUTAGE_S:
        if raised < 2 * third:
            await raise_some(raised, min(step, 2 * third - raised))
            raised += min(step, 2 * third - raised)
        await pump.sweep("email")
        clock.advance(10)
    during = len(box.letters) - before
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    await raise_some(raised, alerts - raised)
    clock.advance(61)
    # The carrying process dies in the middle of the backlog.
    dying = asyncio.create_task(pump.sweep("email"))
    while len(box.letters) < before + people * third // 4:
        await asyncio.sleep(0.001)
        if dying.done():
            dying = asyncio.create_task(pump.sweep("email"))
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    back = OutboxPump(store, clock, [MailAlerts(mailer, render_alert)])
    drained_from = time.monotonic()
    for _ in range(10_000):
        async with store.reading() as tx:
            if (await tx.alerts.pending())[0] == 0:
                break
        if not await back.sweep("email"):
            clock.advance(30)
    drained_s = time.monotonic() - drained_from
    controller.stop()
    await store.close()
    return _verdict(box, people, alerts, before, during, drained_s, time.process_time() - began)


def _verdict(
    box: Mailbox, people: int, alerts: int, before: int, during: int, drained_s: float, cpu_s: float
) -> str:
    repeated = sum(count - 1 for count in Counter((to, message) for to, message, _ in box.letters).values())
    for number in range(people):
        mine = [alert for to, _, alert in box.letters if to == f"p{number}@example.org"]
        first_arrivals = list(dict.fromkeys(mine))
        assert first_arrivals == list(range(1, alerts + 1)), f"p{number}: {len(first_arrivals)} of {alerts}"
    assert during == 0, "the server was not away"
    return (
        f"{people * alerts} deliveries to {people} people, away for {OUTAGE_S} s ({before} before): 0 lost, "
        f"order kept for each, {repeated} repeated under the same Message-ID by the killed carrier, "
        f"drained in {drained_s:.1f} s, {cpu_s:.0f} s CPU"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    size = (20, 252) if parser.parse_args().full else (5, 42)
    with tempfile.TemporaryDirectory() as name:
        print(asyncio.run(prove(*size, Path(name))))

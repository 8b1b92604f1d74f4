"""Alerts by mail: from the transaction of the fact to a real SMTP server, in order, also after an outage."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chatops.email.letters import render_alert
from desk.alerting.by_mail import MailAlerts
from desk.alerting.channel import Notice, Outcome
from desk.alerting.channel import sent as arrived
from desk.alerting.pump import OutboxPump
from desk.alerting.raising import raise_alerts
from desk.clock import ManualClock
from desk.identity import Role
from desk.mail import SmtpMailer, SmtpServer, Tls, as_message
from desk.ports import Letter
from desk.store import SqlStore
from desk.views import Workspace
from trading.errors import BadSetting, Rejected, Temporary
from trading.events import DailyLossReached, FeedStalled

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 32


@dataclass(slots=True)
class Mailbox:
    """What a server took."""

    letters: list[EmailMessage] = field(default_factory=list)
    refused: str = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address == self.refused:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def port(mailbox: Mailbox) -> Iterator[int]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port
    controller.stop()


def plain(port: int) -> SmtpServer:
    return SmtpServer(host="127.0.0.1", port=port, tls=Tls.NONE, sender="desk@example.org", timeout_s=5.0)


def letter(recipient: str = "ann@example.org") -> Letter:
    return Letter(
        recipient=recipient,
        subject="Position opened\r\nBcc: everybody@example.org",
        text="BTC/USDT long",
        html='<p>BTC/USDT</p><img src="cid:chart">',
        message_id="0001@breakwater",
        pictures={"chart": PNG},
        attachments={"trades.csv": b"a,b\n"},
    )


async def test_a_letter_arrives_whole_and_its_subject_cannot_add_headers(port: int, mailbox: Mailbox) -> None:
    await SmtpMailer(plain(port)).send(letter())

    [found] = mailbox.letters
    assert found["Message-ID"] == "<0001@breakwater>"
    assert found["Subject"] == "Position opened Bcc: everybody@example.org"
    assert "Bcc" not in found
    assert found.get_body(("plain",)).get_content().strip() == "BTC/USDT long"  # type: ignore[union-attr]
    kinds = [part.get_content_type() for part in found.walk()]
    assert "image/png" in kinds
    [picture] = [part for part in found.walk() if part.get_content_type() == "image/png"]
    assert picture["Content-ID"] == "<chart>"
    assert picture.get_payload(decode=True) == PNG
    assert [one.get_filename() for one in found.iter_attachments()] == ["trades.csv"]


async def test_a_server_that_is_away_is_temporary_and_a_refused_reader_is_final(
    port: int, mailbox: Mailbox
) -> None:
    mailbox.refused = "gone@example.org"

    with pytest.raises(Temporary, match=r"not reached|not take"):
        await SmtpMailer(plain(free_port())).send(letter())
    with pytest.raises(Rejected, match=r"gone@example\.org"):
        await SmtpMailer(plain(port)).send(letter("gone@example.org"))


def test_a_password_is_not_in_the_repr_of_a_server_and_nonsense_is_refused() -> None:
    server = SmtpServer(host="mail", user="ann", password="hunter2")

    assert "hunter2" not in repr(server)
    with pytest.raises(BadSetting, match="host"):
        SmtpServer(host="")
    with pytest.raises(BadSetting, match="65535"):
        SmtpServer(host="mail", port=0)


def test_a_letter_without_html_is_plain_text() -> None:
    message = as_message(replace(letter(), html="", pictures={}, attachments={}), sender="desk@example.org")

    assert message.get_content_type() == "text/plain"


# The connection is encrypted before the first word; the fake server does not know that it is.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.IMPLICIT])
async def test_mail_goes_encrypted_and_signed_in(tmp_path: Path, mailbox: Mailbox, tls: Tls) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    given: list[Any] = []

    def sign_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        given.append(data)
        return AuthResult(success=data == LoginPassword(b"ann", b"hunter2"))

    how: dict[str, Any] = (
        {"ssl_context": context, "auth_require_tls": False}
        if tls is Tls.IMPLICIT
        else {"tls_context": context}
    )
    controller = Controller(
        mailbox, hostname="localhost", port=free_port(), authenticator=sign_in, auth_required=True, **how
    )
    controller.start()
    server = SmtpServer(
        host="localhost",
        port=controller.port,
        tls=tls,
        user="ann",
        password="hunter2",
        ca_file=str(certificate),
        timeout_s=1.0,
    )
    try:
        await SmtpMailer(server).send(letter())
        with pytest.raises(Temporary):
            await SmtpMailer(replace(server, password="wrong")).send(letter())
        with pytest.raises(Temporary):
            await SmtpMailer(replace(server, ca_file="")).send(letter())
    finally:
        controller.stop()

    assert len(mailbox.letters) == 1
    assert given[0] == LoginPassword(b"ann", b"hunter2")


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate, secret


async def a_workspace(store: SqlStore, *names: str) -> Workspace:
    async with store.transaction() as tx:
        workspace = await tx.workspaces.create("desk")
        for name in names:
            await tx.members.add(workspace.id, name=name, email=f"{name}@example.org", role=Role.TRADER)
    return workspace


async def raise_losses(store: SqlStore, workspace: Workspace, now: dt.datetime, count: int) -> None:
    """Raise numbered alerts, each in a transaction of its own."""
    for number in range(count):
        fact = DailyLossReached(
            workspace_id=workspace.id,
            occurred_at=now,
            account_id="a",
            loss=-number / 100,
            until=now + dt.timedelta(days=number + 1),
        )
        async with store.transaction() as tx:
            await raise_alerts(tx, workspace.id, [fact], now)


async def test_alerts_wait_out_ten_minutes_without_a_server_and_then_leave_in_order_none_lost(
    sqlite_store: SqlStore, mailbox: Mailbox
) -> None:
    clock = ManualClock(NOON)
    workspace = await a_workspace(sqlite_store, "ann", "bob")
    port = free_port()
    pump = OutboxPump(sqlite_store, clock, [MailAlerts(SmtpMailer(plain(port)), render_alert)])
    await raise_losses(sqlite_store, workspace, clock.now(), 5)

    for _ in range(20):
        assert await pump.sweep("email") == 0
        clock.advance(30)
    async with sqlite_store.reading() as tx:
        depth, oldest = await tx.alerts.pending()
    assert (depth, oldest) == (10, NOON)

    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        for _ in range(4):
            clock.advance(61)
            await pump.sweep("email")
    finally:
        controller.stop()

    async with sqlite_store.reading() as tx:
        assert await tx.alerts.pending() == (0, None)
        rows = await tx.alerts.deliveries(workspace.id, [one.id for one in await alerts_of(tx, workspace)])
    assert {one.status for one in rows} == {"sent"}
    for name in ("ann", "bob"):
        ids = [one["Message-ID"] for one in mailbox.letters if one["To"] == f"{name}@example.org"]
        assert len(ids) == len(set(ids)) == 5
        losses = [
            one.get_body(("plain",)).get_content()  # type: ignore[union-attr]
            for one in mailbox.letters
            if one["To"] == f"{name}@example.org"
        ]
        order = [next(n for n in range(5) if f"{n}" in text.split("%")[0][-6:]) for text in losses]
        assert order == sorted(order)


async def alerts_of(tx: Any, workspace: Workspace) -> list[Any]:
    from desk.views import Filter, Page

    return list(await tx.alerts.page(workspace.id, Filter(), Page(first=100)))


async def test_a_refused_letter_is_dead_and_does_not_hold_up_the_next(
    sqlite_store: SqlStore, port: int, mailbox: Mailbox
) -> None:
    clock = ManualClock(NOON)
    workspace = await a_workspace(sqlite_store, "ann", "bob")
    mailbox.refused = "ann@example.org"
    pump = OutboxPump(sqlite_store, clock, [MailAlerts(SmtpMailer(plain(port)), render_alert)])
    await raise_losses(sqlite_store, workspace, clock.now(), 2)

    for _ in range(2):
        await pump.sweep("email")
        clock.advance(1)

    async with sqlite_store.reading() as tx:
        rows = await tx.alerts.deliveries(workspace.id, [one.id for one in await alerts_of(tx, workspace)])
    by_status = sorted((one.status, one.recipient) for one in rows)
    assert by_status == [("failed", "ann@example.org")] * 2 + [("sent", "bob@example.org")] * 2
    assert all("550" in one.error for one in rows if one.status == "failed")


async def test_old_news_is_dropped_money_and_risk_never(
    sqlite_store: SqlStore, port: int, mailbox: Mailbox
) -> None:
    clock = ManualClock(NOON)
    workspace = await a_workspace(sqlite_store, "ann")
    stalled = FeedStalled(workspace_id=workspace.id, occurred_at=NOON, account_id="a", venue="v", age_s=60.0)
    async with sqlite_store.transaction() as tx:
        await raise_alerts(tx, workspace.id, [stalled], NOON)
    await raise_losses(sqlite_store, workspace, NOON, 1)
    pump = OutboxPump(sqlite_store, clock, [MailAlerts(SmtpMailer(plain(port)), render_alert)])

    clock.advance(7_200)
    for _ in range(2):
        await pump.sweep("email")

    async with sqlite_store.reading() as tx:
        alerts = await alerts_of(tx, workspace)
        rows = {one.alert_id: one for one in await tx.alerts.deliveries(workspace.id, [a.id for a in alerts])}
    by_kind = {one.kind: rows[one.id] for one in alerts}
    assert (by_kind["feed_stalled"].status, by_kind["feed_stalled"].error) == ("failed", "expired")
    assert by_kind["daily_loss"].status == "sent"
    assert len(mailbox.letters) == 1


async def test_the_same_fact_raises_one_alert(sqlite_store: SqlStore) -> None:
    workspace = await a_workspace(sqlite_store, "ann")
    await raise_losses(sqlite_store, workspace, NOON, 1)
    await raise_losses(sqlite_store, workspace, NOON, 1)

    async with sqlite_store.reading() as tx:
        assert len(await alerts_of(tx, workspace)) == 1
        assert (await tx.alerts.pending())[0] == 1


async def test_a_sender_that_breaks_is_tried_again_and_stops_nobody_else(sqlite_store: SqlStore) -> None:
    clock = ManualClock(NOON)
    workspace = await a_workspace(sqlite_store, "ann", "bob")
    await raise_losses(sqlite_store, workspace, NOON, 1)
    sent: list[str] = []

    class Shaky:
        platform = "email"
        is_broken = True

        async def send(self, notice: Notice) -> Outcome:
            if self.is_broken and notice.recipient == "ann@example.org":
                raise RuntimeError("a bug in a renderer")
            sent.append(f"{notice.recipient} {notice.is_repeat}")
            return arrived()

    shaky = Shaky()
    pump = OutboxPump(sqlite_store, clock, [shaky])

    await pump.sweep("email")
    assert sent == ["bob@example.org False"]
    shaky.is_broken = False
    clock.advance(5)
    await pump.sweep("email")

    assert sent == ["bob@example.org False", "ann@example.org True"]

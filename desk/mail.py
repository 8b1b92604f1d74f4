"""The way to the mail server. It only transports: what a mail says is rendered elsewhere."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from email.message import EmailMessage, MIMEPart
from enum import StrEnum
from typing import TYPE_CHECKING

from desk.alerting.channel import ChannelAway
from desk.ports import Letter
from trading.errors import BadSetting, Rejected, Temporary

if TYPE_CHECKING:
    from aiosmtplib import SMTPException


class Tls(StrEnum):
    """How the way to the server is encrypted."""

    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mail goes.

    Attributes:
        password: in clear; the caller unwraps its secret only here.
        sender: the From address.
        timeout_s: for each step of the conversation.
        ca_file: trust this certificate authority instead of the system's.
    """

    host: str
    port: int = 587
    tls: Tls = Tls.STARTTLS
    user: str = ""
    password: str = ""
    sender: str = "breakwater@localhost"
    timeout_s: float = 10.0
    ca_file: str = ""

    def __post_init__(self) -> None:
        if not self.host:
            raise BadSetting("The mail server has no host; a name or address is needed.")
        if not 0 < self.port < 65_536:
            raise BadSetting(f"Mail port {self.port} was given; 1 to 65535 is allowed.")

    def __repr__(self) -> str:
        return f"SmtpServer({self.host}:{self.port}, tls={self.tls.value}, user={'set' if self.user else 'none'})"


class SmtpMailer:
    """Sends letters, one connection each: alerts are rare and a held connection goes stale."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    async def send(self, letter: Letter) -> None:
        """Hand a letter to the server.

        Raises:
            Temporary: the server could not be reached, timed out or said try later.
            Rejected: the server refused this letter for good.
        """
        # aiosmtplib takes 60 ms to import; a house without mail does not need it.
        import aiosmtplib

        server = self._server
        message = as_message(letter, sender=server.sender)
        try:
            await aiosmtplib.send(
                message,
                sender=server.sender,
                recipients=[letter.recipient],
                hostname=server.host,
                port=server.port,
                username=server.user or None,
                password=server.password or None,
                use_tls=server.tls is Tls.IMPLICIT,
                start_tls=server.tls is Tls.STARTTLS,
                tls_context=self._context(),
                timeout=server.timeout_s,
            )
        except aiosmtplib.SMTPException as problem:
            raise _sorted_by_who_acts(problem, letter) from problem
        except OSError as problem:
            raise ChannelAway(
                f"The mail server {server.host}:{server.port} was not reached: {problem or type(problem).__name__}."
            ) from problem

    def _context(self) -> ssl.SSLContext | None:
        if self._server.tls is Tls.NONE:
            return None
        return ssl.create_default_context(cafile=self._server.ca_file or None)


def _sorted_by_who_acts(problem: SMTPException, letter: Letter) -> Temporary | Rejected:
    """Tell "try later" from "never": 5xx answers about this letter are final, everything else may pass."""
    import aiosmtplib

    if isinstance(problem, aiosmtplib.SMTPRecipientsRefused):
        codes = [one.code for one in problem.recipients]
        text = "; ".join(f"{one.code} {one.message}" for one in problem.recipients)
        if codes and all(code >= 500 for code in codes):
            return Rejected(f"The mail server refused {letter.recipient}: {text}.")
        return Temporary(f"The mail server did not take {letter.recipient} yet: {text}.")
    if isinstance(problem, aiosmtplib.SMTPConnectError | aiosmtplib.SMTPTimeoutError):
        return ChannelAway(f"The mail server was not reached: {problem}.")
    is_about_us = isinstance(
        problem, aiosmtplib.SMTPAuthenticationError | aiosmtplib.SMTPConnectError | aiosmtplib.SMTPHeloError
    )
    if isinstance(problem, aiosmtplib.SMTPResponseException) and problem.code >= 500 and not is_about_us:
        return Rejected(f"The mail server refused the letter: {problem.code} {problem.message}.")
    return Temporary(f"The mail server did not take the letter: {problem}.")


def as_message(letter: Letter, *, sender: str) -> EmailMessage:
    """Build the MIME message: text, HTML with inline pictures, attachments."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = letter.recipient
    message["Subject"] = " ".join(letter.subject.split())
    message["Message-ID"] = f"<{letter.message_id}>" if "<" not in letter.message_id else letter.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    if letter.html:
        message.add_alternative(letter.html, subtype="html")
        body = message.get_body(("html",))
        if isinstance(body, MIMEPart):
            for content_id, picture in letter.pictures.items():
                body.add_related(
                    picture,
                    maintype="image",
                    subtype="png",
                    cid=f"<{content_id}>",
                    disposition="inline",
                    filename=f"{content_id}.png",
                )
    for name, content in letter.attachments.items():
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message

"""Alerts by mail: the letter is rendered by whoever was handed in, and the transport sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from desk.alerting.channel import ChannelAway, Notice, Outcome, refused, retry, sent
from desk.money import MoneyKind
from desk.ports import Letter, Mailer
from desk.views import Alert, Member
from trading.errors import Rejected, Temporary


class RenderAlert(Protocol):
    """Turns an alert into a letter in the member's language."""

    def __call__(
        self,
        alert: Alert,
        member: Member,
        *,
        bot: str = "",
        account: str = "",
        money: MoneyKind | None = None,
        workspace: str = "",
        picture: bytes | None = None,
    ) -> Letter:
        """Give the letter; names are those of the alert's bot, account and workspace, the picture stands in the text."""
        ...


class DrawAlert(Protocol):
    """Draws what an alert is about, in a language."""

    async def __call__(self, alert: Alert, *, language: str) -> bytes | None:
        """Give a PNG; None where there is none, it failed, or it would keep the text waiting."""
        ...


class AlertFiles(Protocol):
    """Gives the files that an alert is about."""

    async def __call__(self, alert: Alert) -> Mapping[str, bytes]:
        """Give contents by name; none where the alert has none, they are gone, or are too large for a letter."""
        ...


class MailAlerts:
    """The outbox's way to a mailbox."""

    platform = "email"

    def __init__(
        self,
        mailer: Mailer,
        render: RenderAlert,
        draw: DrawAlert | None = None,
        files: AlertFiles | None = None,
    ) -> None:
        self._mailer = mailer
        self._render = render
        self._draw = draw
        self._files = files

    async def send(self, notice: Notice) -> Outcome:
        """Render an alert for its reader and hand it to the server."""
        picture = (
            await self._draw(notice.alert, language=notice.member.language or "en") if self._draw else None
        )
        letter = self._render(
            notice.alert,
            notice.member,
            bot=notice.bot,
            account=notice.account,
            money=notice.money,
            workspace=notice.workspace,
            picture=picture,
        )
        if self._files is not None and (files := await self._files(notice.alert)):
            letter = replace(letter, attachments={**letter.attachments, **files})
        try:
            await self._mailer.send(letter)
        except Temporary as problem:
            # One server for everybody: while it is away, nobody's letter has to find that out again.
            return retry(str(problem), holds_channel=isinstance(problem, ChannelAway))
        except Rejected as problem:
            return refused(str(problem))
        return sent(letter.message_id)

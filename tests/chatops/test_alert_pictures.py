"""Alerts with pictures: in letters by content id, on chats where a decision is asked; without one the text is complete."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest

from chatops.alert_pictures import MOST_WAITING, PICTURED_IN_CHATS, AlertPictures, letter_pictures
from chatops.discord_bot.alerts import DiscordAlerts
from chatops.email import render_alert
from chatops.telegram_bot.alerts import TelegramAlerts
from desk.alerting.by_mail import MailAlerts
from desk.alerting.channel import Notice, Verdict
from desk.alerting.raising import raise_alerts
from desk.charts.drawing import draw
from desk.clock import SystemClock
from desk.entry_views import EntryRequest
from desk.identity import Role
from desk.mail import as_message
from desk.ports import Letter
from desk.secrets import Secret
from desk.store import SqlStore
from desk.views import Alert, Filter, Page
from tests.chatops.chat_house import NOON, ChatHouse, furnished, with_entry
from tests.support.discord_house import user_of
from tests.support.discord_server import DiscordServer
from tests.support.discord_world import TOKEN
from tests.support.records import a_delivery, an_alert
from tests.support.telegram_world import TOKEN as TELEGRAM_TOKEN
from tests.support.telegram_world import StandIn
from trading.events import EntryAnswered

PNG = b"\x89PNG\r\n"


class InlinePainter:
    """Draws at once."""

    def __init__(self) -> None:
        self.specs: list[Mapping[str, Any]] = []

    async def draw(self, kind: str, spec: Mapping[str, Any]) -> bytes | None:
        self.specs.append(spec)
        return await asyncio.to_thread(draw, kind, spec)

    async def close(self) -> None:
        """Nothing is open."""


class QuickPainter(InlinePainter):
    """Is never late, on the slowest machine: what is drawn is shown elsewhere."""

    async def draw(self, kind: str, spec: Mapping[str, Any]) -> bytes | None:
        self.specs.append(spec)
        return PNG + kind.encode()


class StuckPainter(InlinePainter):
    """Never gets ready."""

    async def draw(self, kind: str, spec: Mapping[str, Any]) -> bytes | None:
        await asyncio.Event().wait()
        return None


class Postbox:
    """Keeps letters."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    async def send(self, letter: Letter) -> None:
        self.letters.append(letter)


def notice_of(house: ChatHouse, alert: Alert, *, channel: str, recipient: str) -> Notice:
    delivery = replace(a_delivery(alert, recipient), channel=channel)
    return Notice(
        delivery=delivery, alert=alert, member=house.members[Role.TRADER], bot="demo", workspace="home"
    )


async def an_entry_filled(house: ChatHouse) -> Alert:
    return replace(
        an_alert(house.workspace.id, dedupe_key="picture"),
        kind="entry_filled",
        bot_id=house.bot.id,
        pair="BTC/USDT",
        params={"position_id": house.position.id, "is_long": True, "quantity": "0.05"},
    )


async def test_a_letter_about_a_position_shows_it_by_content_id(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    painter, box = InlinePainter(), Postbox()
    channel = MailAlerts(box, render_alert, letter_pictures(house.store, painter))
    alert = await an_entry_filled(house)

    for _ in range(2):
        outcome = await channel.send(notice_of(house, alert, channel="email", recipient="t@example.org"))
        assert outcome.verdict is Verdict.SENT

    message: EmailMessage = as_message(box.letters[0], sender="house@example.org")
    html = message.get_body(("html",))
    assert html is not None
    assert 'src="cid:picture"' in html.get_content()
    [image] = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert image["Content-ID"] == "<picture>"
    assert image.get_content_disposition() == "inline"
    assert image.get_content().startswith(PNG)
    plain = message.get_body(("plain",))
    assert plain is not None
    assert "BTC/USDT" in plain.get_content()
    # One drawing serves everybody who reads the same language, on paper's white.
    assert [one["theme"] for one in painter.specs] == ["light"]


async def test_what_has_no_candles_or_is_about_nothing_drawn_goes_as_text(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    painter = InlinePainter()
    pictures = letter_pictures(house.store, painter)
    alert = await an_entry_filled(house)
    foreign = replace(alert, params={"position_id": "nobody's"})
    halted = replace(alert, kind="trading_halted")

    assert await pictures(foreign, language="en") is None
    assert await pictures(halted, language="en") is None
    assert painter.specs == []


async def test_a_painter_that_is_stuck_keeps_no_text_waiting(
    sqlite_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await furnished(sqlite_store)
    monkeypatch.setattr("chatops.alert_pictures.WITHIN_S", 0.05)
    pictures = letter_pictures(house.store, StuckPainter())
    alert = await an_entry_filled(house)

    several = [replace(alert, id=f"a{number}") for number in range(MOST_WAITING + 3)]
    found = await asyncio.gather(*(pictures(one, language="en") for one in several))

    assert found == [None] * len(several)


async def an_answer(house: ChatHouse, request: EntryRequest) -> Alert:
    """Let somebody say no at another door; give the alert that tells it."""
    fact = EntryAnswered(
        workspace_id=house.workspace.id,
        occurred_at=NOON,
        account_id=house.account.id,
        bot_id=house.bot.id,
        pair=request.pair,
        code=request.code,
        signal_id=request.signal_id,
        state="SKIPPED",
        actor="trader@console",
    )
    async with house.store.transaction() as tx:
        await raise_alerts(tx, house.workspace.id, [fact], NOON)
        alerts = await tx.alerts.page(house.workspace.id, Filter(), Page(first=20))
    return next(one for one in alerts if one.kind == "entry_answered")


async def test_a_question_comes_to_telegram_with_its_picture_and_three_answers(
    sqlite_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A core that is compiled anew takes longer than a person is kept waiting.
    monkeypatch.setattr("chatops.alert_pictures.WITHIN_S", 120.0)
    house = await furnished(sqlite_store)
    house.desk.clock = SystemClock()
    request, alert = await with_entry(house)
    painter = QuickPainter()
    draws = AlertPictures(house.store, painter, kinds=PICTURED_IN_CHATS)
    stand_in = StandIn()
    try:
        async with stand_in.visited() as telegram:
            channel = TelegramAlerts(
                house.store, SystemClock(), token=TELEGRAM_TOKEN, base_url=telegram.url, draw=draws
            )
            outcome = await channel.send(notice_of(house, alert, channel="telegram", recipient="1003"))
            told = await channel.send(
                notice_of(house, await an_entry_filled(house), channel="telegram", recipient="1003")
            )
            answered = await an_answer(house, request)
            await channel.send(
                replace(
                    notice_of(house, answered, channel="telegram", recipient="1003"),
                    replies_to=outcome.message_ref,
                )
            )
            await channel.close()
            shown, plain, answer, disarmed = (await telegram.log())[-4:]
    finally:
        stand_in.close()
    assert (outcome.verdict, told.verdict) == (Verdict.SENT, Verdict.SENT)
    assert shown["method"] == "sendPhoto"
    assert [label for label, _ in shown["keys"]] == ["Approve", "Half", "Skip"]
    assert request.code in shown["text"]
    # Whoever answered at another door: here the question is answered too, and asks no more.
    assert (answer["reply_to"], disarmed["method"]) == (shown["id"], "editMessageReplyMarkup")
    assert (disarmed["id"], disarmed["keys"]) == (shown["id"], [])
    # A chat is told at once: news without a question waits for no picture.
    assert plain["method"] == "sendMessage"
    assert painter.specs[0]["trade"]["stop"] == float(request.stop or 0)


async def test_a_question_comes_to_discord_with_its_picture(
    sqlite_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatops.alert_pictures.WITHIN_S", 120.0)
    house = await furnished(sqlite_store)
    request, alert = await with_entry(house)
    server = DiscordServer()
    await server.start()
    channel = DiscordAlerts(
        house.store,
        house.clock,
        token=Secret(TOKEN),
        api_url=server.api_url,
        draw=AlertPictures(house.store, QuickPainter(), kinds=PICTURED_IN_CHATS),
    )
    try:
        outcome = await channel.send(
            notice_of(house, alert, channel="discord", recipient=user_of(Role.TRADER))
        )
        asked = dict(server.messages[outcome.message_ref].body)
        answered = await an_answer(house, request)
        await channel.send(
            replace(
                notice_of(house, answered, channel="discord", recipient=user_of(Role.TRADER)),
                replies_to=outcome.message_ref,
            )
        )
    finally:
        await channel.close()
        await server.stop()
    assert outcome.verdict is Verdict.SENT
    message, answer = server.messages.values()
    assert asked["components"]
    assert message.body["components"] == []
    assert str(answer.body["message_reference"]["message_id"]) == message.id
    assert message.body["embeds"][0]["image"]["url"] == "attachment://entry_asked.png"
    assert [(name, data[:6]) for name, data in message.files.items()] == [("entry_asked.png", PNG)]

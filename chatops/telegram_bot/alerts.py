"""Alerts on Telegram: to each person in their private chat, within the same flood limits as replies."""

from __future__ import annotations

from contextlib import suppress

from telegram import Bot

from chatops.alerts import alert_card
from chatops.cards import Card, Text
from chatops.doors.buttons import Buttons, Owner
from chatops.doors.carrier import AnswerLost, DoorDisabled, NeverThis, NotNow, Sent
from chatops.doors.heard import Place
from chatops.doors.platform import Key, Shown
from chatops.telegram_bot.pace import Pace
from chatops.telegram_bot.sending import TelegramPlatform
from chatops.telegram_bot.wire import make_bot
from chatops.texts.speaker import Speaker
from desk.alerting.by_mail import DrawAlert
from desk.alerting.channel import Notice, Outcome, disabled, refused, retry, sent
from desk.clock import Clock
from desk.ports import Store

#: A longer wait for the flood limits is the outbox's, not ours.
LONGEST_WAIT_S = 5.0


class TelegramAlerts:
    """The outbox's way to Telegram. `desk.alerting.channel.Channel`."""

    platform = "telegram"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        token: str,
        base_url: str = "",
        pace: Pace | None = None,
        draw: DrawAlert | None = None,
    ) -> None:
        self._store = store
        self._draw = draw
        self._clock = clock
        self._pace = pace or Pace(clock)
        self._bot: Bot = make_bot(token, base_url)
        # No updates are heard here, so that nobody answers under this name.
        self._platform = TelegramPlatform(self._bot, clock, source="telegram:alerts", pace=self._pace)
        self._buttons = Buttons(store)

    async def send(self, notice: Notice) -> Outcome:
        """Hand an alert over."""
        wait_s = self._pace.wait_s(notice.recipient)
        if wait_s > LONGEST_WAIT_S:
            return retry("flood limit", after_s=wait_s)
        try:
            arrived = await self._hand_over(notice)
        except NotNow as problem:
            # Without a time to wait the server was not there at all: nobody else need try.
            return retry(str(problem), after_s=problem.after_s, holds_channel=problem.after_s is None)
        except AnswerLost as problem:
            return retry(str(problem), holds_channel=True, is_doubtful=True)
        except NeverThis as problem:
            return refused(str(problem))
        except DoorDisabled as problem:
            return disabled(str(problem))
        return sent(arrived.message_id)

    async def _hand_over(self, notice: Notice) -> Sent:
        card = alert_card(
            notice.alert,
            bot=notice.bot,
            account=notice.account,
            money=notice.money,
            is_repeat=notice.is_repeat,
        )
        speaker = Speaker(notice.member.language or "en", notice.member.time_zone or "UTC")
        place = Place(platform=self.platform, chat_id=notice.recipient)
        picture = await self._draw(notice.alert, language=speaker.language) if self._draw else None
        shown = Shown(
            place=place,
            speaker=speaker,
            pages=self._platform.pages(card, speaker, has_picture=picture is not None),
            keys=await self._keys(card, speaker, notice),
            picture=picture,
            picture_name=notice.alert.kind,
            replies_to=notice.replies_to,
            is_silent=notice.is_silent,
        )
        arrived = [
            # The card itself says that it is a repeat.
            await self._platform.carry(payload, is_repeat=False)
            for payload in self._platform.payloads(shown)
        ]
        if notice.settles:
            await self._platform.disarm(notice.recipient, notice.replies_to)
        return arrived[0]

    async def _keys(self, card: Card, speaker: Speaker, notice: Notice) -> tuple[Key, ...]:
        if not card.buttons:
            return ()
        owner = Owner(
            workspace_id=notice.alert.workspace_id,
            platform=self.platform,
            chat_id=notice.recipient,
            user_id=notice.recipient,
        )
        async with self._store.transaction() as tx:
            return tuple(
                [
                    Key(
                        speaker.say(Text(f"button.{one.name}", one.params)),
                        await self._buttons.make(tx, one, owner, now=self._clock.now()),
                    )
                    for one in card.buttons
                ]
            )

    async def close(self) -> None:
        """Close the connections."""
        for request in self._bot._request:
            with suppress(Exception):
                await request.shutdown()

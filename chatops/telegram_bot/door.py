"""The Telegram door: hears while it holds the bot's lease, answers, and keeps menus and living messages up to date."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog
from telegram import Bot, Update, User
from telegram.error import InvalidToken, TelegramError

from chatops.book import Book
from chatops.doors.answering import Answering
from chatops.doors.buttons import REMEMBERED
from chatops.doors.carrier import AnswerLost, DoorDisabled, NeverThis, NotNow
from chatops.doors.conversation import Conversation
from chatops.doors.door import DoorState
from chatops.doors.heard import Heard
from chatops.doors.lease import Turn
from chatops.doors.living import Living
from chatops.doors.who import People
from chatops.room import Room
from chatops.telegram_bot.groups import Groups
from chatops.telegram_bot.hook import Hook
from chatops.telegram_bot.menu import set_menu_of, set_menus
from chatops.telegram_bot.pace import Pace
from chatops.telegram_bot.polling import Poller
from chatops.telegram_bot.reading import ALLOWED_UPDATES, Reader
from chatops.telegram_bot.sending import TelegramPlatform
from chatops.telegram_bot.wire import POLL_S, make_bot, told_apart
from desk.identity import Role
from trading.errors import StoreProblem

log = structlog.get_logger(__name__)

#: Forgotten buttons are swept away, and a webhook is looked after, this often.
SWEEP_S = 3600.0
HOOK_LOOK_S = 30.0


def lease_name(token: str) -> str:
    """Give the name of a bot's lease; the token itself is told to nobody."""
    return f"telegram:{hashlib.sha256(token.encode()).hexdigest()[:16]}"


class TelegramDoor:
    """A bot's door. `chatops.doors.door.Door`; it can be run again after it failed."""

    name = "telegram"

    def __init__(
        self,
        room: Room,
        book: Book,
        people: People,
        *,
        token: str,
        base_url: str = "",
        hook: Hook | None = None,
        pace: Pace | None = None,
        poll_s: int = POLL_S,
        living_s: float = 10.0,
        make: Callable[[str, str], Bot] = make_bot,
    ) -> None:
        self._room = room
        self._book = book
        self._people = people
        self._token = token
        self._base_url = base_url
        self._hook = hook
        self._make = make
        self._clock = room.desk.clock
        self._pace = pace or Pace(self._clock)
        self._poll_s = poll_s
        self._living_s = living_s
        self._turn = Turn(room.store, self._clock, lease_name(token))
        self._poller: Poller | None = None
        self._trouble = ""
        self._is_open = False
        self._touched = self._clock.monotonic()
        self._menus: dict[str, tuple[Role, str]] = {}

    @property
    def state(self) -> DoorState:
        """How it stands."""
        if not self._turn.is_ours:
            return DoorState.WAITING
        if self.detail:
            return DoorState.TROUBLED
        return DoorState.OPEN if self._is_open else DoorState.STARTING

    @property
    def detail(self) -> str:
        """What is wrong; empty when nothing is."""
        return self._trouble or (self._poller.trouble if self._poller else "")

    @property
    def heard_at(self) -> float:
        """Monotonic time of the last sign of life."""
        return max(
            self._touched,
            self._turn.looked_at,
            self._poller.heard_at if self._poller else 0.0,
            self._hook.heard_at if self._hook else 0.0,
        )

    async def run(self) -> None:
        """Hear and answer whenever the lease is ours, until cancelled.

        Raises:
            DoorDisabled: in a group, when Telegram does not know the token.
        """
        self._touched = self._clock.monotonic()
        await self._turn.run(self._serve)

    async def _serve(self) -> None:
        bot = self._make(self._token, self._base_url)
        try:
            me = await self._introduced(bot)
            await self._work(bot, me)
        finally:
            self._is_open = False
            self._poller = None
            self._trouble = ""
            with suppress(Exception):
                await bot.shutdown()

    async def _introduced(self, bot: Bot) -> User:
        """Ask Telegram who we are until it answers."""
        wait_s = 0.5
        while True:
            self._touched = self._clock.monotonic()
            try:
                await bot.initialize()
                return bot.bot
            except InvalidToken as problem:
                raise DoorDisabled(
                    "Telegram does not know this token; make a new one with BotFather and set "
                    "BREAKWATER_TELEGRAM_TOKEN."
                ) from problem
            except TelegramError as problem:
                if not self._trouble:
                    log.warning("telegram_not_reached", error=str(problem))
                self._trouble = str(problem)
            await self._clock.sleep(wait_s)
            wait_s = min(15.0, wait_s * 2)

    async def _work(self, bot: Bot, me: User) -> None:
        source = f"telegram:{me.id}"
        platform = TelegramPlatform(bot, self._clock, source=source, pace=self._pace)
        conversation = Conversation(self._room, self._book, self._people)
        answering = Answering(conversation, platform)
        reader = Reader(source=source, bot_id=me.id, username=me.username or "")
        groups = Groups(self._room.store, self._clock, self._people, bot)
        self._trouble = ""
        async with asyncio.TaskGroup() as tasks:

            async def take(updates: Sequence[Update]) -> None:
                heard: list[Heard] = []
                for update in updates:
                    if update.my_chat_member is not None:
                        await groups.moved(update.my_chat_member)
                    one = reader.heard(update)
                    if one is not None and await groups.may_hear(one):
                        heard.append(one)
                await answering.take(heard)
                for one in heard:
                    tasks.create_task(self._courtesies(bot, one))

            tasks.create_task(answering.run(), name="telegram-answering")
            tasks.create_task(
                Living(conversation, platform, every_s=self._living_s).run(), name="telegram-living"
            )
            tasks.create_task(self._tidy(), name="telegram-tidy")
            tasks.create_task(self._introduce(bot), name="telegram-menu")
            await answering.ready.wait()
            if self._hook is not None:
                tasks.create_task(self._hooked(bot, self._hook, take), name="telegram-hook")
            else:
                self._poller = Poller(bot, self._clock, take, poll_s=self._poll_s)
                tasks.create_task(self._polled(bot, self._poller), name="telegram-poll")
            self._is_open = True
            log.info("telegram_open", bot=me.username, mode="webhook" if self._hook else "polling")

    async def _polled(self, bot: Bot, poller: Poller) -> None:
        """Poll; a webhook that somebody left behind would keep every update from us."""
        with suppress(NotNow, AnswerLost, NeverThis):
            await told_apart(bot.delete_webhook(drop_pending_updates=False))
        await poller.run()

    async def _hooked(
        self, bot: Bot, hook: Hook, take: Callable[[Sequence[Update]], Awaitable[None]]
    ) -> None:
        """Keep Telegram coming to us, and look from time to time whether it can."""
        hook.open(bot, take)
        try:
            while True:
                self._touched = self._clock.monotonic()
                try:
                    found = await told_apart(bot.get_webhook_info())
                    if found.url != hook.url:
                        await told_apart(
                            bot.set_webhook(
                                hook.url,
                                secret_token=hook.secret.reveal(),
                                allowed_updates=list(ALLOWED_UPDATES),
                            )
                        )
                    self._trouble = ""
                except (NotNow, AnswerLost, NeverThis) as problem:
                    self._trouble = str(problem)
                await self._clock.sleep(HOOK_LOOK_S)
        finally:
            hook.close()

    async def _introduce(self, bot: Bot) -> None:
        """Give Telegram our menus; without them everything works all the same."""
        try:
            await set_menus(bot, self._book)
        except (NotNow, AnswerLost, NeverThis) as problem:
            log.warning("telegram_menu_not_set", error=str(problem))

    async def _courtesies(self, bot: Bot, heard: Heard) -> None:
        """End a tap's waiting sign, and give a person's chat the menu of what they may say; nothing depends on it."""
        try:
            if query := heard.extras.get("query"):
                await told_apart(bot.answer_callback_query(str(query)))
            await self._own_menu(bot, heard)
        except (NotNow, AnswerLost, NeverThis, StoreProblem) as problem:
            log.debug("telegram_courtesy_failed", error=str(problem))

    async def _own_menu(self, bot: Bot, heard: Heard) -> None:
        if not heard.place.is_private:
            return
        actor = await self._people.actor_of("telegram", heard.person.user_id)
        if actor is None:
            return
        wanted = (actor.role, actor.language)
        if self._menus.get(heard.place.chat_id) != wanted:
            self._menus[heard.place.chat_id] = wanted
            await set_menu_of(bot, self._book, heard.place.chat_id, *wanted)

    async def _tidy(self) -> None:
        while True:
            try:
                async with self._room.store.transaction() as tx:
                    await tx.chats.forget_buttons(self._clock.now() - REMEMBERED)
            except StoreProblem as problem:
                log.warning("chat_tidy_failed", error=str(problem))
            await self._clock.sleep(SWEEP_S)

"""One conversation for every platform: who asks → what was tapped or said → the card that answers it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chatops.arguments import take_apart
from chatops.book import Book
from chatops.cards import Card, Text, Tone
from chatops.confirmations import audit_denial
from chatops.dispatch import Dispatcher
from chatops.doors.buttons import Buttons
from chatops.doors.heard import Heard
from chatops.doors.linking import Linking
from chatops.doors.offers import with_offers
from chatops.doors.once import OnceDesk, once_key
from chatops.doors.who import People
from chatops.errors import misheard_card
from chatops.problems import Misheard
from chatops.room import Room
from chatops.texts.speaker import Speaker
from desk.chats import ButtonKind, ChatButton, Tap
from desk.desk import token_hash
from desk.identity import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is shown for a message.

    Attributes:
        card: None where nothing is to be said.
        actor: who asked; None for a stranger.
        edits: id of the message that the answer takes the place of; empty for a new one.
        word: the reply must be a typed word, for the confirmation of this token.
        pages, page: a long reply that is leafed through, and where.
        living: what the message shows from now on; "" for nothing, and `is_over` ends it.
        line: what renews the living message.
    """

    card: Card | None
    speaker: Speaker
    actor: Actor | None = None
    edits: str = ""
    word: str = ""
    token: str = ""
    pages: tuple[dict[str, Any], ...] = ()
    page: int = 0
    living: str = ""
    line: str = ""
    is_over: bool = False


class Conversation:
    """Answers what was heard; holds no state of its own, so that any process may go on."""

    def __init__(self, room: Room, book: Book, people: People) -> None:
        self.room = room
        self.book = book
        self.people = people
        self.buttons = Buttons(room.store)
        self.linking = Linking(people, room.desk.clock)

    async def answer(self, heard: Heard, *, is_again: bool = False) -> Answer:
        """Answer a message.

        Args:
            is_again: an earlier try to answer it did not end; what it did is not done again.
        """
        actor = await self.people.actor_of(heard.person.platform, heard.person.user_id)
        if actor is None:
            return await self._stranger(heard)
        speaker = await self._dispatcher(heard).speaker(actor)
        if heard.token:
            return await self._tapped(heard, actor, speaker, is_again)
        waiting = None if heard.text.lstrip().startswith("/") else await self._waiting(heard)
        if waiting is not None:
            return await self._worded(waiting, heard, actor, speaker, is_again)
        return await self._said(heard.text, heard, actor, is_again=is_again)

    async def look(self, heard: Heard) -> ChatButton | None:
        """Give the button of a tap without using it, so that a form can be shown first."""
        return await self.buttons.look(heard.place.platform, heard.token)

    async def _stranger(self, heard: Heard) -> Answer:
        language = heard.person.language.split("-", 1)[0]
        linked, card = await self.linking.card(heard)
        if linked is not None:
            welcome = await self._said("/start", heard, linked)
            return replace(welcome, card=_linked(linked, welcome.card))
        return Answer(card=card, speaker=Speaker(language or "en"))

    async def _said(self, line: str, heard: Heard, actor: Actor, *, is_again: bool = False) -> Answer:
        """Say a line for the person and give the answer."""
        living = living_subject(line, self.book)
        if living is not None:
            line = living.line
        dispatcher = self._dispatcher(heard)
        card = await dispatcher.answer(line, actor, extras=self._extras(heard))
        card = await with_offers(card, line, self.book, self.room, actor)
        speaker = await dispatcher.speaker(actor)
        if card.problem == "done_before":
            card = Card(
                name="done_before",
                title=Text("door.done.title"),
                tone=Tone.GOOD,
                body=(Text("door.done.body"),),
            )
        answer = Answer(card=card, speaker=speaker, actor=actor)
        if living is not None and not card.problem:
            return replace(answer, living=living.subject, line=line, is_over=living.is_over)
        if card.renewed_by and not card.problem:
            return replace(answer, living=card.renewed_by, line=card.renewed_by)
        return answer

    async def _tapped(self, heard: Heard, actor: Actor, speaker: Speaker, is_again: bool) -> Answer:
        button = await self.look(heard)
        if button is not None and _asks_word(button) and not heard.typed:
            return await self._ask_word(button, heard, actor, speaker)
        pressed = await self.buttons.press(
            heard.token,
            platform=heard.place.platform,
            chat_id=heard.place.chat_id,
            user_id=heard.person.user_id,
            used_by=heard.key,
            now=self.room.now,
        )
        if pressed.tap is not Tap.OK or pressed.button is None:
            return await self._refused(pressed.tap, pressed.button, actor, speaker)
        return await self._pressed(pressed.button, heard, actor, speaker, is_again)

    async def _pressed(
        self, button: ChatButton, heard: Heard, actor: Actor, speaker: Speaker, is_again: bool
    ) -> Answer:
        match button.kind:
            case ButtonKind.PAGES:
                pages = tuple(button.payload["pages"])
                page = min(max(heard.page, 0), len(pages) - 1)
                return Answer(
                    card=None,
                    speaker=speaker,
                    actor=actor,
                    edits=heard.shown_id,
                    pages=pages,
                    page=page,
                    token=heard.token,
                )
            case ButtonKind.SAY:
                answer = await self._said(button.line, heard, actor, is_again=is_again)
                return replace(answer, edits=heard.shown_id)
            case ButtonKind.DISMISS:
                answer = await self._said(f"/dismiss {button.line}", heard, actor)
                return replace(answer, edits=heard.shown_id)
            case _:
                answer = await self._confirmed(button.line, heard.typed, heard, actor, is_again)
                return replace(answer, edits=heard.shown_id)

    async def _confirmed(self, token: str, typed: str, heard: Heard, actor: Actor, is_again: bool) -> Answer:
        word = typed.replace('"', "").strip()
        line = f'/confirm {token} "{word}"' if word else f"/confirm {token}"
        if not is_again:
            return await self._said(line, heard, actor)
        # An earlier try ended in between: say what it did rather than that its token is used.
        speaker = await self._dispatcher(heard).speaker(actor)
        if await self._was_done(token, heard, actor):
            card = Card(
                name="done_before",
                title=Text("door.done.title"),
                tone=Tone.GOOD,
                body=(Text("door.done.body"),),
            )
            return Answer(card=card, speaker=speaker, actor=actor)
        answer = await self._said(line, heard, actor)
        if answer.card is not None and answer.card.problem == "denied":
            card = Card(
                name="error",
                problem="interrupted",
                title=Text("door.interrupted.title"),
                tone=Tone.WARN,
                body=(Text("door.interrupted.body"),),
                notes=(Text("advice.ask_again"),),
            )
            return replace(answer, card=card)
        return answer

    async def _was_done(self, token: str, heard: Heard, actor: Actor) -> bool:
        async with self.room.store.reading() as tx:
            pending = await tx.keys.stored_answer(actor.workspace_id, f"confirmation:{token_hash(token)}")
            if pending is None:
                return False
            key = once_key(heard.key, pending[0])
            return await tx.keys.stored_answer(actor.workspace_id, key) is not None

    async def _ask_word(self, button: ChatButton, heard: Heard, actor: Actor, speaker: Speaker) -> Answer:
        """Ask for the word of a confirmation; its button stays good until the word is there."""
        tap = _may_tap(button, heard)
        if tap is Tap.OK and self.room.now >= button.expires_at:
            tap = Tap.EXPIRED
        if tap is not Tap.OK:
            return await self._refused(tap, button, actor, speaker)
        word = str(button.payload["word"])
        card = Card(
            name="word",
            title=Text("door.word.title"),
            tone=Tone.ASK,
            body=(Text("confirm.type", {"word": word}),),
            notes=(Text("confirm.until", {"span": button.expires_at - self.room.now}),),
        )
        return Answer(card=card, speaker=speaker, actor=actor, word=word, token=button.line)

    async def _waiting(self, heard: Heard) -> ChatButton | None:
        async with self.room.store.reading() as tx:
            return await tx.chats.waiting_word(
                heard.place.platform, heard.place.chat_id, heard.person.user_id, self.room.now
            )

    async def _worded(
        self, waiting: ChatButton, heard: Heard, actor: Actor, speaker: Speaker, is_again: bool
    ) -> Answer:
        async with self.room.store.transaction() as tx:
            tap = await tx.chats.tap(
                waiting,
                chat_id=heard.place.chat_id,
                user_id=heard.person.user_id,
                used_by=heard.key,
                now=self.room.now,
            )
        if tap is not Tap.OK:
            return await self._refused(tap, waiting, actor, speaker)
        return await self._confirmed(waiting.line, heard.text, heard, actor, is_again)

    async def _refused(self, tap: Tap, button: ChatButton | None, actor: Actor, speaker: Speaker) -> Answer:
        """Say why a tap does nothing; audited where it could have done something."""
        is_confirmation = button is None or button.kind in (ButtonKind.CONFIRM, ButtonKind.WORD)
        if is_confirmation:
            await audit_denial(self.room.store, actor, "button", f"button {tap.value}", self.room.now)
        problem = Misheard(
            Text("door.button", {"verdict": Text(f"verdict.{tap.value}")}),
            advice=Text("advice.ask_again"),
            code="denied",
        )
        return Answer(card=misheard_card(problem), speaker=speaker, actor=actor)

    def _dispatcher(self, heard: Heard) -> Dispatcher:
        return Dispatcher(replace(self.room, desk=OnceDesk(self.room.desk, heard.key)), self.book)

    def _extras(self, heard: Heard) -> dict[str, Any]:
        return {"heard": heard, "place": heard.place, "bot": heard.extras.get("bot", "")}


#: The living message that somebody asked for; it is pinned. Others, such as a job's, follow what they show to its end.
STATUS = "status"


@dataclass(frozen=True, slots=True)
class LivingLine:
    """A line that asks for a message that is kept up to date, or for the end of one."""

    line: str
    subject: str
    is_over: bool


def living_subject(line: str, book: Book) -> LivingLine | None:
    """Tell whether a line asks for a living message: `/status [bot] live`, and `live off` ends it."""
    try:
        spoken = take_apart(line)
    except Misheard:
        return None
    word = book.find(spoken.name)
    # A form names the argument, and may hold several words in it.
    typed = [part for one in spoken.rest for part in one.removeprefix("view=").split()]
    words = [one.lower() for one in typed]
    if word is None or word.name != "status" or "live" not in words:
        return None
    rest = [one for one in typed if one.lower() not in {"live", "off"}]
    quoted = " ".join(f'"{one}"' if " " in one else one for one in rest)
    return LivingLine(f"/{word.name} {quoted}".strip(), "status", "off" in words)


def _asks_word(button: ChatButton) -> bool:
    return button.kind is ButtonKind.CONFIRM and bool(button.payload.get("word"))


def _may_tap(button: ChatButton, heard: Heard) -> Tap:
    if button.chat_id != heard.place.chat_id or button.user_id not in ("", heard.person.user_id):
        return Tap.FOREIGN
    return Tap.OK if button.used_at is None else Tap.USED


def _linked(actor: Actor, welcome: Card | None) -> Card:
    """Give the card of a fresh link: who one is now, and what the welcome offers."""
    return Card(
        name="linked",
        title=Text("door.linked.title", {"name": actor.name}),
        tone=Tone.GOOD,
        body=(Text("door.linked.body"), *(welcome.body if welcome else ())),
        notes=welcome.notes if welcome else (),
        buttons=welcome.buttons if welcome else (),
    )

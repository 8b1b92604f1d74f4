"""From a typed line to a card: word → role → arguments → answer; whatever goes wrong is a card too."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog

from chatops.approvals import approval_card
from chatops.arguments import take_apart
from chatops.book import Book, Word
from chatops.cards import Button, Card, Press, Text, Tone
from chatops.confirmations import Confirmations, audit_denial, member_of
from chatops.errors import error_card, misheard_card, role_text
from chatops.pictures import in_language
from chatops.previews import preview_text
from chatops.problems import Misheard, did_you_mean, misheard
from chatops.proofs import proof_card
from chatops.room import Asked, Room, speaker_of
from chatops.stakes import modes_at_stake
from chatops.texts.speaker import Speaker
from desk.desk import ConfirmationNeeded
from desk.errors import ApprovalPending, StepUpRequired
from desk.identity import Actor, Role
from trading.errors import BreakwaterError

log = structlog.get_logger(__name__)


class Dispatcher:
    """Answers lines; one for each door, without a state of its own."""

    def __init__(self, room: Room, book: Book) -> None:
        self.room = room
        self.book = book
        self.confirmations = Confirmations(room.store)

    async def speaker(self, actor: Actor) -> Speaker:
        """Give how a person reads, as set by /lang and /tz."""
        return speaker_of(await member_of(self.room.store, actor), actor)

    async def answer(self, line: str, actor: Actor, *, extras: Mapping[str, Any] | None = None) -> Card:
        """Answer a line; never raises, so that a door outlives every mistake."""
        if actor.role is Role.STRANGER:
            # The same for every line, and no row is written: a stranger learns nothing and costs nothing.
            log.info("chat_stranger", channel=actor.channel)
            return Card(name="stranger", title=Text("stranger.title"), body=(Text("stranger.body"),))
        try:
            return await self._said(line, actor, extras or {})
        except ApprovalPending as pending:
            return approval_card(pending.approval)
        except Misheard as problem:
            return misheard_card(problem)
        except BreakwaterError as problem:
            return error_card(problem)
        except Exception:
            incident = secrets.token_hex(4)
            log.exception("chat_word_failed", incident=incident)
            return Card(
                name="error",
                problem="internal",
                title=Text("error.internal"),
                tone=Tone.BAD,
                body=(Text("problem.internal", {"incident": incident}),),
            )

    async def _said(self, line: str, actor: Actor, extras: Mapping[str, Any]) -> Card:
        spoken = take_apart(line)
        word = self.book.find(spoken.name)
        if word is None:
            near = self.book.nearest(spoken.name, actor.role)
            raise misheard(
                "unknown_word",
                advice="help",
                problem="not_found",
                found=spoken.name,
                nearest=did_you_mean(f"/{near}" if near else ""),
            )
        return await self._asked(word, spoken.rest, spoken.line, actor, extras=extras)

    async def _press(self, actor: Actor, token: str, typed: str) -> Card:
        pending = await self.confirmations.press(token, actor, typed, self.room.now)
        spoken = take_apart(pending.line)
        word = self.book.find(spoken.name)
        if word is None:
            raise misheard("unknown_word", advice="help", found=spoken.name, nearest="")
        return await self._asked(
            word,
            spoken.rest,
            spoken.line,
            actor,
            confirmation=token,
            typed=typed,
            figures=dict(pending.figures),
        )

    async def _dismiss(self, actor: Actor, token: str) -> Card:
        await self.confirmations.dismiss(token, actor, self.room.now)
        return Card(name="dismissed", title=Text("dismissed.title"), body=(Text("dismissed.body"),))

    async def _asked(
        self,
        word: Word,
        rest: tuple[str, ...],
        line: str,
        actor: Actor,
        *,
        confirmation: str = "",
        typed: str = "",
        extras: Mapping[str, Any] | None = None,
        figures: dict[str, str] | None = None,
    ) -> Card:
        if actor.role < word.role:
            action = word.command.__name__ if word.command else f"/{word.name}"
            reason = f"role {actor.role.name} below {word.role.name}"
            await audit_denial(self.room.store, actor, action, reason, self.room.now)
            raise misheard(
                "role",
                advice="role",
                problem="denied",
                word=f"/{word.name}",
                needed=role_text(word.role),
                found=role_text(actor.role),
                name=f'"{actor.name}"' if " " in actor.name else actor.name,
                role=word.role.name.lower(),
            )
        asked = Asked(
            room=self.room,
            book=self.book,
            word=word,
            actor=actor,
            args=word.read(rest),
            line=line,
            pressing=partial(self._press, actor),
            dismissing=partial(self._dismiss, actor),
            confirmation=confirmation,
            typed=typed,
            member=await member_of(self.room.store, actor),
            extras=extras or {},
            figures=figures if figures is not None else {},
        )
        try:
            card = await word.answer(asked)
        except ConfirmationNeeded as needed:
            return await self._asks(needed, asked)
        except StepUpRequired:
            return await proof_card(asked)
        except (ApprovalPending, Misheard):
            raise
        except BreakwaterError as problem:
            return error_card(problem, f"/{word.name}")
        return in_language(card, asked.speaker.language)

    async def _asks(self, needed: ConfirmationNeeded, asked: Asked) -> Card:
        await self.confirmations.keep(needed, asked.line, asked.actor, self.room.now, figures=asked.figures)
        preview = needed.preview
        notes = [Text("confirm.until", {"span": needed.expires_at - self.room.now})]
        if preview.type_word:
            notes.insert(0, Text("confirm.type", {"word": preview.type_word}))
        return Card(
            name="confirm",
            title=Text("confirm.title"),
            tone=Tone.ASK,
            body=(preview_text(preview.code, preview.params),),
            fields=await modes_at_stake(self.room, needed.command, asked.actor),
            notes=tuple(notes),
            buttons=(
                Button(name="confirm", press=Press.CONFIRM, token=needed.token),
                Button(name="cancel", press=Press.DISMISS, token=needed.token),
            ),
            type_word=preview.type_word,
        )

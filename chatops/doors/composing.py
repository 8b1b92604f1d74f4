"""From an answer to what is sent: picture, pages, buttons with their tokens, and the row that keeps it all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from chatops.cards import Card, Press, Text
from chatops.doors.buttons import Owner
from chatops.doors.conversation import STATUS, Answer, Conversation
from chatops.doors.heard import Heard
from chatops.doors.platform import Key, Platform, Shown
from chatops.pictures import drawn
from chatops.texts.speaker import Speaker
from desk.chats import ButtonKind, ChatReply
from desk.desk import CONFIRMATION_TTL
from desk.identity import Actor
from desk.ports import Unit


class Composer:
    """Makes replies of answers, for one platform."""

    def __init__(self, conversation: Conversation, platform: Platform) -> None:
        self._conversation = conversation
        self._platform = platform

    async def picture(self, answer: Answer) -> bytes | None:
        """Draw an answer's picture; None where there is none or it failed."""
        return await drawn(answer.card, self._conversation.room.painter) if answer.card else None

    async def compose(self, tx: Unit, heard: Heard, answer: Answer, picture: bytes | None) -> list[ChatReply]:
        """Give the replies of an answer, their buttons kept; nothing where nothing is to be said."""
        if answer.actor is None:
            return []
        if answer.pages:
            return self._kept(heard, answer.actor, [self._leafed(heard, answer)], None)
        if answer.card is None:
            return []
        owner = Owner(
            workspace_id=answer.actor.workspace_id,
            platform=heard.place.platform,
            chat_id=heard.place.chat_id,
            user_id=heard.person.user_id,
        )
        pages = self._platform.pages(answer.card, answer.speaker, has_picture=picture is not None)
        is_living = bool(answer.living) and not answer.is_over
        is_status = is_living and answer.living == STATUS
        keys = () if is_status else await self.keys(tx, answer.card, answer.speaker, owner)
        pages_token = ""
        if len(pages) > 1 and not answer.card.token:
            kept = [{**page, "keys": [[one.label, one.token] for one in keys]} for page in pages]
            pages_token = await self._conversation.buttons.pages(
                tx, owner, kept, now=self._conversation.room.now
            )
        if answer.word:
            await self._conversation.buttons.keep(
                tx,
                owner,
                kind=ButtonKind.WORD,
                line=answer.token,
                payload={"word": answer.word},
                is_single=True,
                expires_at=self._conversation.room.now + CONFIRMATION_TTL,
            )
        shown = Shown(
            place=heard.place,
            speaker=answer.speaker,
            pages=pages,
            pages_token=pages_token,
            keys=keys,
            picture=picture,
            picture_name=answer.card.chart.name if answer.card.chart else "",
            file=answer.card.file,
            edits=answer.edits,
            word=answer.word,
            again=answer.speaker.say(Text("door.again")),
            is_pinned=is_status,
            extras=heard.extras,
        )
        living = self._living(heard, answer, pages) if is_living else None
        return self._kept(heard, answer.actor, self._platform.payloads(shown), living)

    def bare(self, heard: Heard, answer: Answer) -> Sequence[Mapping[str, Any]]:
        """Give what is sent to a stranger: text only, nothing kept."""
        assert answer.card is not None
        pages = self._platform.pages(answer.card, answer.speaker, has_picture=False)
        return self._platform.payloads(
            Shown(place=heard.place, speaker=answer.speaker, pages=pages[:1], extras=heard.extras)
        )

    async def keys(self, tx: Unit, card: Card, speaker: Speaker, owner: Owner) -> tuple[Key, ...]:
        """Keep a card's buttons and give them as the platform draws them."""
        return tuple(
            [
                Key(
                    label=speaker.say(Text(f"button.{one.name}", one.params)),
                    token=await self._conversation.buttons.make(
                        tx,
                        one,
                        owner,
                        now=self._conversation.room.now,
                        word=card.type_word if one.press is Press.CONFIRM else "",
                    ),
                    is_danger=one.press is Press.CONFIRM,
                    needs_word=bool(card.type_word) and one.press is Press.CONFIRM,
                )
                for one in card.buttons
            ]
        )

    def _leafed(self, heard: Heard, answer: Answer) -> Mapping[str, Any]:
        """Give the edit that shows another page."""
        keys = tuple(Key(label, token) for label, token in answer.pages[answer.page].get("keys", ()))
        shown = Shown(
            place=heard.place,
            speaker=answer.speaker,
            pages=answer.pages,
            page=answer.page,
            pages_token=answer.token,
            keys=keys,
            edits=answer.edits,
            extras=heard.extras,
        )
        return self._platform.payloads(shown)[0]

    def _living(self, heard: Heard, answer: Answer, pages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {
            "subject": answer.living,
            "line": answer.line,
            "user_id": heard.person.user_id,
            "thread_id": heard.place.thread_id,
            "content_hash": content_hash(pages, answer.card),
        }

    def _kept(
        self,
        heard: Heard,
        actor: Actor,
        payloads: Sequence[Mapping[str, Any]],
        living: Mapping[str, Any] | None,
    ) -> list[ChatReply]:
        now = self._conversation.room.now
        return [
            ChatReply(
                workspace_id=actor.workspace_id,
                source=heard.source,
                chat_id=heard.place.chat_id,
                dedupe_key=f"{heard.key}:{index}",
                payload={**payload, "living": living} if living and not index else dict(payload),
                queued_at=now,
            )
            for index, payload in enumerate(payloads)
        ]


def content_hash(pages: Sequence[Mapping[str, Any]], card: Card | None) -> str:
    """Give the digest of what a message shows: its text and what its picture is drawn from."""
    digest = hashlib.sha256(orjson.dumps([dict(page) for page in pages]))
    if card is not None and card.chart is not None:
        digest.update(orjson.dumps(card.chart.spec, default=list, option=orjson.OPT_SERIALIZE_NUMPY))
        digest.update(card.chart.png or b"")
    return digest.hexdigest()

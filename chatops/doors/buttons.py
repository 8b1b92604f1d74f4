"""Buttons: a tap carries an opaque token only; what it means lies in the store, bound to person, chat and meaning.

The token itself is not stored, only its digest, and it is the key of the seal over what the button does: whoever can
read or write the database alone can neither tap a button nor change what one does.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from chatops.cards import Button, Press
from desk.chats import ButtonKind, ChatButton, Tap
from desk.desk import CONFIRMATION_TTL, token_hash
from desk.ports import Store, Unit

#: Refresh and leafing buttons work this long.
LONG_LIFE = timedelta(days=7)

#: Expired buttons are kept so long, to say "expired" and not "unknown".
REMEMBERED = timedelta(days=1)

#: Platforms carry 64 bytes and more; a token with a page number stays far below.
TOKEN_BYTES = 16

_KINDS = {Press.CONFIRM: ButtonKind.CONFIRM, Press.DISMISS: ButtonKind.DISMISS, Press.SAY: ButtonKind.SAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose button it is, and where.

    Attributes:
        user_id: the platform's id; empty = anybody in the chat, with their own rights.
    """

    workspace_id: str
    platform: str
    chat_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """A tap and what it may do."""

    tap: Tap
    button: ChatButton | None = None


class Buttons:
    """Makes and takes buttons."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def make(self, tx: Unit, button: Button, owner: Owner, *, now: datetime, word: str = "") -> str:
        """Keep a card's button and give its token.

        Args:
            word: what must be typed with a confirmation; empty where a tap is enough.
        """
        kind = _KINDS[button.press]
        line = button.line if button.press is Press.SAY else button.token
        is_single = kind is not ButtonKind.SAY
        return await self.keep(
            tx,
            owner,
            kind=kind,
            line=line,
            payload={"word": word} if word else {},
            is_single=is_single,
            expires_at=now + (CONFIRMATION_TTL if is_single else LONG_LIFE),
        )

    async def pages(self, tx: Unit, owner: Owner, pages: list[dict[str, Any]], *, now: datetime) -> str:
        """Keep the pages of a long reply and give the token that leafs through them."""
        return await self.keep(
            tx,
            owner,
            kind=ButtonKind.PAGES,
            line="",
            payload={"pages": pages},
            is_single=False,
            expires_at=now + LONG_LIFE,
        )

    async def keep(
        self,
        tx: Unit,
        owner: Owner,
        *,
        kind: ButtonKind,
        line: str,
        payload: Mapping[str, Any],
        is_single: bool,
        expires_at: datetime,
    ) -> str:
        """Keep a button and give its token."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        button = ChatButton(
            workspace_id=owner.workspace_id,
            token_hash=token_hash(token),
            platform=owner.platform,
            chat_id=owner.chat_id,
            user_id=owner.user_id,
            kind=kind,
            line=line,
            payload=dict(payload),
            seal="",
            is_single=is_single,
            expires_at=expires_at,
        )
        await tx.chats.add_button(_sealed(button, token))
        return token

    async def look(self, platform: str, token: str) -> ChatButton | None:
        """Give what a button does, without using it; None for a token that is not ours."""
        async with self._store.reading() as tx:
            found = await tx.chats.button(platform, token_hash(token))
        return found if found is not None and _is_whole(found, token) else None

    async def press(
        self, token: str, *, platform: str, chat_id: str, user_id: str, used_by: str, now: datetime
    ) -> Pressed:
        """Take a tap: who, where, when and how often are all checked here, in one atomic step."""
        found = await self.look(platform, token)
        if found is None:
            return Pressed(Tap.UNKNOWN)
        async with self._store.transaction() as tx:
            tap = await tx.chats.tap(found, chat_id=chat_id, user_id=user_id, used_by=used_by, now=now)
        return Pressed(tap, found)


def _seal(button: ChatButton, token: str) -> str:
    meaning = [
        button.workspace_id,
        button.platform,
        button.chat_id,
        button.user_id,
        button.kind.value,
        button.line,
        button.is_single,
        int(button.expires_at.timestamp() * 1_000),
    ]
    body = orjson.dumps([*meaning, dict(button.payload)], option=orjson.OPT_SORT_KEYS)
    return hmac.new(token.encode(), body, hashlib.sha256).hexdigest()


def _sealed(button: ChatButton, token: str) -> ChatButton:
    return replace(button, seal=_seal(button, token))


def _is_whole(button: ChatButton, token: str) -> bool:
    return hmac.compare_digest(button.seal, _seal(button, token))

"""Confirmations: what a token stands for is in the database, so that a tap works after a restart and in any process.

The desk makes the token, binds it to person, channel and command, and takes it once. Here lies the line that the
token confirms, and the mark that it was pressed: the desk asks for no confirmation when the danger has gone
meanwhile, and a second or a foreign press must execute nothing then either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from chatops.cards import Text
from chatops.problems import Misheard, misheard
from desk.desk import ConfirmationNeeded, command_hash, token_hash
from desk.identity import Actor
from desk.ports import Store
from desk.views import Member
from trading.errors import InvariantBroken


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A confirmation that waits for its press.

    Attributes:
        figures: what was computed from the market when it was asked for (see `Asked.fixed`).
    """

    key: str
    line: str
    user_id: str
    channel: str
    type_word: str
    command_hash: str
    action: str
    expires_at: datetime
    figures: Mapping[str, str] = field(default_factory=dict)


class Confirmations:
    """Keeps and takes confirmations."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(
        self,
        needed: ConfirmationNeeded,
        line: str,
        actor: Actor,
        now: datetime,
        *,
        figures: Mapping[str, str] | None = None,
    ) -> None:
        """Remember what a token stands for."""
        body = {
            "line": line,
            "user_id": actor.user_id,
            "channel": actor.channel,
            "type_word": needed.preview.type_word,
            "action": type(needed.command).__name__,
            "expires_at": needed.expires_at.isoformat(),
            "figures": dict(figures or {}),
        }
        async with self._store.transaction() as tx:
            is_new = await tx.keys.store_answer(
                actor.workspace_id, _key(needed.token), command_hash(needed.command), body, now
            )
        if not is_new:
            raise InvariantBroken("A confirmation token was made twice.")

    async def press(self, token: str, actor: Actor, typed: str, now: datetime) -> Pending:
        """Take a token for its one use.

        Raises:
            Misheard: unknown, foreign, expired or used, or the wrong word was typed; audited, nothing is done.
        """
        pending = await self._find(token, actor)
        if pending is None:
            raise await self._refused(actor, "confirmation", "unknown", now)
        if pending.user_id != actor.user_id or pending.channel != actor.channel:
            raise await self._refused(actor, pending.action, "foreign", now)
        if now > pending.expires_at:
            raise await self._refused(actor, pending.action, "expired", now)
        if pending.type_word and typed.strip() != pending.type_word:
            raise misheard("typed", advice="type_word", found=typed.strip(), word=pending.type_word)
        async with self._store.transaction() as tx:
            is_first = await tx.keys.store_answer(
                actor.workspace_id, f"pressed:{pending.key}", pending.command_hash, {}, now
            )
        if not is_first:
            raise await self._refused(actor, pending.action, "used", now)
        return pending

    async def dismiss(self, token: str, actor: Actor, now: datetime) -> Pending:
        """Use a token up without doing what it stands for."""
        pending = await self._find(token, actor)
        word = pending.type_word if pending else ""
        pending = await self.press(token, actor, word, now)
        async with self._store.transaction() as tx:
            await tx.keys.take_confirmation(
                actor.workspace_id,
                token_hash(token),
                user_id=actor.user_id,
                channel=actor.channel,
                command_hash=pending.command_hash,
                now=now,
            )
        return pending

    async def _find(self, token: str, actor: Actor) -> Pending | None:
        async with self._store.reading() as tx:
            stored = await tx.keys.stored_answer(actor.workspace_id, _key(token))
        if stored is None:
            return None
        digest, body = stored
        return Pending(
            key=token_hash(token),
            line=str(body["line"]),
            user_id=str(body["user_id"]),
            channel=str(body["channel"]),
            type_word=str(body["type_word"]),
            action=str(body["action"]),
            command_hash=digest,
            expires_at=datetime.fromisoformat(str(body["expires_at"])),
            figures=dict(body.get("figures", {})),
        )

    async def _refused(self, actor: Actor, action: str, verdict: str, now: datetime) -> Misheard:
        await audit_denial(self._store, actor, action, f"confirmation {verdict}", now)
        return Misheard(
            Text("problem.confirmation", {"verdict": Text(f"verdict.{verdict}")}),
            advice=Text("advice.ask_again"),
            code="denied",
        )


async def audit_denial(store: Store, actor: Actor, action: str, reason: str, now: datetime) -> None:
    """Write the audit line of something that was refused before it reached the desk."""
    async with store.transaction() as tx:
        await tx.audit.append(
            actor.workspace_id,
            at=now,
            actor=actor.label,
            channel=actor.channel,
            action=action,
            subject="",
            detail={"reason": reason},
            outcome="denied",
        )


async def member_of(store: Store, actor: Actor) -> Member | None:
    """Give the person behind an actor."""
    if not actor.workspace_id or not actor.user_id:
        return None
    async with store.reading() as tx:
        return await tx.members.by_id(actor.workspace_id, actor.user_id)


def _key(token: str) -> str:
    return f"confirmation:{token_hash(token)}"

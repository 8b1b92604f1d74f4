"""`Desk.do`: the one way in. Identity → role → confirmation → handler → one transaction → publish, with an audit line."""

from __future__ import annotations

import secrets
import string
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from desk.approvals import TRUSTED_CHANNELS, ApprovalDesk
from desk.bus import EventBus
from desk.clock import Clock
from desk.command_codec import audited, command_hash
from desk.commands import Command, Danger
from desk.download_links import DownloadLinks
from desk.errors import StepUpRequired
from desk.identity import Actor
from desk.ports import Store, Unit
from desk.secrets import token_hash
from desk.sessions import KeySource, Sessions
from desk.signing import KeysInMemory
from trading.errors import BreakwaterError, Denied, InvariantBroken, KeyBusy, KeyReused
from trading.events import Event

__all__ = [
    "CONFIRMING_CHANNELS",
    "Asks",
    "Before",
    "ConfirmationNeeded",
    "Desk",
    "Handler",
    "Handling",
    "Outcome",
    "Preview",
    "Previewer",
    "command_hash",
    "proof_session",
    "token_hash",
]

log = structlog.get_logger(__name__)

_TOKEN_LETTERS = string.ascii_letters + string.digits

#: A confirmation must be used within this time.
CONFIRMATION_TTL = timedelta(seconds=60)

#: Doors where a slip is easy, so that dangerous commands need a second tap.
CONFIRMING_CHANNELS = frozenset({"console", "telegram", "discord"})


@dataclass(slots=True)
class Handling:
    """What a handler is given: the transaction, the actor, the time, and a place to put facts."""

    tx: Unit
    actor: Actor
    now: datetime
    #: What the command's `before` gave: work that is too slow for a transaction, such as a password's hash.
    prepared: Any = None
    #: A second person agreed to this very command, or a single owner's delay ran out.
    is_agreed: bool = False
    events: list[Event] = field(default_factory=list)
    #: Called after the commit, e.g. to wake the supervisor.
    after_commit: list[Callable[[], Awaitable[None] | None]] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        """Record a fact: journalled with the state, published after the commit."""
        self.events.append(event)


#: Does a command inside a transaction and gives a view.
Handler = Callable[[Any, Handling], Awaitable[Any]]

#: Says what a dangerous command would do, without doing it: code and parameters of a preview text.
Previewer = Callable[[Any, Unit, Actor], Awaitable["Preview"]]

#: Tells whether this very command needs a second person; `Danger.TWO` without one always does.
Asks = Callable[[Any, Unit, Actor], Awaitable[bool]]

#: Does slow work of a command before its transaction; what it gives is `Handling.prepared`.
Before = Callable[[Any, Actor], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a confirmation asks: a text code with parameters, and the word to type where one is needed."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    type_word: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What `do` gave.

    Attributes:
        view: what the handler gave, a frozen value.
        sequence: the last journal sequence that the command wrote; 0 if none.
        is_replay: the same idempotency key was answered before; `answer` is the stored one.
    """

    view: Any = None
    sequence: int = 0
    is_replay: bool = False
    answer: Mapping[str, Any] | None = None


class ConfirmationNeeded(Exception):
    """The command waits for a second tap; nothing was done yet."""

    def __init__(self, *, command: Command, token: str, preview: Preview, expires_at: datetime) -> None:
        super().__init__(f"{type(command).__name__} needs a confirmation")
        self.command = command
        self.token = token
        self.preview = preview
        self.expires_at = expires_at


class Desk:
    """The desk: every door calls `do` with a command and an actor."""

    def __init__(
        self,
        store: Store,
        bus: EventBus,
        clock: Clock,
        *,
        always_two: bool = False,
        signing: KeySource | None = None,
    ) -> None:
        self.store = store
        self.bus = bus
        self.clock = clock
        #: Two-person rules hold for paper money too.
        self.always_two = always_two
        self.approvals = ApprovalDesk(self)
        keys = signing or KeysInMemory(clock.now())
        self.sessions = Sessions(store, clock, keys)
        self.downloads = DownloadLinks(keys, clock)
        self._handlers: dict[type[Command], Handler] = {}
        self._previewers: dict[type[Command], Previewer] = {}
        self._asks: dict[type[Command], Asks] = {}
        self._before: dict[type[Command], Before] = {}

    def handle(
        self,
        command: type[Command],
        handler: Handler,
        *,
        preview: Previewer | None = None,
        asks_two: Asks | None = None,
        before: Before | None = None,
    ) -> None:
        """Say who does a command, who previews it, when it needs a second person, and what comes before it."""
        if command in self._handlers:
            raise InvariantBroken(f"{command.__name__} has two handlers.")
        self._handlers[command] = handler
        if preview is not None:
            self._previewers[command] = preview
        if asks_two is not None:
            self._asks[command] = asks_two
        if before is not None:
            self._before[command] = before

    @property
    def handled(self) -> frozenset[type[Command]]:
        """Commands that somebody does."""
        return frozenset(self._handlers)

    async def do(
        self,
        command: Command,
        actor: Actor,
        *,
        confirmation: str = "",
        typed: str = "",
        idempotency_key: str = "",
        answer: Callable[[Any], Mapping[str, Any]] | None = None,
    ) -> Outcome:
        """Carry out a command.

        Args:
            confirmation: token of an earlier ConfirmationNeeded, at doors that confirm.
            typed: the word typed with it, where the preview asks for one.
            idempotency_key: the same key with the same command gives the stored answer and does nothing.
            answer: turns the view into JSON-ready values that are stored under the key.

        Raises:
            Denied: the actor's role is too low; audited.
            ConfirmationNeeded: show the preview and call again with its token.
            StepUpRequired: do StepUp first, then ask again.
            ApprovalPending: it waits for a second person or a delay; nothing was done yet.
            RequestProblem: what the handler refuses, with what to do next.
        """
        policy = type(command).policy
        digest = command_hash(command)
        if actor.is_read_only:
            await self._audit_denial(command, actor, "read-only token")
            raise Denied(
                f"{policy.name} was asked with a token that may only read.", hint="Use another token."
            )
        if actor.role < policy.role:
            await self._audit_denial(command, actor, f"role {actor.role.name} below {policy.role.name}")
            raise Denied(
                f"{policy.name} needs the role {policy.role.name}; you are {actor.role.name}.",
                hint="Ask an owner to change your role.",
            )
        if idempotency_key:
            replayed = await self._replay(actor, idempotency_key, digest)
            if replayed is not None:
                return replayed
        if policy.needs_step_up:
            # Before the question: a confirmation is taken once, and must not be lost to a missing proof.
            await self._require_step_up(command, actor)
        needs_two = await self._needs_two(command, actor)
        await self._confirm(command, actor, digest, confirmation, typed)
        if needs_two:
            previewer = self._previewers.get(type(command))
            async with self.store.reading() as tx:
                preview = await previewer(command, tx, actor) if previewer else None
            raise await self.approvals.ask(command, actor, preview)
        outcome = await self._carry_out(command, actor, digest, idempotency_key, answer)
        assert outcome is not None, "without a claim nobody else can be faster"
        return outcome

    async def do_approved(
        self,
        command: Command,
        actor: Actor,
        *,
        note: Mapping[str, Any],
        claim: Callable[[Unit], Awaitable[bool]],
    ) -> bool:
        """Carry out what a second person or a delay allowed; False when another process was faster.

        Args:
            note: what the audit line says besides the arguments.
            claim: settles the request in the transaction of the command.
        """
        return await self._carry_out(command, actor, "", "", None, claim=claim, note=note) is not None

    async def _needs_two(self, command: Command, actor: Actor) -> bool:
        """Tell whether a second person (or a single owner's delay) must come in.

        That needs a fresh proof of who asks when there is nobody else, or when the command says so.
        """
        if type(command).policy.danger is not Danger.TWO or actor.channel in TRUSTED_CHANNELS:
            return False
        asks = self._asks.get(type(command))
        async with self.store.reading() as tx:
            if asks is not None and not await asks(command, tx, actor):
                return False
            is_solo = await self.approvals.is_solo(tx, command, actor)
        if is_solo or type(command).policy.needs_step_up_for_two:
            await self._require_step_up(command, actor)
        return True

    async def _require_step_up(self, command: Command, actor: Actor) -> None:
        if actor.channel in TRUSTED_CHANNELS:
            return
        async with self.store.reading() as tx:
            until = await tx.proofs.stepped_up_until(actor.workspace_id, actor.user_id, proof_session(actor))
        if until is None or until <= self.clock.now():
            await self._audit_denial(command, actor, "no fresh proof of who asks")
            raise StepUpRequired(
                f"{type(command).policy.name} needs a fresh proof that it is you.",
                hint="Give your second factor's code or your password to StepUp, then ask again within 5 minutes.",
            )

    async def _replay(self, actor: Actor, key: str, digest: str) -> Outcome | None:
        async with self.store.reading() as tx:
            stored = await tx.keys.stored_answer(actor.workspace_id, key)
        if stored is None:
            return None
        if stored[0] != digest:
            raise KeyReused(
                f"Idempotency key '{key}' was used before with another input.",
                hint="Use a new key for a new request.",
            )
        return Outcome(is_replay=True, answer=stored[1])

    async def _confirm(self, command: Command, actor: Actor, digest: str, token: str, typed: str) -> None:
        policy = type(command).policy
        if policy.danger is Danger.NONE or actor.channel not in CONFIRMING_CHANNELS:
            return
        previewer = self._previewers.get(type(command))
        async with self.store.reading() as tx:
            preview = (
                await previewer(command, tx, actor) if previewer else Preview(code=f"confirm.{policy.name}")
            )
        # A token that came along is always looked at: a used or foreign one must not pass because nothing is asked now.
        if not preview.needed and not token:
            return
        now = self.clock.now()
        if not token:
            token = new_token()
            expires_at = now + CONFIRMATION_TTL
            async with self.store.transaction() as tx:
                await tx.keys.add_confirmation(
                    actor.workspace_id,
                    token_hash(token),
                    user_id=actor.user_id,
                    channel=actor.channel,
                    command_hash=digest,
                    expires_at=expires_at,
                )
            raise ConfirmationNeeded(command=command, token=token, preview=preview, expires_at=expires_at)
        if (
            policy.danger in (Danger.TYPE, Danger.TWO)
            and preview.type_word
            and typed.strip() != preview.type_word
        ):
            raise Denied(
                f"'{typed}' was typed; '{preview.type_word}' is needed to confirm {policy.name}.",
                hint="Nothing was done.",
            )
        async with self.store.transaction() as tx:
            verdict = await tx.keys.take_confirmation(
                actor.workspace_id,
                token_hash(token),
                user_id=actor.user_id,
                channel=actor.channel,
                command_hash=digest,
                now=now,
            )
        if verdict != "ok":
            await self._audit_denial(command, actor, f"confirmation {verdict}")
            raise Denied(
                f"This confirmation is {verdict}; a fresh one of your own is allowed.",
                hint="Ask again; nothing was done.",
            )

    async def _carry_out(
        self,
        command: Command,
        actor: Actor,
        digest: str,
        key: str,
        answer: Callable[[Any], Mapping[str, Any]] | None,
        *,
        claim: Callable[[Unit], Awaitable[bool]] | None = None,
        note: Mapping[str, Any] | None = None,
    ) -> Outcome | None:
        policy = type(command).policy
        handler = self._handlers.get(type(command))
        if handler is None:
            raise InvariantBroken(f"Nobody handles {policy.name}.")
        before = self._before.get(type(command))
        try:
            prepared = await before(command, actor) if before else None
            async with self.store.transaction() as tx:
                if claim is not None and not await claim(tx):
                    return None
                handling = Handling(
                    tx=tx,
                    actor=actor,
                    now=self.clock.now(),
                    prepared=prepared,
                    is_agreed=claim is not None,
                )
                view = await handler(command, handling)
                recorded = await tx.journal.append(actor.workspace_id, handling.events, handling.now)
                await tx.audit.append(
                    actor.workspace_id,
                    at=handling.now,
                    actor=actor.label,
                    channel=actor.channel,
                    action=policy.name,
                    subject=_subject(command),
                    detail={**audited(command), **(note or {})},
                    outcome="done",
                )
                if key:
                    stored = await tx.keys.store_answer(
                        actor.workspace_id, key, digest, answer(view) if answer else {}, handling.now
                    )
                    if not stored:
                        raise KeyBusy(
                            f"Idempotency key '{key}' is in use by a request that is still running.",
                            hint="Wait for its answer, then ask again with the same key.",
                        )
        except BreakwaterError as problem:
            await self._audit_denial(command, actor, str(problem), outcome="refused")
            raise
        self.bus.publish(recorded)
        log.info("command_done", command=policy.name, actor=actor.label, subject=_subject(command))
        for follow in handling.after_commit:
            result = follow()
            if result is not None:
                await result
        return Outcome(view=view, sequence=recorded[-1].sequence if recorded else 0)

    async def _audit_denial(
        self, command: Command, actor: Actor, reason: str, outcome: str = "denied"
    ) -> None:
        async with self.store.transaction() as tx:
            await tx.audit.append(
                actor.workspace_id,
                at=self.clock.now(),
                actor=actor.label,
                channel=actor.channel,
                action=type(command).policy.name,
                subject=_subject(command),
                detail={"reason": reason},
                outcome=outcome,
            )


def new_token() -> str:
    """Give a confirmation's token, 95 bits: letters and digits only, because a line that begins with -- names an option."""
    return "".join(secrets.choice(_TOKEN_LETTERS) for _ in range(16))


def proof_session(actor: Actor) -> str:
    """Give what a step-up counts for: the session, or the door where it has none."""
    return actor.session_id or actor.channel


def _subject(command: Command) -> str:
    for name in (
        "bot_id",
        "position_id",
        "account_id",
        "pair",
        "user_id",
        "alert_id",
        "token_id",
        "link_id",
        "webhook_id",
        "code",
        "name",
        "label",
    ):
        if value := getattr(command, name, ""):
            return str(value)
    return ""

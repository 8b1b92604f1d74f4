"""A desk that does each command of one message once, however often the message is answered.

A process may die after the command was done and before anybody was told. The message is then answered again, and the
same command under the same key gives its stored answer instead of happening twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from desk.commands import Command
from desk.desk import Desk, Outcome, command_hash
from desk.identity import Actor
from trading.errors import RequestProblem


class DoneBefore(RequestProblem):
    """The command was done by an earlier try to answer the same message."""

    code: ClassVar[str] = "done_before"


class OnceDesk(Desk):
    """The desk as one message sees it."""

    def __init__(self, desk: Desk, key: str) -> None:
        super().__init__(desk.store, desk.bus, desk.clock)
        self._desk = desk
        self._key = key

    @property
    def handled(self) -> frozenset[type[Command]]:
        """Commands that somebody does."""
        return self._desk.handled

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
        """Carry out a command under the message's key.

        Raises:
            DoneBefore: an earlier try did it.
            Denied, ConfirmationNeeded, RequestProblem: as the desk does.
        """
        done = await self._desk.do(
            command,
            actor,
            confirmation=confirmation,
            typed=typed,
            idempotency_key=idempotency_key or once_key(self._key, command_hash(command)),
            answer=answer,
        )
        if done.is_replay and not idempotency_key:
            raise DoneBefore("An earlier try to answer this message did it.")
        return done


def once_key(key: str, digest: str) -> str:
    """Give the idempotency key of a command in a message."""
    return f"{key}:{digest[:32]}"

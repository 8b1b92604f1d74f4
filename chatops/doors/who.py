"""Who somebody on a platform is here; looked up for every line and every tap, so that a change counts at once."""

from __future__ import annotations

from typing import Protocol

from chatops.doors.heard import Person
from desk.identity import Actor


class People(Protocol):
    """Links between people on platforms and members of a workspace."""

    async def actor_of(self, platform: str, user_id: str) -> Actor | None:
        """Give the member behind a platform's user; None for a stranger."""
        ...

    async def redeem(self, person: Person, code: str, *, is_private: bool) -> Actor | None:
        """Link a person by a one-time code; None where the code is not good.

        A code that was said where others read along is burnt and links nobody.
        """
        ...

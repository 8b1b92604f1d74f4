"""Messages that come in: an inbox against doubles, and dead letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from desk.store.connection import Connection
from desk.store.cursors import newest
from desk.store.models import DeadLetterRow
from desk.store.table import Table, Where, delete_oldest, insert_new, update
from desk.views import DeadLetter, Page

LETTERS = Table(DeadLetterRow, DeadLetter)


class SqlMessages:
    """Messages that come in."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def first_time(self, workspace_id: str, source: str, message_id: str, at: datetime) -> bool:
        """Tell whether a message is new, and remember it; a rollback forgets it again."""
        row = {"workspace_id": workspace_id, "source": source, "message_id": message_id, "received_at": at}
        return await insert_new(self._tx, "inbox", row)

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a message that could not be handled."""
        await LETTERS.insert(self._tx, letter)

    async def buried(
        self, workspace_id: str, page: Page, *, is_open: bool | None = None
    ) -> Sequence[DeadLetter]:
        """Give messages that could not be handled, newest first: all, those that wait, or those that are settled."""
        where = Where(workspace_id=workspace_id)
        if is_open is not None:
            where.add(f"(replayed_at IS NULL AND discarded_at IS NULL) = {'TRUE' if is_open else 'FALSE'}")
        return await newest(self._tx, LETTERS, where, page, moment="created_at")

    async def letter(self, workspace_id: str, letter_id: str) -> DeadLetter | None:
        """Give a message that could not be handled."""
        return await LETTERS.one(self._tx, Where(workspace_id=workspace_id, id=letter_id))

    async def mark_replayed(self, workspace_id: str, letter_id: str, at: datetime, *, by: str) -> bool:
        """Claim a buried message for its replay; False when there is none or it was settled before."""
        return await self._settle(workspace_id, letter_id, {"replayed_at": at, "settled_by": by})

    async def mark_discarded(self, workspace_id: str, letter_id: str, at: datetime, *, by: str) -> bool:
        """Settle a buried message without a replay; False when there is none or it was settled before."""
        return await self._settle(workspace_id, letter_id, {"discarded_at": at, "settled_by": by})

    async def forget(self, before: datetime, *, most: int) -> int:
        """Remove what was received, and letters that were settled, before a time; a letter that waits stays."""
        inbox = await delete_oldest(self._tx, "inbox", "received_at < ?", before, most=most)
        settled = "COALESCE(replayed_at, discarded_at) < ?"
        return inbox + await delete_oldest(self._tx, "dead_letters", settled, before, most=most)

    async def _settle(self, workspace_id: str, letter_id: str, changes: Mapping[str, object]) -> bool:
        where = Where(workspace_id=workspace_id, id=letter_id).add(
            "replayed_at IS NULL AND discarded_at IS NULL"
        )
        return await update(self._tx, "dead_letters", changes, where) == 1

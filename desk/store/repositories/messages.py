"""Messages that come in: an inbox against doubles, and dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from desk.store.connection import Connection
from desk.store.cursors import newest
from desk.store.models import DeadLetterRow
from desk.store.table import Table, Where, insert_new, update
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

    async def buried(self, workspace_id: str, page: Page) -> Sequence[DeadLetter]:
        """Give messages that could not be handled, newest first."""
        return await newest(self._tx, LETTERS, Where(workspace_id=workspace_id), page, moment="created_at")

    async def mark_replayed(self, workspace_id: str, letter_id: str, at: datetime) -> bool:
        """Claim a buried message for its replay; False when there is none or it was replayed before."""
        where = Where(workspace_id=workspace_id, id=letter_id).add("replayed_at IS NULL")
        return await update(self._tx, "dead_letters", {"replayed_at": at}, where) == 1

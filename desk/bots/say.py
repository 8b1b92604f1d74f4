"""What people said about an account's entries, as it was looked up last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from desk.entry_views import BotWish, Direction, EntryRequest

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Say:
    """People's say in entries.

    Attributes:
        waiting: entries that wait for an answer or for a close, by bot and pair.
        now: when it was looked up.
    """

    wishes: Mapping[str, BotWish] = field(default_factory=dict)
    direction: Direction = Direction.EVEN
    waiting: dict[tuple[str, str], EntryRequest] = field(default_factory=dict)
    now: datetime = _NEVER

    def asks(self, bot_id: str) -> bool:
        """Tell whether a bot asks before it enters."""
        wish = self.wishes.get(bot_id)
        return wish is not None and wish.is_asked

    def config_version(self, bot_id: str) -> int:
        """Give the configuration version that a bot should run at least."""
        wish = self.wishes.get(bot_id)
        return wish.config_version if wish else 0

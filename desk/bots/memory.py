"""What the account loop remembers beside the engine: written with the engine's snapshot in every bar's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from trading.errors import StoreProblem

_MAGIC = b"BWLOOP1\n"


@dataclass(slots=True)
class LineMemory:
    """One line between two bars.

    Attributes:
        signal_id: of the signal that waits, is ordered or is held; empty for none.
        signal_side: its direction.
        entry_sequence, close_sequence: intents of the pending entry and of the close under way; 0 for none.
        position_id: of the open position.
        last_denial: "<side>:<reason>" of the bar before, so that a lasting refusal is told once.
        entry_value, entry_quantity, exit_value, exit_quantity, fees: exact sums of the open position's fills.
        trail_ratio: trailing distance of the pending or held entry; None for none.
        planned_stop, initial_stop: stop of the pending entry, and of the open position when it began.
        unbooked: cash that fills of a live account moved and the engine, which counts in whole steps, has not seen.
    """

    signal_id: str = ""
    signal_side: int = 0
    entry_sequence: int = 0
    close_sequence: int = 0
    position_id: str = ""
    last_denial: str = ""
    entry_value: Decimal = Decimal(0)
    entry_quantity: Decimal = Decimal(0)
    exit_value: Decimal = Decimal(0)
    exit_quantity: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    trail_ratio: float | None = None
    planned_stop: str = ""
    initial_stop: str = ""
    unbooked: Decimal = Decimal(0)

    def forget_position(self) -> None:
        """Be flat again."""
        self.position_id = ""
        self.close_sequence = 0
        self.entry_value = self.entry_quantity = Decimal(0)
        self.exit_value = self.exit_quantity = Decimal(0)
        self.fees = Decimal(0)
        self.initial_stop = ""


@dataclass(slots=True)
class LoopMemory:
    """The loop between two bars.

    Attributes:
        venue: where the bars came from; another feed may not go on from here.
        cash: exact cash of the account.
        origins: per line, the open time of the first bar that its strategy saw.
        configs: per bot, the configuration version that it was started with.
        correlation_day: the last 00:00 UTC whose coefficients the engine has, in days.
        protection_number: counts the orders that protection made.
    """

    venue: str
    cash: Decimal
    lines: dict[tuple[str, str], LineMemory] = field(default_factory=dict)
    origins: dict[tuple[str, str], int] = field(default_factory=dict)
    configs: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    correlation_day: int = -1
    protection_number: int = 0

    def line(self, key: tuple[str, str]) -> LineMemory:
        """Give a line's memory, an empty one at first."""
        return self.lines.setdefault(key, LineMemory())

    def keep(self, keys: Iterable[tuple[str, str]], bots: Iterable[str]) -> None:
        """Forget lines and bots that are no longer traded."""
        wanted, traded = set(keys), set(bots)
        self.lines = {key: one for key, one in self.lines.items() if key in wanted}
        self.origins = {key: one for key, one in self.origins.items() if key in wanted}
        self.configs = {key: one for key, one in self.configs.items() if key in traded}
        self.failed = {key: one for key, one in self.failed.items() if key in traded}


def pack(memory: LoopMemory, engine: bytes) -> bytes:
    """Give loop memory and engine snapshot as one value."""
    head = orjson.dumps(
        {
            "venue": memory.venue,
            "cash": str(memory.cash),
            "lines": [[*key, _plain(asdict(one))] for key, one in memory.lines.items()],
            "origins": [[*key, one] for key, one in memory.origins.items()],
            "configs": memory.configs,
            "failed": memory.failed,
            "correlation_day": memory.correlation_day,
            "protection_number": memory.protection_number,
        }
    )
    return _MAGIC + len(head).to_bytes(4, "big") + head + engine


def unpack(data: bytes) -> tuple[LoopMemory, bytes]:
    """Give loop memory and engine snapshot back.

    Raises:
        StoreProblem: the bytes were not written by `pack`.
    """
    start = len(_MAGIC) + 4
    if not data.startswith(_MAGIC) or len(data) < start:
        raise StoreProblem("An account's saved state cannot be read.", hint="Restore the last backup.")
    stop = start + int.from_bytes(data[len(_MAGIC) : start], "big")
    head = orjson.loads(data[start:stop])
    memory = LoopMemory(
        venue=head["venue"],
        cash=Decimal(head["cash"]),
        lines={(bot, pair): _line(values) for bot, pair, values in head["lines"]},
        origins={(bot, pair): one for bot, pair, one in head["origins"]},
        configs=head["configs"],
        failed=head["failed"],
        correlation_day=head["correlation_day"],
        protection_number=head["protection_number"],
    )
    return memory, data[stop:]


_EXACT = ("entry_value", "entry_quantity", "exit_value", "exit_quantity", "fees", "unbooked")


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if name in _EXACT else value for name, value in values.items()}


def _line(values: Mapping[str, Any]) -> LineMemory:
    read: dict[str, Any] = {
        name: Decimal(value) if name in _EXACT else value for name, value in values.items()
    }
    return LineMemory(**read)

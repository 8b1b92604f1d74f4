"""Commands about entries and what was traded: semi-automatic bots, the market's direction, configuration, archive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from desk.commands.table import Command, Danger, asks
from desk.entry_views import ANSWER_WITHIN, DRIFT_RATIO
from desk.identity import Role
from trading.events import EntryAnswered, OrderFilled, OrderPlaced, PositionOpened


@asks(role=Role.TRADER, danger=Danger.TAP)
@dataclass(frozen=True, slots=True, kw_only=True)
class SetEntryMode(Command):
    """Let a bot ask a person before each entry, or let it enter by itself again.

    Attributes:
        window: so long an entry waits for an answer; none means skip.
        drift: share of the price that the market may move meanwhile.
    """

    bot_id: str
    is_asked: bool
    window: timedelta = ANSWER_WITHIN
    drift: Decimal = DRIFT_RATIO


@asks(role=Role.TRADER, causes=(EntryAnswered, OrderPlaced))
@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerEntry(Command):
    """Say yes, half or no to an entry that a semi-automatic bot asks about."""

    code: str
    answer: str


@asks(role=Role.TRADER, danger=Danger.TAP, causes=(EntryAnswered, OrderPlaced, OrderFilled, PositionOpened))
@dataclass(frozen=True, slots=True, kw_only=True)
class EnterByHand(Command):
    """Let a bot on paper enter a pair now, as if its strategy wanted to: sized, checked and protected by the same rules.

    Attributes:
        price: of a resting limit entry; None = at the market.
        stake, quantity: at most so much money, or so many units; the limits may give less. None = what they give.
        stop, stop_ratio: where it is given up, as a price or as a distance from the entry (0.02 = 2 %); None = where the
            bot's strategy would have its stop.
        targets: up to three prices, nearest first; empty = the strategy's.
        rest_for: so long a limit entry rests.
    """

    bot_id: str
    pair: str
    is_long: bool
    price: Decimal | None = None
    stake: Decimal | None = None
    quantity: Decimal | None = None
    stop: Decimal | None = None
    stop_ratio: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    rest_for: timedelta | None = None


@asks(role=Role.OPERATOR)
@dataclass(frozen=True, slots=True, kw_only=True)
class SetMarketDirection(Command):
    """Say which way the market goes: entries against it are refused until it is said otherwise."""

    direction: str
    account_id: str = ""


@asks(role=Role.ADMIN, danger=Danger.TAP)
@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadConfig(Command):
    """Let a running bot go on with its newest configuration from the next bar, without a stop.

    Attributes:
        expected_version: of the configuration, as the asker saw it; None = whatever is the newest.
    """

    bot_id: str
    expected_version: int | None = None


@asks(role=Role.ADMIN, danger=Danger.TYPE)
@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveTrade(Command):
    """Take a finished trade out of lists and statistics; ledger, fills and audit keep it."""

    trade_id: str

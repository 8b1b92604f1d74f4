"""The one table of what can be asked: each command with its role, danger and the facts it may cause.

Every door parses its input into one of these values and hands it to `Desk.do`; permission, danger and consequences
are declared here once, so every door obeys the same policy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from desk.identity import Role
from desk.secrets import Secret
from trading.events import (
    AccountReconciled,
    AlertRaised,
    ApprovalRequested,
    ApprovalSettled,
    BotConfigChanged,
    BotCreated,
    BotDeleted,
    BotStateChanged,
    Event,
    IncidentClosed,
    JobChanged,
    OrderChanged,
    OrderFilled,
    OrderPlaced,
    PairLocked,
    PairUnlocked,
    PositionChanged,
    PositionClosed,
    PositionOpened,
    TradingHalted,
    TradingResumed,
)
from trading.orders import OrderType, Side


class Danger(StrEnum):
    """What a person must do before it happens, at doors where a slip is easy."""

    NONE = "none"
    TAP = "tap"  # preview, then Confirm within 60 s, single use
    TYPE = "type"  # also type the bot's name or the amount
    TWO = "two"  # and a different admin or owner approves it


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who may ask, how carefully, and what it may cause.

    Attributes:
        needs_step_up: whoever asks proved who they are within the last five minutes.
        owner_among: of the two that `Danger.TWO` asks for, one is an owner.
    """

    name: str
    role: Role
    danger: Danger
    causes: tuple[type[Event], ...]
    reduces_risk: bool
    summary: str
    needs_step_up: bool = False
    owner_among: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something that was asked for."""

    policy: ClassVar[Policy]


#: Every command by its class name.
COMMANDS: dict[str, type[Command]] = {}

C = TypeVar("C", bound=type[Command])


def private(default: str = "") -> Any:
    """Declare an argument that is personal data: the audit shows stars."""
    return field(default=default, metadata={"is_private": True})


def asks(
    *,
    role: Role,
    danger: Danger = Danger.NONE,
    causes: tuple[type[Event], ...] = (),
    reduces_risk: bool = False,
    needs_step_up: bool = False,
    owner_among: bool = False,
) -> Callable[[C], C]:
    """Declare a command's policy and enter it in the table; the docstring's first line is the summary."""

    def enter(cls: C) -> C:
        summary = (cls.__doc__ or "").strip().splitlines()[0]
        cls.policy = Policy(
            name=cls.__name__,
            role=role,
            danger=danger,
            causes=causes,
            reduces_risk=reduces_risk,
            summary=summary,
            needs_step_up=needs_step_up,
            owner_among=owner_among,
        )
        COMMANDS[cls.__name__] = cls
        return cls

    return enter


@asks(role=Role.ADMIN, danger=Danger.TAP, causes=(BotCreated, BotStateChanged))
@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBot(Command):
    """Set up a bot in paper mode; it starts stopped."""

    name: str
    strategy: str
    pairs: tuple[str, ...]
    timeframe: str = "1h"
    parameters: tuple[tuple[str, Any], ...] = ()
    allocation: float = 1.0
    account_id: str = ""


@asks(role=Role.ADMIN, danger=Danger.TYPE, causes=(BotDeleted,))
@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteBot(Command):
    """Archive a stopped bot; its trades stay."""

    bot_id: str


@asks(role=Role.ADMIN, danger=Danger.TAP, causes=(BotConfigChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeConfig(Command):
    """Give a bot a new configuration version; it takes effect at the next start."""

    bot_id: str
    parameters: tuple[tuple[str, Any], ...]
    reason: str = ""
    expected_version: int | None = None


@asks(
    role=Role.ADMIN,
    danger=Danger.TWO,
    causes=(BotStateChanged, ApprovalRequested, ApprovalSettled),
    needs_step_up=True,
    owner_among=True,
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GoLive(Command):
    """Move a stopped, flat bot whose gates are all passed from paper to a live account; it stays stopped.

    Attributes:
        account_id: the live account; empty = the only one.
    """

    bot_id: str
    account_id: str = ""


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(BotStateChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class GoPaper(Command):
    """Move a stopped, flat bot from live money back to a paper account; it stays stopped.

    Attributes:
        account_id: the paper account; empty = the only one.
    """

    bot_id: str
    account_id: str = ""


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(BotStateChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class StartBot(Command):
    """Start a bot: it looks for entries and manages its positions."""

    bot_id: str


@asks(role=Role.OPERATOR, causes=(BotStateChanged,), reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class PauseBot(Command):
    """Stop opening positions; open ones are still managed. With a duration it resumes by itself."""

    bot_id: str
    duration: timedelta | None = None
    reason: str = ""


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(BotStateChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeBot(Command):
    """Let a paused bot open positions again."""

    bot_id: str


@asks(
    role=Role.OPERATOR,
    danger=Danger.TAP,
    causes=(BotStateChanged, OrderPlaced, OrderFilled, PositionClosed),
    reduces_risk=True,
)
@dataclass(frozen=True, slots=True, kw_only=True)
class StopBot(Command):
    """Stop a bot; open positions keep their protective stops, or are closed if asked."""

    bot_id: str
    close_positions: bool = False


@asks(
    role=Role.TRADER, danger=Danger.TAP, causes=(OrderPlaced, OrderFilled, PositionClosed), reduces_risk=True
)
@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePosition(Command):
    """Close an open position at the market, whole or in part.

    Attributes:
        share: of what is held when it is done, above 0 to 1: floored to the step, refused below the venue's smallest
            order; where what would stay is dust, all of it leaves. Below 1 on paper accounts only.
    """

    position_id: str
    share: Decimal = Decimal(1)


@asks(
    role=Role.TRADER, danger=Danger.TYPE, causes=(OrderPlaced, OrderFilled, PositionClosed), reduces_risk=True
)
@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePositions(Command):
    """Close several open positions at the market: all, the winners or the losers, of one pair or bot or of every one."""

    which: str = "all"
    pair: str = ""
    bot_id: str = ""
    share: Decimal = Decimal(1)


@asks(
    role=Role.OPERATOR,
    danger=Danger.TAP,
    causes=(TradingHalted, BotStateChanged, OrderPlaced, OrderFilled, PositionClosed),
    reduces_risk=True,
)
@dataclass(frozen=True, slots=True, kw_only=True)
class PanicStop(Command):
    """Halt an account, cancel its entries and close its positions; latched until released."""

    account_id: str = ""
    keep_positions: bool = False
    reason: str = ""


@asks(role=Role.ADMIN, danger=Danger.TWO, causes=(TradingResumed, ApprovalRequested, ApprovalSettled))
@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePanic(Command):
    """Let a halted account trade again; the drawdown peak starts anew."""

    account_id: str = ""
    reason: str = ""


@asks(role=Role.OPERATOR, causes=(PairLocked,), reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class LockPair(Command):
    """Refuse entries for a pair (empty: all pairs) for a while."""

    pair: str = ""
    duration: timedelta = timedelta(hours=1)
    reason: str = ""
    account_id: str = ""


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(PairUnlocked,))
@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockPair(Command):
    """Release a lock before its time."""

    pair: str = ""
    account_id: str = ""


@asks(role=Role.TRADER, danger=Danger.TAP, causes=(OrderPlaced, OrderChanged, OrderFilled, PositionOpened))
@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder(Command):
    """Place an order by hand on a live account, with the exits of the position that it opens.

    Attributes:
        rest_for: a resting order that is not filled by then is cancelled, and up to `reprices` times placed anew.
    """

    pair: str
    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    price: Decimal | None = None
    stop_price: Decimal | None = None
    reduce_only: bool = False
    stop_loss: Decimal | None = None
    take_profits: tuple[Decimal, ...] = ()
    rest_for: timedelta | None = None
    reprices: int = 0
    account_id: str = ""


@asks(role=Role.TRADER, danger=Danger.TAP, causes=(OrderChanged,), reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder(Command):
    """Cancel one of our orders on a live account; what filled before stays."""

    order_id: str


@asks(role=Role.TRADER, danger=Danger.TAP, causes=(OrderChanged,), reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAllOrders(Command):
    """Cancel every entry of a live account, or of one pair; protection stays."""

    account_id: str = ""
    pair: str = ""


@asks(role=Role.TRADER, danger=Danger.TAP, causes=(PositionChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class SetStop(Command):
    """Move the stop of an open position."""

    position_id: str
    stop: Decimal


@asks(role=Role.TRADER, danger=Danger.TAP, causes=(PositionChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class SetTargets(Command):
    """Give an open position up to three new targets; what was taken before stays taken."""

    position_id: str
    targets: tuple[Decimal, ...]


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(AccountReconciled, OrderChanged, OrderFilled))
@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileAccount(Command):
    """Compare a live account with its venue now; if asked, accept what the venue holds less as gone."""

    account_id: str = ""
    accept_differences: bool = False
    reason: str = ""


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(IncidentClosed,))
@dataclass(frozen=True, slots=True, kw_only=True)
class ResetBreaker(Command):
    """Say that a venue is well again: its breaker closes before its own probe."""

    account_id: str = ""


@asks(role=Role.ADMIN)
@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApiToken(Command):
    """Make an API token; it is shown once."""

    label: str
    role: Role = Role.VIEWER
    user_id: str = ""
    is_read_only: bool = False
    may_improvise: bool = True
    lives: timedelta | None = None


@asks(role=Role.ADMIN)
@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeApiToken(Command):
    """End an API token at once."""

    token_id: str


@asks(role=Role.OWNER, danger=Danger.TWO, causes=(ApprovalRequested, ApprovalSettled))
@dataclass(frozen=True, slots=True, kw_only=True)
class AddMember(Command):
    """Add a person to the workspace."""

    name: str
    email: str = private()
    role: Role = Role.VIEWER


@asks(role=Role.OWNER, danger=Danger.TWO, causes=(ApprovalRequested, ApprovalSettled))
@dataclass(frozen=True, slots=True, kw_only=True)
class SetMemberRole(Command):
    """Change what a member may do; the last owner keeps the role."""

    user_id: str
    role: Role


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class CreateChatLinkCode(Command):
    """Make a one-time code that links one's own chat account within 10 minutes; it is shown once."""


@asks(role=Role.VIEWER, reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeChatLink(Command):
    """Unlink a chat account: one's own, or as an admin anybody's."""

    link_id: str


@asks(role=Role.ADMIN, causes=(ApprovalSettled,))
@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveRequest(Command):
    """Agree, as a second person, to a command that waits; it is carried out at once."""

    code: str


@asks(role=Role.VIEWER, causes=(ApprovalSettled,), reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class RejectRequest(Command):
    """Say no to a command that waits, withdraw one's own, or cancel a single owner's delay."""

    code: str


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp(Command):
    """Prove again who one is, with the second factor's code or the password; it counts for five minutes."""

    proof: Secret


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class SetPassword(Command):
    """Choose one's own password; the present one is needed where there is one."""

    password: Secret
    current: Secret = Secret("")  # noqa: RUF009 - a `Secret` cannot change


@asks(role=Role.VIEWER, reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class SignOut(Command):
    """End this sign-in; a token that was used instead stays."""


@asks(role=Role.VIEWER, reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutEverywhere(Command):
    """End every sign-in of one's own, or as an admin of somebody else."""

    user_id: str = ""


@asks(role=Role.OWNER)
@dataclass(frozen=True, slots=True, kw_only=True)
class InviteMember(Command):
    """Make a one-time code with which a member chooses a password within two days; it is shown once."""

    user_id: str


@asks(role=Role.OWNER, danger=Danger.TWO, causes=(ApprovalRequested, ApprovalSettled))
@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMember(Command):
    """Take a person out of the workspace; sign-ins, tokens and chat links end at once."""

    user_id: str


@asks(role=Role.ADMIN)
@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWebhook(Command):
    """Open a way in for signals of a bot, such as TradingView's alerts; its path is shown once.

    Attributes:
        kind: "PATH" or "HMAC".
        pairs: what it may speak of; empty = every pair of the bot.
        allow_list: addresses and networks that it listens to; empty = all.
    """

    label: str
    bot_id: str
    kind: str = "PATH"
    pairs: tuple[str, ...] = ()
    allow_list: tuple[str, ...] = ()


@asks(role=Role.ADMIN)
@dataclass(frozen=True, slots=True, kw_only=True)
class RotateWebhook(Command):
    """Give a way in for signals a new path and secret; the old ones end at once."""

    webhook_id: str


@asks(role=Role.ADMIN, reduces_risk=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteWebhook(Command):
    """Close a way in for signals."""

    webhook_id: str


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDataExport(Command):
    """Give everything that is known about oneself, or as an owner about a member, as JSON."""

    user_id: str = ""


@asks(role=Role.VIEWER, danger=Danger.TWO, causes=(ApprovalRequested, ApprovalSettled))
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDataErasure(Command):
    """Erase oneself, or as an owner somebody: personal data cannot be read again, every way in ends."""

    user_id: str = ""


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class BeginTotp(Command):
    """Begin a second factor: its secret is shown once and counts after ConfirmTotp."""


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmTotp(Command):
    """Switch the second factor on, with a code of it; an earlier one ends."""

    proof: Secret


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class SetPreference(Command):
    """Choose one's own language or time zone."""

    language: str = ""
    time_zone: str = private()


@asks(role=Role.OPERATOR)
@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeAlert(Command):
    """Say that an alert was seen."""

    alert_id: str


@asks(role=Role.OPERATOR, causes=(AlertRaised,))
@dataclass(frozen=True, slots=True, kw_only=True)
class SnoozeAlert(Command):
    """Hear nothing more of a trouble for a while; it may still be resolved meanwhile."""

    alert_id: str
    duration: timedelta = timedelta(hours=1)


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeNotices(Command):
    """Choose what one is told, where, how loud and when.

    Attributes:
        subjects: severities or kinds of alert; `mode` (on, silent, off, digest, default) is set for each.
        channel: email, telegram, discord or all.
        quiet_hours: "23:00-07:00" in one's own time zone, or "off".
        digest_at: times of day at which digests leave, "08:00,18:00".
        least_pnl: finished trades that brought or cost less are not told; "0" tells all.
    """

    subjects: tuple[str, ...] = ()
    channel: str = "all"
    mode: str = ""
    quiet_hours: str = ""
    digest_at: str = ""
    least_pnl: str = ""


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class AddAlertRule(Command):
    """Be told when a price, the day's result, a drawdown or a signal's confidence passes a threshold."""

    kind: str
    relation: str = "above"
    threshold: Decimal = Decimal(0)
    pair: str = ""
    bot_id: str = ""
    is_repeating: bool = False


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveAlertRule(Command):
    """Forget one of one's own alert rules."""

    rule_id: str


@asks(role=Role.VIEWER, causes=(AlertRaised,))
@dataclass(frozen=True, slots=True, kw_only=True)
class SendTestAlert(Command):
    """Send oneself an alert on every channel, to see that they arrive."""


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class SelectBot(Command):
    """Choose the bot that one's lines mean on this channel; an empty one means none."""

    bot_id: str = ""


@asks(role=Role.VIEWER)
@dataclass(frozen=True, slots=True, kw_only=True)
class SetKeyboard(Command):
    """Choose the lines that a chat offers as keys, row by row; none restores the usual ones."""

    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Research(Command):
    """What every run over a history needs.

    Attributes:
        since, until: opening times of the first bar and after the last; None = as far as candles are known.
        parameters, limits: of the strategy and of the account's risk; what is left out keeps its default.
        fee, slippage: shares of the price per side.
    """

    strategy: str
    pairs: tuple[str, ...]
    timeframe: str = "1h"
    since: datetime | None = None
    until: datetime | None = None
    parameters: tuple[tuple[str, Any], ...] = ()
    limits: tuple[tuple[str, Any], ...] = ()
    capital: Decimal = Decimal(10_000)
    fee: Decimal = Decimal("0.001")
    slippage: Decimal = Decimal("0.0005")
    can_short: bool = True


@asks(role=Role.OPERATOR, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class RunBacktest(Research):
    """Run a strategy over a history in the background."""


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptimization(Research):
    """Search a strategy's parameters over a history in the background; every trial is recorded.

    Attributes:
        grid: axes "fast=5:50:5" or "mode=a,b"; empty = a guided search over the strategy's own ranges.
        trials: of a guided search.
        objective: what is maximised.
        minimum_trades: closed trades that a winner needs.
    """

    grid: tuple[str, ...] = ()
    trials: int = 100
    objective: str = "sharpe"
    minimum_trades: int = 30


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class RunWalkForward(Research):
    """Pick parameters on one stretch and trade the next, again and again, in the background.

    Attributes:
        train, test, gap: lengths such as 90d.
        anchored: the training stretch always starts at the first bar.
    """

    train: str = "90d"
    test: str = "30d"
    gap: str = "0d"
    anchored: bool = False
    grid: tuple[str, ...] = ()
    trials: int = 30
    objective: str = "sharpe"
    minimum_trades: int = 10


@asks(role=Role.OPERATOR, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class CheckBias(Command):
    """Look for look-ahead and recursion over a history in the background.

    Attributes:
        name: a strategy, indicator or detector, or "all".
    """

    name: str
    pair: str
    timeframe: str = "1h"
    since: datetime | None = None
    until: datetime | None = None


@asks(role=Role.OPERATOR, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class CancelJob(Command):
    """End a background job; what it found so far is thrown away."""

    job_id: str


@asks(role=Role.OPERATOR, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class RetryJob(Command):
    """Start a failed or canceled job anew."""

    job_id: str


@asks(role=Role.OWNER, needs_step_up=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class AddExchangeAccount(Command):
    """Add an account at an exchange with its key; a key that can withdraw is refused.

    Attributes:
        venue: "binance", "kraken", "okx", "coinbase", "cryptocom" or "mt5".
        currency: what the account's capital is counted in.
        sandbox: the exchange's test environment.
        cannot_withdraw: the asker's word, where the exchange does not say it of the key.
    """

    name: str
    venue: str
    api_key: Secret
    api_secret: Secret
    passphrase: Secret = Secret("")  # noqa: RUF009 - a `Secret` cannot change
    currency: str = "USDT"
    sandbox: bool = False
    cannot_withdraw: bool = False


@asks(role=Role.OWNER, needs_step_up=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class RotateExchangeKey(Command):
    """Put another key in the place of an exchange account's; the old one is forgotten."""

    account_id: str
    api_key: Secret
    api_secret: Secret
    passphrase: Secret = Secret("")  # noqa: RUF009 - a `Secret` cannot change
    cannot_withdraw: bool = False


@asks(role=Role.ADMIN, needs_step_up=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class DisableExchangeAccount(Command):
    """Forget the key of an exchange account; its trades stay."""

    account_id: str


# The rest of the table, on pages of its own.
from desk import entry_commands as entry_commands  # noqa: E402

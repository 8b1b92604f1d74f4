"""What the desk needs of the outside, as protocols; `desk.assembly` hands the objects in.

Store: every method that reads or writes rows of a workspace takes its id first, so nothing crosses the wall.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from desk.alerting.ports import Notices
from desk.chats import Chats
from desk.entry_ports import Entries
from desk.exchange_ports import ExchangeKeys
from desk.identity import Role
from desk.jobs.firings import Firings
from desk.news.ports import News
from desk.order_views import (
    AccountRequest,
    Baseline,
    Incident,
    IncidentKind,
    OrderWatch,
    Protection,
    Reconciliation,
)
from desk.people_ports import Approvals, Hooks, Links, Privacy, Proofs, SignIns

# Where orders go has a page of its own.
from desk.venue_port import OrderRequest as OrderRequest
from desk.venue_port import Placement as Placement
from desk.venue_port import Venue as Venue
from desk.views import (
    Account,
    AccountStatus,
    Alert,
    ApiToken,
    AuditEntry,
    Bot,
    ConfigVersion,
    DeadLetter,
    Delivery,
    EquityPoint,
    FillRecord,
    Filter,
    Install,
    Job,
    JobFile,
    JobState,
    Lock,
    Member,
    Order,
    Page,
    Position,
    SeriesInfo,
    SignalRecord,
    StateChange,
    Trade,
    Workspace,
)
from trading.candles import Candles
from trading.events import Event, Phase, Recorded, TradingState
from trading.instruments import Instrument
from trading.orders import OrderState


class Workspaces(Protocol):
    """Workspaces and the install itself."""

    async def create(self, name: str) -> Workspace: ...
    async def all(self) -> Sequence[Workspace]: ...
    async def by_id(self, workspace_id: str) -> Workspace | None: ...
    async def install(self) -> Install:
        """Give this database's id and restore epoch; the first call names it for ever."""
        ...

    async def count_restore(self) -> int:
        """Count up the restore epoch after a restore, and give it."""
        ...


class Members(Protocol):
    """People, roles and tokens. A token's secret is stored as a SHA-256 hash only."""

    async def add(self, workspace_id: str, *, name: str, email: str, role: Role) -> Member: ...
    async def all(self, workspace_id: str) -> Sequence[Member]: ...
    async def by_name(self, workspace_id: str, name: str) -> Member | None: ...
    async def by_id(self, workspace_id: str, user_id: str) -> Member | None: ...
    async def by_login(self, workspace_id: str, login: str) -> Member | None:
        """Give a person by name or e-mail address, whatever its capitals."""
        ...

    async def remove(self, workspace_id: str, user_id: str) -> None: ...
    async def set_role(self, workspace_id: str, user_id: str, role: Role) -> None: ...
    async def set_preference(
        self, workspace_id: str, user_id: str, *, language: str, time_zone: str
    ) -> None: ...
    async def add_token(
        self,
        workspace_id: str,
        *,
        user_id: str,
        label: str,
        role: Role,
        secret_hash: str,
        expires_at: datetime | None,
        prefix: str = "",
        scopes: Sequence[str] = (),
    ) -> ApiToken: ...
    async def token_used(self, workspace_id: str, token_id: str, at: datetime) -> None: ...
    async def revoke_tokens_of(self, workspace_id: str, user_id: str, at: datetime) -> int: ...
    async def tokens(self, workspace_id: str) -> Sequence[ApiToken]: ...
    async def token_by_hash(self, secret_hash: str) -> ApiToken | None: ...
    async def revoke_token(self, workspace_id: str, token_id: str, at: datetime) -> bool: ...


class Accounts(Protocol):
    """Accounts, their trading state and their status as of the last bar."""

    async def create(
        self,
        workspace_id: str,
        *,
        name: str,
        venue: str,
        is_live: bool,
        currency: str,
        capital: Decimal,
        settings: Mapping[str, Any],
    ) -> Account: ...
    async def all(self, workspace_id: str) -> Sequence[Account]: ...
    async def by_id(self, workspace_id: str, account_id: str) -> Account | None: ...
    async def set_state(
        self, workspace_id: str, account_id: str, state: TradingState, reason: str
    ) -> None: ...
    async def save_status(self, workspace_id: str, status: AccountStatus) -> None: ...
    async def status(self, workspace_id: str, account_id: str) -> AccountStatus | None: ...
    async def statuses(self, workspace_id: str) -> Sequence[AccountStatus]: ...
    async def add_equity(self, workspace_id: str, account_id: str, points: Sequence[EquityPoint]) -> None: ...
    async def equity(
        self, workspace_id: str, account_id: str, since: datetime | None = None
    ) -> Sequence[EquityPoint]: ...
    async def save_snapshot(self, workspace_id: str, account_id: str, bar_ms: int, data: bytes) -> None: ...
    async def snapshot(self, workspace_id: str, account_id: str) -> tuple[int, bytes] | None: ...
    async def add_lock(self, workspace_id: str, lock: Lock) -> None: ...
    async def locks(self, workspace_id: str, account_id: str, now: datetime) -> Sequence[Lock]: ...
    async def release_locks(self, workspace_id: str, account_id: str, pair: str, now: datetime) -> int: ...


class Bots(Protocol):
    """Bots, their state history and configuration versions."""

    async def create(self, bot: Bot) -> None: ...
    async def all(self, workspace_id: str) -> Sequence[Bot]: ...
    async def by_id(self, workspace_id: str, bot_id: str) -> Bot | None: ...
    async def by_name(self, workspace_id: str, name: str) -> Bot | None: ...
    async def of_account(self, workspace_id: str, account_id: str) -> Sequence[Bot]: ...
    async def save(self, bot: Bot, *, expected_version: int | None = None) -> Bot: ...
    async def archive(self, workspace_id: str, bot_id: str, at: datetime) -> None: ...
    async def saw_bar(self, workspace_id: str, bot_ids: Sequence[str], at: datetime) -> None:
        """Say when bots last saw a bar; no new version, because nobody asked for anything."""
        ...

    async def set_phase(
        self, workspace_id: str, bot_id: str, pair: str, phase: Phase, since: datetime
    ) -> None: ...
    async def add_state_change(self, workspace_id: str, change: StateChange) -> None: ...
    async def history(self, workspace_id: str, bot_id: str, page: Page) -> Sequence[StateChange]: ...
    async def add_config(self, workspace_id: str, config: ConfigVersion) -> None: ...
    async def configs(self, workspace_id: str, bot_id: str) -> Sequence[ConfigVersion]: ...


class CandleStore(Protocol):
    """Candle series; prices are float64 market data, not money."""

    async def add(self, candles: Candles) -> tuple[int, int]:
        """Store bars idempotently; give (new, already known). A bar that differs from the stored one is refused."""
        ...

    async def load(
        self, venue: str, pair: str, timeframe: str, *, from_ms: int | None = None, to_ms: int | None = None
    ) -> Candles: ...
    async def last(self, venue: str, pair: str, timeframe: str, bars: int) -> Candles: ...
    async def forget(self, venue: str, pair: str, timeframe: str, before_ms: int, *, most: int) -> int:
        """Remove the oldest bars that open before a time, at most so many; give how many."""
        ...

    async def series(self) -> Sequence[SeriesInfo]: ...


class Signals(Protocol):
    """Signals with their conditions."""

    async def add(self, signal: SignalRecord) -> None: ...
    async def settle(self, workspace_id: str, signal_id: str, *, outcome: str, reason: str) -> None: ...
    async def by_id(self, workspace_id: str, signal_id: str) -> SignalRecord | None: ...
    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[SignalRecord]: ...


class Orders(Protocol):
    """Intents, orders and their append-only events. `add` writes intent and order together."""

    async def add(self, order: Order, *, idempotency_key: str) -> bool:
        """Write a new order with its intent; False when that client id or key is already there."""
        ...

    async def adopt(self, order: Order) -> bool:
        """Write an order that somebody else placed at the venue, as it is found; False when it is known."""
        ...

    async def move(
        self,
        workspace_id: str,
        order_id: str,
        after: OrderState,
        *,
        evidence: str,
        detail: str = "",
        at: datetime,
        venue_order_id: str | None = None,
        filled_quantity: Decimal | None = None,
        average_price: Decimal | None = None,
    ) -> Order:
        """Go to a state along `trading.orders.TRANSITIONS` and append the event."""
        ...

    async def by_id(self, workspace_id: str, order_id: str) -> Order | None: ...
    async def by_client_id(self, workspace_id: str, client_order_id: str) -> Order | None: ...
    async def by_venue_id(self, workspace_id: str, account_id: str, venue_order_id: str) -> Order | None: ...
    async def at_work(
        self, workspace_id: str, account_id: str, now: datetime, *, position_id: str = ""
    ) -> Sequence[Order]:
        """Give the orders that somebody has to do something about: all but those that rest quietly."""
        ...

    async def unsettled(self, workspace_id: str, account_id: str) -> Sequence[Order]: ...
    async def events(self, workspace_id: str, order_id: str) -> Sequence[Mapping[str, Any]]: ...
    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Order]: ...


class Fills(Protocol):
    """Fills, unique by (account, venue trade id)."""

    async def add(self, fill: FillRecord) -> bool:
        """Book a fill; False when this venue trade is already booked."""
        ...

    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[FillRecord]: ...
    async def of_orders(self, workspace_id: str, order_ids: Sequence[str]) -> Sequence[FillRecord]: ...


class Execution(Protocol):
    """What the order path keeps beside orders: watches, exits, incidents, comparisons, requests to the owner."""

    async def next_number(self, workspace_id: str, account_id: str) -> int:
        """Count up the account's own orders and give the number."""
        ...

    async def watch(self, watch: OrderWatch) -> None: ...
    async def watch_of(self, workspace_id: str, order_id: str) -> OrderWatch | None: ...
    async def watches(self, workspace_id: str, account_id: str) -> Mapping[str, OrderWatch]:
        """Give the watches of the orders that may still change, by order."""
        ...

    async def burned(self, workspace_id: str, account_id: str) -> Sequence[OrderWatch]: ...
    async def protect(self, protection: Protection) -> None: ...
    async def protection_of(self, workspace_id: str, position_id: str) -> Protection | None: ...
    async def protections(self, workspace_id: str, account_id: str) -> Sequence[Protection]: ...
    async def release(self, workspace_id: str, position_id: str) -> None: ...
    async def open_incident(self, incident: Incident) -> bool:
        """Open an incident; False when one about the same is open already."""
        ...

    async def close_incidents(
        self, workspace_id: str, account_id: str, kind: IncidentKind, subject: str, *, by: str, at: datetime
    ) -> int: ...
    async def open_incidents(self, workspace_id: str, account_id: str) -> Sequence[Incident]: ...
    async def incidents(self, workspace_id: str, page: Page) -> Sequence[Incident]: ...
    async def save_reconciliation(self, run: Reconciliation) -> None: ...
    async def last_reconciliation(
        self, workspace_id: str, account_id: str, *, is_complete: bool = False
    ) -> Reconciliation | None: ...
    async def ask(self, request: AccountRequest) -> None:
        """Leave a request for the process that owns the account."""
        ...

    async def requests(self, workspace_id: str, account_id: str) -> Sequence[AccountRequest]: ...
    async def request(self, workspace_id: str, request_id: str) -> AccountRequest | None: ...
    async def answer(self, workspace_id: str, request_id: str, answer: str, at: datetime) -> bool: ...
    async def baseline(self, workspace_id: str, account_id: str) -> Baseline | None: ...
    async def save_baseline(self, baseline: Baseline) -> None: ...
    async def held(self, workspace_id: str, account_id: str) -> Mapping[str, Decimal]:
        """Give Σ fills per pair, exact."""
        ...

    async def paid(self, workspace_id: str, account_id: str) -> Mapping[str, Decimal]:
        """Give Σ cash per quote currency of all fills, exact."""
        ...

    async def known_trades(self, account_id: str, trade_ids: Collection[str]) -> set[str]: ...


class Positions(Protocol):
    """Positions and finished trades."""

    async def save(self, position: Position) -> None: ...
    async def by_id(self, workspace_id: str, position_id: str) -> Position | None: ...
    async def open(self, workspace_id: str, account_id: str = "") -> Sequence[Position]: ...
    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Position]: ...
    async def add_trade(self, trade: Trade) -> Trade:
        """Write a finished trade; its number counts up per workspace and is given by the store when 0."""
        ...

    async def trade(self, workspace_id: str, trade_id: str) -> Trade | None: ...
    async def trade_by_number(self, workspace_id: str, number: int) -> Trade | None: ...
    async def trades(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Trade]: ...
    async def archive_trade(self, workspace_id: str, trade_id: str, by: str, at: datetime) -> bool:
        """Leave a trade out of lists from now on; False when it was left out before."""
        ...

    async def add_trade_event(
        self, workspace_id: str, position_id: str, at: datetime, kind: str, detail: Mapping[str, Any]
    ) -> None: ...
    async def trade_events(self, workspace_id: str, position_id: str) -> Sequence[Mapping[str, Any]]: ...
    async def add_risk_event(
        self,
        workspace_id: str,
        account_id: str,
        bot_id: str,
        at: datetime,
        rule: str,
        detail: Mapping[str, Any],
    ) -> None: ...
    async def risk_events(self, workspace_id: str, page: Page) -> Sequence[Mapping[str, Any]]: ...


class Metrics(Protocol):
    """Per-bot and per-strategy figures kept for people: bot_metrics and strategy_performance."""

    async def save_bot(
        self, workspace_id: str, bot_id: str, day: datetime, values: Mapping[str, Any]
    ) -> None: ...
    async def of_bot(
        self, workspace_id: str, bot_id: str, since: datetime | None
    ) -> Sequence[Mapping[str, Any]]: ...
    async def save_strategy(
        self, workspace_id: str, strategy: str, period: str, values: Mapping[str, Any]
    ) -> None: ...
    async def of_strategy(self, workspace_id: str, strategy: str) -> Sequence[Mapping[str, Any]]: ...


class Journal(Protocol):
    """The event log: facts with gapless sequence numbers per workspace."""

    async def append(
        self, workspace_id: str, events: Sequence[Event], at: datetime
    ) -> tuple[Recorded, ...]: ...
    async def after(
        self, workspace_id: str, sequence: int, *, limit: int = 500, kinds: Sequence[str] = ()
    ) -> Sequence[Recorded]: ...
    async def head(self, workspace_id: str) -> int: ...
    async def heads(self) -> Mapping[str, int]:
        """Give the last sequence of every workspace in one statement."""
        ...

    async def oldest(self, workspace_id: str) -> int: ...


class Alerts(Protocol):
    """Alerts, their deliveries, and the outbox that carries them. Written in the transaction of the fact."""

    async def add(self, alert: Alert, deliveries: Sequence[Delivery]) -> bool:
        """Write alert, deliveries and outbox rows; False when its dedupe key is already there."""
        ...

    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Alert]: ...
    async def by_id(self, workspace_id: str, alert_id: str) -> Alert | None: ...
    async def add_delivery(self, delivery: Delivery) -> None:
        """Write a delivery that is not on its way yet: it waits for its time."""
        ...

    async def delivery(self, workspace_id: str, delivery_id: str) -> Delivery | None: ...
    async def deliveries(self, workspace_id: str, alert_ids: Sequence[str]) -> Sequence[Delivery]: ...
    async def acknowledge(self, workspace_id: str, alert_id: str, by: str, at: datetime) -> bool: ...
    async def due(self, channel: str, now: datetime, *, limit: int = 50) -> Sequence[tuple[Delivery, Alert]]:
        """Claimable deliveries, oldest first, in order per recipient."""
        ...

    async def mark_sending(self, delivery_id: str, now: datetime) -> bool: ...
    async def mark_sent(self, delivery_id: str, at: datetime) -> None: ...
    async def mark_failed(
        self, delivery_id: str, error: str, retry_at: datetime | None, *, is_doubtful: bool = False
    ) -> None: ...
    async def pending(self) -> tuple[int, datetime | None]:
        """Outbox depth and age: how many deliveries wait, and since when the oldest does."""
        ...


class Messages(Protocol):
    """Messages that come in: handled once, and buried with their cause where they cannot be handled."""

    async def first_time(self, workspace_id: str, source: str, message_id: str, at: datetime) -> bool:
        """Tell whether a message is new, and remember it in this transaction."""
        ...

    async def bury(self, letter: DeadLetter) -> None: ...
    async def buried(self, workspace_id: str, page: Page) -> Sequence[DeadLetter]: ...
    async def mark_replayed(self, workspace_id: str, letter_id: str, at: datetime) -> bool:
        """Claim a buried message for its replay; False when there is none or it was replayed before."""
        ...


class Jobs(Protocol):
    """Background jobs: the queue of record. Whoever claims a job may write to it until somebody else does."""

    async def add(self, job: Job) -> bool:
        """Queue a job; False when its dedupe key was used before."""
        ...

    async def by_id(self, workspace_id: str, job_id: str) -> Job | None: ...
    async def by_key(self, workspace_id: str, dedupe_key: str) -> Job | None: ...
    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Job]: ...
    async def group(self, workspace_id: str, group_id: str) -> Sequence[Job]: ...
    async def claim(self, job_id: str, holder: str, now: datetime, lease_s: float) -> Job | None: ...
    async def claim_next(
        self,
        holder: str,
        now: datetime,
        lease_s: float,
        *,
        only: Collection[str] = (),
        but: Collection[str] = (),
    ) -> Job | None: ...
    async def kind_of(self, job_id: str) -> str: ...
    async def keep(
        self, job: Job, now: datetime, lease_s: float, progress: Mapping[str, Any]
    ) -> datetime | None:
        """Renew a claim and show progress; give when a cancel was asked for."""
        ...

    async def finish(
        self,
        job: Job,
        state: JobState,
        *,
        at: datetime,
        result: Mapping[str, Any] | None = None,
        error: str = "",
    ) -> bool:
        """End a job for good; False when its claim went to somebody else."""
        ...

    async def put_back(self, job: Job, *, due_at: datetime, error: str = "", counts: bool = True) -> bool: ...
    async def wait_for_parts(self, job: Job, progress: Mapping[str, Any]) -> bool: ...
    async def part_ended(self, workspace_id: str, group_id: str, now: datetime) -> int: ...
    async def ask_cancel(self, workspace_id: str, job_id: str, now: datetime) -> Job: ...
    async def retry(self, workspace_id: str, job_id: str, now: datetime) -> Job: ...
    async def is_anything_due(
        self, now: datetime, *, only: Collection[str] = (), but: Collection[str] = ()
    ) -> bool: ...
    async def counts(self) -> Mapping[str, int]: ...
    async def forget(self, before: datetime, *, most: int) -> int:
        """Remove jobs that ended before a time with their parts and files, at most so many; give how many."""
        ...

    async def add_file(
        self, workspace_id: str, job_id: str, *, name: str, media_type: str, data: bytes, at: datetime
    ) -> None: ...
    async def files(self, workspace_id: str, job_ids: Sequence[str]) -> Sequence[JobFile]: ...
    async def file(self, workspace_id: str, job_id: str, name: str) -> bytes | None: ...


class Audit(Protocol):
    """The append-only audit, chained by hash per workspace."""

    async def append(
        self,
        workspace_id: str,
        *,
        at: datetime,
        actor: str,
        channel: str,
        action: str,
        subject: str,
        detail: Mapping[str, Any],
        outcome: str,
    ) -> AuditEntry: ...
    async def page(self, workspace_id: str, page: Page) -> Sequence[AuditEntry]: ...
    async def first_bad(self, workspace_id: str) -> int | None:
        """Sequence of the first line whose hash does not follow; None when the chain holds."""
        ...


class Leases(Protocol):
    """Who owns what: one holder per name, with an epoch that counts up at each change of hands."""

    async def take(self, name: str, holder: str, now: datetime, ttl_s: float) -> int | None:
        """Take or renew; give the epoch, or None when somebody else holds it."""
        ...

    async def release(self, name: str, holder: str) -> None: ...
    async def holder(self, name: str, now: datetime) -> tuple[str, int] | None: ...


class Keys(Protocol):
    """One-time things: idempotency answers and confirmation tokens."""

    async def stored_answer(self, workspace_id: str, key: str) -> tuple[str, Mapping[str, Any]] | None:
        """Give (input hash, stored answer) of an idempotency key."""
        ...

    async def store_answer(
        self, workspace_id: str, key: str, input_hash: str, answer: Mapping[str, Any], at: datetime
    ) -> bool: ...
    async def add_confirmation(
        self,
        workspace_id: str,
        token_hash: str,
        *,
        user_id: str,
        channel: str,
        command_hash: str,
        expires_at: datetime,
    ) -> None: ...
    async def take_confirmation(
        self,
        workspace_id: str,
        token_hash: str,
        *,
        user_id: str,
        channel: str,
        command_hash: str,
        now: datetime,
    ) -> str:
        """Use a token once: "ok", "used", "expired", "foreign" or "unknown"; only "ok" consumes it."""
        ...


class Unit(Protocol):
    """The repositories, all in one transaction."""

    workspaces: Workspaces
    members: Members
    links: Links
    approvals: Approvals
    proofs: Proofs
    sessions: SignIns
    hooks: Hooks
    exchange_keys: ExchangeKeys
    privacy: Privacy
    accounts: Accounts
    bots: Bots
    candles: CandleStore
    signals: Signals
    orders: Orders
    fills: Fills
    entries: Entries
    positions: Positions
    metrics: Metrics
    journal: Journal
    alerts: Alerts
    notices: Notices
    messages: Messages
    execution: Execution
    jobs: Jobs
    firings: Firings
    news: News
    chats: Chats
    audit: Audit
    leases: Leases
    keys: Keys


class Store(Protocol):
    """The database. Nothing is written outside `transaction()`."""

    def transaction(self) -> AbstractAsyncContextManager[Unit]:
        """Commit at the end of the block, roll back on any exception.

        Raises:
            StoreProblem: no connection within 2 s, or the database is away.
        """
        ...

    @property
    def commits(self) -> int:
        """How many transactions this process committed here; what was read before the last one may be old."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Unit]:
        """Read without a write lock."""
        ...

    async def is_current(self) -> bool:
        """Tell whether the schema is the newest."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One closed bar of one pair."""

    pair: str
    ts_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    flags: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedBars:
    """All bars of one time: pairs that came, and those that are late."""

    ts_ms: int
    timeframe: str
    bars: Mapping[str, Bar]
    missing: tuple[str, ...] = ()


class Feed(Protocol):
    """Market data of one venue.

    A feed whose bars come from a script or a simulation gives the same bars again after a restart: `bars` starts
    right after `after_ms`.
    """

    venue: str
    #: What to show people: "replay of FILE at 1000 bars/s", "simulated exchange, seed 7, 20 bars/s", "binance".
    label: str

    async def instrument(self, pair: str) -> Instrument: ...
    async def pairs(self) -> Sequence[str]: ...
    async def history(self, pair: str, timeframe: str, *, before_ms: int | None, bars: int) -> Candles:
        """Give up to `bars` closed bars that open before a time (None: before the first live bar)."""
        ...

    def bars(
        self, pairs: Sequence[str], timeframe: str, *, after_ms: int | None
    ) -> AsyncIterator[ClosedBars]:
        """Give closed bars as they close, in order, starting after a bar's open time."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail: plain text and HTML, with inline pictures by content id."""

    recipient: str
    subject: str
    text: str
    html: str
    message_id: str
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    attachments: Mapping[str, bytes] = field(default_factory=dict)


class Mailer(Protocol):
    """Transport of mail."""

    async def send(self, letter: Letter) -> None:
        """Hand a mail to the server.

        Raises:
            Temporary: the server could not be reached or said try later.
            Rejected: the server refused this mail for good.
        """
        ...


class Painter(Protocol):
    """Draws pictures away from the event loop. A failed picture gives None: the text is always sent."""

    async def draw(self, kind: str, spec: Mapping[str, Any]) -> bytes | None:
        """Give a PNG; `kind` is one of desk.charts.KINDS, `spec` plain values and arrays."""
        ...

    async def close(self) -> None: ...

"""The house put together: store, market, desk, supervisor and outbox, opened and closed in one place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import structlog

from desk.alerting.by_mail import DrawAlert, MailAlerts, RenderAlert
from desk.alerting.channel import Channel
from desk.alerting.dead_man import Pulse
from desk.alerting.pump import OutboxPump
from desk.alerting.raising import raise_alerts
from desk.alerting.watch import AlertWatch
from desk.audit_seals import AuditSeals, SealKeeper
from desk.bots.supervisor import Supervisor
from desk.bots.tools import Tools
from desk.bus import EventBus
from desk.clock import Clock, SystemClock
from desk.demo import Demo, seed_demo
from desk.desk import Desk
from desk.feeds.live_options import LiveOptions, Remembering, live_feed
from desk.feeds.price_teller import PriceTeller, TellsPrices
from desk.feeds.replay import ReplayFeed
from desk.feeds.simulated import SimulatedFeed
from desk.handlers import register_all
from desk.jobs.bell import Bell
from desk.jobs.timetable import Timetable
from desk.keyring import FILE_NAME, KeyRing, key_ring_at, rotating, save_key_ring
from desk.live_prices import LivePrices
from desk.mail import SmtpMailer, SmtpServer
from desk.models.room import ModelRoom, shelf_at
from desk.ports import Feed, Painter, Store
from desk.queries import Queries
from desk.reports.drift.service import Drifts
from desk.reports.period.letters import ReportFiles
from desk.secrets import Secret
from desk.settings import VenueSettings
from desk.signing import FILE_NAME as SIGNING_FILE
from desk.signing import SigningFile
from desk.store import ACQUIRE_TIMEOUT_S, PATIENCE_S, migrate, open_store
from desk.venues.paper import PaperVenue
from desk.venues.probing import VenueProbe, open_account_venue
from strategies.registry import StrategyRegistry, default_registry
from trading.candles import Candles
from trading.errors import BadSetting, StoreProblem
from trading.events import Event, Recorded, ServiceStarted, ServiceStopped

__all__ = ["DEMO_SEED", "DEMO_SPEED", "Demo", "House", "HouseOptions", "make_feed", "open_house", "seed_demo"]

log = structlog.get_logger(__name__)

#: Seed and speed of the demo's market.
DEMO_SEED = 7
DEMO_SPEED = 20.0
#: A console, a chat or a worker waits so long for a database that a busy trading process writes.
_PATIENCE_BESIDE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseOptions:
    """How a house is opened.

    Attributes:
        data_dir: where the embedded database lies.
        database_url: empty = SQLite in `data_dir`.
        replay: candle files to play; empty = the live market, or the simulated exchange.
        market: live prices of a venue; None = the simulated exchange.
        venues: addresses in place of the venues' own.
        replay_pair: pair of a single file whose name does not tell.
        seed, speed_bars_per_s: of the market; 0 bars/s = as fast as they are taken.
        strategy_paths: folders with strategies of one's own.
        smtp: mail server; None = no mail, alerts wait in the outbox.
        role: what this process is, as facts and health show it.
        is_trading: run the supervisor here; a console or web process only writes what people want.
        is_pumping: carry the outbox here.
        restore_epoch: counts restored backups.
        version: of the program.
        key_path: file with the keys that seal personal data; None = beside the data.
        always_two: two-person rules hold for paper money too.
        schedule: what is done by the clock at other times than usual, as in BREAKWATER_SCHEDULE.
        redis_url: carries word between processes at once; empty = they ask the database.
        storage_url: where files of models lie; empty = in `data_dir`.
    """

    data_dir: Path
    database_url: str = ""
    replay: tuple[Path, ...] = ()
    market: LiveOptions | None = None
    venues: Mapping[str, VenueSettings] = field(default_factory=dict)
    replay_pair: str = ""
    seed: int = DEMO_SEED
    speed_bars_per_s: float = DEMO_SPEED
    strategy_paths: tuple[Path, ...] = ()
    smtp: SmtpServer | None = None
    role: str = "all"
    is_trading: bool = True
    is_pumping: bool = True
    restore_epoch: int = 0
    version: str = ""
    key_path: Path | None = None
    always_two: bool = False
    schedule: tuple[str, ...] = ()
    redis_url: Secret | None = None
    storage_url: str = ""

    @property
    def url(self) -> str:
        """The database."""
        return self.database_url or f"sqlite:{self.data_dir / 'breakwater.db'}"

    @property
    def keys(self) -> Path:
        """The key file."""
        return self.key_path or self.data_dir / FILE_NAME


@dataclass(slots=True)
class House:
    """Everything a door needs; handed out by `open_house`."""

    options: HouseOptions
    store: Store
    bus: EventBus
    clock: Clock
    desk: Desk
    feed: Feed
    registry: StrategyRegistry
    supervisor: Supervisor
    pump: OutboxPump
    queries: Queries
    bell: Bell
    prices: LivePrices
    models: ModelRoom
    drifts: Drifts
    painter: Painter | None = None
    timetable: Timetable = field(default_factory=Timetable)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def is_healthy(self) -> bool:
        """Whether the tasks of this process all run."""
        return all(not task.done() for task in self.tasks)


@asynccontextmanager
async def open_house(
    options: HouseOptions,
    *,
    clock: Clock | None = None,
    painter: Painter | None = None,
    render_alert: RenderAlert | None = None,
    draw_alerts: Callable[[Store, Painter], DrawAlert] | None = None,
    channels: Sequence[Channel] = (),
    feed: Feed | None = None,
    registry: StrategyRegistry | None = None,
    on_fatal: Callable[[StoreProblem], None] | None = None,
) -> AsyncIterator[House]:
    """Open a house: bring the store to its newest schema, mend what a crash left, start the tasks; close in order.

    Args:
        render_alert: turns alerts into letters; without it no mail is sent.
        draw_alerts: makes what draws the pictures of letters; without it they are text only.
        channels: further ways of alerts; doors attach theirs to `House.pump` when they come up.
        feed, registry: stand-ins, for tests.
        on_fatal: told when the database failed ten times within 30 s; the process should end then.

    Raises:
        StoreProblem, BadSetting, BadCandles: what has to be put right first.
    """
    clock = clock or SystemClock()
    timetable = Timetable(options.schedule)
    registry = registry or _registry(options)
    feed = feed or make_feed(options, clock)
    ring = await _prepare(options)
    store = open_store(
        options.url,
        clock=clock,
        on_fatal=on_fatal,
        ring=ring,
        acquire_timeout_s=ACQUIRE_TIMEOUT_S if options.is_trading else _PATIENCE_BESIDE_S,
        patience_s=PATIENCE_S if options.is_trading else _PATIENCE_BESIDE_S,
    )
    if isinstance(feed, Remembering):
        feed.remember(_shelf(store, feed.venue))
    bus = EventBus()
    pump = OutboxPump(store, clock, channels)
    if options.smtp is not None and render_alert is not None:
        draw = draw_alerts(store, painter) if draw_alerts is not None and painter is not None else None
        pump.attach(MailAlerts(SmtpMailer(options.smtp), render_alert, draw, ReportFiles(store)))
    models = ModelRoom(shelf_at(options.storage_url, options.data_dir))
    tools = Tools(
        store=store,
        bus=bus,
        clock=clock,
        feed=feed,
        registry=registry,
        make_venue=PaperVenue,
        open_venue=lambda account: open_account_venue(store, account, options.venues, clock),
        ring=pump.ring,
        restore_epoch=options.restore_epoch,
        models=models,
    )
    supervisor = Supervisor(tools)
    signing = SigningFile(options.keys.with_name(SIGNING_FILE), clock.now())
    desk = Desk(store, bus, clock, always_two=options.always_two, signing=signing)
    bell = Bell()

    def wake() -> None:
        supervisor.wake()
        pump.ring()

    register_all(
        desk, registry=registry, feed=feed, wake=wake, bell=bell, probe=VenueProbe(options.venues, clock)
    )
    house = House(
        options=options,
        store=store,
        bus=bus,
        clock=clock,
        desk=desk,
        feed=feed,
        registry=registry,
        supervisor=supervisor,
        pump=pump,
        queries=Queries(store, clock),
        bell=bell,
        prices=LivePrices(clock),
        models=models,
        drifts=Drifts(store, feed, registry, clock, models),
        painter=painter,
        timetable=timetable,
    )
    try:
        if options.is_trading:
            await _announce(house, lambda workspace_id: _started(house, workspace_id))
            house.tasks.append(_forever(supervisor.run, "supervisor"))
            house.tasks.append(_forever(desk.approvals.run, "approvals"))
            seals = AuditSeals(options.keys.parent)
            house.tasks.append(_forever(SealKeeper(store, clock, seals).run, "audit seals"))
            house.tasks.append(_forever(Pulse(store, clock, options.role).run, "pulse"))
            if isinstance(feed, TellsPrices):
                house.tasks.append(_forever(PriceTeller(feed, store, bus, clock).run, "prices"))
        if options.is_pumping:
            house.tasks.append(_forever(pump.run, "outbox"))
            house.tasks.append(
                _forever(AlertWatch(store, bus, clock, pump.ring, prices=house.prices).run, "alerts")
            )
        if isinstance(feed, TellsPrices) or options.redis_url:
            house.tasks.append(_forever(lambda: house.prices.listen(bus), "live prices"))
        if options.redis_url:
            from desk.relay import RedisRelay

            house.tasks.append(_forever(RedisRelay(options.redis_url, bus, clock, wake).run, "relay"))
        yield house
    finally:
        await _close(house)


class Located(Protocol):
    """Settings that say where the database is."""

    @property
    def data_dir(self) -> Path: ...

    @property
    def database_url(self) -> object: ...

    @property
    def key_path(self) -> Path | None: ...


async def open_migrated_store(settings: Located, *, clock: Clock | None = None) -> Store:
    """Open the store that settings name, brought to its newest schema; for commands that do one thing and leave.

    Raises:
        StoreProblem: the database or the data folder cannot be used.
    """
    found = settings.database_url
    revealed = found.reveal() if isinstance(found, Secret) else str(found)
    options = HouseOptions(data_dir=settings.data_dir, database_url=revealed, key_path=settings.key_path)
    ring = await _prepare(options)
    return open_store(options.url, clock=clock or SystemClock(), ring=ring)


async def _prepare(options: HouseOptions) -> KeyRing:
    """Make the folder, read the keys, bring the schema up to date, seal what an older version kept readable."""
    try:
        options.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StoreProblem(
            f"The data folder '{options.data_dir}' cannot be made: {problem.strerror or problem}.",
            hint="Name a folder that can be written.",
        ) from problem
    ring = key_ring_at(options.keys)
    store = open_store(options.url, clock=SystemClock(), ring=ring)
    try:
        # Beside a trading process only questions are asked: a console must not queue for its write lock.
        if not await store.is_current():
            await migrate(options.url)
        if await store.has_plain_addresses():
            await store.seal_plain_addresses()
    finally:
        await store.close()
    return ring


async def rotate_keys(settings: Located) -> int:
    """Seal and sign with new keys from now on; give how many people's keys were sealed anew.

    The new key is on disk before anything is sealed with it, and old keys stay in the file: a crash in between loses
    nothing, and a second run finishes it. Processes that work meanwhile read the file anew.

    Raises:
        OperatorProblem: another rotation is at work.
    """
    clock = SystemClock()
    path = settings.key_path or settings.data_dir / FILE_NAME
    await (await open_migrated_store(settings, clock=clock)).close()
    with rotating(path):
        save_key_ring(path, key_ring_at(path).rotated())
        SigningFile(path.with_name(SIGNING_FILE), clock.now()).rotate(clock.now())
        found = settings.database_url
        revealed = found.reveal() if isinstance(found, Secret) else str(found)
        options = HouseOptions(data_dir=settings.data_dir, database_url=revealed, key_path=settings.key_path)
        store = open_store(options.url, clock=clock, ring=key_ring_at(path))
        try:
            return await store.rewrap_person_keys()
        finally:
            await store.close()


async def bring_up_to_date(settings: Located) -> None:
    """Migrate the database that settings name to the newest schema."""
    await (await open_migrated_store(settings)).close()


async def is_up_to_date(settings: Located) -> bool:
    """Tell whether the database that settings name is at the newest schema; changes nothing."""
    found = settings.database_url
    options = HouseOptions(
        data_dir=settings.data_dir, database_url=found.reveal() if isinstance(found, Secret) else str(found)
    )
    if not options.database_url and not (options.data_dir / "breakwater.db").exists():
        return False
    store = open_store(options.url, clock=SystemClock())
    try:
        return await store.is_current()
    finally:
        await store.close()


def make_feed(options: HouseOptions, clock: Clock) -> Feed:
    """Give the market that the options name.

    Raises:
        BadSetting: a speed below 0.
        InvalidInput, BadCandles: a file that cannot be played.
    """
    if options.speed_bars_per_s < 0:
        raise BadSetting(
            f"A speed of {options.speed_bars_per_s} bars/s was given; 0 (as fast as possible) or more is allowed."
        )
    if options.replay:
        return ReplayFeed.from_files(
            options.replay, clock=clock, bars_per_s=options.speed_bars_per_s, pair=options.replay_pair
        )
    if options.market is not None:
        return live_feed(options.market, clock)
    return SimulatedFeed(clock=clock, seed=options.seed, bars_per_s=options.speed_bars_per_s)


def _shelf(store: Store, venue: str) -> Callable[[str, str, int, int], Awaitable[Candles]]:
    async def stored(pair: str, timeframe: str, from_ms: int, to_ms: int) -> Candles:
        async with store.reading() as tx:
            return await tx.candles.load(venue, pair, timeframe, from_ms=from_ms, to_ms=to_ms)

    return stored


def _registry(options: HouseOptions) -> StrategyRegistry:
    registry = default_registry()
    for path in options.strategy_paths:
        registry.load_folder(path)
    return registry


def _forever(run: Callable[[], Awaitable[None]], name: str) -> asyncio.Task[None]:
    async def watched() -> None:
        try:
            await run()
        except Exception:
            # A dead task must be seen: health turns red, and the log says why.
            log.exception("task_died", task=name)
            raise

    return asyncio.create_task(watched(), name=name)


def _started(house: House, workspace_id: str) -> Event:
    return ServiceStarted(
        workspace_id=workspace_id,
        occurred_at=house.clock.now(),
        role=house.options.role,
        version=house.options.version,
    )


async def _announce(house: House, fact: Callable[[str], Event]) -> None:
    """Tell every workspace a fact about this process, with the alert that it deserves."""
    now = house.clock.now()
    async with house.store.transaction() as tx:
        recorded: list[Recorded] = []
        for workspace in await tx.workspaces.all():
            event = fact(workspace.id)
            raised = await raise_alerts(tx, workspace.id, [event], now)
            recorded += await tx.journal.append(workspace.id, [event, *raised], now)
    house.bus.publish(recorded)


async def _close(house: House) -> None:
    """Stop the tasks, say so, close market and store; each step also when one before it failed."""
    for task in house.tasks:
        task.cancel()
    await asyncio.gather(*house.tasks, return_exceptions=True)
    try:
        if house.options.is_trading:
            await _announce(
                house,
                lambda workspace_id: ServiceStopped(
                    workspace_id=workspace_id, occurred_at=house.clock.now(), role=house.options.role
                ),
            )
    finally:
        try:
            await house.feed.close()
        finally:
            if house.painter is not None:
                await house.painter.close()
            await house.store.close()

"""What every account is carried with: store, market, strategies, venues."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from desk import venue_port
from desk.bus import EventBus
from desk.clock import Clock
from desk.models.room import ModelRoom
from desk.ports import Feed, Store, Venue
from desk.views import Account
from strategies.registry import StrategyRegistry
from trading.instruments import Instrument

#: Gives the venue of an account, signed in; nothing is sent by that.
OpenVenue = Callable[[Account], Awaitable[venue_port.Venue]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What every account loop works with.

    Attributes:
        make_venue: gives where the orders of an account go, by the trading rules of its pairs.
        ring: tells the outbox that there may be something to carry.
        restore_epoch: counts restored backups; part of every client order id.
        open_venue: opens the venue of a live account; None = this process carries paper accounts only.
        signal_age_s: a live account acts on the signals of a bar that closed at most so long ago (and never after
            another bar of its timeframe); None = whatever their age, for markets that do not run by our clock.
        models: forecasts for strategies that follow them; None = there are none.
    """

    store: Store
    bus: EventBus
    clock: Clock
    feed: Feed
    registry: StrategyRegistry
    make_venue: Callable[[Mapping[str, Instrument]], Venue]
    ring: Callable[[], None]
    restore_epoch: int = 0
    open_venue: OpenVenue | None = None
    signal_age_s: float | None = 60.0
    models: ModelRoom | None = None

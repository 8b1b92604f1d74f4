"""What a resolver is given: who asks, the house, and this operation's loaders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import strawberry

from api.documents import Documents
from api.errors import ApiError, ErrorCode
from api.events.hub import JournalHub
from api.gate import Gate
from api.loaders import Loaders
from api.plans import Plans
from api.read_models import ReadModels
from desk.bus import EventBus
from desk.clock import Clock
from desk.desk import Desk
from desk.identity import Actor, new_id
from desk.jobs.timetable import Timetable
from desk.live_prices import LivePrices
from desk.models.room import ModelRoom
from desk.ports import Feed, Store, Unit
from desk.reports.drift.service import Drifts
from desk.views import Performance
from strategies.registry import StrategyRegistry


class Figures(Protocol):
    """Read use cases of the desk that need more than one row."""

    async def performance(
        self, workspace_id: str, bot_id: str, since: datetime | None = None
    ) -> Performance: ...


class HouseFace(Protocol):
    """The part of the house that this door needs."""

    @property
    def store(self) -> Store: ...

    @property
    def bus(self) -> EventBus: ...

    @property
    def desk(self) -> Desk: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def feed(self) -> Feed: ...

    @property
    def registry(self) -> StrategyRegistry: ...

    @property
    def queries(self) -> Figures: ...

    @property
    def timetable(self) -> Timetable: ...

    @property
    def prices(self) -> LivePrices: ...

    @property
    def drifts(self) -> Drifts: ...
    @property
    def models(self) -> ModelRoom: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part of the house and how it is."""

    name: str
    is_ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseHealth:
    """How the process is, as the health pages say it."""

    is_live: bool
    is_ready: bool
    is_degraded: bool
    loop_lag_ms: float
    version: str
    started_at: datetime
    components: tuple[Component, ...]


class HealthSource(Protocol):
    """Who knows how the process is."""

    async def report(self) -> HouseHealth: ...


class Observer(Protocol):
    """Who counts what happens at this door."""

    def operation(self, *, kind: str, document: str, seconds: float) -> None: ...
    def rejected(self, reason: str) -> None: ...
    def cost(self, points: int) -> None: ...
    def sockets(self, change: int) -> None: ...
    def dropped(self, reason: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A checked token: who, and until when.

    Attributes:
        may_improvise: may send documents of its own where the server otherwise answers only those it knows.
    """

    actor: Actor
    token_id: str
    expires_at: datetime | None = None
    may_improvise: bool = True


class Authenticator(Protocol):
    """Who turns a token into a session."""

    async def session(self, token: str) -> Session | None:
        """Give the session of a token; None when it is unknown, revoked, expired or its member is gone."""
        ...


@dataclass(slots=True, kw_only=True)
class Context:
    """One operation (or, before `for_operation`, one connection)."""

    house: HouseFace
    health: HealthSource
    observer: Observer
    journal: JournalHub
    gate: Gate
    documents: Documents
    models: ReadModels
    session: Session | None = None
    token: str = ""
    peer: str = ""
    connection_params: dict[str, Any] = field(default_factory=dict)
    request_id: str = field(default_factory=new_id)
    loaders: Loaders | None = None
    cost: Mapping[str, float] | None = None
    plans: Plans = field(default_factory=dict)
    #: The socket that an operation came over; None over HTTP. A refreshed session goes on there.
    connection: Context | None = None
    #: Cursor of what a stream gave last, and the one that a client which came back says it saw last.
    place: str = ""
    resume_after: str = ""
    #: Made for one operation; a socket's context is not, and each of its operations gets its own.
    is_for_one: bool = False

    def for_operation(self, *, session: Session | None = None, token: str = "", peer: str = "") -> Context:
        """Give a context of its own for one operation: fresh loaders, fresh request id.

        Args:
            session, token, peer: of whoever asks, where this context is not theirs yet.
        """
        who = session or self.session
        return Context(
            house=self.house,
            health=self.health,
            observer=self.observer,
            journal=self.journal,
            gate=self.gate,
            documents=self.documents,
            session=who,
            token=token or self.token,
            peer=peer or self.peer,
            connection_params=self.connection_params,
            loaders=Loaders(self.house.store, who.actor.workspace_id if who else "", self.models),
            models=self.models,
            connection=self.connection,
            is_for_one=True,
        )

    @property
    def actor(self) -> Actor:
        """Who asks.

        Raises:
            ApiError: nobody is signed in.
        """
        if self.session is None:
            raise ApiError(
                ErrorCode.UNAUTHENTICATED,
                "No valid API token came with this request. Send it as 'Authorization: Bearer TOKEN'.",
            )
        return self.session.actor

    @property
    def workspace_id(self) -> str:
        """The workspace of whoever asks; never taken from input."""
        return self.actor.workspace_id

    @property
    def glance(self) -> Unit:
        """Single statements, each fresh; fields that need several in one snapshot open a reading."""
        return self.house.store.glance

    @property
    def load(self) -> Loaders:
        """This operation's loaders."""
        assert self.loaders is not None, "for_operation gives the loaders"
        return self.loaders


#: The `info` of our resolvers.
Info = strawberry.Info[Context, None]

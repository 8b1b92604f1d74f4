"""The web server: the whole wiring on one screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from api.context import Context, HouseFace
from api.documents import Documents
from api.events.hub import JournalHub
from api.gate import Gate
from api.patience import ApiHouse
from api.read_models import ReadModels
from api.schema import SCHEMA
from api.view import MAX_BODY, GraphQLDoor, bearer
from desk.hooks import Hooks
from desk.settings import Settings
from server.auth import TokenAuthenticator
from server.downloads import Downloads
from server.explorer_pages import explorer_routes
from server.health import Check, Health
from server.lifespan import lifespan
from server.metrics import Metrics
from server.middleware import BodyLimit, Frontier, Timed, is_loopback
from server.short_way import ShortWay
from server.webhooks import HookDoor

#: Named documents of our own, validated before the first request.
OPERATIONS = Path(__file__).resolve().parents[1] / "graphql" / "operations"

#: Paths that metrics name; any other is "other".
ROUTES = ("/graphql", "/explorer", "/livez", "/readyz", "/startupz", "/health", "/metrics")


def create_app(
    house: HouseFace, settings: Settings, *, checks: Mapping[str, Check] | None = None
) -> Starlette:
    """Put the web server together around an open house."""
    release = our_version()
    metrics = Metrics(version=release)
    health = Health(house.store, house.clock, version=release, checks=checks)
    own = ApiHouse(house)
    authenticator = TokenAuthenticator(own.store, house.clock, house.desk.sessions)
    documents = Documents(with_introspection=settings.introspection)
    documents.announce(SCHEMA._schema, named_documents())
    template = Context(
        house=own,
        health=health,
        observer=metrics,
        journal=JournalHub(own.store, house.bus, house.clock),
        gate=Gate(
            house.clock,
            requests_per_s=settings.api_requests_per_s,
            points_per_s=settings.api_points_per_s,
            in_flight=settings.api_in_flight,
            new_documents_per_s=settings.api_new_documents_per_s,
            only_known=settings.api_documents == "known",
        ),
        documents=documents,
        models=ReadModels(own.store, house.clock),
    )
    door = GraphQLDoor(SCHEMA, template=template, authenticator=authenticator, origins=settings.origins)
    pages = Pages(house, settings, health=health, metrics=metrics, authenticator=authenticator)
    routes = [
        Route("/graphql", door),
        WebSocketRoute("/graphql", door),
        *pages.routes(),
        *Downloads(house.store, authenticator, house.desk.downloads).routes(),
        *(explorer_routes() if settings.explorer else ()),
    ]
    hosts = (*settings.allowed_hosts, settings.host)
    middleware = [
        Middleware(
            ShortWay, door=door, hosts=hosts, monotonic=house.clock.monotonic, observe=metrics.request
        ),
        Middleware(
            Timed,
            monotonic=house.clock.monotonic,
            observe=metrics.request,
            routes=ROUTES,
        ),
        Middleware(Frontier, hosts=hosts, origins=settings.origins),
        *_cors(settings),
        Middleware(HookDoor, hooks=Hooks(house.desk, venue=house.feed.venue)),
        Middleware(BodyLimit, most=MAX_BODY),
    ]
    app = Starlette(
        routes=routes,
        middleware=middleware,
        lifespan=lifespan(health=health, metrics=metrics, bus=house.bus, door=door),
    )
    app.state.health = health
    app.state.metrics = metrics
    app.state.door = door
    return app


def create_pages(
    house: HouseFace, settings: Settings, *, checks: Mapping[str, Check] | None = None
) -> Starlette:
    """Put the pages of health and metrics together, for a process that has no API."""
    metrics = Metrics(version=our_version())
    health = Health(house.store, house.clock, version=our_version(), checks=checks)
    authenticator = TokenAuthenticator(house.store, house.clock, house.desk.sessions)
    pages = Pages(house, settings, health=health, metrics=metrics, authenticator=authenticator)
    app = Starlette(
        routes=pages.routes(),
        middleware=[Middleware(Frontier, hosts=(*settings.allowed_hosts, settings.host), origins=())],
        lifespan=lifespan(health=health, metrics=metrics, bus=house.bus),
    )
    app.state.metrics = metrics
    return app


class Pages:
    """The plain pages beside the API."""

    def __init__(
        self,
        house: HouseFace,
        settings: Settings,
        *,
        health: Health,
        metrics: Metrics,
        authenticator: TokenAuthenticator,
    ) -> None:
        self._house = house
        self._settings = settings
        self._health = health
        self._metrics = metrics
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        """Give their routes."""
        return [
            Route("/livez", self.live),
            Route("/readyz", self.ready),
            Route("/startupz", self.started),
            Route("/health", self.health_report),
            Route("/metrics", self.metrics_page),
        ]

    async def live(self, request: Request) -> Response:
        """Say whether the process should be kept."""
        return _page({"live": self._health.is_live}, self._health.is_live)

    async def started(self, request: Request) -> Response:
        """Say whether the start is finished."""
        return _page({"started": self._health.is_started}, self._health.is_started)

    async def ready(self, request: Request) -> Response:
        """Say whether traffic may come."""
        report = await self._health.report()
        return _page({"ready": report.is_ready, "degraded": report.is_degraded}, report.is_ready)

    async def health_report(self, request: Request) -> Response:
        """Say how every part is, to members."""
        if await self._authenticator.session(bearer(request.headers)) is None:
            return PlainTextResponse(
                "Send an API token as 'Authorization: Bearer TOKEN'.",
                status_code=401,
                headers={"www-authenticate": "Bearer"},
            )
        report = await self._health.report()
        body = asdict(report)
        body["started_at"] = report.started_at.isoformat()
        return _page(body, report.is_ready)

    async def metrics_page(self, request: Request) -> Response:
        """Give the metrics to this machine, or to whoever has a token."""
        peer = request.client.host if request.client else ""
        is_known = self._settings.metrics_public or is_loopback(peer)
        if not is_known and await self._authenticator.session(bearer(request.headers)) is None:
            return PlainTextResponse("Metrics are for this machine.", status_code=403)
        self._metrics.loop_lag.set(self._health.lag_s)
        page = await self._metrics.page(self._house.store, self._house.clock)
        return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")


def our_version() -> str:
    """Give the version of this program."""
    try:
        return version("breakwater")
    except PackageNotFoundError:
        return "0.1.0"


def named_documents() -> list[tuple[str, str]]:
    """Give our own documents by name; none where they are not installed."""
    return [(one.stem, one.read_text(encoding="utf-8")) for one in sorted(OPERATIONS.glob("*.graphql"))]


def _cors(settings: Settings) -> list[Middleware]:
    if not settings.origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["POST"],
            allow_headers=["authorization", "content-type"],
            max_age=600,
        )
    ]


def _page(body: dict[str, object], is_good: bool) -> Response:
    return JSONResponse(body, status_code=200 if is_good else 503)

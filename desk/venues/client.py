"""A ccxt client as we use it: one exchange, our session, our clock, our budget, every answer checked for its shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import structlog

from desk.clock import Clock, to_ms
from desk.settings import VenueSettings
from desk.venues.budget import shared_budget
from desk.venues.ccxt_loader import errors, exchange_class
from desk.venues.quirks import Quirks
from desk.venues.wire import Wire, current_attempt
from trading.errors import BadSetting

log = structlog.get_logger(__name__)

#: A call that has no answer after this long is given up.
TIMEOUT_S = 10.0


@dataclass(slots=True)
class VenueClock:
    """The venue's time: an offset to our monotonic clock, so that a jump of the wall clock changes nothing.

    Attributes:
        last_nonce: nonces only grow; some venues refuse one that does not.
    """

    clock: Clock
    offset_ms: int = 0
    anchor_ms: int = field(init=False)
    anchor_s: float = field(init=False)
    last_nonce: int = 0

    def __post_init__(self) -> None:
        self.anchor_ms, self.anchor_s = to_ms(self.clock.now()), self.clock.monotonic()

    def set(self, offset_ms: int) -> None:
        """Take a measured offset; the wall clock is read again here and only here."""
        self.offset_ms = offset_ms
        self.anchor_ms, self.anchor_s = to_ms(self.clock.now()), self.clock.monotonic()

    def now_ms(self) -> int:
        """Give the venue's time."""
        return self.anchor_ms + round((self.clock.monotonic() - self.anchor_s) * 1000) + self.offset_ms

    def growing_nonce(self) -> int:
        """Give the venue's time, later than any before."""
        self.last_nonce = max(self.last_nonce + 1, self.now_ms())
        return self.last_nonce


def _deaf(*told: Any) -> None:
    """Hear nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """Who is told of a websocket: that it is up, every raw message before ccxt reads it, and those that broke it."""

    connected: Callable[[], None] = _deaf
    message: Callable[[Any], None] = _deaf
    unreadable: Callable[[str], None] = _deaf


@dataclass(slots=True)
class Link:
    """A ccxt client with what it stands on.

    Attributes:
        unreadable: messages that broke the library or the contract, counted.
    """

    quirks: Quirks
    address: VenueSettings
    clock: Clock
    wire: Wire
    time: VenueClock
    client: Any = None
    unreadable: int = 0

    def fresh_client(self, ears: Ears) -> Any:
        """Give one more client on the same session, for a websocket of its own; it shares the known markets."""
        client = _make(self, ears)
        if self.client is not None and self.client.markets:
            client.set_markets_from_exchange(self.client)
        return client

    async def close(self) -> None:
        """Close client and session."""
        if self.client is not None:
            await close_client(self.client)
        await self.wire.close()


def open_link(quirks: Quirks, address: VenueSettings, clock: Clock) -> Link:
    """Give a link to a venue; nothing is sent yet.

    Raises:
        BadSetting: a test environment was asked for where there is none.
        OperatorProblem: ccxt lacks the exchange.
    """
    if address.sandbox and not quirks.sandbox_hosts and not address.base_url:
        raise BadSetting(
            f"{quirks.exchange_id} has no test environment.",
            hint="Use paper trading, or `breakwater sim-exchange`.",
        )
    hosts = quirks.sandbox_hosts if address.sandbox else quirks.hosts
    own = {
        urlsplit(one).hostname or "" for one in (address.base_url, address.ws_url, address.ws_api_url) if one
    }
    if address.sandbox and (real := sorted(own & quirks.hosts)):
        # An address of one's own is taken as it is, without what tells a venue that its test environment is meant.
        raise BadSetting(
            f"The test environment of {quirks.exchange_id} was asked for at {', '.join(real)}, where the money is real.",
            hint=f"Leave BREAKWATER_{quirks.exchange_id.upper()}_BASE_URL and its _WS_URL out: the test environment has its own.",
        )
    budget = shared_budget(
        quirks.exchange_id,
        address.base_url or ("sandbox" if address.sandbox else "live"),
        clock=clock,
        per_s=quirks.per_s,
        burst=quirks.burst,
    )
    wire = Wire(hosts=frozenset(hosts | own), budget=budget)
    link = Link(quirks=quirks, address=address, clock=clock, wire=wire, time=VenueClock(clock))
    link.client = _make(link, Ears())
    return link


async def close_client(client: Any) -> None:
    """Close a client's sockets; the session stays with its wire."""
    client.timeout_on_exit = 0
    await client.close()


def _make(link: Link, ears: Ears) -> Any:
    base = exchange_class(link.quirks.exchange_id)
    kinds = errors()

    class Guarded(base):  # type: ignore[misc, valid-type]
        """The exchange with its answers checked."""

        def nonce(self) -> int:
            return link.time.growing_nonce() if link.quirks.has_growing_nonce else link.time.now_ms()

        async def throttle(self, cost: Any = None) -> None:
            await link.wire.budget.take(float(cost or 1), current_attempt().urgency)

        def handle_errors(
            self,
            code: Any,
            reason: Any,
            url: Any,
            method: Any,
            headers: Any,
            body: Any,
            response: Any,
            *rest: Any,
        ) -> Any:
            watched = current_attempt()
            if response is None and (code is None or int(code) < 400):
                # ccxt would go on with nothing, and an account would look empty.
                raise kinds.BadResponse(f"{self.id} answered {code} with no JSON: {str(body)[:80]}")
            if not watched.is_json and watched.status is not None and watched.status < 400:
                raise kinds.BadResponse(f"{self.id} answered with a page: {str(body)[:80]}")
            return super().handle_errors(code, reason, url, method, headers, body, response, *rest)

        def on_connected(self, client: Any, message: Any = None) -> None:
            super().on_connected(client, message)
            ears.connected()

        def client(self, url: str) -> Any:
            found = super().client(url)
            if "handle_message" not in vars(found):
                # An error while a message is read would end ccxt's reading of the socket without a word.
                found.handle_message = _surviving(found.handle_message, link, ears)
            return found

        def handle_message(self, client: Any, message: Any) -> None:
            ears.message(message)
            super().handle_message(client, message)

    client = Guarded(_config(link))
    # Lists of currencies tell nothing that is used here, and some venues only give them to keys with more rights.
    client.has = {**client.has, "fetchCurrencies": False}
    _set_addresses(client, link.address)
    return client


def _surviving(handle: Callable[[Any], None], link: Link, ears: Ears) -> Callable[[Any], None]:
    def survive(message: Any) -> None:
        try:
            handle(message)
        except Exception as broken:  # noqa: BLE001 - whatever a strange message makes of library code
            link.unreadable += 1
            log.warning("message_unreadable", venue=link.quirks.exchange_id, problem=type(broken).__name__)
            ears.unreadable(f"{type(broken).__name__} in a message")

    return survive


def _config(link: Link) -> dict[str, Any]:
    address = link.address
    return {
        "apiKey": address.api_key.reveal(),
        "secret": address.api_secret.reveal(),
        "password": address.api_passphrase.reveal(),
        "session": link.wire,
        # Numbers stay the text that the venue sent: nothing is rounded on the way to Decimal.
        "number": str,
        "timeout": round(TIMEOUT_S * 1000),
        "enableRateLimit": True,
        "options": {**link.quirks.options, "maxRetriesOnFailure": 0},
        "streaming": {"keepAlive": 5_000, "maxPingPongMisses": 2},
        "newUpdates": True,
    }


def _set_addresses(client: Any, address: VenueSettings) -> None:
    """Put other addresses in the place of the venue's own, everywhere in ccxt's tree of them."""
    if address.sandbox and not address.base_url:
        client.set_sandbox_mode(True)
    api = client.urls["api"]
    streams = dict(api["ws"]) if isinstance(api, Mapping) and isinstance(api.get("ws"), Mapping) else {}
    if address.base_url and isinstance(api, Mapping):
        client.urls["api"] = {
            name: _moved(value, address.base_url) for name, value in api.items() if name != "ws"
        }
        client.urls["api"]["ws"] = streams
    if address.ws_url:
        for name, value in streams.items():
            if isinstance(value, str):
                streams[name] = address.ws_url
    if address.ws_api_url and isinstance(streams.get("ws-api"), Mapping):
        streams["ws-api"] = dict.fromkeys(streams["ws-api"], address.ws_api_url)


def _moved(value: Any, base_url: str) -> Any:
    """Give an address, or a tree of them, at another host; the path stays."""
    if isinstance(value, Mapping):
        return {name: _moved(one, base_url) for name, one in value.items()}
    if not isinstance(value, str):
        return value
    return base_url.rstrip("/") + urlsplit(value).path

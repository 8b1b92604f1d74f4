"""What each exchange is sent for our orders: the id where it belongs, the stop in its shape, to its own hosts only."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from yarl import URL

from desk.clock import SystemClock
from desk.execution.client_ids import client_order_id
from desk.secrets import Secret
from desk.settings import VenueSettings
from desk.venue_port import OrderRequest, OutcomeUnknown
from desk.venues.ccxt_venue import CcxtVenue
from desk.venues.client import open_link
from desk.venues.quirks import QUIRKS, quirks_of
from desk.venues.wire_ids import from_uuid, to_uuid
from trading.errors import BadSetting

PAIR = "BTC/USD"
OUR_ID = client_order_id("account-1", number=7)


def fresh_pem() -> str:
    """A private key that nobody uses: Coinbase signs with one."""
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


class Recording:
    """A session that answers nothing useful and remembers what it was asked."""

    closed = False

    def __init__(self) -> None:
        self.asked: list[tuple[str, URL, str]] = []

    @asynccontextmanager
    async def request(self, method: str, url: URL, **options: Any) -> AsyncIterator[Any]:
        options["trace_request_ctx"].is_out = True
        body = options.get("data") or b""
        self.asked.append((method, url, body.decode() if isinstance(body, bytes) else str(body)))
        yield self

    status, reason = 200, "OK"

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": "text/html"}

    @property
    def content(self) -> Recording:
        return self

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        yield b"<html>"

    async def close(self) -> None:
        """Nothing is open."""


def market(venue: str) -> dict[str, Any]:
    names = {"kraken": "XXBTZUSD", "okx": "BTC-USD", "coinbase": "BTC-USD", "cryptocom": "BTC_USD"}
    return {
        "id": names.get(venue, "BTCUSD"),
        "symbol": PAIR,
        "base": "BTC",
        "quote": "USD",
        "baseId": "BTC",
        "quoteId": "USD",
        "type": "spot",
        "spot": True,
        "active": True,
        "margin": False,
        "swap": False,
        "future": False,
        "option": False,
        "contract": False,
        "precision": {"price": "0.01", "amount": "0.0001"},
        "limits": {"amount": {"min": "0.0001", "max": None}, "cost": {"min": "1", "max": None}},
        "info": {"altname": "XBTUSD", "orderTypes": ["LIMIT", "MARKET", "STOP_LOSS"]},
    }


async def sent(
    venue: str, order_type: str, price: str | None, stop: str | None = None
) -> tuple[str, URL, str]:
    """Place an order at a venue that answers with a page, and give what left."""
    secret = {"coinbase": fresh_pem(), "kraken": "c2VjcmV0LXNlY3JldC1zZWNyZXQ="}.get(
        venue, "a-secret-of-the-account"
    )
    address = VenueSettings(
        api_key=Secret("a-key"), api_secret=Secret(secret), api_passphrase=Secret("phrase")
    )
    link = open_link(quirks_of(venue), address, SystemClock())
    session = Recording()
    link.wire._session = session  # type: ignore[assignment]
    link.client.set_markets([market(venue)])
    request = OrderRequest(
        client_order_id=OUR_ID,
        pair=PAIR,
        side="sell",
        order_type=order_type,
        quantity=Decimal("0.01"),
        price=Decimal(price) if price else None,
        stop_price=Decimal(stop) if stop else None,
    )
    opened = CcxtVenue(link)
    try:
        with pytest.raises(OutcomeUnknown):
            await opened.place(request)
    finally:
        await opened.close()
    assert len(session.asked) == 1
    return session.asked[0]


@pytest.mark.parametrize("venue", QUIRKS)
async def test_a_limit_order_carries_our_id_price_and_quantity_to_the_venues_own_host(venue: str) -> None:
    method, url, body = await sent(venue, "limit", "50000")

    text = body or str(url)
    assert method == "POST"
    assert url.host in QUIRKS[venue].hosts
    assert QUIRKS[venue].to_wire(OUR_ID) in text
    assert re.search(r"\b50000\b", text)
    assert re.search(r"\b0\.01\b", text)
    assert not re.search(r"\d[eE][+-]?\d", re.sub(r"[A-Za-z0-9_-]{20,}", "", text))


@pytest.mark.parametrize("venue", QUIRKS)
async def test_a_protective_stop_carries_its_trigger(venue: str) -> None:
    _, url, body = await sent(venue, "stop", None, "45000")

    text = body or str(url)
    words = {
        "binance": r"STOP_LOSS",
        "kraken": r"stop-loss",
        "okx": r"slTriggerPx",
        "coinbase": r"stop_limit",
        "cryptocom": r"STOP_LOSS",
    }
    assert re.search(words[venue], text)
    assert re.search(r"\b45000\b", text)
    assert QUIRKS[venue].to_wire(OUR_ID) in text
    if QUIRKS[venue].stop_slack:
        assert re.search(r"\b42750\b", text)


def test_ids_of_ours_become_a_uuid_and_come_back() -> None:
    for number in range(200):
        ours = client_order_id(f"account-{number}", number=number * 977, restore_epoch=number % 7)

        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", to_uuid(ours))
        assert from_uuid(to_uuid(ours)) == ours


@pytest.mark.parametrize(
    "text", ["", "x", "6d1b345e-2821-40e2-ad83-4ecb18a06876", "bwNOTOURSNOTOURSNOTOURS12"]
)
def test_an_id_of_somebody_else_stays_as_it_is(text: str) -> None:
    assert from_uuid(text) == text


def test_every_id_fits_its_venue() -> None:
    for quirks in QUIRKS.values():
        assert len(quirks.to_wire(OUR_ID)) <= quirks.rules.client_id_chars


def test_a_test_environment_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadSetting, match="no test environment"):
        open_link(QUIRKS["kraken"], VenueSettings(sandbox=True), SystemClock())


@pytest.mark.parametrize("venue", ["binance", "okx", "kraken"])
def test_a_test_environment_at_the_address_of_the_real_one_is_refused(venue: str) -> None:
    host = sorted(QUIRKS[venue].hosts)[0]

    with pytest.raises(BadSetting, match="where the money is real"):
        open_link(QUIRKS[venue], VenueSettings(sandbox=True, base_url=f"https://{host}/"), SystemClock())


def test_an_unknown_venue_is_named_with_the_nearest() -> None:
    with pytest.raises(BadSetting, match="Did you mean 'binance'"):
        quirks_of("binanse")

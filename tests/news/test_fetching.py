"""Fetching: within its bounds, and never sent by strangers to where they could not go themselves."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from workers.news.fetching import Unfetchable, fetch, is_public


@asynccontextmanager
async def site(**pages: web.Response) -> AsyncIterator[str]:
    """Serve pages by name on loopback."""

    async def answer(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name == "slow":
            await asyncio.sleep(30)
        # An answer can be sent once only.
        page = pages[name]
        kept = {
            key: value
            for key, value in page.headers.items()
            if key.lower() in {"location", "content-encoding"}
        }
        return web.Response(status=page.status, headers=kept, body=page.body)

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    tcp = web.TCPSite(runner, "127.0.0.1", 0)
    await tcp.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def redirect(location: str) -> web.Response:
    return web.Response(status=302, headers={"location": location})


async def test_a_page_is_given_also_after_a_move_on_the_same_site() -> None:
    async with site(feed=web.Response(body=b"<rss/>"), old=redirect("/feed")) as base:
        assert await fetch(f"{base}/feed") == b"<rss/>"
        assert await fetch(f"{base}/old") == b"<rss/>"


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:1/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://172.16.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https://user:secret@93.184.216.34/",
        "http://93.184.216.34/",
        "ftp://93.184.216.34/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "",
    ],
)
async def test_a_redirect_to_a_private_place_is_refused(location: str) -> None:
    async with site(feed=redirect(location)) as base:
        with pytest.raises(Unfetchable):
            await fetch(f"{base}/feed", time_limit_s=5)


async def test_a_loop_of_redirects_ends() -> None:
    async with site(a=redirect("/b"), b=redirect("/a")) as base:
        with pytest.raises(Unfetchable, match="more than 3 redirects"):
            await fetch(f"{base}/a")


async def test_too_much_too_slow_packed_or_refused_is_told() -> None:
    packed = web.Response(body=gzip.compress(b"x" * 1_000_000), headers={"content-encoding": "gzip"})
    async with site(
        large=web.Response(body=b"x" * 5_000),
        packed=packed,
        gone=web.Response(status=410),
        slow=web.Response(),
    ) as base:
        with pytest.raises(Unfetchable, match="more than 1000 bytes"):
            await fetch(f"{base}/large", most_bytes=1_000)
        with pytest.raises(Unfetchable, match="packed"):
            await fetch(f"{base}/packed")
        with pytest.raises(Unfetchable, match="status 410"):
            await fetch(f"{base}/gone")
        with pytest.raises(Unfetchable):
            await fetch(f"{base}/slow", time_limit_s=0.2)
    with pytest.raises(Unfetchable):
        await fetch(f"{base}/large", time_limit_s=2)


@pytest.mark.parametrize(
    ("address", "is_open"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("255.255.255.255", False),
        ("::", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("2002:7f00:1::", False),
        ("::ffff:169.254.169.254", False),
    ],
)
def test_addresses_of_the_open_internet_are_told_from_others(address: str, is_open: bool) -> None:
    assert is_public(address) is is_open

"""The short way says what the long way says; what is not plain goes the long way."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from desk.identity import Role
from server.short_way import ShortWay
from tests.api.conftest import Scene

#: Requests: headers besides host and token, and the body.
REQUESTS: dict[str, tuple[dict[str, str], bytes]] = {
    "a query": ({}, b'{"query":"{ bots { edges { node { name } } } }"}'),
    "the newer media type": (
        {"accept": "application/graphql-response+json"},
        b'{"query":"{ nothing }"}',
    ),
    "another content type": ({"content-type": "text/plain"}, b"{}"),
    "no JSON": ({}, b"{"),
    "an empty body": ({}, b""),
    "no token of ours": ({"authorization": "Bearer bwk_nobody"}, b'{"query":"{ viewer { name } }"}'),
    "another host": ({"host": "evil.example"}, b'{"query":"{ __typename }"}'),
    "a page of somebody else": ({"origin": "https://evil.example"}, b'{"query":"{ __typename }"}'),
    "too large": ({}, b" " * (64 * 1024 + 1)),
}


def _told(answer: httpx.Response) -> tuple[int, dict[str, str], Any]:
    try:
        body = answer.json()
        body.pop("extensions", None)
    except ValueError:
        body = answer.text
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return answer.status_code, headers, body


@pytest.mark.parametrize("name", REQUESTS)
async def test_both_ways_give_the_same_answer(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    given, body = REQUESTS[name]
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {scene.home.tokens[Role.VIEWER]}",
        **given,
    }
    url = f"{scene.web.url}/graphql"

    short = await scene.web.client.post(url, headers=headers, content=body)
    with monkeypatch.context() as patched:
        patched.setattr(ShortWay, "_plain_post", lambda *_: None)
        long = await scene.web.client.post(url, headers=headers, content=body)

    assert _told(short) == _told(long)


@pytest.mark.parametrize(
    ("changed", "is_short"),
    [
        ({}, True),
        ({"method": "GET"}, False),
        ({"path": "/livez"}, False),
        ({"type": "websocket"}, False),
        ({"headers": [(b"host", b"localhost"), (b"content-length", b"2"), (b"origin", b"null")]}, False),
        ({"headers": [(b"host", b"localhost"), (b"content-length", b"65537")]}, False),
        ({"headers": [(b"host", b"localhost"), (b"content-length", b"-1")]}, False),
        ({"headers": [(b"host", b"localhost"), (b"transfer-encoding", b"chunked")]}, False),
        ({"headers": [(b"host", b"localhost"), (b"content-length", b"2"), (b"host", b"x")]}, False),
        ({"headers": [(b"host", b"other.example"), (b"content-length", b"2")]}, False),
        ({"headers": [(b"content-length", b"2")]}, False),
    ],
)
def test_only_a_plain_post_goes_the_short_way(scene: Scene, changed: dict[str, Any], is_short: bool) -> None:
    async def app(*_: object) -> None: ...

    way = ShortWay(app, door=scene.web.app.state.door, hosts=(), monotonic=float, observe=lambda *_: None)
    scope = {
        "type": "http",
        "path": "/graphql",
        "method": "POST",
        "headers": [(b"host", b"localhost:8000"), (b"content-length", b"2")],
        **changed,
    }

    assert (way._plain_post(scope) is not None) is is_short

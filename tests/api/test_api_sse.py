"""Streams as server-sent events: the same facts, for clients that cannot open a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from api import sse
from api.errors import ApiError
from api.gate import STREAMS_PER_PERSON, Gate
from api.ids import journal_cursor
from desk.clock import ManualClock
from desk.identity import Role
from server import auth
from tests.api.conftest import Scene
from tests.api.test_api_streams import AT, EVENTS
from tests.support.records import NOON
from trading.events import PairUnlocked


class Stream:
    """An open event stream, read frame by frame."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def frame(self) -> tuple[str, Any]:
        """Give the next frame that is no heartbeat."""
        kind = ""
        async with asyncio.timeout(10):
            async for line in self._lines:
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data:"):
                    text = line.removeprefix("data:").strip()
                    return kind, orjson.loads(text) if text else None
        return "", None


@asynccontextmanager
async def streaming(scene: Scene, text: str, token: str, **variables: Any) -> AsyncIterator[Stream]:
    """Open a stream."""
    async with scene.web.client.stream(
        "POST",
        f"{scene.web.url}/graphql",
        json={"query": text, "variables": variables},
        headers={"authorization": f"Bearer {token}", "accept": "text/event-stream"},
    ) as answer:
        yield Stream(answer)


def _unlocked(scene: Scene, pair: str) -> PairUnlocked:
    return PairUnlocked(workspace_id=scene.home.workspace.id, occurred_at=AT, pair=pair, reason="test")


async def test_a_stream_resumes_and_goes_on_with_live_facts(scene: Scene) -> None:
    home = scene.home.workspace.id
    await scene.house.write(home, _unlocked(scene, "OLD/USDT"), _unlocked(scene, "SEEN/USDT"))
    async with streaming(scene, EVENTS, scene.home.tokens[Role.VIEWER], after=journal_cursor(1)) as stream:
        first, second = await stream.frame(), await stream.frame()
        await scene.house.write(home, _unlocked(scene, "NEW/USDT"))
        third = await stream.frame()

    assert stream.answer.headers["content-type"].startswith("text/event-stream")
    assert [one[0] for one in (first, second, third)] == ["next"] * 3
    assert [one[1]["data"]["events"]["sequence"] for one in (first, second, third)] == [1, 2, 3]


async def test_a_query_gives_one_result_and_completes(scene: Scene) -> None:
    async with streaming(scene, "{ viewer { role } }", scene.home.tokens[Role.VIEWER]) as stream:
        found, end = await stream.frame(), await stream.frame()

    assert found[1]["data"]["viewer"]["role"] == "VIEWER"
    assert end == ("complete", None)


async def test_without_a_token_a_stream_tells_why_and_completes(scene: Scene) -> None:
    async with streaming(scene, EVENTS, "bwk_nobody") as stream:
        found, end = await stream.frame(), await stream.frame()

    assert found[1]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert end == ("complete", None)


async def test_a_stream_ends_with_its_token(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "RECHECK_S", 0.02)
    monkeypatch.setattr(auth, "CACHE_S", 0.0)
    async with streaming(scene, EVENTS, scene.home.tokens[Role.VIEWER]) as stream:
        await stream.frame()
        async with scene.house.store.transaction() as unit:
            await unit.members.revoke_token(
                scene.home.workspace.id, scene.home.token_ids[Role.VIEWER], scene.house.clock.now()
            )
        found, end = await stream.frame(), await stream.frame()

    assert found[1]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert end == ("complete", None)


def test_one_person_has_so_many_streams_and_each_end_frees_a_place() -> None:
    gate = Gate(ManualClock(NOON))
    for _ in range(STREAMS_PER_PERSON):
        gate.open_stream("alice")

    with pytest.raises(ApiError, match="Too many event streams"):
        gate.open_stream("alice")
    gate.open_stream("bob")
    gate.close_stream("alice")
    gate.open_stream("alice")

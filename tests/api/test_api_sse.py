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
        #: Id of the last frame.
        self.place = ""

    async def frame(self) -> tuple[str, Any]:
        """Give the next frame that is no heartbeat."""
        kind, self.place = "", ""
        async with asyncio.timeout(10):
            async for line in self._lines:
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("id: "):
                    self.place = line.removeprefix("id: ")
                elif line.startswith("data:"):
                    text = line.removeprefix("data:").strip()
                    return kind, orjson.loads(text) if text else None
        return "", None


@asynccontextmanager
async def streaming(
    scene: Scene, text: str, token: str, last_seen: str = "", **variables: Any
) -> AsyncIterator[Stream]:
    """Open a stream, or come back to one."""
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    if last_seen:
        headers["last-event-id"] = last_seen
    async with scene.web.client.stream(
        "POST",
        f"{scene.web.url}/graphql",
        json={"query": text, "variables": variables},
        headers=headers,
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


async def test_a_client_that_comes_back_with_the_last_id_misses_nothing_and_sees_nothing_twice(
    scene: Scene,
) -> None:
    # No cursor is selected and no `after` is given: the ids of the frames are enough, as for an EventSource.
    text, token = "subscription { events { sequence } }", scene.home.tokens[Role.VIEWER]
    home, seen, last = scene.home.workspace.id, [], ""
    await scene.house.write(home, _unlocked(scene, "BEFORE/USDT"))
    for turn in range(4):
        async with streaming(scene, text, token, last_seen=last) as stream:
            first = await stream.frame()
            seen.append(first[1]["data"]["events"]["sequence"])
            await scene.house.write(home, *(_unlocked(scene, f"P{turn}{n}/USDT") for n in range(3)))
            seen += [(await stream.frame())[1]["data"]["events"]["sequence"] for _ in range(2)]
            last = stream.place

    # The first frame of each turn is SUBSCRIBED: it repeats the place from which the stream goes on.
    assert [seen[n] for n in range(0, 12, 3)] == [1, 3, 5, 7]
    assert [one for n, one in enumerate(seen) if n % 3] == [2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("last", ["x", "am91cm5hbDo5OTk5"])
async def test_a_last_id_that_never_was_ours_is_refused_in_words(scene: Scene, last: str) -> None:
    token = scene.home.tokens[Role.VIEWER]

    async with streaming(scene, EVENTS, token, last_seen=last) as stream:
        found = await stream.frame()

    assert found[1]["errors"][0]["extensions"]["code"] in {"VALIDATION_FAILED", "CURSOR_EXPIRED"}


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

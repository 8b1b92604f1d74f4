"""Known documents by their hash, new ones in bounds, over HTTP and on sockets."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from api.errors import ApiError, ErrorCode
from api.gate import DOCUMENT_SIZE, Gate
from desk.clock import ManualClock
from desk.identity import Role
from desk.settings import Settings
from desk.store import SqlStore
from tests.api.conftest import Scene
from tests.api.test_api_streams import opened
from tests.support.api_house import StoreHouse, people, serving
from tests.support.records import NOON

OWN = (Path(__file__).resolve().parents[2] / "graphql" / "operations" / "Viewer.graphql").read_text("utf-8")
OWN_HASH = sha256(OWN.encode()).hexdigest()


@pytest.mark.parametrize(
    "named",
    [
        {"documentId": f"sha256:{OWN_HASH}"},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": OWN_HASH}}},
        {"query": OWN, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": OWN_HASH.upper()}}},
    ],
)
async def test_one_of_our_documents_is_asked_for_by_its_hash(scene: Scene, named: dict[str, object]) -> None:
    answer = await scene.web.client.post(
        f"{scene.web.url}/graphql",
        json=named,
        headers={"authorization": f"Bearer {scene.home.tokens[Role.VIEWER]}"},
    )

    assert answer.json()["data"]["viewer"]["role"] == "VIEWER"


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ({"documentId": "sha256:" + "0" * 64}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"extensions": {"persistedQuery": {"sha256Hash": "0" * 64}}}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"query": "{ viewer { name } }", "documentId": f"sha256:{OWN_HASH}"}, "VALIDATION_FAILED"),
        ({"documentId": OWN_HASH}, "VALIDATION_FAILED"),
        ({"documentId": 7}, "VALIDATION_FAILED"),
        ({"extensions": {"persistedQuery": {"version": 1}}}, "VALIDATION_FAILED"),
    ],
)
async def test_a_hash_that_is_none_of_ours_or_not_the_text_s_is_refused(
    scene: Scene, named: dict[str, object], code: str
) -> None:
    answer = await scene.web.client.post(
        f"{scene.web.url}/graphql",
        json=named,
        headers={"authorization": f"Bearer {scene.home.tokens[Role.VIEWER]}"},
    )

    assert answer.json()["errors"][0]["extensions"]["code"] == code


async def test_a_hash_is_enough_on_a_socket_too(scene: Scene) -> None:
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.send(id="1", type="subscribe", payload={"documentId": f"sha256:{OWN_HASH}"})
        found = await socket.receive()
        await socket.receive()
        await socket.send(id="2", type="subscribe", payload={"documentId": "sha256:0"})
        refused = await socket.receive()

    assert found["payload"]["data"]["viewer"]["role"] == "VIEWER"
    assert refused["payload"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_server_may_answer_known_documents_only(sqlite_store: SqlStore) -> None:
    house = StoreHouse(sqlite_store)
    home = await people(house)
    settings = replace(Settings(), api_documents="known")
    async with serving(house, settings) as web:
        own = (await web.ask(OWN, token=home.tokens[Role.VIEWER])).json()
        nobody = (await web.ask("{ viewer { name } }")).json()
    gate = Gate(ManualClock(NOON), only_known=True)

    assert own["data"]["viewer"]["role"] == "VIEWER"
    assert nobody["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
    with pytest.raises(ApiError, match="own documents only"):
        gate.new_document("bob", Role.VIEWER, is_allowed=False)
    gate.new_document("alice", Role.VIEWER, is_allowed=True)


async def test_new_documents_are_counted_and_known_ones_are_free(sqlite_store: SqlStore) -> None:
    house = StoreHouse(sqlite_store)
    home = await people(house)
    token = home.tokens[Role.VIEWER]
    settings = replace(Settings(), api_new_documents_per_s=0.1)
    async with serving(house, settings) as web:
        first = (await web.ask("{ viewer { name } }", token=token)).json()
        again = [(await web.ask("{ viewer { name } }", token=token)).json() for _ in range(5)]
        codes = []
        for number in range(4):
            answer = (await web.ask(f"{{ viewer {{ a{number}: name }} }}", token=token)).json()
            codes += [one["extensions"]["code"] for one in answer.get("errors", ())]
        own = (await web.ask(OWN, token=token)).json()

    assert "errors" not in first
    assert [one for one in again if "errors" in one] == []
    assert codes == ["RATE_LIMITED"] * 3
    assert "errors" not in own


def test_a_document_that_is_long_counts_for_several() -> None:
    gate = Gate(ManualClock(NOON), new_documents_per_s=1.0)
    # Twenty are saved up: two as long as ten each.
    for _ in range(2):
        gate.new_document("mallory", Role.VIEWER, is_allowed=True, size=10 * DOCUMENT_SIZE)

    with pytest.raises(ApiError) as refused:
        gate.new_document("mallory", Role.VIEWER, is_allowed=True)
    gate.new_document("alice", Role.VIEWER, is_allowed=True)

    assert refused.value.code is ErrorCode.RATE_LIMITED

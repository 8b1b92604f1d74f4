"""The role matrix, generated from the schema: every field × role × own and foreign workspace × HTTP and websocket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from graphql import parse, validate

from api.ids import global_id
from api.limits import check_structure
from api.mutation import MUTATIONS
from api.permissions import OPEN, READS
from api.schema import SCHEMA
from desk.identity import Role, new_id
from desk.settings import Settings
from desk.store import SqlStore
from desk.views import Filter, Page
from tests.api.test_api_streams import opened
from tests.support.api_house import ROLES, People, Running, StoreHouse, furnish, people, serving
from tests.support.documents import Covered, fields_of_schema, pieces_of

_SCHEMA = SCHEMA._schema
assert _SCHEMA.query_type is not None
assert _SCHEMA.mutation_type is not None
assert _SCHEMA.subscription_type is not None
QUERIES = sorted(_SCHEMA.query_type.fields)
COMMANDS = sorted(MUTATIONS)
STREAMS = sorted(_SCHEMA.subscription_type.fields)

#: Answers that say "not you".
_DENIED = {"UNAUTHENTICATED", "FORBIDDEN"}


def documents(root: str, names: list[str], ids: Mapping[str, str], covered: Covered) -> dict[str, str]:
    """Give a document of each root field."""
    return {name: pieces_of(root, name, ids, covered) for name in names}


def codes(answer: Mapping[str, Any]) -> set[str]:
    """Give the codes of an answer's errors."""
    return {one["extensions"]["code"] for one in answer.get("errors") or ()}


def user_codes(answer: Mapping[str, Any]) -> set[str]:
    """Give the codes of the user errors in a payload."""
    payloads = [one for one in (answer.get("data") or {}).values() if isinstance(one, dict)]
    return {error["code"] for one in payloads for error in one.get("userErrors") or ()}


@dataclass(frozen=True, slots=True)
class Stage:
    """Two furnished workspaces behind one server."""

    house: StoreHouse
    home: People
    away: People
    web: Running
    own: Mapping[str, str]
    foreign: Mapping[str, str]
    nobodys: Mapping[str, str]

    async def over_http(self, text: str, token: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = (await self.web.ask(text, token=token)).json()
        return found

    async def over_socket(self, texts: Mapping[str, str], token: str) -> dict[str, Mapping[str, Any]]:
        """Send documents one after the other over one socket."""
        answers: dict[str, Mapping[str, Any]] = {}
        async with opened(self, token) as socket:  # type: ignore[arg-type]
            for name, text in texts.items():
                await socket.subscribe(text, name=name)
                while True:
                    message = await socket.receive()
                    if message.get("id") == name and message["type"] in {"next", "error"}:
                        given = message["payload"]
                        answers[name] = {"errors": given} if message["type"] == "error" else given
                        if message["type"] == "error":
                            break
                    elif message.get("id") == name and message["type"] == "complete":
                        break
        return answers

    def leaks(self, answer: Mapping[str, Any]) -> list[str]:
        """Give what an answer shows of the other workspace."""
        text = json.dumps(answer)
        secrets = [*self.foreign.values(), *self.away.tokens.values(), "away.example", "away-paper"]
        return [one for one in secrets if one in text]


async def ids_of(house: StoreHouse, crowd: People) -> dict[str, str]:
    """Give an id of everything that a workspace holds."""
    own, page = crowd.workspace.id, Page(first=1)
    async with house.store.reading() as unit:
        found: dict[str, Any] = {
            "Bot": (await unit.bots.all(own))[0],
            "Account": crowd.account,
            "Order": (await unit.orders.page(own, Filter(), page))[0],
            "Position": (await unit.positions.page(own, Filter(), page))[0],
            "Trade": (await unit.positions.trades(own, Filter(), page))[0],
            "Signal": (await unit.signals.page(own, Filter(), page))[0],
            "Alert": (await unit.alerts.page(own, Filter(), page))[0],
        }
    ids = {kind: global_id(kind, one.id) for kind, one in found.items()}
    ids["Member"] = global_id("Member", crowd.members[Role.VIEWER].user_id)
    ids["ApiToken"] = global_id("ApiToken", crowd.token_ids[Role.VIEWER])
    return ids


@pytest.fixture
async def stage(sqlite_store: SqlStore) -> AsyncIterator[Stage]:
    """Two workspaces, and a server that does not count requests."""
    house = StoreHouse(sqlite_store)
    home, away = await people(house, "home"), await people(house, "away")
    await furnish(house, home)
    await furnish(house, away)
    own, foreign = await ids_of(house, home), await ids_of(house, away)
    nobodys = {kind: global_id(kind, new_id()) for kind in own}
    settings = replace(
        Settings(), api_requests_per_s=1_000_000.0, api_points_per_s=10_000_000.0, api_in_flight=1000
    )
    async with serving(house, settings) as web:
        yield Stage(house, home, away, web, own, foreign, nobodys)


def test_the_documents_are_valid_and_hold_every_field_of_the_schema() -> None:
    covered: Covered = set()
    made = {
        **documents("query", QUERIES, {}, covered),
        **documents("mutation", sorted({*COMMANDS, *OPEN}), {}, covered),
        **documents("subscription", STREAMS, {}, covered),
    }

    for name, text in made.items():
        tree = parse(text)
        assert validate(_SCHEMA, tree) == [], name
        check_structure(tree)
    facts = {one.name for one in _SCHEMA.get_possible_types(_SCHEMA.type_map["Event"])}  # type: ignore[arg-type]
    # What facts say by type is in the payload of every event as well.
    assert {(kind, field) for kind, field in fields_of_schema() - covered if kind not in facts} == set()
    assert set(COMMANDS) | OPEN == set(_SCHEMA.mutation_type.fields)  # type: ignore[union-attr]


async def test_each_query_is_open_from_its_role_upwards_on_both_transports_and_leaks_nothing(
    stage: Stage,
) -> None:
    wrong: list[Any] = []
    made = documents("query", QUERIES, stage.own, set())
    for name, text in made.items():
        if codes(await stage.over_http(text, "")) != {"UNAUTHENTICATED"}:
            wrong.append((name, "stranger"))
    for role in ROLES:
        token = stage.home.tokens[role]
        answers = {
            "http": {name: await stage.over_http(text, token) for name, text in made.items()},
            "socket": await stage.over_socket(made, token),
        }
        for transport, found in answers.items():
            assert set(found) == set(made)
            for name, answer in found.items():
                is_denied = "FORBIDDEN" in codes(answer)
                broken = codes(answer) & {"INTERNAL", "UNAUTHENTICATED", "QUERY_TOO_COMPLEX", "RATE_LIMITED"}
                if is_denied != (role < READS[name]) or broken or stage.leaks(answer):
                    wrong.append((name, role.name, transport, codes(answer), stage.leaks(answer)))

    assert wrong == []


async def test_each_mutation_is_closed_below_its_role_on_both_transports(stage: Stage) -> None:
    wrong: list[Any] = []
    made = documents("mutation", COMMANDS, stage.own, set())
    for name, text in made.items():
        if codes(await stage.over_http(text, "")) != {"UNAUTHENTICATED"}:
            wrong.append((name, "stranger"))
    before = await _journal(stage)
    for role in ROLES:
        denied = {name: made[name] for name in COMMANDS if role < MUTATIONS[name].policy.role}
        token = stage.home.tokens[role]
        answers = [(name, await stage.over_http(text, token)) for name, text in denied.items()]
        answers += list((await stage.over_socket(denied, token)).items())
        wrong += [(name, role.name, answer) for name, answer in answers if codes(answer) != {"FORBIDDEN"}]

    assert wrong == []
    assert await _journal(stage) == before


async def test_foreign_ids_are_answered_as_ids_that_never_were_on_both_transports(stage: Stage) -> None:
    token = stage.home.tokens[Role.OWNER]
    wrong: list[Any] = []
    for root, names in (("query", QUERIES), ("mutation", COMMANDS)):
        theirs = documents(root, names, stage.foreign, set())
        nobodys = documents(root, names, stage.nobodys, set())
        naming = {
            name: text for name, text in theirs.items() if any(one in text for one in stage.foreign.values())
        }
        assert len(naming) > 10
        before = await _journal(stage)
        over_socket = await stage.over_socket(naming, token)
        for name, text in naming.items():
            answer = await stage.over_http(text, token)
            control = await stage.over_http(nobodys[name], token)
            for transport, one in (("http", answer), ("socket", over_socket[name])):
                same = codes(one) == codes(control) and user_codes(one) == user_codes(control)
                echo = [leak for leak in stage.leaks({"data": one.get("data")}) if leak not in _echoed(one)]
                if not same or echo:
                    wrong.append((root, name, transport, codes(one), codes(control), echo))
        assert await _journal(stage) == before

    assert wrong == []


async def test_every_stream_is_closed_to_strangers_and_shows_no_other_workspace(stage: Stage) -> None:
    from tests.api.test_api_streams import AT
    from trading.events import PairUnlocked

    for name in STREAMS:
        text = pieces_of("subscription", name, stage.own, set())
        refused = await stage.over_http(text, "")
        assert refused.get("data") is None, name
        assert refused["errors"], name
    text = "subscription { events { kind pair } }"
    async with opened(stage, stage.home.tokens[Role.VIEWER]) as socket:  # type: ignore[arg-type]
        await socket.subscribe(text)
        await socket.event()
        for crowd, pair in ((stage.away, "AWAY/USDT"), (stage.home, "HOME/USDT")):
            fact = PairUnlocked(workspace_id=crowd.workspace.id, occurred_at=AT, pair=pair, reason="x")
            await stage.house.write(crowd.workspace.id, fact)
        assert (await socket.event())["pair"] == "HOME/USDT"


def _echoed(answer: Mapping[str, Any]) -> str:
    """Give the messages of refusals: they may repeat the very id that was asked for."""
    payloads = [one for one in (answer.get("data") or {}).values() if isinstance(one, dict)]
    return json.dumps([one.get("userErrors") for one in payloads])


async def _journal(stage: Stage) -> list[int]:
    """Give how much happened in each workspace."""
    async with stage.house.store.reading() as unit:
        return [await unit.journal.head(one.workspace.id) for one in (stage.home, stage.away)]

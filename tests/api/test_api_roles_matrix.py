"""The role matrix, generated from the schema: every field × role × own and foreign workspace × HTTP and websocket."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import product
from typing import Any

import pytest
from graphql import TypeInfo, TypeInfoVisitor, Visitor, get_named_type, parse, validate, visit

from api.documents import RULES
from api.ids import wave_cursor
from api.limits import check_structure
from api.mutation import MUTATIONS
from api.permissions import OPEN, READS
from api.schema import SCHEMA
from desk.identity import Role
from desk.store import SqlStore
from tests.api.test_api_streams import opened
from tests.support.api_house import ROLES
from tests.support.documents import Covered, fields_of_schema, pieces_of
from tests.support.role_stage import Stage, nobodys, refusals_of, staged
from tests.support.role_streams import follow_all

_SCHEMA = SCHEMA._schema
assert _SCHEMA.query_type is not None
assert _SCHEMA.mutation_type is not None
assert _SCHEMA.subscription_type is not None
QUERIES = sorted(_SCHEMA.query_type.fields)
COMMANDS = sorted(MUTATIONS)
#: The whole journal first: it is asked for what each kind of fact says.
STREAMS = sorted(_SCHEMA.subscription_type.fields, key=lambda name: (name != "events", name))

TRANSPORTS = ("http", "socket")
WORLDS = ("own", "other")

#: Queries that have nothing to say here, and why.
WITHOUT_ANSWER = {
    "drift": "the bot saw no bar yet",
    "forecast": "no learned model was promoted",
}

_DRIFT = WITHOUT_ANSWER["drift"]
_MODELS = "no learned model was trained; all workspaces share them"
_NEWS = "nothing was fetched; all workspaces share it"
_JOBS = "a worker writes it, and none runs here"

#: Types that every role asks for and that nothing here is of, and why.
SILENT = {
    **dict.fromkeys(("Drift", "DriftPoint", "DriftTrade"), _DRIFT),
    **dict.fromkeys(("FanPoint", "PairForecast", "LearnedModel", "NamedFigure"), _MODELS),
    **dict.fromkeys(("ModelDrift", "ModelPromotion", "ModelVersion"), _MODELS),
    **dict.fromkeys(("FearGreedReading", "Headline", "HeadlineEdge"), _NEWS),
    **dict.fromkeys(("JobFigure", "JobFile"), _JOBS),
    "ExchangeKey": "no vault is open to seal one",
    "LeftOutPair": "nothing is traded enough to be left out",
    "NoticeMode": "nobody chose how to be told",
    "ParameterChange": "no configuration differs from the one before",
    "SignIn": "everybody here has a token instead of a session",
}

#: These end the token that asks; a person does them last.
_ENDING = ("requestDataErasure", "revokeApiToken", "removeMember", "signOutEverywhere", "signOut")

#: No answer of a document that is well asked.
_BROKEN = {"INTERNAL", "UNAUTHENTICATED", "QUERY_TOO_COMPLEX", "QUERY_TOO_DEEP", "RATE_LIMITED", "TIMEOUT"}

Documents = dict[str, dict[str, str]]


def documents(ids: Mapping[str, str], covered: Covered | None = None) -> Documents:
    """Give a document of each root field, by kind of operation; together they select every field."""
    seen: Covered = set() if covered is None else covered
    names = {"query": QUERIES, "mutation": COMMANDS, "open": sorted(OPEN), "subscription": STREAMS}
    return {
        kind: {name: pieces_of("mutation" if kind == "open" else kind, name, ids, seen) for name in wanted}
        for kind, wanted in names.items()
    }


def fields_in(text: str) -> Covered:
    """Give every field that a document selects; of an interface, that of every type behind it."""
    found: Covered = set()
    types = TypeInfo(_SCHEMA)

    class Fields(Visitor):
        def enter_field(self, node: Any, *_: object) -> None:
            parent = get_named_type(types.get_parent_type())
            assert parent is not None
            behind = _SCHEMA.get_possible_types(parent) if hasattr(parent, "resolve_type") else (parent,)  # type: ignore[arg-type]
            found.update((one.name, node.name.value) for one in behind if node.name.value != "__typename")

    visit(parse(text), TypeInfoVisitor(types, Fields()))
    return found


def codes(answer: Mapping[str, Any]) -> set[str]:
    """Give the codes of an answer's errors."""
    return {one["extensions"]["code"] for one in answer.get("errors") or ()}


def user_codes(answer: Mapping[str, Any]) -> set[str]:
    """Give the codes of the user errors in a payload."""
    return {error["code"] for error in refusals_of(answer)}


def told(value: object) -> Covered:
    """Give every field that an answer has a value for, whatever the value."""
    found: Covered = set()
    if isinstance(value, Mapping):
        kind = value.get("__typename")
        if kind:
            found.update((kind, name.removeprefix(f"{kind}_")) for name in value if name != "__typename")
        for one in value.values():
            found |= told(one)
    elif isinstance(value, list):
        for one in value:
            found |= told(one)
    return found


class Matrix:
    """Which cells were asked, and those that answered what they should not."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.own = documents(stage.home.ids)
        self.other = documents(stage.away.ids)
        self.spent = documents(stage.spent.ids)
        self.never = documents(nobodys(stage.home.ids))
        self.fields = {
            (kind, name): fields_in(text) for kind, one in self.own.items() for name, text in one.items()
        }
        self.asked: set[tuple[tuple[str, str], Role, str, str]] = set()
        self.told: Covered = set()
        self.wrong: list[Any] = []
        self.requests: Counter[str] = Counter()

    def names_ids(self, kind: str, name: str) -> bool:
        """Tell whether a document names anything of a workspace at all."""
        return any(one in self.other[kind][name] for one in self.stage.away.ids.values())

    def enter(
        self,
        kind: str,
        name: str,
        role: Role,
        world: str,
        transport: str,
        answer: Mapping[str, Any],
        problem: object,
    ) -> None:
        """Note an answer, and what is wrong with it."""
        worlds = [world] if self.names_ids(kind, name) else list(WORLDS)
        self.asked.update((pair, role, one, transport) for pair in self.fields[kind, name] for one in worlds)
        self.requests[f"{kind} {world} {transport}"] += 1
        if world == "own":
            self.told |= told(answer)
        if problem:
            self.wrong.append((kind, name, role.name, world, transport, problem, codes(answer)))

    async def ask(self, texts: Mapping[str, str], token: str) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
        """Send documents both ways; give transport, name and answer."""
        over_http = [("http", name, await self.stage.over_http(text, token)) for name, text in texts.items()]
        over_socket = await self.stage.over_socket(texts, token)
        return [*over_http, *(("socket", name, answer) for name, answer in over_socket.items())]

    async def own_queries(self, role: Role) -> None:
        """Each is open from its role upwards."""
        found = await self.ask(self.own["query"], self.stage.home.people.tokens[role])
        for transport, name, answer in found:
            is_open = role >= READS[name]
            problem: object = (
                is_open == ("FORBIDDEN" in codes(answer))
                or (is_open and codes(answer) and name not in WITHOUT_ANSWER)
                or codes(answer) & _BROKEN
                or self.stage.leaks(answer)
            )
            self.enter("query", name, role, "own", transport, answer, problem)

    async def own_mutations(self, role: Role) -> None:
        """Each is closed below its role and open from there; what is open is done in the third workspace."""
        closed = {name: self.own["mutation"][name] for name in COMMANDS if role < MUTATIONS[name].policy.role}
        before = await self.stage.journals()
        for transport, name, answer in await self.ask(closed, self.stage.home.people.tokens[role]):
            problem = codes(answer) != {"FORBIDDEN"} or answer.get("data") or self.stage.leaks(answer)
            self.enter("mutation", name, role, "own", transport, answer, problem)
        if await self.stage.journals() != before:
            self.wrong.append(("closed mutations", role.name, "something happened"))
        names = [name for name in COMMANDS if name not in closed and name not in _ENDING]
        opened_ = {name: self.spent["mutation"][name] for name in names}
        token = self.stage.spent.people.tokens[role]
        found = list(await self.ask(opened_, token))
        for name in [one for one in _ENDING if one not in closed]:
            found += [(way, name, await self.ended(name, way, token)) for way in ("socket", "http")]
        for transport, name, answer in found:
            problem = codes(answer) & {"FORBIDDEN", *_BROKEN} or self.stage.leaks(answer)
            self.enter("mutation", name, role, "own", transport, answer, problem)

    async def ended(self, name: str, transport: str, token: str) -> Mapping[str, Any]:
        """Ask for what ends the token."""
        text = self.spent["mutation"][name]
        if transport == "http":
            return await self.stage.over_http(text, token)
        return (await self.stage.over_socket({name: text}, token))[name]

    async def others_things(self, role: Role, kind: str) -> None:
        """What is the neighbour's is answered as what never was."""
        token = self.stage.home.people.tokens[role]
        texts = {name: text for name, text in self.other[kind].items() if self.names_ids(kind, name)}
        before = await self.stage.journals()
        controls: dict[str, Mapping[str, Any]] = {}
        for transport, name, answer in await self.ask(texts, token):
            needed = READS[name] if kind == "query" else MUTATIONS[name].policy.role
            if role < needed:
                problem: object = codes(answer) != {"FORBIDDEN"} or self.stage.leaks(answer, texts[name])
            else:
                if name not in controls:
                    controls[name] = await self.stage.over_http(self.never[kind][name], token)
                control = controls[name]
                is_same = codes(answer) == codes(control) and user_codes(answer) == user_codes(control)
                problem = (
                    not is_same
                    or codes(answer) & {"FORBIDDEN", *_BROKEN}
                    or self.stage.leaks(answer, texts[name])
                )
                # Whoever may do it is told that there is no such thing; what one may do to oneself only stays forbidden.
                if kind == "mutation" and not user_codes(answer) <= {"NOT_FOUND", "FORBIDDEN"}:
                    problem = problem or user_codes(answer)
            self.enter(kind, name, role, "other", transport, answer, problem)
        if await self.stage.journals() != before:
            self.wrong.append((kind, role.name, "other", "something happened"))

    async def open_mutations(self, role: Role) -> None:
        """Coming in is open to everybody, and with nobody's proof nobody comes in."""
        for transport, name, answer in await self.ask(self.own["open"], self.stage.home.people.tokens[role]):
            problem = codes(answer) or not user_codes(answer) or self.stage.leaks(answer)
            self.enter("open", name, role, "own", transport, answer, problem)

    async def streams(self, role: Role) -> None:
        """Each shows its own workspace and nothing of the other, and knows no id of the other."""
        token = self.stage.home.people.tokens[role]
        own = dict(self.own["subscription"])
        own["waveEvents"] = own["waveEvents"].replace("(", f'(after: "{wave_cursor(0, 0)}", ', 1)
        problems, messages = await follow_all(self.stage, own, token)
        for name, problem in problems.items():
            self.enter("subscription", name, role, "own", "socket", {"data": messages[name]}, problem)
        texts = {
            name: text
            for name, text in self.other["subscription"].items()
            if self.names_ids("subscription", name)
        }
        found = await self.stage.over_socket(texts, token)
        never = await self.stage.over_socket(
            {name: self.never["subscription"][name] for name in texts}, token
        )
        for name, answer in found.items():
            unknown = (
                codes(answer) != {"NOT_FOUND"} or codes(never[name]) != {"NOT_FOUND"} or answer.get("data")
            )
            self.enter("subscription", name, role, "other", "socket", answer, unknown)
        for world, made in zip(WORLDS, (self.own, self.other), strict=True):
            for name, text in made["subscription"].items():
                answer = await self.stage.over_http(text, token)
                self.enter(
                    "subscription",
                    name,
                    role,
                    world,
                    "http",
                    answer,
                    not answer.get("errors") or answer.get("data"),
                )

    async def strangers(self) -> None:
        """Nobody is let in without a token: no field over HTTP, and no socket at all."""
        for kind in ("query", "mutation"):
            for name, text in self.own[kind].items():
                for token in ("", "bwk_home_owner_tokem"):
                    answer = await self.stage.over_http(text, token)
                    if codes(answer) != {"UNAUTHENTICATED"} or any((answer.get("data") or {}).values()):
                        self.wrong.append((kind, name, "stranger", token, codes(answer)))
                    self.requests["stranger"] += 1
        for token in ("", "bwk_home_owner_tokem"):
            async with opened(self.stage) as socket:  # type: ignore[arg-type]
                await socket.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
                if (await socket.closed())[0] != 4403:
                    self.wrong.append(("socket", "stranger", token))


@pytest.fixture
async def stage(sqlite_store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    # By address strangers are told to wait before they are told that nobody knows them (api.md, steps 3 and 4).
    monkeypatch.setattr("api.gate.STRANGER_RATE", (1_000_000.0, 1_000_000.0))
    async with staged(sqlite_store) as made:
        yield made


def test_the_documents_are_valid_and_hold_every_field_of_the_schema() -> None:
    covered: Covered = set()
    made = documents({}, covered)
    asked: Covered = set()

    for kind, one in made.items():
        for name, text in one.items():
            tree = parse(text)
            assert validate(_SCHEMA, tree, RULES) == [], (kind, name)
            check_structure(tree)
            asked |= fields_in(text)
    assert fields_of_schema() - asked == set()
    assert set(COMMANDS) | OPEN == set(_SCHEMA.mutation_type.fields)  # type: ignore[union-attr]


async def test_every_field_keeps_its_role_and_shows_nothing_of_another_workspace(stage: Stage) -> None:
    matrix = Matrix(stage)

    await matrix.strangers()
    for role in ROLES:
        await matrix.own_queries(role)
        await matrix.others_things(role, "query")
        await matrix.others_things(role, "mutation")
        await matrix.open_mutations(role)
        await matrix.streams(role)
        await matrix.own_mutations(role)

    every = set(product(fields_of_schema(), ROLES, WORLDS, TRANSPORTS))
    silent = {kind for kind, _ in fields_of_schema() - matrix.told} - {"Query", "Mutation", "Subscription"}
    assert matrix.wrong == []
    assert every - matrix.asked == set()
    assert silent == set(SILENT)
    assert len(matrix.asked) == 20 * len(fields_of_schema()) > 30_000


async def test_a_stranger_beyond_the_budget_of_his_address_is_told_to_wait_and_nothing_else(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.gate.STRANGER_RATE", (0.001, 2.0))

    answers = [await stage.over_http("{ viewer { member { name } } }", "") for _ in range(4)]
    known = await stage.over_http("{ viewer { member { name } } }", stage.home.people.tokens[Role.VIEWER])

    assert [codes(one) for one in answers] == [{"UNAUTHENTICATED"}] * 2 + [{"RATE_LIMITED"}] * 2
    assert not any(one.get("data") for one in answers)
    assert known["data"]["viewer"]["member"]["name"] == "viewer"

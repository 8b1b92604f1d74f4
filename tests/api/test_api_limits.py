"""Hostile documents: each is refused by structure, whichever way it comes, and nothing grows with the attack."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from graphql import parse

from api.documents import MAX_DOCUMENTS, Documents
from api.errors import LONGEST, ApiError, shown, without_value
from api.gate import Gate
from api.limits import MAX_REPEATS, check_structure
from api.schema import SCHEMA
from api.view import MAX_BODY
from desk.clock import ManualClock
from desk.identity import Role
from tests.api.conftest import Scene
from tests.support.hostile import HOSTILE, fragment_bomb
from tests.support.records import NOON


def test_the_corpus_is_large_and_every_document_in_it_is_another() -> None:
    assert len(HOSTILE) >= 60
    assert len(set(HOSTILE.values())) == len(HOSTILE)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_document_is_refused_before_anything_runs(name: str) -> None:
    found = Documents().look_up(SCHEMA._schema, HOSTILE[name])

    assert found.errors, f"{name} was let through"


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_what_is_said_of_a_hostile_document_is_short(name: str) -> None:
    """Also to make: a pattern that is quadratic in a name of 60,000 letters would keep this busy for minutes."""
    errors = Documents().look_up(SCHEMA._schema, HOSTILE[name]).errors
    told = [shown(one, "id") for one in errors]

    assert "INTERNAL" not in {(one.extensions or {}).get("code") for one in told}
    assert max((len(one.message) for one in told), default=0) <= LONGEST + 1


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Variable '$key' has invalid value: Int cannot represent hunter2", "Variable '$key' has invalid value."),
        ("Variable '$a' has invalid value at .b[0]: hunter2", "Variable '$a' has invalid value at .b[0]."),
        ("Int cannot represent non-integer value: 'hunter2'", "Int cannot represent non-integer value."),
        ("Enum 'Side' cannot represent non-string value: hunter2.", "Enum 'Side' cannot represent non-string value."),
        ("Expected value of type 'BotFilter' to be an object, found 'hunter2'.", "Expected value of type 'BotFilter' to be an object."),
        ("Expected value of type 'BotFilter' to be an object, found: {x: 'hunter2'}.", "Expected value of type 'BotFilter' to be an object."),
        ("Value 'hunter2' does not exist in 'Side' enum.", "The value does not exist in 'Side' enum."),
        (f"Value '{'hunter2' * 9_000}' does not exist in 'Side' enum.", "The value does not exist in 'Side' enum."),
        (f"Int cannot represent non-integer value: '{'hunter2' * 9_000}'", "Int cannot represent non-integer value."),
    ],
)  # fmt: skip
def test_an_error_does_not_repeat_what_was_given(message: str, said: str) -> None:
    assert without_value(message) == said


@pytest.mark.parametrize(
    "piece", ["a", "Variable '$", " does not exist in ", "cannot represent ", "Value ", "a'b"]
)
def test_a_long_message_is_cut(piece: str) -> None:
    assert len(without_value(piece * 20_000)) == LONGEST + 1


def test_a_fragment_is_measured_once_however_often_it_is_spread() -> None:
    with pytest.raises(ApiError, match="selections") as refused:
        check_structure(parse(fragment_bomb(28, 2)))

    assert refused.value.code.value == "QUERY_TOO_COMPLEX"


def test_introspection_is_let_through_only_as_a_field_and_can_be_switched_off() -> None:
    text = "query __schema { bots { edges { node { account { status { equity } } } } } }"
    deep = "query __schema { a { b { c { d { e { f { g { h { i } } } } } } } } }"

    check_structure(parse(text))
    with pytest.raises(ApiError, match="levels"):
        check_structure(parse(deep))
    check_structure(
        parse("{ __schema { types { name fields { type { ofType { ofType { ofType { name } } } } } } } }")
    )
    with pytest.raises(ApiError, match="not shown"):
        check_structure(parse("{ __schema { types { name } } }"), with_introspection=False)


def test_the_cache_of_documents_is_bounded_and_keeps_what_is_used() -> None:
    documents = Documents(limit=3)
    kept = documents.look_up(SCHEMA._schema, "{ viewer { role } }")
    for number in range(10):
        documents.look_up(SCHEMA._schema, f"{{ viewer {{ a{number}: role }} }}")
        documents.look_up(SCHEMA._schema, "{ viewer { role } }")

    assert len(documents) == 3
    assert documents.look_up(SCHEMA._schema, "{ viewer { role } }") is kept
    assert MAX_DOCUMENTS == 512


def test_messages_name_no_field_that_was_not_asked_for() -> None:
    (error,) = Documents().look_up(SCHEMA._schema, "{ viewr { role } }").errors

    assert "Did you mean" not in error.message


def test_points_run_out_and_come_back_with_time_but_exits_have_a_bucket_of_their_own() -> None:
    clock = ManualClock(NOON)
    gate = Gate(clock, points_per_s=1000)
    for _ in range(10):
        gate.spend("alice", Role.OWNER, 100, is_exit=False)

    with pytest.raises(ApiError) as refused:
        gate.spend("alice", Role.OWNER, 100, is_exit=False)
    gate.spend("alice", Role.OWNER, 100, is_exit=True)
    gate.spend("bob", Role.OWNER, 100, is_exit=False)
    clock.advance(0.1)
    gate.spend("alice", Role.OWNER, 100, is_exit=False)

    assert refused.value.extensions is not None
    assert refused.value.extensions["code"] == "RATE_LIMITED"
    assert refused.value.extensions["retryAfterMs"] == 100


def test_requests_are_counted_per_person() -> None:
    clock = ManualClock(NOON)
    gate = Gate(clock, requests_per_s=2)
    for _ in range(4):
        gate.request("alice", Role.VIEWER)

    with pytest.raises(ApiError, match="requests"):
        gate.request("alice", Role.VIEWER)
    gate.request("bob", Role.VIEWER)
    clock.advance(0.5)
    gate.request("alice", Role.VIEWER)


@pytest.mark.parametrize("first", ["0", "-1", "101", "1000000000", "99999999999999999999"])
async def test_a_page_of_no_or_too_many_rows_is_refused(scene: Scene, first: str) -> None:
    token = scene.home.tokens[Role.VIEWER]
    literal = (
        await scene.web.ask(f"{{ bots(first: {first}) {{ edges {{ node {{ id }} }} }} }}", token=token)
    ).json()
    variable = (
        await scene.web.ask(
            "query ($n: Int!) { bots(first: $n) { edges { node { id } } } }", {"n": int(first)}, token=token
        )
    ).json()

    for answer in (literal, variable):
        assert answer["errors"][0]["extensions"]["code"] in {"VALIDATION_FAILED", "QUERY_TOO_COMPLEX"}


async def test_a_large_page_of_large_rows_costs_too_much_and_says_so(scene: Scene) -> None:
    answer = (
        await scene.web.ask(
            "{ orders(first: 100) { edges { node { id bot { positions { bot { positions { id } } } } fills { id } } } } }",
            token=scene.home.tokens[Role.VIEWER],
        )
    ).json()

    assert answer["errors"][0]["extensions"]["code"] in {"QUERY_TOO_COMPLEX", "QUERY_TOO_DEEP"}


async def test_two_fields_that_move_money_are_not_done_in_one_operation(scene: Scene) -> None:
    one = 'stopBot(input: { idempotencyKey: "0190a0a0-0000-7000-8000-00000000000%d", botId: "x" }) { userErrors { code } }'
    answer = (
        await scene.web.ask(f"mutation {{ a: {one % 1} b: {one % 2} }}", token=scene.home.tokens[Role.OWNER])
    ).json()

    assert "move money" in answer["errors"][0]["message"]


async def test_an_answer_says_what_it_cost_and_which_request_it_was(scene: Scene) -> None:
    answer = (
        await scene.web.ask(
            "{ bots(first: 3) { edges { node { id } } } }", token=scene.home.tokens[Role.VIEWER]
        )
    ).json()

    assert answer["extensions"]["cost"]["requested"] == 5.0
    assert answer["extensions"]["cost"]["limit"] == 1000.0
    assert answer["extensions"]["requestId"]


@pytest.mark.parametrize(
    ("method", "headers", "body", "status"),
    [
        ("GET", {}, b"", 405),
        ("PUT", {"content-type": "application/json"}, b"{}", 405),
        ("POST", {"content-type": "text/plain"}, b"{}", 415),
        ("POST", {"content-type": "multipart/form-data; boundary=x"}, b"--x--", 415),
        ("POST", {"content-type": "application/x-www-form-urlencoded"}, b"query=1", 415),
        ("POST", {"content-type": "application/json"}, b"{", 400),
        ("POST", {"content-type": "application/json"}, b"[]", 400),
        ("POST", {"content-type": "application/json"}, b"null", 400),
        ("POST", {"content-type": "application/json"}, b'{"query":7}', 400),
        ("POST", {"content-type": "application/json"}, b'{"query":"{a}","variables":[]}', 400),
        ("POST", {"content-type": "application/json"}, b'{"query":"{a}","operationName":1}', 400),
        ("POST", {"content-type": "application/json"}, b"x" * (MAX_BODY + 1), 413),
        ("POST", {"content-type": "application/json", "origin": "https://evil.example"}, b"{}", 403),
        ("POST", {"content-type": "application/json", "host": "evil.example"}, b"{}", 421),
    ],
)
async def test_what_is_no_request_of_ours_is_refused_by_its_shape(
    scene: Scene, method: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = await scene.web.client.request(method, f"{scene.web.url}/graphql", headers=headers, content=body)

    assert answer.status_code == status


async def test_a_body_without_an_announced_length_is_cut_at_the_limit(scene: Scene) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 4096

    answer = await scene.web.client.post(
        f"{scene.web.url}/graphql", headers={"content-type": "application/json"}, content=chunks()
    )

    assert answer.status_code == 413


async def test_the_newer_media_type_has_real_statuses(scene: Scene) -> None:
    newer = "application/graphql-response+json"
    good = await scene.web.ask("{ __typename }", accept=newer)
    bad = await scene.web.ask("{ nothing }", accept=newer)
    unfit = await scene.web.ask(
        "query ($n: Int!) { bots(first: $n) { edges { cursor } } }", {"n": "x"}, accept=newer
    )
    old = await scene.web.ask("{ nothing }")

    assert (good.status_code, good.headers["content-type"]) == (
        200,
        "application/graphql-response+json; charset=utf-8",
    )
    assert (bad.status_code, "data" in bad.json()) == (400, False)
    assert (unfit.status_code, "data" in unfit.json()) == (400, False)
    assert (old.status_code, old.headers["content-type"]) == (200, "application/json; charset=utf-8")


def test_repeats_are_allowed_up_to_the_limit() -> None:
    check_structure(parse("{ bots { " + "edges { cursor } " * MAX_REPEATS + "} }"))

    with pytest.raises(ApiError, match="selections of"):
        check_structure(parse("{ bots { " + "edges { cursor } " * (MAX_REPEATS + 1) + "} }"))

"""Plans give what graphql-core gives: the same data, the same errors, for every kind of selection."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from api.documents import Document
from api.ids import global_id
from api.plans import PlannedExecutor
from api.roots import MAX_GIVEN_UP
from api.schema import SCHEMA
from desk.identity import Role
from server.app import OPERATIONS
from tests.api.conftest import Scene
from tests.support.api_house import FixedFigures, furnish

#: Selections with everything that a plan must understand or leave alone.
DOCUMENTS: dict[str, str] = {
    "rows of every kind": """{ orders { edges { cursor node { id side orderType quantity price createdAt isReduceOnly
        bot { name parameters { name value } phases { pair phase since } } fills { price liquidity } } }
        pageInfo { hasNextPage endCursor startCursor } } trades { edges { node { number pnlRatio reason } } } }""",
    "aliases and repeated fields": "{ a: bots { edges { node { x: name name y: name phases { p: pair } phases { phase } } } } }",
    "type names": "{ __typename bots { __typename edges { __typename node { __typename phases { __typename } } } } }",
    "fragments": """{ bots { edges { ...E ...E } } } fragment E on BotEdge { node { ... on Node { id } ...B } }
        fragment B on Bot { name ... { desired } ... on Bot { condition } }""",
    "an interface": "query ($id: ID!) { node(id: $id) { __typename id ... on Bot { name phases { pair } } ... on Order { pair } } }",
    "directives": """query ($no: Boolean = false) { bots { edges { node { id name @include(if: $no) desired @skip(if: $no)
        phases @include(if: true) { pair } } } } }""",
    "lists in lists": "{ positions { edges { node { targets { price isFilled } bot { positions { pair targets { quantity } } } } } } }",
    "nulls": "{ accounts { edges { node { name status { equity } } } } orders { edges { node { stopPrice averagePrice } } } }",
    "one row, by a variable": "query ($id: ID!) { bot(id: $id) { id name phases { pair } } }",
    "nothing there": "query ($id: ID!) { order(id: $id) { id } }",
    "fixed arguments": '{ positions(first: 2, filter: { isOpen: true, pair: "BTC/USDT" }) { edges { node { id bot { name } } } } }',
    "a list argument": '{ nodes(ids: ["a", "b"]) { id } }',
    "several roots": "{ a: bots { edges { node { id } } } accounts { edges { node { name } } } viewer { name role } }",
    "json": "{ signals { edges { node { conditions { name value met } sizing { binding limits { name quantity } } } } } }",
}


async def _both(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, text: str, variables: dict[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    token = scene.home.tokens[Role.OWNER]
    planned = (await scene.web.ask(text, variables, token)).json()
    with monkeypatch.context() as patched:
        patched.delattr(PlannedExecutor, "collect_and_execute_subfields")
        patched.setattr(Document, "root_plan", lambda *_: None)
        plain = (await scene.web.ask(text, variables, token)).json()
    for one in (planned, plain):
        one.pop("extensions")
        for error in one.get("errors", ()):
            error["extensions"].pop("incidentId", None)
    return planned, plain


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_planned_answer_is_the_library_s_own(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    await furnish(scene.house, scene.home, 3, offset=10)
    planned, plain = await _both(
        scene,
        monkeypatch,
        DOCUMENTS[name],
        {"id": global_id("Bot", scene.bot.id)} if "$id" in DOCUMENTS[name] else None,
    )

    assert planned == plain
    assert ("errors" in planned) == (name == "nothing there")
    assert list(planned["data"]) == list(plain["data"])


async def test_what_a_plan_cannot_complete_fails_as_the_library_fails(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await FixedFigures().performance("", "")

    async def broken(*_: object, **__: object) -> object:
        return replace(found, trades=2**40, values={"sharpe": float("inf"), "win_rate": 0.5})

    monkeypatch.setattr(FixedFigures, "performance", broken)
    planned, plain = await _both(
        scene, monkeypatch, "{ performance { pnl trades metrics { name value } } viewer { name } }"
    )

    assert planned == plain
    assert planned["errors"]


async def test_a_document_is_planned_once(scene: Scene) -> None:
    text = "{ bots { edges { node { id name phases { pair } account { name } } } } }"
    documents = scene.web.app.state.door.documents
    await scene.web.data(text, token=scene.home.tokens[Role.VIEWER])
    first = dict(documents.look_up(SCHEMA._schema, text).plans)
    await scene.web.data(text, token=scene.home.tokens[Role.VIEWER])

    assert first
    assert dict(documents.look_up(SCHEMA._schema, text).plans) == first


#: Variables and whether they are answered whole; the library coerces or refuses the others.
VARIABLES: dict[str, tuple[str, dict[str, Any]]] = {
    "given": (
        "query ($n: Int, $c: Cursor) { orders(first: $n, after: $c) { edges { node { id } } } }",
        {"n": 2},
    ),
    "null": (
        "query ($n: Int!, $c: Cursor) { orders(first: $n, after: $c) { edges { cursor } } }",
        {"n": 2, "c": None},
    ),
    "missing": ("query ($n: Int!) { orders(first: $n) { edges { cursor } } }", {}),
    "null where it may not be": ("query ($n: Int!) { orders(first: $n) { edges { cursor } } }", {"n": None}),
    "of another type": ("query ($id: ID!) { bot(id: $id) { id } }", {"id": 7}),
    "too large": ("query ($n: Int!) { orders(first: $n) { edges { cursor } } }", {"n": 2**31}),
    "no whole number": ("query ($n: Int!) { orders(first: $n) { edges { cursor } } }", {"n": True}),
    "a whole float": ("query ($n: Int!) { orders(first: $n) { edges { cursor } } }", {"n": 2.0}),
    "too many": ("query ($n: Int!) { orders(first: $n) { edges { cursor } } }", {"n": 101}),
    "by default": ("query ($n: Int! = 1) { orders(first: $n) { edges { cursor } } }", {}),
    "over a default": ("query ($n: Int! = 1) { orders(first: $n) { edges { cursor } } }", {"n": 2}),
    "null over a default": ("query ($n: Int = 1) { orders(first: $n) { edges { cursor } } }", {"n": None}),
    "no filter": ("query ($f: RowFilter) { orders(filter: $f) { edges { cursor } } }", {}),
    "a null for a filter": ("query ($f: RowFilter) { orders(filter: $f) { edges { cursor } } }", {"f": None}),
    "a filter": (
        "query ($f: RowFilter) { orders(filter: $f) { edges { cursor } } }",
        {"f": {"pair": "P0/USDT"}},
    ),
    "a filter by default": (
        'query ($f: RowFilter = { pair: "P0/USDT" }) { orders(filter: $f) { edges { cursor } } }',
        {},
    ),
    "a wrong filter": ("query ($f: RowFilter) { orders(filter: $f) { edges { cursor } } }", {"f": {"x": 1}}),
    "in a filter": (
        "query ($p: String) { orders(filter: { pair: $p }) { edges { cursor } } }",
        {"p": "P0/USDT"},
    ),
    "unknown besides": ("query ($n: Int!) { orders(first: $n) { edges { cursor } } }", {"n": 1, "x": 5}),
}


@pytest.mark.parametrize("name", VARIABLES)
async def test_variables_mean_what_they_mean_to_the_library(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    await furnish(scene.house, scene.home, 3, offset=20)
    planned, plain = await _both(scene, monkeypatch, *VARIABLES[name])

    assert planned == plain


async def test_a_plain_query_never_reaches_the_library_s_executor(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError("graphql-core was asked")

    monkeypatch.setattr(PlannedExecutor, "build", unwanted)
    token = scene.home.tokens[Role.VIEWER]
    bot = await scene.web.data(
        "query ($id: ID!) { bot(id: $id) { name } }", {"id": global_id("Bot", scene.bot.id)}, token
    )
    page = await scene.web.data("{ positions { edges { node { pair bot { name } } } } }", token=token)
    named = [
        await scene.web.data((OPERATIONS / f"{name}.graphql").read_text("utf-8"), token=token)
        for name in ("Trades", "Positions", "Fills")
    ]

    assert bot["bot"]["name"] == scene.bot.name
    assert page["positions"]["edges"][0]["node"]["bot"]["name"]
    assert all(one["edges"] for found in named for one in found.values())


async def test_what_the_library_keeps_having_to_answer_is_left_to_it(scene: Scene) -> None:
    token = scene.home.tokens[Role.VIEWER]
    text = "{ bots { edges { node { name } } } }"
    await scene.web.data(text, token=token)
    document = scene.web.app.state.door.documents.known(text)
    (plan,) = document.roots.values()
    plan.given_up = MAX_GIVEN_UP

    assert (await scene.web.data(text, token=token))["bots"]["edges"]
    assert document.root_plan(SCHEMA._schema, document.tree.definitions[0]) is None

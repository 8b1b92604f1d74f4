"""The role matrix, generated from the schema: every root field × role × own and foreign workspace × both transports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from api.ids import global_id
from api.mutation import MUTATIONS
from api.permissions import READS
from api.schema import SCHEMA
from desk.desk import token_hash
from desk.identity import Role, new_id
from server.auth import TokenAuthenticator
from tests.api.conftest import Scene
from tests.api.test_api_streams import opened
from tests.support.api_house import ROLES, People

QUERIES = sorted(name for name in READS if name in SCHEMA._schema.query_type.fields)  # type: ignore[union-attr]
STREAMS = sorted(SCHEMA._schema.subscription_type.fields)  # type: ignore[union-attr]

#: What stands where a query needs arguments; ids are of the caller's own workspace.
QUERY_BODIES: dict[str, str] = {
    "accounts": "accounts { edges { node { id } } }",
    "account": 'account(id: "{Account}") { id }',
    "alerts": "alerts { edges { node { id deliveries { status } } } }",
    "apiTokens": "apiTokens { id }",
    "approvals": "approvals { code }",
    "auditLog": "auditLog { edges { node { sequence } } }",
    "bot": 'bot(id: "{Bot}") { id strategy { name } }',
    "botConfigs": 'botConfigs(botId: "{Bot}") { version }',
    "botHistory": 'botHistory(botId: "{Bot}") { edges { node { axis } } }',
    "bots": "bots { edges { node { id } } }",
    "candleSeries": "candleSeries { pair }",
    "candles": 'candles(pair: "BTC/USDT") { close }',
    "chatLinks": "chatLinks { id }",
    "correlations": 'correlations(accountId: "{Account}", pairs: ["A/USDT", "B/USDT"]) { pairs }',
    "equity": 'equity(accountId: "{Account}") { equity }',
    "fibonacciLevels": 'fibonacciLevels(pair: "BTC/USDT", start: 1, end: 2) { base }',
    "fills": "fills { edges { node { id } } }",
    "indicatorCatalogue": "indicatorCatalogue { name }",
    "indicators": 'indicators(pair: "BTC/USDT", specs: ["ema:21"]) { pair }',
    "locks": 'locks(accountId: "{Account}") { pair }',
    "members": "members { edges { node { id } } }",
    "node": 'node(id: "{Bot}") { id }',
    "nodes": 'nodes(ids: ["{Bot}"]) { id }',
    "order": 'order(id: "{Order}") { id }',
    "orderHistory": 'orderHistory(orderId: "{Order}") { after }',
    "orders": "orders { edges { node { id } } }",
    "pairs": "pairs",
    "performance": "performance { pnl }",
    "performanceBy": "performanceBy(by: MONTH) { pnl }",
    "position": 'position(id: "{Position}") { id }',
    "positionHistory": 'positionHistory(positionId: "{Position}") { kind }',
    "positions": "positions { edges { node { id } } }",
    "riskState": 'riskState(accountId: "{Account}") { slotsLeft }',
    "signal": 'signal(id: "{Signal}") { id sizing { binding } }',
    "signals": "signals { edges { node { id } } }",
    "signIns": "signIns { isThis }",
    "strategies": "strategies { name }",
    "strategy": 'strategy(name: "trend_following") { name }',
    "systemStatus": "systemStatus { isReady }",
    "tickers": 'tickers(pairs: ["BTC/USDT"]) { price }',
    "trade": 'trade(id: "{Trade}") { id }',
    "trades": "trades { edges { node { id } } }",
    "viewer": "viewer { role }",
    "volumeProfile": 'volumeProfile(pair: "BTC/USDT") { total }',
    "waveCounts": 'waveCounts(pair: "BTC/USDT") { number }',
}

MUTATION_INPUTS: dict[str, str] = {
    "acknowledgeAlert": 'alertId: "{Alert}"',
    "addMember": 'name: "new {n}"',
    "approveRequest": 'code: "NONE22"',
    "beginTotp": "",
    "changeConfig": 'botId: "{Bot}", parameters: []',
    "confirmTotp": 'proof: "000000"',
    "closePosition": 'positionId: "{Position}"',
    "createApiToken": 'label: "new"',
    "createChatLinkCode": "",
    "createBot": 'name: "new-{n}", strategy: "trend_following", pairs: ["BTC/USDT"], allocation: 0.1',
    "deleteBot": 'botId: "{Bot}"',
    "inviteMember": 'memberId: "{Member}"',
    "lockPair": 'pair: "BTC/USDT"',
    "panicStop": "keepPositions: true",
    "pauseBot": 'botId: "{Bot}"',
    "rejectRequest": 'code: "NONE22"',
    "releasePanic": 'reason: "x"',
    "removeMember": 'memberId: "{Member}"',
    "resumeBot": 'botId: "{Bot}"',
    "revokeChatLink": 'linkId: "{ChatLink}"',
    "revokeApiToken": 'tokenId: "{ApiToken}"',
    "setPassword": 'password: "correct horse battery"',
    "setMemberRole": 'memberId: "{Member}", role: VIEWER',
    "setPreference": 'language: "fr"',
    "stepUp": 'proof: "correct horse battery"',
    "signOut": "",
    "signOutEverywhere": "",
    "startBot": 'botId: "{Bot}"',
    "stopBot": 'botId: "{Bot}"',
    "unlockPair": 'pair: "BTC/USDT"',
}

STREAM_BODIES: dict[str, str] = {name: f"{name} {{ kind }}" for name in STREAMS} | {
    "candles": 'candles(pair: "BTC/USDT") { close }',
    "tickers": 'tickers(pairs: ["BTC/USDT"]) { price }',
    "waveEvents": 'waveEvents(pair: "BTC/USDT") { kind }',
}

#: Mutations that name something by id, so that somebody else's id can be tried.
NAMING = sorted(name for name, given in MUTATION_INPUTS.items() if '"{' in given)


async def ids_of(scene: Scene, crowd: People) -> dict[str, str]:
    """Give an id of everything that a workspace holds."""
    own = crowd.workspace.id
    async with scene.house.store.reading() as unit:
        from desk.views import Filter, Page

        page = Page(first=1)
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
    ids["Workspace"] = global_id("Workspace", own)
    ids["Member"] = global_id("Member", crowd.members[Role.VIEWER].user_id)
    ids["ApiToken"] = global_id("ApiToken", crowd.token_ids[Role.VIEWER])
    return ids


def filled(text: str, ids: Mapping[str, str]) -> str:
    """Put ids into a text."""
    for kind, one in ids.items():
        text = text.replace("{" + kind + "}", one)
    return text.replace("{n}", uuid4().hex[:12])


def mutation(name: str, ids: Mapping[str, str]) -> str:
    """Give a mutation's document."""
    inputs = SCHEMA._schema.type_map[f"{name[0].upper()}{name[1:]}Input"].fields  # type: ignore[attr-defined]
    key = f'idempotencyKey: "{uuid4()}", ' if "idempotencyKey" in inputs else ""
    given = filled(MUTATION_INPUTS[name], ids)
    return f"mutation {{ {name}(input: {{ {key}{given} }}) {{ userErrors {{ code message }} }} }}"


def codes(answer: Mapping[str, Any]) -> set[str]:
    """Give the codes of an answer's errors."""
    return {one["extensions"]["code"] for one in answer.get("errors") or ()}


def test_the_matrix_covers_the_whole_schema() -> None:
    assert set(QUERY_BODIES) == set(QUERIES)
    assert set(MUTATION_INPUTS) == set(MUTATIONS)
    assert set(STREAM_BODIES) == set(STREAMS)


async def test_every_query_is_open_from_its_role_upwards_and_closed_below(scene: Scene) -> None:
    ids = await ids_of(scene, scene.home)
    wrong = []
    for name in QUERIES:
        text = "{ " + filled(QUERY_BODIES[name], ids) + " }"
        stranger = (await scene.web.ask(text)).json()
        if codes(stranger) != {"UNAUTHENTICATED"}:
            wrong.append((name, "stranger", stranger))
        for role in ROLES:
            answer = (await scene.web.ask(text, token=scene.home.tokens[role])).json()
            expected = {"FORBIDDEN"} if role < READS[name] else set()
            if codes(answer) != expected:
                wrong.append((name, role.name, answer))

    assert wrong == []


async def test_every_mutation_is_open_from_its_role_upwards_and_closed_below(scene: Scene) -> None:
    ids = await ids_of(scene, scene.home)
    wrong = []
    for name, command in sorted(MUTATIONS.items()):
        if codes((await scene.web.ask(mutation(name, ids))).json()) != {"UNAUTHENTICATED"}:
            wrong.append((name, "stranger"))
        for role in (Role.VIEWER, Role.OPERATOR, Role.TRADER, Role.ADMIN):
            if role >= command.policy.role:
                continue
            answer = (await scene.web.ask(mutation(name, ids), token=scene.home.tokens[role])).json()
            if codes(answer) != {"FORBIDDEN"}:
                wrong.append((name, role.name))
    async with scene.house.store.reading() as unit:
        bots = await unit.bots.all(scene.home.workspace.id)

    assert wrong == []
    assert [one.desired for one in bots] == [scene.bot.desired]


async def test_an_owner_is_let_through_every_mutation(scene: Scene) -> None:
    ids = await ids_of(scene, scene.home)
    order = [name for name in MUTATIONS if name not in {"revokeApiToken", "deleteBot"}] + ["revokeApiToken"]

    for name in order:
        answer = (await scene.web.ask(mutation(name, ids), token=scene.home.tokens[Role.OWNER])).json()
        assert codes(answer) == set(), (name, answer)
        refused = answer["data"][name]["userErrors"]
        assert not {one["code"] for one in refused} & {"FORBIDDEN", "NOT_FOUND", "INTERNAL"}, (name, refused)


@pytest.mark.parametrize("name", STREAMS)
async def test_a_stream_is_closed_to_strangers_and_open_from_its_role(scene: Scene, name: str) -> None:
    async with opened(scene, scene.home.tokens[Role.VIEWER]) as socket:
        await socket.subscribe("subscription { " + STREAM_BODIES[name] + " }")
        if name not in {"candles", "tickers", "waveEvents"}:
            assert (await socket.event(name))["kind"] == "SUBSCRIBED"

    over_http = (await scene.web.ask("subscription { " + STREAM_BODIES[name] + " }")).json()
    assert over_http["errors"][0]["extensions"]["code"] == "VALIDATION_FAILED"


async def test_a_foreign_id_answers_exactly_as_one_that_never_was(scene: Scene) -> None:
    foreign = await ids_of(scene, scene.away)
    random = {kind: global_id(kind, new_id()) for kind in foreign}
    token = scene.home.tokens[Role.OWNER]
    for name in QUERIES:
        if '"{' not in QUERY_BODIES[name] or name == "nodes":
            continue
        theirs = (await scene.web.ask("{ " + filled(QUERY_BODIES[name], foreign) + " }", token=token)).json()
        nobodys = (await scene.web.ask("{ " + filled(QUERY_BODIES[name], random) + " }", token=token)).json()

        assert codes(theirs) == codes(nobodys) == {"NOT_FOUND"}, (name, theirs, nobodys)
        assert theirs.get("data") == nobodys.get("data"), name


async def test_no_node_of_another_workspace_is_found_by_its_id(scene: Scene) -> None:
    foreign, own = await ids_of(scene, scene.away), await ids_of(scene, scene.home)
    text = "query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }"
    token = scene.home.tokens[Role.OWNER]

    theirs = await scene.web.data(text, {"ids": list(foreign.values())}, token)
    ours = await scene.web.data(text, {"ids": list(own.values())}, token)

    assert theirs["nodes"] == [None] * len(foreign)
    assert [one["__typename"] for one in ours["nodes"]] == list(own)


@pytest.mark.parametrize("name", NAMING)
async def test_a_mutation_of_something_foreign_is_not_found_and_does_nothing(scene: Scene, name: str) -> None:
    foreign = await ids_of(scene, scene.away)
    random = {kind: global_id(kind, new_id()) for kind in foreign}
    token = scene.home.tokens[Role.OWNER]

    theirs = (await scene.web.ask(mutation(name, foreign), token=token)).json()
    nobodys = (await scene.web.ask(mutation(name, random), token=token)).json()

    for answer in (theirs, nobodys):
        assert [one["code"] for one in answer["data"][name]["userErrors"]] == ["NOT_FOUND"], answer
    async with scene.house.store.reading() as unit:
        bot = await unit.bots.by_id(scene.away.workspace.id, scene.foreign_bot.id)
        tokens = await unit.members.tokens(scene.away.workspace.id)
    assert bot is not None
    assert bot.desired is scene.foreign_bot.desired
    assert [one.revoked_at for one in tokens] == [None] * len(tokens)


async def test_lists_hold_rows_of_the_own_workspace_only_over_both_transports(scene: Scene) -> None:
    theirs = set((await ids_of(scene, scene.away)).values())
    text = (
        "{ "
        + " ".join(QUERY_BODIES[one] for one in ("bots", "orders", "fills", "positions", "trades"))
        + " }"
    )
    more = (
        "{ "
        + " ".join(QUERY_BODIES[one] for one in ("signals", "alerts", "members", "accounts", "apiTokens"))
        + " }"
    )
    token = scene.home.tokens[Role.OWNER]
    over_http = [(await scene.web.ask(one, token=token)).text for one in (text, more)]
    over_socket = []
    async with opened(scene, token) as socket:
        for number, one in enumerate((text, more)):
            await socket.subscribe(one, name=str(number))
            over_socket.append(str(await socket.receive()))
            await socket.receive()

    for answer in (*over_http, *over_socket):
        assert not [one for one in theirs if one in answer]
        assert "away" not in answer


async def test_a_stream_never_shows_another_workspace(scene: Scene) -> None:
    from tests.api.test_api_streams import AT, EVENTS
    from trading.events import PairUnlocked

    async with opened(scene, scene.home.tokens[Role.OWNER]) as socket:
        await socket.subscribe(EVENTS)
        await socket.event()
        for crowd, pair in ((scene.away, "AWAY/USDT"), (scene.home, "HOME/USDT")):
            fact = PairUnlocked(workspace_id=crowd.workspace.id, occurred_at=AT, pair=pair, reason="x")
            await scene.house.write(crowd.workspace.id, fact)
        found = await socket.event()

    assert found["pair"] == "HOME/USDT"


async def test_mail_addresses_are_shown_to_admins_and_to_oneself(scene: Scene) -> None:
    text = "{ members { edges { node { name email } } } }"
    viewer = await scene.web.data(text, token=scene.home.tokens[Role.VIEWER])
    admin = await scene.web.data(text, token=scene.home.tokens[Role.ADMIN])

    shown = {one["node"]["name"]: one["node"]["email"] for one in viewer["members"]["edges"]}
    assert {name for name, email in shown.items() if email} == {"viewer"}
    assert all(one["node"]["email"] for one in admin["members"]["edges"])


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "bwk_home_owner_token ",
        "BWK_home_owner_token",
        "bwk_home_owner_toke",
        "bwk_home_owner_tokenn",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJvd25lciJ9.",
        "' OR 1=1 --",
        "a" * 5000,
        "ключ",
    ],
)
async def test_a_forged_token_is_nobody(scene: Scene, token: str) -> None:
    authenticator = TokenAuthenticator(scene.house.store, scene.house.clock)

    assert await authenticator.session(token) is None


async def test_a_token_reaches_no_further_than_its_person_and_ends_with_its_time(scene: Scene) -> None:
    home = scene.home
    async with scene.house.store.transaction() as unit:
        await unit.members.add_token(
            home.workspace.id,
            user_id=home.members[Role.VIEWER].user_id,
            label="too much",
            role=Role.OWNER,
            secret_hash=token_hash("bwk_too_much"),
            expires_at=None,
        )
        await unit.members.add_token(
            home.workspace.id,
            user_id=home.members[Role.OWNER].user_id,
            label="old",
            role=Role.OWNER,
            secret_hash=token_hash("bwk_old"),
            expires_at=scene.house.clock.now(),
        )
    authenticator = TokenAuthenticator(scene.house.store, scene.house.clock)
    session = await authenticator.session("bwk_too_much")

    assert session is not None
    assert session.actor.role is Role.VIEWER
    assert await authenticator.session("bwk_old") is None

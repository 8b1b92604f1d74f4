"""Mutations: payloads, user errors, idempotency, versions, secrets that are shown once."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from api.ids import global_id
from desk.identity import Role
from tests.api.conftest import Scene

START = """mutation ($key: UUID!, $bot: ID!) { startBot(input: { idempotencyKey: $key, botId: $bot }) {
    bot { name desired version } userErrors { code message field retryable } idempotentReplay } }"""

CREATE = """mutation ($input: CreateBotInput!) { createBot(input: $input) {
    bot { id name desired parameters { name value } } userErrors { code message } idempotentReplay } }"""

CHANGE = """mutation ($input: ChangeConfigInput!) { changeConfig(input: $input) {
    bot { configVersion parameters { name value } } userErrors { code field } } }"""


def _new(**more: Any) -> dict[str, Any]:
    wanted = {"name": "fresh", "strategy": "trend_following", "pairs": ["BTC/USDT"], "allocation": 0.1}
    return {"input": {"idempotencyKey": str(uuid4()), **wanted, **more}}


async def _events(scene: Scene) -> list[str]:
    async with scene.house.store.reading() as unit:
        found = await unit.journal.after(scene.home.workspace.id, 0)
    return [type(one.event).__name__ for one in found]


async def test_a_bot_is_created_started_paused_resumed_and_stopped(scene: Scene) -> None:
    token = scene.home.tokens[Role.OWNER]
    made = (await scene.web.data(CREATE, _new(), token))["createBot"]
    key = {"bot": made["bot"]["id"]}
    states = [made["bot"]["desired"]]
    for verb, more in (("start", ""), ("pause", ', duration: "PT30M"'), ("resume", ""), ("stop", "")):
        text = (
            f"mutation ($key: UUID!, $bot: ID!) {{ {verb}Bot(input: {{ idempotencyKey: $key, botId: $bot{more} }}) "
            "{ bot { desired resumeAt } userErrors { code message } } }"
        )
        done = (await scene.web.data(text, {**key, "key": str(uuid4())}, token))[f"{verb}Bot"]
        assert done["userErrors"] == []
        states.append(done["bot"]["desired"])

    assert states == ["STOPPED", "RUNNING", "PAUSED", "RUNNING", "STOPPED"]
    assert (await _events(scene)).count("BotStateChanged") == 4


async def test_the_same_key_with_the_same_input_is_answered_again_and_done_once(scene: Scene) -> None:
    variables = {"key": str(uuid4()), "bot": global_id("Bot", scene.bot.id)}
    token = scene.home.tokens[Role.OPERATOR]
    first = (await scene.web.data(START, variables, token))["startBot"]
    again = (await scene.web.data(START, variables, token))["startBot"]

    assert (first["idempotentReplay"], again["idempotentReplay"]) == (False, True)
    assert again["bot"] == first["bot"]
    assert (await _events(scene)).count("BotStateChanged") == 1


async def test_twenty_twins_at_once_create_one_bot(scene: Scene) -> None:
    variables, token = _new(), scene.home.tokens[Role.ADMIN]
    answers = await asyncio.gather(*(scene.web.data(CREATE, variables, token) for _ in range(20)))

    made = {one["createBot"]["bot"]["id"] for one in answers if one["createBot"]["bot"]}
    assert len(made) == 1
    assert sum(not one["createBot"]["idempotentReplay"] for one in answers if one["createBot"]["bot"]) == 1
    assert (await _events(scene)).count("BotCreated") == 1


async def test_the_same_key_with_another_input_is_a_conflict(scene: Scene) -> None:
    variables, token = _new(), scene.home.tokens[Role.ADMIN]
    await scene.web.data(CREATE, variables, token)
    variables["input"]["name"] = "other"
    refused = (await scene.web.data(CREATE, variables, token))["createBot"]

    assert refused["bot"] is None
    assert [one["code"] for one in refused["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]


async def test_the_same_key_of_another_person_is_another_key(scene: Scene) -> None:
    key = str(uuid4())
    bot = global_id("Bot", scene.bot.id)
    await scene.web.data(START, {"key": key, "bot": bot}, scene.home.tokens[Role.OWNER])
    other = await scene.web.data(START, {"key": key, "bot": bot}, scene.home.tokens[Role.OPERATOR])

    assert other["startBot"]["idempotentReplay"] is False


async def test_what_is_wrong_with_a_bot_is_said_in_the_payload(scene: Scene) -> None:
    token = scene.home.tokens[Role.ADMIN]
    refused = [
        (await scene.web.data(CREATE, _new(**wrong), token))["createBot"]["userErrors"][0]
        for wrong in (
            {"strategy": "trend_folowing"},
            {"pairs": ["NO/PAIR"]},
            {"name": "bot-0"},
            {"parameters": [{"name": "nonsense", "value": "1"}]},
            {"timeframe": "7x"},
        )
    ]

    assert [one["code"] for one in refused] == [
        "NOT_FOUND",
        refused[1]["code"],
        "CONFLICT",
        "VALIDATION_FAILED",
        "VALIDATION_FAILED",
    ]
    assert refused[1]["code"] in {"NOT_FOUND", "VALIDATION_FAILED"}
    assert "trend_following" in refused[0]["message"]


async def test_a_configuration_that_moved_on_is_a_version_conflict_with_the_present_bot(scene: Scene) -> None:
    bot, token = global_id("Bot", scene.bot.id), scene.home.tokens[Role.ADMIN]

    def change(expected: int) -> dict[str, Any]:
        given = {"botId": bot, "parameters": [], "expectedVersion": expected}
        return {"input": {"idempotencyKey": str(uuid4()), **given}}

    done = (await scene.web.data(CHANGE, change(1), token))["changeConfig"]
    late = (await scene.web.data(CHANGE, change(1), token))["changeConfig"]

    assert (done["userErrors"], done["bot"]["configVersion"]) == ([], 2)
    assert late["userErrors"] == [{"code": "VERSION_CONFLICT", "field": ["input", "expectedVersion"]}]
    assert late["bot"]["configVersion"] == 2


async def test_a_bot_that_moved_on_is_not_deleted_and_not_moved_to_other_money(scene: Scene) -> None:
    token = scene.home.tokens[Role.OWNER]
    made = (await scene.web.data(CREATE, _new(), token))["createBot"]["bot"]
    texts = {
        name: f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) "
        "{ bot { name version } userErrors { code message field } } }"
        for name in ("deleteBot", "goPaper")
    }

    async def ask(name: str, expected: int) -> dict[str, Any]:
        given = {"idempotencyKey": str(uuid4()), "botId": made["id"], "expectedVersion": expected}
        found: dict[str, Any] = (await scene.web.data(texts[name], {"input": given}, token))[name]
        return found

    late = [await ask(name, 7) for name in texts]
    past = await ask("goPaper", 1)
    done = await ask("deleteBot", 1)

    conflict = {
        "code": "VERSION_CONFLICT",
        "message": "Bot 'fresh' is at version 1; version 7 was expected. Look at it as it is now, then ask again.",
        "field": ["input", "expectedVersion"],
    }
    assert late == [{"bot": {"name": "fresh", "version": 1}, "userErrors": [conflict]}] * 2
    assert "trades paper money already" in past["userErrors"][0]["message"]
    assert (done["bot"]["name"], done["userErrors"]) == ("fresh", [])


async def test_an_account_is_named_by_its_id_or_its_name(scene: Scene) -> None:
    token, account = scene.home.tokens[Role.OWNER], scene.home.account
    named = (await scene.web.data(CREATE, _new(name="first", accountId=account.name), token))["createBot"]
    by_id = _new(name="second", accountId=global_id("Account", account.id))
    known = (await scene.web.data(CREATE, by_id, token))["createBot"]
    wrong = [
        (await scene.web.data(CREATE, _new(accountId=given), token))["createBot"]["userErrors"][0]
        for given in ("Savings", global_id("Account", scene.away.account.id), global_id("Bot", account.id))
    ]

    assert [one["userErrors"] for one in (named, known)] == [[], []]
    assert [one["code"] for one in wrong] == ["NOT_FOUND"] * 3
    assert wrong[0]["message"].startswith(f"No account is called 'Savings'; {account.name}.")


async def test_a_new_token_is_shown_once_works_and_can_be_ended(scene: Scene) -> None:
    text = """mutation ($key: UUID!) { createApiToken(input: { idempotencyKey: $key, label: "script", role: VIEWER }) {
        token { id label role } secret userErrors { code } idempotentReplay } }"""
    variables, owner = {"key": str(uuid4())}, scene.home.tokens[Role.OWNER]
    made = (await scene.web.data(text, variables, owner))["createApiToken"]
    again = (await scene.web.data(text, variables, owner))["createApiToken"]
    works = await scene.web.data("{ viewer { role tokenId } }", token=made["secret"])
    revoked = await scene.web.data(
        "mutation ($id: ID!) { revokeApiToken(input: { tokenId: $id }) { token { revokedAt } userErrors { code } } }",
        {"id": made["token"]["id"]},
        owner,
    )

    assert (again["secret"], again["token"], again["idempotentReplay"]) == (None, made["token"], True)
    assert works["viewer"] == {"role": "VIEWER", "tokenId": made["token"]["id"]}
    assert revoked["revokeApiToken"]["token"]["revokedAt"]


async def test_panic_halts_the_account_at_once_and_is_released_by_an_admin_only(scene: Scene) -> None:
    panic = """mutation ($key: UUID!) { panicStop(input: { idempotencyKey: $key, reason: "test" }) {
        account { tradingState } report { wasHalted positionsOpen positionsClosing } userErrors { code message } } }"""
    release = """mutation ($key: UUID!) { releasePanic(input: { idempotencyKey: $key }) {
        account { tradingState } userErrors { code message } } }"""
    done = (await scene.web.data(panic, {"key": str(uuid4())}, scene.home.tokens[Role.OPERATOR]))["panicStop"]
    denied = (await scene.web.ask(release, {"key": str(uuid4())}, scene.home.tokens[Role.TRADER])).json()
    freed = (await scene.web.data(release, {"key": str(uuid4())}, scene.home.tokens[Role.ADMIN]))[
        "releasePanic"
    ]

    assert done["account"] == {"tradingState": "HALTED"}
    assert (done["report"]["wasHalted"], done["report"]["positionsOpen"]) == (False, 1)
    assert len(done["report"]["positionsClosing"]) == 1
    assert denied["errors"][0]["extensions"] == {"code": "FORBIDDEN", "needs": "ADMIN"}
    assert freed["account"] == {"tradingState": "ACTIVE"}


async def test_a_lock_is_set_listed_and_released(scene: Scene) -> None:
    token = scene.home.tokens[Role.OPERATOR]
    lock = """mutation ($key: UUID!) { lockPair(input: { idempotencyKey: $key, pair: "BTC/USDT", duration: "PT2H" }) {
        lock { pair reason } userErrors { message } } }"""
    unlock = """mutation ($key: UUID!) { unlockPair(input: { idempotencyKey: $key, pair: "BTC/USDT" }) {
        released userErrors { code } idempotentReplay } }"""
    locked = (await scene.web.data(lock, {"key": str(uuid4())}, token))["lockPair"]
    account = global_id("Account", scene.home.account.id)
    listed = await scene.web.data(
        "query ($id: ID!) { locks(accountId: $id) { pair } }", {"id": account}, token
    )
    key = {"key": str(uuid4())}
    released = [(await scene.web.data(unlock, key, token))["unlockPair"] for _ in range(2)]

    assert (locked["userErrors"], locked["lock"]["pair"]) == ([], "BTC/USDT")
    assert listed["locks"] == [{"pair": "BTC/USDT"}]
    assert [(one["released"], one["idempotentReplay"]) for one in released] == [(1, False), (1, True)]


async def test_an_alert_is_acknowledged_by_name(scene: Scene) -> None:
    token = scene.home.tokens[Role.OPERATOR]
    listed = await scene.web.data(
        "{ alerts { edges { node { id deliveries { channel status } } } } }", token=token
    )
    alert = listed["alerts"]["edges"][0]["node"]
    done = await scene.web.data(
        "mutation ($id: ID!) { acknowledgeAlert(input: { alertId: $id }) { alert { acknowledgedBy } userErrors { code } } }",
        {"id": alert["id"]},
        token,
    )

    assert alert["deliveries"] == [{"channel": "email", "status": "queued"}]
    assert "operator" in done["acknowledgeAlert"]["alert"]["acknowledgedBy"]


async def test_every_mutation_and_every_refusal_leaves_a_line_in_the_audit(scene: Scene) -> None:
    bot = global_id("Bot", scene.bot.id)
    await scene.web.ask(START, {"key": str(uuid4()), "bot": bot}, scene.home.tokens[Role.VIEWER])
    await scene.web.ask(START, {"key": str(uuid4()), "bot": bot}, scene.home.tokens[Role.OPERATOR])
    log = await scene.web.data(
        "{ auditLog { edges { node { actor channel action outcome detail } } } }",
        token=scene.home.tokens[Role.ADMIN],
    )

    lines = [(one["node"]["actor"], one["node"]["outcome"]) for one in log["auditLog"]["edges"]]
    assert lines == [("operator@graphql", "done"), ("viewer@graphql", "denied")]
    assert {one["node"]["action"] for one in log["auditLog"]["edges"]} == {"StartBot"}


async def test_a_list_of_more_than_a_hundred_is_refused(scene: Scene) -> None:
    token = scene.home.tokens[Role.OWNER]
    pairs = _new(pairs=[f"P{number}/USDT" for number in range(101)])
    values = _new(parameters=[{"name": f"p{number}", "value": "1"} for number in range(101)])
    refused = [
        (await scene.web.data(CREATE, given, token))["createBot"]["userErrors"][0]
        for given in (pairs, values)
    ]

    assert [one["code"] for one in refused] == ["VALIDATION_FAILED"] * 2
    assert [one["message"].split(" are allowed")[0] for one in refused] == [
        "101 pairs were given; 100",
        "101 parameters were given; 100",
    ]

"""Hooks: forged, replayed, flooded, stale, huge, slow and foreign messages; one signal for each real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from desk.commands import CreateWebhook, DeleteWebhook, RotateWebhook
from desk.hook_message import LARGEST, read_message
from desk.hooks import HookAnswer, Hooks, HookStatus, is_allowed, signature_of
from desk.identity import Role
from desk.people_views import IssuedWebhook
from desk.store import SqlStore
from desk.views import Bot, Filter, Page, SignalRecord
from server.webhooks import HookDoor
from tests.security.people_house import PeopleHouse, a_people_house
from tests.support.api_house import StoreHouse, furnish, people, serving
from tests.support.records import a_bot
from trading.errors import InvalidInput, NotFound, StoreProblem
from trading.events import SignalDetected

PEOPLE = {"adam": Role.ADMIN, "vera": Role.VIEWER}
PEER = "52.89.214.238"


@dataclass(slots=True, kw_only=True)
class HookHouse:
    """A house with a bot and its hook."""

    house: PeopleHouse
    bot: Bot
    hooks: Hooks
    issued: IssuedWebhook

    def body(self, **fields: Any) -> bytes:
        now = self.house.clock.now()
        return orjson.dumps({"alertId": "a1", "time": now, "pair": "BTC/USDT", "action": "buy"} | fields)

    async def send(self, body: bytes | None = None, **more: Any) -> HookAnswer:
        given = {"peer": PEER} | more
        path = given.pop("path", self.issued.path)
        return await self.hooks.receive(path, self.body() if body is None else body, **given)

    async def signals(self) -> list[SignalRecord]:
        async with self.house.store.reading() as tx:
            return list(await tx.signals.page(self.house.workspace.id, Filter(), Page(first=100)))


async def hooked(store: SqlStore, **wanted: Any) -> HookHouse:
    house = await a_people_house(store, PEOPLE)
    bot = replace(a_bot(house.workspace.id, house.account.id, "tide"), pairs=("BTC/USDT", "ETH/USDT"))
    async with store.transaction() as tx:
        await tx.bots.create(bot)
    made = await house.do(CreateWebhook(label="tv", bot_id=bot.id, **wanted), "adam")
    return HookHouse(house=house, bot=bot, hooks=Hooks(house.desk, venue="simulated"), issued=made.view)


async def test_a_message_becomes_one_signal_of_the_bot_and_a_fact(any_store: SqlStore) -> None:
    at = await hooked(any_store)

    answer = await at.send(at.body(price="42000.5", stop=41000, targets=[43000, "44000"], score=0.5))

    (signal,) = await at.signals()
    assert answer.status is HookStatus.ACCEPTED
    assert (signal.bot_id, signal.direction, signal.tag, str(signal.price)) == (
        at.bot.id,
        1,
        "hook:tv",
        "42000.5",
    )
    assert signal.outcome == "received"
    assert [type(one.event) for one in await at.house.facts()] == [SignalDetected]
    assert (await at.house.audit())[0].actor == "tv@webhook"


async def test_the_same_alert_a_hundred_times_at_once_is_one_signal(any_store: SqlStore) -> None:
    at = await hooked(any_store)

    answers = await asyncio.gather(*(at.send() for _ in range(100)))

    assert len(await at.signals()) == 1
    told = {(one.status, one.is_duplicate) for one in answers}
    assert told <= {(HookStatus.ACCEPTED, False), (HookStatus.ACCEPTED, True), (HookStatus.TOO_MANY, False)}
    assert sum(one.status is HookStatus.ACCEPTED and not one.is_duplicate for one in answers) == 1


async def test_a_flood_is_held_to_one_a_second_with_five_at_once(sqlite_store: SqlStore) -> None:
    at = await hooked(sqlite_store)
    first = [(await at.send(at.body(alertId=str(n)))).status for n in range(8)]
    at.house.clock.advance(1)
    later = [(await at.send(at.body(alertId=f"l{n}"))).status for n in range(2)]

    assert first == [HookStatus.ACCEPTED] * 5 + [HookStatus.TOO_MANY] * 3
    assert later == [HookStatus.ACCEPTED, HookStatus.TOO_MANY]


@pytest.mark.parametrize("seconds", [-61, 61, -86_400])
async def test_an_old_or_future_message_is_stale(sqlite_store: SqlStore, seconds: int) -> None:
    at = await hooked(sqlite_store)

    answer = await at.send(at.body(time=at.house.clock.now() + timedelta(seconds=seconds)))

    assert answer.status is HookStatus.STALE
    assert await at.signals() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"pair": "DOGE/USDT"},
        {"action": "buy everything"},
        {"quantity": 5},
        {"leverage": 100},
        {"price": "NaN"},
        {"price": -1},
        {"price": True},
        {"price": "1e99"},
        {"stop": [1]},
        {"targets": [1, 2, 3, 4]},
        {"score": 2},
        {"alertId": ""},
        {"alertId": "x" * 101},
        {"alertId": 7},
        {"tag": "a\nb"},
        {"time": "yesterday"},
        {"time": "2026-03-01T12:00:00"},
        {"time": 1e300},
        {"time": None},
    ],
    ids=str,
)
async def test_what_is_not_allowed_is_refused_and_counted(sqlite_store: SqlStore, fields: Any) -> None:
    at = await hooked(sqlite_store)

    answer = await at.send(at.body(**fields))

    assert answer.status is HookStatus.INVALID
    assert await at.signals() == []
    async with sqlite_store.reading() as tx:
        (hook,) = await tx.hooks.all(at.house.workspace.id)
    assert (hook.accepted, hook.rejected) == (0, 1)


@pytest.mark.parametrize("body", [b"", b"buy", b"[]", b"1", b'{"alertId": "a"', b"\xff\xfe", b"[" * 5000])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_message(body)


async def test_a_hook_speaks_only_of_its_own_pairs(sqlite_store: SqlStore) -> None:
    at = await hooked(sqlite_store, pairs=("eth/usdt",))

    assert (await at.send()).status is HookStatus.INVALID
    assert (await at.send(at.body(pair="eth/usdt"))).status is HookStatus.ACCEPTED
    with pytest.raises(InvalidInput):
        await at.house.do(CreateWebhook(label="x", bot_id=at.bot.id, pairs=("DOGE/USDT",)), "adam")


async def test_an_address_list_holds_against_everybody_else(sqlite_store: SqlStore) -> None:
    at = await hooked(sqlite_store, allow_list=("52.89.214.238", "10.0.0.0/8"))

    answers = [
        (await at.send(at.body(alertId=peer), peer=peer)).status for peer in (PEER, "10.1.2.3", "8.8.8.8", "")
    ]

    assert answers == [HookStatus.ACCEPTED, HookStatus.ACCEPTED, HookStatus.FOREIGN, HookStatus.FOREIGN]
    assert not is_allowed("::ffff:8.8.8.8", ("10.0.0.0/8",))


async def test_a_signed_hook_takes_signed_messages_only(sqlite_store: SqlStore) -> None:
    at = await hooked(sqlite_store, kind="HMAC")
    body, now = at.body(), int(at.house.clock.now().timestamp())
    good = signature_of(at.issued.secret, body, now)

    forged = [
        "",
        "t=,v1=",
        good.replace("t=", "t=0"),
        good[:-1],
        signature_of("other", body, now),
        signature_of("", body, now),
        signature_of(at.issued.secret, body + b" ", now),
        signature_of(at.issued.secret, body, now - 61),
        "é" + good,
    ]
    refused = []
    for one in forged:
        refused.append((await at.send(body, signature=one)).status)
        at.house.clock.advance(0.0)
        at.hooks._of_hooks._levels.clear()
    accepted = await at.send(body, signature=good)

    assert set(refused) == {HookStatus.UNSIGNED}
    assert accepted.status is HookStatus.ACCEPTED


async def test_guessed_paths_are_nothing_and_soon_too_many(sqlite_store: SqlStore) -> None:
    at = await hooked(sqlite_store)

    answers = [(await at.send(path=f"guess-{n:040d}")).status for n in range(30)]

    assert answers == [HookStatus.UNKNOWN] * 20 + [HookStatus.TOO_MANY] * 10
    assert (await at.send(path=at.issued.path)).status is HookStatus.ACCEPTED


async def test_a_rotated_or_deleted_path_is_dead_at_once(any_store: SqlStore) -> None:
    at = await hooked(any_store)
    hook_id = at.issued.webhook.id

    fresh = (await at.house.do(RotateWebhook(webhook_id=hook_id), "adam")).view
    old = (await at.send()).status
    new = (await at.send(path=fresh.path)).status
    await at.house.do(DeleteWebhook(webhook_id=hook_id), "adam")
    dead = (await at.send(at.body(alertId="b"), path=fresh.path)).status

    assert [old, new, dead] == [HookStatus.UNKNOWN, HookStatus.ACCEPTED, HookStatus.UNKNOWN]
    with pytest.raises(NotFound):
        await at.house.do(RotateWebhook(webhook_id=hook_id), "adam")


async def test_neither_path_nor_secret_is_in_the_database_or_a_repr(sqlite_store: SqlStore) -> None:
    at = await hooked(sqlite_store, kind="HMAC")
    files = b"".join(one.read_bytes() for one in sqlite_store.location.path.parent.glob("store.sqlite3*"))

    for secret in (at.issued.path, at.issued.secret):
        assert len(secret) == 47
        assert secret.encode() not in files
        assert secret not in repr(at.issued)


@pytest.fixture
async def web(sqlite_store: SqlStore) -> AsyncIterator[tuple[Any, str, Any]]:
    """A server on loopback with a hook."""
    house = StoreHouse(sqlite_store)
    crowd = await people(house)
    bot = await furnish(house, crowd)
    async with serving(house) as running:
        text = (
            "mutation ($i: CreateWebhookInput!) "
            "{ createWebhook(input: $i) { path webhook { urlMasked } userErrors { message } } }"
        )
        from uuid import uuid4

        from api.ids import global_id

        given = {"idempotencyKey": str(uuid4()), "label": "tv", "botId": global_id("Bot", bot.id)}
        made = await running.data(text, {"i": given}, crowd.tokens[Role.ADMIN])
        path = made["createWebhook"]["path"]
        assert made["createWebhook"]["webhook"]["urlMasked"] == f"/hooks/…{path[-4:]}"
        yield running, path, (house, bot, crowd)


async def test_over_http_a_hook_answers_after_the_insert_and_refuses_what_is_large(web: Any) -> None:
    running, path, (house, bot, crowd) = web
    body = {"alertId": "1", "time": house.clock.now().isoformat(), "pair": bot.pairs[0], "action": "exit"}

    good = await running.client.post(running.url + path, json=body)
    async with house.store.reading() as tx:
        found = await tx.signals.page(
            crowd.workspace.id, Filter(extra={"outcome": "received"}), Page(first=5)
        )
    large = await running.client.post(running.url + path, content=b" " * (LARGEST + 1))
    fetched = await running.client.get(running.url + path)
    unknown = await running.client.post(running.url + "/hooks/" + "x" * 43, json=body)

    assert (good.status_code, [one.direction for one in found]) == (202, [0])
    assert [large.status_code, fetched.status_code, unknown.status_code] == [413, 405, 404]


async def test_a_body_without_end_is_cut_off_and_a_lost_database_is_said() -> None:
    class Away:
        """Hooks whose database is away."""

        async def receive(self, *_: Any, **__: Any) -> HookAnswer:
            raise StoreProblem("away")

    async def never(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("a hook's request went on")

    async def said(receive: Any) -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        door = HookDoor(never, hooks=Away(), patience_s=0.05)  # type: ignore[arg-type]
        scope = {"type": "http", "path": "/hooks/x", "method": "POST", "headers": [], "client": ("::1", 1)}
        await door(scope, receive, send)
        status: int = sent[0]["status"]
        return status

    async def drip() -> Any:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def flood() -> Any:
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    async def whole() -> Any:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    assert [await said(one) for one in (drip, flood, whole)] == [408, 413, 503]

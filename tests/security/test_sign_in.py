"""Signing in: constant answers, short tokens that nobody can forge, rotation, reuse, and ends that count at once."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from desk.clock import ManualClock
from desk.commands import InviteMember, RemoveMember, SetMemberRole, SetPassword, SignOut, SignOutEverywhere
from desk.errors import TooManyTries
from desk.identity import Role
from desk.secrets import Secret
from desk.sessions import ACCESS_TTL, AUDIENCE, IDLE_TTL, ISSUER, TOKEN_TYPE, Sessions, Tokens
from desk.signing import BELIEVED_AFTER, KEY_AGE, KeysInMemory, SigningFile
from desk.store import SqlStore
from server.auth import CACHE_S, TokenAuthenticator
from tests.api.test_api_streams import opened
from tests.security.people_house import NOON, PeopleHouse, a_people_house
from tests.support.api_house import People, Running, StoreHouse, people, serving
from trading.errors import Denied, StoreProblem

PEOPLE = {"olga": Role.OWNER, "vera": Role.VIEWER}
GOOD = Secret("correct horse battery")


async def ready(store: SqlStore) -> PeopleHouse:
    """A house whose people have passwords."""
    house = await a_people_house(store, PEOPLE)
    for name in PEOPLE:
        await house.do(SetPassword(password=GOOD), name)
    return house


async def signed_in(house: PeopleHouse, login: str = "olga", **more: Any) -> Tokens:
    return await house.desk.sessions.sign_in(login=login, password=GOOD, **more)


def checks(house: PeopleHouse) -> TokenAuthenticator:
    return TokenAuthenticator(house.store, house.clock, house.desk.sessions)


@pytest.mark.parametrize("login", ["olga", "OLGA", "olga@home.example", " Olga@Home.Example "])
async def test_name_or_address_and_password_give_tokens_of_that_person(
    any_store: SqlStore, login: str
) -> None:
    house = await ready(any_store)

    tokens = await signed_in(house, login)
    session = await checks(house).session(tokens.access)

    assert session is not None
    assert (session.actor.name, session.actor.role, session.actor.session_id) == (
        "olga",
        Role.OWNER,
        tokens.session_id,
    )
    assert tokens.access_until - house.clock.now() == ACCESS_TTL
    assert tokens.access not in repr(tokens)
    assert tokens.refresh not in repr(tokens)


async def test_every_failure_is_answered_alike(sqlite_store: SqlStore) -> None:
    house = await ready(sqlite_store)
    answers = set()
    for login, password, workspace in (
        ("olga", "another good password", ""),
        ("nobody", GOOD.reveal(), ""),
        ("", GOOD.reveal(), ""),
        ("olga", "", ""),
        ("olga", GOOD.reveal(), "elsewhere"),
        ("olga\x00", GOOD.reveal(), ""),
        ("x" * 10_000, GOOD.reveal(), ""),
    ):
        with pytest.raises(Denied) as refusal:
            await house.desk.sessions.sign_in(login=login, password=Secret(password), workspace=workspace)
        answers.add((type(refusal.value), str(refusal.value)))

    assert len(answers) == 1


async def test_an_account_closes_after_five_failures_and_an_address_after_twenty(
    sqlite_store: SqlStore,
) -> None:
    house = await ready(sqlite_store)

    async def wrong(login: str, peer: str) -> type[BaseException]:
        with pytest.raises(Denied) as refusal:
            await house.desk.sessions.sign_in(login=login, password=Secret("wrong wrong"), peer=peer)
        return type(refusal.value)

    of_account = [await wrong("olga", f"10.0.0.{n}") for n in range(6)]
    with pytest.raises(TooManyTries):
        await signed_in(house, peer="10.9.9.9")
    of_address = [await wrong(f"guess{n}", "10.1.1.1") for n in range(21)]
    house.clock.advance(3)

    assert of_account == [Denied] * 5 + [TooManyTries]
    assert of_address == [Denied] * 20 + [TooManyTries]
    assert (await signed_in(house, peer="10.9.9.9")).actor.name == "olga"


def forged(house: PeopleHouse, tokens: Tokens) -> dict[str, str]:
    """Give tokens that look right and are not."""
    key = house.desk.sessions._keys.keys().current
    claims = jwt.decode(tokens.access, options={"verify_signature": False})
    own, other = key.private, Ed25519PrivateKey.generate()
    good = {"kid": key.kid, "typ": TOKEN_TYPE}
    now = int(house.clock.now().timestamp())

    def signed(changes: Any = None, *, by: Any = own, headers: Any = None, drop: str = "") -> str:
        body = {**claims, **(changes or {})}
        body.pop(drop, None)
        return jwt.encode(body, by, algorithm="EdDSA", headers=headers or good)

    def raw(header: dict[str, Any], body: dict[str, Any], signature: bytes = b"") -> str:
        parts = (orjson.dumps(header), orjson.dumps(body), signature)
        return ".".join(base64.urlsafe_b64encode(one).decode().rstrip("=") for one in parts)

    public = own.public_key().public_bytes_raw()
    rsa = generate_private_key(public_exponent=65537, key_size=2048)
    first, second, third = tokens.access.split(".")
    return {
        "alg none": raw({"alg": "none", **good}, claims),
        "alg NONE without kid": raw({"alg": "NONE", "typ": TOKEN_TYPE}, claims),
        "signed with the public key as a password": jwt.encode(
            claims, public, algorithm="HS256", headers=good
        ),
        "signed with RSA": jwt.encode(claims, rsa, algorithm="RS256", headers=good),
        "signed with another key": signed(by=other),
        "another key under an unknown id": signed(by=other, headers={**good, "kid": "theirs"}),
        "without a key id": signed(headers={"typ": TOKEN_TYPE}),
        "with a key of its own in the header": signed(by=other, headers={**good, "jwk": {"kty": "OKP"}}),
        "with an address for keys": signed(headers={**good, "jku": "https://evil.example/keys"}),
        "of another type": signed(headers={**good, "typ": "JWT"}),
        "for another audience": signed({"aud": "elsewhere"}),
        "for several audiences": signed({"aud": [AUDIENCE, "elsewhere"]}),
        "of another issuer": signed({"iss": ISSUER + "x"}),
        "expired": signed({"iat": now - 700, "nbf": now - 700, "exp": now - 100}),
        "not yet valid": signed({"nbf": now + 60}),
        "issued in the future": signed({"iat": now + 60}),
        "valid for a year": signed({"exp": now + 31_536_000}),
        "with a fractional time": signed({"exp": now + 60.5}),
        "with a time as text": signed({"exp": str(now + 60)}),
        "without an end": signed(drop="exp"),
        "without a session": signed(drop="sid"),
        "of another session": signed({"sid": "01a20733-1821-7013-8646-d040a2a151c9"}),
        "of another person": signed({"sub": house.members["vera"].user_id}),
        "of another workspace": signed({"ws": "elsewhere"}),
        "with a changed body": f"{first}.{second[:-2]}xx.{third}",
        "with a cut signature": tokens.access[:-2],
        "without a signature": f"{first}.{second}.",
        "with more behind": tokens.access + ".x",
        "the refresh token": tokens.refresh,
    }


async def test_forged_and_stale_tokens_are_nobody(sqlite_store: SqlStore) -> None:
    house = await ready(sqlite_store)
    tokens = await signed_in(house)
    tries = forged(house, tokens)
    authenticator = checks(house)

    found = {name: await authenticator.session(token) for name, token in tries.items()}

    assert len(tries) >= 14
    assert {name for name, session in found.items() if session is not None} == set()
    assert await authenticator.session(tokens.access) is not None


async def test_a_token_ends_with_its_time_and_clocks_may_be_a_little_apart(sqlite_store: SqlStore) -> None:
    house = await ready(sqlite_store)
    tokens = await signed_in(house)
    authenticator = checks(house)
    house.clock.advance(ACCESS_TTL.total_seconds() - 1)
    last = await authenticator.session(tokens.access)
    house.clock.advance(1)

    assert last is not None
    assert await authenticator.session(tokens.access) is None
    early = ManualClock(NOON - timedelta(seconds=4))
    slow = Sessions(house.store, early, house.desk.sessions._keys)
    assert slow.read(tokens.access) is not None


async def test_a_refresh_token_works_once_and_its_second_use_ends_the_session(any_store: SqlStore) -> None:
    house = await ready(any_store)
    first = await signed_in(house)
    house.clock.advance(60)
    second = await house.desk.sessions.refresh(first.refresh)
    third = await house.desk.sessions.refresh(second.refresh)

    with pytest.raises(Denied, match="ended"):
        await house.desk.sessions.refresh(first.refresh)

    with pytest.raises(Denied, match="ended"):
        await house.desk.sessions.refresh(third.refresh)
    for tokens in (first, second, third):
        assert await checks(house).session(tokens.access) is None
    assert (await house.audit())[0].outcome == "reused"


async def test_of_two_refreshes_at_once_one_wins_and_the_session_is_safe(any_store: SqlStore) -> None:
    house = await ready(any_store)
    tokens = await signed_in(house)

    answers = await asyncio.gather(
        *(house.desk.sessions.refresh(tokens.refresh) for _ in range(5)), return_exceptions=True
    )

    assert sum(isinstance(one, Tokens) for one in answers) <= 1
    assert await checks(house).session(tokens.access) is None


@pytest.mark.parametrize("token", ["", "bwr_", "bwr_" + "x" * 43, "x", "bwr_ключ", "bwr_" + "x" * 5000])
async def test_an_unknown_refresh_token_is_refused(sqlite_store: SqlStore, token: str) -> None:
    house = await ready(sqlite_store)

    with pytest.raises(Denied, match="ended"):
        await house.desk.sessions.refresh(token)


async def test_a_session_that_rested_a_week_ends(sqlite_store: SqlStore) -> None:
    house = await ready(sqlite_store)
    tokens = await signed_in(house)
    house.clock.advance(IDLE_TTL.total_seconds() + 1)

    with pytest.raises(Denied):
        await house.desk.sessions.refresh(tokens.refresh)


async def test_signing_out_ends_this_session_and_everywhere_ends_all(any_store: SqlStore) -> None:
    house = await ready(any_store)
    one, two, three = [await signed_in(house) for _ in range(3)]
    authenticator = checks(house)

    await house.desk.do(SignOut(), one.actor)
    house.clock.advance(CACHE_S)
    after_one = [await authenticator.session(tokens.access) for tokens in (one, two, three)]
    ended = (await house.desk.do(SignOutEverywhere(), two.actor)).view
    house.clock.advance(CACHE_S)
    after_all = [await authenticator.session(tokens.access) for tokens in (one, two, three)]

    assert [session is not None for session in after_one] == [False, True, True]
    assert ended == 2
    assert after_all == [None] * 3
    with pytest.raises(Denied):
        await house.do(SignOutEverywhere(user_id=house.members["olga"].user_id), "vera")


async def test_a_role_that_sinks_and_a_removal_count_within_the_cache(any_store: SqlStore) -> None:
    house = await ready(any_store)
    tokens = await signed_in(house, "vera")
    authenticator = checks(house)
    vera = house.members["vera"].user_id
    await house.do(SetMemberRole(user_id=vera, role=Role.OPERATOR), "olga")
    house.clock.advance(CACHE_S)
    raised = await authenticator.session(tokens.access)
    await house.do(RemoveMember(user_id=vera), "olga")
    house.clock.advance(CACHE_S)

    assert raised is not None
    assert raised.actor.role is Role.OPERATOR
    assert await authenticator.session(tokens.access) is None
    with pytest.raises(Denied):
        await house.desk.sessions.refresh(tokens.refresh)


async def test_an_invitation_sets_a_password_once_and_ends_what_was(any_store: SqlStore) -> None:
    house = await ready(any_store)
    old = await signed_in(house, "vera")
    issued = (await house.do(InviteMember(user_id="vera"), "olga")).view
    assert issued.code not in repr(issued)

    await house.desk.sessions.accept(issued.code, Secret("another good password"))

    with pytest.raises(Denied):
        await house.desk.sessions.accept(issued.code, GOOD)
    with pytest.raises(Denied):
        await house.desk.sessions.refresh(old.refresh)
    with pytest.raises(Denied):
        await signed_in(house, "vera")
    again = await house.desk.sessions.sign_in(login="vera", password=Secret("another good password"))
    assert again.actor.name == "vera"


def test_keys_on_disk_rotate_by_age_and_stay_believed_for_an_hour(tmp_path: Path) -> None:
    path = tmp_path / "signing.json"
    one = SigningFile(path, NOON)
    other = SigningFile(path, NOON)
    first = one.keys().current
    later = NOON + KEY_AGE
    rotated = SigningFile(path, later).keys()

    assert path.stat().st_mode & 0o777 == 0o600
    assert rotated.current.kid != first.kid
    assert other.keys().current.kid == rotated.current.kid
    assert set(rotated.checking(later)) == {first.kid, rotated.current.kid}
    assert set(rotated.checking(later + BELIEVED_AFTER)) == {rotated.current.kid}
    assert first.private.private_bytes_raw().hex() not in repr(one.keys())
    path.write_bytes(b"{}")
    with pytest.raises(StoreProblem, match="damaged"):
        SigningFile(path, NOON)
    path.chmod(0o640)
    with pytest.raises(StoreProblem, match="read by others"):
        SigningFile(path, NOON)


async def test_a_token_of_a_retired_key_is_believed_until_it_must_have_ended(sqlite_store: SqlStore) -> None:
    house = await ready(sqlite_store)
    keys = KeysInMemory(NOON)
    sessions = Sessions(house.store, house.clock, keys)
    tokens = await sessions.sign_in(login="olga", password=GOOD)

    keys.rotate(house.clock.now())
    believed = sessions.read(tokens.access)
    house.clock.advance(BELIEVED_AFTER.total_seconds())

    assert believed is not None
    assert sessions.read(tokens.access) is None


SIGN_IN = (
    "mutation ($l: String!, $p: String!) { signIn(input: {login: $l, password: $p}) "
    "{ accessToken refreshToken userErrors { code message } } }"
)
REFRESH = (
    "mutation ($t: String!) { refreshSession(input: {refreshToken: $t}) "
    "{ accessToken refreshToken userErrors { code } } }"
)


@pytest.fixture
async def served(sqlite_store: SqlStore) -> AsyncIterator[tuple[StoreHouse, People, Running]]:
    """A real server, with a password for the owner."""
    house = StoreHouse(sqlite_store)
    crowd = await people(house)
    async with serving(house) as web:
        text = 'mutation { setPassword(input: {password: "correct horse battery"}) { isSet } }'
        await web.data(text, token=crowd.tokens[Role.OWNER])
        yield house, crowd, web


async def test_a_revoked_sign_in_is_refused_within_five_seconds_over_http_and_its_socket_closes(
    served: Any,
) -> None:
    house, crowd, web = served
    given = (await web.data(SIGN_IN, {"l": "owner", "p": GOOD.reveal()}))["signIn"]
    token = given["accessToken"]
    scene = type("Scene", (), {"web": web, "house": house})()
    async with opened(scene, token) as socket:
        await socket.subscribe("subscription { events { kind } }")
        await socket.event()
        await web.data("{ viewer { role } }", token=token)
        began = time.monotonic()
        text = 'mutation { signOutEverywhere(input: {idempotencyKey: "4c4a9a8e-3a52-4bb3-9f5a-95dd0d8f1e55"}) { ended } }'
        assert (await web.data(text, token=crowd.tokens[Role.OWNER]))["signOutEverywhere"]["ended"] == 1
        while "errors" not in (await web.ask("{ viewer { role } }", token=token)).json():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        over_http = time.monotonic() - began
        code, _ = await socket.closed()
        over_socket = time.monotonic() - began

    assert code == 4403
    # The bound is the promise itself, not a speed: twice the two seconds that an answer is believed, and a margin.
    assert max(over_http, over_socket) <= 5.0


async def test_a_socket_goes_on_with_a_refreshed_session(served: Any) -> None:
    house, _, web = served
    given = (await web.data(SIGN_IN, {"l": "owner", "p": GOOD.reveal()}))["signIn"]
    scene = type("Scene", (), {"web": web, "house": house})()
    async with opened(scene, given["accessToken"]) as socket:
        await socket.subscribe(REFRESH, name="r", t=given["refreshToken"])
        answer = (await socket.receive())["payload"]["data"]["refreshSession"]
        (door,) = web.app.state.door.sockets

        assert answer["userErrors"] == []
        assert door.context.token == answer["accessToken"]


async def test_a_hundred_aliased_sign_ins_are_not_a_hundred_guesses(served: Any) -> None:
    _, _, web = served
    guesses = " ".join(
        f'g{n}: signIn(input: {{login: "owner", password: "guess {n} guess"}}) {{ userErrors {{ code }} }}'
        for n in range(10)
    )
    answer = (await web.ask("mutation { " + guesses + " }")).json()

    found = [one["userErrors"][0]["code"] for one in answer["data"].values()]
    assert found == ["FORBIDDEN"] * 5 + ["RATE_LIMITED"] * 5


async def test_a_dangerous_mutation_with_a_stale_proof_asks_for_a_fresh_one(served: Any) -> None:
    house, crowd, web = served
    async with house.store.transaction() as unit:
        await unit.members.set_role(crowd.workspace.id, crowd.members[Role.ADMIN].user_id, Role.TRADER)
    given = (await web.data(SIGN_IN, {"l": "owner", "p": GOOD.reveal()}))["signIn"]
    token = given["accessToken"]
    member = crowd.members[Role.VIEWER].user_id
    from api.ids import global_id

    text = (
        "mutation ($k: UUID!, $m: ID!) { setMemberRole(input: {idempotencyKey: $k, memberId: $m, role: ADMIN}) "
        "{ userErrors { code message } } }"
    )
    variables = {"k": "4c4a9a8e-3a52-4bb3-9f5a-95dd0d8f1e56", "m": global_id("Member", member)}

    before = await web.data(text, variables, token)
    proven = await web.data(
        'mutation { stepUp(input: {proof: "correct horse battery"}) { stepUpUntil userErrors { code } } }',
        token=token,
    )
    after = await web.data(text, variables, token)
    elsewhere = await web.data(text, variables, crowd.tokens[Role.OWNER])

    assert proven["stepUp"]["userErrors"] == []
    assert before["setMemberRole"]["userErrors"][0]["code"] == "STEP_UP_REQUIRED"
    assert after["setMemberRole"]["userErrors"][0]["code"] == "APPROVAL_PENDING"
    assert elsewhere["setMemberRole"]["userErrors"][0]["code"] == "STEP_UP_REQUIRED"

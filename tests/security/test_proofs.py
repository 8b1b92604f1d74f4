"""Passwords, second factors and step-ups: what counts as proof, for how long, and how often one may fail."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta

import pytest

from desk.clock import ManualClock
from desk.commands import BeginTotp, ConfirmTotp, ReleasePanic, SetPassword, StepUp
from desk.errors import ApprovalPending, StepUpRequired, TooManyTries
from desk.handlers.proofs import STEP_UP_TTL
from desk.identity import Role
from desk.passwords import fits, hashed, totp_code, totp_step
from desk.secrets import Secret
from desk.store import SqlStore
from desk.throttling import FREE_TRIES, LONGEST_WAIT_S, Throttling
from tests.security.people_house import NOON, PeopleHouse, a_people_house
from trading.errors import Denied, InvalidInput

PEOPLE = {"olga": Role.OWNER, "vera": Role.VIEWER}
GOOD = Secret("correct horse battery")


async def enrolled(house: PeopleHouse, name: str = "olga") -> bytes:
    """Give somebody a second factor."""
    draft = (await house.do(BeginTotp(), name)).view
    assert draft.secret not in repr(draft)
    secret = base64.b32decode(draft.secret)
    await house.do(ConfirmTotp(proof=Secret(totp_code(secret, house.clock.now()))), name)
    house.clock.advance(30)
    return secret


async def is_let_through(house: PeopleHouse, *, session: str = "") -> bool:
    try:
        await house.desk.do(ReleasePanic(), house.actor("olga", session=session))
    except StepUpRequired:
        return False
    except ApprovalPending:
        return True
    raise AssertionError("a single owner must wait")


async def test_a_password_is_argon2id_and_never_the_same_twice(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)
    await house.do(SetPassword(password=GOOD), "olga")
    async with sqlite_store.reading() as tx:
        stored = await tx.proofs.credentials(house.workspace.id, house.members["olga"].user_id)
        nobody = await tx.proofs.credentials("elsewhere", house.members["olga"].user_id)

    assert stored.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert stored.password_hash not in repr(stored)
    assert await fits(GOOD.reveal(), stored.password_hash)
    assert not await fits(GOOD.reveal() + " ", stored.password_hash)
    assert not await fits(GOOD.reveal(), "")
    assert await hashed(GOOD.reveal()) != stored.password_hash
    assert nobody.password_hash == ""


@pytest.mark.parametrize("weak", ["", "short", "aaaaaaaaaaaaaaaa", "x" * 257])
async def test_a_weak_password_is_refused_and_not_repeated(sqlite_store: SqlStore, weak: str) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)

    with pytest.raises(InvalidInput) as refusal:
        await house.do(SetPassword(password=Secret(weak)), "olga")

    assert not weak or weak not in str(refusal.value)


async def test_a_stolen_session_does_not_change_the_password(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)
    await house.do(SetPassword(password=GOOD), "olga")

    with pytest.raises(Denied, match="present password"):
        await house.do(SetPassword(password=Secret("another good one")), "olga")
    await house.do(SetPassword(password=Secret("another good one"), current=GOOD), "olga")

    with pytest.raises(Denied):
        await house.do(StepUp(proof=GOOD), "olga")


async def test_a_step_up_counts_for_five_minutes_in_its_own_session(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)
    await house.halt()
    await house.do(SetPassword(password=GOOD), "olga")
    before = await is_let_through(house, session="one")
    await house.desk.do(StepUp(proof=GOOD), house.actor("olga", session="one"))

    inside, elsewhere = await is_let_through(house, session="one"), await is_let_through(house, session="two")
    house.clock.advance(STEP_UP_TTL.total_seconds())
    after = await is_let_through(house, session="one")

    assert [before, inside, elsewhere, after] == [False, True, False, False]


async def test_with_a_second_factor_the_password_alone_proves_nothing(any_store: SqlStore) -> None:
    house = await a_people_house(any_store, PEOPLE)
    await house.do(SetPassword(password=GOOD), "olga")
    secret = await enrolled(house)

    with pytest.raises(Denied):
        await house.do(StepUp(proof=GOOD), "olga")
    await house.do(StepUp(proof=Secret(totp_code(secret, house.clock.now()))), "olga")


async def test_a_code_works_once(any_store: SqlStore) -> None:
    house = await a_people_house(any_store, PEOPLE)
    secret = await enrolled(house)
    code = Secret(totp_code(secret, house.clock.now()))

    answers = await asyncio.gather(
        *(house.do(StepUp(proof=code), "olga") for _ in range(3)), return_exceptions=True
    )

    assert sorted(isinstance(one, Denied) for one in answers) == [False, True, True]


async def test_a_code_of_the_last_or_next_step_fits_and_of_no_other() -> None:
    secret = b"12345678901234567890"

    found = [
        totp_step(secret, totp_code(secret, NOON + timedelta(seconds=30 * n)), NOON) for n in range(-3, 4)
    ]

    assert [one is not None for one in found] == [False, False, True, True, True, False, False]
    assert [totp_step(secret, bad, NOON) for bad in ("", "12345", "abcdef", "１２３４５６", "1234567")] == [
        None
    ] * 5
    # RFC 6238, appendix B: 59 s and 1111111109 s, cut to six digits.
    assert totp_code(secret, NOON.fromtimestamp(59, NOON.tzinfo)) == "287082"
    assert totp_code(secret, NOON.fromtimestamp(1_111_111_109, NOON.tzinfo)) == "081804"


async def test_a_second_factor_counts_only_after_its_first_code_and_is_replaced_with_proof_only(
    sqlite_store: SqlStore,
) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)
    draft = (await house.do(BeginTotp(), "olga")).view
    with pytest.raises(Denied, match="not of the new second factor"):
        await house.do(ConfirmTotp(proof=Secret("000000")), "olga")
    secret = await enrolled(house)
    thief = base64.b32decode((await house.do(BeginTotp(), "olga")).view.secret)

    with pytest.raises(StepUpRequired):
        await house.do(ConfirmTotp(proof=Secret(totp_code(thief, house.clock.now()))), "olga")

    assert draft.uri.startswith("otpauth://totp/Breakwater%20home%3Aolga?secret=")
    await house.do(StepUp(proof=Secret(totp_code(secret, house.clock.now()))), "olga")
    await house.do(ConfirmTotp(proof=Secret(totp_code(thief, house.clock.now()))), "olga")


async def test_failures_in_a_row_close_the_door_for_longer_and_longer(any_store: SqlStore) -> None:
    house = await a_people_house(any_store, PEOPLE)
    await house.do(SetPassword(password=GOOD), "olga")
    for _ in range(FREE_TRIES):
        with pytest.raises(Denied, match="not the code or password"):
            await house.do(StepUp(proof=Secret("wrong wrong wrong")), "olga")

    with pytest.raises(TooManyTries):
        await house.do(StepUp(proof=GOOD), "olga")
    restarted = house.restarted()
    with pytest.raises(TooManyTries):
        await restarted.do(StepUp(proof=GOOD), "olga")
    house.clock.advance(2)
    await house.do(StepUp(proof=GOOD), "olga")


async def test_many_at_once_count_as_many(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)
    await house.do(SetPassword(password=GOOD), "olga")

    answers = await asyncio.gather(
        *(house.do(StepUp(proof=Secret(f"guess {n} guess")), "olga") for n in range(30)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, TooManyTries) for one in answers) == 30 - FREE_TRIES


async def test_the_wait_doubles_up_to_a_quarter_of_an_hour(sqlite_store: SqlStore) -> None:
    clock = ManualClock(NOON)
    throttling = Throttling(sqlite_store, clock)
    waits = []
    for _ in range(FREE_TRIES + 12):
        await throttling.failed("k")
        try:
            await throttling.require_open("k")
        except TooManyTries as closed:
            waits.append(closed.wait.total_seconds())
            clock.advance(closed.wait.total_seconds())

    assert waits[:4] == [2, 4, 8, 16]
    assert waits[-1] == LONGEST_WAIT_S
    await throttling.succeeded("k")
    await throttling.failed("k")
    await throttling.require_open("k")

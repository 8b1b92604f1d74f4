"""Linking chat accounts: one-time codes, strangers, unlinking, and what the database shows of it."""

from __future__ import annotations

import asyncio
import base64

import pytest

from desk.commands import CreateChatLinkCode, RevokeChatLink
from desk.errors import TooManyTries
from desk.handlers.links import CODE_TTL, CODES_PER_HOUR
from desk.identity import Role
from desk.linking import BELIEVED_S, ChatIdentity
from desk.store import SqlStore
from tests.security.people_house import PeopleHouse, a_people_house
from trading.errors import BreakwaterError, Conflict, Denied, NotFound

PEOPLE = {"olga": Role.OWNER, "adam": Role.ADMIN, "vera": Role.VIEWER}


async def code_of(house: PeopleHouse, name: str) -> str:
    view = (await house.do(CreateChatLinkCode(), name)).view
    code: str = view.code
    assert code not in repr(view)
    return code


async def refused(people: ChatIdentity, user: str, code: str) -> str:
    with pytest.raises(BreakwaterError) as refusal:
        await people.redeem("telegram", user, "Mallory", code)
    return str(refusal.value)


async def test_a_code_makes_a_stranger_the_person_who_made_it_on_that_platform_only(
    any_store: SqlStore,
) -> None:
    house = await a_people_house(any_store, PEOPLE)
    people = ChatIdentity(house.desk)
    stranger = await people.actor("telegram", "4711")

    linked = await people.redeem("telegram", "4711", "Vera\n  V.", await code_of(house, "vera"))

    assert stranger is None
    assert (linked.user_id, linked.role, linked.channel) == (
        house.members["vera"].user_id,
        Role.VIEWER,
        "telegram",
    )
    assert await ChatIdentity(house.desk).actor("telegram", "4711") == linked
    assert await people.actor("discord", "4711") is None
    assert await people.actor("telegram", "471") is None
    async with any_store.reading() as tx:
        (link,) = await tx.links.all(house.workspace.id)
    assert (link.display_name, link.platform_user_id) == ("Vera V.", "4711")
    assert (await house.audit())[0].action == "LinkChat"


async def test_a_code_has_130_bits_and_no_two_are_alike(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)
    codes = {await code_of(house, name) for name in PEOPLE}

    assert len(codes) == len(PEOPLE)
    assert all(len(one) == 26 and base64.b32decode(one + "======") for one in codes)


async def test_a_code_works_once_within_ten_minutes_and_only_the_newest(any_store: SqlStore) -> None:
    house = await a_people_house(any_store, PEOPLE)
    people = ChatIdentity(house.desk)
    old, new = await code_of(house, "vera"), await code_of(house, "vera")
    late = await code_of(house, "adam")

    answers = {await refused(people, "1", old), await refused(people, "2", "A" * 26)}
    await people.redeem("telegram", "3", "Vera", new)
    answers.add(await refused(people, "4", new))
    house.clock.advance(CODE_TTL.total_seconds())
    answers.add(await refused(people, "5", late))

    assert len(answers) == 1, "a stranger must not learn why a code is no good"
    assert [await people.actor("telegram", one) for one in "1245"] == [None] * 4


async def test_a_hundred_who_send_one_code_at_once_become_one_link(any_store: SqlStore) -> None:
    house = await a_people_house(any_store, PEOPLE)
    code = await code_of(house, "vera")
    people = [ChatIdentity(house.desk) for _ in range(20)]

    answers = await asyncio.gather(
        *(one.redeem("telegram", str(n), "x", code) for n, one in enumerate(people)), return_exceptions=True
    )

    assert sum(not isinstance(one, BaseException) for one in answers) == 1
    async with any_store.reading() as tx:
        assert len(await tx.links.all(house.workspace.id)) == 1


async def test_five_wrong_codes_close_the_door_and_write_nothing(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)
    good = await code_of(house, "vera")
    people = ChatIdentity(house.desk)
    lines = len(await house.audit())

    for n in range(5):
        await refused(people, "666", f"WRONG{n}")
    with pytest.raises(TooManyTries):
        await people.redeem("telegram", "666", "Mallory", good)
    others = await people.redeem("telegram", "4711", "Vera", good)

    assert others.name == "vera"
    assert len(await house.audit()) == lines + 1
    house.clock.advance(601)
    assert "not valid" in await refused(people, "666", good)


@pytest.mark.parametrize(
    "code", ["", " ", "x" * 65, "ключключключ", "' OR 1=1 --", "\x00", "%", "A" * 10_000]
)
async def test_an_odd_code_is_a_wrong_code(sqlite_store: SqlStore, code: str) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)

    assert "not valid" in await refused(ChatIdentity(house.desk), "666", code)


async def test_a_code_that_a_group_could_read_is_burnt(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)
    people = ChatIdentity(house.desk)
    code = await code_of(house, "vera")

    with pytest.raises(Denied):
        await people.redeem("telegram", "4711", "Vera", code, is_private=False)

    await refused(people, "4712", code)
    assert await people.actor("telegram", "4711") is None


async def test_codes_are_few_in_an_hour(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)
    for _ in range(CODES_PER_HOUR):
        await code_of(house, "vera")

    with pytest.raises(Conflict, match="within the hour"):
        await code_of(house, "vera")
    house.clock.advance(3601)
    assert await code_of(house, "vera")


async def test_an_account_of_somebody_else_stays_theirs(any_store: SqlStore) -> None:
    house = await a_people_house(any_store, PEOPLE)
    people = ChatIdentity(house.desk)
    await people.redeem("telegram", "4711", "Vera", await code_of(house, "vera"))
    code = await code_of(house, "adam")

    with pytest.raises(Conflict, match="somebody else"):
        await people.redeem("telegram", "4711", "Adam", code)

    found = await ChatIdentity(house.desk).actor("telegram", "4711")
    assert found is not None
    assert found.name == "vera"
    await refused(people, "4712", code)


async def test_unlinking_and_losing_the_role_count_within_seconds(any_store: SqlStore) -> None:
    house = await a_people_house(any_store, PEOPLE)
    people = ChatIdentity(house.desk)
    await people.redeem("telegram", "1", "Vera", await code_of(house, "vera"))
    await people.redeem("telegram", "2", "Adam", await code_of(house, "adam"))
    async with any_store.reading() as tx:
        (link,) = await tx.links.all(house.workspace.id, user_id=house.members["vera"].user_id)

    await house.do(RevokeChatLink(link_id=link.id), "vera")
    async with any_store.transaction() as tx:
        await tx.members.set_role(house.workspace.id, house.members["adam"].user_id, Role.VIEWER)
    house.clock.advance(BELIEVED_S)

    assert await people.actor("telegram", "1") is None
    adam = await people.actor("telegram", "2")
    assert adam is not None
    assert adam.role is Role.VIEWER
    with pytest.raises(NotFound):
        await house.do(RevokeChatLink(link_id=link.id), "vera")


async def test_only_admins_end_links_of_others_and_nobody_those_of_another_workspace(
    sqlite_store: SqlStore,
) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)
    away = await a_people_house(sqlite_store, PEOPLE, workspace="away")
    await ChatIdentity(house.desk).redeem("discord", "9", "Adam", await code_of(house, "adam"))
    async with sqlite_store.reading() as tx:
        (link,) = await tx.links.all(house.workspace.id)

    with pytest.raises(NotFound):
        await house.do(RevokeChatLink(link_id=link.id), "vera")
    with pytest.raises(NotFound):
        await away.do(RevokeChatLink(link_id=link.id), "olga")
    await house.do(RevokeChatLink(link_id=link.id), "olga")

    async with sqlite_store.reading() as tx:
        assert await tx.links.all(house.workspace.id) == []


async def test_the_database_shows_neither_code_nor_account_nor_name(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)
    code = await code_of(house, "vera")
    await ChatIdentity(house.desk).redeem("telegram", "471147114711", "Veronika Vogel", code)

    files = b"".join(one.read_bytes() for one in sqlite_store.location.path.parent.glob("store.sqlite3*"))

    for secret in (code, "471147114711", "Veronika Vogel", "vera@home.example"):
        assert secret.encode() not in files

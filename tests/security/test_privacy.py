"""Personal data: sealed per person, given out whole, erased for good; every column of every table is classified."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import desk.store.models as models
from desk.approvals import APPROVAL_TTL
from desk.commands import (
    ApproveRequest,
    BeginTotp,
    CreateApiToken,
    CreateChatLinkCode,
    RequestDataErasure,
    RequestDataExport,
    SetPassword,
    SetPreference,
)
from desk.errors import ApprovalPending
from desk.identity import Role
from desk.keyring import KeyRing, key_ring_at, save_key_ring
from desk.linking import ChatIdentity
from desk.privacy import DataClass, pseudonym
from desk.secrets import Secret
from desk.sessions import Sessions
from desk.signing import KeysInMemory
from desk.store import SqlStore, open_store
from desk.store.repositories.privacy import ADDRESSED, OWN, SAID
from tests.security.people_house import PeopleHouse, a_people_house
from tests.support.records import a_delivery, an_alert
from trading.errors import Conflict, Denied, StoreProblem

PEOPLE = {"olga": Role.OWNER, "oscar": Role.OWNER, "adam": Role.ADMIN, "vera": Role.VIEWER}
PLANTED = ("vera@home.example", "4711471147114711", "Veronika Vogel", "Europe/Vienna")

MAP = tomllib.loads(
    (Path(models.__file__).resolve().parents[1] / "data_map.toml").read_text(encoding="utf-8")
)


def classified() -> dict[str, dict[str, DataClass]]:
    """Give the class of each column, by table."""
    return {
        table: {column: DataClass(name) for name, columns in classes.items() for column in columns.split()}
        for table, classes in MAP.items()
    }


def test_every_column_of_every_table_is_classified() -> None:
    real = {
        getattr(models, one)._meta.db_table: set(getattr(models, one)._meta.fields_map)
        for one in models.__all__
    }

    found = {table: set(columns) for table, columns in classified().items()}
    assert {table: found.get(table, set()) ^ columns for table, columns in real.items()} == {
        table: set() for table in real
    }
    assert set(found) == set(real)


def test_personal_columns_are_in_one_table_and_every_pointer_to_a_person_is_handled() -> None:
    found = classified()
    personal = {table for table, columns in found.items() if DataClass.PERSONAL in columns.values()}
    pointing = {table for table, columns in found.items() if columns.get("user_id") is DataClass.PERSON_ID}
    addressed = {table for table, columns in found.items() if columns.get("recipient") is DataClass.ADDRESS}
    kept = {"members", "users", "tokens", "sessions", "person_keys", "personal_data"}

    assert personal == {"personal_data"}
    assert pointing - kept == set(OWN) - {"members"}
    assert addressed == {*ADDRESSED, "deliveries"}
    assert {table for table, columns in found.items() if columns.get("user_id") is DataClass.PLACE} == {
        *SAID,
        "chat_updates",
    }


async def lived_in(store: SqlStore) -> PeopleHouse:
    """A house where vera left something of everything."""
    house = await a_people_house(store, PEOPLE)
    await house.do(SetPassword(password=Secret("correct horse battery")), "vera")
    await house.do(BeginTotp(), "vera")
    await house.do(SetPreference(language="fr", time_zone="Europe/Vienna"), "vera")
    code = (await house.do(CreateChatLinkCode(), "vera")).view.code
    await ChatIdentity(house.desk).redeem("telegram", PLANTED[1], PLANTED[2], code)
    sessions = Sessions(store, house.clock, KeysInMemory(house.clock.now()))
    await sessions.sign_in(login="VERA@home.example", password=Secret("correct horse battery"))
    owner = house.members["vera"].user_id
    await house.do(CreateApiToken(label="script", user_id=owner), "adam")
    alert = an_alert(house.workspace.id)
    async with store.transaction() as tx:
        mail = replace(a_delivery(alert), channel="email", recipient=PLANTED[0])
        await tx.alerts.add(alert, [mail])
    return house


async def dump(store: SqlStore) -> str:
    """Give every value of every table as text, as a database dump would."""
    parts = []
    async with store.reading() as tx:
        for one in models.__all__:
            table = getattr(models, one)._meta.db_table
            rows = await tx.connection.rows(f"SELECT * FROM {table}")
            parts += [f"{table}: {tuple(row)}" for row in rows]
    return "\n".join(parts)


async def test_an_export_holds_what_is_known_and_no_proof(any_store: SqlStore) -> None:
    house = await lived_in(any_store)

    document = (await house.do(RequestDataExport(), "vera")).view
    body = json.loads(document)

    for planted in PLANTED:
        assert planted in document.decode()
    assert body["personal_data"]["email"] == "vera@home.example"
    assert [len(body[one]) for one in ("chat_links", "sign_ins", "api_tokens")] == [1, 1, 1]
    assert {"SetPassword", "SetPreference"} <= {one["action"] for one in body["audit"]}
    for secret in ("argon2", "correct horse", "bwk_", "totp"):
        assert secret not in document.decode()


async def test_an_erased_person_is_in_no_dump_and_the_audit_still_holds(any_store: SqlStore) -> None:
    house = await lived_in(any_store)
    await house.do(RequestDataErasure(user_id=house.members["vera"].user_id), "olga")

    text = await dump(any_store)

    for planted in PLANTED:
        assert planted not in text
    async with any_store.reading() as tx:
        person = house.members["vera"].user_id
        assert await tx.members.by_id(house.workspace.id, person) is None
        assert await tx.privacy.facts_of(house.workspace.id, person) == {}
        assert (await tx.proofs.credentials(house.workspace.id, person)).password_hash == ""
        assert await tx.sessions.of_user(house.workspace.id, person) == []
        assert all(one.revoked_at for one in await tx.members.tokens(house.workspace.id))
        assert await tx.audit.first_bad(house.workspace.id) is None
    assert await ChatIdentity(house.desk).actor("telegram", PLANTED[1]) is None
    assert pseudonym(person) in text


async def test_whoever_wants_to_go_may_go_but_not_the_last_owner(sqlite_store: SqlStore) -> None:
    house = await lived_in(sqlite_store)
    await house.do(RequestDataErasure(), "vera")
    await house.do(RequestDataErasure(), "oscar")

    with pytest.raises(Conflict, match="last owner"):
        await house.do(RequestDataErasure(), "olga")


async def test_data_of_somebody_else_are_the_owners_business_and_an_admin_is_erased_by_two(
    sqlite_store: SqlStore,
) -> None:
    house = await lived_in(sqlite_store)
    vera, adam = house.members["vera"].user_id, house.members["adam"].user_id
    for command in (RequestDataExport(user_id=adam), RequestDataErasure(user_id=adam)):
        with pytest.raises(Denied):
            await house.do(command, "vera")
    with pytest.raises(Denied):
        await house.do(RequestDataExport(user_id=vera), "adam")

    with pytest.raises(ApprovalPending) as pending:
        await house.do(RequestDataErasure(user_id=adam), "olga")
    house.clock.advance(APPROVAL_TTL.total_seconds() / 2)
    await house.do(ApproveRequest(code=pending.value.approval.code), "oscar")

    async with sqlite_store.reading() as tx:
        assert await tx.members.by_id(house.workspace.id, adam) is None


async def test_addresses_are_sealed_by_the_key_file_and_nothing_opens_without_it(
    sqlite_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "keys.json"
    ring = key_ring_at(path)
    store = open_store(sqlite_url, ring=ring)
    house = await a_people_house(store, PEOPLE)
    await store.close()

    again = open_store(sqlite_url, ring=key_ring_at(path))
    async with again.reading() as tx:
        people = await tx.members.all(house.workspace.id)
        text = await dump(again)
    await again.close()
    without, stranger = open_store(sqlite_url), open_store(sqlite_url, ring=KeyRing.fresh())
    for other in (without, stranger):
        with pytest.raises(StoreProblem):
            async with other.reading() as tx:
                await tx.members.all(house.workspace.id)
        await other.close()

    assert {one.email for one in people} == {f"{name}@home.example" for name in PEOPLE}
    assert "home.example" not in text
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(StoreProblem, match="read by others"):
        key_ring_at(path)


async def test_a_new_key_seals_every_persons_key_anew_and_the_old_one_is_not_needed(
    sqlite_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "keys.json"
    store = open_store(sqlite_url, ring=key_ring_at(path))
    house = await a_people_house(store, PEOPLE)
    await store.close()
    rotated = key_ring_at(path).rotated()
    save_key_ring(path, rotated)

    store = open_store(sqlite_url, ring=key_ring_at(path))
    changed = await store.rewrap_person_keys()
    await store.close()
    only_new = KeyRing(
        keys={rotated.current: rotated.keys[rotated.current]}, current=rotated.current, pepper=rotated.pepper
    )
    store = open_store(sqlite_url, ring=only_new)
    async with store.reading() as tx:
        people = await tx.members.all(house.workspace.id)
        found = await tx.members.by_login(house.workspace.id, "OLGA@HOME.example")
    await store.close()

    assert changed == len(PEOPLE)
    assert people[0].email == "olga@home.example"
    assert found is not None


async def test_two_sealed_rows_that_are_swapped_do_not_open(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)
    async with sqlite_store.transaction() as tx:
        rows = await tx.connection.rows("SELECT id, sealed FROM personal_data ORDER BY id LIMIT 2")
        for (row_id, _), (_, sealed) in zip(rows, reversed(rows), strict=True):
            await tx.connection.change("UPDATE personal_data SET sealed = ? WHERE id = ?", sealed, row_id)

    with pytest.raises(StoreProblem, match="does not open"):
        async with sqlite_store.reading() as tx:
            await tx.members.all(house.workspace.id)


async def test_addresses_that_an_older_version_kept_readable_are_sealed(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)
    person = house.members["vera"].user_id
    async with sqlite_store.transaction() as tx:
        await tx.connection.change("DELETE FROM personal_data WHERE user_id = ?", person)
        await tx.connection.change("UPDATE users SET email = 'vera@old.example' WHERE id = ?", person)

    sealed = await sqlite_store.seal_plain_addresses()

    assert (await house.member("vera")).email == "vera@old.example"
    assert sealed == 1
    assert await sqlite_store.seal_plain_addresses() == 0
    assert "vera@old.example" not in await dump(sqlite_store)

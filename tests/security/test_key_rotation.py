"""Keys that change while processes work: what was sealed before, meanwhile and after can be read by all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk.assembly import rotate_keys
from desk.identity import Role
from desk.keyring import FILE_NAME, key_ring_at, rotating, save_key_ring
from desk.settings import Settings
from desk.store import SqlStore, open_store
from tests.security.people_house import a_people_house
from trading.errors import OperatorProblem, StoreProblem

PEOPLE = {"olga": Role.OWNER, "vera": Role.ADMIN, "omar": Role.TRADER}


def settings_of(folder: Path) -> Settings:
    """Give settings with their data in a folder."""
    return Settings(data_dir=folder)


async def addresses(store: SqlStore, workspace_id: str) -> list[str]:
    """Give everybody's address, which lies sealed."""
    async with store.reading() as tx:
        return [one.email for one in await tx.members.all(workspace_id)]


async def test_a_process_that_works_while_keys_change_reads_everybody_and_seals_with_the_new_key(
    tmp_path: Path,
) -> None:
    settings = settings_of(tmp_path)
    await rotate_keys(settings)
    working = open_store(f"sqlite:{tmp_path / 'breakwater.db'}", ring=key_ring_at(tmp_path / FILE_NAME))
    house = await a_people_house(working, PEOPLE)
    before = await addresses(working, house.workspace.id)

    changed = await rotate_keys(settings)
    after = await addresses(working, house.workspace.id)
    newest = key_ring_at(tmp_path / FILE_NAME).current
    async with working.transaction() as tx:
        sealed = [str(one) for (one,) in await tx.connection.rows("SELECT sealed_key FROM person_keys")]
        late = await tx.members.add(
            house.workspace.id, name="late", email="late@home.example", role=Role.VIEWER
        )
        key = await tx.connection.row("SELECT sealed_key FROM person_keys WHERE user_id = ?", late.user_id)
    await working.close()

    assert changed == len(PEOPLE)
    assert after == before
    assert {one.partition(".")[0] for one in sealed} == {newest}
    assert key is not None
    assert str(key[0]).startswith(f"{newest}.")


async def test_two_rotations_at_once_are_refused_and_no_key_is_dropped(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    await rotate_keys(settings)
    path = tmp_path / FILE_NAME
    known = set(key_ring_at(path).keys)

    with rotating(path), pytest.raises(OperatorProblem, match="one at a time"):
        await rotate_keys(settings)
    refused = set(key_ring_at(path).keys)
    await rotate_keys(settings)

    assert refused == known
    assert set(key_ring_at(path).keys) > known


def test_a_key_file_that_vanishes_or_is_spoilt_is_no_reason_to_forget_the_keys(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    ring = key_ring_at(path)
    sealed = ring.seal(b"word", "context")

    path.write_text("{")
    spoilt = ring.unseal(sealed, "context")
    path.unlink()
    gone = ring.unseal(sealed, "context")

    assert (spoilt, gone) == (b"word", b"word")


def test_a_key_that_no_file_has_is_told(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    ring = key_ring_at(path)
    newer = ring.rotated()
    sealed = newer.seal(b"word", "context")

    with pytest.raises(StoreProblem, match="sealed with key 'k2'; the key file has k1"):
        ring.unseal(sealed, "context")
    save_key_ring(path, newer)

    assert ring.unseal(sealed, "context") == b"word"

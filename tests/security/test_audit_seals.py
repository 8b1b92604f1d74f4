"""Signed heads of the audit: a chain written anew, a cut tail and a forged seal are found, by a copy kept elsewhere."""

from __future__ import annotations

import base64
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from desk.audit_seals import KEY_NAME, SEALS_NAME, AuditSeals, SealKeeper, Verdict, signed_text, verify
from desk.clock import ManualClock
from desk.store import SqlStore
from desk.views import Workspace
from tests.security.people_house import NOON
from trading.errors import StoreProblem


async def a_workspace(store: SqlStore, lines: int) -> Workspace:
    async with store.transaction() as tx:
        made = await tx.workspaces.create("home")
    await written(store, made, lines)
    return made


async def written(store: SqlStore, workspace: Workspace, lines: int, actor: str = "olga@graphql") -> None:
    async with store.transaction() as tx:
        for n in range(lines):
            await tx.audit.append(
                workspace.id,
                at=NOON,
                actor=actor,
                channel="graphql",
                action="SetLimit",
                subject=str(n),
                detail={"n": n},
                outcome="done",
            )


async def verdict(
    store: SqlStore, workspace: Workspace, seals: AuditSeals, copy: Path | None = None
) -> Verdict:
    async with store.reading() as tx:
        return await verify(tx, workspace.id, seals.read(copy))


async def forgotten(store: SqlStore, workspace: Workspace) -> None:
    """Empty the audit as somebody with all rights to the database could."""
    async with store.transaction() as tx:
        for trigger in ("audit_no_update", "audit_no_delete"):
            await tx.connection.change(f"DROP TRIGGER {trigger}")
        await tx.connection.change("DELETE FROM audit WHERE workspace_id = ?", workspace.id)
        await tx.connection.change(
            "UPDATE counters SET audit = 0, audit_head = '' WHERE workspace_id = ?", workspace.id
        )


async def test_heads_are_signed_hourly_where_lines_were_added(any_store: SqlStore, tmp_path: Path) -> None:
    clock, seals = ManualClock(NOON), AuditSeals(tmp_path)
    keeper = SealKeeper(any_store, clock, seals)
    home = await a_workspace(any_store, 3)

    counts = [await keeper.look(), await keeper.look()]
    await written(any_store, home, 2)
    clock.advance(timedelta(minutes=59).total_seconds())
    counts.append(await keeper.look())
    clock.advance(60)
    counts.append(await keeper.look())
    clock.advance(7200)
    counts.append(await keeper.look())

    assert counts == [1, 0, 0, 1, 0]
    assert [one.sequence for one in seals.read()] == [3, 5]
    found = await verdict(any_store, home, seals)
    assert found == Verdict(lines=5, seals=2, first_bad=None, broken_seals=())
    for name in (KEY_NAME, SEALS_NAME):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


async def test_a_chain_written_anew_holds_in_itself_and_not_against_the_seals(
    sqlite_store: SqlStore, tmp_path: Path
) -> None:
    seals = AuditSeals(tmp_path)
    home = await a_workspace(sqlite_store, 4)
    await SealKeeper(sqlite_store, ManualClock(NOON), seals).look()

    await forgotten(sqlite_store, home)
    await written(sqlite_store, home, 6, actor="nobody@graphql")
    found = await verdict(sqlite_store, home, seals)

    assert found.first_bad is None
    assert found.broken_seals == (4,)


async def test_a_tail_that_was_cut_is_found_by_its_seal(sqlite_store: SqlStore, tmp_path: Path) -> None:
    seals = AuditSeals(tmp_path)
    home = await a_workspace(sqlite_store, 4)
    await SealKeeper(sqlite_store, ManualClock(NOON), seals).look()

    await forgotten(sqlite_store, home)
    await written(sqlite_store, home, 3)

    assert (await verdict(sqlite_store, home, seals)).broken_seals == (4,)


async def test_a_seal_of_another_key_or_about_another_line_is_no_seal(
    sqlite_store: SqlStore, tmp_path: Path
) -> None:
    seals = AuditSeals(tmp_path)
    await a_workspace(sqlite_store, 2)
    await SealKeeper(sqlite_store, ManualClock(NOON), seals).look()
    [seal] = seals.read()
    stranger = Ed25519PrivateKey.generate()
    text = signed_text(seal.workspace_id, seal.sequence, seal.hash, seal.at)
    foreign = replace(seal, signature=base64.b64encode(stranger.sign(text)).decode())

    assert seal.is_genuine
    for forged in (
        foreign,
        replace(seal, sequence=1),
        replace(seal, hash="0" * 64),
        replace(seal, at="2020-01-01T00:00:00+00:00"),
        replace(seal, workspace_id="other"),
        replace(seal, signature="?"),
    ):
        assert not forged.is_genuine


async def test_a_line_that_a_crash_cut_off_costs_only_itself(sqlite_store: SqlStore, tmp_path: Path) -> None:
    clock, seals = ManualClock(NOON), AuditSeals(tmp_path)
    home = await a_workspace(sqlite_store, 2)
    await SealKeeper(sqlite_store, clock, seals).look()
    with seals.path.open("ab") as file:
        file.write(b'{"workspace_id":"cut off')

    await written(sqlite_store, home, 1)
    clock.advance(3601)
    await SealKeeper(sqlite_store, clock, seals).look()

    assert [one.sequence for one in seals.read()] == [2, 3]
    assert (await verdict(sqlite_store, home, seals)).is_whole


async def test_a_copy_kept_elsewhere_finds_what_a_new_file_and_key_would_hide(
    sqlite_store: SqlStore, tmp_path: Path
) -> None:
    clock, seals = ManualClock(NOON), AuditSeals(tmp_path)
    home = await a_workspace(sqlite_store, 2)
    await SealKeeper(sqlite_store, clock, seals).look()
    copy = tmp_path / "elsewhere.jsonl"
    copy.write_bytes(seals.path.read_bytes())

    await forgotten(sqlite_store, home)
    await written(sqlite_store, home, 2, actor="nobody@graphql")
    for name in (KEY_NAME, SEALS_NAME):
        (tmp_path / name).unlink()
    await SealKeeper(sqlite_store, clock, seals).look()

    assert (await verdict(sqlite_store, home, seals)).is_whole
    assert (await verdict(sqlite_store, home, seals, copy)).broken_seals == (2,)


def test_a_key_that_others_can_read_signs_nothing(tmp_path: Path) -> None:
    seals = AuditSeals(tmp_path)
    seals.add("home", 1, "0" * 64, NOON)
    (tmp_path / KEY_NAME).chmod(0o644)

    with pytest.raises(StoreProblem, match="can be read by others"):
        seals.add("home", 2, "1" * 64, NOON)

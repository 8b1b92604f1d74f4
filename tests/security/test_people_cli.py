"""Ways in from the machine's own command line."""

from __future__ import annotations

import asyncio
import io
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desk.assembly import HouseOptions, open_house
from desk.errors import TooManyTries
from desk.identity import Role
from desk.secrets import Secret
from desk.sessions import Sessions
from desk.signing import SigningFile
from tests.support.cli import assert_refused, breakwater
from trading.errors import Denied


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with an owner and a viewer."""

    async def furnish() -> None:
        options = HouseOptions(data_dir=tmp_path, is_trading=False, is_pumping=False)
        async with open_house(options) as house, house.store.transaction() as tx:
            home = await tx.workspaces.create("home")
            await tx.members.add(home.id, name="owner", email="o@home.example", role=Role.OWNER)
            await tx.members.add(home.id, name="vera", email="", role=Role.VIEWER)

    asyncio.run(furnish())
    return tmp_path


async def can_sign_in(folder: Path, login: str, password: str) -> bool:
    options = HouseOptions(data_dir=folder, is_trading=False, is_pumping=False)
    async with open_house(options) as house:
        signing = SigningFile(folder / "signing.json", datetime.now(UTC))
        sessions = Sessions(house.store, house.clock, signing)
        try:
            await sessions.sign_in(login=login, password=Secret(password))
        except TooManyTries:
            raise
        except Denied:
            return False
        return True


def test_a_first_owner_gets_a_password_and_rotated_keys_change_nothing_for_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    made = breakwater("user", "password", "owner", "--data-dir", folder)
    before = asyncio.run(can_sign_in(folder, "o@home.example", "correct horse battery"))
    rotated = breakwater("keys", "rotate", "--data-dir", folder, "--json")
    after = asyncio.run(can_sign_in(folder, "o@home.example", "correct horse battery"))

    assert made.code == 0, made
    assert "correct horse" not in made.out + made.err
    assert (before, after) == (True, True)
    assert rotated.json == {"resealed": 1}
    assert {(folder / one).stat().st_mode & 0o777 for one in ("keys.json", "signing.json")} == {0o600}


def test_codes_are_made_and_people_removed_from_the_command_line(folder: Path) -> None:
    linked = breakwater("user", "link", "vera", "--data-dir", folder, "--json")
    invited = breakwater("user", "invite", "vera", "--data-dir", folder, "--json")
    removed = breakwater("user", "remove", "vera", "--data-dir", folder)
    gone = breakwater("user", "link", "vera", "--data-dir", folder)

    assert len(linked.json["code"]) == len(invited.json["code"]) == 26
    assert removed.code == 0
    assert_refused(gone, "vera")


def test_a_changed_line_of_the_audit_is_named(folder: Path) -> None:
    breakwater("user", "link", "vera", "--data-dir", folder)
    breakwater("user", "sign-out", "vera", "--data-dir", folder)
    whole = breakwater("audit", "verify", "--data-dir", folder, "--json")
    with sqlite3.connect(folder / "breakwater.db") as connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("UPDATE audit SET actor = 'mallory@cli' WHERE sequence = 2")
    connection.close()
    broken = breakwater("audit", "verify", "--data-dir", folder, "--json")

    unsealed = {"seals": {"home": 0}, "broken_seals": {"home": []}}
    assert whole.code == 0
    assert whole.json == {"ok": True, "first_bad": {"home": None}, "lines": {"home": 2}, **unsealed}
    assert broken.code == 1
    assert broken.json["ok"] is False
    assert broken.json["first_bad"] == {"home": 2}

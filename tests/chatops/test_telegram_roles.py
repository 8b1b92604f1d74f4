"""Every command and every button, by everybody: only those who may change anything do, on the platforms' own way in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatops.commands import full_book
from desk.identity import Role
from desk.store import SqlStore
from tests.chatops.test_roles import _RULED, LINES, _line, _prepared, _state
from tests.chatops.test_telegram_conversation import DoorHouse, key, opened
from tests.support.door_people import Mouth

#: Commands whose first card is the owner's confirmation.
ASKING = sorted(
    word.name for word in full_book() if word.command is not None and word.danger.value in {"tap", "type"}
)


async def _said(door: DoorHouse, mouth: Mouth, line: str, *, in_group: bool = False) -> None:
    """Say a line as somebody, and confirm whatever is asked."""
    heard = mouth.says(line)
    if in_group:
        heard = replace(heard, place=replace(heard.place, chat_id="-100", is_private=False))
    before = len(door.platform.carried)
    await door.answering.take([heard])
    await door.idle()
    for reply in door.platform.carried[before:]:
        labels = [label for label, _ in reply["keys"]]
        if "Confirm" in labels:
            tap = replace(mouth.taps(key(dict(reply), "Confirm")), place=heard.place)
            await door.answering.take([tap])
            await door.idle()
            prompt = door.platform.carried[-1]
            if prompt["word"]:
                await door.answering.take([replace(mouth.says(prompt["word"]), place=heard.place)])
                await door.idle()


@pytest.mark.parametrize("name", sorted(LINES))
async def test_only_permitted_people_change_state_by_chat(sqlite_store: SqlStore, name: str) -> None:
    house = await _prepared(sqlite_store, name)
    word = full_book().find(name)
    assert word is not None
    line = await _line(house, name)
    needed = _RULED.get(name, word.role)

    async with opened(sqlite_store, house) as door:
        before = await _state(house)
        await _said(door, Mouth("mallory"), line)
        await _said(door, Mouth("mallory", said=90), line, in_group=True)
        for role in (one for one in Role if Role.STRANGER < one < needed):
            await _said(door, Mouth(role.name.lower()), line)
            await _said(door, Mouth(role.name.lower(), said=90), line, in_group=True)
            assert await _state(house) == before, f"{role.name} changed something with {line}"
        assert await _state(house) == before, f"a stranger changed something with {line}"

        allowed = next(role for role in Role if role > Role.STRANGER and role >= needed)
        await _said(door, Mouth(allowed.name.lower()), line)
        assert await _state(house) != before, f"{allowed.name} could not {line}"


@pytest.mark.parametrize("name", [one for one in ASKING if one in LINES])
async def test_nobody_elses_tap_confirms(sqlite_store: SqlStore, name: str) -> None:
    house = await _prepared(sqlite_store, name)
    line = await _line(house, name)

    async with opened(sqlite_store, house) as door:
        asked = await door.hear(Mouth("owner", chat_id="-100").says(line))
        labels = [label for label, _ in asked["keys"]]
        if "Confirm" not in labels:
            # Its preview found no danger in this house, so that there is nothing to tap: it was simply done.
            assert asked["card"] != "error", asked["text"]
            return
        before = await _state(house)
        for user in ("mallory", *(one.name.lower() for one in Role if Role.STRANGER < one < Role.OWNER)):
            for label in labels:
                await door.answering.take([Mouth(user, chat_id="-100").taps(key(asked, label), typed="demo")])
                await door.idle()
        assert await _state(house) == before

        await _said(door, Mouth("owner", chat_id="-100", said=9), line)
        assert await _state(house) != before

"""What the role matrix does not say: single nodes, addresses, tokens that are forged or reach too far."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.ids import global_id
from desk.commands import CreateApiToken, SetPreference
from desk.desk import token_hash
from desk.identity import Actor, Role
from server.auth import TokenAuthenticator
from tests.api.conftest import Scene
from tests.support.role_stage import ids_of
from trading.errors import Denied, InvalidInput


async def test_no_node_of_another_workspace_is_found_by_its_id(scene: Scene) -> None:
    foreign, own = await ids_of(scene.house, scene.away), await ids_of(scene.house, scene.home)
    own["Workspace"] = global_id("Workspace", scene.home.workspace.id)
    foreign["Workspace"] = global_id("Workspace", scene.away.workspace.id)
    text = "query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }"
    token = scene.home.tokens[Role.OWNER]

    theirs = await scene.web.data(text, {"ids": list(foreign.values())}, token)
    ours = await scene.web.data(text, {"ids": list(own.values())}, token)

    assert theirs["nodes"] == [None] * len(foreign)
    assert [one["__typename"] for one in ours["nodes"]] == list(own)


async def test_mail_addresses_are_shown_to_admins_and_to_oneself(scene: Scene) -> None:
    text = "{ members { edges { node { name email } } } }"
    viewer = await scene.web.data(text, token=scene.home.tokens[Role.VIEWER])
    admin = await scene.web.data(text, token=scene.home.tokens[Role.ADMIN])

    shown = {one["node"]["name"]: one["node"]["email"] for one in viewer["members"]["edges"]}
    assert {name for name, email in shown.items() if email} == {"viewer"}
    assert all(one["node"]["email"] for one in admin["members"]["edges"])


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "bwk_home_owner_token ",
        "BWK_home_owner_token",
        "bwk_home_owner_toke",
        "bwk_home_owner_tokenn",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJvd25lciJ9.",
        "' OR 1=1 --",
        "a" * 5000,
        "ключ",
    ],
)
async def test_a_forged_token_is_nobody(scene: Scene, token: str) -> None:
    authenticator = TokenAuthenticator(scene.house.store, scene.house.clock)

    assert await authenticator.session(token) is None


async def test_a_token_reaches_no_further_than_its_person_and_ends_with_its_time(scene: Scene) -> None:
    home = scene.home
    async with scene.house.store.transaction() as unit:
        await unit.members.add_token(
            home.workspace.id,
            user_id=home.members[Role.VIEWER].user_id,
            label="too much",
            role=Role.OWNER,
            secret_hash=token_hash("bwk_too_much"),
            expires_at=None,
        )
        await unit.members.add_token(
            home.workspace.id,
            user_id=home.members[Role.OWNER].user_id,
            label="old",
            role=Role.OWNER,
            secret_hash=token_hash("bwk_old"),
            expires_at=scene.house.clock.now(),
        )
    authenticator = TokenAuthenticator(scene.house.store, scene.house.clock)
    session = await authenticator.session("bwk_too_much")

    assert session is not None
    assert session.actor.role is Role.VIEWER
    assert await authenticator.session("bwk_old") is None


async def test_a_token_may_be_read_only_and_end_by_itself(scene: Scene) -> None:
    house, home = scene.house, scene.home
    owner = home.members[Role.OWNER]
    actor = Actor(
        workspace_id=home.workspace.id,
        user_id=owner.user_id,
        name=owner.name,
        role=Role.OWNER,
        channel="graphql",
    )
    made = CreateApiToken(
        label="screen",
        role=Role.OWNER,
        is_read_only=True,
        may_improvise=False,
        lives=timedelta(hours=1),
    )
    issued = (await house.desk.do(made, actor)).view
    session = await TokenAuthenticator(house.store, house.clock).session(issued.secret)
    async with house.store.reading() as unit:
        kept = {one.id: one for one in await unit.members.tokens(home.workspace.id)}[issued.token.id]

    assert session is not None
    assert not session.may_improvise
    with pytest.raises(Denied, match="may only read"):
        await house.desk.do(SetPreference(language="fr"), session.actor)
    assert issued.secret.startswith(kept.prefix)
    assert (len(kept.prefix), kept.scopes) == (8, ("read",))
    assert kept.last_used_at is not None
    assert kept.expires_at is not None
    for lives in (timedelta(seconds=5), timedelta(days=5000)):
        with pytest.raises(InvalidInput):
            await house.desk.do(CreateApiToken(label="x", lives=lives), actor)

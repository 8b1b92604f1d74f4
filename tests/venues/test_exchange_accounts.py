"""Keys to exchanges: tried before they are kept, refused when they can withdraw, sealed, renewed, forgotten."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from desk.bus import EventBus
from desk.clock import SystemClock
from desk.commands import AddExchangeAccount, DisableExchangeAccount, RotateExchangeKey
from desk.desk import Desk
from desk.errors import StepUpRequired, VersionMoved
from desk.exchange_ports import ExchangeSecret
from desk.handlers.exchanges import ExchangeAccount, ExchangeHandlers
from desk.identity import Actor, Role
from desk.keyring import KeyRing, key_ring_at, save_key_ring
from desk.secrets import Secret
from desk.settings import VenueSettings
from desk.store import SqlStore, open_store
from desk.venue_port import VenueRefusal
from desk.venues.probing import VenueProbe, open_account_venue
from desk.views import Page
from server.sim_exchange.app import RunningSim, SimOptions, running_sim
from tests.support.sim import address_of
from trading.errors import Denied, InvalidInput, OperatorProblem, StoreProblem

KEYS = {"first-key": "first-secret", "second-key": "second-secret"}


class House:
    """A store with its key file, a desk, and an exchange to try keys at."""

    def __init__(self, store: SqlStore, sim: RunningSim, actor: Actor, folder: Path) -> None:
        self.store, self.sim, self.actor, self.folder = store, sim, actor, folder
        self.addresses = {"binance": _places(sim)}
        self.desk = Desk(store, EventBus(), SystemClock())
        ExchangeHandlers(store, VenueProbe(self.addresses, SystemClock())).register(self.desk)

    async def add(
        self,
        *,
        name: str = "Spot",
        venue: str = "binance",
        api_key: str = "first-key",
        api_secret: str = "first-secret",
    ) -> ExchangeAccount:
        command = AddExchangeAccount(
            name=name, venue=venue, api_key=Secret(api_key), api_secret=Secret(api_secret)
        )
        view: ExchangeAccount = (await self.desk.do(command, self.actor)).view
        return view


def _places(sim: RunningSim) -> VenueSettings:
    address = address_of(sim)
    return VenueSettings(base_url=address.base_url, ws_url=address.ws_url, ws_api_url=address.ws_api_url)


@pytest_asyncio.fixture
async def house(sqlite_url: str, tmp_path: Path) -> AsyncIterator[House]:
    store = open_store(sqlite_url, clock=SystemClock(), ring=key_ring_at(tmp_path / "keys.json"))
    async with running_sim(SimOptions(volatility=0, keys=KEYS)) as sim:
        async with store.transaction() as tx:
            workspace = await tx.workspaces.create("Main")
            member = await tx.members.add(workspace.id, name="olga", email="", role=Role.OWNER)
        actor = Actor(
            user_id=member.user_id, workspace_id=workspace.id, name="olga", role=Role.OWNER, channel="cli"
        )
        try:
            yield House(store, sim, actor, tmp_path)
        finally:
            await store.close()


async def test_a_key_is_tried_and_the_account_holds_what_the_exchange_says(house: House) -> None:
    added = await house.add()

    assert added.account.venue == "binance"
    assert added.account.is_live
    assert added.account.capital == Decimal(100_000)
    assert (added.key.key_ending, added.key.withdrawal) == ("-key", "refused by the exchange")


async def test_a_key_that_can_withdraw_is_refused_and_nothing_is_kept(house: House) -> None:
    house.sim.control.set("key", {"key": "first-key", "may_withdraw": True})

    with pytest.raises(Denied, match="move money out"):
        await house.add()

    async with house.store.reading() as tx:
        assert list(await tx.accounts.all(house.actor.workspace_id)) == []
        assert list(await tx.exchange_keys.all(house.actor.workspace_id)) == []


async def test_a_key_that_the_exchange_does_not_know_is_refused(house: House) -> None:
    with pytest.raises(VenueRefusal):
        await house.add(api_secret="not-the-secret")


async def test_a_venue_that_is_not_known_is_named_with_the_nearest(house: House) -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'binance'"):
        await house.add(venue="binanse")


async def test_the_key_lies_nowhere_in_the_database_and_opens_only_with_its_key_file(house: House) -> None:
    added = await house.add()

    async with house.store.reading() as tx:
        opened = await tx.exchange_keys.open(house.actor.workspace_id, added.account.id)
    bytes_on_disk = b"".join(one.read_bytes() for one in house.folder.glob("store.sqlite3*"))
    assert opened is not None
    assert opened.api_secret.reveal() == "first-secret"
    assert b"first-secret" not in bytes_on_disk
    assert b"first-key" not in bytes_on_disk

    stranger = open_store(
        f"sqlite:{house.folder / 'store.sqlite3'}", clock=SystemClock(), ring=KeyRing.fresh()
    )
    try:
        async with stranger.reading() as tx:
            with pytest.raises(StoreProblem):
                await tx.exchange_keys.open(house.actor.workspace_id, added.account.id)
    finally:
        await stranger.close()


async def test_two_sealed_keys_that_were_swapped_do_not_open(house: House) -> None:
    one = await house.add()
    other = await house.add(name="Second", api_key="second-key", api_secret="second-secret")

    accounts = (one.account.id, other.account.id)
    with sqlite3.connect(house.folder / "store.sqlite3") as thief:
        sealed = dict(thief.execute("SELECT id, sealed FROM exchange_keys"))
        for here, there in (accounts, accounts[::-1]):
            thief.execute("UPDATE exchange_keys SET sealed = ? WHERE id = ?", (sealed[there], here))
    thief.close()

    async with house.store.reading() as tx:
        for account in (one.account, other.account):
            with pytest.raises(StoreProblem):
                await tx.exchange_keys.open(house.actor.workspace_id, account.id)


async def test_a_new_key_takes_the_place_of_the_old_one_and_the_old_seal_does_not_open_again(
    house: House,
) -> None:
    added = await house.add()
    command = RotateExchangeKey(
        account_id=added.account.id, api_key=Secret("second-key"), api_secret=Secret("second-secret")
    )

    renewed = (await house.desk.do(command, house.actor)).view

    async with house.store.reading() as tx:
        opened = await tx.exchange_keys.open(house.actor.workspace_id, added.account.id)
    assert opened is not None
    assert opened.api_key.reveal() == "second-key"
    assert (renewed.key.version, renewed.key.rotated_at is not None) == (2, True)


async def test_a_key_that_moved_on_is_neither_renewed_nor_forgotten(house: House) -> None:
    account = (await house.add()).account
    key, proof = Secret("second-key"), Secret("second-secret")
    renew = RotateExchangeKey(account_id=account.id, api_key=key, api_secret=proof, expected_version=1)
    await house.desk.do(renew, house.actor)

    for late in (renew, DisableExchangeAccount(account_id=account.id, expected_version=1)):
        with pytest.raises(VersionMoved, match="is at version 2; version 1 was expected"):
            await house.desk.do(late, house.actor)
    async with house.store.transaction() as tx:
        (seen,) = await tx.exchange_keys.all(house.actor.workspace_id)
        secret = ExchangeSecret(api_key=key, api_secret=proof, passphrase=Secret(""))
        stale = await tx.exchange_keys.rotate(replace(seen, version=1), secret, seen.created_at)

    assert (stale, seen.version, seen.disabled_at) == (None, 2, None)


async def test_the_keys_survive_a_rotation_of_the_key_file(house: House) -> None:
    added = await house.add()
    path = house.folder / "keys.json"
    save_key_ring(path, key_ring_at(path).rotated())

    again = open_store(
        f"sqlite:{house.folder / 'store.sqlite3'}", clock=SystemClock(), ring=key_ring_at(path)
    )
    try:
        changed = await again.rewrap_person_keys()
        async with again.reading() as tx:
            opened = await tx.exchange_keys.open(house.actor.workspace_id, added.account.id)
    finally:
        await again.close()

    assert changed >= 1
    assert opened is not None
    assert opened.api_secret.reveal() == "first-secret"


async def test_a_forgotten_key_opens_no_venue_and_a_kept_one_signs_in(house: House) -> None:
    added = await house.add()
    venue = await open_account_venue(house.store, added.account, house.addresses, SystemClock())
    held = await venue.balances()
    await venue.close()

    await house.desk.do(DisableExchangeAccount(account_id=added.account.id), house.actor)

    assert held["USDT"].total == Decimal(100_000)
    with pytest.raises(OperatorProblem, match="no key"):
        await open_account_venue(house.store, added.account, house.addresses, SystemClock())


@pytest.mark.parametrize("role", [Role.VIEWER, Role.TRADER, Role.ADMIN])
async def test_nobody_below_an_owner_adds_a_key(house: House, role: Role) -> None:
    house.actor = Actor(
        user_id=house.actor.user_id,
        workspace_id=house.actor.workspace_id,
        name="x",
        role=role,
        channel="graphql",
    )

    with pytest.raises(Denied):
        await house.add()


async def test_an_owner_from_afar_proves_again_who_it_is(house: House) -> None:
    house.actor = Actor(
        user_id=house.actor.user_id,
        workspace_id=house.actor.workspace_id,
        name="olga",
        role=Role.OWNER,
        channel="graphql",
    )

    with pytest.raises(StepUpRequired):
        await house.add()


async def test_the_audit_shows_stars_instead_of_keys(house: House) -> None:
    await house.add()

    async with house.store.reading() as tx:
        lines = await tx.audit.page(house.actor.workspace_id, Page(first=10))
    assert lines
    assert not any("first-secret" in repr(one) or "first-key" in repr(one) for one in lines)

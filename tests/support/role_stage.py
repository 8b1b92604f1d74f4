"""Two workspaces with one of everything behind one server, and what of the one may never be seen by the other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from api.ids import global_id, split_id
from desk.alerting.values import AlertRule
from desk.command_codec import as_text, command_hash
from desk.commands import ReleasePanic
from desk.desk import token_hash
from desk.entry_views import EntryRequest
from desk.identity import Role, new_id
from desk.people_views import Approval, Webhook
from desk.settings import Settings
from desk.store import SqlStore
from desk.views import AccountStatus, ConfigVersion, DeadLetter, EquityPoint, Filter, Job, Lock, Page
from tests.api.test_api_streams import opened
from tests.support.api_house import ROLES, People, Running, StoreHouse, furnish, people, serving
from tests.support.documents import CODES
from tests.support.filled import filled
from tests.support.markets import walk_candles

#: The neighbour's word: it is in every text of theirs and in none of anybody else.
THEIRS = "faraway"

#: A server that does not count requests: what is measured here is who may, not how often.
UNCOUNTED = replace(
    Settings(),
    api_requests_per_s=1_000_000.0,
    api_points_per_s=10_000_000.0,
    api_in_flight=1000,
    api_new_documents_per_s=10_000,
)


@dataclass(frozen=True, slots=True)
class Furnished:
    """A workspace with one of everything.

    Attributes:
        ids: of one thing of each kind, and the codes that people type in place of ids.
    """

    people: People
    ids: Mapping[str, str]

    @property
    def workspace_id(self) -> str:
        """Its own id."""
        return self.people.workspace.id


@dataclass(frozen=True, slots=True)
class Stage:
    """Two furnished workspaces behind one server, and a third one in which anything may happen."""

    house: StoreHouse
    web: Running
    home: Furnished
    away: Furnished
    spent: Furnished

    async def over_http(self, text: str, token: str) -> Mapping[str, Any]:
        """Send a document by POST."""
        found: Mapping[str, Any] = (await self.web.ask(text, token=token)).json()
        return found

    async def over_socket(self, texts: Mapping[str, str], token: str) -> dict[str, Mapping[str, Any]]:
        """Send documents one after the other over one socket."""
        answers: dict[str, Mapping[str, Any]] = {}
        async with opened(self, token) as socket:  # type: ignore[arg-type]
            for name, text in texts.items():
                await socket.subscribe(text, name=name)
                while True:
                    message = await socket.receive()
                    if message.get("id") != name:
                        continue
                    if message["type"] == "complete":
                        break
                    given = message["payload"]
                    answers[name] = {"errors": given} if message["type"] == "error" else given
                    if message["type"] == "error":
                        break
        return answers

    def leaks(self, answer: Mapping[str, Any], sent: str = "") -> list[str]:
        """Give what an answer shows of the neighbour; an id that the asker sent may come back in a refusal."""
        things = {one: split_id(one)[1] for kind, one in self.away.ids.items() if kind not in CODES}
        # An id of the API holds the id of the store: who sent the one knows the other.
        given = sent + "".join(raw for one, raw in things.items() if one in sent)
        secrets = [THEIRS, self.away.workspace_id, *self.away.ids.values(), *things.values()]
        data = json.dumps(without_refusals(answer))
        said = json.dumps([answer.get("errors"), answer.get("extensions"), refusals_of(answer)])
        return [one for one in secrets if one in data or (one in said and one not in given)]

    async def journals(self) -> list[int]:
        """Give how much happened in each workspace."""
        async with self.house.store.reading() as unit:
            return [await unit.journal.head(one.workspace_id) for one in (self.home, self.away)]


def _payloads(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one for one in (answer.get("data") or {}).values() if isinstance(one, dict)]


def refusals_of(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the user errors of an answer's payloads."""
    return [error for one in _payloads(answer) for error in one.get("userErrors") or ()]


def without_refusals(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Give the data of an answer without the user errors."""
    return {
        name: {field: value for field, value in one.items() if field != "userErrors"}
        if isinstance(one, dict)
        else one
        for name, one in (answer.get("data") or {}).items()
    }


async def ids_of(house: StoreHouse, crowd: People) -> dict[str, str]:
    """Give an id of everything that a workspace holds and that `node` finds."""
    own, page = crowd.workspace.id, Page(first=1)
    async with house.store.reading() as unit:
        found: dict[str, Any] = {
            "Bot": (await unit.bots.all(own))[0],
            "Account": crowd.account,
            "Order": (await unit.orders.page(own, Filter(), page))[0],
            "Position": (await unit.positions.page(own, Filter(), page))[0],
            "Trade": (await unit.positions.trades(own, Filter(), page))[0],
            "Signal": (await unit.signals.page(own, Filter(), page))[0],
            "Alert": (await unit.alerts.page(own, Filter(), page))[0],
        }
    ids = {kind: global_id(kind, one.id) for kind, one in found.items()}
    ids["Member"] = global_id("Member", crowd.members[Role.VIEWER].user_id)
    ids["ApiToken"] = global_id("ApiToken", crowd.token_ids[Role.VIEWER])
    return ids


async def furnished(house: StoreHouse, name: str, place: int) -> Furnished:
    """Make a workspace with everybody and one of everything in it; every text of it has its name."""
    crowd = await people(house, name)
    await furnish(house, crowd, offset=place)
    ids = await ids_of(house, crowd)
    own, now = crowd.workspace.id, house.clock.now()
    bot, account, viewer = split_id(ids["Bot"])[1], crowd.account.id, crowd.members[Role.VIEWER].user_id
    common = {"workspace_id": own, "bot_id": bot, "account_id": account, "user_id": viewer}
    later = now + timedelta(days=1)
    codes = {"approval code": f"{name[:5]}A".upper(), "entry code": f"{name[:5]}E".upper()}

    def one(cls: type[Any], **given: Any) -> Any:
        known = {key: value for key, value in common.items() if key in cls.__dataclass_fields__}
        fresh = {"id": new_id()} if "id" in cls.__dataclass_fields__ else {}
        return filled(cls, name, now, **{**known, **fresh, **given})

    letter, job, rule, hook = (
        one(DeadLetter),
        one(Job, group_id="", progress={"bars": [1, 2]}),
        one(AlertRule),
        one(Webhook),
    )
    async with house.store.transaction() as unit:
        for role in ROLES:
            # Otherwise the wish for a fresh proof would hide what comes after it.
            await unit.proofs.step_up(own, crowd.members[role].user_id, crowd.token_ids[role], later)
        await unit.messages.bury(replace(letter, replayed_at=None))
        await unit.jobs.add(job)
        await unit.notices.add_rule(rule)
        await unit.hooks.add(hook, path_hash=token_hash(name), secret=name)
        link = await unit.links.add(
            own, user_id=viewer, platform="telegram", platform_user_id=name, display_name=name, at=now
        )
        release = ReleasePanic(account_id=account)
        asked = one(
            Approval,
            command="ReleasePanic",
            command_hash=command_hash(release),
            code=codes["approval code"],
            expires_at=later,
        )
        await unit.approvals.add(asked, as_text(release))
        await unit.entries.ask(one(EntryRequest, code=codes["entry code"], expires_at=later))
        await unit.bots.add_config(own, one(ConfigVersion, version=2))
        await unit.accounts.save_status(own, one(AccountStatus))
        await unit.accounts.add_lock(own, one(Lock, until=later))
        await unit.accounts.add_equity(own, account, [EquityPoint(at=now, equity=crowd.account.capital)])
    more = {"DeadLetter": letter, "Job": job, "AlertRule": rule, "Webhook": hook, "ChatLink": link}
    return Furnished(
        crowd, {**ids, **{kind: global_id(kind, view.id) for kind, view in more.items()}, **codes}
    )


def nobodys(ids: Collection[str]) -> dict[str, str]:
    """Give ids and codes that never were."""
    return {kind: "NEVER1" if kind in CODES else global_id(kind, new_id()) for kind in ids}


@asynccontextmanager
async def staged(store: SqlStore) -> AsyncIterator[Stage]:
    """Furnish the workspaces and serve them."""
    house = StoreHouse(store)
    made = [await furnished(house, name, place) for name, place in (("home", 0), (THEIRS, 500), ("spent", 0))]
    async with house.store.transaction() as unit:
        bars = walk_candles(400, seed=5, pair="BTC/USDT")
        await unit.candles.add(replace(bars, venue=house.feed.venue))
    async with serving(house, UNCOUNTED) as web:
        yield Stage(house, web, *made)

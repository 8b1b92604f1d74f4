"""Limits: lowering is immediate, raising real money's needs two people and a fresh proof, and no race gets around it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from desk.commands import ApproveRequest, Command, SetLimit
from desk.desk import ConfirmationNeeded, proof_session
from desk.errors import ApprovalPending, StepUpRequired, VersionMoved
from desk.identity import Role
from desk.limits import COUNTS, LIMITS, change_of
from desk.people_views import Approval, ApprovalState
from desk.store import SqlStore
from desk.views import Account
from tests.security.people_house import PeopleHouse, a_people_house
from tests.support.api_house import StoreHouse, people, serving
from trading.errors import Conflict, Denied, InvalidInput
from trading.events import LimitChanged

PEOPLE = {"olga": Role.OWNER, "adam": Role.ADMIN, "anna": Role.ADMIN, "tom": Role.TRADER}


def limit(name: str, value: str | None, **more: object) -> SetLimit:
    return SetLimit(limit=name, value=None if value is None else Decimal(value), **more)  # type: ignore[arg-type]


async def a_house(store: SqlStore, **more: Any) -> PeopleHouse:
    """A house whose admin proved a moment ago who he is."""
    house = await a_people_house(store, PEOPLE, **more)
    for channel in ("graphql", "telegram"):
        adam = house.actor("adam", channel=channel)
        async with house.store.transaction() as tx:
            until = house.clock.now() + timedelta(minutes=5)
            await tx.proofs.step_up(house.workspace.id, adam.user_id, proof_session(adam), until)
    return house


async def account(house: PeopleHouse) -> Account:
    async with house.store.reading() as tx:
        found = await tx.accounts.by_id(house.workspace.id, house.account.id)
    assert found is not None
    return found


async def limits(house: PeopleHouse) -> dict[str, object]:
    return dict((await account(house)).settings.get("limits", {}))


async def asked(house: PeopleHouse, command: Command, name: str) -> Approval:
    with pytest.raises(ApprovalPending) as pending:
        await house.do(command, name)
    return pending.value.approval


async def test_lowering_a_limit_of_real_money_is_done_at_once_by_one_admin(any_store: SqlStore) -> None:
    house = await a_house(any_store)

    outcome = await house.do(limit("max_drawdown", "0.1", reason="a rough week"), "adam")

    assert await limits(house) == {"max_drawdown": 0.1}
    assert outcome.view.version == house.account.version + 1
    [fact] = [one.event for one in await house.facts() if isinstance(one.event, LimitChanged)]
    assert (fact.limit, fact.before, fact.after, fact.actor) == ("max_drawdown", "0.2", "0.1", "adam@graphql")
    with pytest.raises(Denied):
        await house.do(limit("max_drawdown", "0.05"), "tom")


@pytest.mark.parametrize(
    ("name", "value"), [("daily_loss", "0.06"), ("max_positions", "6"), ("daily_loss", None)]
)
async def test_raising_a_limit_of_real_money_needs_a_second_person(
    any_store: SqlStore, name: str, value: str | None
) -> None:
    house = await a_house(any_store)

    approval = await asked(house, limit(name, value), "adam")
    before = await limits(house)
    with pytest.raises(Denied, match="somebody else"):
        await house.do(ApproveRequest(code=approval.code), "adam")
    await house.do(ApproveRequest(code=approval.code), "anna")

    assert before == {}
    assert await limits(house) == {name: None if value is None else float(value)}
    done = next(one for one in await house.audit() if one.action == "SetLimit" and one.outcome == "done")
    assert (done.actor, done.detail["approved_by"]) == ("adam@graphql", "anna")


async def test_a_raise_needs_a_fresh_proof_of_who_asks_and_a_lowering_none(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)

    await house.do(limit("daily_loss", "0.04"), "adam")
    with pytest.raises(StepUpRequired):
        await house.do(limit("daily_loss", "0.05"), "adam")

    assert await limits(house) == {"daily_loss": 0.04}


@pytest.mark.parametrize("always_two", [False, True])
async def test_paper_money_is_raised_by_one_person_unless_the_house_always_asks_two(
    sqlite_store: SqlStore, always_two: bool
) -> None:
    house = await a_house(sqlite_store, is_live=False, always_two=always_two)

    if always_two:
        await asked(house, limit("max_positions", "9"), "adam")
    else:
        await house.do(limit("max_positions", "9"), "adam")

    assert await limits(house) == ({} if always_two else {"max_positions": 9})


async def test_what_became_a_raise_after_it_was_asked_is_refused(sqlite_store: SqlStore) -> None:
    house = await a_house(sqlite_store)
    needs_two = house.desk._needs_two

    async def lowered_meanwhile(command: Command, actor: object) -> bool:
        found = await needs_two(command, actor)  # type: ignore[arg-type]
        async with house.store.transaction() as tx:
            now = await account(house)
            settings = {"limits": {"daily_loss": 0.01}}
            assert await tx.accounts.save_settings(
                house.workspace.id, now.id, settings, expected_version=now.version
            )
        return found

    house.desk._needs_two = lowered_meanwhile  # type: ignore[method-assign]

    with pytest.raises(Conflict, match="meanwhile"):
        await house.do(limit("daily_loss", "0.04"), "adam")
    assert await limits(house) == {"daily_loss": 0.01}


async def test_a_change_of_an_account_that_moved_on_is_refused(sqlite_store: SqlStore) -> None:
    house = await a_house(sqlite_store)
    await house.do(limit("daily_loss", "0.04"), "adam")

    with pytest.raises(VersionMoved, match="version 2; version 1 was expected"):
        await house.do(limit("daily_loss", "0.03", expected_version=1), "adam")
    approval = await asked(house, limit("daily_loss", "0.05", expected_version=2), "adam")
    await house.do(limit("max_drawdown", "0.1"), "anna")
    await house.do(ApproveRequest(code=approval.code), "anna")

    async with house.store.reading() as tx:
        settled = await tx.approvals.by_id(house.workspace.id, approval.id)
    assert settled is not None
    assert settled.state is ApprovalState.FAILED
    assert (await limits(house))["daily_loss"] == 0.04


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (limit("daily_los", "0.1"), "daily_loss"),
        (limit("daily_loss", "5"), "above 0 up to 1"),
        (limit("daily_loss", "NaN"), "plain number"),
        (limit("max_positions", "2.5"), "whole number"),
        (limit("max_positions", "0"), "from 1 up"),
        (limit("gross_exposure", "-1"), "positive"),
        (limit("on_halt", "1"), "risk_per_trade"),
    ],
)
async def test_a_limit_that_cannot_be_is_refused_with_what_can(
    sqlite_store: SqlStore, command: SetLimit, words: str
) -> None:
    house = await a_house(sqlite_store)

    with pytest.raises(InvalidInput, match=words):
        await house.do(command, "adam")
    assert await limits(house) == {}


async def test_in_a_chat_a_lowering_is_tapped_and_a_raise_asks_for_the_accounts_name(
    sqlite_store: SqlStore,
) -> None:
    house = await a_house(sqlite_store)

    for value, code, word in (("0.04", "confirm.SetLimit", ""), ("0.06", "confirm.SetLimit.raise", "main")):
        with pytest.raises(ConfirmationNeeded) as needed:
            await house.do(limit("daily_loss", value), "adam", channel="telegram")
        assert (needed.value.preview.code, needed.value.preview.type_word) == (code, word)
        assert needed.value.preview.params["before"] == "0.05"


async def test_every_limit_is_lowered_by_less_and_raised_by_more_or_by_off(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, PEOPLE)
    at_half = {name: 5 if name in COUNTS else 0.5 for name in LIMITS}
    bare = replace(house.account, settings={"limits": at_half})

    for name in LIMITS:
        now = Decimal(5) if name in COUNTS else Decimal("0.5")
        assert change_of(bare, name, now).is_none
        assert change_of(bare, name, now + (1 if name in COUNTS else Decimal("0.1"))).is_raise
        assert change_of(bare, name, None).is_raise
        assert not change_of(bare, name, now - (1 if name in COUNTS else Decimal("0.1"))).is_raise


async def test_the_api_sets_a_limit_and_answers_a_version_conflict_with_the_account(
    sqlite_store: SqlStore,
) -> None:
    house = StoreHouse(sqlite_store)
    home = await people(house, "home")
    text = """mutation($input: SetLimitInput!) { setLimit(input: $input) {
        account { version } userErrors { code field } } }"""
    key = "00000000-0000-4000-8000-00000000000"

    asked: list[dict[str, Any]] = [
        {"value": "0.03", "expectedVersion": 1},
        {"value": "0.02", "expectedVersion": 1},
        {},
        {"off": True},
    ]
    async with serving(house) as web:
        answers = []
        for n, more in enumerate(asked):
            given = {"input": {"idempotencyKey": f"{key}{n}", "limit": "daily_loss", **more}}
            answer = await web.ask(text, given, home.tokens[Role.ADMIN])
            answers.append(answer.json()["data"]["setLimit"])

    assert answers[0] == {"account": {"version": 2}, "userErrors": []}
    conflict = {"code": "VERSION_CONFLICT", "field": ["input", "expectedVersion"]}
    assert answers[1] == {"account": {"version": 2}, "userErrors": [conflict]}
    assert [one["code"] for one in answers[2]["userErrors"]] == ["VALIDATION_FAILED"]
    assert answers[3] == {"account": {"version": 3}, "userErrors": []}

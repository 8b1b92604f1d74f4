"""Two-person approvals: who may, what is bound, what survives, and that silence never agrees."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from desk.approvals import APPROVAL_TTL, SOLO_DELAY
from desk.command_codec import as_text, command_hash, from_text
from desk.commands import (
    COMMANDS,
    AddMember,
    ApproveRequest,
    ChangeConfig,
    Command,
    CreateBot,
    PauseBot,
    RejectRequest,
    ReleasePanic,
    SetMemberRole,
    SetPassword,
    StepUp,
)
from desk.desk import ConfirmationNeeded
from desk.errors import ApprovalPending, StepUpRequired
from desk.identity import Role
from desk.people_views import Approval, ApprovalState
from desk.secrets import Secret
from desk.store import SqlStore
from tests.security.people_house import PeopleHouse, a_people_house
from trading.errors import Conflict, Denied, InvariantBroken, NotFound
from trading.events import ApprovalRequested, ApprovalSettled, TradingState

TWO = {
    "olga": Role.OWNER,
    "adam": Role.ADMIN,
    "anna": Role.ADMIN,
    "tom": Role.TRADER,
    "otto": Role.OPERATOR,
    "vera": Role.VIEWER,
}
SOLO = {"olga": Role.OWNER, "tom": Role.TRADER, "otto": Role.OPERATOR, "vera": Role.VIEWER}


async def asked(house: PeopleHouse, command: Command, name: str, *, channel: str = "graphql") -> Approval:
    """Ask for something that needs a second person."""
    with pytest.raises(ApprovalPending) as pending:
        await house.do(command, name, channel=channel)
    return pending.value.approval


async def as_now(house: PeopleHouse, approval: Approval) -> Approval:
    async with house.store.reading() as tx:
        found = await tx.approvals.by_id(house.workspace.id, approval.id)
    assert found is not None
    return found


async def test_a_halt_of_real_money_is_released_by_two_people_only(any_store: SqlStore) -> None:
    house = await a_people_house(any_store, TWO)
    await house.halt()

    approval = await asked(house, ReleasePanic(reason="checked"), "adam")
    state_before = await house.state()
    await house.do(ApproveRequest(code=approval.code.lower()), "olga", channel="telegram")

    assert state_before is TradingState.HALTED
    assert await house.state() is TradingState.ACTIVE
    settled = await as_now(house, approval)
    assert (settled.state, settled.decided_by) == (ApprovalState.DONE, "olga")
    done = next(one for one in await house.audit() if one.action == "ReleasePanic" and one.outcome == "done")
    assert done.actor == "adam@graphql"
    assert done.detail["approved_by"] == "olga"
    kinds = [type(one.event) for one in await house.facts()]
    assert kinds.count(ApprovalRequested) == 1
    assert kinds.count(ApprovalSettled) == 1


@pytest.mark.parametrize("name", ["adam", "tom", "otto", "vera"])
async def test_neither_the_asker_nor_a_lower_role_can_approve(sqlite_store: SqlStore, name: str) -> None:
    house = await a_people_house(sqlite_store, TWO)
    await house.halt()
    approval = await asked(house, ReleasePanic(), "adam")

    with pytest.raises(Denied):
        await house.do(ApproveRequest(code=approval.code), name, channel="discord")

    assert await house.state() is TradingState.HALTED
    assert (await as_now(house, approval)).state is ApprovalState.PENDING


async def test_silence_never_approves_and_a_late_yes_does_nothing(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, TWO)
    await house.halt()
    approval = await asked(house, ReleasePanic(), "adam")
    house.clock.advance(APPROVAL_TTL.total_seconds() + 1)

    with pytest.raises(Conflict, match="ended"):
        await house.do(ApproveRequest(code=approval.code), "olga")
    await house.desk.approvals.look()

    assert (await as_now(house, approval)).state is ApprovalState.EXPIRED
    assert await house.state() is TradingState.HALTED
    with pytest.raises(Conflict, match="expired already"):
        await house.do(ApproveRequest(code=approval.code), "olga")


async def test_a_rejected_request_stays_rejected(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, TWO)
    await house.halt()
    approval = await asked(house, ReleasePanic(), "adam")

    with pytest.raises(Denied, match="may be rejected by"):
        await house.do(RejectRequest(code=approval.code), "vera")
    await house.do(RejectRequest(code=approval.code), "anna")

    with pytest.raises(Conflict, match="rejected already"):
        await house.do(ApproveRequest(code=approval.code), "olga")
    assert await house.state() is TradingState.HALTED


async def test_the_same_request_twice_is_one_and_other_arguments_are_another(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, TWO)
    await house.halt()

    first = await asked(house, ReleasePanic(reason="a"), "adam")
    again = await asked(house, ReleasePanic(reason="a"), "adam")
    other = await asked(house, ReleasePanic(reason="b"), "adam")

    assert first.id == again.id != other.id


async def test_state_is_looked_at_again_when_it_is_carried_out(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, TWO)
    await house.halt()
    first = await asked(house, ReleasePanic(reason="a"), "adam")
    second = await asked(house, ReleasePanic(reason="b"), "anna")

    await house.do(ApproveRequest(code=first.code), "olga")
    await house.do(ApproveRequest(code=second.code), "olga")

    failed = await as_now(house, second)
    assert failed.state is ApprovalState.FAILED
    assert "not halted" in failed.outcome


async def test_whoever_lost_the_role_meanwhile_gets_nothing(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, TWO)
    await house.halt()
    approval = await asked(house, ReleasePanic(), "adam")
    async with house.store.transaction() as tx:
        await tx.members.set_role(house.workspace.id, house.members["adam"].user_id, Role.VIEWER)

    await house.do(ApproveRequest(code=approval.code), "olga")

    assert (await as_now(house, approval)).state is ApprovalState.FAILED
    assert await house.state() is TradingState.HALTED


async def test_an_approval_cut_off_before_it_was_carried_out_is_finished_after_a_restart_once(
    any_store: SqlStore,
) -> None:
    house = await a_people_house(any_store, TWO)
    await house.halt()
    approval = await asked(house, ReleasePanic(), "adam")

    class CutOff(BaseException):
        """The process ends here."""

    async def cut_off(approval: Approval) -> None:
        raise CutOff

    house.desk.approvals.carry_out = cut_off  # type: ignore[method-assign]
    with pytest.raises(CutOff):
        await house.do(ApproveRequest(code=approval.code), "olga")
    assert (await as_now(house, approval)).state is ApprovalState.APPROVED
    assert await house.state() is TradingState.HALTED

    one, two = house.restarted(), house.restarted()
    await asyncio.gather(one.desk.approvals.look(), two.desk.approvals.look())

    assert await house.state() is TradingState.ACTIVE
    done = [x for x in await house.audit() if x.action == "ReleasePanic" and x.outcome == "done"]
    assert len(done) == 1
    assert (await as_now(house, approval)).state is ApprovalState.DONE


async def test_two_approvers_at_once_carry_it_out_once(any_store: SqlStore) -> None:
    house = await a_people_house(any_store, TWO)
    await house.halt()
    approval = await asked(house, ReleasePanic(), "adam")

    answers = await asyncio.gather(
        house.do(ApproveRequest(code=approval.code), "olga"),
        house.do(ApproveRequest(code=approval.code), "anna"),
        return_exceptions=True,
    )

    assert sorted(isinstance(one, Conflict) for one in answers) == [False, True]
    done = [x for x in await house.audit() if x.action == "ReleasePanic" and x.outcome == "done"]
    assert len(done) == 1


async def test_arguments_that_were_altered_in_the_database_are_never_carried_out(
    sqlite_store: SqlStore,
) -> None:
    house = await a_people_house(sqlite_store, TWO)
    command = SetMemberRole(user_id=house.members["vera"].user_id, role=Role.ADMIN)
    approval = await asked(house, command, "olga")
    altered = SetMemberRole(user_id=house.members["vera"].user_id, role=Role.OWNER)
    async with sqlite_store.transaction() as tx:
        sealed = await tx.approvals._personal.seal_secret(  # type: ignore[attr-defined]
            house.workspace.id, approval.requested_by, approval.id, as_text(altered).encode()
        )
        await tx.connection.change("UPDATE approvals SET arguments = ?", sealed)

    with pytest.raises(InvariantBroken, match="not those that were asked for"):
        await house.do(ApproveRequest(code=approval.code), "adam")

    assert (await house.member("vera")).role is Role.VIEWER


async def test_a_code_of_another_workspace_is_not_found(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, TWO)
    other = await a_people_house(sqlite_store, TWO, workspace="away")
    await house.halt()
    approval = await asked(house, ReleasePanic(), "adam")

    for wanted in (approval.code, approval.id):
        with pytest.raises(NotFound):
            await other.do(ApproveRequest(code=wanted), "olga")

    assert await house.state() is TradingState.HALTED


@pytest.mark.parametrize(
    ("role", "before", "needs_two"),
    [
        (Role.OPERATOR, "vera", False),
        (Role.TRADER, "otto", False),
        (Role.ADMIN, "tom", True),
        (Role.OWNER, "anna", True),
        (Role.VIEWER, "anna", True),
    ],
)
async def test_power_to_administer_is_given_and_taken_by_two_people(
    sqlite_store: SqlStore, role: Role, before: str, needs_two: bool
) -> None:
    house = await a_people_house(sqlite_store, TWO)
    command = SetMemberRole(user_id=house.members[before].user_id, role=role)

    if needs_two:
        approval = await asked(house, command, "olga")
        assert (await house.member(before)).role is house.members[before].role
        await house.do(ApproveRequest(code=approval.code), "adam")
    else:
        await house.do(command, "olga")

    assert (await house.member(before)).role is role


async def test_a_new_admin_comes_in_by_two_people_and_the_address_stays_sealed(
    sqlite_store: SqlStore,
) -> None:
    house = await a_people_house(sqlite_store, TWO)

    approval = await asked(
        house, AddMember(name="nina", email="nina@secret.example", role=Role.ADMIN), "olga"
    )
    waiting = sqlite_store.location.path.read_bytes()
    await house.do(ApproveRequest(code=approval.code), "anna")

    assert (await house.member("nina")).email == "nina@secret.example"
    files = b"".join(one.read_bytes() for one in sqlite_store.location.path.parent.glob("store.sqlite3*"))
    assert b"nina@secret.example" not in waiting + files
    assert approval.detail["email"] == "***"


async def test_paper_money_is_released_by_one_person_unless_the_house_is_strict(
    sqlite_store: SqlStore,
) -> None:
    relaxed = await a_people_house(sqlite_store, TWO, is_live=False)
    strict = await a_people_house(sqlite_store, TWO, is_live=False, always_two=True, workspace="strict")
    for house in (relaxed, strict):
        await house.halt()

    await relaxed.do(ReleasePanic(), "adam")
    await asked(strict, ReleasePanic(), "adam")

    assert await relaxed.state() is TradingState.ACTIVE
    assert await strict.state() is TradingState.HALTED


async def _proven(house: PeopleHouse, *, channel: str = "graphql") -> None:
    await house.do(SetPassword(password=Secret("correct horse battery")), "olga", channel=channel)
    await house.do(StepUp(proof=Secret("correct horse battery")), "olga", channel=channel)


async def test_a_single_owner_needs_a_fresh_proof_and_waits_ten_minutes(any_store: SqlStore) -> None:
    house = await a_people_house(any_store, SOLO)
    await house.halt()

    with pytest.raises(StepUpRequired):
        await house.do(ReleasePanic(), "olga")
    await _proven(house)
    approval = await asked(house, ReleasePanic(), "olga")
    with pytest.raises(Conflict, match="delay"):
        await house.do(ApproveRequest(code=approval.code), "olga")
    house.clock.advance(SOLO_DELAY.total_seconds() - 1)
    await house.desk.approvals.look()
    early = await house.state()
    house.clock.advance(1)
    await house.restarted().desk.approvals.look()

    assert approval.is_solo
    assert early is TradingState.HALTED
    assert await house.state() is TradingState.ACTIVE
    done = next(one for one in await house.audit() if one.action == "ReleasePanic" and one.outcome == "done")
    assert done.detail["approved_by"] == "SOLO"


@pytest.mark.parametrize(("name", "channel"), [("olga", "console"), ("tom", "telegram"), ("otto", "discord")])
async def test_any_door_cancels_a_single_owners_delay(
    sqlite_store: SqlStore, name: str, channel: str
) -> None:
    house = await a_people_house(sqlite_store, SOLO)
    await house.halt()
    await _proven(house)
    approval = await asked(house, ReleasePanic(), "olga")

    await house.do(RejectRequest(code=approval.code), name, channel=channel)
    house.clock.advance(2 * SOLO_DELAY.total_seconds())
    await house.desk.approvals.look()

    assert await house.state() is TradingState.HALTED


async def test_a_delay_that_ended_while_nothing_ran_lapses_instead_of_surprising_later(
    sqlite_store: SqlStore,
) -> None:
    house = await a_people_house(sqlite_store, SOLO)
    await house.halt()
    await _proven(house)
    approval = await asked(house, ReleasePanic(), "olga")
    house.clock.advance(timedelta(hours=9).total_seconds())

    await house.restarted().desk.approvals.look()

    assert (await as_now(house, approval)).state is ApprovalState.EXPIRED
    assert await house.state() is TradingState.HALTED


async def test_at_a_chat_door_a_single_owner_types_the_word_too(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, SOLO)
    await _proven(house, channel="console")
    command = AddMember(name="nina", role=Role.ADMIN)

    with pytest.raises(ConfirmationNeeded) as needed:
        await house.do(command, "olga", channel="console")
    token = needed.value.token
    with pytest.raises(Denied, match="is needed to confirm"):
        await house.do(command, "olga", channel="console", confirmation=token, typed="nino")
    with pytest.raises(ApprovalPending) as pending:
        await house.do(command, "olga", channel="console", confirmation=token, typed="nina")

    assert pending.value.approval.is_solo


async def test_the_command_line_of_the_machine_is_trusted_and_says_so(sqlite_store: SqlStore) -> None:
    house = await a_people_house(sqlite_store, SOLO)

    await house.do(AddMember(name="nina", role=Role.ADMIN), "olga", channel="cli")

    assert (await house.member("nina")).role is Role.ADMIN
    assert (await house.audit())[0].channel == "cli"


def test_a_command_comes_back_from_text_exactly_and_a_secret_never_goes_there() -> None:
    commands: list[Any] = [
        ReleasePanic(account_id="a", reason="x"),
        AddMember(name="n", email="n@x.example", role=Role.ADMIN),
        CreateBot(name="b", strategy="s", pairs=("A/B", "C/D"), parameters=(("fast", 3), ("mode", "x"))),
        ChangeConfig(bot_id="b", parameters=(("list", (1, 2)),), expected_version=None),
        PauseBot(bot_id="b", duration=timedelta(hours=2, microseconds=5)),
    ]
    for command in commands:
        back = from_text(type(command).__name__, as_text(command))
        assert back == command
        assert command_hash(back) == command_hash(command)

    with pytest.raises(InvariantBroken, match="secret"):
        as_text(SetPassword(password=Secret("correct horse battery")))
    with pytest.raises(InvariantBroken):
        from_text("NoSuchCommand", "{}")
    with pytest.raises(InvariantBroken):
        from_text("PauseBot", '{"bot_id": "b", "duration": "soon"}')


def test_reducing_risk_never_waits_for_a_second_person() -> None:
    from desk.commands import Danger

    both = [
        name
        for name, one in COMMANDS.items()
        if one.policy.reduces_risk and (one.policy.danger is Danger.TWO or one.policy.needs_step_up)
    ]

    assert both == []
    assert COMMANDS["ReleasePanic"].policy.danger is Danger.TWO

"""Handlers: every command has one, only permitted roles reach it, and wrong input is answered with what is right."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from desk.commands import (
    COMMANDS,
    AcknowledgeAlert,
    AddAlertRule,
    AddExchangeAccount,
    AddMember,
    AnswerEntry,
    ApproveRequest,
    ArchiveTrade,
    BeginTotp,
    CancelAllOrders,
    CancelJob,
    CancelOrder,
    ChangeConfig,
    ChangeNotices,
    CheckBias,
    ClosePosition,
    ClosePositions,
    Command,
    ConfirmTotp,
    CreateApiToken,
    CreateBot,
    CreateChatLinkCode,
    CreateWebhook,
    Danger,
    DeleteBot,
    DeleteWebhook,
    DisableExchangeAccount,
    DiscardDeadLetter,
    EnterByHand,
    GoLive,
    GoPaper,
    InviteMember,
    LockPair,
    MakeReport,
    PanicStop,
    PauseBot,
    PlaceOrder,
    PromoteModel,
    ReconcileAccount,
    RejectRequest,
    ReleasePanic,
    ReloadConfig,
    RemoveAlertRule,
    RemoveMember,
    ReplayDeadLetter,
    RequestDataErasure,
    RequestDataExport,
    ResetBreaker,
    ResumeBot,
    RetryJob,
    RevokeApiToken,
    RevokeChatLink,
    RollBackConfig,
    RollBackModel,
    RotateExchangeKey,
    RotateWebhook,
    RunBacktest,
    RunOptimization,
    RunWalkForward,
    SelectBot,
    SendTestAlert,
    SetEntryMode,
    SetKeyboard,
    SetLimit,
    SetMarketDirection,
    SetMemberRole,
    SetPassword,
    SetPreference,
    SetStop,
    SetTargets,
    SignOut,
    SignOutEverywhere,
    SnoozeAlert,
    StartBot,
    StepUp,
    StopBot,
    TrainModel,
    UnlockPair,
)
from desk.desk import ConfirmationNeeded
from desk.handlers.people import hash_of_token
from desk.identity import Role
from desk.secrets import Secret
from desk.store import SqlStore
from desk.views import IssuedToken
from tests.desk.desk_house import DeskHouse, a_house, market
from trading.errors import (
    BadParameter,
    Conflict,
    Denied,
    InvalidInput,
    NotFound,
    RequestProblem,
    UnknownStrategy,
)
from trading.events import Desired, PairLocked, TradingState
from trading.orders import Side

SERIES = market(bars=30)

#: One call of every command, against the house below.
CALLS: Mapping[str, Command] = {
    "CreateBot": CreateBot(name="new", strategy="trend_following", pairs=("BTC/USDT",), timeframe="15m"),
    "DeleteBot": DeleteBot(bot_id="tide"),
    "ChangeConfig": ChangeConfig(bot_id="tide", parameters=(("fast_bars", 10),)),
    "GoLive": GoLive(bot_id="tide"),
    "GoPaper": GoPaper(bot_id="tide"),
    "StartBot": StartBot(bot_id="tide"),
    "PauseBot": PauseBot(bot_id="running"),
    "ResumeBot": ResumeBot(bot_id="running"),
    "StopBot": StopBot(bot_id="running"),
    "ClosePosition": ClosePosition(position_id="none"),
    "ClosePositions": ClosePositions(),
    "PlaceOrder": PlaceOrder(pair="BTC/USDT", side=Side.BUY, quantity=Decimal(1)),
    "CancelOrder": CancelOrder(order_id="none"),
    "CancelAllOrders": CancelAllOrders(),
    "SetStop": SetStop(position_id="none", stop=Decimal(1)),
    "SetTargets": SetTargets(position_id="none", targets=(Decimal(1),)),
    "ReconcileAccount": ReconcileAccount(),
    "ResetBreaker": ResetBreaker(),
    "AddExchangeAccount": AddExchangeAccount(
        name="spot", venue="binance", api_key=Secret("k"), api_secret=Secret("s")
    ),
    "RotateExchangeKey": RotateExchangeKey(account_id="none", api_key=Secret("k"), api_secret=Secret("s")),
    "DisableExchangeAccount": DisableExchangeAccount(account_id="none"),
    "PanicStop": PanicStop(),
    "ReleasePanic": ReleasePanic(),
    "SetLimit": SetLimit(limit="daily_loss", value=Decimal("0.01")),
    "LockPair": LockPair(pair="BTC/USDT"),
    "UnlockPair": UnlockPair(pair="BTC/USDT"),
    "CreateApiToken": CreateApiToken(label="script"),
    "RevokeApiToken": RevokeApiToken(token_id="none"),
    "AddMember": AddMember(name="eve"),
    "SetMemberRole": SetMemberRole(user_id="viewer", role=Role.OPERATOR),
    "SetPreference": SetPreference(language="fr"),
    "AcknowledgeAlert": AcknowledgeAlert(alert_id="none"),
    "AddAlertRule": AddAlertRule(kind="drawdown", threshold=Decimal("0.1")),
    "ChangeNotices": ChangeNotices(quiet_hours="23:00-07:00"),
    "RemoveAlertRule": RemoveAlertRule(rule_id="none"),
    "SelectBot": SelectBot(bot_id="tide"),
    "SendTestAlert": SendTestAlert(),
    "SetKeyboard": SetKeyboard(rows=(("/status",),)),
    "SnoozeAlert": SnoozeAlert(alert_id="none"),
    "CreateChatLinkCode": CreateChatLinkCode(),
    "RevokeChatLink": RevokeChatLink(link_id="none"),
    "ApproveRequest": ApproveRequest(code="NONE22"),
    "RejectRequest": RejectRequest(code="NONE22"),
    "StepUp": StepUp(proof=Secret("000000")),
    "SetPassword": SetPassword(password=Secret("correct horse battery")),
    "SignOut": SignOut(),
    "SignOutEverywhere": SignOutEverywhere(),
    "InviteMember": InviteMember(user_id="viewer"),
    "RemoveMember": RemoveMember(user_id="operator"),
    "CreateWebhook": CreateWebhook(label="tv", bot_id="tide"),
    "RotateWebhook": RotateWebhook(webhook_id="none"),
    "DeleteWebhook": DeleteWebhook(webhook_id="none"),
    "RequestDataExport": RequestDataExport(),
    "RequestDataErasure": RequestDataErasure(user_id="operator"),
    "BeginTotp": BeginTotp(),
    "ConfirmTotp": ConfirmTotp(proof=Secret("000000")),
    "RunBacktest": RunBacktest(strategy="trend_following", pairs=("BTC/USDT",), timeframe="15m"),
    "RunOptimization": RunOptimization(
        strategy="trend_following", pairs=("BTC/USDT",), timeframe="15m", grid=("fast_bars=5:15:5",)
    ),
    "RunWalkForward": RunWalkForward(strategy="trend_following", pairs=("BTC/USDT",), timeframe="15m"),
    "TrainModel": TrainModel(model="hourly", kind="linear", pairs=("BTC/USDT",)),
    "PromoteModel": PromoteModel(model="hourly"),
    "RollBackModel": RollBackModel(model="hourly"),
    "CheckBias": CheckBias(name="all", pair="BTC/USDT", timeframe="15m"),
    "MakeReport": MakeReport(period="week"),
    "CancelJob": CancelJob(job_id="none"),
    "RetryJob": RetryJob(job_id="none"),
    "SetEntryMode": SetEntryMode(bot_id="tide", is_asked=True),
    "AnswerEntry": AnswerEntry(code="NONE22", answer="skip"),
    "EnterByHand": EnterByHand(bot_id="tide", pair="BTC/USDT", is_long=True, stop_ratio=Decimal("0.02")),
    "SetMarketDirection": SetMarketDirection(direction="long"),
    "ReloadConfig": ReloadConfig(bot_id="running"),
    "ArchiveTrade": ArchiveTrade(trade_id="none"),
    "ReplayDeadLetter": ReplayDeadLetter(letter_id="none"),
    "DiscardDeadLetter": DiscardDeadLetter(letter_id="none"),
    "RollBackConfig": RollBackConfig(bot_id="tide"),
}


async def a_desk(store: SqlStore) -> DeskHouse:
    house = await a_house(store, SERIES)
    await house.start_bot("running", allocation=0.5)
    await house.desk.do(
        CreateBot(
            name="tide",
            strategy="trend_following",
            pairs=("BTC/USDT",),
            timeframe="15m",
            allocation=0.5,
        ),
        house.actor(),
    )
    return house


async def test_every_command_has_a_handler_and_every_dangerous_one_a_preview_or_a_default(
    sqlite_store: SqlStore,
) -> None:
    house = await a_desk(sqlite_store)

    assert house.desk.handled == frozenset(COMMANDS.values())
    assert set(CALLS) == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
async def test_only_permitted_roles_reach_a_command(sqlite_store: SqlStore, name: str) -> None:
    house = await a_desk(sqlite_store)
    command = CALLS[name]

    for role in Role:
        head = len(await house.journal())
        denied = False
        try:
            await house.desk.do(command, house.actor(role))
        except Denied as refusal:
            denied = "needs the role" in refusal.message
        except RequestProblem:
            denied = False
        assert denied == (role < COMMANDS[name].policy.role), role
        if denied:
            assert len(await house.journal()) == head


@pytest.mark.parametrize(
    ("command", "kind", "words"),
    [
        (
            CreateBot(name="a", strategy="trend_folowing", pairs=("BTC/USDT",)),
            UnknownStrategy,
            "trend_following",
        ),
        (
            CreateBot(
                name="a", strategy="trend_following", pairs=("BTC/USDT",), parameters=(("fastbars", 3),)
            ),
            BadParameter,
            "fast_bars",
        ),
        (CreateBot(name="a", strategy="trend_following", pairs=("BTC/USDC",)), InvalidInput, "BTC/USDT"),
        (CreateBot(name="a", strategy="trend_following", pairs=()), InvalidInput, "1 to 20"),
        (CreateBot(name="tide", strategy="trend_following", pairs=("BTC/USDT",)), Conflict, "another name"),
        (CreateBot(name="<b>", strategy="trend_following", pairs=("BTC/USDT",)), InvalidInput, "letters"),
        (
            CreateBot(
                name="a", strategy="trend_following", pairs=("BTC/USDT",), timeframe="15m", allocation=1.5
            ),
            InvalidInput,
            "up to 1",
        ),
        (
            CreateBot(name="a", strategy="trend_following", pairs=("BTC/USDT",), timeframe="1h"),
            InvalidInput,
            "15m",
        ),
        (
            CreateBot(name="a", strategy="trend_following", pairs=("BTC/USDT",), account_id="papers"),
            NotFound,
            "paper",
        ),
        (StartBot(bot_id="tyde"), NotFound, "tide"),
        (PauseBot(bot_id="tide"), Conflict, "stopped"),
        (PauseBot(bot_id="running", duration=timedelta(0)), InvalidInput, "more than 0"),
        (ResumeBot(bot_id="tide"), Conflict, "stopped"),
        (DeleteBot(bot_id="running"), Conflict, "Stop it first"),
        (ChangeConfig(bot_id="tide", parameters=(), expected_version=9), Conflict, "is at version 1"),
        (ChangeConfig(bot_id="tide", parameters=(("slow_bars", "many"),)), BadParameter, "whole number"),
        (ClosePosition(position_id="x"), NotFound, "none is open"),
        (ClosePosition(position_id="x", share=Decimal("1.5")), InvalidInput, "up to 1"),
        (ReleasePanic(), Conflict, "not halted"),
        (LockPair(pair="DOGE/USDT"), InvalidInput, "BTC/USDT"),
        (LockPair(pair="BTC/USDT", duration=timedelta(days=4000)), InvalidInput, "365"),
        (UnlockPair(pair="BTC/USDT"), Conflict, "No lock"),
        (SetPreference(language="de"), InvalidInput, "en, fr"),
        (SetPreference(time_zone="Europe/Pariss"), InvalidInput, "Europe/Paris"),
        (AddMember(name="viewer"), Conflict, "another name"),
        (AddMember(name="eve", email="eve"), InvalidInput, "name@domain"),
        (SetMemberRole(user_id="owner", role=Role.VIEWER), Conflict, "last owner"),
        (SetMemberRole(user_id="nobody", role=Role.VIEWER), NotFound, "viewer"),
        (RevokeApiToken(token_id="x"), NotFound, "none exists"),
        (AcknowledgeAlert(alert_id="x"), NotFound, "/alerts"),
    ],
)
async def test_wrong_input_is_answered_with_what_is_allowed(
    sqlite_store: SqlStore, command: Command, kind: type[RequestProblem], words: str
) -> None:
    house = await a_desk(sqlite_store)
    head = len(await house.journal())

    with pytest.raises(kind) as refusal:
        await house.desk.do(command, house.actor())

    assert words in str(refusal.value)
    assert len(await house.journal()) == head


async def test_a_bot_that_would_exceed_the_account_is_not_started(sqlite_store: SqlStore) -> None:
    house = await a_desk(sqlite_store)
    await house.desk.do(ChangeConfig(bot_id="tide", parameters=(("allocation", 0.8),)), house.actor())

    with pytest.raises(Conflict, match="50% is free beside running"):
        await house.desk.do(StartBot(bot_id="tide"), house.actor())

    await house.desk.do(ChangeConfig(bot_id="tide", parameters=(("allocation", 0.5),)), house.actor())
    assert (await house.bot_after(StartBot(bot_id="tide"))).desired is Desired.RUNNING


async def test_a_configuration_has_versions_and_the_newest_is_shown(sqlite_store: SqlStore) -> None:
    house = await a_desk(sqlite_store)

    bot = await house.bot_after(
        ChangeConfig(bot_id="tide", parameters=(("fast_bars", 10),), reason="faster", expected_version=1)
    )

    async with house.store.reading() as tx:
        versions = await tx.bots.configs(house.workspace.id, bot.id)
    assert bot.config_version == 2
    assert bot.parameters["fast_bars"] == 10
    assert [(one.version, one.parameters["fast_bars"], one.reason) for one in versions] == [
        (2, 10, "faster"),
        (1, 20, "created"),
    ]


async def test_a_token_is_stored_as_a_hash_shown_once_and_ends_when_revoked(sqlite_store: SqlStore) -> None:
    house = await a_desk(sqlite_store)

    issued = (await house.desk.do(CreateApiToken(label="script", role=Role.TRADER), house.actor())).view

    assert isinstance(issued, IssuedToken)
    assert issued.secret.startswith("bwk_")
    assert issued.secret not in repr(issued)
    async with house.store.reading() as tx:
        stored = await tx.members.token_by_hash(hash_of_token(issued.secret))
    assert stored is not None
    assert stored.role is Role.TRADER
    await house.desk.do(RevokeApiToken(token_id=issued.token.id), house.actor())
    with pytest.raises(Conflict, match="revoked already"):
        await house.desk.do(RevokeApiToken(token_id=issued.token.id), house.actor())


async def test_nobody_makes_a_token_that_may_do_more_than_themselves(sqlite_store: SqlStore) -> None:
    house = await a_desk(sqlite_store)

    with pytest.raises(Denied, match="VIEWER to ADMIN"):
        await house.desk.do(CreateApiToken(label="x", role=Role.OWNER), house.actor(Role.ADMIN))


async def test_panic_and_locks_leave_their_rows(sqlite_store: SqlStore) -> None:
    house = await a_desk(sqlite_store)

    await house.desk.do(LockPair(duration=timedelta(hours=2), reason="news"), house.actor())
    report = (await house.desk.do(PanicStop(reason="drill"), house.actor())).view

    async with house.store.reading() as tx:
        locks = await tx.accounts.locks(house.workspace.id, house.account.id, house.clock.now())
        account = await tx.accounts.by_id(house.workspace.id, house.account.id)
    assert [(one.pair, one.reason) for one in locks] == [("", "news")]
    assert account is not None
    assert account.trading_state is TradingState.HALTED
    assert "drill" in account.state_reason
    assert report.positions_open == 0
    assert len(await house.facts(PairLocked)) == 1
    with pytest.raises(Conflict, match="halted"):
        await house.desk.do(StartBot(bot_id="tide"), house.actor())


@pytest.mark.parametrize("name", sorted(k for k, v in COMMANDS.items() if v.policy.danger is not Danger.NONE))
async def test_a_dangerous_command_asks_first_at_a_chat_door_or_says_why_it_cannot(
    sqlite_store: SqlStore, name: str
) -> None:
    house = await a_desk(sqlite_store)
    command: Any = ResumeBot(bot_id="running") if name == "ResumeBot" else CALLS[name]
    if name == "ResumeBot":
        await house.desk.do(PauseBot(bot_id="running"), house.actor())

    if name in ("PlaceOrder", "CancelAllOrders", "ReconcileAccount", "ResetBreaker"):
        # Asked on a live account in test_live_accounts.py.
        with pytest.raises(InvalidInput, match="is on paper"):
            await house.desk.do(command, house.actor(channel="console"))
    elif name in ("ClosePosition", "ClosePositions", "SetStop", "SetTargets"):
        with pytest.raises((NotFound, Conflict), match=r"none is open|No open position"):
            await house.desk.do(command, house.actor(channel="console"))
    elif name in ("GoLive", "GoPaper"):
        # Carried out in test_going_live.py.
        with pytest.raises(RequestProblem, match=r"trades paper money already|needs a fresh proof"):
            await house.desk.do(command, house.actor(channel="console"))
    elif name == "EnterByHand":
        # Carried out in test_entries_by_hand.py.
        with pytest.raises(Conflict, match="stopped; it opens nothing now"):
            await house.desk.do(command, house.actor(channel="console"))
    elif name in ("ReloadConfig", "ArchiveTrade", "CancelOrder"):
        # Carried out in test_entries.py.
        with pytest.raises((NotFound, Conflict), match=r"nothing to reload|No finished trade|No order"):
            await house.desk.do(command, house.actor(channel="console"))
    elif name in ("PromoteModel", "RollBackModel"):
        # Carried out in test_model_registry.py.
        with pytest.raises(NotFound, match="No model is called"):
            await house.desk.do(command, house.actor(channel="console"))
    elif name == "DiscardDeadLetter":
        # Carried out in test_dead_letters.py.
        with pytest.raises(NotFound, match="no dead letter"):
            await house.desk.do(command, house.actor(channel="console"))
    elif name == "RollBackConfig":
        # Carried out in test_dead_letters.py.
        with pytest.raises(NotFound, match="none before the newest"):
            await house.desk.do(command, house.actor(channel="console"))
    elif name in ("StopBot", "SetEntryMode"):
        # Only a flat bot stops without a question; asking before entries needs none.
        await house.desk.do(command, house.actor(channel="console"))
    else:
        with pytest.raises(ConfirmationNeeded) as asked:
            await house.desk.do(command, house.actor(channel="console"))
        assert asked.value.preview.code.startswith(f"confirm.{name}")
        assert asked.value.token

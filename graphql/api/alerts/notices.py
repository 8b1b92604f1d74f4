"""What a person wants to be told: settings and rules, read and changed by the person alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import strawberry

from api.alerts.types import Alert, alert
from api.context import Info
from api.ids import global_id, own_id
from api.mutation import Payload, carry_out, kept_id, mutates
from api.permissions import reads
from desk.alerting.values import AlertRule as RuleView
from desk.alerting.values import NoticeSettings as SettingsView
from desk.commands import (
    AddAlertRule,
    ChangeNotices,
    RemoveAlertRule,
    SelectBot,
    SendTestAlert,
    SetKeyboard,
    SnoozeAlert,
)


@strawberry.type
class NoticeMode:
    """How loud something comes on a channel."""

    channel: str
    subject: str
    mode: str


@strawberry.type
class NoticeSettings:
    """What a person chose; everything else has its default."""

    modes: list[NoticeMode]
    quiet_from: str | None = strawberry.field(description="Time of day in the person's zone.")
    quiet_to: str | None
    digest_at: list[str]
    least_pnl: Decimal | None
    keyboard: list[list[str]]
    selected_bots: list[str] = strawberry.field(description="`channel:bot id`, as chosen with /use.")


@strawberry.type
class AlertRule:
    """A rule of one's own."""

    id: strawberry.ID
    kind: str
    pair: str
    bot_id: strawberry.ID | None
    relation: str
    threshold: Decimal
    is_repeating: bool
    is_armed: bool
    created_at: datetime
    fired_at: datetime | None


def notice_settings(view: SettingsView) -> NoticeSettings:
    """Give a person's settings."""
    return NoticeSettings(
        modes=[
            NoticeMode(channel=key.split(":", 1)[0], subject=key.split(":", 1)[1], mode=mode.value)
            for key, mode in sorted(view.modes.items())
        ],
        quiet_from=_time(view.quiet_from),
        quiet_to=_time(view.quiet_to),
        digest_at=[f"{one // 60:02d}:{one % 60:02d}" for one in view.digest_at],
        least_pnl=view.least_pnl,
        keyboard=[list(row) for row in view.keyboard],
        selected_bots=[f"{channel}:{bot}" for channel, bot in sorted(view.bots.items())],
    )


def _time(minute: int | None) -> str | None:
    return None if minute is None else f"{minute // 60:02d}:{minute % 60:02d}"


def alert_rule(view: RuleView) -> AlertRule:
    """Give a rule."""
    return AlertRule(
        id=strawberry.ID(global_id("AlertRule", view.id)),
        kind=view.kind.value,
        pair=view.pair,
        bot_id=strawberry.ID(global_id("Bot", view.bot_id)) if view.bot_id else None,
        relation=view.relation.value,
        threshold=view.threshold,
        is_repeating=view.is_repeating,
        is_armed=view.is_armed,
        created_at=view.created_at,
        fired_at=view.fired_at,
    )


@strawberry.type
class NoticeQueries:
    """Root fields about what one wants to be told."""

    @reads()
    async def my_notices(self, info: Info) -> NoticeSettings:
        """What you chose to be told, where and when."""
        context = info.context
        async with context.house.store.reading() as unit:
            return notice_settings(
                await unit.notices.settings_of(context.workspace_id, context.actor.user_id)
            )

    @reads()
    async def my_alert_rules(self, info: Info) -> list[AlertRule]:
        """Your own alert rules, oldest first; fifty at most."""
        context = info.context
        async with context.house.store.reading() as unit:
            return [
                alert_rule(one)
                for one in await unit.notices.rules(context.workspace_id, context.actor.user_id)
            ]


@strawberry.input
class ChangeNoticesInput:
    """What is to change; what is left out stays."""

    subjects: list[str] = strawberry.field(
        default_factory=list, description="Severities or kinds of alert that `mode` is for."
    )
    channel: str = "all"
    mode: str = strawberry.field(default="", description="on, silent, off, digest or default.")
    quiet_hours: str = strawberry.field(default="", description="23:00-07:00, or off.")
    digest_at: str = strawberry.field(default="", description="08:00,18:00")
    least_pnl: str = strawberry.field(default="", description="Smaller results are not told; 0 tells all.")


@strawberry.type
class ChangeNoticesPayload(Payload):
    """The settings as they are now."""

    settings: NoticeSettings | None = None


@strawberry.input
class AddAlertRuleInput:
    """What is looked at, and when it rings."""

    idempotency_key: UUID
    kind: str = strawberry.field(description="price, pnl, drawdown or signal.")
    relation: str = "above"
    threshold: Decimal = Decimal(0)
    pair: str = ""
    bot_id: strawberry.ID | None = None
    is_repeating: bool = False


@strawberry.type
class AddAlertRulePayload(Payload):
    """The rule."""

    rule: AlertRule | None = None


@strawberry.input
class RemoveAlertRuleInput:
    """Which rule."""

    rule_id: strawberry.ID


@strawberry.type
class RemoveAlertRulePayload(Payload):
    """The rule that is gone."""

    rule: AlertRule | None = None


@strawberry.input
class SnoozeAlertInput:
    """Which alert, and for how long."""

    alert_id: strawberry.ID
    duration: timedelta = timedelta(hours=1)


@strawberry.type
class SnoozeAlertPayload(Payload):
    """The alert."""

    alert: Alert | None = None


@strawberry.input
class SendTestAlertInput:
    """Nothing but the key."""

    idempotency_key: UUID


@strawberry.type
class SendTestAlertPayload(Payload):
    """The alert with its deliveries."""

    alert: Alert | None = None


@strawberry.input
class SelectBotInput:
    """Which bot; none where it is left out."""

    bot_id: strawberry.ID | None = None


@strawberry.type
class SelectBotPayload(Payload):
    """The settings as they are now."""

    settings: NoticeSettings | None = None


@strawberry.input
class SetKeyboardInput:
    """The keys, row by row; none restores the usual ones."""

    rows: list[list[str]] = strawberry.field(default_factory=list)


@strawberry.type
class SetKeyboardPayload(Payload):
    """The settings as they are now."""

    settings: NoticeSettings | None = None


@strawberry.type
class NoticeMutations:
    """Mutations about what one wants to be told."""

    @mutates(ChangeNotices)
    async def change_notices(self, info: Info, input: ChangeNoticesInput) -> ChangeNoticesPayload:
        """Change one's settings."""
        done = await carry_out(
            info,
            lambda: ChangeNotices(
                subjects=tuple(input.subjects),
                channel=input.channel,
                mode=input.mode,
                quiet_hours=input.quiet_hours,
                digest_at=input.digest_at,
                least_pnl=input.least_pnl,
            ),
        )
        settings = notice_settings(done.view) if isinstance(done.view, SettingsView) else None
        return ChangeNoticesPayload(settings=settings, user_errors=done.errors)

    @mutates(SelectBot)
    async def select_bot(self, info: Info, input: SelectBotInput) -> SelectBotPayload:
        """Choose a bot."""
        done = await carry_out(
            info, lambda: SelectBot(bot_id=own_id("Bot", input.bot_id) if input.bot_id else "")
        )
        settings = notice_settings(done.view) if isinstance(done.view, SettingsView) else None
        return SelectBotPayload(settings=settings, user_errors=done.errors)

    @mutates(SetKeyboard)
    async def set_keyboard(self, info: Info, input: SetKeyboardInput) -> SetKeyboardPayload:
        """Choose the keys."""
        done = await carry_out(info, lambda: SetKeyboard(rows=tuple(tuple(row) for row in input.rows)))
        settings = notice_settings(done.view) if isinstance(done.view, SettingsView) else None
        return SetKeyboardPayload(settings=settings, user_errors=done.errors)

    @mutates(AddAlertRule)
    async def add_alert_rule(self, info: Info, input: AddAlertRuleInput) -> AddAlertRulePayload:
        """Add a rule."""
        done = await carry_out(
            info,
            lambda: AddAlertRule(
                kind=input.kind,
                relation=input.relation,
                threshold=input.threshold,
                pair=input.pair,
                bot_id=own_id("Bot", input.bot_id) if input.bot_id else "",
                is_repeating=input.is_repeating,
            ),
            key=input.idempotency_key,
            keep=kept_id,
        )
        if done.errors:
            return AddAlertRulePayload(user_errors=done.errors)
        context = info.context
        async with context.house.store.reading() as unit:
            mine = await unit.notices.rules(context.workspace_id, context.actor.user_id)
        found = next((one for one in mine if one.id == done.kept["id"]), None)
        return AddAlertRulePayload(
            rule=alert_rule(found) if found else None, idempotent_replay=done.is_replay
        )

    @mutates(RemoveAlertRule)
    async def remove_alert_rule(self, info: Info, input: RemoveAlertRuleInput) -> RemoveAlertRulePayload:
        """Remove a rule."""
        done = await carry_out(info, lambda: RemoveAlertRule(rule_id=own_id("AlertRule", input.rule_id)))
        rule = alert_rule(done.view) if isinstance(done.view, RuleView) else None
        return RemoveAlertRulePayload(rule=rule, user_errors=done.errors)

    @mutates(SnoozeAlert)
    async def snooze_alert(self, info: Info, input: SnoozeAlertInput) -> SnoozeAlertPayload:
        """Snooze an alert."""
        done = await carry_out(
            info,
            lambda: SnoozeAlert(alert_id=own_id("Alert", input.alert_id), duration=input.duration),
            keep=kept_id,
        )
        if done.errors:
            return SnoozeAlertPayload(user_errors=done.errors)
        return SnoozeAlertPayload(alert=await _alert(info, str(done.kept["id"])))

    @mutates(SendTestAlert)
    async def send_test_alert(self, info: Info, input: SendTestAlertInput) -> SendTestAlertPayload:
        """Send a test."""
        done = await carry_out(info, SendTestAlert, key=input.idempotency_key, keep=kept_id)
        if done.errors:
            return SendTestAlertPayload(user_errors=done.errors)
        return SendTestAlertPayload(
            alert=await _alert(info, str(done.kept["id"])), idempotent_replay=done.is_replay
        )


async def _alert(info: Info, alert_id: str) -> Alert | None:
    async with info.context.house.store.reading() as unit:
        found = await unit.alerts.by_id(info.context.workspace_id, alert_id)
    return alert(found) if found else None

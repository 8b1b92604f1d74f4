"""What a person wants to be told: modes, quiet hours, digests, thresholds, rules; and their selected bot and keys."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from desk.alerting.rules import LIFETIMES
from desk.alerting.values import (
    ALL_CHANNELS,
    CHANNELS,
    AlertRule,
    Mode,
    NoticeSettings,
    Relation,
    RuleKind,
)
from desk.clock import to_ms
from desk.commands import AddAlertRule, ChangeNotices, RemoveAlertRule, SelectBot, SetKeyboard
from desk.desk import Desk, Handling
from desk.handlers.finding import bot_of
from desk.identity import new_id
from trading.errors import Conflict, InvalidInput, NotFound, nearest
from trading.events import Severity

#: One person's rules are looked at once a second.
MOST_RULES = 50
#: A chat keyboard is no menu of everything.
MOST_ROWS, MOST_KEYS, LONGEST_KEY = 6, 4, 60

#: What a mode may be said of.
SUBJECTS: tuple[str, ...] = (*(one.value for one in Severity), *sorted(LIFETIMES))

E = TypeVar("E", bound=StrEnum)

_TIME = re.compile(r"(\d{1,2})(?::(\d{2}))?")


class NoticeHandlers:
    """Keeps what people want to be told. Everybody changes their own and nobody else's."""

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(ChangeNotices, self.change_notices)
        desk.handle(AddAlertRule, self.add_alert_rule)
        desk.handle(RemoveAlertRule, self.remove_alert_rule)
        desk.handle(SelectBot, self.select_bot)
        desk.handle(SetKeyboard, self.set_keyboard)

    async def change_notices(self, command: ChangeNotices, handling: Handling) -> NoticeSettings:
        """Change what was named, and leave the rest."""
        settings = await _own(handling)
        if command.subjects or command.mode:
            settings = _with_modes(settings, command)
        if command.quiet_hours:
            start, end = quiet_hours(command.quiet_hours)
            settings = replace(settings, quiet_from=start, quiet_to=end)
        if command.digest_at:
            times = tuple(sorted({_minute(one) for one in command.digest_at.split(",") if one.strip()}))
            if not times:
                raise InvalidInput(
                    f"Digest times '{command.digest_at}' were given; times such as 08:00,18:00 are allowed."
                )
            settings = replace(settings, digest_at=times)
        if command.least_pnl:
            settings = replace(settings, least_pnl=_amount(command.least_pnl))
        return await _keep(handling, settings)

    async def add_alert_rule(self, command: AddAlertRule, handling: Handling) -> AlertRule:
        """Keep a rule; it looks at what happens from now on."""
        tx, actor = handling.tx, handling.actor
        kind = _one_of(RuleKind, command.kind, "kind of rule")
        relation = _one_of(Relation, command.relation, "relation")
        if len(await tx.notices.rules(actor.workspace_id, actor.user_id)) >= MOST_RULES:
            raise Conflict(f"You have {MOST_RULES} rules, as many as are allowed.", hint="Remove one first.")
        if not command.threshold.is_finite() or (kind is not RuleKind.PNL and command.threshold < 0):
            raise InvalidInput(f"Threshold {command.threshold} was given; a number from 0 up is allowed.")
        bot = await bot_of(tx, actor, command.bot_id) if command.bot_id else None
        pairs = {one for bot in await tx.bots.all(actor.workspace_id) for one in bot.pairs}
        if kind is RuleKind.PRICE and command.pair not in pairs:
            raise InvalidInput(
                f"Pair '{command.pair}' is traded by no bot; {', '.join(sorted(pairs)) or 'none'} is.",
                hint=nearest(command.pair, pairs) or None,
            )
        rule = AlertRule(
            id=new_id(),
            workspace_id=actor.workspace_id,
            user_id=actor.user_id,
            kind=kind,
            pair=command.pair,
            bot_id=bot.id if bot else "",
            relation=Relation.ABOVE if kind in (RuleKind.DRAWDOWN, RuleKind.SIGNAL) else relation,
            threshold=command.threshold,
            is_repeating=command.is_repeating,
            is_armed=True,
            seen_ms=await _market_ms(handling, kind, command.pair),
            created_at=handling.now,
            fired_at=None,
        )
        await tx.notices.add_rule(rule)
        return rule

    async def remove_alert_rule(self, command: RemoveAlertRule, handling: Handling) -> AlertRule:
        """Forget a rule of one's own."""
        tx, actor = handling.tx, handling.actor
        mine = await tx.notices.rules(actor.workspace_id, actor.user_id)
        found = next((one for one in mine if one.id == command.rule_id), None)
        if found is None:
            raise NotFound(f"You have no rule '{command.rule_id}'.", hint="/alert list shows yours.")
        await tx.notices.remove_rule(actor.workspace_id, found.id)
        return found

    async def select_bot(self, command: SelectBot, handling: Handling) -> NoticeSettings:
        """Remember the bot for the channel on which it was said."""
        settings = await _own(handling)
        chosen = dict(settings.bots)
        chosen.pop(handling.actor.channel, None)
        if command.bot_id:
            chosen[handling.actor.channel] = (await bot_of(handling.tx, handling.actor, command.bot_id)).id
        return await _keep(handling, replace(settings, bots=chosen))

    async def set_keyboard(self, command: SetKeyboard, handling: Handling) -> NoticeSettings:
        """Remember the keys."""
        rows = tuple(tuple(key.strip() for key in row if key.strip()) for row in command.rows)
        rows = tuple(row for row in rows if row)
        if len(rows) > MOST_ROWS or any(len(row) > MOST_KEYS for row in rows):
            raise InvalidInput(
                f"{len(rows)} rows of up to {max(len(row) for row in rows)} keys were given; "
                f"{MOST_ROWS} rows of {MOST_KEYS} are allowed."
            )
        for key in (key for row in rows for key in row):
            if not key.startswith("/") or len(key) > LONGEST_KEY:
                raise InvalidInput(
                    f"Key '{key[:LONGEST_KEY]}' was given; a line such as /status of up to {LONGEST_KEY} characters "
                    "is allowed."
                )
        return await _keep(handling, replace(await _own(handling), keyboard=rows))


async def _own(handling: Handling) -> NoticeSettings:
    return await handling.tx.notices.settings_of(handling.actor.workspace_id, handling.actor.user_id)


async def _keep(handling: Handling, settings: NoticeSettings) -> NoticeSettings:
    await handling.tx.notices.save_settings(settings, handling.now)
    return settings


def _with_modes(settings: NoticeSettings, command: ChangeNotices) -> NoticeSettings:
    channel = command.channel.lower()
    if channel not in (ALL_CHANNELS, *CHANNELS):
        raise InvalidInput(
            f"Channel '{command.channel}' was given; {ALL_CHANNELS}, {', '.join(CHANNELS)} are allowed.",
            hint=nearest(channel, CHANNELS) or None,
        )
    if not command.subjects:
        raise InvalidInput(
            "A mode was given and nothing that it is for.", hint="Name a severity or an event."
        )
    modes = dict(settings.modes)
    for subject in command.subjects:
        if subject not in SUBJECTS:
            raise InvalidInput(
                f"'{subject}' was given; {', '.join(SUBJECTS)} are allowed.",
                hint=nearest(subject, SUBJECTS) or None,
            )
        if command.mode == "default":
            modes.pop(f"{channel}:{subject}", None)
            continue
        mode = _one_of(Mode, command.mode, "mode")
        if mode is Mode.OFF and subject == Severity.CRITICAL.value and channel == ALL_CHANNELS:
            raise Conflict(
                "Critical alerts cannot be switched off everywhere.", hint="Switch them off on one channel."
            )
        modes[f"{channel}:{subject}"] = mode
    return replace(settings, modes=modes)


def quiet_hours(typed: str) -> tuple[int | None, int | None]:
    """Read quiet hours as minutes of the day; "off" means none.

    Raises:
        InvalidInput: not two times, or twice the same.
    """
    if typed.strip().lower() == "off":
        return None, None
    start, dash, end = typed.replace(" ", "").partition("-")
    if not dash:
        raise InvalidInput(f"Quiet hours '{typed}' were given; 23:00-07:00 or off is allowed.")
    times = _minute(start), _minute(end)
    if times[0] == times[1]:
        raise InvalidInput(f"Quiet hours '{typed}' begin when they end; two different times are allowed.")
    return times


def _minute(typed: str) -> int:
    found = _TIME.fullmatch(typed.strip())
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (24, 0)
    if hour > 23 or minute > 59:
        raise InvalidInput(f"Time '{typed}' was given; a time of day such as 07:30 is allowed.")
    return hour * 60 + minute


def _amount(typed: str) -> Decimal | None:
    try:
        value = Decimal(typed)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        raise InvalidInput(f"Threshold '{typed}' was given; an amount from 0 up is allowed.")
    return value or None


def _one_of(enum: type[E], typed: str, what: str) -> E:
    try:
        return enum(typed.lower())
    except ValueError:
        names = [one.value for one in enum]
        raise InvalidInput(
            f"'{typed}' was given as {what}; {', '.join(names)} are allowed.",
            hint=nearest(typed, names) or None,
        ) from None


async def _market_ms(handling: Handling, kind: RuleKind, pair: str) -> int:
    """Give the market's time now: what happened before a rule was made never fires it."""
    tx, workspace_id = handling.tx, handling.actor.workspace_id
    if kind is RuleKind.PRICE:
        return max((to_ms(one.last) for one in await tx.candles.series() if one.pair == pair), default=0)
    seen = 0
    for account in await tx.accounts.all(workspace_id):
        status = await tx.accounts.status(workspace_id, account.id)
        seen = max(seen, to_ms(status.as_of) if status else 0)
    return seen

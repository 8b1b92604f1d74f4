"""Words about what one wants to be told: the matrix of events and channels, quiet hours, rules of one's own."""

from __future__ import annotations

from decimal import Decimal

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Button, Card, Column, Field, Number, Press, Price, Ratio, Table, Text, Tone, Value
from chatops.problems import misheard
from chatops.reading import completed_pair, known_pairs, reference
from chatops.room import Asked
from chatops.typing_repair import plain
from desk.alerting.channel import Reader
from desk.alerting.choosing import mode_of
from desk.alerting.readers import readers_of
from desk.alerting.rules import LIFETIMES
from desk.alerting.values import ALL_CHANNELS, CHANNELS, AlertRule, Mode, NoticeSettings, RuleKind
from desk.commands import AddAlertRule, ChangeNotices, RemoveAlertRule, SendTestAlert
from trading.events import Severity

PAGE = Page(Group.ALERTS)

_MODES = (*(one.value for one in Mode), "default")
_SUBJECTS = (*(one.value for one in Severity), *sorted(LIFETIMES), "quiet", "digest", "threshold")


@PAGE.word(
    "notify",
    example="/notify exit_filled silent channel=telegram",
    asks=ChangeNotices,
    arguments=(
        Argument(name="event", read=kinds.name, offers=_SUBJECTS),
        Argument(name="how", read=kinds.words, offers=_MODES, takes_rest=True),
        Argument(
            name="channel",
            read=kinds.choice(ALL_CHANNELS, *CHANNELS),
            only_named=True,
            default=ALL_CHANNELS,
            offers=(ALL_CHANNELS, *CHANNELS),
        ),
    ),
)
async def notify(asked: Asked) -> Card:
    """Choose what is told: /notify <event or severity> on|silent|off|digest; quiet 23-07; threshold 5."""
    event, how = asked.args["event"], asked.args["how"]
    if event is None:
        return await _matrix(asked)
    subject = plain(event).lower()
    value = plain(how).lower() if how else ""
    if not value:
        raise misheard("missing", name="how", usage=asked.word.usage, advice="usage")
    match subject:
        case "quiet":
            await asked.do(ChangeNotices(quiet_hours=value))
        case "digest" if value[0].isdigit():
            await asked.do(ChangeNotices(digest_at=value))
        case "threshold":
            await asked.do(ChangeNotices(least_pnl=value))
        case _:
            await asked.do(
                ChangeNotices(subjects=tuple(subject.split(",")), mode=value, channel=asked.args["channel"])
            )
    return await _matrix(asked)


async def _matrix(asked: Asked) -> Card:
    async with asked.store.reading() as tx:
        settings = await tx.notices.settings_of(asked.workspace_id, asked.actor.user_id)
        mine = [
            one
            for one in await readers_of(tx, asked.workspace_id)
            if one.member.user_id == asked.actor.user_id
        ]
    reader = mine[0] if mine else None
    channels = [one for one in CHANNELS if reader is not None and one in reader.addresses]
    notes = () if channels else (Text("notify.nowhere"),)
    return Card(
        name="notify",
        title=Text("notify.title"),
        fields=_when(settings, asked),
        tables=(_table(settings, reader, channels),) if reader is not None and channels else (),
        notes=(*notes, Text("notify.how")),
        buttons=(
            Button(name="digest_info", press=Press.SAY, line="/notify info digest"),
            Button(name="default_info", press=Press.SAY, line="/notify info default"),
            Button(name="quiet_off", press=Press.SAY, line="/notify quiet off"),
            Button(name="test", press=Press.SAY, line="/alert test"),
        )
        if channels
        else (),
    )


def _when(settings: NoticeSettings, asked: Asked) -> tuple[Field, ...]:
    quiet: Value = Text("notify.never_quiet")
    if settings.quiet_from is not None and settings.quiet_to is not None:
        quiet = Text(
            "notify.quiet",
            {
                "start": _time(settings.quiet_from),
                "end": _time(settings.quiet_to),
                "zone": asked.speaker.time_zone,
            },
        )
    return (
        Field("quiet_hours", quiet),
        Field("digest_at", ", ".join(_time(one) for one in settings.digest_at)),
        Field("least_pnl", settings.least_pnl),
    )


def _time(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _table(settings: NoticeSettings, reader: Reader, channels: list[str]) -> Table:
    said = {key.split(":", 1)[1] for key in settings.modes}
    kinds_said = sorted(said - {one.value for one in Severity})
    rows: list[tuple[Value, ...]] = [
        (
            Text(f"severity.{one.value}"),
            *(Text(f"notice_mode.{_mode(settings, reader, channel, '', one)}") for channel in channels),
        )
        for one in Severity
        if one is not Severity.DEBUG
    ]
    rows += [
        (
            Text(f"notice.{kind}"),
            *(
                Text(f"notice_mode.{_mode(settings, reader, channel, kind, Severity.INFO)}")
                for channel in channels
            ),
        )
        for kind in kinds_said
    ]
    return Table(
        name="notices",
        columns=(Column("event"), *(Column(one) for one in channels)),
        rows=tuple(rows),
    )


def _mode(settings: NoticeSettings, reader: Reader, channel: str, kind: str, severity: Severity) -> str:
    return mode_of(settings, reader, channel, kind, severity).value


@PAGE.word(
    "alert",
    example="/alert add price BTC/USDT above 70000",
    asks=AddAlertRule,
    also=(RemoveAlertRule, SendTestAlert),
    arguments=(
        Argument(
            name="action",
            read=kinds.choice("list", "add", "rm", "test"),
            default="list",
            offers=("list", "add", "rm", "test"),
        ),
        Argument(name="rule", read=kinds.words, takes_rest=True),
        Argument(name="repeat", read=kinds.flag, is_switch=True, default=False),
    ),
)
async def alert(asked: Asked) -> Card:
    """Rules of one's own: add price PAIR above|below N, pnl above|below N, drawdown N%, signal PAIR [N]; list; rm; test."""
    match asked.args["action"]:
        case "add":
            return await _add(asked)
        case "rm":
            return await _remove(asked)
        case "test":
            await asked.do(SendTestAlert())
            return Card(
                name="alert_test",
                title=Text("alert_rule.test"),
                tone=Tone.GOOD,
                body=(Text("alert_rule.tested"),),
            )
        case _:
            return await _rules(asked)


async def _add(asked: Asked) -> Card:
    words = plain(asked.args["rule"] or "").split()
    if not words:
        raise misheard("missing", name="rule", usage=asked.word.usage, advice="rule")
    kind = kinds.choice(*(one.value for one in RuleKind))("rule", words.pop(0))
    pair = ""
    if kind in ("price", "signal"):
        if not words:
            raise misheard("missing", name="pair", usage=asked.word.usage, advice="rule")
        async with asked.store.reading() as tx:
            pair = completed_pair(asked, kinds.pair("pair", words.pop(0)), await known_pairs(asked, tx))
    relation = words.pop(0).lower() if words and words[0].lower() in _SIDES else "above"
    threshold = _threshold(kind, words.pop(0)) if words else Decimal(0)
    if words or (kind != "signal" and not threshold):
        raise misheard(
            "extra" if words else "missing",
            found=words[0] if words else "",
            name="threshold",
            usage=asked.word.usage,
            advice="rule",
        )
    outcome = await asked.do(
        AddAlertRule(
            kind=kind,
            relation=_SIDES.get(relation, "above"),
            threshold=threshold,
            pair=pair,
            is_repeating=asked.args["repeat"],
        )
    )
    rule = outcome.view
    return Card(
        name="alert_rule",
        title=Text("alert_rule.added"),
        tone=Tone.GOOD,
        body=(rule_text(rule),),
        fields=(Field("id", reference(rule.id)),),
        notes=(Text("alert_rule.repeats" if rule.is_repeating else "alert_rule.once"),),
    )


#: How people say on which side of a threshold.
_SIDES = {
    "above": "above",
    "over": "above",
    ">": "above",
    ">=": "above",
    "below": "below",
    "under": "below",
    "<": "below",
    "<=": "below",
    "dessus": "above",
    "dessous": "below",
}


def _threshold(kind: str, typed: str) -> Decimal:
    if kind in ("drawdown", "signal"):
        return kinds.share("threshold", typed)
    is_loss = kind == "pnl" and typed.startswith("-")
    value = kinds.amount("threshold", typed.removeprefix("-"))
    return -value if is_loss else value


def rule_text(rule: AlertRule) -> Text:
    """Give a rule as a sentence."""
    threshold: Value = Price(rule.threshold)
    if rule.kind in (RuleKind.DRAWDOWN, RuleKind.SIGNAL):
        threshold = Ratio(float(rule.threshold))
    elif rule.kind is RuleKind.PNL:
        threshold = Number(float(rule.threshold))
    return Text(
        f"rule.{rule.kind.value}",
        {"pair": rule.pair, "relation": Text(f"relation.{rule.relation.value}"), "threshold": threshold},
    )


async def _rules(asked: Asked) -> Card:
    async with asked.store.reading() as tx:
        rules = await tx.notices.rules(asked.workspace_id, asked.actor.user_id)
    return Card(
        name="alert_rules",
        title=Text("alert_rule.title", {"n": len(rules)}),
        tables=(
            Table(
                name="alert_rules",
                columns=(Column("id"), Column("rule"), Column("state"), Column("fired", 1)),
                rows=tuple(
                    (
                        reference(one.id),
                        rule_text(one),
                        Text("alert_rule.armed" if one.is_armed else "alert_rule.fired"),
                        one.fired_at,
                    )
                    for one in rules
                ),
            ),
        )
        if rules
        else (),
        notes=(Text("advice.rule"),),
    )


async def _remove(asked: Asked) -> Card:
    wanted = plain(asked.args["rule"] or "").lstrip("#").lower()
    async with asked.store.reading() as tx:
        rules = await tx.notices.rules(asked.workspace_id, asked.actor.user_id)
    found = next((one for one in rules if wanted in (one.id.lower(), reference(one.id).lower())), None)
    if found is None:
        raise misheard(
            "unknown_rule",
            advice="rules",
            problem="not_found",
            found=wanted,
            allowed=", ".join(reference(one.id) for one in rules) or "–",
        )
    await asked.do(RemoveAlertRule(rule_id=found.id))
    return Card(
        name="alert_rule",
        title=Text("alert_rule.removed"),
        tone=Tone.WARN,
        body=(rule_text(found),),
    )

"""Words about the house and oneself: help, who, language, time zone, version, health, audit, confirmations."""

from __future__ import annotations

from collections.abc import Sequence

from chatops import kinds
from chatops.arguments import Argument
from chatops.because import because
from chatops.book import Group, Page, Word
from chatops.cards import Age, Card, Column, Field, Table, Text, Tone, Value
from chatops.doors.heard import Place
from chatops.errors import role_text
from chatops.problems import did_you_mean, misheard
from chatops.room import Asked
from chatops.texts.catalogue import LANGUAGES
from chatops.typing_repair import plain
from desk.alerting.values import Heartbeat
from desk.commands import Danger, SetPreference
from desk.identity import Role
from desk.order_views import Incident
from desk.ports import Unit
from desk.views import Account, AuditEntry, JobState
from desk.views import Page as RowPage

PAGE = Page(Group.HOUSE)

#: Lines of the audit that are looked through for one person.
_MOST_AUDIT = 500


@PAGE.word(
    "help",
    example="/help status",
    aliases=("h",),
    arguments=(Argument(name="command", read=kinds.name, offers="word"),),
)
async def help_(asked: Asked) -> Card:
    """List the words that the person may say, or explain one."""
    wanted = asked.args["command"]
    if wanted is None:
        return _index(asked)
    name = wanted.lstrip("/").lower()
    word = asked.book.find(name)
    if word is None:
        near = asked.book.nearest(name, asked.actor.role)
        raise misheard(
            "unknown_word",
            advice="help",
            problem="not_found",
            found=name,
            nearest=did_you_mean(f"/{near}" if near else ""),
        )
    return _page(word)


def _index(asked: Asked) -> Card:
    words = asked.book.for_role(asked.actor.role)
    tables = tuple(
        Table(
            name=group.value,
            is_titled=True,
            columns=(Column("command"), Column("summary")),
            rows=tuple((one.usage, Text(f"summary.{one.name}")) for one in words if one.group is group),
        )
        for group in Group
        if any(one.group is group for one in words)
    )
    return Card(
        name="help",
        title=Text("help.title"),
        body=(Text("help.body", {"n": len(words), "role": role_text(asked.actor.role)}),),
        tables=tables,
        notes=(Text("help.more"),),
    )


def _page(word: Word) -> Card:
    fields = [
        Field("usage", word.usage),
        Field("example", word.example),
        Field("role", role_text(word.role)),
        Field("confirmation", Text(f"danger.{word.danger.value}")),
    ]
    if word.aliases:
        fields.append(Field("aliases", ", ".join(f"/{one}" for one in word.aliases)))
    arguments = tuple((one.usage, Text(f"argument.{one.name}")) for one in word.arguments)
    return Card(
        name="help_word",
        title=Text("help.word", {"word": f"/{word.name}"}),
        body=(Text(f"summary.{word.name}"),),
        tone=Tone.WARN if word.danger is not Danger.NONE else Tone.PLAIN,
        fields=tuple(fields),
        tables=(Table(name="arguments", columns=(Column("argument"), Column("summary")), rows=arguments),)
        if arguments
        else (),
    )


@PAGE.word("version", example="/version")
async def version(asked: Asked) -> Card:
    """Show what runs."""
    async with asked.store.reading() as tx:
        head = await tx.journal.head(asked.workspace_id)
    is_current = await asked.store.is_current()
    return Card(
        name="version",
        title=Text("version.title"),
        fields=(
            Field("version", asked.room.version or None),
            Field("schema", Text("state.current" if is_current else "state.outdated")),
            Field("sequence", head),
        ),
    )


@PAGE.word("whoami", example="/whoami", aliases=("tg_info",))
async def whoami(asked: Asked) -> Card:
    """Show how the house knows the person."""
    async with asked.store.reading() as tx:
        workspace = await tx.workspaces.by_id(asked.workspace_id)
    return Card(
        name="whoami",
        title=Text("whoami.title", {"name": asked.actor.name}),
        fields=(
            Field("role", role_text(asked.actor.role)),
            Field("workspace", workspace.name if workspace else None),
            Field("channel", asked.actor.channel),
            *_place(asked),
            Field("email", asked.member.email if asked.member and asked.member.email else None),
            Field("language", Text(f"language.{asked.speaker.language}")),
            Field("time_zone", asked.speaker.time_zone),
            Field("user_id", asked.actor.user_id or None),
        ),
    )


def _place(asked: Asked) -> tuple[Field, ...]:
    """Give the chat and the topic where it was said, as the platform numbers them."""
    place = asked.extras.get("place")
    if not isinstance(place, Place):
        return ()
    topic = (Field("topic_id", place.thread_id),) if place.thread_id else ()
    return (Field("chat_id", place.chat_id), *topic)


@PAGE.word(
    "lang",
    example="/lang fr",
    asks=SetPreference,
    arguments=(Argument(name="language", read=kinds.choice(*LANGUAGES), is_required=True, offers=LANGUAGES),),
)
async def lang(asked: Asked) -> Card:
    """Choose the language of one's cards."""
    language = asked.args["language"]
    await asked.do(SetPreference(language=language))
    return Card(
        name="preference",
        title=Text("preference.title"),
        tone=Tone.GOOD,
        fields=(Field("language", Text(f"language.{language}")),),
    )


@PAGE.word(
    "tz",
    example="/tz Europe/Paris",
    asks=SetPreference,
    arguments=(Argument(name="zone", read=kinds.zone, is_required=True, takes_rest=True),),
)
async def tz(asked: Asked) -> Card:
    """Choose the time zone of one's cards."""
    zone = asked.args["zone"]
    await asked.do(SetPreference(time_zone=zone))
    return Card(
        name="preference", title=Text("preference.title"), tone=Tone.GOOD, fields=(Field("time_zone", zone),)
    )


@PAGE.word("health", example="/health", aliases=("ping",))
async def health(asked: Asked) -> Card:
    """Show whether every part is well: schema, bots, data age, mail waiting."""
    clock = asked.room.desk.clock
    began = clock.monotonic()
    async with asked.store.reading() as tx:
        bots = await tx.bots.all(asked.workspace_id)
        waiting, oldest = await tx.alerts.pending()
        head = await tx.journal.head(asked.workspace_id)
        jobs = await tx.jobs.counts()
        beats = await tx.notices.heartbeats()
        accounts = await tx.accounts.all(asked.workspace_id)
        troubles = [
            (account, one)
            for account in accounts
            if account.is_live
            for one in await tx.execution.open_incidents(asked.workspace_id, account.id)
        ]
    took_ms = (clock.monotonic() - began) * 1000
    is_current = await asked.store.is_current()
    ill = [one for one in bots if one.condition.value in {"DEGRADED", "ERROR"}]
    return Card(
        name="health",
        title=Text("health.title"),
        tone=Tone.BAD if ill or troubles or not is_current else Tone.GOOD,
        fields=(
            Field("schema", Text("state.current" if is_current else "state.outdated")),
            Field("database", Text("health.took", {"ms": round(took_ms)})),
            Field("sequence", head),
            Field("outbox", Text("health.waiting", {"n": waiting})),
            Field("oldest", Age(oldest, asked.now) if oldest else None),
            Field("jobs_waiting", jobs.get(JobState.QUEUED.value, 0)),
            Field("jobs_running", jobs.get(JobState.RUNNING.value, 0)),
            Field("feed", asked.room.label or None),
        ),
        tables=(
            *_processes(asked, beats),
            *_doors(asked),
            *_troubles(troubles),
            Table(
                name="bots",
                columns=(Column("bot"), Column("condition"), Column("last_bar"), Column("reason", 1)),
                rows=tuple(
                    (
                        one.name,
                        Text(f"condition.{one.condition.value}"),
                        one.last_bar_at,
                        because(one.condition_reason) or None,
                    )
                    for one in bots
                ),
            ),
        )
        if bots
        else (*_processes(asked, beats), *_doors(asked), *_troubles(troubles)),
    )


def _processes(asked: Asked, beats: Sequence[Heartbeat]) -> tuple[Table, ...]:
    """List the processes of the house with their last sign of life."""
    rows = tuple((one.role, Age(one.beat_at, asked.now)) for one in sorted(beats, key=lambda one: one.role))
    columns = (Column("process"), Column("beat"))
    return (Table(name="processes", is_titled=True, columns=columns, rows=rows),) if rows else ()


def _doors(asked: Asked) -> tuple[Table, ...]:
    """List the chat doors of this process; a console has none."""
    states = asked.room.doors() if asked.room.doors else {}
    rows = tuple(
        (name, Text(f"door_state.{state}"), detail or None) for name, (state, detail) in states.items()
    )
    columns = (Column("door"), Column("state"), Column("detail", 1))
    return (Table(name="doors", is_titled=True, columns=columns, rows=rows),) if rows else ()


def _troubles(troubles: Sequence[tuple[Account, Incident]]) -> tuple[Table, ...]:
    """List what is wrong at exchanges."""
    rows = tuple(
        (account.name, Text(f"incident.{one.kind.value}"), one.subject or None, one.opened_at)
        for account, one in troubles
    )
    columns = (Column("account"), Column("what"), Column("subject"), Column("since"))
    return (Table(name="incidents", is_titled=True, columns=columns, rows=rows),) if rows else ()


@PAGE.word(
    "audit",
    example="/audit 20",
    role=Role.ADMIN,
    arguments=(
        Argument(name="n", read=kinds.whole(1, 100), default=10),
        Argument(name="user", read=kinds.name, only_named=True, offers="user"),
        Argument(name="verify", read=kinds.flag, is_switch=True, default=False),
    ),
)
async def audit(asked: Asked) -> Card:
    """Show the last lines of the audit, or check its chain."""
    async with asked.store.reading() as tx:
        rows = await _audit_rows(asked, tx)
        bad = await tx.audit.first_bad(asked.workspace_id) if asked.args["verify"] else None
    chain: tuple[Field, ...] = ()
    if asked.args["verify"]:
        verdict = Text("audit.whole") if bad is None else Text("audit.broken", {"sequence": bad})
        chain = (Field("chain", verdict, Tone.GOOD if bad is None else Tone.BAD),)
    cells: tuple[tuple[Value, ...], ...] = tuple(
        (
            one.sequence,
            one.at,
            one.actor,
            one.action,
            one.subject or None,
            Text(f"outcome.{one.outcome}"),
            because(str(one.detail.get("reason") or "")) or None,
        )
        for one in rows
    )
    return Card(
        name="audit",
        title=Text("audit.title"),
        tone=Tone.BAD if bad is not None else Tone.PLAIN,
        fields=chain,
        notes=() if cells else (Text("audit.none"),),
        tables=(
            Table(
                name="audit",
                columns=(
                    Column("sequence"),
                    Column("at"),
                    Column("actor"),
                    Column("action"),
                    Column("subject", 2),
                    Column("outcome"),
                    Column("reason", 1),
                ),
                rows=cells,
            ),
        )
        if cells
        else (),
    )


async def _audit_rows(asked: Asked, tx: Unit) -> Sequence[AuditEntry]:
    """Give the last lines, of one person where somebody is named."""
    count: int = asked.args["n"]
    if asked.args["user"] is None:
        return await tx.audit.page(asked.workspace_id, RowPage(first=count))
    who = plain(asked.args["user"]).casefold().removeprefix("@")
    rows = await tx.audit.page(asked.workspace_id, RowPage(first=_MOST_AUDIT))
    return [one for one in rows if who in (one.actor.casefold(), one.actor.split("@")[0].casefold())][:count]


@PAGE.word(
    "confirm",
    example="/confirm Ab3dE6gH9jK2mN5p",
    arguments=(
        Argument(name="token", read=kinds.name, is_required=True),
        Argument(name="typed", read=kinds.words, takes_rest=True),
    ),
)
async def confirm(asked: Asked) -> Card:
    """Carry out what a confirmation card asked."""
    return await asked.pressing(asked.args["token"], asked.args["typed"] or "")


@PAGE.word(
    "dismiss",
    example="/dismiss Ab3dE6gH9jK2mN5p",
    arguments=(Argument(name="token", read=kinds.name, is_required=True),),
)
async def dismiss(asked: Asked) -> Card:
    """Use a confirmation up without doing anything."""
    return await asked.dismissing(asked.args["token"])

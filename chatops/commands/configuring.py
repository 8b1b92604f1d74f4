"""The word about a bot's configuration: what it is, its versions, a change with its preview, the way back."""

from __future__ import annotations

from dataclasses import replace

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Card, Column, Table, Text, Tone
from chatops.commands.bots import bot_card, seen_now, setting, shown_setting
from chatops.problems import misheard
from chatops.reading import named_bot
from chatops.room import Asked
from chatops.typing_repair import plain
from desk.commands import ChangeConfig, RollBackConfig

PAGE = Page(Group.BOTS)

_BOT = Argument(name="bot", read=kinds.name, offers="bot")


def _change(asked: Asked) -> tuple[str | None, dict[str, str], int | None]:
    """Give the bot's name as typed, what is to be set, and the version to go back to.

    `fast_bars=10`, `set fast_bars 10` and `back 3` stand after the name, or alone.
    """
    given: str | None = asked.args["bot"]
    typed, words = given, str(asked.args["change"]).split()
    if given is not None and plain(given).lower() in {"set", "back"}:
        typed, words = None, [given, *words]
    settings: dict[str, str] = dict(asked.args["settings"])
    match [words[0].lower(), *words[1:]] if words else []:
        case []:
            return typed, settings, None
        case ["set", name, value]:
            return typed, {**settings, name.lower(): value}, None
        case ["back", *rest] if len(rest) <= 1 and not settings:
            return typed, {}, kinds.whole(1, 1_000_000)("version", rest[0]) if rest else 0
        case _:
            raise misheard("extra", found=words[0], usage=asked.word.usage, advice="usage")


@PAGE.word(
    "config",
    example="/config demo fast_bars=10",
    aliases=("show_config", "show_conf"),
    also=(ChangeConfig, RollBackConfig),
    arguments=(
        _BOT,
        Argument(name="change", takes_rest=True, default=""),
        Argument(name="reason", read=kinds.words, only_named=True, default=""),
    ),
    keeps_settings=True,
)
async def config(asked: Asked) -> Card:
    """Show a bot's configuration and its versions; key=value or set <key> <value> changes it, back returns, from its next start on."""
    typed, settings, version = _change(asked)
    bot = await named_bot(asked, typed)
    if version is not None:
        await asked.do(RollBackConfig(bot_id=bot.id, version=version))
    is_changed = bool(settings) or version is not None
    if settings:
        await asked.do(
            ChangeConfig(
                bot_id=bot.id,
                parameters=tuple((key, setting(typed)) for key, typed in settings.items()),
                reason=asked.args["reason"],
            )
        )
    after, money = await seen_now(asked, bot)
    async with asked.store.reading() as tx:
        versions = await tx.bots.configs(asked.workspace_id, bot.id)
    card = bot_card(
        "config",
        after,
        money=money,
        title="config.changed" if is_changed else "config.title",
        tone=Tone.GOOD if is_changed else Tone.PLAIN,
        notes=(Text("config.next_start"),) if is_changed else (Text("config.how"),),
    )
    tables = [
        Table(
            name="parameters",
            columns=(Column("parameter"), Column("value")),
            rows=tuple((name, shown_setting(value)) for name, value in after.parameters.items()),
        ),
        Table(
            name="versions",
            is_titled=True,
            columns=(Column("version"), Column("at"), Column("by"), Column("reason", 1)),
            rows=tuple(
                (one.version, one.created_at, one.author or None, one.reason or None)
                for one in sorted(versions, key=lambda one: -one.version)[:10]
            ),
        ),
    ]
    return replace(card, tables=tuple(one for one in tables if one.rows))

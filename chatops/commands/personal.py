"""Words about one's own chat: the bot that is meant, and the keys that are offered."""

from __future__ import annotations

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Button, Card, Field, Press, Text, Tone
from chatops.problems import did_you_mean, misheard
from chatops.reading import bots_of, named_bot
from chatops.room import Asked
from desk.commands import SelectBot, SetKeyboard
from desk.desk import Outcome

PAGE = Page(Group.HOUSE)

#: Words that end a choice.
_NONE = frozenset({"none", "off", "aucun", "-"})


@PAGE.word(
    "use",
    example="/use demo",
    asks=SelectBot,
    arguments=(Argument(name="bot", read=kinds.name, offers="bot"),),
)
async def use(asked: Asked) -> Card:
    """Choose the bot that lines without one mean here; /use none ends it."""
    typed = asked.args["bot"]
    if typed is None:
        return await _picker(asked)
    if typed.casefold() in _NONE:
        await asked.do(SelectBot())
        return Card(name="use", title=Text("use.none"), tone=Tone.PLAIN)
    bot = await named_bot(asked, typed)
    await asked.do(SelectBot(bot_id=bot.id))
    return Card(
        name="use",
        title=Text("use.title", {"bot": bot.name}),
        tone=Tone.GOOD,
        body=(Text("use.body"),),
    )


async def _picker(asked: Asked) -> Card:
    async with asked.store.reading() as tx:
        rows = tuple((await bots_of(asked, tx)).values())
        settings = await tx.notices.settings_of(asked.workspace_id, asked.actor.user_id)
    chosen = settings.bots.get(asked.actor.channel, "")
    name = next((one.name for one in rows if one.id == chosen), None)
    return Card(
        name="use",
        title=Text("use.title", {"bot": name}) if name else Text("use.none"),
        body=(Text("use.pick"),) if rows else (Text("advice.newbot"),),
        buttons=tuple(
            Button(name="use", press=Press.SAY, line=f'/use "{one.name}"', params={"bot": one.name})
            for one in rows
            if one.id != chosen
        ),
    )


@PAGE.word(
    "keyboard",
    example="/keyboard /status /profit; /bots /alerts",
    asks=SetKeyboard,
    arguments=(Argument(name="keys", read=kinds.words, takes_rest=True),),
)
async def keyboard(asked: Asked) -> Card:
    """Choose the keys that a chat offers: lines with spaces between keys and ; between rows; "default" for the usual."""
    typed = asked.args["keys"]
    if typed is None:
        async with asked.store.reading() as tx:
            settings = await tx.notices.settings_of(asked.workspace_id, asked.actor.user_id)
        return _keys(settings.keyboard, Text("keyboard.title"))
    rows: tuple[tuple[str, ...], ...] = ()
    if typed.strip().casefold() != "default":
        rows = tuple(_row(asked, one) for one in typed.split(";") if one.strip())
    outcome: Outcome = await asked.do(SetKeyboard(rows=rows))
    return _keys(outcome.view.keyboard, Text("keyboard.saved"))


def _row(asked: Asked, typed: str) -> tuple[str, ...]:
    """Read a row; a key begins with a slash and keeps its arguments."""
    keys = [f"/{one.strip()}" for one in typed.strip().removeprefix("/").split("/") if one.strip()]
    for key in keys:
        name = key[1:].split()[0].lower()
        if asked.book.find(name) is None:
            near = asked.book.nearest(name, asked.actor.role)
            raise misheard(
                "unknown_word",
                advice="help",
                problem="not_found",
                found=name,
                nearest=did_you_mean(f"/{near}" if near else ""),
            )
    return tuple(keys)


def _keys(rows: tuple[tuple[str, ...], ...], title: Text) -> Card:
    return Card(
        name="keyboard",
        title=title,
        tone=Tone.GOOD,
        fields=tuple(Field("keys", "   ".join(row)) for row in rows),
        notes=() if rows else (Text("keyboard.usual"),),
    )

"""The console door: one line and exit, or a conversation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from chatops.book import Book
from chatops.cards import Card, Tone
from chatops.commands import full_book
from chatops.console.render import console_text
from chatops.console.saving import saved
from chatops.dispatch import Dispatcher
from chatops.plain import as_json
from chatops.room import Room
from chatops.texts.speaker import Speaker
from desk.desk import Desk
from desk.identity import Actor
from desk.ports import Painter, Store
from desk.views import Member, Workspace
from trading.errors import BreakwaterError, NotFound, RequestProblem, nearest

if TYPE_CHECKING:
    from desk.models.queries import PairForecast
    from desk.reports.drift.service import Drifts

#: Asks the person for a line; None when they leave.
Ask = Callable[[str], Awaitable[str | None]]

_YES = frozenset({"y", "yes", "o", "oui"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the console printed.

    Attributes:
        code: 0 done, 1 the work failed, 2 the request was wrong or waits for a confirmation.
    """

    text: str
    code: int
    card: Card


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """How the console prints.

    Attributes:
        folder: where pictures and files are written to; None draws and writes none.
    """

    width: int = 100
    color: bool = False
    is_json: bool = False
    folder: Path | None = None


def room_of(
    desk: Desk,
    *,
    painter: Painter | None = None,
    version: str = "",
    label: str = "",
    drifts: Drifts | None = None,
    forecast: Callable[[str, str], Awaitable[PairForecast]] | None = None,
) -> Room:
    """Give the room that `run_once` and `run_interactive` take."""
    return Room(desk=desk, painter=painter, version=version, label=label, drifts=drifts, forecast=forecast)


async def member_named(store: Store, name: str = "") -> tuple[Workspace, Member]:
    """Give the person of a name (or address); without one the only owner of the only workspace.

    Raises:
        NotFound: nobody by that name, or the choice is not clear.
    """
    async with store.reading() as tx:
        people = [
            (workspace, member)
            for workspace in await tx.workspaces.all()
            for member in await tx.members.all(workspace.id)
        ]
    names = sorted({member.name for _, member in people})
    if not people:
        raise NotFound("Nobody is a member yet.", hint="`breakwater up` makes the first one.")
    if name:
        fits = [
            one
            for one in people
            if name.casefold() in (one[1].name.casefold(), one[1].email.casefold(), one[1].user_id)
        ]
        if len(fits) == 1:
            return fits[0]
        raise NotFound(
            f"{'Several members are' if fits else 'No member is'} called '{name}'; members: {', '.join(names)}.",
            hint=nearest(name, names) or None,
        )
    owners = [one for one in people if one[1].role.name == "OWNER"]
    if len(owners) == 1:
        return owners[0]
    if len(people) == 1:
        return people[0]
    raise NotFound(f"Nobody was named; members: {', '.join(names)}.", hint="Say who you are with --as NAME.")


async def console_actor(store: Store, name: str = "") -> Actor:
    """Give the actor behind `--as NAME`."""
    workspace, member = await member_named(store, name)
    return Actor(
        workspace_id=workspace.id,
        user_id=member.user_id,
        name=member.name,
        role=member.role,
        channel="console",
        language=member.language or "en",
    )


async def run_once(
    room: Room,
    line: str,
    actor: Actor,
    *,
    screen: Screen | None = None,
    yes: bool = False,
    ask: Ask | None = None,
    book: Book | None = None,
) -> Said:
    """Answer one line.

    Args:
        yes: confirm at once what asks for a confirmation, typed words included.
        ask: where a person sits at the terminal: asks them instead of giving the token.
    """
    screen = screen or Screen()
    dispatcher = Dispatcher(room, book or full_book())
    card = await dispatcher.answer(line, actor)
    speaker = await dispatcher.speaker(actor)
    if card.token and yes:
        card = await dispatcher.answer(_confirmation(card), actor)
    elif card.token and ask is not None and not screen.is_json:
        shown = await show(room, card, speaker, screen)
        after = await _asked(dispatcher, card, actor, speaker, ask)
        speaker = await dispatcher.speaker(actor)
        return Said(text=shown + await show(room, after, speaker, screen), code=exit_code(after), card=after)
    speaker = await dispatcher.speaker(actor)
    return Said(text=await show(room, card, speaker, screen), code=exit_code(card), card=card)


async def run_interactive(
    room: Room,
    actor: Actor,
    *,
    ask: Ask,
    tell: Callable[[str], None],
    screen: Screen | None = None,
    book: Book | None = None,
) -> int:
    """Talk until the person leaves with /quit or the end of input; gives the exit code."""
    from chatops.console.wizard import new_bot_line

    screen = screen or Screen()
    dispatcher = Dispatcher(room, book or full_book())
    speaker = await dispatcher.speaker(actor)
    tell(speaker.label("console", "hello") + "\n")
    while (line := await ask("breakwater> ")) is not None:
        word = line.strip().lower()
        if word in {"/quit", "/exit", "quit", "exit"}:
            break
        if not word:
            continue
        if word == "/newbot":
            made = await new_bot_line(room, actor, speaker, ask, tell)
            if made is None:
                continue
            line = made
        card = await dispatcher.answer(line, actor)
        tell(await show(room, card, speaker, screen))
        if card.token:
            card = await _asked(dispatcher, card, actor, speaker, ask)
            tell(await show(room, card, speaker, screen))
        speaker = await dispatcher.speaker(actor)
    tell(speaker.label("console", "bye") + "\n")
    return 0


def _confirmation(card: Card) -> str:
    word = f' "{card.type_word}"' if card.type_word else ""
    return f"/confirm {card.token}{word}"


async def _asked(dispatcher: Dispatcher, card: Card, actor: Actor, speaker: Speaker, ask: Ask) -> Card:
    """Ask for the confirmation that a card wants; anything but a clear yes cancels."""
    from chatops.cards import Text

    if card.type_word:
        typed = await ask(speaker.say(Text("console.ask_word", {"word": card.type_word})))
        is_meant = bool(typed and typed.strip())
        line = f'/confirm {card.token} "{(typed or "").strip()}"'
    else:
        typed = await ask(speaker.label("console", "ask"))
        is_meant = (typed or "").strip().lower() in _YES
        line = f"/confirm {card.token}"
    return await dispatcher.answer(line if is_meant else f"/dismiss {card.token}", actor)


async def show(room: Room, card: Card, speaker: Speaker, screen: Screen) -> str:
    """Give a card as the screen shows it, its picture and its file written first."""
    from chatops.cards import Text

    kept = await saved(room, card, screen.folder)
    if screen.is_json:
        document = as_json(card, speaker, picture=kept.picture, file=kept.file)
        return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"
    text = console_text(card, speaker, width=screen.width, color=screen.color, saved=kept)
    if card.chart is not None and screen.folder is not None and not kept.picture:
        text += speaker.label("chart", "failed") + "\n"
    if card.file is not None and screen.folder is not None and not kept.file:
        text += (
            speaker.say(Text("file.failed", {"name": card.file.name, "folder": str(screen.folder)})) + "\n"
        )
    if card.token and card.type_word:
        how = Text("console.how_word", {"token": card.token, "word": card.type_word})
        return text + speaker.say(how) + "\n"
    if card.token:
        return text + speaker.say(Text("console.how", {"token": card.token})) + "\n"
    return text


def exit_code(card: Card) -> int:
    """Give the exit code of a card: an unanswered confirmation counts as a request that is not complete."""
    if card.token:
        return 2
    if not card.problem and card.name != "stranger":
        return 0
    return 1 if card.tone is Tone.BAD and card.problem not in _request_codes() else 2


def _request_codes() -> frozenset[str]:
    def below(root: type[BreakwaterError]) -> set[str]:
        return {root.code}.union(*(below(one) for one in root.__subclasses__()))

    return frozenset(below(RequestProblem))

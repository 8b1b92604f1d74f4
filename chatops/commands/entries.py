"""Words about entries that people have a say in: semi-automatic bots, answers to what they ask, the market's direction."""

from __future__ import annotations

from datetime import timedelta

from chatops import kinds
from chatops.alert_pictures import asked_chart
from chatops.alerts import parameter
from chatops.arguments import Argument
from chatops.because import because
from chatops.book import Group, Page
from chatops.cards import Button, Card, Column, Field, Money, Press, Price, Ratio, Table, Text, Tone
from chatops.entries import entry_buttons
from chatops.problems import misheard
from chatops.reading import account_named, account_text, bots_of, named_bot, side
from chatops.room import Asked
from chatops.typing_repair import plain
from desk.commands import AnswerEntry, SetEntryMode, SetMarketDirection
from desk.entry_views import ANSWER_WITHIN, DRIFT_RATIO, Direction, EntryRequest, EntryState
from desk.handlers.entries import ANSWERS
from desk.money import money_kinds

PAGE = Page(Group.POSITIONS)

_DIRECTIONS = tuple(one.value for one in Direction)
_TONES = {
    EntryState.WAITING: Tone.ASK,
    EntryState.APPROVED: Tone.GOOD,
    EntryState.ENTERED: Tone.GOOD,
}


@PAGE.word(
    "semi",
    example="/semi demo on window=30m drift=1%",
    also=(SetEntryMode,),
    arguments=(
        Argument(name="bot", read=kinds.name, offers="bot"),
        Argument(name="mode", read=kinds.choice("on", "off"), offers=("on", "off")),
        Argument(name="window", read=kinds.span, only_named=True, default=ANSWER_WITHIN),
        Argument(name="drift", read=kinds.share, only_named=True, default=DRIFT_RATIO),
    ),
)
async def semi(asked: Asked) -> Card:
    """Show which bots ask before they enter; on or off changes one of them."""
    if asked.args["mode"] is None and asked.args["bot"] is None:
        return await _modes(asked)
    bot = await named_bot(asked, asked.args["bot"])
    if asked.args["mode"] is not None:
        await asked.do(
            SetEntryMode(
                bot_id=bot.id,
                is_asked=asked.args["mode"] == "on",
                window=asked.args["window"],
                drift=asked.args["drift"],
            )
        )
    async with asked.store.reading() as tx:
        wish = (await tx.entries.wishes(asked.workspace_id, bot.account_id)).get(bot.id)
    is_asked = wish is not None and wish.is_asked
    fields = [
        Field("bot", bot.name),
        Field("entries", Text("entry_mode.asks" if is_asked else "entry_mode.alone")),
    ]
    if wish is not None and is_asked:
        fields += [
            Field("window", timedelta(seconds=wish.window_s)),
            Field("drift", Ratio(float(wish.drift_ratio))),
        ]
    return Card(
        name="entry_mode",
        title=Text("entry_mode.title", {"bot": bot.name}),
        tone=Tone.GOOD if asked.args["mode"] is not None else Tone.PLAIN,
        fields=tuple(fields),
        notes=(Text("entry_mode.how" if is_asked else "entry_mode.turn_on", {"bot": bot.name}),),
    )


async def _modes(asked: Asked) -> Card:
    async with asked.store.reading() as tx:
        bots = (await bots_of(asked, tx)).values()
        asking = {
            wish.bot_id
            for account in {one.account_id for one in bots}
            for wish in (await tx.entries.wishes(asked.workspace_id, account)).values()
            if wish.is_asked
        }
    return Card(
        name="entry_modes",
        title=Text("entry_mode.all", {"n": len(asking)}),
        tables=(
            Table(
                name="entry_modes",
                columns=(Column("bot"), Column("entries")),
                rows=tuple(
                    (one.name, Text("entry_mode.asks" if one.id in asking else "entry_mode.alone"))
                    for one in bots
                ),
            ),
        ),
    )


@PAGE.word(
    "entry",
    example="/entry K7Q2XM approve",
    also=(AnswerEntry,),
    arguments=(
        Argument(name="code", read=kinds.name, offers="entry"),
        Argument(name="answer", read=kinds.choice(*ANSWERS), offers=tuple(ANSWERS)),
    ),
)
async def entry(asked: Asked) -> Card:
    """List the entries that wait for an answer, show one with its picture, or answer it: approve, half, skip."""
    code = asked.args["code"]
    if code is None:
        return await _waiting(asked)
    if asked.args["answer"] is not None:
        outcome = await asked.do(AnswerEntry(code=code, answer=asked.args["answer"]))
        return await _card(asked, outcome.view, is_answered=True)
    async with asked.store.reading() as tx:
        request = await tx.entries.by_code(asked.workspace_id, plain(code).upper())
    if request is None:
        raise misheard("unknown_entry", problem="not_found", found=code)
    return await _card(asked, request, is_answered=False)


async def _waiting(asked: Asked) -> Card:
    async with asked.store.reading() as tx:
        rows = await tx.entries.open(asked.workspace_id)
        bots = await bots_of(asked, tx)
    return Card(
        name="entries_waiting",
        title=Text("entry.waiting", {"n": len(rows)}),
        tone=Tone.ASK if rows else Tone.PLAIN,
        tables=(
            Table(
                name="entries_waiting",
                columns=(
                    Column("code"),
                    Column("bot", 1),
                    Column("pair"),
                    Column("side"),
                    Column("quantity", 1),
                    Column("price"),
                    Column("state"),
                    Column("until"),
                ),
                rows=tuple(
                    (
                        one.code,
                        bots[one.bot_id].name if one.bot_id in bots else None,
                        one.pair,
                        side(one.is_long),
                        one.quantity,
                        Price(one.price),
                        Text(f"entry_state.{one.state.value}"),
                        one.expires_at,
                    )
                    for one in rows
                ),
            ),
        )
        if rows
        else (),
        notes=() if rows else (Text("entry.none"),),
        buttons=tuple(
            Button(name="pick", press=Press.SAY, line=f"/entry {one.code}", params={"choice": one.code})
            for one in rows[:5]
        ),
    )


async def _card(asked: Asked, request: EntryRequest, *, is_answered: bool) -> Card:
    async with asked.store.reading() as tx:
        bot = await tx.bots.by_id(asked.workspace_id, request.bot_id)
        chart = None if is_answered else await asked_chart(tx, request, bot)
    fields = [
        Field("bot", bot.name if bot else None),
        Field("side", side(request.is_long)),
        Field("quantity", request.quantity * request.share),
        Field("price", Price(request.price)),
        Field("worth", Money(request.quantity * request.share * request.price)),
        Field("stop", Price(request.stop)),
        Field("targets", parameter("targets", [str(one) for one in request.targets])),
        Field("tag", request.tag or None),
        Field("state", Text(f"entry_state.{request.state.value}"), _TONES.get(request.state, Tone.WARN)),
        Field("until", request.expires_at),
    ]
    if request.decided_by:
        fields.append(Field("by", request.decided_by))
    if request.outcome:
        fields.append(Field("reason", because(request.outcome)))
    is_waiting = request.state is EntryState.WAITING
    notes: tuple[Text, ...] = ()
    if request.state is EntryState.APPROVED:
        notes = (Text("entry.approved"),)
    elif request.state is EntryState.DRIFTED:
        notes = (Text("entry.drifted"),)
    return Card(
        name="entry",
        title=Text("entry.title", {"code": request.code, "pair": request.pair}),
        tone=_TONES.get(request.state, Tone.WARN),
        fields=tuple(fields),
        chart=chart,
        notes=notes,
        buttons=entry_buttons(request.code) if is_waiting else (),
    )


@PAGE.word(
    "marketdir",
    example="/marketdir long",
    also=(SetMarketDirection,),
    arguments=(
        Argument(name="direction", read=kinds.choice(*_DIRECTIONS), offers=_DIRECTIONS),
        Argument(name="account", read=kinds.name, only_named=True),
    ),
)
async def marketdir(asked: Asked) -> Card:
    """Show or say which way the market goes; entries against it are refused."""
    async with asked.store.reading() as tx:
        account = await account_named(asked, tx)
    if asked.args["direction"] is not None:
        await asked.do(SetMarketDirection(direction=asked.args["direction"], account_id=account.id))
    async with asked.store.reading() as tx:
        found = await tx.entries.direction(asked.workspace_id, account.id)
        money = await money_kinds(tx, asked.workspace_id)
    direction = found.direction if found else Direction.EVEN
    fields = [
        Field("account", account_text(account, money)),
        Field("direction", Text(f"direction.{direction.value}")),
    ]
    if found is not None:
        fields += [Field("by", found.set_by), Field("since", found.set_at)]
    return Card(
        name="market_direction",
        title=Text("direction.title"),
        tone=Tone.WARN if direction is Direction.NONE else Tone.PLAIN,
        fields=tuple(fields),
        body=(Text(f"direction_means.{direction.value}"),),
        buttons=tuple(
            Button(
                name="pick",
                press=Press.SAY,
                line=f"/marketdir {one.value}",
                params={"choice": Text(f"direction.{one.value}")},
            )
            for one in Direction
            if one is not direction
        ),
    )

"""Reasons in every language: each code and sentence that the house gives as a reason has words; a person's are left alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chatops.because import because, in_full, in_words
from chatops.said import said
from chatops.testing import spoken
from chatops.texts.speaker import Speaker
from desk.entry_views import EntryState
from desk.order_views import IncidentKind
from desk.store import SqlStore
from desk.views import Lock
from tests.chatops.chat_house import furnished, later
from tests.chatops.hostile import SEEDS
from trading.engine.records import DENIALS, LOCKS
from trading.events import Condition, TradingState
from trading.orders import OrderState, Reason

_DESK = Path(__file__).resolve().parents[2] / "desk"
#: Where bots are moved, entries refused, accounts halted and pairs locked.
_SOURCES = (*sorted((_DESK / "bots").glob("*.py")), _DESK / "handlers" / "risk.py")
#: Functions whose answer is a reason.
_ANSWERS = frozenset({"_why_not"})
#: What stands in a gap of an f-string: figures where figures stand, a name where somebody is named.
_FILLED = {
    "value": "-20.00%",
    "age_s": "95",
    "held": "2",
    "label": "ann@console",
    "config_version": "3",
    "trading_state": "HALTED",
}


def _gap(node: ast.FormattedValue) -> str:
    inner = node.value.args[0] if isinstance(node.value, ast.Call) else node.value
    name = inner.attr if isinstance(inner, ast.Attribute) else inner.id if isinstance(inner, ast.Name) else ""
    return _FILLED.get(name, "gap7")


def _literal(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(
                _gap(one) if isinstance(one, ast.FormattedValue) else str(one.value)  # type: ignore[attr-defined]
                for one in parts
            )
        case ast.BoolOp(op=ast.Or(), values=values):
            # `command.reason or "…"`: what a person wrote, else this.
            return _literal(values[-1])
    return None


def _given(path: Path) -> Iterator[str]:
    """Give what a source passes on as a reason: to people's eyes, or to a row that people are shown."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        found: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            named = [one.value for one in node.keywords if one.arg in ("reason", "cause")]
            # The cause of a phase is history; nothing shows it in a chat.
            found += [] if name == "go" else named
            found += [*node.args[3:4]] if name == "set_state" else []
            found += [*node.args[2:3]] if name == "_conditions" else []
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found += [node.value] if node.targets[0].id in ("reason", "cause") else []
        elif isinstance(node, ast.FunctionDef) and node.name in _ANSWERS:
            found += [
                part
                for one in ast.walk(node)
                if isinstance(one, ast.Return) and one.value is not None
                for part in (
                    (one.value.body, one.value.orelse) if isinstance(one.value, ast.IfExp) else (one.value,)
                )
            ]
        for one in found:
            if text := _literal(one):
                yield text


#: A fragment that is only ever part of a longer one, with who asked.
_PARTS = frozenset({"gap7 (ann@console)"})


def test_every_reason_that_the_house_writes_is_said_in_words() -> None:
    reasons = {text for path in _SOURCES for text in _given(path)} - _PARTS

    assert {"opening the account", "stale_signal", "drawdown -20.00%", "panic stop"} <= reasons
    assert sorted(one for one in reasons if isinstance(because(one), str)) == []


def test_every_code_of_the_engine_and_the_order_path_is_said_in_words() -> None:
    codes = {*DENIALS, *LOCKS, *(one.value for one in Reason), *(one.value for one in IncidentKind)}
    codes |= {one.value.lower() for one in (*OrderState, *EntryState)}

    assert sorted(one for one in codes - {""} if isinstance(because(one), str)) == []


@pytest.mark.parametrize(
    "written",
    [
        "the news",
        "drawdown too deep for me",
        "market crash (ann@telegram)",
        "by noon",
        "backtest soon",
        *SEEDS,
    ],
)
def test_what_a_person_wrote_stays_as_it_is(written: str) -> None:
    assert because(written) == written
    assert in_words(written) == written


def test_figures_and_states_within_a_reason_are_written_as_the_reader_writes_them() -> None:
    french = Speaker("fr")

    assert french.value(because("HALTED, drawdown -20.00% of -20.00%")) == (
        "bloqué, repli −20,00\u00a0% sur −20,00\u00a0%"
    )
    assert french.value(in_words("asset BTC, expected 1, found 2")) == "actif BTC, attendu 1, trouvé 2"
    refused = in_full(said("Account 'a' is halted (drawdown -20.00%); bot 'b' cannot start."))
    assert "repli −20,00" in french.say(refused)


async def test_a_french_reader_reads_why_in_french(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    async with house.store.transaction() as tx:
        bot = await tx.bots.by_id(house.workspace.id, house.bot.id)
        assert bot is not None
        await tx.bots.save(replace(bot, condition=Condition.DEGRADED, condition_reason="no bar for 95 s"))
        await tx.accounts.set_state(
            house.workspace.id, house.account.id, TradingState.HALTED, "drawdown -20.00%"
        )
        await tx.accounts.add_lock(
            house.workspace.id,
            Lock(
                id="lock-1",
                account_id=house.account.id,
                pair="ETH/USDT",
                until=later(600),
                reason="cool_down",
                actor="",
            ),
        )
    chat, french = house.chat(), Speaker("fr")

    shown = {
        line: spoken(await chat.say(line), french)
        for line in ("/config demo", "/health", "/risk", "/whynot ETH/USDT")
    }

    assert "aucune bougie depuis 95 s" in shown["/config demo"]
    assert "aucune bougie depuis 95 s" in shown["/health"]
    assert "repli −20,00" in shown["/risk"]
    assert "repos après une clôture" in shown["/whynot ETH/USDT"]


async def test_a_french_reader_is_refused_with_the_reason_in_french(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    chat, french = house.chat(), Speaker("fr")
    await chat.agree("/stop demo")
    async with house.store.transaction() as tx:
        await tx.accounts.set_state(
            house.workspace.id, house.account.id, TradingState.HALTED, "panic stop (ann@console)"
        )

    refused = spoken(await chat.agree("/start demo", expect="error"), french)

    assert "arrêt d’urgence (ann@console)" in refused

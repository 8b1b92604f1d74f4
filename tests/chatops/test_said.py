"""Sentences of the desk in every language: whatever a handler refuses, a French reader reads in French."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from chatops.cards import Text
from chatops.said import said
from chatops.testing import spoken
from chatops.texts.catalogue import catalogue
from chatops.texts.speaker import Speaker
from desk.store import SqlStore
from tests.chatops.chat_house import furnished
from tests.chatops.hostile import SEEDS

_ROOT = Path(__file__).resolve().parents[2] / "desk"
#: Sources whose sentences a chat can meet. Hooks, tokens, sign-ins and personal data have no words.
_SOURCES = (
    "desk.py",
    "approvals.py",
    "bots/by_hand.py",
    "handlers/alerts.py",
    "handlers/approvals.py",
    "handlers/by_hand.py",
    "handlers/closing.py",
    "handlers/entries.py",
    "handlers/finding.py",
    "handlers/golive.py",
    "handlers/lifecycle.py",
    "handlers/links.py",
    "handlers/notices.py",
    "handlers/orders.py",
    "handlers/research.py",
    "handlers/risk.py",
    "handlers/setup.py",
)
_INTERNAL = frozenset({"InvariantBroken", "ConfirmationNeeded", "ApprovalPending"})


def _sentence(node: ast.expr) -> str | None:
    """Give a literal or f-string with a word in each gap."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "gap7" for one in node.values)
    return None


def _sentences() -> list[tuple[str, str]]:
    found = []
    for name in _SOURCES:
        for node in ast.walk(ast.parse((_ROOT / name).read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
                continue
            call = node.exc
            if isinstance(call.func, ast.Name) and call.func.id in _INTERNAL:
                continue
            given = [*call.args[:1], *(one.value for one in call.keywords if one.arg == "hint")]
            found += [(name, text) for one in given if (text := _sentence(one)) is not None]
    return found


def test_every_sentence_of_the_desk_that_reaches_a_chat_has_a_text() -> None:
    sentences = _sentences()

    assert len(sentences) > 90
    assert [one for one in sentences if said(one[1]).code == "problem.said"] == []


def test_what_fills_the_gaps_is_kept_and_never_read_for_gaps_again() -> None:
    text = said("No bot is called '{names}'; alpha, beta.")

    assert text == Text("said.no_bot", {"name": "{names}", "names": "alpha, beta"})
    assert Speaker("fr").say(text) == "Aucun robot ne s’appelle « {names} » ; alpha, beta."


@pytest.mark.parametrize("seed", SEEDS)
def test_hostile_fillings_and_unknown_sentences_come_through_whole(seed: str) -> None:
    known = said(f"Bot '{seed}' is stopped; only a running bot is paused.")
    unknown = said(f"Something deep down said {seed}.")

    assert known == Text("said.stopped_not_paused", {"bot": seed}) or len(seed) > 1_400
    assert unknown.params == {"message": f"Something deep down said {seed}."}


async def test_a_french_reader_is_refused_in_french(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    chat = house.chat()
    await chat.say("/lang fr")
    await chat.agree("/stop demo")

    card = await chat.say("/pause demo", expect="error")

    french = spoken(card, Speaker("fr"))
    assert "on ne met en pause qu’un robot en marche" in french
    assert "Démarrez-le d’abord." in french
    assert set(catalogue("fr")) == set(catalogue("en"))

"""The person at the terminal: completion, history, leaving."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatops.commands import full_book
from chatops.console.terminal import completions, terminal_ask


def test_a_typed_beginning_is_completed_from_the_book() -> None:
    book = full_book()

    assert completions(book, "/sta") == ["/start", "/stats", "/status"]
    assert completions(book, "/Q") == ["/quit"]
    assert completions(book, "demo") == []
    assert len(completions(book, "/")) == len(book) + 1


async def test_lines_are_remembered_and_tokens_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readline = pytest.importorskip("readline", reason="no readline on this platform")
    lines = iter(["/status", "/confirm secret-token"])

    def typed(prompt: str) -> str:
        try:
            line = next(lines)
        except StopIteration:
            raise EOFError from None
        readline.add_history(line)
        return line

    monkeypatch.setattr("builtins.input", typed)
    readline.clear_history()
    history = tmp_path / "history"
    ask = terminal_ask(full_book(), history)

    assert [await ask("> "), await ask("> "), await ask("> ")] == ["/status", "/confirm secret-token", None]

    assert "/status" in history.read_text()
    assert "secret" not in history.read_text()
    readline.set_completer(None)
    readline.clear_history()

"""A person at a terminal: line editing, history and completion, where Python has readline."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from chatops.book import Book

#: Lines kept between conversations.
HISTORY_LINES = 500


def completions(book: Book, typed: str) -> list[str]:
    """Give what a typed beginning may become: words of the book, and leaving."""
    if not typed.startswith("/"):
        return []
    names = [f"/{one.name}" for one in book] + ["/quit"]
    return sorted(one for one in names if one.startswith(typed.lower()))


def terminal_ask(book: Book, history: Path | None = None) -> Callable[[str], Awaitable[str | None]]:
    """Give an `Ask` that reads from the terminal; the end of input leaves, Ctrl-C gives an empty line.

    Args:
        history: file that lines are remembered in; None forgets them. Lines with a token are not remembered.
    """
    try:
        import readline
    except ImportError:  # pragma: no cover - Windows has no readline
        return _ask
    if history is not None:
        with contextlib.suppress(OSError):
            readline.read_history_file(history)
    readline.set_history_length(HISTORY_LINES)
    readline.set_completer_delims(" ")
    readline.set_completer(lambda typed, index: [*completions(book, typed), None][index])
    readline.parse_and_bind("tab: complete")

    async def ask(prompt: str) -> str | None:
        line = await _ask(prompt)
        remembered = readline.get_current_history_length()
        if line is not None and "/confirm" in line and remembered:
            readline.remove_history_item(remembered - 1)
        if history is not None:
            with contextlib.suppress(OSError):
                readline.write_history_file(history)
        return line

    return ask


async def _ask(prompt: str) -> str | None:
    try:
        return await asyncio.to_thread(input, prompt)
    except EOFError:
        return None
    except KeyboardInterrupt:
        return ""

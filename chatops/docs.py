"""The documentation page of the book: `python -m chatops.docs > docs/chat/commands.md`."""

from __future__ import annotations

import sys

from chatops.book import Book, Group, Word
from chatops.cards import Text
from chatops.commands import full_book
from chatops.errors import role_text
from chatops.texts.speaker import Speaker

_HEAD = """# What can be said

Made from the command book (`python -m chatops.docs > docs/chat/commands.md`); a test compares the two. Arguments go by
their place or by name (`for=2h`, `--for 2h`); capitals, curly quotes, long dashes and full-width letters from a phone
are understood. *Confirmation*: a preview comes first, and nothing happens before it is confirmed.
"""


def command_table(book: Book, language: str = "en") -> str:
    """Give the page: a table per group."""
    speaker = Speaker(language)
    parts = [_HEAD]
    for group in Group:
        words = [one for one in book if one.group is group]
        rows = "\n".join(_row(one, speaker) for one in words)
        parts.append(
            f"\n## {speaker.label('table', group.value)}\n\n"
            f"| Word | What it does | Role | Confirmation | Example |\n|---|---|---|---|---|\n{rows}\n"
        )
    return "".join(parts)


def _row(word: Word, speaker: Speaker) -> str:
    also = f" (also {', '.join(f'`/{one}`' for one in word.aliases)})" if word.aliases else ""
    cells = (
        f"`{word.usage}`{also}",
        speaker.label("summary", word.name),
        speaker.say(role_text(word.role)),
        speaker.say(Text(f"danger.{word.danger.value}")),
        f"`{word.example}`",
    )
    return f"| {' | '.join(one.replace('|', chr(92) + '|') for one in cells)} |"


if __name__ == "__main__":
    sys.stdout.write(command_table(full_book()))

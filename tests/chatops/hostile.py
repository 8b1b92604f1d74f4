"""Strings that have broken chat bots, and a generator of more."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal

from chatops.cards import (
    Button,
    Card,
    Column,
    Field,
    Money,
    Press,
    Table,
    Text,
)

SEEDS = (
    "a_b*[c](x)~`>#+-=|{}.!",
    "<b>bold</b><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[red]markup[/red] [link=https://example.org]x[/link]",
    "\x1b[2J\x1b[31mred\x1b]0;title\x07\x9b31m",
    "line\r\nSubject: forged\n\nbody",
    "\u202egnp.exe\u202c \u2066x\u2069",
    "\u200b\u200c\u200d\ufeff\u00ad",
    "{n} {name} {0} %s %(x)s ${x}",
    "&lt;&amp;&#x3c;",
    "日本語 العربية 🚀👩‍👩‍👧‍👦 e\u0301\u0323",
    "\ud800 lone",
    "x" * 5000,
    "@everyone <@123> https://example.org/?q=1",
    "\0\x08\x7f\u0085\u2028\u2029",
    "│╭╮ Confirm? [y/N] y",
    "',\"`$(reboot);--",
    "cid:picture",
)

_PIECES = "".join(chr(code) for code in range(32)) + "<>&\"'`[]{}()*_~|\\$%@#\u202e\u200b\u2028é漢🚀\x7f\x9b"


def strings(count: int, seed: int = 1) -> Iterator[str]:
    """Give hostile strings: the known ones first, then mixtures."""
    yield from SEEDS[:count]
    source = random.Random(seed)
    for _ in range(count - len(SEEDS)):
        parts = [
            source.choice(SEEDS)[: source.randint(1, 40)],
            "".join(source.choice(_PIECES) for _ in range(source.randint(0, 30))),
            chr(
                source.choice(
                    (source.randint(0, 0x2FF), source.randint(0x2000, 0x20FF), source.randint(0, 0x10FFFF))
                )
            ),
        ]
        source.shuffle(parts)
        yield "".join(parts)


def card_with(text: str) -> Card:
    """Give a card that holds a string everywhere where data may stand."""
    return Card(
        name="hostile",
        title=Text("trade.title", {"trade": text, "pair": text, "side": text}),
        body=(Text("problem.said", {"message": text}),),
        fields=(Field("bot", text), Field("equity", Money(Decimal(1), text))),
        tables=(
            Table(
                name="bots",
                is_titled=True,
                columns=(Column("bot"), Column("reason", 1)),
                rows=((text, Text("problem.said", {"message": text})), ("plain", None)),
            ),
        ),
        notes=(Text("console.how", {"token": text}),),
        buttons=(Button(name="start", press=Press.SAY, line=text, params={"bot": text}),),
    )

"""What every renderer must keep to, whatever a card holds; shared by the suite and the long proof."""

from __future__ import annotations

import unicodedata
from html.parser import HTMLParser

import orjson

from chatops.console.render import console_text
from chatops.email.bodies import card_as_html, card_as_text
from chatops.plain import as_json
from chatops.texts.speaker import Speaker, harmless
from tests.chatops.hostile import card_with

_ALLOWED = {"html", "head", "meta", "title", "body", "div", "h1", "h2", "p", "table", "tr", "td", "th", "img"}


class _Strict(HTMLParser):
    """Reads HTML and refuses what our renderer never writes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _ALLOWED, f"tag {tag}"
        for name, value in attrs:
            assert name in {"style", "lang", "charset", "name", "content", "role", "src", "alt"}, (
                f"attribute {name}"
            )
            assert name != "src" or value == "cid:picture"
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def no_controls(text: str) -> None:
    """Refuse control characters other than line ends."""
    bad = [
        one for one in text if unicodedata.category(one) in {"Cc", "Cf", "Cs"} and one not in "\n\u200c\u200d"
    ]
    assert bad == [], [hex(ord(one)) for one in bad]


def check_everywhere(text: str, language: str = "en") -> None:
    """Render a string on every surface: nothing breaks, nothing is injected, nothing is lost."""
    card = card_with(text)
    speaker = Speaker(language)
    shown = harmless(text)

    on_terminal = console_text(card, speaker, width=200, color=False)
    no_controls(on_terminal)
    assert all(line.startswith(("╭", "│", "╰")) for line in on_terminal.splitlines())
    squeezed = "".join(on_terminal.replace("│", "").split())
    wanted = "".join(shown.replace("│", "").split())
    assert wanted[:60] in squeezed

    document = orjson.loads(orjson.dumps(_encodable(as_json(card, speaker))))
    assert document["fields"][0]["text"] == shown

    plain = card_as_text(card, speaker)
    no_controls(plain)
    assert shown.rstrip() in plain

    html = _Strict()
    html.feed(card_as_html(card, speaker, picture="picture", footer=shown))
    html.close()
    assert html.open == []
    assert any(shown == one for one in html.texts) or not shown


def _encodable(value: object) -> object:
    """Give JSON what it can hold: a lone surrogate has no bytes."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _encodable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_encodable(one) for one in value]
    return value

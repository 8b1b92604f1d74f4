"""What Telegram's renderer must keep to, whatever a card holds; shared by the suite and the long proof."""

from __future__ import annotations

import re

from chatops.doors.heard import Place
from chatops.doors.platform import Key, Shown
from chatops.telegram_bot.render import CAPTION_LIMIT, TEXT_LIMIT, pages_of, units, without_tags
from chatops.telegram_bot.sending import keyboard_of
from chatops.texts.speaker import Speaker, harmless
from tests.chatops.hostile import card_with
from tests.chatops.renderers import no_controls
from tests.support.telegram_rules import checked_text

#: What a client would make a mention or a link of.
_LIVE = re.compile(r"@\w|https?://|www\.\w")


def check_telegram(text: str, language: str = "en") -> None:
    """Render a string: Telegram takes every page, nothing is injected, nothing is live, nothing is lost."""
    card = card_with(text)
    speaker = Speaker(language)
    wanted = "".join(harmless(text).split())

    pages = pages_of(card, speaker)
    shown = [checked_text(page, "HTML", TEXT_LIMIT) for page in pages]
    for page, plain in zip(pages, shown, strict=True):
        assert units(page) <= TEXT_LIMIT
        assert without_tags(page) == plain
        no_controls(plain)
        outside = re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL)
        assert not _LIVE.search(without_tags(outside)), "something is live"
    squeezed = "".join("".join(shown).replace("\u200c", "").split())
    assert wanted.replace("\u200c", "")[:200] in squeezed

    for page in pages_of(card, speaker, has_picture=True)[:1]:
        if units(page) <= CAPTION_LIMIT:
            checked_text(page, "HTML", CAPTION_LIMIT)

    label = speaker.value(text)
    keys = [Key(label, "t" * 22)] * 300
    place = Place(platform="telegram", chat_id="1")
    rows = keyboard_of(
        Shown(place=place, speaker=speaker, pages=[{}] * 3, pages_token="p" * 22, keys=keys, page=1)
    )
    assert sum(len(row) for row in rows) <= 100
    assert all(name and len(data.encode()) <= 64 for row in rows for name, data in row)

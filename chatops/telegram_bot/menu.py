"""Telegram's command menu, made from the book: once per language for everybody, by role for people who are linked."""

from __future__ import annotations

from collections.abc import Sequence

from telegram import Bot, BotCommand, BotCommandScopeChat

from chatops.book import Book, Word
from chatops.cards import Text
from chatops.telegram_bot.wire import told_apart
from chatops.texts.catalogue import LANGUAGES
from chatops.texts.speaker import Speaker
from desk.identity import Role

#: What Telegram takes.
MOST_COMMANDS = 100
DESCRIPTION_LIMIT = 256

#: Words of buttons; nobody types them.
_HIDDEN = frozenset({"confirm", "dismiss"})


def menu_of(words: Sequence[Word], language: str) -> list[BotCommand]:
    """Give the menu of some words in a language."""
    speaker = Speaker(language)
    return [
        BotCommand(word.name, speaker.say(Text(f"summary.{word.name}"))[:DESCRIPTION_LIMIT])
        for word in words
        if word.name not in _HIDDEN
    ][:MOST_COMMANDS]


async def set_menus(bot: Bot, book: Book) -> None:
    """Give every chat the menu of the whole book, in each language."""
    first, *others = LANGUAGES
    words = tuple(book)
    await told_apart(bot.set_my_commands(menu_of(words, first)))
    for language in others:
        await told_apart(bot.set_my_commands(menu_of(words, language), language_code=language))


async def set_menu_of(bot: Bot, book: Book, chat_id: str, role: Role, language: str) -> None:
    """Give a person's private chat the menu of what they may say, in their language."""
    menu = menu_of(book.for_role(role), language)
    await told_apart(bot.set_my_commands(menu, scope=BotCommandScopeChat(chat_id=int(chat_id))))

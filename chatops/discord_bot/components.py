"""Buttons, menus and forms: each carries a short fixed id with an opaque token, so that a tap works after a restart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chatops.cards import Button, Press
from chatops.discord_bot.markdown import cut

#: What Discord allows.
CUSTOM_ID = 100
BUTTON_LABEL = 80
OPTION_LABEL = 100
PER_ROW, ROWS, PER_MENU = 5, 5, 25

#: More buttons than this become menus.
MOST_BUTTONS = PER_ROW * ROWS

_PREFIX = "bw"
_ID = re.compile(rf"{_PREFIX}:(?P<kind>[btms]|p\d{{1,4}}):(?P<token>[A-Za-z0-9_-]{{1,64}})")

#: Colours of buttons: grey, red.
_GREY, _RED = 2, 4
_STYLES = {Press.CONFIRM: _RED, Press.DISMISS: _GREY, Press.SAY: _GREY}


@dataclass(frozen=True, slots=True)
class Tapped:
    """What a custom id tells.

    Attributes:
        needs_word: a form must be shown first; known from the id alone, because a form cannot wait for a database.
        is_form, is_menu: the form sent off; a menu, whose chosen values are the tokens.
        page: which page a leafing button asks for.
    """

    token: str
    needs_word: bool = False
    is_form: bool = False
    is_menu: bool = False
    page: int = 0


def read_id(custom_id: str) -> Tapped | None:
    """Read a custom id; None for one that we never made."""
    found = _ID.fullmatch(custom_id)
    if found is None:
        return None
    kind, token = found["kind"], found["token"]
    return Tapped(
        token,
        needs_word=kind == "t",
        is_form=kind == "m",
        is_menu=kind == "s",
        page=int(kind[1:]) if kind[0] == "p" else 0,
    )


def tap_id(token: str, *, needs_word: bool = False) -> str:
    """Give the custom id of a button."""
    return f"{_PREFIX}:{'t' if needs_word else 'b'}:{token}"


def form_id(token: str) -> str:
    """Give the custom id of the form that asks for a confirmation's word."""
    return f"{_PREFIX}:m:{token}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A button with its token and what is written on it."""

    button: Button
    label: str
    token: str
    needs_word: bool = False


def rows_of(buttons: Sequence[Labelled], menu_text: str) -> list[list[dict[str, Any]]]:
    """Give rows of components, several messages' worth where there are very many.

    Args:
        menu_text: what a menu shows before somebody chooses.
    """
    if len(buttons) <= MOST_BUTTONS:
        made = [_button(one) for one in buttons]
        return [_row(*made[at : at + PER_ROW]) for at in range(0, len(made), PER_ROW)]
    found: list[list[dict[str, Any]]] = []
    for number, at in enumerate(range(0, len(buttons), PER_MENU), 1):
        found.append(_row(_menu(buttons[at : at + PER_MENU], number, menu_text)))
    return found


def leafing_row(token: str, page: int, pages: int) -> list[dict[str, Any]]:
    """Give the row that leafs through a long reply."""
    steps = (("◀", page - 1), ("▶", page + 1))
    return _row(
        *(
            {
                "type": 2,
                "style": _GREY,
                "label": sign,
                "custom_id": f"{_PREFIX}:p{max(0, min(to, pages - 1))}:{token}"
                if 0 <= to < pages
                else f"{_PREFIX}:p{9000 + at}:{token}",
                "disabled": not 0 <= to < pages,
            }
            for at, (sign, to) in enumerate(steps)
        )
    )


def _row(*components: dict[str, Any]) -> list[dict[str, Any]]:
    return list(components)


def _button(one: Labelled) -> dict[str, Any]:
    return {
        "type": 2,
        "style": _STYLES[one.button.press],
        "label": cut(one.label, BUTTON_LABEL) or "…",
        "custom_id": tap_id(one.token, needs_word=one.needs_word),
    }


def _menu(buttons: Sequence[Labelled], number: int, text: str) -> dict[str, Any]:
    return {
        "type": 3,
        "custom_id": f"{_PREFIX}:s:{number}",
        "placeholder": cut(text, OPTION_LABEL),
        "options": [
            {"label": cut(one.label, OPTION_LABEL) or "…", "value": tap_id(one.token)} for one in buttons
        ],
    }

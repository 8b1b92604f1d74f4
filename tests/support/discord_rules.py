"""What Discord refuses, written from its documentation: limits of messages, components, modals and commands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_NAME = re.compile(r"[-_a-z0-9]{1,32}")


class Refused(Exception):
    """A form that Discord would answer with 400."""


def require(holds: object, what: str) -> None:
    """Refuse a form."""
    if not holds:
        raise Refused(what)


def check_message(body: Mapping[str, Any], *, is_edit: bool = False) -> None:
    """Refuse a message that is empty, too long, or that could ping somebody."""
    content = body.get("content") or ""
    embeds = body.get("embeds") or []
    require(len(content) <= 2000, "content over 2000")
    require(len(embeds) <= 10, "more than 10 embeds")
    require(sum(embed_size(one) for one in embeds) <= 6000, "embeds over 6000 in all")
    for one in embeds:
        check_embed(one)
    rows = body.get("components") or []
    check_rows(rows)
    is_something = content or embeds or rows or body.get("attachments") or body.get("sticker_ids")
    require(is_edit or is_something, "an empty message")
    mentions = body.get("allowed_mentions")
    require(is_edit or mentions is not None, "allowed_mentions is missing: the content could ping")
    if mentions is not None:
        require(not mentions.get("parse"), "allowed_mentions lets somebody be pinged")
        require(not mentions.get("users") and not mentions.get("roles"), "allowed_mentions names somebody")
    nonce = body.get("nonce")
    require(nonce is None or len(str(nonce)) <= 25, "nonce over 25")


def embed_size(embed: Mapping[str, Any]) -> int:
    """Give what counts against 6000."""
    texts = [embed.get("title"), embed.get("description"), (embed.get("footer") or {}).get("text")]
    texts += [one[key] for one in embed.get("fields") or [] for key in ("name", "value")]
    return sum(len(one or "") for one in texts)


def check_embed(embed: Mapping[str, Any]) -> None:
    """Refuse an embed over its limits, or with nothing where something must be."""
    require(len(embed.get("title") or "") <= 256, "title over 256")
    require(len(embed.get("description") or "") <= 4096, "description over 4096")
    require(len((embed.get("footer") or {}).get("text", "")) <= 2048, "footer over 2048")
    fields = embed.get("fields") or []
    require(len(fields) <= 25, "more than 25 fields")
    for one in fields:
        require(len(one["name"].strip(" \n\t")) > 0 and len(one["name"]) <= 256, "field name")
        require(len(one["value"].strip(" \n\t")) > 0 and len(one["value"]) <= 1024, "field value")
    require(
        any(embed.get(key) for key in ("title", "description", "fields", "footer", "image")), "empty embed"
    )


def check_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse components over their limits."""
    require(len(rows) <= 5, "more than 5 rows")
    ids: list[str] = []
    for row in rows:
        require(row["type"] == 1, "a component outside a row")
        inside = row["components"]
        kinds = {one["type"] for one in inside}
        require(1 <= len(inside) <= (5 if kinds == {2} else 1), "row too full")
        for one in inside:
            ids.append(one["custom_id"])
            require(1 <= len(one["custom_id"]) <= 100, "custom_id")
            if one["type"] == 2:
                require(1 <= len(one.get("label") or "") <= 80, "button label")
            if one["type"] == 3:
                _check_select(one)
    require(len(ids) == len(set(ids)), "a custom_id twice in one message")


def _check_select(select: Mapping[str, Any]) -> None:
    options = select["options"]
    require(1 <= len(options) <= 25, "select options")
    require(len({one["value"] for one in options}) == len(options), "a value twice")
    require(len(select.get("placeholder") or "") <= 150, "placeholder")
    for one in options:
        require(1 <= len(one["label"]) <= 100 and 1 <= len(one["value"]) <= 100, "select option")
        require(len(one.get("description") or "") <= 100, "option description")


def check_modal(data: Mapping[str, Any]) -> None:
    """Refuse a modal over its limits."""
    require(1 <= len(data["custom_id"]) <= 100, "custom_id")
    require(1 <= len(data["title"]) <= 45, "modal title over 45")
    inputs = list(inputs_of(data["components"]))
    require(1 <= len(inputs) <= 5, "modal inputs")
    for one in inputs:
        require(len(one.get("label") or "x") <= 45, "input label over 45")
        require(len(one.get("placeholder") or "") <= 100, "input placeholder")


def inputs_of(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Give the text inputs of a modal, in rows or in labels."""
    for row in rows:
        if row["type"] == 18:
            require(1 <= len(row["label"]) <= 45, "label over 45")
            yield row["component"]
        else:
            yield from row["components"]


def check_commands(commands: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a slash tree over its limits."""
    require(len(commands) <= 100, "more than 100 commands")
    names = [one["name"] for one in commands]
    require(len(set(names)) == len(names), "a command twice")
    for command in commands:
        require(_NAME.fullmatch(command["name"]), f"name {command['name']!r}")
        options = command.get("options") or []
        require(len(options) <= 25, "more than 25 options")
        require(len({one["name"] for one in options}) == len(options), "an option twice")
        required = [bool(one.get("required")) for one in options]
        require(required == sorted(required, reverse=True), "a required option after another")
        total = len(command["name"]) + _described(command)
        for one in options:
            require(_NAME.fullmatch(one["name"]), f"option {one['name']!r}")
            choices = one.get("choices") or []
            require(len(choices) <= 25, "more than 25 choices")
            require(not (choices and one.get("autocomplete")), "choices and autocomplete")
            total += len(one["name"]) + _described(one)
            total += sum(len(each["name"]) + len(str(each["value"])) for each in choices)
        require(total <= 8000, f"/{command['name']} over 8000 in all")


def _described(thing: Mapping[str, Any]) -> int:
    texts = [thing["description"], *(thing.get("description_localizations") or {}).values()]
    for one in texts:
        require(1 <= len(one) <= 100, f"description {one!r}")
    return max(len(one) for one in texts)

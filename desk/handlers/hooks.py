"""Making, renewing and ending ways in for signals."""

from __future__ import annotations

import secrets
from dataclasses import replace
from ipaddress import ip_network

from desk.commands import CreateWebhook, DeleteWebhook, RotateWebhook
from desk.desk import Desk, Handling
from desk.handlers.finding import bot_of
from desk.identity import new_id
from desk.people_views import HookKind, IssuedWebhook, Webhook
from desk.secrets import token_hash
from trading.errors import Conflict, InvalidInput, NotFound

#: Hooks of a workspace at most.
MOST_HOOKS = 50


class HookHandlers:
    """Does what concerns webhooks."""

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(CreateWebhook, self.create)
        desk.handle(RotateWebhook, self.rotate)
        desk.handle(DeleteWebhook, self.delete)

    async def create(self, command: CreateWebhook, handling: Handling) -> IssuedWebhook:
        """Make a hook; its path (and secret) leave the house once."""
        tx, actor = handling.tx, handling.actor
        label = " ".join(command.label.split())
        if not 1 <= len(label) <= 60:
            raise InvalidInput(f"A label of {len(label)} characters was given; 1 to 60 are allowed.")
        bot = await bot_of(tx, actor, command.bot_id)
        pairs = tuple(one.upper() for one in command.pairs)
        foreign = [one for one in pairs if one not in bot.pairs]
        if foreign:
            raise InvalidInput(
                f"{', '.join(foreign)[:200]} are no pairs of {bot.name}; {', '.join(bot.pairs)} are."
            )
        if len(await tx.hooks.all(actor.workspace_id)) >= MOST_HOOKS:
            raise Conflict(f"{MOST_HOOKS} hooks exist, as many as are allowed.", hint="Delete one first.")
        if command.kind not in HookKind.__members__:
            raise InvalidInput(f"Kind '{command.kind[:40]}' was given; {', '.join(HookKind)} are allowed.")
        path, secret = _new_path(), _new_secret(HookKind(command.kind))
        hook = Webhook(
            id=new_id(),
            workspace_id=actor.workspace_id,
            label=label,
            kind=HookKind(command.kind),
            bot_id=bot.id,
            pairs=pairs,
            allow_list=tuple(_network(one) for one in command.allow_list),
            path_ending=path[-4:],
            created_by=actor.name,
            created_at=handling.now,
        )
        await tx.hooks.add(hook, path_hash=token_hash(path), secret=secret)
        return IssuedWebhook(webhook=hook, path=path, secret=secret)

    async def rotate(self, command: RotateWebhook, handling: Handling) -> IssuedWebhook:
        """Give a hook a new path and secret; the old ones end at once."""
        hook = await _hook(handling, command.webhook_id)
        path, secret = _new_path(), _new_secret(hook.kind)
        await handling.tx.hooks.rotate(
            hook.workspace_id,
            hook.id,
            path_hash=token_hash(path),
            path_ending=path[-4:],
            secret=secret,
            at=handling.now,
        )
        return IssuedWebhook(
            webhook=replace(hook, path_ending=path[-4:], rotated_at=handling.now), path=path, secret=secret
        )

    async def delete(self, command: DeleteWebhook, handling: Handling) -> Webhook:
        """End a hook."""
        hook = await _hook(handling, command.webhook_id)
        await handling.tx.hooks.delete(hook.workspace_id, hook.id, handling.now)
        return replace(hook, deleted_at=handling.now)


async def _hook(handling: Handling, hook_id: str) -> Webhook:
    for one in await handling.tx.hooks.all(handling.actor.workspace_id):
        if one.id == hook_id:
            return one
    raise NotFound("No hook has that id.", hint="List the hooks for their ids.")


def _new_path() -> str:
    # Like every token of ours it begins so that a leaked one is found by scanners.
    return "bwh_" + secrets.token_urlsafe(32)


def _new_secret(kind: HookKind) -> str:
    return "bws_" + secrets.token_urlsafe(32) if kind is HookKind.HMAC else ""


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip(), strict=False))
    except ValueError:
        raise InvalidInput(
            f"'{text[:60]}' was given as an address; one like 52.89.214.238 or 10.0.0.0/8 is allowed."
        ) from None

"""The connection to Discord: what we ask of the library, and nothing that remembers anything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatops.discord_bot.receiving import Receiver

log = structlog.get_logger(__name__)

#: The library waits this long for a rate limit at most (its own least); longer ones are our outbox's to wait for.
LONGEST_RATE_WAIT_S = 30.0


def aim(api_url: str, gateway_url: str) -> None:
    """Point the library at other addresses than Discord's own; empty ones leave it as it is.

    The library knows one address each for the whole process: they are attributes of classes.
    """
    if api_url:
        Route.BASE = api_url
    if gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


class DeskClient(discord.Client):
    """A client that asks for no more than servers and channels, caches no people and no messages, and pings nobody.

    Interactions come raw: what a button does is looked up by its id, so there is no view object to lose at a restart.
    """

    def __init__(
        self,
        *,
        commands: Sequence[dict[str, Any]],
        guild_id: str = "",
    ) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            max_ratelimit_timeout=LONGEST_RATE_WAIT_S,
        )
        self._commands = commands
        #: Takes what people do; None while the door is not ready for anybody.
        self.receiver: Receiver | None = None
        #: Whether the gateway stands, and the bell that rings when that changed.
        self.is_connected = False
        self.changed = asyncio.Event()
        self._guild_id = guild_id

    async def setup_hook(self) -> None:
        """Make the slash commands known; without it the old ones stay, and the door still answers."""
        assert self.application_id is not None
        payload: Any = list(self._commands)
        try:
            if self._guild_id:
                await self.http.bulk_upsert_guild_commands(self.application_id, int(self._guild_id), payload)
            else:
                await self.http.bulk_upsert_global_commands(self.application_id, payload)
        except discord.HTTPException as problem:
            log.error("discord_commands_refused", status=problem.status, error=problem.text[:500])

    async def on_ready(self) -> None:
        """Say that a new connection stands."""
        log.info("discord_ready", user=str(self.user), guilds=len(self.guilds))
        self._tell(is_connected=True)

    async def on_resumed(self) -> None:
        """Say that a lost connection was taken up where it ended."""
        log.info("discord_resumed")
        self._tell(is_connected=True)

    async def on_disconnect(self) -> None:
        """Say that the connection was lost; the library is at it already."""
        if self.is_connected:
            log.warning("discord_disconnected")
        self._tell(is_connected=False)

    def _tell(self, *, is_connected: bool) -> None:
        self.is_connected = is_connected
        self.changed.set()

    async def on_interaction(self, interaction: discord.Interaction[DeskClient]) -> None:
        """Answer a slash command, a typed option, a button, a menu or a form."""
        if self.receiver is not None:
            await self.receiver.take(interaction)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Log what an answer broke on; the connection goes on."""
        log.exception("discord_event_failed", event=event_method)

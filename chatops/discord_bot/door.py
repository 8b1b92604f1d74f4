"""The Discord door: hears, acknowledges before anything else, and hands over to the conversation that all doors share."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress

import aiohttp
import discord
import structlog
from discord.gateway import DiscordWebSocket

from chatops.book import Book
from chatops.discord_bot.client import DeskClient, aim
from chatops.discord_bot.incoming import PLATFORM
from chatops.discord_bot.outgoing import Outgoing
from chatops.discord_bot.receiving import Receiver
from chatops.discord_bot.tree import slash_tree
from chatops.doors.answering import Answering
from chatops.doors.buttons import REMEMBERED
from chatops.doors.carrier import DoorDisabled
from chatops.doors.conversation import Conversation
from chatops.doors.door import DoorState
from chatops.doors.lease import Turn
from chatops.doors.living import Living
from chatops.doors.who import People
from chatops.room import Room
from desk.secrets import Secret
from trading.errors import StoreProblem

log = structlog.get_logger(__name__)

#: Waits between tries to reach Discord at all: 1, 2, 4 … seconds up to this.
LONGEST_WAIT_S = 60.0
#: One try to sign in may take this long.
SIGN_IN_S = 30.0
#: A gateway that was away for so long is tried afresh; twice as long each time.
RECONNECT_S = 15.0
#: The watchdog gets a sign of life this often.
BEAT_S = 15.0
#: Forgotten buttons are swept away this often.
SWEEP_S = 3600.0
#: Codes with which the gateway says that coming back is pointless: token, shards, version, intents.
_FINAL_CODES = frozenset({4004, 4010, 4011, 4012, 4013, 4014})


def lease_name(token: Secret) -> str:
    """Give the name of a bot's lease; the token itself is told to nobody."""
    return f"{PLATFORM}:{hashlib.sha256(token.reveal().encode()).hexdigest()[:16]}"


class DiscordDoor:
    """Discord, run by whoever supervises the doors."""

    name = PLATFORM

    def __init__(
        self,
        room: Room,
        book: Book,
        people: People,
        *,
        token: Secret,
        api_url: str = "",
        gateway_url: str = "",
        guild_id: str = "",
    ) -> None:
        self._room = room
        self._book = book
        self._people = people
        self._token = token
        self._addresses = (api_url, gateway_url)
        self._guild_id = guild_id
        self._clock = room.desk.clock
        self.client: DeskClient | None = None
        self.state = DoorState.STARTING
        self.detail = ""
        self.heard_at = self._clock.monotonic()

    async def run(self) -> None:
        """Hear and answer until cancelled.

        Raises:
            DoorDisabled: the token is worthless, or Discord will not have us.
        """
        aim(*self._addresses)
        self.state, self.detail = DoorState.WAITING, ""
        beating = asyncio.create_task(self._beat(), name="discord-beat")
        try:
            await Turn(self._room.store, self._clock, lease_name(self._token)).run(self._work)
        finally:
            beating.cancel()

    async def _work(self) -> None:
        self.state, self.detail = DoorState.STARTING, ""
        client = DeskClient(commands=slash_tree(self._book), guild_id=self._guild_id)
        try:
            async with client:
                await self._signed_in(client)
                platform = Outgoing(client, self._clock, f"{PLATFORM}:{client.application_id}")
                conversation = Conversation(self._room, self._book, self._people)
                answering = Answering(conversation, platform)
                client.receiver = Receiver(answering)
                self.client = client
                await self._run_all(client, answering, Living(conversation, platform))
        except BaseException as problem:
            disabled = _disabled(problem)
            if disabled is None:
                # Cancelled: the lease went to another process, or everything ends.
                is_taken = isinstance(problem, asyncio.CancelledError)
                self.state = DoorState.WAITING if is_taken else DoorState.TROUBLED
                raise
            self.state, self.detail = DoorState.DISABLED, str(disabled)
            raise DoorDisabled(str(disabled)) from problem
        finally:
            self.client = None

    async def _run_all(self, client: DeskClient, answering: Answering, living: Living) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(answering.run(), name="discord-answers")
            group.create_task(living.run(), name="discord-living")
            group.create_task(self._sweep(), name="discord-sweep")
            group.create_task(self._connected(client), name="discord-gateway")

    async def _signed_in(self, client: DeskClient) -> None:
        """Sign in, for as long as it takes to reach Discord.

        Raises:
            DoorDisabled: the token is worthless.
        """
        tries = 0
        while True:
            try:
                async with asyncio.timeout(SIGN_IN_S):
                    await client.login(self._token.reveal())
                return
            except discord.LoginFailure as problem:
                raise DoorDisabled("Discord refuses the token.") from problem
            except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as problem:
                self._troubled(problem)
            # The failed try left an open session behind.
            await client.http.close()
            tries += 1
            await self._clock.sleep(min(LONGEST_WAIT_S, 2.0 ** min(tries, 10) / 2))

    async def _connected(self, client: DeskClient) -> None:
        """Keep the gateway. The library resumes after every cut, but after a long outage it waits up to 17 minutes.

        Raises:
            DoorDisabled: the gateway said that coming back is pointless.
        """
        patience_s = RECONNECT_S
        while True:
            connecting = asyncio.create_task(client.connect(reconnect=True), name="discord-socket")
            try:
                while await self._is_going_on(client, connecting, patience_s):
                    patience_s = RECONNECT_S if client.is_connected else patience_s
            finally:
                connecting.cancel()
                await asyncio.gather(connecting, return_exceptions=True)
                await _hung_up(client)
            if connecting.done() and not connecting.cancelled():
                self._ended(connecting.exception())
            patience_s = min(LONGEST_WAIT_S * 2, patience_s * 2)

    async def _is_going_on(
        self, client: DeskClient, connecting: asyncio.Task[None], patience_s: float
    ) -> bool:
        """Wait until the gateway ends, or was away for too long; True while there is nothing to do."""
        waiting = asyncio.ensure_future(client.changed.wait())
        timer = asyncio.ensure_future(self._clock.sleep(patience_s))
        try:
            await asyncio.wait({connecting, waiting, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            timer.cancel()
        if connecting.done():
            return False
        if client.changed.is_set():
            client.changed.clear()
            self._shown(client)
            return True
        return client.is_connected

    def _ended(self, problem: BaseException | None) -> None:
        match problem:
            case None:
                raise ConnectionError("The gateway closed without a reason.")
            case discord.PrivilegedIntentsRequired():
                raise DoorDisabled("Discord wants an intent that is switched off for this bot.") from problem
            case discord.ConnectionClosed() if problem.code in _FINAL_CODES:
                raise DoorDisabled(f"Discord closed the gateway for good (code {problem.code}).") from problem
            case _:
                raise problem

    def _shown(self, client: DeskClient) -> None:
        if client.is_connected:
            self.state, self.detail = DoorState.OPEN, ""
        else:
            self.state, self.detail = DoorState.TROUBLED, "The gateway is away."

    def _troubled(self, problem: BaseException) -> None:
        self.state, self.detail = DoorState.TROUBLED, f"{type(problem).__name__}: {problem}"[:300]
        log.warning("discord_not_reached", error=self.detail)

    async def _sweep(self) -> None:
        """Forget buttons that expired a while ago."""
        while True:
            try:
                async with self._room.store.transaction() as tx:
                    await tx.chats.forget_buttons(self._room.now - REMEMBERED)
            except StoreProblem as problem:
                log.warning("discord_sweep_waits_for_store", error=str(problem))
            await self._clock.sleep(SWEEP_S)

    async def _beat(self) -> None:
        """Give signs of life to the watchdog; the library watches the gateway's own heartbeat."""
        while True:
            self.heard_at = self._clock.monotonic()
            await self._clock.sleep(BEAT_S)


async def _hung_up(client: DeskClient) -> None:
    """Close the socket, also one that is closed already: its heart beats in a thread that only this ends."""
    # The library leaves it unset, or set to a mark of its own, until there was one.
    if isinstance(client.ws, DiscordWebSocket):
        with suppress(ConnectionError, RuntimeError, TimeoutError):
            await client.ws.close()


def _disabled(problem: BaseException) -> DoorDisabled | None:
    """Give what switches the door off for good, also out of a group."""
    if isinstance(problem, BaseExceptionGroup):
        return next((found for one in problem.exceptions if (found := _disabled(one))), None)
    return problem if isinstance(problem, DoorDisabled) else None

"""Chat doors put together from the settings, beside the house that they belong to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from chatops.doors.door import DoorState
from chatops.room import Room
from desk.settings import Settings
from server.doors import Doors
from server.health import Check
from trading.errors import BadSetting, OperatorProblem

if TYPE_CHECKING:
    from chatops.alert_pictures import AlertPictures
    from chatops.doors.door import Door
    from chatops.doors.who import People
    from chatops.telegram_bot.hook import Hook
    from desk.assembly import House
    from desk.models.queries import PairForecast

#: What Telegram calls the header with the webhook's secret.
SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name


@dataclass(slots=True)
class ChatDoors:
    """The open doors, and the web routes that some of them need."""

    doors: Doors
    routes: tuple[Route, ...] = ()

    def checks(self) -> dict[str, Check]:
        """Give a health check per door: one that another process keeps open is well."""
        return {name: self._check(name) for name in self.doors.names}

    def _check(self, name: str) -> Check:
        async def look() -> str:
            state, detail = self.doors.states()[name]
            if state not in (DoorState.OPEN, DoorState.WAITING):
                raise ChatDoorTrouble(
                    f"The {name} door is {state.value.lower()}{': ' if detail else ''}{detail}"
                )
            return state.value.lower()

        return look


class ChatDoorTrouble(OperatorProblem):
    """A chat door is not open."""

    code: ClassVar[str] = "chat_door_trouble"


def has_doors(settings: Settings) -> bool:
    """Tell whether a chat door is set up."""
    return bool(settings.telegram_token or settings.discord_token)


@asynccontextmanager
async def open_doors(house: House, settings: Settings, *, version: str) -> AsyncIterator[ChatDoors]:
    """Open the chat doors whose tokens are set, with their ways for alerts; close them at the end of the block.

    Raises:
        BadSetting: a webhook without a secret.
    """
    if not has_doors(settings):
        yield ChatDoors(Doors((), house.clock))
        return
    from chatops.doors.links import DeskLinks

    found: list[Door] = []
    kept: list[Doors] = []
    room = Room(
        desk=house.desk,
        painter=house.painter,
        version=version,
        label=house.feed.label,
        prices=house.prices,
        drifts=house.drifts,
        forecast=forecaster(house),
        doors=lambda: {
            name: (state.value.lower(), detail)
            for one in kept
            for name, (state, detail) in one.states().items()
        },
    )
    people = DeskLinks(house.desk)
    routes: list[Route] = []
    async with AsyncExitStack() as stack:
        if settings.telegram_token:
            hook = _hook(house, settings)
            found.append(_telegram(house, settings, room, people, hook, stack))
            routes += [_route(hook)] if hook else []
        if settings.discord_token:
            found.append(_discord(house, settings, room, people, stack))
        doors = Doors(found, house.clock)
        kept.append(doors)
        keeping = asyncio.create_task(doors.run(), name="chat-doors")
        try:
            yield ChatDoors(doors, tuple(routes))
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


def forecaster(house: House) -> Callable[[str, str], Awaitable[PairForecast]]:
    """Give what chat words ask for forecasts."""

    async def forecast(workspace_id: str, pair: str) -> PairForecast:
        from desk.models.queries import forecast_of

        async with house.store.reading() as tx:
            return await forecast_of(tx, house.models, house.feed, workspace_id, pair)

    return forecast


def _telegram(
    house: House, settings: Settings, room: Room, people: People, hook: Hook | None, stack: AsyncExitStack
) -> Door:
    from chatops.commands import full_book
    from chatops.telegram_bot.alerts import TelegramAlerts
    from chatops.telegram_bot.door import TelegramDoor
    from chatops.telegram_bot.pace import Pace

    token, base_url = settings.telegram_token.reveal(), settings.telegram_base_url
    # One for both: Telegram counts replies and alerts together.
    pace = Pace(house.clock)
    alerts = TelegramAlerts(
        house.store, house.clock, token=token, base_url=base_url, pace=pace, draw=_pictures(house)
    )
    stack.push_async_callback(alerts.close)
    house.pump.attach(alerts)
    return TelegramDoor(room, full_book(), people, token=token, base_url=base_url, hook=hook, pace=pace)


def _pictures(house: House) -> AlertPictures | None:
    from chatops.alert_pictures import PICTURED_IN_CHATS, AlertPictures

    if house.painter is None:
        return None
    return AlertPictures(house.store, house.painter, kinds=PICTURED_IN_CHATS)


def _discord(house: House, settings: Settings, room: Room, people: People, stack: AsyncExitStack) -> Door:
    from chatops.commands import full_book
    from chatops.discord_bot.alerts import DiscordAlerts
    from chatops.discord_bot.door import DiscordDoor

    door = DiscordDoor(
        room,
        full_book(),
        people,
        token=settings.discord_token,
        api_url=settings.discord_api_url,
        gateway_url=settings.discord_gateway_url,
        guild_id=settings.discord_guild_id,
    )
    alerts = DiscordAlerts(
        house.store,
        house.clock,
        token=settings.discord_token,
        api_url=settings.discord_api_url,
        channel_id=settings.discord_channel_id,
        draw=_pictures(house),
    )
    stack.push_async_callback(alerts.close)
    house.pump.attach(alerts)
    return door


def _hook(house: House, settings: Settings) -> Hook | None:
    if not settings.telegram_webhook_url:
        return None
    if len(settings.telegram_webhook_secret.reveal()) < 16:
        raise BadSetting(
            "Setting BREAKWATER_TELEGRAM_WEBHOOK_SECRET has fewer than 16 characters; with a webhook a secret of 16 "
            "to 256 letters, digits, - and _ is needed.",
            hint="Or leave BREAKWATER_TELEGRAM_WEBHOOK_URL empty: then Telegram is polled.",
        )
    from chatops.telegram_bot.hook import Hook

    return Hook(settings.telegram_webhook_url, settings.telegram_webhook_secret, house.clock)


def _route(hook: Hook) -> Route:
    async def receive(request: Request) -> Response:
        status = await hook.receive(request.headers.get(SECRET_HEADER, ""), await request.body())
        return PlainTextResponse("", status_code=status)

    return Route(urlsplit(hook.url).path or "/", receive, methods=["POST"])

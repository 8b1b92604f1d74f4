"""Signals from outside: whoever knows a hook's path may say what they saw; it is written down as data and never trades.

The answer comes after the durable insert and before anything else. The same alert counts once, an old one not at all.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import IntEnum
from ipaddress import ip_address, ip_network

import structlog

from desk.clock import Clock
from desk.desk import Desk
from desk.hook_message import LARGEST, HookMessage, read_message
from desk.identity import new_id
from desk.people_views import HookKind, Webhook
from desk.ports import Unit
from desk.secrets import token_hash
from desk.views import Bot, SignalRecord
from trading.errors import InvalidInput
from trading.events import Recorded, SignalDetected

log = structlog.get_logger(__name__)

#: How far a message's time may be off.
FRESH_FOR = timedelta(seconds=60)

#: Messages of one hook: so many a second, so many at once.
RATE_PER_S = 1.0
BURST = 5.0

#: Guesses of one address at paths that do not exist.
GUESSES_PER_S = 1.0
GUESS_BURST = 20.0

#: A price may be so far from the last known one.
PRICE_BAND = Decimal("0.2")

_REMEMBERED = 4096


class HookStatus(IntEnum):
    """What is answered, as HTTP says it."""

    ACCEPTED = 202
    UNSIGNED = 401
    FOREIGN = 403
    UNKNOWN = 404
    STALE = 409
    TOO_LARGE = 413
    INVALID = 422
    TOO_MANY = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class HookAnswer:
    """What the sender is told."""

    status: HookStatus
    message: str
    is_duplicate: bool = False


class Hooks:
    """Takes messages of hooks.

    Args:
        venue: whose candles prices are compared with.
    """

    def __init__(self, desk: Desk, *, venue: str) -> None:
        self._desk = desk
        self._venue = venue
        self._of_hooks = _Budget(desk.clock, RATE_PER_S, BURST)
        self._of_guesses = _Budget(desk.clock, GUESSES_PER_S, GUESS_BURST)

    async def receive(self, path: str, body: bytes, *, peer: str, signature: str = "") -> HookAnswer:
        """Take a message: write a signal down, once."""
        if len(body) > LARGEST:
            return _no(HookStatus.TOO_LARGE, f"At most {LARGEST} bytes are allowed.")
        if not 20 <= len(path) <= 100 or not path.isascii():
            return self._unknown(peer)
        async with self._desk.store.reading() as tx:
            found = await tx.hooks.by_path(token_hash(path))
            bot = await tx.bots.by_id(found[0].workspace_id, found[0].bot_id) if found else None
        if found is None or bot is None:
            return self._unknown(peer)
        hook, secret = found
        if not self._of_hooks.take(hook.id):
            return _no(HookStatus.TOO_MANY, f"One message a second is allowed, {BURST:g} at once.")
        answer = self._refused(hook, secret, body, peer, signature)
        if answer is None:
            try:
                message = read_message(body)
                answer = await self._taken(hook, bot, message)
            except InvalidInput as problem:
                answer = _no(HookStatus.INVALID, str(problem))
        if answer.status is not HookStatus.ACCEPTED:
            await self._count_refusal(hook, answer)
        return answer

    def _unknown(self, peer: str) -> HookAnswer:
        if not self._of_guesses.take(peer):
            return _no(HookStatus.TOO_MANY, "Too many guesses.")
        return _no(HookStatus.UNKNOWN, "Nothing is here.")

    def _refused(
        self, hook: Webhook, secret: str, body: bytes, peer: str, signature: str
    ) -> HookAnswer | None:
        if hook.allow_list and not is_allowed(peer, hook.allow_list):
            return _no(HookStatus.FOREIGN, "This address is not on the hook's list.")
        if hook.kind is HookKind.HMAC:
            now = self._desk.clock.now().timestamp()
            if not is_signed(secret, body, signature, now):
                return _no(
                    HookStatus.UNSIGNED,
                    "The signature is missing, old or another one: t=SECONDS,v1=HEX is wanted.",
                )
        return None

    async def _taken(self, hook: Webhook, bot: Bot, message: HookMessage) -> HookAnswer:
        now = self._desk.clock.now()
        if abs(now - message.at) > FRESH_FOR:
            return _no(HookStatus.STALE, f"`time` is more than {FRESH_FOR.seconds} s off.")
        allowed = hook.pairs or bot.pairs
        if message.pair not in allowed or message.pair not in bot.pairs:
            raise InvalidInput(f"`pair` must be one of {', '.join(allowed)}.")
        async with self._desk.store.transaction() as tx:
            price = await self._price(tx, bot, message)
            if not await tx.messages.first_time(
                hook.workspace_id, f"webhook:{hook.id}", message.alert_id, now
            ):
                return HookAnswer(status=HookStatus.ACCEPTED, message="Known already.", is_duplicate=True)
            signal = _signal(hook, bot, message, price)
            await tx.signals.add(signal)
            recorded = await self._told(tx, hook, signal)
            await tx.hooks.seen(hook.workspace_id, hook.id, now, is_accepted=True)
        self._desk.bus.publish(recorded)
        log.info("hook_signal", signal_id=signal.id, bot_id=bot.id, pair=signal.pair)
        return HookAnswer(status=HookStatus.ACCEPTED, message="Written down.")

    async def _price(self, tx: Unit, bot: Bot, message: HookMessage) -> Decimal:
        last = await tx.candles.last(self._venue, message.pair, bot.timeframe, 1)
        known = Decimal(repr(float(last.close[-1]))) if len(last) else None
        if message.price is None:
            return known or Decimal(0)
        if known is not None and abs(message.price - known) > known * PRICE_BAND:
            raise InvalidInput(f"`price` is more than {PRICE_BAND:.0%} away from the last known one.")
        return message.price

    async def _told(self, tx: Unit, hook: Webhook, signal: SignalRecord) -> tuple[Recorded, ...]:
        now = self._desk.clock.now()
        fact = SignalDetected(
            workspace_id=hook.workspace_id,
            occurred_at=now,
            bot_id=signal.bot_id,
            pair=signal.pair,
            signal_id=signal.id,
            direction=signal.direction,
            tag=signal.tag,
            price=signal.price,
            score=signal.score,
        )
        await tx.audit.append(
            hook.workspace_id,
            at=now,
            actor=f"{hook.label}@webhook",
            channel="webhook",
            action="ReceiveSignal",
            subject=signal.id,
            detail={"pair": signal.pair, "direction": signal.direction, "tag": signal.tag},
            outcome="done",
        )
        return await tx.journal.append(hook.workspace_id, [fact], now)

    async def _count_refusal(self, hook: Webhook, answer: HookAnswer) -> None:
        now = self._desk.clock.now()
        async with self._desk.store.transaction() as tx:
            await tx.hooks.seen(hook.workspace_id, hook.id, now, is_accepted=False)
        log.info("hook_refused", label=hook.label, code=int(answer.status))


class _Budget:
    """Token buckets in memory; the one idle longest is forgotten first."""

    def __init__(self, clock: Clock, rate: float, burst: float) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> bool:
        now = self._clock.monotonic()
        level, at = self._levels.pop(key, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._rate)
        is_open = level >= 1
        self._levels[key] = (level - 1 if is_open else level, now)
        if len(self._levels) > _REMEMBERED:
            self._levels.popitem(last=False)
        return is_open


def is_allowed(peer: str, allow_list: tuple[str, ...]) -> bool:
    """Tell whether an address is on a list of addresses and networks."""
    try:
        address = ip_address(peer)
        return any(address in ip_network(one, strict=False) for one in allow_list)
    except ValueError:
        return False


def signature_of(secret: str, body: bytes, at: int) -> str:
    """Give the signature header of a message."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def is_signed(secret: str, body: bytes, header: str, now: float) -> bool:
    """Tell whether a header signs a body with a secret, at most a minute ago."""
    stamp = header.partition(",")[0].removeprefix("t=")
    if not secret or not header.isascii() or not stamp.isdecimal() or len(stamp) > 12:
        return False
    at = int(stamp)
    is_right = hmac.compare_digest(signature_of(secret, body, at), header)
    return is_right and abs(now - at) <= FRESH_FOR.total_seconds()


def _no(status: HookStatus, message: str) -> HookAnswer:
    return HookAnswer(status=status, message=message)


def _signal(hook: Webhook, bot: Bot, message: HookMessage, price: Decimal) -> SignalRecord:
    return SignalRecord(
        id=new_id(),
        workspace_id=hook.workspace_id,
        bot_id=bot.id,
        pair=message.pair,
        bar_at=message.at,
        direction=message.direction,
        tag=message.tag or f"hook:{hook.label}",
        price=price,
        stop=message.stop,
        targets=message.targets,
        score=message.score,
        conditions=(),
        sizing={},
        checks=(),
        outcome="received",
        reason=f"webhook {hook.label}",
    )

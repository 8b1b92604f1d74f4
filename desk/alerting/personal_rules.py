"""Rules of one's own: a price, the day's result, a drawdown, a signal. Fired in the transaction that remembers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from desk.alerting.channel import Reader
from desk.alerting.raising import post
from desk.alerting.readers import readers_of
from desk.alerting.steps import Done
from desk.alerting.values import AlertRule, Relation, RuleKind
from desk.clock import to_ms
from desk.execution.client_ids import stable_id
from desk.live_prices import LivePrices
from desk.ports import Unit
from desk.views import Alert, Filter, Page
from trading.events import Severity

#: A repeating rule is armed again when the value has gone back by this share of its threshold.
HYSTERESIS = Decimal("0.001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a look at a rule's subject found.

    Attributes:
        value: the extreme on the rule's side since the last look; None = nothing new.
        latest: the value now, by which a repeating rule is armed again.
        until_ms: everything up to here was looked at.
    """

    value: Decimal | None
    latest: Decimal | None
    until_ms: int
    detail: str = ""


async def look_at_rules(tx: Unit, workspace_id: str, now: datetime, prices: LivePrices | None = None) -> Done:
    """Look at every rule of a workspace once.

    Args:
        prices: between bars, where the market tells them.
    """
    done = Done()
    rules = await tx.notices.rules(workspace_id)
    if not rules:
        return done
    readers = {one.member.user_id: one for one in await readers_of(tx, workspace_id)}
    series = await _series(tx)
    for rule in rules:
        reader = readers.get(rule.user_id)
        if reader is None or (not rule.is_armed and not rule.is_repeating):
            continue
        seen = await _look(tx, rule, series, prices)
        if seen is not None:
            await _settle(tx, rule, seen, reader, now, done)
    return done


async def _settle(tx: Unit, rule: AlertRule, seen: Seen, reader: Reader, now: datetime, done: Done) -> None:
    if rule.is_armed and seen.value is not None and is_met(rule, seen.value):
        if await tx.notices.move_rule(rule, seen_ms=seen.until_ms, is_armed=False, fired_at=now):
            raised = await post(tx, _alert(rule, seen, now), [reader], now)
            if raised is not None:
                done.events.append(raised)
                done.count += 1
    elif (
        not rule.is_armed
        and rule.is_repeating
        and seen.latest is not None
        and has_gone_back(rule, seen.latest)
    ):
        await tx.notices.move_rule(rule, seen_ms=seen.until_ms, is_armed=True, fired_at=rule.fired_at)
    elif seen.until_ms != rule.seen_ms:
        await tx.notices.move_rule(
            rule, seen_ms=seen.until_ms, is_armed=rule.is_armed, fired_at=rule.fired_at
        )


def is_met(rule: AlertRule, value: Decimal) -> bool:
    """Tell whether a value is on the rule's side."""
    return value >= rule.threshold if rule.relation is Relation.ABOVE else value <= rule.threshold


def has_gone_back(rule: AlertRule, value: Decimal) -> bool:
    """Tell whether a value is clearly on the other side: a price that trembles around a threshold rings once."""
    margin = abs(rule.threshold) * HYSTERESIS
    if rule.kind is RuleKind.SIGNAL:
        return True
    return (
        value < rule.threshold - margin
        if rule.relation is Relation.ABOVE
        else value > rule.threshold + margin
    )


async def _series(tx: Unit) -> dict[str, tuple[str, str]]:
    """Give venue and timeframe of each pair's most recent series."""
    found: dict[str, tuple[str, str]] = {}
    for one in sorted(await tx.candles.series(), key=lambda one: one.last):
        found[one.pair] = (one.venue, one.timeframe)
    return found


async def _look(
    tx: Unit, rule: AlertRule, series: dict[str, tuple[str, str]], prices: LivePrices | None
) -> Seen | None:
    match rule.kind:
        case RuleKind.PRICE:
            return _with_live(rule, await _price(tx, rule, series), prices)
        case RuleKind.SIGNAL:
            return await _signal(tx, rule)
        case RuleKind.PNL | RuleKind.DRAWDOWN:
            return await _account(tx, rule)


async def _price(tx: Unit, rule: AlertRule, series: dict[str, tuple[str, str]]) -> Seen | None:
    """Look at every bar since the last look, so that a spike between two looks counts."""
    where = series.get(rule.pair)
    if where is None:
        return None
    candles = await tx.candles.load(where[0], rule.pair, where[1], from_ms=rule.seen_ms + 1)
    if not len(candles):
        return None
    extreme = candles.high.max() if rule.relation is Relation.ABOVE else candles.low.min()
    return Seen(
        value=Decimal(repr(float(extreme))),
        latest=Decimal(repr(float(candles.close[-1]))),
        until_ms=int(candles.ts_ms[-1]),
    )


def _with_live(rule: AlertRule, seen: Seen | None, prices: LivePrices | None) -> Seen | None:
    """Add what was told between bars, so that nobody waits for a bar to close."""
    span = prices.span(rule.pair) if prices is not None else None
    newest = prices.newest(rule.pair) if prices is not None else None
    if span is None or newest is None:
        return seen
    is_above = rule.relation is Relation.ABOVE
    live = span[1] if is_above else span[0]
    if seen is None or seen.value is None:
        return Seen(value=live, latest=newest.last, until_ms=rule.seen_ms)
    extreme = max(live, seen.value) if is_above else min(live, seen.value)
    return Seen(value=extreme, latest=newest.last, until_ms=seen.until_ms)


async def _signal(tx: Unit, rule: AlertRule) -> Seen | None:
    wanted = Filter(pair=rule.pair, bot_id=rule.bot_id)
    fresh = [
        one
        for one in await tx.signals.page(rule.workspace_id, wanted, Page(first=50))
        if to_ms(one.bar_at) > rule.seen_ms and Decimal(repr(one.score)) >= rule.threshold
    ]
    if not fresh:
        return None
    newest = max(fresh, key=lambda one: one.bar_at)
    score = Decimal(repr(newest.score))
    return Seen(value=score, latest=score, until_ms=to_ms(newest.bar_at), detail=newest.tag)


async def _account(tx: Unit, rule: AlertRule) -> Seen | None:
    """Look at the accounts as of their last bar: the day's result, or the drawdown as a positive share."""
    found: list[tuple[Decimal, int]] = []
    for account in await tx.accounts.all(rule.workspace_id):
        status = await tx.accounts.status(rule.workspace_id, account.id)
        if status is None or to_ms(status.as_of) <= rule.seen_ms:
            continue
        if rule.kind is RuleKind.DRAWDOWN:
            value = Decimal(repr(abs(status.drawdown)))
        else:
            value = status.equity - status.day_start_equity
        found.append((value, to_ms(status.as_of)))
    if not found:
        return None
    values = [value for value, _ in found]
    chosen = max(values) if rule.relation is Relation.ABOVE else min(values)
    return Seen(value=chosen, latest=chosen, until_ms=max(at for _, at in found))


def _alert(rule: AlertRule, seen: Seen, now: datetime) -> Alert:
    key = f"rule:{rule.id}:{seen.until_ms}"
    return Alert(
        id=stable_id(rule.workspace_id, "alert", key),
        workspace_id=rule.workspace_id,
        severity=Severity.WARNING,
        kind="rule_fired",
        params={
            "rule": rule.kind.value,
            "relation": rule.relation.value,
            "threshold": format(rule.threshold, "f"),
            "value": format(seen.value, "f") if seen.value is not None else "",
            **({"tag": seen.detail} if seen.detail else {}),
        },
        dedupe_key=key,
        bot_id=rule.bot_id,
        pair=rule.pair,
        created_at=now,
        acknowledged_by="",
        acknowledged_at=None,
    )

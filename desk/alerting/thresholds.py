"""Running bots against the thresholds of the go-live gate: told when one is fallen below, and when it is reached again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from desk.alerting import incidents
from desk.alerting.raising import post
from desk.alerting.readers import readers_of
from desk.alerting.steps import Done
from desk.execution.client_ids import stable_id
from desk.golive import record_of
from desk.ports import Unit
from desk.queries import all_trades
from desk.views import Alert, Bot, Filter, Page
from trading.events import Desired, Severity
from trading.risk.gates import Gate, GateLine, watch

#: Bots are asked this often whether they closed a trade.
EVERY = timedelta(seconds=30)

#: What may fall below while a bot runs; days and trades only grow.
WATCHED = (Gate.SHARPE, Gate.WIN_RATE, Gate.PROFIT_FACTOR)


@dataclass(slots=True)
class ThresholdWatch:
    """Judges each running bot after a closed trade, and once an hour: a day without one changes the figures too.

    What is below now is known from the open troubles in the store, so a restart tells nothing twice. What is kept
    here only saves work; a look that was lost with its transaction is made up for within the hour.
    """

    _looked: dict[str, datetime] = field(default_factory=dict)
    _judged: dict[str, tuple[str, str, datetime]] = field(default_factory=dict)

    async def look(self, tx: Unit, workspace_id: str, now: datetime) -> Done:
        """Judge every running bot of a workspace that has something new."""
        done = Done()
        last = self._looked.get(workspace_id)
        if last is not None and now - last < EVERY:
            return done
        self._looked[workspace_id] = now
        hour = now.replace(minute=0, second=0, microsecond=0)
        for bot in await tx.bots.all(workspace_id):
            if bot.desired is not Desired.RUNNING:
                continue
            wanted = Filter(account_id=bot.account_id, bot_id=bot.id)
            newest = await tx.positions.trades(workspace_id, wanted, Page(first=1))
            if not newest:
                continue
            state = (bot.account_id, newest[0].id, hour)
            if self._judged.get(bot.id) != state:
                await _judge(tx, bot, now, done)
                self._judged[bot.id] = state
        return done


async def _judge(tx: Unit, bot: Bot, now: datetime, done: Done) -> None:
    """Tell what changed since the bot was judged last."""
    account = next(one for one in await tx.accounts.all(bot.workspace_id) if one.id == bot.account_id)
    status = await tx.accounts.status(bot.workspace_id, account.id)
    trades = await all_trades(tx, bot.workspace_id, account.id, bot.id, None)
    # A replay has a time of its own.
    until = max(status.as_of if status else now, trades[-1].closed_at)
    figures, days = record_of(trades, capital=account.capital * Decimal(repr(bot.allocation)), until=until)
    before = set()
    for gate in WATCHED:
        known = await tx.notices.incident(bot.workspace_id, _key(bot, gate))
        if known is not None and known.resolved_at is None:
            before.add(gate)
    report = watch(figures, days_running=days, before=before)
    for line in report.lines:
        if line.gate in report.fallen:
            alert = _alert("below_threshold", Severity.WARNING, bot, line, now)
            await incidents.show(tx, _key(bot, line.gate), alert, now)
        elif line.gate in report.recovered:
            ended = await incidents.end(tx, bot.workspace_id, _key(bot, line.gate), now)
            first = ended.first_alert_id if ended else ""
            alert = _alert("above_threshold", Severity.INFO, bot, line, now, replies_to=first)
        else:
            continue
        raised = await post(tx, alert, await readers_of(tx, bot.workspace_id), now)
        if raised is not None:
            done.events.append(raised)
            done.count += 1


def _key(bot: Bot, gate: Gate) -> str:
    return f"threshold:{bot.id}:{gate.value}"


def _alert(kind: str, severity: Severity, bot: Bot, line: GateLine, now: datetime, **more: str) -> Alert:
    key = f"{kind}:{_key(bot, line.gate)}:{now.isoformat()}"
    found = "" if line.value is None else f"{line.value:.4f}"
    return Alert(
        id=stable_id(bot.workspace_id, "alert", key),
        workspace_id=bot.workspace_id,
        severity=severity,
        kind=kind,
        params={"gate": line.gate.value, "value": found, "needed": line.needed, **more},
        dedupe_key=key,
        bot_id=bot.id,
        pair="",
        created_at=now,
        acknowledged_by="",
        acknowledged_at=None,
    )

"""A live bot's process and the prices at its exchange in one hand: bars are walked, the process is killed in between."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from tests.support.live_bot_process import Trader
from tests.support.sim_process import SimProcess
from trading.candles import Candles

#: Whatever happens has to be settled so long after it, also on a busy machine.
PATIENCE_S = 60.0
#: Where a process is ended by itself; the others are ended by the clock.
POINTS = ("k01", "k03", "k04", "k05", "k06", "k07", "k08", "k09", "k10", "k11", "k15b", "k16a", "k16b")

_ENDED = "('filled','canceled','expired','rejected','denied','not_placed')"


@dataclass(slots=True)
class Rows:
    """The database as it stands, read by somebody who only looks."""

    path: Path
    _connection: sqlite3.Connection | None = None

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Give rows."""
        if self._connection is None:
            self._connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)
        return self._connection.execute(sql).fetchall()

    def close(self) -> None:
        """Look no more."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def last_ms(self) -> int:
        """Give the last bar that the bot decided on."""
        return int(self.ask("SELECT max(bar_ms) FROM account_snapshots")[0][0] or -1)

    def fills(self) -> int:
        """Count the executions that are booked."""
        return int(self.ask("SELECT count(*) FROM fills")[0][0])

    def is_quiet(self) -> bool:
        """Tell whether nothing is under way and every position has its stop at the venue."""
        unsettled = self.ask(
            f"SELECT state, order_type, stop_price, position_id FROM orders WHERE state NOT IN {_ENDED}"
        )
        if any(state != "accepted" for state, *_ in unsettled):
            return False
        held = self.ask("SELECT id, stop FROM positions WHERE closed_at IS NULL")
        stops = {position: Decimal(stop) for _, kind, stop, position in unsettled if kind == "stop"}
        return stops == {one: Decimal(stop) for one, stop in held if stop is not None}

    def targets(self) -> list[Decimal]:
        """Give the targets that wait."""
        found = self.ask("SELECT legs FROM positions WHERE closed_at IS NULL")
        legs = [leg for row in found for leg in orjson.loads(row[0])]
        return [Decimal(str(one["price"])) for one in legs if not one["is_filled"]]

    def story(self) -> str:
        """Say what is unsettled, for a run that does not go on."""
        asked = (
            "SELECT count(*) FROM fills",
            "SELECT name, condition, condition_reason FROM bots",
            f"SELECT client_order_id, order_type, reason, state FROM orders WHERE state NOT IN {_ENDED}",
            "SELECT id, quantity, stop, legs FROM positions WHERE closed_at IS NULL",
        )
        return "; ".join(str(self.ask(sql)) for sql in asked)

    def stops(self) -> list[Decimal]:
        """Give the stops of open positions."""
        found = self.ask("SELECT stop FROM positions WHERE closed_at IS NULL AND stop IS NOT NULL")
        return [Decimal(row[0]) for row in found]


@dataclass(frozen=True, slots=True)
class Life:
    """One process.

    Attributes:
        began_ms, ended_ms: by the clock that the exchange's ledger has too.
    """

    began_ms: int
    ended_ms: int


@dataclass(slots=True)
class Play:
    """A run.

    Attributes:
        points: named points at which the next processes end themselves, the next one last.
        is_armed: the process at work will end itself at a point, if it passes it.
    """

    trader: Trader
    exchange: SimProcess
    rows: Rows
    chance: random.Random
    points: list[str] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    at_points: int = 0
    is_armed: bool = False
    _pid: int = 0
    _began_ms: int = 0

    @property
    def kills(self) -> int:
        """Count the ends with -9."""
        return len(self.lives)

    def bar(self, candles: Candles, row: int, *, is_killed: bool) -> None:
        """Walk a price through a bar, let it close, and wait until everything that follows is done."""
        pair = candles.pair
        low, high, close = (
            Decimal(str(float(one[row]))) for one in (candles.low, candles.high, candles.close)
        )
        for stop in self.rows.stops():
            if stop > low:
                self.exchange.price(pair, stop)
                self._maybe(is_killed)
        self.exchange.price(pair, low)
        self.wait(self.is_settled)
        for level in self.rows.targets():
            if low < level < high and level in self.rows.targets():
                self.exchange.price(pair, level)
                self._maybe(is_killed)
                self.wait(lambda level=level: level not in self.rows.targets() and self.is_settled())  # type: ignore[misc]
        self.exchange.price(pair, high)
        self.exchange.price(pair, close)
        self.trader.released.row = row + 1
        if is_killed:
            self._rest(0.3)
            self.kill()
            if self.chance.random() < 0.3:
                # Again, while it recovers from the first.
                self._rest(0.8)
                self.kill()
        self.wait(lambda: self.rows.last_ms() >= int(candles.ts_ms[row]) and self.is_settled())

    def is_settled(self) -> bool:
        """Tell whether rows and exchange say the same."""
        return self.rows.fills() == self.exchange.fills() and self.rows.is_quiet()

    def kill(self) -> None:
        """End the process with -9 and start the next."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._over()
        self._start()

    def wait(self, claim: Callable[[], bool]) -> None:
        """Wait until a claim holds.

        Raises:
            TimeoutError: it did not within a minute.
        """
        until_s = time.monotonic() + PATIENCE_S
        while not claim():
            self._revive()
            if time.monotonic() > until_s:
                raise TimeoutError(f"not settled: {self.exchange.fills()} fills; {self.rows.story()}")
            time.sleep(0.005)

    def end(self) -> None:
        """Stop the process."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0
        self.rows.close()

    def _maybe(self, is_killed: bool) -> None:
        """End the process while it answers a price, half of the time."""
        if is_killed and self.chance.random() < 0.5:
            self._rest(0.25)
            self.kill()

    def _rest(self, most_s: float) -> None:
        # Most of what can go wrong happens in the first moments; some of it late.
        time.sleep(most_s * self.chance.random() ** 2)

    def _revive(self) -> None:
        """Notice a process that ended itself at its point."""
        pid, _ = os.waitpid(self._pid, os.WNOHANG)
        if pid:
            self.at_points += 1
            self._over()
            self._start()

    def _start(self) -> None:
        self._began_ms = time.time_ns() // 1_000_000
        point = self.points.pop() if self.points else ""
        self.is_armed = bool(point)
        self._pid = self.trader.start(point)

    def _over(self) -> None:
        self.lives.append(Life(self._began_ms, time.time_ns() // 1_000_000))
        self._pid = 0

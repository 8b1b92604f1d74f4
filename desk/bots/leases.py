"""Who owns an account: a lease with an epoch, renewed by a heartbeat, and given up by the dead."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from desk.clock import Clock
from desk.ports import Store, Unit
from trading.errors import Conflict

#: A holder that was not heard of for this long has lost its lease.
LEASE_TTL_S = 6.0
#: The lease is renewed this often.
HEARTBEAT_S = 2.0


class LeaseLost(Conflict):
    """Somebody else owns the account now: nothing more may be written for it."""

    code = "lease_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write for an account."""

    name: str
    holder: str
    epoch: int

    async def guard(self, tx: Unit, clock: Clock) -> None:
        """Refuse a transaction of somebody who no longer owns the account.

        Raises:
            LeaseLost: the lease ran out or has another holder or epoch.
        """
        if await tx.leases.holder(self.name, clock.now()) != (self.holder, self.epoch):
            raise LeaseLost(
                f"Lease '{self.name}' of epoch {self.epoch} is lost; another process owns the account."
            )


def account_lease(account_id: str) -> str:
    """Give the name of an account's lease."""
    return f"account:{account_id}"


def new_holder() -> str:
    """Name this process: machine, process, when it began, and a nonce."""
    pid = os.getpid()
    return f"{socket.gethostname()}|{pid}|{_began(pid)}|{secrets.token_hex(4)}"


def is_dead(holder: str) -> bool:
    """Tell whether a holder is a process of this machine that is gone; others are given the benefit of the doubt."""
    parts = holder.split("|")
    if len(parts) != 4 or parts[0] != socket.gethostname() or not parts[1].isdigit():
        return False
    began = _began(int(parts[1]))
    return began != parts[2] if began and parts[2] else not _exists(int(parts[1]))


async def take(store: Store, clock: Clock, name: str, holder: str) -> Lease | None:
    """Take or renew a lease; one that a dead process of this machine left behind is taken at once."""
    async with store.transaction() as tx:
        now = clock.now()
        epoch = await tx.leases.take(name, holder, now, LEASE_TTL_S)
        if epoch is None:
            held = await tx.leases.holder(name, now)
            if held is not None and held[0] != holder and is_dead(held[0]):
                await tx.leases.release(name, held[0])
                epoch = await tx.leases.take(name, holder, now, LEASE_TTL_S)
    return None if epoch is None else Lease(name=name, holder=holder, epoch=epoch)


async def release(store: Store, lease: Lease) -> None:
    """Give a lease back on the way out."""
    async with store.transaction() as tx:
        await tx.leases.release(lease.name, lease.holder)


def _began(pid: int) -> str:
    """Give the start time of a process in clock ticks, where the system tells; process ids are used again."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""Requests to the process that owns an account, kept in the timeline of what they are about.

A request to close a position is a row of that position's trade events, written in the transaction of the command; the
account loop answers it with a second row. So a request survives a crash, is done once, and is seen in the timeline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from desk.identity import Actor, new_id
from desk.ports import Unit
from desk.views import Position
from trading.orders import Reason

CLOSE_REQUESTED = "close_requested"
CLOSE_TAKEN = "close_taken"
STOP_REQUESTED = "stop_requested"
TARGETS_REQUESTED = "targets_requested"
EXITS_TAKEN = "exits_taken"


class Asking(Protocol):
    """Who asks, and when."""

    @property
    def actor(self) -> Actor: ...

    @property
    def now(self) -> datetime: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRequest:
    """Somebody wants a position closed.

    Attributes:
        share: of what is held when it is done; below 1 a part leaves.
    """

    id: str
    position_id: str
    reason: Reason
    actor: str
    share: Decimal = Decimal(1)


async def ask_to_close(
    tx: Unit, position: Position, *, reason: Reason, by: Asking, share: Decimal = Decimal(1)
) -> str:
    """Write the request; give its id."""
    request_id = new_id()
    await tx.positions.add_trade_event(
        position.workspace_id,
        position.id,
        by.now,
        CLOSE_REQUESTED,
        {"request_id": request_id, "reason": reason.value, "actor": by.actor.label, "share": str(share)},
    )
    return request_id


async def open_requests(tx: Unit, position: Position) -> tuple[CloseRequest, ...]:
    """Give the requests about a position that nobody answered."""
    asked: dict[str, CloseRequest] = {}
    for row in await tx.positions.trade_events(position.workspace_id, position.id):
        detail = row["detail"]
        if row["kind"] == CLOSE_REQUESTED:
            asked[detail["request_id"]] = CloseRequest(
                id=detail["request_id"],
                position_id=position.id,
                reason=Reason(detail["reason"]),
                actor=detail["actor"],
                share=Decimal(detail.get("share", "1")),
            )
        elif row["kind"] == CLOSE_TAKEN:
            asked.pop(detail["request_id"], None)
    return tuple(asked.values())


async def is_leaving(tx: Unit, position: Position, share: Decimal = Decimal(1)) -> bool:
    """Tell whether a request would ask again for what leaves already; all may still be asked for while a part leaves."""
    requests = await open_requests(tx, position)
    return any(one.share >= share for one in requests) or (share < 1 and bool(requests))


async def take_request(
    tx: Unit, workspace_id: str, request: CloseRequest, at: datetime, *, refusal: str = ""
) -> None:
    """Write that the request is being done, or why it is not."""
    await tx.positions.add_trade_event(
        workspace_id, request.position_id, at, CLOSE_TAKEN, {"request_id": request.id, "refusal": refusal}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitsRequest:
    """Somebody wants other exits for a bot's position: a stop, or targets."""

    id: str
    position_id: str
    stop: Decimal | None
    targets: tuple[Decimal, ...]
    actor: str


async def ask_for_stop(tx: Unit, position: Position, *, stop: Decimal, by: Asking) -> None:
    """Write the request for another stop."""
    await tx.positions.add_trade_event(
        position.workspace_id,
        position.id,
        by.now,
        STOP_REQUESTED,
        {"request_id": new_id(), "stop": str(stop), "actor": by.actor.label},
    )


async def ask_for_targets(tx: Unit, position: Position, *, targets: tuple[Decimal, ...], by: Asking) -> None:
    """Write the request for other targets."""
    await tx.positions.add_trade_event(
        position.workspace_id,
        position.id,
        by.now,
        TARGETS_REQUESTED,
        {"request_id": new_id(), "targets": [str(one) for one in targets], "actor": by.actor.label},
    )


async def open_exit_requests(tx: Unit, position: Position) -> tuple[ExitsRequest, ...]:
    """Give the requests for other exits that nobody answered, oldest first."""
    asked: dict[str, ExitsRequest] = {}
    for row in await tx.positions.trade_events(position.workspace_id, position.id):
        detail = row["detail"]
        if row["kind"] in (STOP_REQUESTED, TARGETS_REQUESTED):
            asked[detail["request_id"]] = ExitsRequest(
                id=detail["request_id"],
                position_id=position.id,
                stop=Decimal(detail["stop"]) if "stop" in detail else None,
                targets=tuple(Decimal(one) for one in detail.get("targets", ())),
                actor=detail["actor"],
            )
        elif row["kind"] == EXITS_TAKEN:
            asked.pop(detail["request_id"], None)
    return tuple(asked.values())


async def take_exit_request(
    tx: Unit, workspace_id: str, request: ExitsRequest, at: datetime, *, refusal: str = ""
) -> None:
    """Write that the request was done, or why it was not."""
    await tx.positions.add_trade_event(
        workspace_id, request.position_id, at, EXITS_TAKEN, {"request_id": request.id, "refusal": refusal}
    )

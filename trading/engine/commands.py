"""Commands: what a person may tell a running account, as changes of its records."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from trading.engine import kernel
from trading.engine.records import (
    ACTIVE,
    HALTED,
    L_MANUAL,
    N_HALTED,
    N_LOCKED,
    N_RELEASED,
    R_FORCE,
    R_KILL,
    R_STOP,
    REDUCING,
    Book,
    Records,
)
from trading.errors import InvalidInput


class CommandKind(StrEnum):
    """What can be asked of an account or of one line."""

    PAUSE = "pause"
    RESUME = "resume"
    HALT = "halt"
    REDUCE = "reduce"
    ACTIVATE = "activate"
    CLOSE = "close"
    CANCEL = "cancel"
    FLATTEN = "flatten"
    KILL = "kill"
    SET_STOP = "set_stop"
    SET_TARGETS = "set_targets"
    LOCK = "lock"
    UNLOCK = "unlock"
    SET_ALLOCATION = "set_allocation"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCommand:
    """One command.

    Attributes:
        line: the line it is about; None = the whole account (PAUSE, RESUME, LOCK, UNLOCK: every line).
        lots: of a CLOSE of a part; 0 = all.
        stop: new stop price for SET_STOP; NaN removes it.
        targets, fractions: new ladder for SET_TARGETS, as in `Signal`.
        until_ms: end of a LOCK.
        share: new allocation for SET_ALLOCATION, 0–1.
    """

    kind: CommandKind
    line: int | None = None
    lots: int = 0
    stop: float = math.nan
    targets: tuple[float, float, float] = (math.nan,) * 3
    fractions: tuple[float, float, float] = (0.5, 0.3, 0.2)
    until_ms: int = 0
    share: float = 1.0


def obey(book: Book, handle: Records, command: EngineCommand) -> None:
    """Change the account as told.

    HALT stops entries and leaves positions protected; FLATTEN closes all positions and leaves the state as it is;
    KILL does both and is latched until ACTIVATE, which also re-bases the peak.

    Raises:
        InvalidInput: a line is needed, or a price is not sane.
    """
    account = book.account[0]
    lines = range(len(book.lines)) if command.line is None else (command.line,)
    match command.kind:
        case CommandKind.PAUSE | CommandKind.RESUME:
            for i in lines:
                book.positions[i]["paused"] = command.kind is CommandKind.PAUSE
        case CommandKind.HALT | CommandKind.REDUCE:
            account["state"] = HALTED if command.kind is CommandKind.HALT else REDUCING
            kernel.act(handle, kernel.NOTE, -1, N_HALTED, 0)
            _cancel(book, handle, range(len(book.lines)))
        case CommandKind.ACTIVATE:
            account["state"] = ACTIVE
            account["kill"] = 0
            account["peak"] = account["equity"]
        case CommandKind.CANCEL:
            _cancel(book, handle, lines)
        case CommandKind.CLOSE:
            if command.lots:
                _leave_part(book, handle, _one(command), command.lots)
            else:
                _leave(book, handle, (_one(command),), R_FORCE)
        case CommandKind.FLATTEN | CommandKind.KILL:
            if command.kind is CommandKind.KILL:
                account["kill"] = 1
                account["state"] = HALTED
            _leave(book, handle, lines, R_KILL if account["kill"] else R_FORCE)
        case CommandKind.SET_STOP:
            _set_stop(book, _one(command), command.stop)
        case CommandKind.SET_TARGETS:
            _set_targets(book, handle, _one(command), command)
        case CommandKind.LOCK:
            _lock(book, handle, command)
        case CommandKind.UNLOCK:
            _unlock(book, handle, command)
        case CommandKind.SET_ALLOCATION:
            _set_allocation(book, _one(command), command.share)


def _one(command: EngineCommand) -> int:
    if command.line is None:
        raise InvalidInput(f"'{command.kind}' was given without a line; one line is needed.")
    return command.line


def _cancel(book: Book, handle: Records, lines: range | tuple[int, ...]) -> None:
    for i in lines:
        kernel.act(handle, kernel.CANCEL, i, R_FORCE, 0)


def _leave(book: Book, handle: Records, lines: range | tuple[int, ...], reason: int) -> None:
    for i in lines:
        kernel.act(handle, kernel.CANCEL, i, reason, 0)
        kernel.act(handle, kernel.LEAVE, i, reason, 0)


def _leave_part(book: Book, handle: Records, i: int, lots: int) -> None:
    _open_line(book, i)
    position = book.positions[i]
    if position["grid_levels"] > 0:
        raise InvalidInput("A grid is one composite position; it leaves as a whole.", hint="Close all of it.")
    if position["exit_reason"] > 0 or position["leave_lots"] > 0:
        raise InvalidInput(
            "Something of this position leaves at the next open already.", hint="Ask again then."
        )
    if not 0 < lots < position["lots"]:
        raise InvalidInput(
            f"{lots} lots of {position['lots']} were to be closed; at least 1 and fewer than it holds are allowed."
        )
    kernel.act(handle, kernel.LEAVE_PART, i, R_FORCE, lots)


def _open_line(book: Book, i: int) -> None:
    if book.positions[i]["side"] == 0:
        raise InvalidInput(f"Line {i} holds no position; its stop and targets cannot be set.")


def _set_stop(book: Book, i: int, stop: float) -> None:
    _open_line(book, i)
    position = book.positions[i]
    if not math.isnan(stop) and not (stop > 0.0 and math.isfinite(stop)):
        raise InvalidInput(f"stop is {stop}; a positive price is allowed.")
    if position["side"] * (position["mark"] - stop) <= 0.0:
        raise InvalidInput(
            f"stop is {stop:g} with the last price at {position['mark']:g}; a price on the losing side is allowed.",
            hint="Close the position to leave at once.",
        )
    position["stop"] = stop
    position["stop_kind"] = R_STOP
    position["stop_revision"] += 1


def _set_targets(book: Book, handle: Records, i: int, command: EngineCommand) -> None:
    _open_line(book, i)
    position = book.positions[i]
    for target in command.targets:
        if not math.isnan(target) and position["side"] * (target - position["mark"]) <= 0.0:
            raise InvalidInput(
                f"A target is {target:g} with the last price at {position['mark']:g}; a price on the winning side "
                "is allowed."
            )
    if (
        sum(f for f, t in zip(command.fractions, command.targets, strict=True) if not math.isnan(t))
        > 1.0 + 1e-9
    ):
        raise InvalidInput(f"Fractions {command.fractions} were given; a sum up to 1 is allowed.")
    # What was filled stays in the trade; the rest is divided anew.
    position["leg_filled"] = 0
    position["leg_price"] = command.targets
    position["leg_fraction"] = command.fractions
    kernel.act(handle, kernel.DIVIDE, i, 0, 0)
    position["stop_revision"] += 1


def _lock(book: Book, handle: Records, command: EngineCommand) -> None:
    records = book.account if command.line is None else book.positions[command.line : command.line + 1]
    records["lock_until_ms"] = command.until_ms
    records["lock_reason"] = L_MANUAL
    line = -1 if command.line is None else command.line
    kernel.act(handle, kernel.NOTE, line, N_LOCKED, command.until_ms)


def _unlock(book: Book, handle: Records, command: EngineCommand) -> None:
    if command.line is None:
        book.account["lock_until_ms"] = 0
        book.positions["lock_until_ms"] = 0
    else:
        book.positions["lock_until_ms"][command.line] = 0
    kernel.act(handle, kernel.NOTE, -1 if command.line is None else command.line, N_RELEASED, 0)


def _set_allocation(book: Book, i: int, share: float) -> None:
    if not 0.0 < share <= 1.0:
        raise InvalidInput(f"allocation is {share}; a share above 0 up to 1 is allowed.")
    book.lines[i]["allocation"] = share

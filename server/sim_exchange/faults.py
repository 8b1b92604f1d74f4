"""Faults on demand: a list of what goes wrong with the next requests and sockets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trading.errors import InvalidInput, nearest

#: What can go wrong with a request, and what each needs.
REQUEST_FAULTS: Mapping[str, str] = {
    "drop_after": "the request is carried out, then the connection ends without an answer",
    "drop_before": "the connection ends and nothing was carried out",
    "late": "the connection ends; the request is carried out `seconds` later",
    "hang": "the request is carried out, the answer comes `seconds` later",
    "duplicate_answer": "the answer comes twice on the same connection",
    "error": "the answer is an error: `code`, `message`, `status`",
    "rate_limit": "429 with Retry-After of `seconds`",
    "ban": "418 with Retry-After of `seconds`; every request until then gets it",
    "html": "a page with status 200 instead of JSON",
    "page": "a page with `status` (default 502)",
    "truncate": "half of the JSON",
    "huge": "a JSON text of `bytes`",
}

#: What can go wrong with sockets.
SOCKET_FAULTS: Mapping[str, str] = {
    "ws_drop": "every socket ends at once",
    "ws_stall": "sockets stay open and silent for `seconds`",
    "ws_duplicate": "each event is sent `count` times",
    "ws_shuffle": "events are collected in groups of `count` and sent in another order",
    "ws_refuse": "new sockets are refused for `seconds`",
    "ws_raw": "`text` is sent as it is to every socket",
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: a name of REQUEST_FAULTS.
        on: method and path that it waits for, as "POST /api/v3/order"; a prefix is enough, empty is anything.
        times: how often it strikes; -1 for ever.
    """

    kind: str
    on: str = ""
    times: int = 1
    seconds: float = 1.0
    code: int = -1000
    message: str = "An unknown error occurred while processing the request."
    status: int = 0
    bytes: int = 12_000_000

    def __post_init__(self) -> None:
        if self.kind not in REQUEST_FAULTS:
            raise InvalidInput(
                f"Fault '{self.kind}' was asked for; {', '.join(REQUEST_FAULTS)} are allowed.",
                hint=nearest(self.kind, REQUEST_FAULTS) or None,
            )


@dataclass(slots=True)
class Faults:
    """What is still to go wrong.

    Attributes:
        skew_ms: the venue's clock is this much ahead.
        is_in_maintenance: every request is answered with 503.
        banned_until_ms: every request before is answered with 418.
    """

    waiting: list[Fault] = field(default_factory=list)
    skew_ms: int = 0
    is_in_maintenance: bool = False
    banned_until_ms: int = 0
    stalled_until_ms: int = 0
    refused_until_ms: int = 0
    event_copies: int = 1
    shuffle_groups: int = 0
    struck: int = 0

    def add(self, fault: Fault) -> None:
        """Let one more thing go wrong."""
        self.waiting.append(fault)

    def clear(self) -> None:
        """Let everything be well again."""
        fresh = Faults()
        for name in self.__slots__:
            setattr(self, name, getattr(fresh, name))

    def strike(self, method: str, path: str) -> Fault | None:
        """Give what goes wrong with this request, counting it."""
        asked = f"{method} {path}"
        for fault in self.waiting:
            if asked.startswith(fault.on):
                self.struck += 1
                fault.times -= 1
                if fault.times == 0:
                    self.waiting.remove(fault)
                return fault
        return None


def fault_of(values: Mapping[str, Any]) -> Fault:
    """Read a fault from the control page.

    Raises:
        InvalidInput: a name that no fault has.
    """
    known = set(Fault.__slots__)
    strange = sorted(set(values) - known)
    if strange:
        raise InvalidInput(f"A fault has no '{strange[0]}'; {', '.join(sorted(known))} are allowed.")
    return Fault(**values)

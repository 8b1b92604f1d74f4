"""Refusals of the desk that ask for something more than a better request. Part of the tree in `trading.errors`.

RequestProblem
├── Denied
│   ├── StepUpRequired        prove again who you are, then ask again
│   └── TooManyTries          wait
├── Conflict
│   └── VersionMoved          it was changed since you looked
└── ApprovalPending           nothing was done yet: a second person, or a delay, comes first

StoreProblem
└── StoreBusy                 nothing was begun: ask again
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading.errors import Conflict, Denied, RequestProblem, StoreProblem

if TYPE_CHECKING:
    from datetime import timedelta

    from desk.people_views import Approval


class StepUpRequired(Denied):
    """A fresh proof of who asks is needed: a second factor or the password, at most five minutes old."""

    code = "step_up_required"


class TooManyTries(Denied):
    """Something failed too often in a row."""

    code = "too_many_tries"

    def __init__(self, wait: timedelta) -> None:
        seconds = max(1, round(wait.total_seconds()))
        super().__init__(
            f"Too many failed tries; the next one is allowed in {seconds} s.", hint="Wait, then try again."
        )
        self.wait = wait


class VersionMoved(Conflict):
    """Something was changed since the asker looked at it; nothing was done."""

    code = "version_moved"

    def __init__(self, what: str, *, expected: int, found: int) -> None:
        super().__init__(
            f"{what} is at version {found}; version {expected} was expected.",
            hint="Look at it as it is now, then ask again.",
        )
        self.expected, self.found = expected, found


class ApprovalPending(RequestProblem):
    """The command waits for a second person or a delay; nothing was done yet."""

    code = "approval_pending"

    def __init__(self, approval: Approval) -> None:
        until = f"{approval.expires_at:%Y-%m-%d %H:%M} UTC"
        if approval.execute_at is not None:
            message = (
                f"{approval.command} waits as {approval.code}: it happens at {approval.execute_at:%H:%M:%S} UTC "
                "unless somebody rejects it."
            )
        else:
            message = (
                f"{approval.command} waits as {approval.code} for another admin or owner, until {until}."
            )
        super().__init__(message, hint="Nothing was done yet.")
        self.approval = approval


class StoreBusy(StoreProblem):
    """The database lives, and nobody gave way in time; nothing was begun, so it may be asked again."""

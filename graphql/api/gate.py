"""Admission: how often each person may ask, and how many points they may spend; `places` says how many at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from api.errors import ApiError, ErrorCode
from api.places import Places
from desk.clock import Clock
from desk.identity import Role

#: Event streams over HTTP, of one person and of the whole process.
STREAMS_PER_PERSON = 20
STREAMS = 1000

#: Sockets of one person.
SOCKETS_PER_PERSON = 256

#: Cost points of one operation at most; also the least size of a bucket.
POINTS_PER_OPERATION = 1000.0

#: Requests without a token: refill per second and size of the bucket, per address.
STRANGER_RATE = (50.0, 200.0)

#: Share of the points that a role refills with.
SHARE: dict[Role, float] = {
    Role.STRANGER: 0.05,
    Role.VIEWER: 0.25,
    Role.OPERATOR: 0.25,
    Role.TRADER: 0.5,
    Role.ADMIN: 0.5,
    Role.OWNER: 1.0,
}

#: A person who sent no new document for so many seconds may send that many seconds' worth at once.
NEW_DOCUMENTS_SAVED = 20.0

#: Characters of a new document that count as one document. Longer ones count for more, up to a limit: parsing and
#: validating holds up everybody, for up to 20 ms.
DOCUMENT_SIZE = 500
MOST_DOCUMENTS = 20.0

#: Buckets kept in memory; the one that was idle longest goes first.
MAX_BUCKETS = 10_000


@dataclass(slots=True)
class Bucket:
    """A token bucket."""

    size: float
    refill: float
    level: float
    at: float

    def take(self, points: float, now: float) -> bool:
        """Take points if they are there."""
        self.level = min(self.size, self.level + (now - self.at) * self.refill)
        self.at = now
        if points > self.level:
            return False
        self.level -= points
        return True

    def wait_ms(self, points: float) -> int:
        """Tell how long until so many points are there."""
        return max(1, round((points - self.level) / self.refill * 1000))


class Gate:
    """The door's memory of who asked how much. One per process."""

    def __init__(
        self,
        clock: Clock,
        *,
        requests_per_s: float = 2000.0,
        points_per_s: float = 20_000.0,
        in_flight: int = 100,
        new_documents_per_s: float = 5.0,
        only_known: bool = False,
    ) -> None:
        self._clock = clock
        self._requests = (requests_per_s, 2 * requests_per_s)
        self._points = points_per_s
        self.places = Places(per_person=in_flight)
        self._new_documents = new_documents_per_s
        self._only_known = only_known
        self._buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
        self._streams: dict[str, int] = {}
        self._sockets: dict[str, int] = {}

    def open_socket(self, who: str) -> bool:
        """Tell whether a person may have one more socket, and count it."""
        if self._sockets.get(who, 0) >= SOCKETS_PER_PERSON:
            return False
        self._sockets[who] = self._sockets.get(who, 0) + 1
        return True

    def close_socket(self, who: str) -> None:
        """Note that a socket ended."""
        left = self._sockets.pop(who, 0) - 1
        if left > 0:
            self._sockets[who] = left

    def open_stream(self, who: str) -> None:
        """Let a long answer in.

        Raises:
            ApiError: too many are open.
        """
        if self._streams.get(who, 0) >= STREAMS_PER_PERSON or sum(self._streams.values()) >= STREAMS:
            raise ApiError(
                ErrorCode.RATE_LIMITED,
                f"Too many event streams are open; {STREAMS_PER_PERSON} at once are allowed per person.",
                retryAfterMs=5000,
            )
        self._streams[who] = self._streams.get(who, 0) + 1

    def close_stream(self, who: str) -> None:
        """Note that a long answer ended."""
        left = self._streams.pop(who, 0) - 1
        if left > 0:
            self._streams[who] = left

    def request(self, who: str, role: Role) -> None:
        """Count a request.

        Raises:
            ApiError: too many in a short time.
        """
        refill, size = self._requests if role > Role.STRANGER else STRANGER_RATE
        self._take("requests", who, 1.0, size=size, refill=refill, what="requests")

    def new_document(self, who: str, role: Role, *, is_allowed: bool, size: int = 0) -> None:
        """Count a document that has to be parsed and validated first; of a long one the rest is owed.

        Args:
            size: its characters.
            is_allowed: the asker's token may send documents of its own where others may not.

        Raises:
            ApiError: only documents of this server are answered, or too many new ones came.
        """
        if self._only_known and not is_allowed:
            raise ApiError(
                ErrorCode.DOCUMENT_NOT_TRUSTED,
                "This server answers its own documents only, and tokens with the scope 'adhoc'.",
            )
        refill = self._new_documents
        bucket = self._take(
            "documents", who, 1.0, size=NEW_DOCUMENTS_SAVED * refill, refill=refill, what="new documents"
        )
        bucket.level -= max(0.0, min(MOST_DOCUMENTS, size / DOCUMENT_SIZE) - 1.0)

    def spend(self, who: str, role: Role, points: float, *, is_exit: bool) -> Mapping[str, float]:
        """Spend cost points; exits draw from a bucket of their own, so that a person can always get out.

        Returns:
            what `extensions.cost` says.

        Raises:
            ApiError: not enough points are left.
        """
        kind = "exits" if is_exit else "points"
        refill = self._points * SHARE[role]
        size = max(POINTS_PER_OPERATION, refill)
        bucket = self._take(kind, who, points, size=size, refill=refill, what="cost points")
        return {
            "requested": round(points, 1),
            "limit": POINTS_PER_OPERATION,
            "available": round(bucket.level, 1),
            "restoreRate": refill,
        }

    def _take(self, kind: str, who: str, points: float, *, size: float, refill: float, what: str) -> Bucket:
        now = self._clock.monotonic()
        key = (kind, who)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(size, refill, size, now)
            if len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        bucket.refill = refill
        if not bucket.take(points, now):
            wait = bucket.wait_ms(points)
            raise ApiError(
                ErrorCode.RATE_LIMITED,
                f"{points:g} {what} were asked for and {max(0.0, bucket.level):.0f} are left; they refill at {refill:g} a second.",
                retryAfterMs=wait,
            )
        return bucket

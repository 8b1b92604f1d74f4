"""Signed heads of the audit: once an hour the last line of each workspace's chain is signed, outside the database.

Whoever may write the database could compute a whole new chain that holds in itself; it would not hold the lines that
were signed before. Keep a copy of the file elsewhere: each seal is logged as well, so that shipping the log is enough.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from desk.clock import Clock
from desk.ports import Store, Unit
from trading.errors import StoreProblem

log = structlog.get_logger(__name__)

#: The key and the seals, in the folder of the other keys.
KEY_NAME = "audit-key.json"
SEALS_NAME = "audit-seals.jsonl"

#: A head is signed so often, where lines were added.
SEAL_EVERY = timedelta(hours=1)

#: The keeper looks so often.
LOOK_EVERY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A signed head: this line had this hash at this time.

    Attributes:
        public_key: of the key that signed, base64; compare it with the one you noted elsewhere.
    """

    workspace_id: str
    sequence: int
    hash: str
    at: str
    public_key: str
    signature: str

    @property
    def is_genuine(self) -> bool:
        """Whether the signature is of its key over exactly this."""
        try:
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.public_key, validate=True))
            key.verify(base64.b64decode(self.signature, validate=True), self._signed())
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True

    def _signed(self) -> bytes:
        return signed_text(self.workspace_id, self.sequence, self.hash, self.at)


def signed_text(workspace_id: str, sequence: int, digest: str, at: str) -> bytes:
    """Give what a seal signs; each part is set off by a line break, which none of them holds."""
    return f"breakwater audit head\n{workspace_id}\n{sequence}\n{digest}\n{at}".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a workspace's audit.

    Attributes:
        lines: how long the chain is.
        seals: how many were looked at.
        first_bad: sequence of the first line that does not follow in the chain; None when it holds.
        broken_seals: sequences of seals whose signature is not theirs, or whose line is not the one that was signed.
    """

    lines: int
    seals: int
    first_bad: int | None
    broken_seals: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing was changed, removed or reordered, as far as chain and seals tell."""
        return self.first_bad is None and not self.broken_seals


class AuditSeals:
    """The key that signs heads and the file of what it signed, both beside the data and not in it."""

    def __init__(self, folder: Path) -> None:
        self._key_path = folder / KEY_NAME
        self._path = folder / SEALS_NAME

    @property
    def path(self) -> Path:
        """The file to keep a copy of."""
        return self._path

    def read(self, path: Path | None = None) -> list[Seal]:
        """Give every seal, oldest first; of another file where one is named. A line that a crash cut off is left out.

        Raises:
            StoreProblem: the file is there and cannot be read.
        """
        path = path or self._path
        if not path.exists():
            return []
        try:
            lines = path.read_bytes().splitlines()
        except OSError as problem:
            raise _unreadable(path, problem) from problem
        return [seal for seal in map(_seal_of, lines) if seal is not None]

    def add(self, workspace_id: str, sequence: int, digest: str, at: datetime) -> Seal:
        """Sign a head and write it down; it is on disk when this returns.

        Raises:
            StoreProblem: key or file cannot be used.
        """
        moment = at.astimezone(UTC).isoformat()
        key = self._key()
        seal = Seal(
            workspace_id=workspace_id,
            sequence=sequence,
            hash=digest,
            at=moment,
            public_key=base64.b64encode(key.public_key().public_bytes_raw()).decode(),
            signature=base64.b64encode(
                key.sign(signed_text(workspace_id, sequence, digest, moment))
            ).decode(),
        )
        try:
            with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as file:
                # A line break before it too: what a crash cut off must not swallow this one.
                file.write(b"\n" + orjson.dumps(seal) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            raise _unwritable(self._path, problem) from problem
        return seal

    def _key(self) -> Ed25519PrivateKey:
        if not self._key_path.exists():
            self._make_key()
        try:
            if self._key_path.stat().st_mode & 0o077:
                raise StoreProblem(
                    f"Key file '{self._key_path.name}' can be read by others; only its owner is allowed.",
                    hint="Run chmod 600 on it.",
                )
            body = orjson.loads(self._key_path.read_bytes())
            return Ed25519PrivateKey.from_private_bytes(base64.b64decode(body["private"], validate=True))
        except OSError as problem:
            raise _unreadable(self._key_path, problem) from problem
        except (orjson.JSONDecodeError, binascii.Error, KeyError, TypeError, ValueError) as problem:
            raise StoreProblem(
                f"Key file '{self._key_path.name}' is damaged.",
                hint="Put it back from a backup, or move it away: a new key signs from then on.",
            ) from problem

    def _make_key(self) -> None:
        private = base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()
        draft = self._key_path.with_name(f".{KEY_NAME}.{os.getpid()}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(orjson.dumps({"private": private}))
                file.flush()
                os.fsync(file.fileno())
            # Linked, not moved: of two processes that make one at the same time, the first one's stays.
            os.link(draft, self._key_path)
        except FileExistsError:
            pass
        except OSError as problem:
            raise _unwritable(self._key_path, problem) from problem
        finally:
            draft.unlink(missing_ok=True)


class SealKeeper:
    """Signs the heads that moved, once an hour; several processes may do so, a seal more does no harm."""

    def __init__(self, store: Store, clock: Clock, seals: AuditSeals) -> None:
        self._store, self._clock, self._seals = store, clock, seals

    async def look(self) -> int:
        """Sign what is due; give how many heads."""
        now = self._clock.now()
        last = newest(self._seals.read())
        signed = 0
        async with self._store.reading() as tx:
            heads = {one.id: await tx.audit.head(one.id) for one in await tx.workspaces.all()}
        for workspace_id, (sequence, digest) in heads.items():
            before = last.get(workspace_id)
            is_due = before is None or (
                sequence > before.sequence and now - datetime.fromisoformat(before.at) >= SEAL_EVERY
            )
            if sequence and is_due:
                seal = self._seals.add(workspace_id, sequence, digest, now)
                # The log leaves the machine where it is shipped: what is written there cannot be taken back.
                log.info(
                    "audit_sealed",
                    workspace_id=workspace_id,
                    sequence=sequence,
                    hash=digest,
                    signature=seal.signature,
                )
                signed += 1
        return signed

    async def run(self) -> None:
        """Look again and again; a disk or a database that is away is tried again."""
        while True:
            try:
                await self.look()
            except StoreProblem as problem:
                log.warning("audit_not_sealed", problem=problem.message)
            await self._clock.sleep(LOOK_EVERY_S)


def newest(seals: Iterable[Seal]) -> Mapping[str, Seal]:
    """Give the last seal of each workspace."""
    return {one.workspace_id: one for one in seals}


async def verify(tx: Unit, workspace_id: str, seals: Sequence[Seal]) -> Verdict:
    """Check a workspace's whole chain, and that every signed line is in it as it was signed."""
    own = [one for one in seals if one.workspace_id == workspace_id]
    lines, _ = await tx.audit.head(workspace_id)
    found = await tx.audit.hashes(workspace_id, {one.sequence for one in own})
    broken = {one.sequence for one in own if not one.is_genuine or found.get(one.sequence) != one.hash}
    return Verdict(
        lines=lines,
        seals=len(own),
        first_bad=await tx.audit.first_bad(workspace_id),
        broken_seals=tuple(sorted(broken)),
    )


def _seal_of(line: bytes) -> Seal | None:
    try:
        return Seal(**orjson.loads(line))
    except (orjson.JSONDecodeError, TypeError):
        return None


def _unreadable(path: Path, problem: OSError) -> StoreProblem:
    return StoreProblem(
        f"'{path.name}' cannot be read: {problem.strerror or problem}.",
        hint="Give this user the right to read it.",
    )


def _unwritable(path: Path, problem: OSError) -> StoreProblem:
    return StoreProblem(
        f"'{path.name}' cannot be written: {problem.strerror or problem}.",
        hint="Name a key folder that can be written.",
    )

"""The key ring: keys that lie beside the database, never in it, and what is sealed with them.

Sealing is AES-256-GCM with a fresh nonce; the context (whose value it is) is authenticated, so that a sealed value
moved to another row does not open there.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trading.errors import OperatorProblem, StoreProblem

#: Name of the key file in the data folder.
FILE_NAME = "keys.json"

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """Keys by name, the one that seals now, and the pepper of look-up digests, which never changes.

    Example:
        >>> ring = KeyRing.fresh()
        >>> ring.unseal(ring.seal(b"hello", "greeting"), "greeting")
        b'hello'
    """

    keys: Mapping[str, bytes]
    current: str
    pepper: bytes

    def __repr__(self) -> str:
        return f"KeyRing(keys={sorted(self.keys)}, current={self.current!r})"

    @classmethod
    def fresh(cls) -> KeyRing:
        """Give a ring with one new key."""
        return cls(keys={"k1": secrets.token_bytes(32)}, current="k1", pepper=secrets.token_bytes(32))

    def rotated(self) -> KeyRing:
        """Give the ring with a new key that seals from now on; older keys still open."""
        name = f"k{max(int(one[1:]) for one in self.keys) + 1}"
        return KeyRing(keys={**self.keys, name: secrets.token_bytes(32)}, current=name, pepper=self.pepper)

    def seal(self, plain: bytes, context: str) -> str:
        """Give a sealed value; it opens with this context only."""
        return f"{self.current}.{seal_with(self.keys[self.current], plain, context)}"

    def unseal(self, sealed: str, context: str) -> bytes:
        """Open a sealed value.

        Raises:
            StoreProblem: the key is not on this ring, or the value was changed or moved.
        """
        name, _, body = sealed.partition(".")
        if name not in self.keys:
            raise StoreProblem(
                f"A value is sealed with key '{name}'; the key file has {', '.join(sorted(self.keys))}.",
                hint="Put the key file back that belongs to this database.",
            )
        return unseal_with(self.keys[name], body, context)

    def digest(self, text: str) -> str:
        """Give what a value is looked up by; without the pepper nobody can guess values from it."""
        return hmac.new(self.pepper, text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class _Seen:
    """A ring as it was read, and what the file looked like then."""

    stamp: tuple[int, int]
    ring: KeyRing


class _File:
    """A key file that is read anew when another process has put another in its place."""

    def __init__(self, path: Path, seen: _Seen) -> None:
        self._path = path
        self._seen = seen

    def ring(self) -> KeyRing:
        """Give the ring as it is on disk now; a file that vanished or was spoilt is no reason to forget the keys."""
        with contextlib.suppress(OSError, StoreProblem):
            if _stamp(self._path) != self._seen.stamp:
                self._seen = _seen(self._path)
        return self._seen.ring


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FileRing(KeyRing):
    """The ring of a key file in a process that goes on while `keys rotate` changes the file.

    Attributes:
        file: what seals and opens from now on; `keys` and `current` stay those that were read first.
    """

    file: _File

    def seal(self, plain: bytes, context: str) -> str:
        """Give a sealed value, by the key that seals now."""
        return self.file.ring().seal(plain, context)

    def unseal(self, sealed: str, context: str) -> bytes:
        """Open a sealed value, also one that was sealed with a key that is newer than this process."""
        return self.file.ring().unseal(sealed, context)


def seal_with(key: bytes, plain: bytes, context: str) -> str:
    """Seal bytes with a key."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, plain, context.encode())).decode()


def unseal_with(key: bytes, sealed: str, context: str) -> bytes:
    """Open what `seal_with` gave.

    Raises:
        StoreProblem: the value was changed, moved, or sealed with another key.
    """
    try:
        raw = base64.b64decode(sealed, validate=True)
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode())
    except (InvalidTag, binascii.Error, ValueError) as problem:
        raise StoreProblem(
            "A sealed value does not open: it was changed, moved to another row, or belongs to another key.",
            hint="Restore the row from a backup; nothing was read.",
        ) from problem


def key_ring_at(path: Path) -> FileRing:
    """Give the ring of a key file, which follows the file; the first call makes it, readable by its owner only.

    Raises:
        StoreProblem: the file is damaged, or open to others, or cannot be made.
    """
    try:
        if not path.exists():
            _create(path, KeyRing.fresh())
        if path.stat().st_mode & 0o077:
            raise StoreProblem(
                f"Key file '{path.name}' can be read by others; only its owner is allowed.",
                hint="Run chmod 600 on it.",
            )
        seen = _seen(path)
    except OSError as problem:
        raise StoreProblem(
            f"Key file '{path}' cannot be used: {problem.strerror or problem}.",
            hint="Name a folder that can be written, or put the key file back.",
        ) from problem
    first = seen.ring
    return FileRing(keys=first.keys, current=first.current, pepper=first.pepper, file=_File(path, seen))


def save_key_ring(path: Path, ring: KeyRing) -> None:
    """Replace a key file in one step."""
    draft = _draft(path, ring)
    draft.replace(path)


@contextlib.contextmanager
def rotating(path: Path) -> Iterator[None]:
    """Keep every other rotation of a key file out: two at once would each drop the other's new key.

    Raises:
        OperatorProblem: another one is at work.
    """
    if os.name == "nt":  # pragma: no cover - there is no such lock there
        yield
        return
    import fcntl

    # The kernel lets go of it when its holder dies, however that was.
    with path.with_name(f"{path.name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise OperatorProblem(
                f"Another process changes the keys in '{path.name}' now; one at a time may.",
                hint="Wait until it is done, then look whether yours is still needed.",
            ) from held
        yield


def _create(path: Path, ring: KeyRing) -> None:
    """Make the file whole or not at all; of two processes that start at once one wins."""
    draft = _draft(path, ring)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _draft(path: Path, ring: KeyRing) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    body = {
        "pepper": base64.b64encode(ring.pepper).decode(),
        "current": ring.current,
        "keys": {name: base64.b64encode(key).decode() for name, key in ring.keys.items()},
    }
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(orjson.dumps(body, option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    return draft


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_ino


def _seen(path: Path) -> _Seen:
    # The stamp first: a file that changes in between is read once more, never once too little.
    stamp = _stamp(path)
    return _Seen(stamp, _read(path))


def _read(path: Path) -> KeyRing:
    try:
        body = orjson.loads(path.read_bytes())
        keys = {str(name): base64.b64decode(key, validate=True) for name, key in body["keys"].items()}
        ring = KeyRing(
            keys=keys, current=str(body["current"]), pepper=base64.b64decode(body["pepper"], validate=True)
        )
        sound = ring.current in keys and all(len(one) == 32 for one in (*keys.values(), ring.pepper))
        sound = sound and all(one[:1] == "k" and one[1:].isdecimal() for one in keys)
    except (orjson.JSONDecodeError, binascii.Error, KeyError, TypeError, AttributeError, ValueError):
        sound = False
    if not sound:
        raise StoreProblem(
            f"Key file '{path.name}' is damaged: a pepper, the name of the current key and 256-bit keys are wanted.",
            hint="Restore it from its backup; without it what it sealed stays closed.",
        )
    return ring

"""Keys that sign access tokens (Ed25519), on disk beside the data; rotation keeps the old ones until nothing signed by
them can still be valid."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from trading.errors import StoreProblem

#: Name of the file in the data folder.
FILE_NAME = "signing.json"

#: A key signs for so long, and is believed for a while after.
KEY_AGE = timedelta(days=30)
BELIEVED_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One key."""

    kid: str
    private: Ed25519PrivateKey
    created_at: datetime
    retired_at: datetime | None = None

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid!r})"

    @property
    def public(self) -> Ed25519PublicKey:
        """The half that checks."""
        return self.private.public_key()


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeys:
    """The key that signs now, and those that are still believed."""

    current: SigningKey
    retired: tuple[SigningKey, ...] = ()

    @classmethod
    def fresh(cls, now: datetime) -> SigningKeys:
        """Give a ring with one new key."""
        return cls(current=_new_key(now))

    def rotated(self, now: datetime) -> SigningKeys:
        """Give the keys with a new one that signs from now on."""
        old = SigningKey(
            kid=self.current.kid,
            private=self.current.private,
            created_at=self.current.created_at,
            retired_at=now,
        )
        kept = [
            one for one in (old, *self.retired) if one.retired_at and now - one.retired_at < BELIEVED_AFTER
        ]
        return SigningKeys(current=_new_key(now), retired=tuple(kept))

    def checking(self, now: datetime) -> Mapping[str, Ed25519PublicKey]:
        """Give the keys that tokens may be signed with, by their id."""
        believed = [
            one
            for one in self.retired
            if one.retired_at is not None and now - one.retired_at < BELIEVED_AFTER
        ]
        return {one.kid: one.public for one in (self.current, *believed)}


class SigningFile:
    """The keys in a file; read anew when another process rotated them."""

    def __init__(self, path: Path, now: datetime) -> None:
        self._path = path
        if not path.exists():
            _create(path, SigningKeys.fresh(now))
        self._stamp, self._keys = self._read()
        if now - self._keys.current.created_at >= KEY_AGE:
            self.rotate(now)

    def keys(self) -> SigningKeys:
        """Give the keys as they are on disk now."""
        try:
            stamp = self._path.stat().st_mtime_ns
        except OSError:
            # A file that vanished is no reason to forget the keys.
            return self._keys
        if stamp != self._stamp:
            self._stamp, self._keys = self._read()
        return self._keys

    def rotate(self, now: datetime) -> None:
        """Sign with a new key from now on."""
        _draft(self._path, self.keys().rotated(now)).replace(self._path)
        self._stamp, self._keys = self._read()

    def _read(self) -> tuple[int, SigningKeys]:
        try:
            found = self._path.stat()
            if found.st_mode & 0o077:
                raise StoreProblem(
                    f"Key file '{self._path.name}' can be read by others; only its owner is allowed.",
                    hint="Run chmod 600 on it.",
                )
            body = orjson.loads(self._path.read_bytes())
            return found.st_mtime_ns, SigningKeys(
                current=_key_of(body["current"]), retired=tuple(_key_of(one) for one in body["retired"])
            )
        except OSError as problem:
            raise StoreProblem(
                f"Key file '{self._path}' cannot be read: {problem.strerror or problem}.",
                hint="Give this user the right to read it.",
            ) from problem
        except (orjson.JSONDecodeError, binascii.Error, KeyError, TypeError, ValueError) as problem:
            raise StoreProblem(
                f"Key file '{self._path.name}' is damaged.",
                hint="Remove it: a new one is made, and everybody signs in again.",
            ) from problem


class KeysInMemory:
    """Keys of one process, for tests and scratch houses."""

    def __init__(self, now: datetime) -> None:
        self._keys = SigningKeys.fresh(now)

    def keys(self) -> SigningKeys:
        """Give the keys."""
        return self._keys

    def rotate(self, now: datetime) -> None:
        """Sign with a new key from now on."""
        self._keys = self._keys.rotated(now)


def _new_key(now: datetime) -> SigningKey:
    return SigningKey(kid=secrets.token_hex(8), private=Ed25519PrivateKey.generate(), created_at=now)


def _as_body(key: SigningKey) -> dict[str, str | None]:
    return {
        "kid": key.kid,
        "private": base64.b64encode(key.private.private_bytes_raw()).decode(),
        "created_at": key.created_at.astimezone(UTC).isoformat(),
        "retired_at": key.retired_at.astimezone(UTC).isoformat() if key.retired_at else None,
    }


def _key_of(body: Mapping[str, str | None]) -> SigningKey:
    retired = body["retired_at"]
    return SigningKey(
        kid=str(body["kid"]),
        private=Ed25519PrivateKey.from_private_bytes(base64.b64decode(str(body["private"]), validate=True)),
        created_at=datetime.fromisoformat(str(body["created_at"])),
        retired_at=datetime.fromisoformat(retired) if retired else None,
    )


def _create(path: Path, keys: SigningKeys) -> None:
    draft = _draft(path, keys)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _draft(path: Path, keys: SigningKeys) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    body = {"current": _as_body(keys.current), "retired": [_as_body(one) for one in keys.retired]}
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(orjson.dumps(body, option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        raise StoreProblem(
            f"Key file '{path}' cannot be written: {problem.strerror or problem}.",
            hint="Name a data folder that can be written.",
        ) from problem
    return draft

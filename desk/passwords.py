"""Passwords (argon2id) and second factors (RFC 6238, 30 s, 6 digits): made, checked, and slow where they must be."""

from __future__ import annotations

import asyncio
import base64
import secrets
from datetime import datetime
from functools import cache
from urllib.parse import quote

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from desk.secrets import Secret
from trading.errors import InvalidInput

#: OWASP's second recommendation for argon2id: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, hash_len=32, type=Type.ID)

#: Characters of a password.
SHORTEST, LONGEST = 10, 256

#: Seconds of a step, digits of a code, and how many steps a clock may be off.
TOTP_STEP_S = 30
TOTP_DIGITS = 6
TOTP_DRIFT_STEPS = 1


def checked_password(password: Secret) -> str:
    """Give a password that may be set.

    Raises:
        InvalidInput: it is too short, too long, or one character over and over.
    """
    text = password.reveal()
    if not SHORTEST <= len(text) <= LONGEST:
        raise InvalidInput(
            f"A password of {len(text)} characters was given; {SHORTEST} to {LONGEST} are allowed.",
            hint="Several words make a good one.",
        )
    if len(set(text)) < 4:
        raise InvalidInput(
            f"A password of {len(set(text))} different characters was given; 4 or more are allowed."
        )
    return text


async def hashed(password: str) -> str:
    """Hash a password, away from the event loop: it takes tens of milliseconds on purpose."""
    return await asyncio.to_thread(_HASHER.hash, password)


async def fits(password: str, stored: str) -> bool:
    """Tell whether a password is the stored one; an unknown person costs as much time as a known one."""
    is_known = bool(stored)
    found = await asyncio.to_thread(_verify, password[: LONGEST + 1], stored or _nobodys_hash())
    return found and is_known


def is_outdated(stored: str) -> bool:
    """Tell whether a hash was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


def _verify(password: str, stored: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))


def new_totp_secret() -> bytes:
    """Give a new secret, 160 bits."""
    return secrets.token_bytes(20)


def totp_text(secret: bytes) -> str:
    """Give a secret as authenticator apps take it."""
    return base64.b32encode(secret).decode().rstrip("=")


def totp_uri(secret: bytes, *, person: str, workspace: str) -> str:
    """Give what an authenticator app reads from a QR code."""
    label = quote(f"Breakwater {workspace}:{person}", safe="")
    return f"otpauth://totp/{label}?secret={totp_text(secret)}&issuer=Breakwater&digits={TOTP_DIGITS}&period={TOTP_STEP_S}"


def totp_code(secret: bytes, at: datetime) -> str:
    """Give the code of a time."""
    return _totp(secret).generate(int(at.timestamp())).decode()


def totp_step(secret: bytes, code: str, at: datetime) -> int | None:
    """Give the time step that a code is of, or None when it is of none near a time."""
    clean = code.replace(" ", "")
    if not secret or len(clean) != TOTP_DIGITS or not clean.isascii() or not clean.isdecimal():
        return None
    now = int(at.timestamp()) // TOTP_STEP_S
    for step in range(now - TOTP_DRIFT_STEPS, now + TOTP_DRIFT_STEPS + 1):
        try:
            _totp(secret).verify(clean.encode(), step * TOTP_STEP_S)
        except InvalidToken:
            continue
        return step
    return None


def _totp(secret: bytes) -> TOTP:
    # Authenticator apps know SHA-1 only; a second factor's HMAC does not rest on collisions.
    return TOTP(secret, TOTP_DIGITS, SHA1(), TOTP_STEP_S)  # noqa: S303

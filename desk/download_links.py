"""Links to a file that open without a token for a few minutes: signed, for one file and one person.

A link says who asked for it. Whether they may still have the file is looked at when it is opened, not when it was made.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature

from desk.clock import Clock
from desk.sessions import KeySource

#: How long a link opens.
LIVES = timedelta(minutes=15)

#: Longer texts are no link of ours.
_LONGEST = 1_000

#: What is signed begins with this, so that no other text that these keys sign is taken for a link.
_PURPOSE = b"breakwater download link\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadLink:
    """What a link opens, and for whom."""

    workspace_id: str
    user_id: str
    job_id: str
    name: str


class DownloadLinks:
    """Makes links and reads them."""

    def __init__(self, keys: KeySource, clock: Clock) -> None:
        self._keys, self._clock = keys, clock

    def make(self, link: DownloadLink) -> str:
        """Give the text of a link."""
        key = self._keys.keys().current
        body = orjson.dumps(
            {
                "k": key.kid,
                "w": link.workspace_id,
                "u": link.user_id,
                "j": link.job_id,
                "n": link.name,
                "e": int((self._clock.now() + LIVES).timestamp()),
            }
        )
        return f"{_text(body)}.{_text(key.private.sign(_PURPOSE + body))}"

    def read(self, text: str) -> DownloadLink | None:
        """Give what a link opens; None where it is not ours, was changed, or its time is over."""
        head, dot, tail = text.partition(".")
        if not dot or len(text) > _LONGEST or not text.isascii():
            return None
        try:
            body, signature = _bytes(head), _bytes(tail)
            said: dict[str, Any] = orjson.loads(body)
            key = self._keys.keys().checking(self._clock.now())[said["k"]]
            key.verify(signature, _PURPOSE + body)
        except (binascii.Error, orjson.JSONDecodeError, KeyError, TypeError, ValueError, InvalidSignature):
            return None
        if self._clock.now().timestamp() >= said["e"]:
            return None
        return DownloadLink(workspace_id=said["w"], user_id=said["u"], job_id=said["j"], name=said["n"])


def _text(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)

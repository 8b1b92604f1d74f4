"""The drawing process: reads requests from its input, writes pictures to its output, and knows nothing else.

Frames: four bytes of length, big-endian, then the body. A request is JSON `{"kind", "spec"}`; an answer is one byte,
`P` and a PNG or `E` and what went wrong.
"""

from __future__ import annotations

import json
import os
import sys
from typing import BinaryIO

#: No request or picture is larger.
MAX_FRAME = 64 * 1024 * 1024


def read_frame(source: BinaryIO) -> bytes | None:
    """Give the next frame's body; None at the end."""
    head = source.read(4)
    if len(head) < 4:
        return None
    return source.read(int.from_bytes(head, "big"))


def frame(body: bytes) -> bytes:
    """Give a body with its length before it."""
    return len(body).to_bytes(4, "big") + body


def answer(request: bytes) -> bytes:
    """Draw what a request asks; a failure is an answer too."""
    from desk.charts.drawing import draw

    try:
        asked = json.loads(request)
        return b"P" + draw(asked["kind"], asked["spec"])
    except Exception as problem:  # noqa: BLE001 - whatever a picture runs into is told to the asker
        return b"E" + f"{type(problem).__name__}: {problem}".encode()[:2000]


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the input ends."""
    while (request := read_frame(source)) is not None:
        sink.write(frame(answer(request)))
        sink.flush()


def main() -> None:
    """Take over standard input and output, so that nothing a library prints gets between the frames."""
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, sink)

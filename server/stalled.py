"""Clients that stop reading, or never finish to ask: their connection is ended after a while.

A stream waits for its client, so it holds nothing but its place in the journal; but a client that never reads again
would keep that place, its stream and its socket for ever. uvicorn closes such a connection only after the rest was
read, which never happens. A client that sends its request a byte at a time would hold its connection as long as it
likes, and the request that waits for the rest of it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

log = structlog.get_logger(__name__)

#: A client that reads nothing for so long has stopped.
STALLED_S = 20.0

#: It has so long to read the rest and why it was ended.
GOODBYE_S = 10.0

#: A request has to be here whole after so long; a new connection has to begin one.
ARRIVAL_S = 15.0

#: Close code of a client that did not keep up; its programs connect again and resume after their cursor.
SLOW_CONSUMER = 4490

_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class PatientSocket(WebSocketsSansIOProtocol):
    """uvicorn's websocket, which ends when its client stops reading."""

    _timer: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """Begin to wait for the client."""
        super().pause_writing()
        self._stop_waiting()
        self._timer = self.loop.call_later(STALLED_S, self._end)

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        super().resume_writing()
        # Told that it is over, it may read the rest until it is.
        if not self.disconnected:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _end(self) -> None:
        log.warning("client_stopped_reading", stalled_s=STALLED_S)
        self.stop_keepalive()
        if not self.close_sent:
            self.close_sent = True
            with suppress(InvalidState):
                self.conn.send_close(SLOW_CONSUMER, "SLOW_CONSUMER")
                self.transport.write(b"".join(self.conn.data_to_send()))
        # Whoever waits to send, or for a message, learns that the client is gone.
        self.disconnected = True
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": SLOW_CONSUMER, "reason": "SLOW_CONSUMER"}
        )
        self.writable.set()
        self._timer = self.loop.call_later(GOODBYE_S, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class PatientRequest(HttpToolsProtocol):
    """uvicorn's HTTP, which ends when its client stops reading the answer, or sends its request too slowly."""

    _timer: asyncio.TimerHandle | None = None
    _arrival: asyncio.TimerHandle | None = None
    _is_arriving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._arrival = self.loop.call_later(ARRIVAL_S, self._late)

    def on_message_begin(self) -> None:
        """Note that a request began."""
        super().on_message_begin()
        self._is_arriving = True

    def on_message_complete(self) -> None:
        """Note that the request is here."""
        self._is_arriving = False
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the socket, which has limits of its own."""
        self._is_arriving = False
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Read on; most requests come in one piece and never see the timer."""
        super().data_received(data)
        if not self._is_arriving:
            self._stop_arrival()
        elif self._arrival is None:
            self._arrival = self.loop.call_later(ARRIVAL_S, self._late)

    def pause_writing(self) -> None:
        """Begin to wait for the client."""
        super().pause_writing()
        self._stop_waiting()
        self._timer = self.loop.call_later(STALLED_S, self._end)

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        super().resume_writing()
        self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._stop_waiting()
        self._stop_arrival()
        super().connection_lost(exc)

    def _end(self) -> None:
        log.warning("client_stopped_reading", stalled_s=STALLED_S)
        self.transport.abort()

    def _late(self) -> None:
        self._arrival = None
        if not self.transport.is_closing():
            self.transport.write(_LATE)
            self.transport.close()

    def _stop_arrival(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

"""uvicorn as we run it: our sockets, our signals, small frames, a short goodbye."""

from __future__ import annotations

import contextlib
import gc
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from api.view import MAX_BODY
from server.stalled import PatientRequest, PatientSocket
from trading.errors import BadSetting

#: Requests that still run at the end get so long.
GOODBYE_S = 2


#: New objects between two looks at the young ones; a page of rows makes a thousand that live for a millisecond.
YOUNG_OBJECTS = 5_000


class WebServer(uvicorn.Server):
    """uvicorn without its own signal handlers: whoever runs it decides when it ends."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def web_server(app: ASGIApp) -> WebServer:
    """Give a server for an app; it is served on sockets that are bound already."""
    return WebServer(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            lifespan="on",
            http=PatientRequest,
            ws=PatientSocket,
            ws_max_size=MAX_BODY,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=GOODBYE_S,
        )
    )


def settle() -> None:
    """Tell the garbage collector that what is there now stays.

    The libraries are a quarter of a million objects that live as long as the process. Walking them stops everything,
    trading too, for more than a tenth of a second every few seconds of load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])


def bound_socket(host: str, port: int) -> socket.socket:
    """Take the address, or say that it cannot be had.

    Raises:
        BadSetting: the port is none or in use, or the address is not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # Listening now makes a second start fail at once, and early clients wait instead of being refused.
        listener.listen(2048)
    except OverflowError as error:
        listener.close()
        raise BadSetting(
            f"Port {port} was given; 0 to 65535 are allowed.",
            hint="Choose another with --port or BREAKWATER_PORT (0 takes a free one).",
        ) from error
    except OSError as error:
        listener.close()
        raise BadSetting(
            f"Port {port} on {host} cannot be taken: {error.strerror or error}.",
            hint="Stop the program that uses it, or choose another with --port or BREAKWATER_PORT (0 takes a free one).",
        ) from error
    return listener

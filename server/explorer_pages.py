"""The API explorer: GraphiQL from this machine, under a policy that lets nothing else be loaded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

FOLDER = Path(__file__).resolve().parent / "explorer"

#: Everything comes from here; styles may also be set by the page's own scripts.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".txt": "text/plain"}

#: Address and file of each part.
PARTS = {
    "/explorer": "index.html",
    "/explorer/explorer.js": "explorer.js",
    "/explorer/explorer.css": "explorer.css",
    "/explorer/LICENSES.txt": "LICENSES.txt",
}


def explorer_routes() -> list[BaseRoute]:
    """Give the routes of the explorer."""
    return [Route(address, _serving(FOLDER / name)) for address, name in PARTS.items()]


def _serving(path: Path) -> Callable[[Request], Awaitable[Response]]:
    """Give what serves one file; a browser that has it is told so."""

    @cache
    def content() -> tuple[bytes, str]:
        # Read at the first wish: most processes are never asked for it.
        body = path.read_bytes()
        return body, f'"{sha256(body).hexdigest()[:32]}"'

    async def serve(request: Request) -> Response:
        body, tag = content()
        headers = {"etag": tag, "cache-control": "no-cache", "content-security-policy": POLICY}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=f"{_TYPES[path.suffix]}; charset=utf-8")

    return serve

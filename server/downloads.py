"""Files that jobs left, for members of the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.context import Session
from api.view import bearer
from desk.ports import Store


class Authenticator(Protocol):
    """Whoever knows tokens."""

    async def session(self, token: str) -> Session | None: ...


class Downloads:
    """Hands out files of jobs. A foreign job, an absent one and a file that is not there are the same answer."""

    def __init__(self, store: Store, authenticator: Authenticator) -> None:
        self._store = store
        self._authenticator = authenticator

    def routes(self) -> tuple[Route, ...]:
        """Give the paths."""
        return (Route("/jobs/{job_id}/files/{name}", self.file, methods=["GET"]),)

    async def file(self, request: Request) -> Response:
        """Give a file as an attachment."""
        session = await self._authenticator.session(bearer(request.headers))
        if session is None:
            return PlainTextResponse(
                "Send a token as 'Authorization: Bearer TOKEN'.",
                status_code=401,
                headers={"www-authenticate": "Bearer"},
            )
        job_id, name = request.path_params["job_id"], request.path_params["name"]
        workspace_id = session.actor.workspace_id
        async with self._store.reading() as tx:
            listed = {one.name: one for one in await tx.jobs.files(workspace_id, [job_id])}
            data = await tx.jobs.file(workspace_id, job_id, name) if name in listed else None
        if data is None:
            return PlainTextResponse("No such file.", status_code=404)
        return Response(data, media_type=listed[name].media_type, headers=_headers(name))


def _headers(name: str) -> Mapping[str, str]:
    """A report is opened from the disk, never run inside the site it came from."""
    return {
        "content-disposition": f'attachment; filename="{name}"',
        "content-security-policy": "sandbox",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
    }

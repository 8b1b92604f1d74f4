"""Files that jobs left, for members of the workspace: with a token, or by a link that opens for a few minutes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.context import Session
from api.view import bearer
from desk.download_links import DownloadLinks
from desk.identity import Role
from desk.ports import Store
from trading.errors import StoreProblem


class Authenticator(Protocol):
    """Whoever knows tokens."""

    async def session(self, token: str) -> Session | None: ...


class Downloads:
    """Hands out files of jobs. A foreign job, an absent one and a file that is not there are the same answer."""

    def __init__(self, store: Store, authenticator: Authenticator, links: DownloadLinks) -> None:
        self._store = store
        self._authenticator = authenticator
        self._links = links

    def routes(self) -> tuple[Route, ...]:
        """Give the paths."""
        return (
            Route("/jobs/{job_id}/files/{name}", self.file, methods=["GET"]),
            Route("/files/{link}", self.linked, methods=["GET"]),
        )

    async def file(self, request: Request) -> Response:
        """Give a file to whoever has a token."""
        session = await self._authenticator.session(bearer(request.headers))
        if session is None:
            return PlainTextResponse(
                "Send a token as 'Authorization: Bearer TOKEN'.",
                status_code=401,
                headers={"www-authenticate": "Bearer"},
            )
        job_id, name = request.path_params["job_id"], request.path_params["name"]
        return await self._given(session.actor.workspace_id, job_id, name)

    async def linked(self, request: Request) -> Response:
        """Give the file of a link, while whoever asked for it is a member."""
        link = self._links.read(request.path_params["link"])
        if link is None:
            return PlainTextResponse(
                "This link is over, or it is not complete. Ask for a new one.", status_code=403
            )
        try:
            async with self._store.reading() as tx:
                member = await tx.members.by_id(link.workspace_id, link.user_id)
        except StoreProblem:
            return PlainTextResponse("The database is away. Try again in a moment.", status_code=503)
        if member is None or member.role < Role.VIEWER:
            return PlainTextResponse("No such file.", status_code=404)
        return await self._given(link.workspace_id, link.job_id, link.name)

    async def _given(self, workspace_id: str, job_id: str, name: str) -> Response:
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
        # The link of a file is a secret for as long as it opens.
        "referrer-policy": "no-referrer",
    }

"""Fetching from strangers: bounded in size and time, and never sent by them to where they could not go themselves."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

#: Largest answer, and the time for all of it with its redirects.
MOST_BYTES = 2 * 1024 * 1024
TIME_LIMIT_S = 20.0
_MOST_HOPS = 3

_AGENT = "breakwater-news/1 (self-hosted reader)"


class Unfetchable(Exception):
    """Nothing usable came from an address; the message says why."""


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a request really goes."""

    url: str
    host: str
    is_pinned: bool


async def fetch(address: str, *, most_bytes: int = MOST_BYTES, time_limit_s: float = TIME_LIMIT_S) -> bytes:
    """Give what an address of the settings answers.

    The address itself is the operator's word and may lie anywhere. A redirect is the stranger's word: it may stay at
    the same place, or lead by https to an address of the open internet, which is looked up once and then kept.

    Raises:
        Unfetchable: it cannot be reached, answers too much or too slowly, or leads elsewhere.
    """
    import httpx

    try:
        async with (
            asyncio.timeout(time_limit_s),
            # A proxy of the environment would look names up again, after they were checked.
            httpx.AsyncClient(timeout=time_limit_s, follow_redirects=False, trust_env=False) as client,
        ):
            target = _Target(address, urlsplit(address).netloc, is_pinned=False)
            for _ in range(_MOST_HOPS + 1):
                found = await _ask(client, target, most_bytes)
                if isinstance(found, bytes):
                    return found
                target = await _followed(address, target, found)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as problem:
        raise Unfetchable(f"{type(problem).__name__}: {problem}"[:200]) from problem
    except TimeoutError as problem:
        raise Unfetchable(f"no whole answer within {time_limit_s:g} s") from problem
    raise Unfetchable(f"more than {_MOST_HOPS} redirects")


async def _ask(client: Any, target: _Target, most_bytes: int) -> bytes | str:
    """Give the body, or the address that the answer sends to."""
    # Unpacked sizes cannot be bounded before they are unpacked, so nothing packed is taken.
    headers = {"host": target.host, "user-agent": _AGENT, "accept-encoding": "identity"}
    extensions = {"sni_hostname": urlsplit(f"//{target.host}").hostname} if target.is_pinned else {}
    async with client.stream("GET", target.url, headers=headers, extensions=extensions) as answer:
        if answer.is_redirect:
            return str(answer.headers.get("location", ""))
        if answer.status_code != 200:
            raise Unfetchable(f"status {answer.status_code}")
        if answer.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise Unfetchable("a packed answer, though none was asked for")
        body = bytearray()
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > most_bytes:
                raise Unfetchable(f"more than {most_bytes} bytes")
        return bytes(body)


async def _followed(first: str, last: _Target, location: str) -> _Target:
    """Give where a redirect leads, if it may.

    Raises:
        Unfetchable: it may not.
    """
    own = urlsplit(first)
    shown = urlunsplit(urlsplit(last.url)._replace(netloc=last.host))
    parts = urlsplit(urljoin(shown, location))
    if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
        return _Target(urlunsplit(parts), parts.netloc, is_pinned=False)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.password:
        raise Unfetchable(f"a redirect to '{_shown(parts)}'; only https addresses are followed")
    address = await _public_address(parts.hostname, parts.port or 443)
    host = f"[{address}]" if ":" in address else address
    pinned = parts._replace(netloc=f"{host}:{parts.port or 443}")
    return _Target(urlunsplit(pinned), parts.netloc, is_pinned=True)


async def _public_address(host: str, port: int) -> str:
    """Look a host up and give one address; all of them must be of the open internet."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as problem:
        raise Unfetchable(f"'{host[:80]}' is not known: {problem.strerror or problem}") from problem
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    for one in addresses:
        if not is_public(one):
            raise Unfetchable(
                f"a redirect to '{host[:80]}', which is {one}: not an address of the open internet"
            )
    if not addresses:
        raise Unfetchable(f"'{host[:80]}' has no address")
    return addresses[0]


def is_public(address: str) -> bool:
    """Tell whether an IP address is of the open internet, also where it is an IPv4 one written as IPv6.

    Example:
        >>> is_public("127.0.0.1"), is_public("::ffff:10.0.0.1"), is_public("93.184.216.34")
        (False, False, True)
    """
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if found in ipaddress.ip_network("64:ff9b::/96"):
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
    return found.is_global and not found.is_multicast


def _shown(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.hostname or ''}"[:80]

"""What a request is: a document (by its text or by the hash of one of our own), variables, an operation's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from api.documents import Documents
from api.errors import ApiError, ErrorCode

#: How a document id of the GraphQL specification's draft on persisted documents begins.
_ID_PREFIX = "sha256:"


class Malformed(Exception):
    """A request that is not a GraphQL request."""


@dataclass(frozen=True, slots=True)
class Request:
    """One operation as it was asked for."""

    text: str
    variables: dict[str, Any] | None
    operation_name: str | None


def read_body(body: bytes, documents: Documents) -> Request:
    """Give the request of an HTTP body.

    Raises:
        Malformed: it is none.
        ApiError: it names a document that is not ours.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise Malformed("One JSON object is wanted; batches are not served.")
    return read_request(found, documents)


def read_request(found: Mapping[str, Any], documents: Documents) -> Request:
    """Give the request of a JSON object; a socket's `subscribe` carries the same.

    Raises:
        Malformed: it is none.
        ApiError: it names a document that is not ours.
    """
    variables, name = found.get("variables"), found.get("operationName")
    if variables is not None and not isinstance(variables, dict):
        raise Malformed("`variables` must be an object.")
    if name is not None and not isinstance(name, str):
        raise Malformed("`operationName` must be a text.")
    extensions = found.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise Malformed("`extensions` must be an object.")
    digest = _digest(found.get("documentId"), extensions or {})
    text = found.get("query")
    if text is None and digest:
        text = documents.own_text(digest)
    if not isinstance(text, str) or not text:
        raise Malformed("`query` must be a text.")
    if digest and sha256(text.encode("utf-8", "surrogatepass")).hexdigest() != digest.lower():
        raise ApiError(
            ErrorCode.VALIDATION_FAILED, "The SHA-256 that came with the document is not the document's."
        )
    return Request(text, variables, name or None)


def _digest(document_id: object, extensions: Mapping[str, Any]) -> str:
    """Give the hash that a request names; empty for none."""
    if document_id is not None:
        if not isinstance(document_id, str) or not document_id.startswith(_ID_PREFIX):
            raise Malformed("`documentId` must be a text that begins with 'sha256:'.")
        return document_id.removeprefix(_ID_PREFIX)
    stored = extensions.get("persistedQuery")
    if stored is None:
        return ""
    digest = stored.get("sha256Hash") if isinstance(stored, dict) else None
    if not isinstance(digest, str) or not digest:
        raise Malformed("`extensions.persistedQuery` must have a `sha256Hash`.")
    return digest

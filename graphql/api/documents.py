"""Documents that were parsed, measured and validated once; the cache is bounded."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api.errors import ApiError, ErrorCode
from api.limits import MAX_NEW_TOKENS, MAX_TOKENS, check_structure
from api.plans import Plans
from api.roots import RootPlan, root_plan

#: Documents kept.
MAX_DOCUMENTS = 512

#: Validation stops after so many errors.
MAX_ERRORS = 10

#: Built once: a fresh rule class per request would make every cache of validation useless.
RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)


@dataclass(slots=True, eq=False)
class Document:
    """A text that a client sent, with everything that depends on the text alone.

    Attributes:
        name: of one of our own documents, else "adhoc".
        operations: how many are in it.
        plans: how its plain selections are answered.
        prices: costs that were worked out, by operation and page sizes.
        roots: how its queries are answered whole, by operation; None where graphql-core has to.
    """

    name: str
    tree: DocumentNode | None = None
    errors: list[GraphQLError] = field(default_factory=list)
    operations: int = 1
    plans: Plans = field(default_factory=dict)
    prices: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    roots: dict[int, RootPlan | None] = field(default_factory=dict)

    def root_plan(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> RootPlan | None:
        """Give how an operation of a valid document is answered whole, if that is worth trying."""
        key = id(operation)
        if key not in self.roots:
            assert self.tree is not None
            self.roots[key] = root_plan(schema, self.tree, operation)
        found = self.roots[key]
        return found if found is not None and found.is_useful else None


#: Our own documents that were read, once per process and schema; they introspect nothing, so every server may share them.
_OWN: dict[tuple[bytes, int], Document] = {}


class Documents:
    """The cache. Named documents of our own are known from the start, stay known by name, and are never dropped.

    Reading all of them takes half a second, which nobody who starts should wait for: `read_own` does it in steps, and
    one that is asked for before its turn is read at once.
    """

    def __init__(self, *, with_introspection: bool = True, limit: int = MAX_DOCUMENTS) -> None:
        self._with_introspection = with_introspection
        self._limit = limit
        self._known: OrderedDict[bytes, Document] = OrderedDict()
        self._own: dict[bytes, Callable[[], Document]] = {}
        self._own_texts: dict[str, str] = {}

    def announce(self, schema: GraphQLSchema, named: Iterable[tuple[str, str]]) -> None:
        """Make our own documents known."""
        for name, text in named:
            key = _digest(text)
            self._own[key] = partial(self._own_document, schema, key, name, text)
            self._own_texts[key.hex()] = text

    async def read_own(self) -> None:
        """Parse and validate our own documents, one at a time, with everybody else's turn in between."""
        for read in tuple(self._own.values()):
            read()
            await asyncio.sleep(0)

    def own_text(self, digest: str) -> str:
        """Give the text of one of our own documents by its SHA-256.

        Raises:
            ApiError: PERSISTED_QUERY_NOT_FOUND.
        """
        found = self._own_texts.get(digest.lower())
        if found is None:
            raise ApiError(
                ErrorCode.PERSISTED_QUERY_NOT_FOUND,
                f"No document of this server has the SHA-256 '{digest[:64]}'. Send its text.",
            )
        return found

    def known(self, text: str) -> Document | None:
        """Give a document that was read before."""
        key = _digest(text)
        own = self._own.get(key)
        if own is not None:
            return own()
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
        return found

    def look_up(self, schema: GraphQLSchema, text: str) -> Document:
        """Give a document: its tree, or why there is none."""
        found = self.known(text)
        if found is not None:
            return found
        found = self._read(schema, text, "adhoc", MAX_NEW_TOKENS)
        self._known[_digest(text)] = found
        if len(self._known) > self._limit:
            self._known.popitem(last=False)
        return found

    def _own_document(self, schema: GraphQLSchema, key: bytes, name: str, text: str) -> Document:
        found = _OWN.get((key, id(schema)))
        if found is None:
            found = _OWN[key, id(schema)] = self._read(schema, text, name, MAX_TOKENS)
        return found

    def _read(self, schema: GraphQLSchema, text: str, name: str, max_tokens: int) -> Document:
        try:
            tree = parse(text, max_tokens=max_tokens)
            check_structure(tree, with_introspection=self._with_introspection)
        except RecursionError:
            return Document(
                name, None, [ApiError(ErrorCode.QUERY_TOO_DEEP, "The document is nested too deeply.")]
            )
        except ApiError as error:
            return Document(name, None, [error])
        except GraphQLError as error:
            if "tokens. Parsing aborted" in error.message:
                error = ApiError(
                    ErrorCode.QUERY_TOO_COMPLEX, f"The document has more than {max_tokens} tokens."
                )
            elif "nested too deeply" in error.message:
                error = ApiError(ErrorCode.QUERY_TOO_DEEP, "The document is nested too deeply.")
            return Document(name, None, [error])
        errors = validate(schema, tree, RULES, max_errors=MAX_ERRORS, hide_suggestions=True)
        count = sum(isinstance(one, OperationDefinitionNode) for one in tree.definitions)
        return Document(name, tree, [_of_the_asker(one) for one in errors], count)

    def __len__(self) -> int:
        return len(self._known)


def _of_the_asker(error: GraphQLError) -> GraphQLError:
    """Give what validation found; a literal that Python itself cannot read is the asker's mistake and none of ours."""
    if isinstance(error.original_error, ValueError | OverflowError):
        return ApiError(ErrorCode.VALIDATION_FAILED, "A number in the document is too long to be read.")
    return error


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()

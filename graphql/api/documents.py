"""Documents that were parsed, measured and validated once; the cache is bounded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse, specified_rules, validate
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api.errors import ApiError, ErrorCode
from api.limits import MAX_TOKENS, check_structure

#: Documents kept.
MAX_DOCUMENTS = 512

#: Validation stops after so many errors.
MAX_ERRORS = 10

#: Built once: a fresh rule class per request would make every cache of validation useless.
RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)


@dataclass(slots=True)
class Document:
    """A text that a client sent, with everything that depends on the text alone."""

    name: str
    tree: DocumentNode | None = None
    errors: list[GraphQLError] = field(default_factory=list)


#: Our own documents, read once per process and schema; they introspect nothing, so every server may share them.
_OWN: dict[tuple[bytes, int], Document] = {}


class Documents:
    """The cache. Named documents of our own are there from the start and stay known by name."""

    def __init__(self, *, with_introspection: bool = True, limit: int = MAX_DOCUMENTS) -> None:
        self._with_introspection = with_introspection
        self._limit = limit
        self._known: OrderedDict[bytes, Document] = OrderedDict()
        self._names: dict[bytes, str] = {}

    def warm(self, schema: GraphQLSchema, named: Iterable[tuple[str, str]]) -> None:
        """Parse and validate our own documents before the first request."""
        for name, text in named:
            key = sha256(text.encode()).digest()
            self._names[key] = name
            if (key, id(schema)) not in _OWN:
                _OWN[key, id(schema)] = self._read(schema, text, name)
            self._known[key] = _OWN[key, id(schema)]

    def look_up(self, schema: GraphQLSchema, text: str) -> Document:
        """Give a document: its tree, or why there is none."""
        key = sha256(text.encode("utf-8", "surrogatepass")).digest()
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
            return found
        found = self._read(schema, text, self._names.get(key, "adhoc"))
        self._known[key] = found
        if len(self._known) > self._limit:
            self._known.popitem(last=False)
        return found

    def _read(self, schema: GraphQLSchema, text: str, name: str) -> Document:
        try:
            tree = parse(text, max_tokens=MAX_TOKENS)
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
                    ErrorCode.QUERY_TOO_COMPLEX, f"The document has more than {MAX_TOKENS} tokens."
                )
            elif "nested too deeply" in error.message:
                error = ApiError(ErrorCode.QUERY_TOO_DEEP, "The document is nested too deeply.")
            return Document(name, None, [error])
        errors = validate(schema, tree, RULES, max_errors=MAX_ERRORS, hide_suggestions=True)
        return Document(name, tree, errors)

    def __len__(self) -> int:
        return len(self._known)

"""What a document may be: one pass that walks each fragment once, and its cost before anything is executed.

Strawberry's own limiters walk fragments without memory; a document of 700 characters can keep them busy for
seconds. Here every fragment is measured once and its measure is reused, so the work grows with the document.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from api.errors import ApiError, ErrorCode

#: Tokens of a document of our own, and of one that a client made up; the parser stops there.
MAX_TOKENS = 2000
MAX_NEW_TOKENS = 1000

MAX_DEPTH = 8
MAX_ALIASES = 15
MAX_ROOT_FIELDS = 10
MAX_FRAGMENTS = 30
MAX_SPREADS = 60
MAX_DIRECTIVES = 20
MAX_SELECTIONS = 2000
MAX_OPERATIONS = 5

#: The same path this often: the check that such fields can be merged is quadratic in it, at each level.
MAX_REPEATS = 20

#: Introspection nests deeper by nature (`ofType`); it is bounded on its own.
MAX_INTROSPECTION_DEPTH = 20

_INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(slots=True)
class Measure:
    """What a selection comes to once its fragments are put in.

    Attributes:
        fields: directly in it.
        paths: how often each path below it is selected; never more than MAX_SELECTIONS of them.
    """

    depth: int = 0
    introspection_depth: int = 0
    selections: int = 0
    fields: int = 0
    paths: Counter[str] = field(default_factory=Counter)

    def add(self, other: Measure) -> None:
        """Put another selection beside this one.

        Raises:
            ApiError: together they are too many, or too many of the same path.
        """
        self.depth = max(self.depth, other.depth)
        self.introspection_depth = max(self.introspection_depth, other.introspection_depth)
        self.selections += other.selections
        self.fields += other.fields
        _at_most("selections", self.selections, MAX_SELECTIONS)
        for path, count in other.paths.items():
            self.paths[path] += count
            if self.paths[path] > MAX_REPEATS:
                _at_most(f"selections of '{path[:60]}'", self.paths[path], MAX_REPEATS)


def check_structure(document: DocumentNode, *, with_introspection: bool = True) -> None:
    """Refuse a document that is too large in any direction.

    Raises:
        ApiError: QUERY_TOO_DEEP or QUERY_TOO_COMPLEX, with what was found and what is allowed.
    """
    _Walk(document, with_introspection).check()


class _Walk:
    def __init__(self, document: DocumentNode, with_introspection: bool) -> None:
        self._operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
        fragments = [one for one in document.definitions if isinstance(one, FragmentDefinitionNode)]
        self._fragments = {one.name.value: one for one in fragments}
        self._fragment_count = len(fragments)
        self._with_introspection = with_introspection
        self._measured: dict[str, Measure] = {}
        self._open: set[str] = set()
        self._aliases = 0
        self._spreads = 0
        self._directives = 0

    def check(self) -> None:
        """Measure every operation, and fragments that none uses."""
        _at_most("operations", len(self._operations), MAX_OPERATIONS)
        _at_most("fragments", self._fragment_count, MAX_FRAGMENTS)
        for name in self._fragments:
            self._fragment(name)
        for operation in self._operations:
            self._directives += len(operation.directives or ())
            whole = self._selection(operation.selection_set)
            _at_most("root fields", whole.fields, MAX_ROOT_FIELDS)
            if whole.depth > MAX_DEPTH:
                raise _refusal("levels", whole.depth, MAX_DEPTH, ErrorCode.QUERY_TOO_DEEP)
            if whole.introspection_depth > MAX_INTROSPECTION_DEPTH:
                raise _refusal(
                    "levels of introspection",
                    whole.introspection_depth,
                    MAX_INTROSPECTION_DEPTH,
                    ErrorCode.QUERY_TOO_DEEP,
                )
        _at_most("aliases", self._aliases, MAX_ALIASES)
        _at_most("fragment spreads", self._spreads, MAX_SPREADS)
        _at_most("directives", self._directives, MAX_DIRECTIVES)

    def _selection(self, selected: SelectionSetNode | None) -> Measure:
        total = Measure()
        for one in selected.selections if selected else ():
            self._directives += len(one.directives or ())
            if isinstance(one, FieldNode):
                total.add(self._field(one))
            elif isinstance(one, InlineFragmentNode):
                total.add(self._selection(one.selection_set))
            elif isinstance(one, FragmentSpreadNode):
                self._spreads += 1
                total.add(self._fragment(one.name.value))
        return total

    def _field(self, one: FieldNode) -> Measure:
        name = one.name.value
        shown = one.alias.value if one.alias else name
        if one.alias:
            self._aliases += 1
        if name in _INTROSPECTION and not self._with_introspection:
            raise ApiError(
                ErrorCode.FORBIDDEN, "The schema is not shown here; it is part of the documentation."
            )
        inner = self._selection(one.selection_set)
        paths = Counter({f"{shown}.{path}": count for path, count in inner.paths.items()})
        paths[shown] = 1
        depth, introspection_depth = inner.depth + 1, inner.introspection_depth
        if name in _INTROSPECTION:
            # Only a field can be introspection, never an operation that calls itself so.
            depth, introspection_depth = 0, max(depth, introspection_depth + 1)
        return Measure(depth, introspection_depth, inner.selections + 1, 1, paths)

    def _fragment(self, name: str) -> Measure:
        found = self._measured.get(name)
        if found is not None:
            return found
        fragment = self._fragments.get(name)
        # An unknown or circular fragment counts nothing here; validation names it.
        if fragment is None or name in self._open:
            return Measure()
        self._open.add(name)
        self._directives += len(fragment.directives or ())
        measured = self._selection(fragment.selection_set)
        self._open.discard(name)
        self._measured[name] = measured
        return measured


def _at_most(what: str, found: int, allowed: int) -> None:
    if found > allowed:
        raise _refusal(what, found, allowed, ErrorCode.QUERY_TOO_COMPLEX)


def _refusal(what: str, found: int, allowed: int, code: ErrorCode) -> ApiError:
    shown = str(found) if found < 10**9 else "more than 1000000000"
    return ApiError(code, f"The document has {shown} {what}; {allowed} are allowed. Ask in smaller parts.")


def chosen_operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    """Give the operation that will run."""
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if name is None:
        return operations[0] if operations else None
    return next((one for one in operations if one.name and one.name.value == name), None)

"""Documents that somebody could send to hurt us. Every one must be refused, fast."""

from __future__ import annotations


def fragment_bomb(levels: int, width: int) -> str:
    """Give fragments that each spread the next one several times: width ** levels selections."""
    parts = ["query { ...f0 }"]
    for level in range(levels):
        inner = " ".join([f"...f{level + 1}"] * width) if level + 1 < levels else "viewer { role }"
        parts.append(f"fragment f{level} on Query {{ {inner} }}")
    return " ".join(parts)


def nested(depth: int, open_text: str = "a {", inner: str = "b") -> str:
    """Give a selection so many levels deep."""
    return "{ " + f"{open_text} " * depth + inner + " }" * depth + " }"


def _deep_fragments(count: int) -> str:
    """Give fragments that nest one level each: depth grows along the chain."""
    parts = ["{ bots { edges { node { ...f0 } } } }"]
    for at in range(count):
        inner = f"account {{ id }} positions {{ bot {{ ...f{at + 1} }} }}" if at + 1 < count else "id"
        parts.append(f"fragment f{at} on Bot {{ {inner} }}")
    return " ".join(parts)


def _merge_bomb(fields: int, fragments: int) -> str:
    """Give many fragments with the same fields on one type: pairs to compare grow with the square."""
    same = " ".join(f"f{at}: name" for at in range(fields))
    parts = ["{ bots { edges { node { " + " ".join(f"...g{at}" for at in range(fragments)) + " } } } }"]
    parts += [f"fragment g{at} on Bot {{ {same} }}" for at in range(fragments)]
    return " ".join(parts)


HOSTILE: dict[str, str] = {
    **{f"fragment bomb {levels}x{width}": fragment_bomb(levels, width) for levels, width in
       ((20, 2), (28, 2), (100, 2), (300, 2), (20, 10), (10, 20), (29, 3), (5, 50))},
    **{f"nested {depth}": nested(depth) for depth in (9, 20, 100, 300, 450)},
    "nested beyond the parser": nested(900),
    "only braces": "{" * 1000,
    "only brackets": "query (" + "[" * 900,
    "nested lists in a value": "{ bots(filter: " + "[" * 500 + "]" * 500 + ") { edges { cursor } } }",
    "nested objects in a value": "{ bots(filter: " + "{a:" * 400 + "1" + "}" * 400 + ") { edges { cursor } } }",
    "nested list type of a variable": "query ($a: " + "[" * 450 + "Int" + "]" * 450 + ") { viewer { role } }",
    **{f"aliases {count}": "{ " + " ".join(f"a{at}: __typename" for at in range(count)) + " }" for count in (16, 100, 600)},
    "aliases in a fragment": "{ ...f } fragment f on Query { " + " ".join(f"a{at}: __typename" for at in range(40)) + " }",
    "aliases of a costly field": "{ " + " ".join(f"a{at}: performance {{ pnl }}" for at in range(60)) + " }",
    "aliased sign-ins": "mutation { " + " ".join(
        f'a{at}: revokeApiToken(input: {{ tokenId: "{at}" }}) {{ userErrors {{ code }} }}' for at in range(100)) + " }",
    **{f"repeated field {count}": "{ " + "__typename " * count + "}" for count in (11, 500, 1900, 10_000)},
    "repeated nested field": "{ viewer { " + "member { role } " * 300 + "} }",
    "repeated deep field": "{ viewer { " + "member { id name role } " * 100 + "} }",
    **{f"directives {count}": "{ __typename " + "@include(if: true) " * count + "}" for count in (21, 200, 1000)},
    "unknown directives": "{ __typename " + "@a " * 900 + "}",
    "directives on an operation": "query " + "@skip(if: true) " * 100 + "{ __typename }",
    "directives on a fragment": "{ ...f } fragment f on Query " + "@include(if: true) " * 50 + "{ __typename }",
    "skip and include of everything": "{ " + " ".join(f"a{at}: __typename @skip(if: true) @include(if: false)" for at in range(30)) + " }",
    **{f"fragments {count}": "{ " + " ".join(f"...f{at}" for at in range(count)) + " } " + " ".join(
        f"fragment f{at} on Query {{ __typename }}" for at in range(count)) for count in (31, 120)},
    "unused fragments": "{ __typename } " + " ".join(f"fragment f{at} on Query {{ __typename }}" for at in range(100)),
    "unused bomb": "{ __typename } " + fragment_bomb(25, 2).replace("query { ...f0 } ", ""),
    "spreads of one fragment": "{ " + "...f " * 61 + "} fragment f on Query { __typename }",
    "spreads of an unknown fragment": "{ " + "...nobody " * 61 + "}",
    "an unknown fragment": "{ ...nobody }",
    "a fragment of itself": "{ ...f } fragment f on Query { ...f }",
    "two fragments of each other": "{ ...f } fragment f on Query { ...g } fragment g on Query { ...f }",
    "a ring of twenty fragments": "{ ...f0 } " + " ".join(f"fragment f{at} on Query {{ ...f{(at + 1) % 20} }}" for at in range(20)),
    "a fragment of itself inside": "{ viewer { ...f } } fragment f on Viewer { member { id } workspace { id } ...f }",
    "a ring below a field": "{ bots { edges { node { ...f } } } } fragment f on Bot { positions { bot { ...f } } }",
    "a chain of deep fragments": _deep_fragments(25),
    "a merge of many fragments": _merge_bomb(40, 25),
    "a merge that multiplies level by level": "{ bots { edges { node { " + ("positions { " + "targets { price quantity } " * 10 + "} ") * 20 + "} } } }",
    "paths that multiply level by level": "{ bots { edges { node { ...f0 } } } } " + " ".join(
        f"fragment f{at} on Bot {{ " + (f"a: account {{ id }} positions {{ b: bot {{ ...f{at + 1} }} c: bot {{ ...f{at + 1} }} }}" if at < 14 else "id") + " }" for at in range(15)),
    "a merge of wide fragments": _merge_bomb(200, 6),
    "inline fragments": "{ " + "... on Query { " * 100 + "viewr" + " }" * 100 + " }",
    "inline fragments side by side": "{ " + "... { __typename } " * 300 + "}",
    "many operations": " ".join(f"query q{at} {{ __typename }}" for at in range(6)),
    "very many operations": " ".join(f"query q{at} {{ __typename }}" for at in range(300)),
    "operations of one name": "query q { __typename } query q { __typename }",
    "unnamed operations": "{ __typename } { __typename }",
    "an operation called __schema": "query __schema " + nested(30),
    "a fragment called __schema": "{ ...__schema } fragment __schema on Query " + nested(30),
    "an alias called __schema": "{ __schema: " + nested(30)[2:],
    "introspection in a circle": "{ __schema { types { " + "fields { type { " * 12 + "name" + " } }" * 12 + " } } }",
    "introspection side by side": "{ " + "".join(f"a{at}: __schema {{ types {{ name }} }} " for at in range(16)) + "}",
    "possible types in a circle": "{ __schema { types { " + "possibleTypes { interfaces { " * 6 + "name" + " } }" * 6 + " } } }",
    "an unknown field": "{ nobody }",
    "many unknown fields": "{ viewer { " + " ".join(f"x{at}" for at in range(900)) + " } }",
    "many unknown arguments": "{ bots(" + " ".join(f"a{at}: 1" for at in range(600)) + ") { edges { cursor } } }",
    "many unknown variables": "{ bots(" + " ".join(f"first: $v{at}" for at in range(500)) + ") { edges { cursor } } }",
    "many unused variables": "query (" + " ".join(f"$v{at}: Int" for at in range(450)) + ") { __typename }",
    "an unknown type": "query ($a: Nobody) { __typename }",
    "a string of a megabyte": '{ node(id: "' + "x" * 1_000_000 + '") { nope } }',
    "a block string of a megabyte": '{ node(id: """' + "\n x" * 330_000 + '""") { nope } }',
    "a name of sixty thousand letters": "{ " + "a" * 60_000 + " }",
    "a number of sixty thousand digits": "{ bots(first: " + "9" * 60_000 + ") { edges { cursor } } }",
    "a page of a thousand million": "{ bots(first: 1000000000000) { edges { cursor } } }",
    "comments only": "#" * 60_000,
    "commas only": "," * 60_000 + "{ nope }",
    "a byte order mark and nothing": "\ufeff",
    "control characters": "{ \x00\x01\x02 }",
    "half a surrogate": '{ node(id: "\ud800") { nope } }',
    "an escape to nowhere": '{ node(id: "\\uDEAD") { nope } }',
    "a definition of a type": "type Query { a: Int }",
    "an extension of a type": "extend type Query { a: Int }",
    "two roots of a subscription": "subscription { events { kind } alerts { kind } }",
    "an introspecting subscription": "subscription { __typename }",
    "defer": "{ ... @defer { viewer { role } } }",
    "stream": "{ bots { edges @stream(initialCount: 1) { cursor } } }",
}  # fmt: skip

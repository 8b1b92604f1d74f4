"""Fences that are finer than a package: one library, one file."""

from __future__ import annotations

import ast
import functools
import importlib.util
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("trading", "strategies", "desk", "chatops", "workers", "server", "graphql/api", "migrations")

#: Where a library may be imported; folders end in a slash.
FENCES = {
    "redis": ("desk/relay.py", "desk/cache.py", "workers/broker.py"),
    "tortoise": ("desk/store/", "migrations/"),
    "asyncpg": ("desk/store/",),
    "aiosqlite": ("desk/store/",),
    "matplotlib": ("desk/charts/",),
    "onnxruntime": ("desk/predictors.py", "workers/"),
    "ccxt": ("desk/venues/", "desk/feeds/"),
    "telegram": ("chatops/telegram_bot/",),
    "discord": ("chatops/discord_bot/",),
    "dramatiq": ("workers/",),
    "strawberry": ("graphql/api/",),
    "graphql": ("graphql/api/",),
    "starlette": ("server/", "graphql/api/view.py"),
    "uvicorn": ("server/",),
    "aiosmtplib": ("desk/mail.py",),
    "reportlab": ("desk/reports/",),
}

#: Modules of the desk that only some may import.
INNER = {
    "desk.store": ("desk/store/", "desk/assembly.py", "migrations/"),
    "desk.mail": ("desk/assembly.py",),
    "desk.venues": ("desk/venues/", "desk/feeds/", "desk/execution/", "desk/assembly.py"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """A call by name, as in `asyncio.sleep(1)`."""

    line: int
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Source:
    """What a file of ours imports and calls."""

    file: str
    imports: frozenset[str]
    calls: tuple[Call, ...]


@functools.cache
def sources() -> tuple[Source, ...]:
    """Read every file once for all tests; the trees would fill the memory."""
    return tuple(
        read(str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8")))
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
    )


def read(file: str, tree: ast.Module) -> Source:
    imports: set[str] = set()
    calls: list[Call] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports.update(one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports.add(node.module)
            imports.update(f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = dotted(node.func)
            is_told = name.rpartition(".")[2] == "suppress"
            calls.append(Call(node.lineno, name, " ".join(map(ast.unparse, node.args)) if is_told else ""))
    return Source(file, frozenset(imports), tuple(calls))


def dotted(node: ast.expr) -> str:
    """Give `a.b.c` for a chain of names, `.c` for what hangs on something else."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def is_within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def test_a_file_is_read_for_what_it_imports_and_calls() -> None:
    text = """
import redis
from tortoise import fields
async def run(task):
    with contextlib.suppress(asyncio.CancelledError, OSError):
        await wait_for(task, np.random.rand())
        SystemClock().now()
"""

    found = read("planted.py", ast.parse(text))

    assert found.imports == {"redis", "tortoise", "tortoise.fields"}
    assert {(call.name, call.arguments) for call in found.calls} == {
        ("contextlib.suppress", "asyncio.CancelledError OSError"),
        ("wait_for", ""),
        ("np.random.rand", ""),
        (".now", ""),
        ("SystemClock", ""),
    }


@pytest.mark.parametrize("library", FENCES)
def test_a_library_stays_behind_its_fence(library: str) -> None:
    strays = [
        one.file
        for one in sources()
        if not one.file.startswith(FENCES[library]) and any(is_within(name, library) for name in one.imports)
    ]

    assert strays == []


@pytest.mark.parametrize("module", INNER)
def test_adapters_are_known_to_the_assembly_only(module: str) -> None:
    strays = [
        one.file
        for one in sources()
        if one.file.startswith("desk/")
        and not one.file.startswith(INNER[module])
        and any(is_within(name, module) for name in one.imports)
    ]

    assert strays == []


def test_only_the_clock_knows_the_time_and_only_seeded_randomness_is_used() -> None:
    allowed = ("desk/clock.py", "desk/store/", "server/")
    clocks = {"datetime.now", "datetime.utcnow", "time.time", "time.sleep", "date.today"}
    seeded = {"np.random.default_rng", "np.random.Generator", "np.random.SeedSequence", "random.Random"}
    strays = []
    for one in sources():
        for call in one.calls:
            is_random = call.name.startswith("np.random.") or (
                "random" in one.imports and call.name.startswith("random.")
            )
            reads_clock = call.name in clocks and not one.file.startswith(allowed)
            rolls = is_random and call.name not in seeded and one.file.startswith(("trading/", "strategies/"))
            if reads_clock or rolls:
                strays.append(f"{one.file}:{call.line} {call.name}")

    assert strays == []


def test_nobody_loses_his_own_cancellation() -> None:
    # `suppress(CancelledError)` around an await, and `wait_for` before Python 3.12, swallow the caller's own.
    strays = [
        f"{one.file}:{call.line}: use desk.ending.ended, or asyncio.timeout"
        for one in sources()
        for call in one.calls
        if call.name in {"asyncio.wait_for", "wait_for"} or "CancelledError" in call.arguments
    ]

    assert strays == []


def test_no_module_has_a_name_that_confuses() -> None:
    named = {Path(one.file).name for one in sources()}

    assert not named & {
        "logging.py",
        "types.py",
        "statistics.py",
        "utils.py",
        "helpers.py",
        "misc.py",
        "common.py",
    } - {"types.py"}
    assert not (ROOT / "trading" / "types.py").exists()


def test_the_graphql_folder_never_shadows_the_library() -> None:
    assert not (ROOT / "graphql" / "__init__.py").exists()
    assert list((ROOT / "graphql").glob("*.py")) == []
    found = importlib.util.find_spec("graphql")

    assert found is not None
    assert found.origin is not None
    assert "site-packages" in found.origin


def test_the_second_source_root_is_known_to_every_tool() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    tools = project["tool"]

    assert "graphql/api" in tools["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert tools["pytest"]["ini_options"]["pythonpath"] == [".", "graphql"]
    assert "--import-mode=importlib" in tools["pytest"]["ini_options"]["addopts"]
    assert tools["mypy"]["mypy_path"] == ".:graphql"
    assert tools["mypy"]["explicit_package_bases"]
    assert tools["mypy"]["strict"]
    assert tools["ruff"]["src"] == [".", "graphql"]
    assert tools["ruff"]["lint"]["isort"]["known-third-party"] == ["graphql"]


def test_the_libraries_are_not_below_their_security_floors() -> None:
    locked = (ROOT / "requirements" / "base.txt").read_text(encoding="utf-8")
    pinned = dict(
        line.split(" ")[0].split("==")
        for line in locked.splitlines()
        if "==" in line and not line.startswith(" ")
    )

    def version(name: str) -> tuple[int, ...]:
        return tuple(int(one) for one in pinned[name].split("."))

    assert version("strawberry-graphql") >= (0, 323, 2)
    assert version("starlette") >= (1, 3, 1)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / one for one in listed.decode().split("\0") if one and (ROOT / one).is_file()]


def test_no_tracked_file_names_a_package_index_or_a_path_of_a_machine() -> None:
    # Put together from halves, so that this file does not name them itself.
    hosts = (
        "pypi" + ".org",
        "files.python" + "hosted",
        "registry.npm" + "js",
        "deb.debian" + ".org",
        "--find" + "-links",
        "--index" + "-url http",
    )
    places = ("/work" + "/main", "/work" + "/shared", "/root" + "/", "/opt" + "/wheels", "/home" + "/")
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "ignore")
        found += [f"{path.relative_to(ROOT)}: {one}" for one in (*hosts, *places) if one in text]

    assert found == []


def test_there_is_no_lock_file_with_download_addresses() -> None:
    names = {path.name for path in tracked()}

    assert "uv.lock" not in names
    assert "package-lock.json" not in names or not [
        path
        for path in tracked()
        if path.name == "package-lock.json" and '"resolved"' in path.read_text(encoding="utf-8")
    ]
    for file in ("base.txt", "dev.txt"):
        assert "://" not in (ROOT / "requirements" / file).read_text(encoding="utf-8")

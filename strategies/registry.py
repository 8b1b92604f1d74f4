"""StrategyRegistry: strategies by name, built in, from packages and from folders of files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar

from strategies.base import BaseStrategy, Parameter
from strategies.loading import StrategyFolder
from trading.errors import StrategyFailure, UnknownStrategy, nearest

S = TypeVar("S", bound=type[BaseStrategy])

#: Entry-point group for packages that bring strategies.
ENTRY_POINTS = "breakwater.strategies"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyInfo:
    """What people see of a registered strategy.

    Attributes:
        origin: "built-in", "package NAME" or "file FOLDER/NAME".
        warmup_bars: with default parameters.
    """

    name: str
    title: str
    idea: str
    source: str
    fails_in: str
    parameters: tuple[Parameter, ...]
    tags: tuple[str, ...]
    warmup_bars: int
    pairs_needed: tuple[str, ...]
    series_needed: tuple[str, ...]
    origin: str
    schema: dict[str, Any]


class StrategyRegistry:
    """Strategies by name. A later registration from a file replaces the file's own earlier one, nothing else."""

    def __init__(self) -> None:
        self._classes: dict[str, type[BaseStrategy]] = {}
        self._origins: dict[str, str] = {}
        self._folders: list[StrategyFolder] = []
        self._failures: dict[str, StrategyFailure] = {}

    def register(self, cls: S, *, origin: str = "built-in") -> S:
        """Take a strategy; usable as a decorator.

        Raises:
            StrategyFailure: not a concrete strategy, no name, the name is taken by another origin, or it cannot be
                built with its defaults.
        """
        if not (isinstance(cls, type) and issubclass(cls, BaseStrategy)):
            raise StrategyFailure(f"{cls!r} was registered; a subclass of BaseStrategy is needed.")
        missing = sorted(getattr(cls, "__abstractmethods__", ()))
        if missing:
            raise StrategyFailure(f"Strategy '{cls.__name__}' lacks {', '.join(missing)}; define them.")
        if not cls.name or not cls.name.isidentifier():
            raise StrategyFailure(
                f"Strategy class {cls.__name__} has the name {cls.name!r}; a snake_case word is needed."
            )
        taken = self._origins.get(cls.name)
        if taken is not None and taken != origin:
            raise StrategyFailure(
                f"Strategy '{cls.name}' from {origin} has the name of one that is {taken}; choose another name."
            )
        _try_defaults(cls)
        self._classes[cls.name] = cls
        self._origins[cls.name] = origin
        return cls

    def get_strategy(self, name: str) -> type[BaseStrategy]:
        """Give a strategy's class, from files in their newest working version.

        Raises:
            UnknownStrategy: nothing by that name; the nearest is named and all are listed.
        """
        self.reload_changed()
        if name not in self._classes:
            raise UnknownStrategy(
                f"Strategy '{name}' is unknown; {', '.join(sorted(self._classes))} are registered.",
                hint=nearest(name, self._classes) or None,
            )
        return self._classes[name]

    def names(self) -> tuple[str, ...]:
        """Give the registered names, sorted."""
        return tuple(sorted(self._classes))

    def list_strategies(self) -> tuple[StrategyInfo, ...]:
        """Describe every registered strategy, by name."""
        self.reload_changed()
        return tuple(self.info(name) for name in self.names())

    def info(self, name: str) -> StrategyInfo:
        """Describe one strategy.

        Raises:
            UnknownStrategy: nothing by that name.
        """
        cls = self.get_strategy(name)
        sample = cls()
        return StrategyInfo(
            name=cls.name,
            title=cls.title,
            idea=cls.idea,
            source=cls.source,
            fails_in=cls.fails_in,
            parameters=cls.parameters,
            tags=cls.tags,
            warmup_bars=sample.warmup_bars,
            pairs_needed=sample.pairs_needed,
            series_needed=sample.series_needed,
            origin=self._origins[name],
            schema=cls.get_config_schema(),
        )

    def load_entry_points(self) -> tuple[str, ...]:
        """Register what installed packages offer; a broken one is noted in `failures` and skipped."""
        loaded = []
        for point in entry_points(group=ENTRY_POINTS):
            name = self._load_entry_point(point)
            if name:
                loaded.append(name)
        return tuple(loaded)

    def _load_entry_point(self, point: EntryPoint) -> str:
        origin = f"package {point.value.split(':')[0].split('.')[0]}"
        try:
            cls: type[BaseStrategy] = point.load()
            return self.register(cls, origin=origin).name
        except StrategyFailure as failure:
            self._failures[f"entry point {point.name}"] = failure
        except Exception as cause:  # noqa: BLE001 - a stranger's code may raise anything; the house stays up
            broken = StrategyFailure(
                f"Entry point '{point.name}' ({point.value}) could not be loaded: {type(cause).__name__}: {cause}."
            )
            broken.__cause__ = cause
            self._failures[f"entry point {point.name}"] = broken
        return ""

    def load_folder(self, path: Path) -> tuple[str, ...]:
        """Register the strategies of a folder of files and watch it: changed files are read again when asked for.

        Raises:
            StrategyFailure: the folder is not there, or a file is broken on first load (the others are registered).
        """
        folder = StrategyFolder(path)
        self._folders.append(folder)
        names = self._refresh(folder)
        broken = list(folder.failures.values())
        if broken:
            raise broken[0]
        return names

    def reload_changed(self) -> tuple[str, ...]:
        """Read changed files of watched folders; a file that broke keeps its old version, see `failures`."""
        return tuple(name for folder in self._folders for name in self._refresh(folder))

    def _refresh(self, folder: StrategyFolder) -> tuple[str, ...]:
        names: list[str] = []
        for file, classes in folder.changed():
            try:
                found = [self.register(cls, origin=_origin(file)).name for cls in classes]
            except StrategyFailure as failure:
                folder.failures[file] = failure
                continue
            self._forget(_origin(file), keep=found)
            names += found
        for file in folder.removed():
            self._forget(_origin(file), keep=())
        return tuple(names)

    def _forget(self, origin: str, keep: Collection[str]) -> None:
        for name in [n for n, one in self._origins.items() if one == origin and n not in keep]:
            del self._classes[name], self._origins[name]

    @property
    def failures(self) -> dict[str, StrategyFailure]:
        """What could not be loaded, by where it came from."""
        files = {
            _origin(file): failure for folder in self._folders for file, failure in folder.failures.items()
        }
        return {**self._failures, **files}


def _try_defaults(cls: type[BaseStrategy]) -> None:
    """Build a strategy once, so that a broken one is refused at the door and not in somebody's list."""
    try:
        _ = cls().warmup_bars
    except Exception as cause:
        raise StrategyFailure(
            f"Strategy '{cls.name}' cannot be built with its defaults: {type(cause).__name__}: {cause}"
        ) from cause


def _origin(file: Path) -> str:
    return f"file {file.parent.name}/{file.name}"


def default_registry() -> StrategyRegistry:
    """Give a registry with every built-in strategy."""
    from strategies.builtin import BUILT_IN

    registry = StrategyRegistry()
    for cls in BUILT_IN:
        registry.register(cls)
    return registry

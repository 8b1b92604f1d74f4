"""The registry as running processes use it: files from the shelf, speakers kept in memory, forecasts for bots and jobs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from desk.models.book import Book, Reign, forecast_series, reigns_of, whole_reign
from desk.models.registry import askable
from desk.models.shelf import Shelf
from desk.models.speaking import Speaker, needed_files, speaker_of
from desk.models.views import Spoken
from desk.ports import Unit
from desk.settings import Settings
from trading.candles import Candles
from trading.errors import OperatorProblem
from trading.market import Series

log = structlog.get_logger(__name__)

#: Speakers in memory; the oldest is forgotten first.
_SPEAKERS = 16


def shelf_at(url: str, data_dir: Path) -> Shelf:
    """Give the shelf of the settings: BREAKWATER_STORAGE_URL, else a folder beside the data."""
    return Shelf(f"{url.rstrip('/')}/models" if url else (data_dir / "models").resolve().as_uri())


def room_of(settings: Settings) -> ModelRoom:
    """Give the registry's room as the settings say."""
    return ModelRoom(shelf_at(settings.storage_url, settings.data_dir))


class ModelRoom:
    """Speakers by version."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._speakers: OrderedDict[str, Speaker] = OrderedDict()
        self._broken: set[str] = set()

    async def files(self, version: Spoken, names: Sequence[str]) -> dict[str, bytes]:
        """Give files of a version, each checked against its hash.

        Raises:
            OperatorProblem: one is missing, or is not what it was.
        """
        found = {}
        for name in names:
            if name not in version.files:
                raise OperatorProblem(f"{version.label} has no file '{name}'.", hint="Train it anew.")
            found[name] = await self.shelf.get(str(version.files[name]["sha256"]))
        return found

    async def speaker(self, version: Spoken) -> Speaker:
        """Give a version with its weights.

        Raises:
            OperatorProblem: its files are missing or broken.
        """
        if (known := self._speakers.get(version.id)) is not None:
            self._speakers.move_to_end(version.id)
            return known
        made = speaker_of(version, await self.files(version, needed_files(version)))
        self._speakers[version.id] = made
        if len(self._speakers) > _SPEAKERS:
            self._speakers.popitem(last=False)
        return made

    async def reigns(self, tx: Unit, workspace_id: str, pair: str, timeframe: str) -> tuple[Reign, ...]:
        """Give who speaks for a pair at which closes."""
        promotions = await tx.models.promotions(workspace_id)
        if not promotions:
            return ()
        return reigns_of(await tx.models.spoken(workspace_id), promotions, pair, timeframe)

    async def book(self, tx: Unit, workspace_id: str, pair: str, timeframe: str, *, model: str = "") -> Book:
        """Give everything that forecasts of a pair rest on, to be worked with elsewhere.

        Args:
            model: "NAME" or "NAME:VERSION" is asked instead of who speaks; without a number the newest.

        Raises:
            OperatorProblem: files are missing or broken.
            NotFound, InvalidInput: the named version is not there, or cannot be asked about the pair.
        """
        if model:
            reigns = whole_reign(await askable(tx, workspace_id, model, pair, timeframe))
        else:
            reigns = await self.reigns(tx, workspace_id, pair, timeframe)
        files: dict[str, Mapping[str, bytes]] = {}
        for one in reigns:
            if one.version is not None and one.version.id not in files:
                files[one.version.id] = await self.files(one.version, needed_files(one.version))
        return Book(reigns=reigns, files=files)

    async def series(self, tx: Unit, workspace_id: str, candles: Candles) -> Series | None:
        """Give the forecasts at the closes of a pair's last bars; None where no model speaks for it.

        A model that cannot be read says nothing: a bot goes on without new entries, and the log says why, once.
        """
        found = await self.reigns(tx, workspace_id, candles.pair, str(candles.timeframe))
        if not len(candles):
            return None
        first = int(candles.ts_ms[0])
        reigns = [one for one in found if one.until_ms > first and one.version is not None]
        try:
            speakers = {
                one.version.id: await self.speaker(one.version) for one in reigns if one.version is not None
            }
            return forecast_series(reigns, speakers, candles) if reigns else None
        except OperatorProblem as problem:
            key = f"{candles.pair}:{problem}"
            if key not in self._broken:
                self._broken.add(key)
                log.error("model_unreadable", pair=candles.pair, problem=str(problem))
            return None

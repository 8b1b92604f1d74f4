"""The registry: versions with fingerprints, files that are what their hash says, promotion and the way back."""

from __future__ import annotations

from pathlib import Path

import fsspec
import numpy as np
import orjson
import pytest

from desk.clock import from_ms
from desk.models.files import CARD, FORECASTS, LINEAR, REFERENCE, linear_body, read_linear, read_reference
from desk.models.fingerprints import data_hash
from desk.models.queries import model_of
from desk.models.registry import promote, roll_back, speaking_version, version_named
from desk.models.shelf import Shelf, digest_of
from desk.models.speaking import needed_files, speaker_of
from desk.models.views import ModelVersion, Reason, Shelved
from desk.store import SqlStore
from tests.support.learned_models import BARS, PAIRS, PLAN, Registry, a_registry, known_by, markets, trained
from trading.errors import Conflict, InvalidInput, NotFound, OperatorProblem

NOON = from_ms(known_by(BARS))


@pytest.fixture
async def registry(sqlite_store: SqlStore, tmp_path: Path) -> Registry:
    return await a_registry(sqlite_store, (tmp_path / "shelf").as_uri())


async def speak(registry: Registry, version: ModelVersion) -> None:
    async with registry.store.transaction() as tx:
        await promote(tx, version, at=version.made_at, by="ann")


async def speaks(registry: Registry) -> int:
    async with registry.store.reading() as tx:
        return await speaking_version(tx, registry.workspace_id, PLAN.model)


def test_training_twice_at_one_time_gives_the_same_files_and_fingerprints() -> None:
    again = trained.__wrapped__()

    assert {name: digest_of(body) for name, (_, body) in again.files.items()} == {
        name: digest_of(body) for name, (_, body) in trained().files.items()
    }
    assert again.values == trained().values


def test_what_came_after_a_training_is_neither_learned_nor_judged() -> None:
    cut = [one.rows(0, BARS) for one in markets()]

    # It was given 400 bars more than were known at its time.
    assert len(markets()[0]) == BARS + 400
    assert trained().values["data_hash"] == data_hash(cut)
    card = trained().values["card"]
    assert card["learned"]["until"] <= from_ms(known_by(BARS)).isoformat().replace("+00:00", "Z")
    assert card["walk"]["until"] < card["learned"]["known_by"]


def test_a_card_says_what_was_learned_how_it_was_judged_and_against_what() -> None:
    card = trained().values["card"]

    rows = {row["name"]: row for row in card["table"]}
    assert {"zero (last price)", "always long", "last return", "linear"} <= set(rows)
    assert set(card["against"]) == set(rows) - {"linear"}
    assert card["against"]["zero (last price)"] == pytest.approx(rows["linear"]["skill"], abs=1e-6)
    assert card["pairs"] == list(PAIRS)
    assert card["round_trip_cost"] == PLAN.round_trip_cost
    assert len(card["coverage"]) == len(card["quantiles"])
    # Candles without anything in them: nobody may be told otherwise.
    assert not card["is_useful"]
    assert card["verdict"].startswith("Did not beat a forecast of zero")
    assert card["findings"] == []
    assert orjson.loads(trained().files[CARD][1]) == card


async def test_versions_count_up_and_keep_where_they_came_from(any_store: SqlStore) -> None:
    registry = await a_registry(any_store, "memory://versions")

    first = await registry.enter(trained())
    second = await registry.enter(trained(), at=NOON.replace(year=NOON.year + 1))

    assert (first.version, second.version) == (1, 2)
    assert first.artefact == second.artefact == digest_of(trained().files[LINEAR][1])
    assert set(first.files) == {LINEAR, FORECASTS, REFERENCE, CARD}
    assert first.data_hash == trained().values["data_hash"]
    assert first.pairs == PAIRS
    async with any_store.reading() as tx:
        assert (await version_named(tx, registry.workspace_id, "hourly")).id == second.id
        with pytest.raises(NotFound, match="hourly"):
            await version_named(tx, registry.workspace_id, "hurly")
        with pytest.raises(NotFound, match="1 to 2"):
            await version_named(tx, registry.workspace_id, "hourly", 7)


async def test_rolling_back_goes_back_version_by_version_until_nothing_speaks(any_store: SqlStore) -> None:
    registry = await a_registry(any_store, "memory://rollback")
    versions = [await registry.enter(trained(), at=NOON) for _ in range(3)]
    for one in versions:
        await speak(registry, one)

    seen = [await speaks(registry)]
    for _ in range(3):
        async with any_store.transaction() as tx:
            await roll_back(tx, registry.workspace_id, PLAN.model, at=NOON, by="ann")
        seen.append(await speaks(registry))

    assert seen == [3, 2, 1, 0]
    async with any_store.transaction() as tx:
        with pytest.raises(Conflict, match="nothing to roll back"):
            await roll_back(tx, registry.workspace_id, PLAN.model, at=NOON, by="ann")
    async with any_store.reading() as tx:
        told = await model_of(tx, registry.workspace_id, PLAN.model)
    assert [(one.version, one.before) for one in told.promotions] == [
        (1, 0),
        (2, 1),
        (3, 2),
        (2, 3),
        (1, 2),
        (0, 1),
    ]
    assert told.promotions[-1].reason is Reason.ROLLED_BACK


async def test_only_a_version_with_its_files_and_without_leaks_may_speak(registry: Registry) -> None:
    waiting = await registry.enter(trained(), is_kept=False)
    card = {
        **trained().values["card"],
        "findings": ["target: Feature 'return_1' goes with the target at 0.990"],
    }
    leaking = await registry.enter(trained(), card=card)
    good = await registry.enter(trained())

    assert waiting.state is Shelved.WAITING
    with pytest.raises(InvalidInput, match="not on the shelf"):
        await speak(registry, waiting)
    with pytest.raises(InvalidInput, match="found 1 leaks"):
        await speak(registry, leaking)
    await speak(registry, good)
    with pytest.raises(Conflict, match="speaks already"):
        await speak(registry, good)
    assert await speaks(registry) == good.version


@pytest.mark.parametrize("place", ["memory://shelf", "file"])
async def test_a_shelf_gives_back_what_it_was_given_and_nothing_else(place: str, tmp_path: Path) -> None:
    url = tmp_path.as_uri() if place == "file" else place
    shelf = Shelf(url)

    digest = await shelf.put(b"weights")
    again = await shelf.put(b"weights")

    assert digest == again == digest_of(b"weights")
    assert await shelf.get(digest) == b"weights"
    with pytest.raises(OperatorProblem, match="is not at"):
        await shelf.get(digest_of(b"other"))
    for bad in ("../../etc/passwd", "", digest.upper()):
        with pytest.raises(OperatorProblem, match="no SHA-256"):
            await shelf.get(bad)
    files, root = fsspec.core.url_to_fs(url)
    # Nothing half-written stays behind.
    assert [name.rpartition("/")[2] for name in files.find(root)] == [digest]


async def test_a_file_that_was_tampered_with_is_refused_and_mended_by_the_true_one(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path.as_uri())
    digest = await shelf.put(b"weights")
    path = tmp_path / digest[:2] / digest

    for broken in (b"weightz", b"", b"weights and more"):
        path.write_bytes(broken)
        with pytest.raises(OperatorProblem, match="not what it was"):
            await shelf.get(digest)

    assert await shelf.put(b"weights") == digest
    assert await shelf.get(digest) == b"weights"


async def test_a_place_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")

    with pytest.raises(OperatorProblem, match="BREAKWATER_STORAGE_URL"):
        await Shelf((tmp_path / "taken").as_uri()).put(b"weights")
    with pytest.raises(OperatorProblem, match=r"breakwater\[s3\]"):
        await Shelf("s3://bucket/models").put(b"weights")


async def test_a_version_whose_files_were_changed_does_not_speak(registry: Registry, tmp_path: Path) -> None:
    version = await registry.enter(trained())
    digest = str(version.files[LINEAR]["sha256"])
    path = tmp_path / "shelf" / digest[:2] / digest
    path.write_bytes(path.read_bytes().replace(b"0", b"1"))

    with pytest.raises(OperatorProblem, match="not what it was"):
        await registry.room.speaker(version)


def test_a_linear_model_comes_back_from_its_file_bit_for_bit() -> None:
    body = trained().files[LINEAR][1]
    found = read_linear(body)

    assert linear_body(found) == body
    assert np.isfinite(found.weights).all()
    assert read_reference(trained().files[REFERENCE][1]).edges.shape == (22, 9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"form": "pickle"}, "form 'pickle'"),
        ({"features": ["return_1"]}, "our 22 features"),
        ({"weights": [1.0]}, "23 finite numbers"),
        ({"weights": ["__import__('os')"] * 23}, "no numbers"),
        ({"centre": [None] * 22}, "22 finite numbers"),
    ],
)
def test_a_linear_file_that_is_not_ours_is_refused(change: dict[str, object], words: str) -> None:
    given = {**orjson.loads(trained().files[LINEAR][1]), **change}

    with pytest.raises(OperatorProblem, match=words):
        read_linear(orjson.dumps(given))


async def test_a_pickle_is_never_opened(registry: Registry) -> None:
    import pickle

    version = await registry.enter(trained())
    # What it would do if it were opened: fail this test.
    hostile = pickle.dumps(pytest.fail)

    for name in needed_files(version):
        files = {one: trained().files[one][1] for one in needed_files(version)} | {name: hostile}
        with pytest.raises(OperatorProblem, match="cannot be read"):
            speaker_of(version, files)


async def test_workspaces_do_not_see_each_others_models(registry: Registry) -> None:
    version = await registry.enter(trained())
    await speak(registry, version)
    async with registry.store.transaction() as tx:
        other = await tx.workspaces.create("other")

    async with registry.store.reading() as tx:
        assert await tx.models.names(other.id) == []
        assert await tx.models.by_id(other.id, version.id) is None
        assert await tx.models.spoken(other.id) == []
        assert await registry.room.series(tx, other.id, markets()[0]) is None
        assert await registry.room.series(tx, registry.workspace_id, markets()[0]) is not None

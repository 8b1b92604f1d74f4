"""The painter: another process, a time limit, and text that never waits for a picture."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from desk.charts import painter as painting
from desk.charts.painter import ProcessPainter
from desk.charts.specs import BarSpec, as_spec
from desk.charts.worker import answer, frame, read_frame, serve


def _spec(title: str = "a") -> dict[str, Any]:
    return as_spec(BarSpec(labels=["x", "y"], values=[1.0, -2.0], title=title))


def _has_process(painter: ProcessPainter) -> bool:
    return painter._process is not None


@pytest.fixture
async def painter() -> AsyncIterator[ProcessPainter]:
    one = ProcessPainter(recycle_after=2)
    yield one
    await one.close()


async def test_pictures_come_from_a_process_that_is_replaced_in_time(painter: ProcessPainter) -> None:
    first = await painter.draw("daily", _spec())
    assert first is not None
    assert first.startswith(b"\x89PNG")
    process = painter._process
    assert process is not None

    # Known content comes without the process; a failure does not end it.
    assert await painter.draw("daily", _spec()) == first
    assert await painter.draw("nonsense", {}) is None
    assert painter._process is process

    assert await painter.draw("daily", _spec("b")) not in (None, first)
    assert not _has_process(painter)
    assert process.returncode is not None


async def test_a_picture_that_takes_too_long_is_given_up_with_its_process() -> None:
    impatient = ProcessPainter(time_limit_s=0.05)

    assert await impatient.draw("daily", _spec()) is None

    assert impatient._process is None
    await impatient.close()
    assert await impatient.draw("daily", _spec()) is None


async def test_a_cancelled_picture_leaves_no_answer_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    painter = ProcessPainter()
    task = asyncio.create_task(painter.draw("daily", _spec("gone")))
    async with asyncio.timeout(30):
        # The process is there a moment after the task began; there is nothing to be told by.
        while not _has_process(painter):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not _has_process(painter)
    await painter.close()


async def test_what_cannot_be_sent_is_no_picture(painter: ProcessPainter) -> None:
    assert await painter.draw("daily", {"labels": object()}) is None
    assert painter._process is None


async def test_the_memory_of_pictures_is_bounded(
    painter: ProcessPainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painting, "REMEMBERED", 2)
    for key in (b"a", b"b", b"c"):
        painter._remember(key, key)

    assert list(painter._remembered) == [b"b", b"c"]


def test_the_worker_answers_every_request_until_its_input_ends() -> None:
    import orjson

    good = orjson.dumps({"kind": "daily", "spec": _spec()})
    source = io.BytesIO(frame(good) + frame(b"not json") + frame(b'{"kind": "daily", "spec": {}}'))
    sink = io.BytesIO()

    serve(source, sink)

    sink.seek(0)
    answers = [read_frame(sink) for _ in range(3)]
    assert [one[:1] for one in answers if one] == [b"P", b"E", b"E"]
    assert read_frame(sink) is None
    assert b"missing" in answer(b'{"kind": "daily", "spec": {}}')

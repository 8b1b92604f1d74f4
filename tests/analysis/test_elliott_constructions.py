"""The worked numbers of trading-rules.md A.4, A.9 and A.10 (T1 to T4), and each pattern of A.2."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log

import pytest

from tests.support.wave_series import IMPULSE, construction
from trading.analysis.elliott import EventType, Pattern, Rule, WaveCount, WaveDetector, WaveSettings
from trading.analysis.elliott.targets import extension, retracement

MOTIVE = (Pattern.IMPULSE, Pattern.LEADING_DIAGONAL, Pattern.ENDING_DIAGONAL)


def completed(pivots: Sequence[float], scale: str = "log", bars: int = 10) -> list[tuple[int, WaveCount]]:
    """Give (bar of publication, count) of what completes on a construction."""
    detector = WaveDetector(WaveSettings(degrees=(2.0,), scale=scale))
    log_ = detector.run(construction(pivots, bars)).of_type(EventType.COUNT_COMPLETED)
    return [(event.bar_index, event.count) for event in log_ if event.count is not None]


def patterns(pivots: Sequence[float], scale: str = "log") -> list[Pattern]:
    return [count.pattern for _, count in completed(pivots, scale)]


def invalidations(pivots: Sequence[float], scale: str = "log") -> list[Rule]:
    detector = WaveDetector(WaveSettings(degrees=(2.0,), scale=scale))
    events = detector.run(construction(pivots)).of_type(EventType.COUNT_INVALIDATED)
    return [e.count.invalidation_rule for e in events if e.count and e.count.pattern is Pattern.IMPULSE]


def test_the_labelled_impulse_is_found_at_the_bars_of_the_page() -> None:
    detector = WaveDetector(WaveSettings(degrees=(2.0,)))

    events = list(detector.run(construction(IMPULSE)))

    pivots = [event.pivot for event in events if event.pivot]
    assert [pivot.extreme_index for pivot in pivots] == [9, 19, 29, 39, 49, 59]
    assert [pivot.confirmed_index for pivot in pivots] == [12, 24, 30, 44, 51, 63]
    assert [pivot.price for pivot in pivots] == [100, 120, 108, 145, 130, 155]
    impulses = [(bar, count) for bar, count in completed(IMPULSE) if count.pattern in MOTIVE]
    assert len(impulses) == 1
    bar, count = impulses[0]
    assert (bar, count.pattern, count.direction) == (63, Pattern.IMPULSE, "up")
    assert [pivot.extreme_index for pivot in count.pivots] == [9, 19, 29, 39, 49, 59]


def test_linear_thresholds_confirm_the_third_pivot_one_bar_earlier() -> None:
    """The bars of the page are those of the log scale; in price the range of the steep third wave weighs less."""
    detector = WaveDetector(WaveSettings(degrees=(2.0,), scale="linear"))

    pivots = [event.pivot for event in detector.run(construction(IMPULSE)) if event.pivot]

    assert [pivot.extreme_index for pivot in pivots] == [9, 19, 29, 39, 49, 59]
    assert [pivot.confirmed_index for pivot in pivots] == [12, 24, 30, 43, 51, 63]


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_the_labelled_impulse_is_one_impulse_in_either_scale(scale: str) -> None:
    found = [(bar, c) for bar, c in completed(IMPULSE, scale) if c.pattern in MOTIVE]

    assert [(bar, count.pattern) for bar, count in found] == [(63, Pattern.IMPULSE)]


def test_the_ratios_of_the_labelled_impulse_are_those_of_the_page() -> None:
    count = next(count for _, count in completed(IMPULSE) if count.pattern is Pattern.IMPULSE)
    p = [pivot.price for pivot in count.pivots]

    linear = [abs(b - a) for a, b in pairwise(p)]
    logs = [abs(log(b / a)) for a, b in pairwise(p)]

    for lengths, ratios in (
        (linear, (0.600, 1.850, 0.405405, 1.250)),
        (logs, (0.577883, 1.615840, 0.370667, 0.964728)),
    ):
        found = (
            lengths[1] / lengths[0],
            lengths[2] / lengths[0],
            lengths[3] / lengths[2],
            lengths[4] / lengths[0],
        )
        assert found == pytest.approx(ratios, abs=1e-6)


@pytest.mark.parametrize("scale", ["log", "linear"])
@pytest.mark.parametrize(
    ("pivots", "rule"),
    [
        ((130, 100, 120, 99.9, 145, 130, 155, 140), None),
        ((130, 100, 120, 100, 145, 130, 155, 140), None),
        ((130, 100, 120, 108, 145, 119, 155, 140), Rule.OVERLAP),
        ((130, 100, 120, 108, 145, 120, 155, 140), Rule.OVERLAP),
        ((150, 100, 130, 120, 142, 133, 166, 150), Rule.WAVE_3_SHORTEST),
        ((130, 100, 120, 108, 145, 130, 143, 125), Rule.TRUNCATED),
    ],
    ids=["wave 2 100.5 %", "wave 2 100 %", "overlap", "touch", "wave 3 shortest", "truncated"],
)
def test_a_violation_gives_no_motive_wave(pivots: Sequence[float], rule: Rule | None, scale: str) -> None:
    assert not set(patterns(pivots, scale)) & set(MOTIVE)
    # An illegal wave 2 never opens a count, so nothing of it can die.
    assert rule is None or rule in invalidations(pivots, scale)


def test_a_third_wave_need_not_be_the_longest() -> None:
    for scale in ("log", "linear"):
        assert Pattern.IMPULSE in patterns((160, 100, 120, 110, 140, 125, 165, 145), scale)


def test_a_third_wave_that_ties_as_the_shortest_passes() -> None:
    assert Pattern.IMPULSE in patterns((150, 100, 120, 110, 130, 121, 146, 130), "linear")


def test_the_scale_decides_which_wave_is_shortest() -> None:
    pivots = (160, 100, 130, 120, 145, 133, 160, 145)

    assert Pattern.IMPULSE not in patterns(pivots, "linear")
    assert Rule.WAVE_3_SHORTEST in invalidations(pivots, "linear")
    assert Pattern.IMPULSE in patterns(pivots, "log")


@pytest.mark.parametrize("scale", ["log", "linear"])
@pytest.mark.parametrize(
    ("pivots", "pattern"),
    [
        ((100, 140, 120, 132, 110, 125), Pattern.ZIGZAG),
        ((100, 140, 120, 139, 118, 130), Pattern.FLAT_REGULAR),
        ((100, 140, 120, 145, 112, 130), Pattern.FLAT_EXPANDED),
        ((100, 140, 120, 145, 124, 140), Pattern.FLAT_RUNNING),
    ],
)
def test_corrections_are_named_by_their_b_and_c(
    pivots: Sequence[float], pattern: Pattern, scale: str
) -> None:
    found = [count for _, count in completed(pivots, scale) if count.pattern not in MOTIVE]

    assert [count.pattern for count in found] == [pattern]
    assert found[0].direction == "down"
    assert [wave.label for wave in found[0].waves] == ["A", "B", "C"]


def test_the_dead_band_between_zigzag_and_flat_is_closed_at_ninety_percent() -> None:
    assert patterns((100, 140, 120, 137.9, 110, 125), "linear") == [Pattern.ZIGZAG]
    assert patterns((100, 140, 120, 138, 110, 125), "linear") == [Pattern.FLAT_REGULAR]


def test_a_b_of_more_than_twice_a_opens_no_correction() -> None:
    assert patterns((100, 140, 130, 155, 128, 140), "linear") == []


def test_contracting_wedges_are_diagonals() -> None:
    rising = (140, 100, 120, 106, 122, 111, 124, 100)
    counts = [count for _, count in completed(rising) if count.pattern in MOTIVE]

    assert [count.pattern for count in counts] == [Pattern.LEADING_DIAGONAL]
    assert not counts[0].is_expanding


def test_a_wedge_after_a_shallow_pause_is_an_ending_diagonal() -> None:
    pivots = (140, 100, 150, 135, 155, 141, 157, 146, 159, 130)
    counts = [count for _, count in completed(pivots) if count.pattern in MOTIVE]

    assert Pattern.ENDING_DIAGONAL in [count.pattern for count in counts]


def test_an_expanding_wedge_is_an_expanding_diagonal() -> None:
    pivots = (150, 100, 112, 106, 122, 109, 132, 110)
    counts = [count for _, count in completed(pivots) if count.pattern in MOTIVE]

    assert [(count.pattern, count.is_expanding) for count in counts] == [(Pattern.LEADING_DIAGONAL, True)]


def test_shrinking_legs_inside_each_other_are_a_triangle() -> None:
    pivots = (100, 150, 120, 143, 126, 138, 130, 150)

    triangles = [count for _, count in completed(pivots) if count.pattern is Pattern.TRIANGLE]

    assert [wave.label for wave in triangles[0].waves] == ["A", "B", "C", "D", "E"]
    assert not triangles[0].is_expanding


def test_growing_legs_outside_each_other_are_an_expanding_triangle() -> None:
    pivots = (100, 140, 130, 142, 126, 146, 120, 140)

    triangles = [count for _, count in completed(pivots) if count.pattern is Pattern.TRIANGLE]

    assert len(triangles) == 1
    assert triangles[0].is_expanding


def test_a_finished_impulse_supersedes_the_corrections_read_inside_it() -> None:
    detector = WaveDetector(WaveSettings(degrees=(2.0,)))

    events = list(detector.run(construction(IMPULSE)))

    impulse = next(
        e.count
        for e in events
        if e.type is EventType.COUNT_COMPLETED and e.count and e.count.pattern in MOTIVE
    )
    superseded = [e for e in events if e.type is EventType.COUNT_SUPERSEDED]
    assert {e.superseded_by for e in superseded} == {impulse.id}
    assert all(e.count and e.count.pattern is Pattern.ZIGZAG and e.bar_index == 63 for e in superseded)
    assert len(superseded) == 2


def test_fibonacci_levels_are_linear_prices() -> None:
    assert retracement(100, 120, 0.618) == pytest.approx(107.64)
    assert [extension(100, 120, 108, r) for r in (1.0, 1.618, 2.618)] == pytest.approx([128, 140.36, 160.36])


def test_each_stage_names_its_targets_confirmation_and_invalidation() -> None:
    detector = WaveDetector(WaveSettings(degrees=(2.0,)))
    stages = {
        (e.type, e.bar_index): e.count
        for e in detector.run(construction(IMPULSE))
        if e.count and e.count.pattern is Pattern.IMPULSE and e.count.id == 0
    }

    third = stages[EventType.COUNT_OPENED, 30]
    fifth = stages[EventType.WAVE_LABELLED, 51]
    whole = stages[EventType.COUNT_COMPLETED, 63]

    assert (third.current_label, third.invalidation_price, third.confirmation_price) == ("3", 100, 120)
    assert [t.price for t in third.targets] == pytest.approx([128, 140.36, 160.36])
    assert (fifth.current_label, fifth.invalidation_price, fifth.confirmation_price) == ("5", 120, 145)
    # Wave 3 is extended (1.85 times wave 1), so wave 5 is not expected to extend as well.
    assert [(t.ratio, t.price) for t in fifth.targets] == [(0.618, pytest.approx(142.36)), (1.0, 150)]
    assert (whole.current_label, whole.invalidation_price, whole.confirmation_price) == (None, 155, 130)
    assert [t.price for t in whole.targets] == pytest.approx([142.02, 133.99, 127.5, 121.01])


def test_a_tolerated_overlap_is_explicit() -> None:
    pivots = (130, 100, 120, 108, 145, 119, 155, 140)
    strict = WaveDetector(WaveSettings(degrees=(2.0,)))
    tolerant = WaveDetector(WaveSettings(degrees=(2.0,), overlap_tolerance=0.1))

    found = [
        [e.count.pattern for e in d.run(construction(pivots)).of_type(EventType.COUNT_COMPLETED) if e.count]
        for d in (strict, tolerant)
    ]

    assert Pattern.IMPULSE not in found[0]
    assert Pattern.IMPULSE in found[1]

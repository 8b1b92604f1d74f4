"""Plans: one telling, two readings (columns and explanations)."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from strategies.plan import Entry, ExitPlan, Plan, Rule, columns_of
from trading.errors import StrategyFailure
from trading.signals import DEFAULT_FRACTIONS, EntryType, Exit

CLOSE = np.array([10.0, 11.0, 12.0, 13.0])
NAN = float("nan")

FloatArray = NDArray[np.float64]


def test_an_entry_is_written_where_all_its_rules_are_met() -> None:
    entry = Entry(
        side=1,
        tag="up",
        rules=(Rule("above", CLOSE, ">", 10.5), Rule("below", CLOSE, "<", 12.5)),
        stop=CLOSE - 1.0,
        targets=(CLOSE + 1.0, CLOSE + 2.0),
        max_bars=7,
        score=CLOSE,
    )

    columns = columns_of(Plan(entries=(entry,)), CLOSE, ("up",))

    assert columns.enter.tolist() == [0, 1, 1, 0]
    assert columns.tag.tolist() == [-1, 0, 0, -1]
    np.testing.assert_array_equal(columns.stop, [NAN, 10.0, 11.0, NAN])
    np.testing.assert_array_equal(columns.targets[1], [12.0, 13.0, NAN])
    assert columns.max_bars.tolist() == [0, 7, 7, 0]
    assert columns.score.tolist() == [0.0, 11.0, 12.0, 0.0]
    assert columns.fractions[1].tolist() == list(DEFAULT_FRACTIONS)


def test_of_two_entries_met_at_one_bar_the_first_wins() -> None:
    first = Entry(side=-1, tag="down", rules=(Rule("one", CLOSE, "==", 11.0),), stop=CLOSE + 1.0)
    second = Entry(side=1, tag="up", rules=(), stop=CLOSE - 1.0)

    columns = columns_of(Plan(entries=(first, second)), CLOSE, ("up", "down"))

    assert columns.enter.tolist() == [1, -1, 1, 1]
    np.testing.assert_array_equal(columns.stop, [9.0, 12.0, 11.0, 12.0])
    assert [columns.tag_name(int(i)) for i in columns.tag] == ["up", "down", "up", "up"]


def test_an_unknown_value_never_meets_a_rule_whatever_the_relation() -> None:
    unknown = np.full(4, NAN)

    for relation in ("<", "<=", ">", ">=", "==", "!="):
        assert not Rule("x", unknown, relation, 1.0).met(4).any()
        assert not Rule("x", 1.0, relation, unknown).met(4).any()
        assert Rule("x", unknown, relation, 1.0).at(0, "tag").met is False


@pytest.mark.parametrize(
    ("side", "stop"), [(1, CLOSE + 1.0), (1, CLOSE), (-1, CLOSE - 1.0), (1, np.full(4, NAN))]
)
def test_a_stop_on_the_wrong_side_or_unknown_forbids_the_entry(side: int, stop: FloatArray) -> None:
    plan = Plan(entries=(Entry(side=side, tag="t", rules=(), stop=stop),))

    assert not columns_of(plan, CLOSE, ("t",)).enter.any()
    assert plan.conditions(CLOSE, 0)[-1].name == "t.stop_behind_entry"


def test_a_resting_entry_carries_its_price_and_expiry() -> None:
    entry = Entry(
        side=1,
        tag="t",
        rules=(),
        stop=CLOSE - 2.0,
        entry_type=EntryType.STOP,
        entry_price=CLOSE + 0.5,
        expiry_bars=3,
        fractions=(1.0, 0.0, 0.0),
    )

    row = columns_of(Plan(entries=(entry,)), CLOSE, ("t",)).row(2)

    assert (row.entry_type, row.entry_price, row.expiry_bars) == (EntryType.STOP, 12.5, 3)
    assert row.fractions == (1.0, 0.0, 0.0)


def test_exits_of_both_sides_at_one_bar_become_all() -> None:
    plan = Plan(
        exits=(
            ExitPlan(closes=Exit.LONG, tag="a", rules=(Rule("x", CLOSE, ">", 11.5),)),
            ExitPlan(closes=Exit.SHORT, tag="b", rules=(Rule("x", CLOSE, ">", 12.5),)),
        )
    )

    columns = columns_of(plan, CLOSE, ("a", "b"))

    assert columns.exit.tolist() == [Exit.NONE, Exit.NONE, Exit.LONG, Exit.ALL]
    assert [columns.tag_name(int(i)) for i in columns.exit_tag] == ["", "", "a", "a"]


def test_conditions_show_value_threshold_and_verdict_nearest_entry_first() -> None:
    far = Entry(side=1, tag="far", rules=(Rule("a", CLOSE, ">", 50.0), Rule("b", CLOSE, ">", 60.0)))
    near = Entry(side=1, tag="near", rules=(Rule("a", CLOSE, ">", 12.0), Rule("b", NAN, ">", 1.0)))

    conditions = Plan(entries=(far, near)).conditions(CLOSE, 3)

    assert [one.name for one in conditions] == ["near.a", "near.b", "far.a", "far.b"]
    assert str(conditions[0]) == "near.a: 13 > 12 met"
    assert str(conditions[1]) == "near.b: unknown > 1 not met"


def test_a_tag_that_was_not_named_is_the_authors_mistake() -> None:
    plan = Plan(entries=(Entry(side=1, tag="typo", rules=()),))

    with pytest.raises(StrategyFailure, match="Tag 'typo'"):
        columns_of(plan, CLOSE, ("up",))

"""Parameters: types, ranges, near misses, schema."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from strategies.mean_reversion import MeanReversion
from strategies.parameters import Parameter
from strategies.registry import default_registry
from strategies.trend_following import TrendFollowing
from trading.errors import BadParameter


def test_defaults_fill_what_is_not_given_and_text_is_read_as_numbers() -> None:
    strategy = TrendFollowing(fast_bars="10", sides="long")

    assert strategy.whole("fast_bars") == 10
    assert strategy.choice("sides") == "long"
    assert strategy.whole("slow_bars") == 50


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"fast_bar": 10}, ("has no parameter 'fast_bar'", "Did you mean 'fast_bars'?")),
        ({"fast_bars": 1}, ("is 1", "a whole number from 2 to 200")),
        ({"fast_bars": 10.5}, ("is 10.5", "a whole number")),
        ({"fast_bars": True}, ("is True",)),
        ({"stop_atr": "wide"}, ("is 'wide'", "a number from 0.5 to 10")),
        ({"stop_atr": float("nan")}, ("is nan",)),
        ({"sides": "lond"}, ("is 'lond'", "both, long, short", "Did you mean 'long'?")),
        ({"fast_bars": 60, "slow_bars": 50}, ("fast_bars 60 must be below slow_bars 50",)),
    ],
)
def test_a_wrong_parameter_is_refused_with_found_allowed_and_nearest(
    params: dict[str, object], words: tuple[str, ...]
) -> None:
    with pytest.raises(BadParameter) as refused:
        TrendFollowing(**params)

    for word in words:
        assert word in str(refused.value)


def test_flags_are_read_from_words() -> None:
    flag = Parameter(name="on", kind="bool", default=False)

    assert [flag.read(word) for word in ("yes", "TRUE", "0", False)] == [True, True, False, False]
    with pytest.raises(BadParameter, match="true or false"):
        flag.read("maybe")


def test_a_default_outside_its_own_range_is_refused_at_once() -> None:
    with pytest.raises(BadParameter, match="from 1 to 5"):
        Parameter(name="x", kind="int", default=9, minimum=1, maximum=5)


@pytest.mark.parametrize("name", default_registry().names())
def test_every_schema_is_valid_and_accepts_the_defaults(name: str) -> None:
    cls = default_registry().get_strategy(name)

    schema = cls.get_config_schema()

    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert validator.is_valid(dict(cls().params))
    assert not validator.is_valid({"no_such_parameter": 1})
    for parameter in cls.parameters:
        assert parameter.text.endswith("."), f"{name}.{parameter.name} has no sentence"


def test_parameters_cannot_be_changed_afterwards() -> None:
    strategy = MeanReversion()

    with pytest.raises(TypeError):
        strategy.params["rsi_low"] = 10.0  # type: ignore[index]

"""Typed lines, as phones and people write them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatops import kinds
from chatops.arguments import Argument, read_arguments, take_apart
from chatops.cards import Text
from chatops.problems import Misheard
from chatops.texts.speaker import Speaker
from chatops.typing_repair import repaired, tokens

_PAUSE = (
    Argument(name="bot", read=kinds.name),
    Argument(name="for", read=kinds.span, only_named=True),
    Argument(name="close", read=kinds.flag, is_switch=True, default=False),
    Argument(name="reason", takes_rest=True, default=""),
)


def _read(line: str) -> dict[str, object]:
    return read_arguments(_PAUSE, take_apart(line).rest, usage="/pause [bot] [for=] [--close] [reason]")


def _complaint(problem: Misheard) -> str:
    speaker = Speaker()
    return speaker.say(problem.text) + (" " + speaker.say(problem.advice) if problem.advice else "")


@pytest.mark.parametrize(
    "line",
    [
        '/pause "my bot" for=2h30m too wild',
        "/Pause “my bot” for=2h30m too wild",
        "／PAUSE@breakwater_bot «my bot» for＝２h３０m too wild",
        "/pause\u00a0“my bot”\u202ffor=2h30m\u00a0too wild",
        "/pause —for=2h30m “my bot” too wild",
        "/pause –for 2h30m bot=“my bot” too wild",
        "\ufeff/\u200bpause \u200e“my bot” FOR=2h30m too wild\u200b",
        "pause “my bot” for=2,5h too wild",
    ],
)
def test_what_a_phone_does_to_a_line_is_undone(line: str) -> None:
    spoken = take_apart(line)

    values = _read(line)

    assert spoken.name == "pause"
    assert values == {
        "bot": "my bot",
        "for": timedelta(hours=2, minutes=30),
        "close": False,
        "reason": "too wild",
    }


def test_an_apostrophe_in_a_reason_is_no_quote() -> None:
    assert _read("/pause demo I don’t trust it") == {
        "bot": "demo",
        "for": None,
        "close": False,
        "reason": "I don't trust it",
    }


def test_a_dash_between_words_stays_what_it_is() -> None:
    assert _read("/pause demo news – then again")["reason"] == "news – then again"


def test_a_switch_is_understood_with_and_without_dashes() -> None:
    assert _read("/pause demo --close")["close"] is True
    assert _read("/pause demo close")["close"] is True
    assert _read("/pause demo close=no")["close"] is False


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/pause demo for=soon", "for: 'soon' was given; a duration such as 2h30m"),
        ("/pause demo for=0h", "for: '0h' was given; a duration above nought"),
        ("/pause demo --fro=2h", "'fro' is no argument here; bot, for, close, reason are. Did you mean for?"),
        ("/pause demo for=2h for=3h", "for was given twice"),
        ("/pause demo --for", "for is missing. Say it like this: /pause"),
        ("/pause demo close=maybe", "close: 'maybe' was given; yes, no are allowed."),
    ],
)
def test_a_complaint_says_what_was_found_what_is_allowed_and_what_to_do(line: str, said: str) -> None:
    with pytest.raises(Misheard) as caught:
        _read(line)

    assert said in _complaint(caught.value)


def test_a_word_too_many_is_named_with_the_usage() -> None:
    with pytest.raises(Misheard) as caught:
        read_arguments((Argument(name="n", read=kinds.whole(1, 9)),), ["3", "4"], usage="/trades [n]")

    assert _complaint(caught.value) == "'4' is one word too many. Say it like this: /trades [n]"


@pytest.mark.parametrize("line", ["", "   ", "/", "\u200b", "／"])
def test_an_empty_line_is_no_command(line: str) -> None:
    with pytest.raises(Misheard) as caught:
        take_apart(line)

    assert caught.value.text == Text("problem.empty", {})


@pytest.mark.parametrize(
    ("reader", "typed", "value"),
    [
        (kinds.span, "1h", timedelta(hours=1)),
        (kinds.span, "90min", timedelta(minutes=90)),
        (kinds.span, "1j", timedelta(days=1)),
        (kinds.span, "1.5d", timedelta(hours=36)),
        (kinds.pair, "btc-usdt", "BTC/USDT"),
        (kinds.pair, "ＢＴＣ／ＵＳＤＴ", "BTC/USDT"),
        (kinds.pair, "eth", "ETH"),
        (kinds.pairs, "btc/usdt, eth_usdt,BTC/USDT", ("BTC/USDT", "ETH/USDT")),
        (kinds.share, "50%", Decimal("0.5")),
        (kinds.share, "12,5 %", Decimal("0.125")),
        (kinds.amount, "1,250.50", Decimal("1250.50")),
        (kinds.amount, "0,5", Decimal("0.5")),
        (kinds.whole(1, 100), "２０", 20),
        (kinds.zone, "europe/paris", "Europe/Paris"),
        (kinds.zone, "America/New York", "America/New_York"),
        (kinds.flag, "Oui", True),
        (kinds.choice("long", "short"), "LONG", "long"),
    ],
)
def test_values_are_read_as_people_type_them(reader: kinds.Reader, typed: str, value: object) -> None:
    assert reader("x", typed) == value


@pytest.mark.parametrize(
    ("reader", "typed"),
    [
        (kinds.span, "2h-30m"),
        (kinds.span, "400d"),
        (kinds.span, "45"),
        (kinds.pair, "BTC//USDT"),
        (kinds.pair, "BTC USDT"),
        (kinds.pairs, ","),
        (kinds.share, "0"),
        (kinds.share, "101%"),
        (kinds.share, "nan"),
        (kinds.amount, "-5"),
        (kinds.amount, "1e999"),
        (kinds.amount, "Infinity"),
        (kinds.whole(1, 100), "101"),
        (kinds.whole(1, 100), "1.5"),
        (kinds.zone, "Paris"),
        (kinds.zone, "../etc/passwd"),
        (kinds.choice("long", "short"), "lung"),
        (kinds.words, "x" * 501),
    ],
)
def test_values_out_of_bounds_are_refused_with_a_text(reader: kinds.Reader, typed: str) -> None:
    with pytest.raises(Misheard) as caught:
        reader("x", typed)

    assert "{" not in _complaint(caught.value)


def test_a_time_zone_near_the_typed_one_is_offered() -> None:
    with pytest.raises(Misheard) as caught:
        kinds.zone("zone", "Europe/Pariss")

    assert _complaint(caught.value).endswith("Did you mean Europe/Paris?")


@given(st.text(max_size=200))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_no_line_breaks_the_reader(line: str) -> None:
    complaints: list[str] = []
    try:
        _read(line)
    except Misheard as problem:
        complaints.append(_complaint(problem))

    assert all(complaints)


@given(
    st.lists(
        st.text(st.characters(exclude_characters='"', exclude_categories=["C", "Z"]), min_size=1), max_size=6
    )
)
@settings(max_examples=200, derandomize=True, deadline=None)
def test_quoted_words_come_back_whole(words: list[str]) -> None:
    assert tokens(" ".join(f'"{one}"' for one in words)) == words


@given(st.text(max_size=80))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_repairing_twice_is_repairing_once(line: str) -> None:
    once = repaired(line)

    assert repaired(once) == once

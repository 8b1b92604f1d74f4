"""Labelled texts: cleaned alike, grouped by likeness, and never on both sides of a split."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from desk.predictors import clean
from tests.support.data import shared_data
from trading.errors import InvalidInput
from workers.sentiment.judging import macro_f1
from workers.sentiment.lexicon import lexicon_label, lexicon_score
from workers.sentiment.texts import LabelledText, Split, groups, read_labelled, split

LICENSED = ("open",)


def many(count: int, source: str = "open") -> list[LabelledText]:
    """Texts that have little in common."""
    words = ("miners", "whales", "regulators", "lenders", "exchanges", "traders", "analysts", "developers")
    acts = ("sell", "hoard", "question", "praise", "abandon", "study", "hedge", "celebrate", "ignore")
    things = ("bitcoin", "bonds", "wheat futures", "stablecoins", "gold", "chip makers", "oil", "tokens")
    return [
        LabelledText(
            source=source,
            text=f"{words[i % 8]} {acts[i // 8 % 9]} {things[i // 72 % 8]} number {i * 7919}",
            label=i % 3 - 1,
        )
        for i in range(count)
    ]


def test_addresses_and_white_space_go() -> None:
    assert clean("Bitcoin  soars\n https://t.co/abc?x=1 today www.example.org ") == "Bitcoin soars today"


def test_texts_that_differ_by_a_word_share_a_group_and_others_do_not() -> None:
    found = groups(
        [
            "Bitcoin climbs above 60,000 dollars as funds buy the dip",
            "Miners in Texas switch off their machines in the heat",
            "BITCOIN climbs above 60,000 dollars as funds buy the dip!",
            "Bitcoin climbs above 60,000 dollars as funds buy this dip",
        ]
    )

    assert found.tolist() == [0, 1, 0, 0]


def test_likeness_passes_on_from_text_to_text() -> None:
    steps = [
        "the exchange halts withdrawals of ether after an attack on its bridge to the old chain",
        "the exchange halts withdrawals of ether after an attack on its bridge to the very old chain",
        "the exchange halts all withdrawals of ether after an attack on its bridge to the very old chain",
        "the exchange halts all withdrawals of ether after a bad attack on its bridge to the very old chain",
    ]

    assert groups([steps[0], steps[3]]).tolist() == [0, 1]
    assert groups(steps).tolist() == [0, 0, 0, 0]


def test_no_group_lies_on_both_sides_of_the_split() -> None:
    base = many(300)
    doubled = base + [
        LabelledText(source=one.source, text=one.text.upper() + "!", label=one.label) for one in base
    ]

    found = split(doubled, LICENSED)

    sides: dict[int, Split] = {}
    for group, side in zip(groups([one.text for one in doubled]).tolist(), found, strict=True):
        assert sides.setdefault(group, side) is side
    assert set(found) == {Split.TRAIN, Split.VALID, Split.TEST}


def test_foreign_texts_and_all_that_is_like_them_are_never_trained_on() -> None:
    texts = many(200) + [
        LabelledText(source="foreign", text=one.text + ".", label=one.label) for one in many(50)
    ]

    found = split(texts, LICENSED)

    assert set(found[200:]) == {Split.FOREIGN}
    assert set(found[:50]) == {Split.TEST}
    assert Split.TRAIN in found[50:200]


def test_a_text_keeps_its_side_when_others_come_or_go() -> None:
    texts = many(200)

    assert split(texts, LICENSED)[:100] == split(texts[:100], LICENSED)


def test_files_are_read_plain_and_packed(tmp_path: Path) -> None:
    body = "source,text,label,date\nopen,Bitcoin soars https://x.y,1,2022-01-25\nopen,  ,0,\n"
    plain, packed = tmp_path / "a.csv", tmp_path / "a.csv.gz"
    plain.write_text(body)
    packed.write_bytes(gzip.compress(body.encode()))

    found = read_labelled(plain)

    assert found == read_labelled(packed)
    assert found == [LabelledText(source="open", text="Bitcoin soars", label=1, date="2022-01-25")]


@pytest.mark.parametrize(
    ("body", "words"),
    [("a,b\n1,2\n", "source, text and label"), ("source,text,label\nx,y,7\n", "label '7'")],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, body: str, words: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(body)

    with pytest.raises(InvalidInput, match=words):
        read_labelled(path)


def test_real_texts_are_read_where_they_are() -> None:
    folder = shared_data()
    if folder is None:
        return
    found = read_labelled(folder / "text" / "labelled_text.csv.gz")

    assert len(found) > 12_000
    assert {one.label for one in found} == {-1, 0, 1}


def test_macro_f1_is_the_mean_over_classes() -> None:
    # F1 of -1: 2·1/(2+1) = 2/3; of 0: 2·1/(1+2) = 2/3; of 1: 2·1/(1+1) = 1.
    assert macro_f1([-1, -1, 0, 1], [-1, 0, 0, 1]) == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert macro_f1([1, 1], [-1, -1]) == 0.0


def test_the_lexicon_counts_words_for_and_against_and_turns_after_a_negation() -> None:
    assert lexicon_label("Bitcoin surges to a record high") == 1
    assert lexicon_label("Exchange hacked, token crashes") == -1
    assert lexicon_label("The committee meets on Tuesday") == 0
    assert lexicon_score("not good") == -1.0
    assert lexicon_score("gains and losses") == 0.0

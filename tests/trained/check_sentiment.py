"""A classifier of headlines fitted, exported and judged for real, small; run by `make test-train`."""

from __future__ import annotations

import random
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import orjson
import pytest
import torch
from transformers import BertConfig, BertModel

from desk.predictors import SHIPPED, SentimentModel
from workers.sentiment.export import PARITY, export
from workers.sentiment.fit import LICENSED, Classifier, Recipe, Run, averaged, fit
from workers.sentiment.judging import judge
from workers.sentiment.texts import LabelledText, Split, split

#: The lexicons' own tokenizer is compiled on its first import, with escapes that Python only warns of.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")

UP = ("soars", "climbs", "jumps", "rallies", "surges")
DOWN = ("crashes", "falls", "plunges", "slides", "tumbles")
FLAT = ("meets", "reports", "opens", "visits", "hosts")
NAMES = ("Bitcoin", "$TSLA", "Ether", "The bank", "Gold", "$SOL", "The fund", "Oil", "The miner", "Solana")
TAILS = (
    "in London",
    "on Monday",
    "after lunch",
    "before the vote",
    "this week",
    "in the rain",
    "at noon",
    "again",
)


def texts() -> list[LabelledText]:
    """Give sentences whose verb is their label, from every source and from one without a licence."""
    found = []
    dice = random.Random(3)
    sources = (*LICENSED, "foreign")
    for label, verbs in ((1, UP), (-1, DOWN), (0, FLAT)):
        for verb in verbs:
            for name in NAMES * 3:
                text = f"{name} {verb} {dice.choice(TAILS)} {dice.choice(TAILS)} {dice.randrange(10_000)}"
                found.append(LabelledText(source=dice.choice(sources), text=text, label=label))
    return found


@cache
def base() -> Path:
    """Make a small transformer that knows nothing, with the shipped tokenizer."""
    folder = Path(mkdtemp())
    torch.manual_seed(1)
    config = BertConfig(
        hidden_size=384, num_hidden_layers=1, num_attention_heads=6, intermediate_size=256, vocab_size=30_522
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    shutil.copyfile(SHIPPED / "tokenizer.json", folder / "tokenizer.json")
    return folder


RECIPE = Recipe(
    runs=(Run(seed=1), Run(seed=2, is_even=True)),
    epochs=15,
    rate=5e-4,
    batch=16,
    smoothing=0.0,
    neutral_shift=0.0,
)


@cache
def fitted() -> tuple[Classifier, list[float], list[LabelledText], list[Split]]:
    given = texts()
    splits = split(given, LICENSED)
    model, history = fit(given, splits, base(), RECIPE)
    return model, history, given, splits


def test_each_run_learns_and_nothing_foreign_is_learned_from() -> None:
    _, history, given, splits = fitted()

    assert len(history) == 2
    assert min(history) > 0.8
    assert {of for one, of in zip(given, splits, strict=True) if one.source == "foreign"} == {Split.FOREIGN}


def test_the_average_of_runs_lies_between_them() -> None:
    one = {"w": torch.tensor([0.0, 2.0]), "at": torch.tensor([1, 2])}
    other = {"w": torch.tensor([1.0, 4.0]), "at": torch.tensor([1, 2])}

    found = averaged([one, other])

    assert found["w"].tolist() == [0.5, 3.0]
    assert found["at"].tolist() == [1, 2]


def test_what_is_exported_says_the_same_is_judged_and_loads(tmp_path: Path) -> None:
    model, history, given, splits = fitted()
    source = tmp_path / "texts.csv"
    source.write_text("source,text,label\n", encoding="utf-8")

    difference = export(model, base(), tmp_path / "out")
    card = judge(given, splits, tmp_path / "out", recipe=RECIPE, history=history, texts_path=source)

    assert difference < PARITY
    assert orjson.loads(orjson.dumps(card)) == orjson.loads((tmp_path / "out" / "card.json").read_bytes())
    assert card["macro_f1"]["everything"]["texts"] == sum(of in {Split.TEST, Split.FOREIGN} for of in splits)
    assert card["macro_f1"]["everything"]["model"] > 0.8
    assert {"lexicon", "vader"} <= set(card["macro_f1"]["all"])
    scorer = SentimentModel.load(tmp_path / "out")
    assert [scorer.score(f"Copper {verb} today").label for verb in (UP[0], DOWN[0], FLAT[0])] == [1, -1, 0]

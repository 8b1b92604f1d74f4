"""Judging a classifier: macro-F1 by source next to the lexicons, written into the model's card."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from desk.predictors import SentimentModel
from workers.sentiment.lexicon import lexicon_label
from workers.sentiment.texts import LabelledText, Split

if TYPE_CHECKING:
    from workers.sentiment.fit import Recipe

#: Texts scored one at a time to measure the speed.
_TIMED = 1_000


def macro_f1(truth: Sequence[int], found: Sequence[int]) -> float:
    """Give the mean of the F1 of each class that occurs in truth or answer; 1 is perfect.

    Example:
        >>> macro_f1([1, 0, -1], [1, 0, -1])
        1.0
    """
    true, said = np.asarray(truth), np.asarray(found)
    figures = []
    for label in sorted(set(truth) | set(found)):
        hits = int(((true == label) & (said == label)).sum())
        wrong = int((true == label).sum()) + int((said == label).sum())
        figures.append(2.0 * hits / wrong if wrong else 0.0)
    return float(np.mean(figures)) if figures else 0.0


def judge(
    texts: Sequence[LabelledText],
    splits: Sequence[Split],
    folder: Path,
    *,
    recipe: Recipe,
    history: Sequence[float],
    texts_path: Path,
) -> dict[str, Any]:
    """Score the test and the foreign texts with the exported model and the lexicons; write `card.json`."""
    model = SentimentModel.load(folder)
    unseen = [one for one, of in zip(texts, splits, strict=True) if of in {Split.TEST, Split.FOREIGN}]
    said = {"model": [model.score(one.text).label for one in unseen]}
    for name, label in _lexicons().items():
        said[name] = [label(one.text) for one in unseen]
    licensed = np.array([of is Split.TEST for of in splits if of in {Split.TEST, Split.FOREIGN}])
    truth = np.array([one.label for one in unseen])
    sources = np.array([one.source for one in unseen])
    views = {"all": np.ones(len(unseen), dtype=bool), "licensed": licensed}
    views |= {name: sources == name for name in sorted(set(sources.tolist()))}
    table = {
        view: {"texts": int(mask.sum())}
        | {
            name: round(macro_f1(truth[mask].tolist(), np.array(labels)[mask].tolist()), 4)
            for name, labels in said.items()
        }
        for view, mask in views.items()
    }
    began = time.process_time()
    for one in unseen[:_TIMED]:
        model.score(one.text)
    per_s = min(len(unseen), _TIMED) / (time.process_time() - began)
    counts = {str(of): sum(one is of for one in splits) for of in Split}
    card = {
        "name": "breakwater-sentiment",
        "version": 1,
        "base": "all-MiniLM-L6-v2 (Apache-2.0), six layers, fine-tuned, int8",
        "labels": {"-1": "bearish", "0": "neutral", "1": "bullish"},
        "trained_on": "twitter-financial-news-sentiment, surge-ai crypto-sentiment and stock-sentiment (each MIT)",
        "texts_sha256": hashlib.sha256(texts_path.read_bytes()).hexdigest(),
        "splits": counts,
        "recipe": asdict(recipe),
        "validation_macro_f1": [round(one, 4) for one in history],
        "macro_f1": table,
        "texts_per_cpu_second": round(per_s),
        "sha256": {
            one.name: hashlib.sha256(one.read_bytes()).hexdigest()
            for one in sorted(folder.iterdir())
            if one.name in {"model.onnx", "tokenizer.json"}
        },
        "bytes": (folder / "model.onnx").stat().st_size,
        "limits": "English headlines and short posts. Says how a text sounds to traders, not what a price will do.",
    }
    (folder / "card.json").write_bytes(orjson.dumps(card, option=orjson.OPT_INDENT_2))
    return card


def _lexicons() -> dict[str, Callable[[str], int]]:
    """Give our own lexicon, and those of other packages where they are installed."""
    found: dict[str, Callable[[str], int]] = {"lexicon": lexicon_label}
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return found
    vader = SentimentIntensityAnalyzer()

    def by_vader(text: str) -> int:
        score = vader.polarity_scores(text)["compound"]
        return 1 if score >= 0.05 else -1 if score <= -0.05 else 0

    found["vader"] = by_vader
    return found

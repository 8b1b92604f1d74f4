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
from workers.sentiment.lexicon import lexicon_score
from workers.sentiment.texts import LabelledText, Split, in_test_share

if TYPE_CHECKING:
    from workers.sentiment.fit import Recipe

#: Texts scored one at a time to measure the speed.
_TIMED = 1_000

#: Scores of a lexicon up to which a text may count as neutral.
_THRESHOLDS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


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
    valid = [one for one, of in zip(texts, splits, strict=True) if of is Split.VALID]
    for name, label in _lexicons(valid).items():
        said[name] = [label(one.text) for one in unseen]
    licensed = np.array([of is Split.TEST for of in splits if of in {Split.TEST, Split.FOREIGN}])
    truth = np.array([one.label for one in unseen])
    sources = np.array([one.source for one in unseen])
    shared = licensed | np.array([in_test_share(one.text) for one in unseen])
    # "all": of every source the same share; "everything": with all foreign texts, which outnumber the licensed ones.
    views = {"all": shared, "licensed": licensed, "everything": np.ones(len(unseen), dtype=bool)}
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
        "score": "probability of bullish less that of bearish",
        "not_for": "Deciding a trade by itself; texts in other languages; long documents, of which only the start is read.",
        "limits": "English headlines and short posts. Says how a text sounds to traders, not what a price will do.",
    }
    (folder / "card.json").write_bytes(orjson.dumps(card, option=orjson.OPT_INDENT_2))
    return card


def _lexicons(valid: Sequence[LabelledText]) -> dict[str, Callable[[str], int]]:
    """Give our own lexicon, and those of other packages where they are installed.

    Where a score counts as a side is chosen on the validation texts, as it is for the model.
    """
    scores: dict[str, Callable[[str], float]] = {"lexicon": lexicon_score}
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return {name: _tuned(one, valid) for name, one in scores.items()}
    plain, financial = SentimentIntensityAnalyzer(), SentimentIntensityAnalyzer()
    scores["vader"] = lambda text: float(plain.polarity_scores(text)["compound"])
    try:
        from finvader.Henry import lexicon2
        from finvader.SentiBignomics import lexicon1
    except ImportError:
        return {name: _tuned(one, valid) for name, one in scores.items()}
    # As that package puts them together; its own entry point fetches VADER's words over the network.
    financial.lexicon.update({word: 0.1 * value for word, value in lexicon1().items()} | lexicon2())
    scores["finvader"] = lambda text: float(financial.polarity_scores(text)["compound"])
    return {name: _tuned(one, valid) for name, one in scores.items()}


def _tuned(score: Callable[[str], float], valid: Sequence[LabelledText]) -> Callable[[str], int]:
    """Give labels by the threshold that does best on the validation texts."""
    found = np.array([score(one.text) for one in valid])
    truth = [one.label for one in valid]

    def figure(threshold: float) -> float:
        return macro_f1(truth, ((found > threshold).astype(int) - (found < -threshold)).tolist())

    best = max(_THRESHOLDS, key=figure)

    def label(text: str) -> int:
        said = score(text)
        return int(said > best) - int(said < -best)

    return label

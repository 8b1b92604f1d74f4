"""Learned models at run time: ONNX files and tokenizers, nothing else."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from trading.errors import InvalidInput, OperatorProblem

#: Longest text that is looked at; a headline has 100 letters, and nobody may make us read a book.
MOST_LETTERS = 2_000

#: Tokens of one text; the model knows 128 places.
_TOKENS = 64

_URL = re.compile(r"https?://\S+|www\.\S+")
_SPACE = re.compile(r"\s+")


def clean(text: str) -> str:
    """Strip addresses and collapse white space: texts are scored as they were learned from."""
    return _SPACE.sub(" ", _URL.sub(" ", text)).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentiment:
    """How a text sounds.

    Attributes:
        label: -1 bearish, 0 neutral, 1 bullish: the most probable one.
        score: probability of bullish less that of bearish, -1 to 1.
        bearish, neutral, bullish: probabilities; they add up to 1.
    """

    label: int
    score: float
    bearish: float
    neutral: float
    bullish: float


class SentimentModel:
    """Scores texts one at a time: with batches the rounding of the weights would depend on the neighbours."""

    def __init__(self, session: Any, tokenizer: Any, card: dict[str, Any]) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self.card = card

    @classmethod
    def load(cls, folder: Path) -> SentimentModel:
        """Load `model.onnx` and `tokenizer.json` from a folder; with a `card.json` their hashes must be the card's.

        Raises:
            OperatorProblem: a file is missing, broken, or not the one that the card names.
        """
        # A third of a second that only who scores should pay.
        import onnxruntime
        from tokenizers import Tokenizer

        card = _card(folder)
        try:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.inter_op_num_threads = 1
            session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as problem:
            # Both libraries raise bare exceptions of their own for a file that is not theirs.
            raise OperatorProblem(
                f"The sentiment model in '{folder}' cannot be loaded: {problem}.",
                hint="Name a folder with model.onnx and tokenizer.json.",
            ) from problem
        tokenizer.enable_truncation(_TOKENS)
        tokenizer.no_padding()
        return cls(session, tokenizer, card)

    def score(self, text: str) -> Sentiment:
        """Score one text.

        Raises:
            InvalidInput: nothing is left of it without addresses and white space.
        """
        plain = clean(text[:MOST_LETTERS])
        if not plain:
            raise InvalidInput("An empty text was given; words are needed.")
        found = self._tokenizer.encode(plain)
        ids = np.asarray([found.ids], dtype=np.int64)
        (logits,) = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        weights = np.exp(logits[0] - logits[0].max())
        bearish, neutral, bullish = (weights / weights.sum()).tolist()
        return Sentiment(
            label=int(np.argmax(weights)) - 1,
            score=bullish - bearish,
            bearish=bearish,
            neutral=neutral,
            bullish=bullish,
        )


def _card(folder: Path) -> dict[str, Any]:
    path = folder / "card.json"
    if not path.is_file():
        return {}
    card: dict[str, Any] = orjson.loads(path.read_bytes())
    for name, wanted in card.get("sha256", {}).items():
        file = folder / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != wanted:
            raise OperatorProblem(
                f"'{name}' in '{folder}' is not the file that the model's card names.",
                hint="Fit and export the model anew, or fetch its folder again.",
            )
    return card

"""Learned models at run time: ONNX files and tokenizers, nothing else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from desk.news.text import plain
from trading.errors import InvalidInput, OperatorProblem

#: Longest text that is looked at; a headline has 100 letters, and nobody may make us read a book.
MOST_LETTERS = 2_000

#: The model that comes with the product.
SHIPPED = Path(__file__).parent / "news" / "model"

#: Tokens of one text; longer ones are cut.
_TOKENS = 64

#: A model that knows no neutral is neutral where its two sides are closer than this.
_UNDECIDED = 1 / 3

_URL = re.compile(r"https?://\S+|www\.\S+")
_SPACE = re.compile(r"\s+")

#: What models of others call the three sides.
_SIDES: Mapping[str, int] = {
    "bearish": -1,
    "negative": -1,
    "neg": -1,
    "neutral": 0,
    "neu": 0,
    "bullish": 1,
    "positive": 1,
    "pos": 1,
}

#: A model's name where Hugging Face keeps it, as in "owner/model" or "owner/model@revision".
_NAME = re.compile(r"^[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}(?:@[A-Za-z0-9][\w.-]{0,95})?$")

#: Files that are fetched of it: data only, nothing that runs when it is read.
_WANTED = ("config.json", "tokenizer.json", "model.onnx", "onnx/model.onnx")


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


def onnx_session(body: bytes) -> Any:
    """Open a network from its file, on one thread.

    Raises:
        OperatorProblem: it is no ONNX file that can be run here.
    """
    try:
        return _session(body)
    except Exception as problem:
        # The library raises bare exceptions of its own for a file that is not its.
        raise OperatorProblem(
            f"A network cannot be loaded: {problem}"[:500], hint="Train it anew."
        ) from problem


def _session(source: bytes | str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


class SentimentModel:
    """Scores texts one at a time: with batches the rounding of the weights would depend on the neighbours.

    Args:
        sides: which side each output of the model stands for.
        name: told with each score.
    """

    def __init__(
        self, session: Any, tokenizer: Any, card: Mapping[str, Any], *, sides: Sequence[int], name: str
    ) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._inputs = tuple(one.name for one in session.get_inputs())
        self._sides = np.asarray(sides)
        self.card = card
        self.name = name

    @classmethod
    def load(cls, folder: Path) -> SentimentModel:
        """Load a folder with `model.onnx` (or `onnx/model.onnx`) and `tokenizer.json`.

        With a `card.json` the hashes must be the card's; with a `config.json` its `id2label` names the sides.

        Raises:
            OperatorProblem: a file is missing, broken, not the one that the card names, or says no known side.
        """
        # A third of a second that only who scores should pay.
        from tokenizers import Tokenizer

        card = _card(folder)
        file = folder / "model.onnx"
        file = file if file.is_file() else folder / "onnx" / "model.onnx"
        sides = _sides(folder)
        try:
            session = _session(str(file))
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as problem:
            # Both libraries raise bare exceptions of their own for a file that is not theirs.
            raise OperatorProblem(
                f"The sentiment model in '{folder}' cannot be loaded: {problem}.",
                hint="Name a folder with model.onnx and tokenizer.json.",
            ) from problem
        tokenizer.enable_truncation(_TOKENS)
        tokenizer.no_padding()
        name = f"{card['name']} {card['version']}" if "name" in card else folder.name
        return cls(session, tokenizer, card, sides=sides, name=name)

    def score(self, text: str) -> Sentiment:
        """Score one text.

        Raises:
            InvalidInput: nothing is left of it without addresses and white space.
        """
        words = _words(text)
        if not words:
            raise InvalidInput("An empty text was given; words are needed.")
        found = self._tokenizer.encode(words)
        ids = np.asarray([found.ids], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        (logits, *_) = self._session.run(None, {name: given[name] for name in self._inputs})
        return self._said(np.asarray(logits[0], np.float64))

    @staticmethod
    def has_words(text: str) -> bool:
        """Tell whether anything is left of a text to be scored."""
        return bool(_words(text))

    def _said(self, logits: NDArray[np.float64]) -> Sentiment:
        weights = np.exp(logits - logits.max())
        weights /= weights.sum()
        bearish, neutral, bullish = (float(weights[self._sides == side].sum()) for side in (-1, 0, 1))
        score = bullish - bearish
        label = int(np.argmax((bearish, neutral, bullish))) - 1
        if 0 not in self._sides and abs(score) < _UNDECIDED:
            label = 0
        return Sentiment(label=label, score=score, bearish=bearish, neutral=neutral, bullish=bullish)


def _words(text: str) -> str:
    return clean(plain(text, MOST_LETTERS))


def sentiment_model(wanted: str = "") -> SentimentModel:
    """Load the model of a setting: empty is the shipped one, else a folder, else a name at Hugging Face.

    Raises:
        OperatorProblem: it cannot be found, fetched or loaded.
    """
    if not wanted:
        return SentimentModel.load(SHIPPED)
    folder = Path(wanted).expanduser()
    if folder.is_dir():
        return SentimentModel.load(folder)
    if not _NAME.match(wanted):
        raise OperatorProblem(
            f"Sentiment model '{wanted[:200]}' is no folder and no name like 'owner/model'.",
            hint="Name a folder with model.onnx and tokenizer.json, or leave the setting empty.",
        )
    return SentimentModel.load(_fetched(wanted))


def _fetched(wanted: str) -> Path:
    """Fetch a model's files from Hugging Face, or take them from the cache of an earlier time."""
    from huggingface_hub import snapshot_download

    name, _, revision = wanted.partition("@")
    try:
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=list(_WANTED)))
    except Exception as problem:
        # Its exceptions are those of three libraries, for a name, a network or a disk that is not there.
        raise OperatorProblem(
            f"Sentiment model '{wanted}' cannot be fetched: {type(problem).__name__}.",
            hint="Where there is no network, name a folder with its files.",
        ) from problem


def _sides(folder: Path) -> list[int]:
    """Give the side of each output: as config.json names them, else bearish, neutral, bullish."""
    path = folder / "config.json"
    if not path.is_file():
        return [-1, 0, 1]
    try:
        labels = orjson.loads(path.read_bytes())["id2label"]
        sides = [_SIDES[str(labels[str(at)]).lower()] for at in range(len(labels))]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as problem:
        raise OperatorProblem(
            f"'{path}' names no sides that are known: {problem}.",
            hint=f"Its id2label must use the words {', '.join(_SIDES)}.",
        ) from problem
    if not {-1, 1} <= set(sides):
        raise OperatorProblem(
            f"'{path}' names the sides {sorted(set(sides))}; a bearish and a bullish one are needed."
        )
    return sides


def _card(folder: Path) -> dict[str, Any]:
    path = folder / "card.json"
    if not path.is_file():
        return {}
    try:
        card: dict[str, Any] = orjson.loads(path.read_bytes())
        pinned = dict(card.get("sha256", {}))
    except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError) as problem:
        raise OperatorProblem(f"'{path}' is no model card: {problem}.") from problem
    for name, wanted in pinned.items():
        file = folder / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != wanted:
            raise OperatorProblem(
                f"'{name}' in '{folder}' is not the file that the model's card names.",
                hint="Fit and export the model anew, or fetch its folder again.",
            )
    return card

"""Fitting the classifier: a small transformer whose last layers learn what traders mean.

Needs torch and transformers (requirements/train.txt); nothing at run time does.

    python -m workers.sentiment.fit --texts labelled_text.csv.gz --base MINILM_FOLDER --out FOLDER
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch
from tokenizers import Tokenizer
from torch import nn

from workers.sentiment.augment import retold
from workers.sentiment.judging import macro_f1
from workers.sentiment.texts import LabelledText, Split, read_labelled, split

#: Sources whose licence (MIT) allows a model to be trained and shipped.
LICENSED = ("twitter_financial_news", "surge_crypto", "surge_stock")

#: Longest input; headlines are shorter.
TOKENS = 64

CLASSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One of the fits whose weights are averaged.

    Attributes:
        is_even: names are swapped as often in texts of each label, so that a name says nothing about the label.
    """

    seed: int
    is_even: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the fit is done.

    Attributes:
        runs: fits that start from the same weights; their end weights are averaged.
        repeats: how often a small source is seen in an epoch.
        neutral_shift: added to the logit of neutral; chosen on the validation texts, each source counting the same.
    """

    runs: tuple[Run, ...] = (Run(seed=7), Run(seed=9, is_even=True))
    repeats: int = 2
    neutral_shift: float = -0.3
    epochs: int = 3
    batch: int = 32
    rate: float = 1e-4
    decay: float = 0.01
    warm_up: float = 0.1
    smoothing: float = 0.05
    dropout: float = 0.1
    clip: float = 1.0


class Classifier(nn.Module):  # type: ignore[misc]
    """A transformer, the mean of its words, and a linear layer: logits of bearish, neutral, bullish."""

    def __init__(self, body: nn.Module, width: int, dropout: float) -> None:
        super().__init__()
        self.body = body
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Give logits of shape (texts, 3)."""
        return self.head(self.dropout(self.mean_of(input_ids, attention_mask)))

    def mean_of(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Give the mean of the words, of shape (texts, width)."""
        words = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(words.dtype)
        return (words * mask).sum(1) / mask.sum(1).clamp(min=1.0)


def load_body(base: Path, *, positions: int = 128) -> nn.Module:
    """Load the transformer from a folder, with its positions cut: headlines need no 512."""
    from transformers import BertModel

    body: Any = BertModel.from_pretrained(
        str(base), add_pooling_layer=False, attn_implementation="eager", local_files_only=True
    )
    kept = body.embeddings.position_embeddings.weight.data[:positions].clone()
    body.embeddings.position_embeddings = nn.Embedding.from_pretrained(kept, freeze=False)
    body.embeddings.position_ids = torch.arange(positions).expand((1, -1))
    body.embeddings.token_type_ids = torch.zeros((1, positions), dtype=torch.long)
    body.config.max_position_embeddings = positions
    # The words are known; the few texts at hand would only pull some of them apart.
    body.embeddings.word_embeddings.weight.requires_grad = False
    return body


def load_tokenizer(base: Path) -> Tokenizer:
    """Load the tokenizer as the product uses it: cut, never padded."""
    found = Tokenizer.from_file(str(base / "tokenizer.json"))
    found.enable_truncation(TOKENS)
    found.no_padding()
    return found


def fit(
    texts: Sequence[LabelledText],
    splits: Sequence[Split],
    base: Path,
    recipe: Recipe,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[Classifier, list[float]]:
    """Fit the classifier; give it with the macro-F1 of each run on the validation texts.

    Each run ends where its learning rate does; test and foreign texts are not looked at.
    """
    tokenizer = load_tokenizer(base)
    train = [one for one, of in zip(texts, splits, strict=True) if of is Split.TRAIN]
    valid = [one for one, of in zip(texts, splits, strict=True) if of is Split.VALID]
    torch.manual_seed(recipe.runs[0].seed)
    model = Classifier(load_body(base), 384, recipe.dropout)
    counts = np.bincount([one.label + 1 for one in train], minlength=CLASSES)
    weights = torch.tensor((counts.sum() / np.maximum(counts, 1)) ** 0.5, dtype=torch.float32)
    loss_of = nn.CrossEntropyLoss(weight=weights / weights.mean(), label_smoothing=recipe.smoothing)
    _start_head(model, train, tokenizer, loss_of)
    start = _weights(model)
    ends: list[dict[str, torch.Tensor]] = []
    history: list[float] = []
    for run in recipe.runs:
        model.load_state_dict(start)
        _train(model, train, tokenizer, recipe, run, loss_of, say)
        ends.append(_weights(model))
        history.append(macro_f1([one.label for one in valid], predict(model, tokenizer, valid)))
        say(f"seed {run.seed}: validation macro-F1 {history[-1]:.4f}")
    model.load_state_dict(averaged(ends))
    with torch.no_grad():
        model.head.bias[1] += recipe.neutral_shift
    # The wrapper, not its parts: an exporter that restores modes would bring the dropout back.
    model.eval()
    return model, history


def averaged(ends: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Give the mean of weights that began at the same place; whole numbers, which are positions, stay."""
    first = ends[0]
    return {
        name: torch.stack([one[name] for one in ends]).mean(0) if value.is_floating_point() else value
        for name, value in first.items()
    }


def _weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: one.clone() for name, one in model.state_dict().items()}


def _start_head(
    model: Classifier, train: Sequence[LabelledText], tokenizer: Tokenizer, loss_of: nn.Module
) -> None:
    """Fit the last layer alone first: a random one would bend what the layers below it know."""
    model.eval()
    seen, labels = [], []
    with torch.inference_mode(), _short_floats():
        for ids, mask, found in batches(train, tokenizer, 64, random.Random(0)):  # noqa: S311
            seen.append(model.mean_of(ids, mask).float())
            labels.append(found)
    means, truth = torch.cat(seen).clone(), torch.cat(labels)
    optimizer = torch.optim.LBFGS(model.head.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        found = loss_of(model.head(means), truth) + 1e-4 * model.head.weight.square().sum()
        found.backward()
        return found

    optimizer.step(loss)


def _train(
    model: Classifier,
    train: Sequence[LabelledText],
    tokenizer: Tokenizer,
    recipe: Recipe,
    run: Run,
    loss_of: nn.Module,
    say: Callable[[str], None],
) -> None:
    torch.manual_seed(run.seed)
    dice = random.Random(run.seed)  # noqa: S311 - an order of batches, not a secret
    counts = Counter(one.label for one in train)
    rarest = min(counts.values())
    largest = Counter(one.source for one in train).most_common(1)[0][0]
    repeated = [one for one in train for _ in range(1 if one.source == largest else recipe.repeats)]
    learned = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=recipe.rate, weight_decay=recipe.decay)
    steps = recipe.epochs * -(-len(repeated) // recipe.batch)
    warm = max(1, int(recipe.warm_up * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
    )
    model.train()
    for epoch in range(recipe.epochs):
        told = [
            replace(
                one,
                text=retold(
                    one.text, dice, swaps=not run.is_even or dice.random() < rarest / counts[one.label]
                ),
            )
            for one in repeated
        ]
        for number, (ids, mask, labels) in enumerate(batches(told, tokenizer, recipe.batch, dice)):
            optimizer.zero_grad()
            with _short_floats():
                logits = model(ids, mask)
            loss = loss_of(logits.float(), labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learned, recipe.clip)
            optimizer.step()
            schedule.step()
            if number % 50 == 0:
                say(f"epoch {epoch} step {number} loss {loss.item():.3f}")


def _short_floats() -> torch.autocast:
    return torch.autocast("cpu", dtype=torch.bfloat16)


def batches(
    texts: Sequence[LabelledText], tokenizer: Tokenizer, size: int, dice: random.Random
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Give batches of texts of like length, in random order."""
    encoded = [
        (one.ids, text.label + 1)
        for one, text in zip(tokenizer.encode_batch([one.text for one in texts]), texts, strict=True)
    ]
    dice.shuffle(encoded)
    pools = [encoded[start : start + 50 * size] for start in range(0, len(encoded), 50 * size)]
    for pool in pools:
        pool.sort(key=lambda one: len(one[0]))
        cut = [pool[start : start + size] for start in range(0, len(pool), size)]
        dice.shuffle(cut)
        for rows in cut:
            ids, mask = padded([one[0] for one in rows])
            yield ids, mask, torch.tensor([one[1] for one in rows])


def padded(rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Give ids and mask of shape (rows, longest)."""
    longest = max(len(one) for one in rows)
    ids = torch.zeros((len(rows), longest), dtype=torch.long)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for at, one in enumerate(rows):
        ids[at, : len(one)] = torch.tensor(one)
        mask[at, : len(one)] = 1
    return ids, mask


def predict(model: Classifier, tokenizer: Tokenizer, texts: Sequence[LabelledText]) -> list[int]:
    """Give labels -1, 0 or 1."""
    model.eval()
    found: list[int] = []
    with torch.inference_mode():
        for start in range(0, len(texts), 64):
            rows = tokenizer.encode_batch([one.text for one in texts[start : start + 64]])
            ids, mask = padded([one.ids for one in rows])
            found += (model(ids, mask).argmax(1) - 1).tolist()
    return found


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def main() -> None:
    """Fit, export and judge."""
    from workers.sentiment.export import export
    from workers.sentiment.judging import judge

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True, help="folder of the MiniLM model")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=Recipe().epochs)
    asked = parser.parse_args()
    texts = read_labelled(asked.texts)
    splits = split(texts, LICENSED)
    recipe = Recipe(epochs=asked.epochs)
    model, history = fit(texts, splits, asked.base, recipe, say=_say)
    export(model, asked.base, asked.out)
    card = judge(texts, splits, asked.out, recipe=recipe, history=history, texts_path=asked.texts)
    sys.stdout.write(orjson.dumps(card, option=orjson.OPT_INDENT_2).decode() + "\n")


if __name__ == "__main__":
    main()

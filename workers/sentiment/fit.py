"""Fitting the classifier: a small transformer whose last layers learn what traders mean.

Needs torch and transformers (requirements/train.txt); nothing at run time does.

    python -m workers.sentiment.fit --texts labelled_text.csv.gz --base MINILM_FOLDER --out FOLDER
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch
from tokenizers import Tokenizer
from torch import nn

from workers.sentiment.judging import macro_f1
from workers.sentiment.texts import LabelledText, Split, read_labelled, split

#: Sources whose licence (MIT) allows a model to be trained and shipped.
LICENSED = ("twitter_financial_news", "surge_crypto", "surge_stock")

#: Longest input; headlines are shorter.
TOKENS = 64

CLASSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the fit is done."""

    epochs: int = 3
    batch: int = 32
    rate: float = 1e-4
    decay: float = 0.01
    warm_up: float = 0.1
    smoothing: float = 0.05
    dropout: float = 0.1
    clip: float = 1.0
    seed: int = 7


class Classifier(nn.Module):  # type: ignore[misc]
    """A transformer, the mean of its words, and a linear layer: logits of bearish, neutral, bullish."""

    def __init__(self, body: nn.Module, width: int, dropout: float) -> None:
        super().__init__()
        self.body = body
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Give logits of shape (texts, 3)."""
        words = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(words.dtype)
        mean = (words * mask).sum(1) / mask.sum(1).clamp(min=1.0)
        return self.head(self.dropout(mean))


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
    """Fit the classifier; give it with the macro-F1 on the validation texts after each epoch.

    The epoch with the best validation figure is kept; test and foreign texts are not looked at.
    """
    torch.manual_seed(recipe.seed)
    tokenizer = load_tokenizer(base)
    train = [one for one, of in zip(texts, splits, strict=True) if of is Split.TRAIN]
    valid = [one for one, of in zip(texts, splits, strict=True) if of is Split.VALID]
    body = load_body(base)
    model = Classifier(body, 384, recipe.dropout)
    learned = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=recipe.rate, weight_decay=recipe.decay)
    steps = recipe.epochs * -(-len(train) // recipe.batch)
    warm = max(1, int(recipe.warm_up * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
    )
    counts = np.bincount([one.label + 1 for one in train], minlength=CLASSES)
    weights = torch.tensor((counts.sum() / np.maximum(counts, 1)) ** 0.5, dtype=torch.float32)
    loss_of = nn.CrossEntropyLoss(weight=weights / weights.mean(), label_smoothing=recipe.smoothing)
    dice = random.Random(recipe.seed)  # noqa: S311 - an order of batches, not a secret
    best, best_state, history = -1.0, None, []
    for epoch in range(recipe.epochs):
        model.train()
        for number, (ids, mask, labels) in enumerate(batches(train, tokenizer, recipe.batch, dice)):
            optimizer.zero_grad()
            loss = loss_of(model(ids, mask), labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learned, recipe.clip)
            optimizer.step()
            schedule.step()
            if number % 50 == 0:
                say(f"epoch {epoch} step {number} loss {loss.item():.3f}")
        figure = macro_f1([one.label for one in valid], predict(model, tokenizer, valid))
        history.append(figure)
        say(f"epoch {epoch}: validation macro-F1 {figure:.4f}")
        if figure > best:
            best, best_state = figure, {name: one.clone() for name, one in model.state_dict().items()}
    assert best_state is not None, "at least one epoch is run"
    model.load_state_dict(best_state)
    # The wrapper, not its parts: an exporter that restores modes would bring the dropout back.
    model.eval()
    return model, history


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

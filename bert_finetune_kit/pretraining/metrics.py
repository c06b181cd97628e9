"""Sums over examples → losses and scores of pretraining."""

import math
from typing import Any

import numpy as np
from torch import Tensor

from ..reporting.intervals import Interval, mean_interval, ratio_interval, wilson
from ..reporting.report import Score
from .collator import IGNORED
from .model import PretrainingOutput

GLOSSARY = (
    Score(
        "perplexity",
        "perplexity",
        ",.1f",
        "exp of the mean cross-entropy of the masked words, each weighing the same; guessing evenly scores the size of "
        "the vocabulary, so a figure near it or above means that nothing was learnt.",
        lower_is_better=True,
    ),
    Score("mlm_accuracy", "masked accuracy", ".1%", "share of the masked words whose first guess is right."),
    Score("pair_accuracy", "pair accuracy", ".1%", "share of the segment pairs told rightly; a coin scores 50%."),
    Score(
        "mlm_loss", "MLM loss", ".4f", "mean cross-entropy of the masked words in nats: the log of perplexity.", True
    ),
    Score("pair_loss", "pair loss", ".4f", "mean cross-entropy of the pair task in nats; a coin scores 0.6931.", True),
    Score("non_finite_examples", "non-finite", ",d", "examples with a NaN or infinite loss, left out of scores.", True),
)
OUTPUT_FIELDS = ("mlm_loss", "mlm_correct", "mlm_count", "pair_loss", "pair_correct")


def loss_sums(output: PretrainingOutput) -> dict[str, Tensor]:
    """Return the summed loss of each term of a batch, in nats."""
    sums = {"mlm": output.mlm_loss, "pair": output.pair_loss}
    return {term: losses.sum() for term, losses in sums.items() if losses is not None}


def loss_counts(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return how many items each loss term of a batch sums over: predicted tokens, and pairs."""
    labels = {"mlm": batch["labels"], "pair": batch.get("next_sentence_label")}
    return {term: (values != IGNORED).sum() for term, values in labels.items() if values is not None}


def pretraining_scores(outputs: tuple[np.ndarray, ...]) -> dict[str, float]:
    """Reduce what each evaluation example contributed to scores of the whole set.

    Args:
        outputs: arrays (examples,) in the order of `PretrainingOutput`; the last two are absent without pairs.

    Returns:
        `mlm_loss`: nats a predicted token, every token weighing the same; `perplexity`: its exponential, of the
        masked words alone, not of the sum of both losses; `mlm_accuracy`; with pairs `pair_loss` and `pair_accuracy`;
        `loss`: the sum of both losses; `non_finite_examples`: those with a NaN or infinite loss, which the scores
        leave out; left away where there are none.
    """
    values = dict(zip(OUTPUT_FIELDS, (np.asarray(column, np.float64) for column in outputs), strict=False))
    finite = np.isfinite(values["mlm_loss"]) & np.isfinite(values.get("pair_loss", 0.0))
    broken = int((~finite).sum())
    values = {name: column[finite] for name, column in values.items()}
    predicted, examples = values["mlm_count"].sum(), len(values["mlm_loss"])
    if not predicted:
        return {"loss": math.nan, "non_finite_examples": broken}
    mlm_loss = values["mlm_loss"].sum() / predicted
    scores = {
        "loss": mlm_loss,
        "mlm_loss": mlm_loss,
        "perplexity": math.exp(min(mlm_loss, 700.0)),
        "mlm_accuracy": values["mlm_correct"].sum() / predicted,
    }
    if "pair_loss" in values:
        scores["pair_loss"] = values["pair_loss"].sum() / examples
        scores["pair_accuracy"] = values["pair_correct"].sum() / examples
        scores["loss"] += scores["pair_loss"]
    if broken:
        scores["non_finite_examples"] = broken
    return scores


def score_intervals(outputs: tuple[np.ndarray, ...]) -> dict[str, Interval]:
    """Return 95% intervals of `pretraining_scores`: a bootstrap over examples, whose masked words are alike; Wilson's
    of the accuracy of pairs.

    Args:
        outputs: as there; of fewer than four finite examples there are no intervals.
    """
    values = dict(zip(OUTPUT_FIELDS, (np.asarray(column, np.float64) for column in outputs), strict=False))
    finite = np.isfinite(values["mlm_loss"]) & np.isfinite(values.get("pair_loss", 0.0))
    values = {name: column[finite] for name, column in values.items()}
    if finite.sum() < 4 or not values["mlm_count"].sum():
        return {}
    loss = ratio_interval(values["mlm_loss"], values["mlm_count"])
    found = {
        "mlm_loss": loss,
        "perplexity": (math.exp(min(loss[0], 700.0)), math.exp(min(loss[1], 700.0))),
        "mlm_accuracy": ratio_interval(values["mlm_correct"], values["mlm_count"]),
    }
    if "pair_loss" in values:
        found["pair_loss"] = mean_interval(values["pair_loss"])
        found["pair_accuracy"] = wilson(round(values["pair_correct"].sum()), len(values["pair_correct"]))
    return found


def baseline_scores(train_counts: np.ndarray, eval_counts: np.ndarray, pairs: bool) -> dict[str, dict[str, float]]:
    """Score what needs no model, on the text of the evaluation.

    Args:
        train_counts: how often each id occurs in the training text, (vocab,).
        eval_counts: the same for the evaluation text.
        pairs: whether there is a pair objective.

    Returns:
        Perplexity of `uniform` (every id as likely: the size of the vocabulary) and `unigram` (ids as frequent as in
        the training text, one added to each count), accuracy of always saying the most frequent id, and of tossing a
        coin for pairs.
    """
    vocab_size = len(train_counts)
    probabilities = (train_counts + 1) / (train_counts.sum() + vocab_size)
    cross_entropy = -(eval_counts * np.log(probabilities)).sum() / eval_counts.sum()
    coin = {"pair_accuracy": 0.5} if pairs else {}
    return {
        "uniform": {"perplexity": float(vocab_size), "mlm_accuracy": 1 / vocab_size, **coin},
        "unigram": {
            "perplexity": math.exp(cross_entropy),
            "mlm_accuracy": float(eval_counts[train_counts.argmax()] / eval_counts.sum()),
            **coin,
        },
    }


def compute_metrics(prediction: Any) -> dict[str, float]:
    """`compute_metrics` of the Trainer."""
    return pretraining_scores(prediction.predictions)

"""Sums over examples → losses and scores of pretraining."""

import math

import numpy as np
from torch import Tensor

from ..reporting.intervals import Interval, intervals_of, share_interval
from ..reporting.known_scores import KNOWN_SCORES
from ..reporting.statistics.clusters import LEAST_CLUSTERS, Units, single_units
from ..reporting.statistics.score_statistics import mean_statistics, ratio_statistic
from .collator import IGNORED
from .model import PretrainingOutput

GLOSSARY = tuple(
    KNOWN_SCORES["pretraining"][key]
    for key in ("perplexity", "mlm_accuracy", "pair_accuracy", "mlm_loss", "pair_loss", "non_finite_examples")
)
OUTPUT_FIELDS = ("mlm_loss", "mlm_correct", "mlm_count", "pair_loss", "pair_correct")


def loss_sums(output: PretrainingOutput) -> dict[str, Tensor]:
    """Return the summed loss of each term of a batch, in nats."""
    sums = {"mlm": output.mlm_loss, "pair": output.pair_loss}
    return {term: losses.sum() for term, losses in sums.items() if losses is not None}


def num_items(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return how many items each loss term of a batch sums over: predicted tokens, and pairs."""
    labels = {"mlm": batch["labels"], "pair": batch.get("next_sentence_label")}
    return {term: (values != IGNORED).sum() for term, values in labels.items() if values is not None}


def pretraining_scores(outputs: tuple[np.ndarray, ...]) -> dict[str, float]:
    """Reduce what each evaluation example contributed to scores of the whole set.

    Args:
        outputs: arrays (examples,) in the order of `PretrainingOutput`; the last two are absent without pairs.

    Returns:
        `mlm_loss`: nats a predicted token, all tokens with the same weight; `perplexity`: its exponential, of the
        masked words alone, not of the sum of both losses; `mlm_accuracy`; with pairs `pair_loss` and `pair_accuracy`;
        `loss`: the sum of both losses, NaN without any finite example; `non_finite_examples`: those with a NaN or
        infinite loss, which are skipped. Scores of nothing, such as those of masked words where none is masked, are
        absent.
    """
    values = dict(zip(OUTPUT_FIELDS, (np.asarray(column, np.float64) for column in outputs), strict=False))
    finite = np.isfinite(values["mlm_loss"]) & np.isfinite(values.get("pair_loss", 0.0))
    non_finite = int((~finite).sum())
    values = {name: column[finite] for name, column in values.items()}
    predicted, examples = values["mlm_count"].sum(), len(values["mlm_loss"])
    scores: dict[str, float] = {}
    if predicted:
        mlm_loss = values["mlm_loss"].sum() / predicted
        scores = {
            "mlm_loss": mlm_loss,
            "perplexity": math.exp(min(mlm_loss, 700.0)),
            "mlm_accuracy": values["mlm_correct"].sum() / predicted,
        }
    if "pair_loss" in values and examples:
        scores["pair_loss"] = values["pair_loss"].sum() / examples
        scores["pair_accuracy"] = values["pair_correct"].sum() / examples
    if predicted:
        scores["loss"] = scores["mlm_loss"] + scores.get("pair_loss", 0.0)
    elif not examples:
        scores["loss"] = math.nan
    if non_finite:
        scores["non_finite_examples"] = non_finite
    return scores


def score_intervals(outputs: tuple[np.ndarray, ...], units: Units | None = None) -> dict[str, Interval]:
    """Return 95% intervals of `pretraining_scores` over documents, whose masked words and pairs resemble each other.

    Args:
        outputs: as `pretraining_scores` takes them; fewer than four finite examples have no intervals, nor do
            scores that are the same in all draws.
        units: of the examples; None where each is independent.
    """
    values = dict(zip(OUTPUT_FIELDS, (np.asarray(column, np.float64) for column in outputs), strict=False))
    finite = np.isfinite(values["mlm_loss"]) & np.isfinite(values.get("pair_loss", 0.0))
    values = {name: column[finite] for name, column in values.items()}
    units = (single_units(len(finite)) if units is None else units).take(finite)
    if units.count < LEAST_CLUSTERS or not values["mlm_count"].sum():
        return {}
    statistics = {
        "mlm_loss": ratio_statistic(values["mlm_loss"], values["mlm_count"], units),
        "mlm_accuracy": ratio_statistic(values["mlm_correct"], values["mlm_count"], units),
    }
    if "pair_loss" in values:
        statistics |= mean_statistics({"pair_loss": values["pair_loss"]}, units)
    intervals = intervals_of(statistics, units)
    if "mlm_loss" in intervals:
        low, high = intervals["mlm_loss"]
        intervals["perplexity"] = (math.exp(min(low, 700.0)), math.exp(min(high, 700.0)))
    if "pair_loss" in values:
        intervals["pair_accuracy"] = share_interval(values["pair_correct"], units)
    return {name: interval for name, interval in intervals.items() if interval[0] < interval[1]}


def baseline_scores(train_counts: np.ndarray, eval_counts: np.ndarray, pairs: bool) -> dict[str, dict[str, float]]:
    """Return the scores of baselines without a model on the evaluation text.

    Args:
        train_counts: how often each id occurs in the training text, (vocab,).
        eval_counts: the same for the evaluation text.
        pairs: whether there is a pair objective.

    Returns:
        Perplexity of `uniform` (every id as likely: the size of the vocabulary) and `unigram` (ids as frequent as in
        the training text, one added to each count), the accuracy of always predicting the most frequent id, and for
        pairs that of chance.
    """
    vocab_size = len(train_counts)
    probabilities = (train_counts + 1) / (train_counts.sum() + vocab_size)
    uniform = {"perplexity": float(vocab_size), "mlm_accuracy": 1 / vocab_size}
    chance = {"pair_accuracy": 0.5} if pairs else {}
    if not eval_counts.sum():
        return {"uniform": uniform | chance}
    cross_entropy = -(eval_counts * np.log(probabilities)).sum() / eval_counts.sum()
    return {
        "uniform": uniform | chance,
        "unigram": {
            "perplexity": math.exp(cross_entropy),
            "mlm_accuracy": float(eval_counts[train_counts.argmax()] / eval_counts.sum()),
            **chance,
        },
    }

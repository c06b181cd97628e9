"""The scores that the kit computes: how each is shown, read and called on the Hub. A new one is declared here alone.

Glossaries, result tables, model cards and `diagnose_scores` look a score up here. The slice of its recipe adds the
function that computes it.
"""

from .schema import Score

_LOSSES = (Score("loss", "loss", ".4f", "mean loss of an example, without class weights", True, "loss"),)

_PRETRAINING = (
    Score(
        "perplexity", "perplexity", ",.1f",
        "exp of the mean cross-entropy of the masked words; the uniform baseline is the size of the vocabulary", True,
        "perplexity",
    ),
    Score(
        "mlm_accuracy", "MLM accuracy", ".1%", "share of the masked words predicted correctly", False, "accuracy", True
    ),
    Score(
        "pair_accuracy", "pair accuracy", ".1%", "share of the segment pairs classified correctly; chance: 50%", False,
        "accuracy", True,
    ),
    Score("mlm_loss", "MLM loss", ".4f", "mean cross-entropy of the masked words in nats, the log of perplexity", True,
          "loss"),
    Score("pair_loss", "pair loss", ".4f", "mean cross-entropy of the pairs in nats; chance: 0.6931", True, "loss"),
    Score("non_finite_examples", "non-finite", ",d", "examples with a NaN or infinite loss, not scored", True),
)  # fmt: skip


def _share(key: str, label: str, description: str, hub_metric: str, lower_is_better: bool = False) -> Score:
    return Score(key, label, ".1%", description, lower_is_better, hub_metric, is_share=True)


_CLASSIFICATION = (
    _share("accuracy", "accuracy", "share of the examples predicted correctly, of several labels all of them",
           "accuracy"),
    _share("f1", "F1", "harmonic mean of precision and recall of the second label; a constant prediction scores high "
           "where that label is frequent", "f1"),
    _share("precision", "precision", "share of the predictions of the second label that are correct", "precision"),
    _share("recall", "recall", "share of the examples of the second label that are predicted as such", "recall"),
    _share("f1_macro", "F1 macro", "unweighted mean of the F1 of all labels", "f1"),
    _share("f1_weighted", "F1 weighted", "mean of the F1 of all labels, weighted by their frequency", "f1"),
    _share("f1_micro", "F1 micro", "F1 over all decisions on single labels", "f1"),
    _share("precision_macro", "precision macro", "unweighted mean of the precision of all labels", "precision"),
    _share("recall_macro", "recall macro", "unweighted mean of the recall of all labels; constant prediction: 1/labels",
           "recall"),
    _share("precision_weighted", "precision weighted", "precision of all labels, weighted by their frequency",
           "precision"),
    _share("recall_weighted", "recall weighted", "recall of all labels, weighted by their frequency", "recall"),
    Score("matthews", "Matthews", ".3f", "correlation of labels and predictions; constant prediction: 0", False,
          "matthews_correlation"),
    _share("calibration_error", "calibration error",
           "expected calibration error of all examples: mean gap of confidence and accuracy, 15 bins of equal width",
           "calibration_error", True),
    Score("pearson", "Pearson", ".3f", "linear correlation with the targets; constant: 0", False, "pearsonr"),
    Score("spearman", "Spearman", ".3f", "rank correlation with the targets; constant: 0", False, "spearmanr"),
    Score("mse", "MSE", ".4f", "mean squared error", True, "mse"),
    Score("mae", "MAE", ".4f", "mean absolute error", True, "mae"),
    *_LOSSES,
    Score("non_finite_examples", "non-finite", ",d", "examples with NaN or infinite logits, not scored", True),
)  # fmt: skip


def _squad(prefix: str, suffix: str) -> tuple[Score, ...]:
    """Figures of the official SQuAD script on some of the questions, in percent."""
    where = f" on questions {suffix[2:]}" if suffix else ""
    return (
        Score(f"{prefix}exact", f"exact match{suffix}", ".2f", f"percentage of exact matches{where}", False,
              "exact_match", greatest=100.0),
        Score(f"{prefix}f1", f"F1{suffix}", ".2f", f"word overlap with the closest answer in percent{where}", False,
              "f1", greatest=100.0),
        Score(f"{prefix}total", f"questions{suffix}", ",d", f"number of questions{suffix}", None),
    )  # fmt: skip


_QUESTION_ANSWERING = (
    *_squad("", ""), *_squad("HasAns_", ", with answer"), *_squad("NoAns_", ", without answer"),
    Score("best_exact", "oracle exact match", ".2f",
          "exact match at the threshold that is best on the same questions: an upper bound"),
    Score("best_exact_thresh", "its threshold", ".4g", "threshold of the oracle exact match", None),
    Score("best_f1", "oracle F1", ".2f", "F1 at the threshold that is best on the same questions: an upper bound"),
    Score("best_f1_thresh", "its threshold", ".4g", "threshold of the oracle F1", None),
    Score("threshold", "threshold", ".2g", "probability of no answer above which the model abstains", None),
    Score("fit_f1", "F1 of the other half", ".2f",
          "F1 on the questions that the threshold was fitted on: not to be compared with F1, which is of others"),
    Score("meteor", "METEOR", ".2f", "word overlap with stems and synonyms, in percent", False, "meteor"),
    Score("bleu", "BLEU", ".2f", "overlap of one to four words, in percent", False, "bleu"),
    Score("bleu_1", "BLEU-1", ".2f", "precision of single words, in percent", False, "bleu"),
    Score("bleu_length_ratio", "length ratio", ".3f", "predicted words divided by reference words", None),
    Score("rouge1", "ROUGE-1", ".2f", "F1 of stemmed words, in percent", False, "rouge"),
    Score("rouge2", "ROUGE-2", ".2f", "F1 of pairs of words, in percent", False, "rouge"),
    Score("rougeL", "ROUGE-L", ".2f", "F1 of the longest common subsequence, in percent", False, "rouge"),
    *_LOSSES,
    Score("non_finite_windows", "non-finite windows", ",.0f", "windows with NaN or infinite logits", True),
)  # fmt: skip

_PARAMETERS = Score("parameters", "parameters", ",d", "number of parameters of the model", None)

KNOWN_SCORES: dict[str, dict[str, Score]] = {
    recipe: {score.key: score for score in (*scores, _PARAMETERS)}
    for recipe, scores in (
        ("pretraining", (*_PRETRAINING, *_LOSSES)),
        ("classification", _CLASSIFICATION),
        ("question_answering", _QUESTION_ANSWERING),
    )
}
"""Recipe → key → score."""


def known_score(recipe: str, key: str) -> Score:
    """Return the declaration of a score; one that is not declared is shown by its key, with four digits, and whether
    greater or lower is better is not known.

    >>> known_score("classification", "matthews").hub_metric, known_score("classification", "my_score").label
    ('matthews_correlation', 'my score')
    """
    unknown = Score(key, key.replace("_", " "), ".4f", "score of a metric module", None, key)
    return KNOWN_SCORES.get(recipe, {}).get(key, unknown)

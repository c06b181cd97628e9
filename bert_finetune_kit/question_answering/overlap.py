"""METEOR, BLEU and ROUGE of answers, for comparison with work that reports them.

They were designed for sentences of translations and summaries. An answer is a few words long, so each of them is less
informative than exact match and F1; `OVERLAP` describes what each can and cannot show.
"""

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from ..errors import DataError
from ..reporting.optional import attempt

# By name: label in a table, and how to read it for short answers.
OVERLAP = {
    "meteor": (
        "METEOR",
        "words shared with the closest answer, stems and synonyms too, less a penalty for fragmentation that is never "
        "zero: a perfect answer of one word has 50, of two words 93.75, so 100 cannot be reached",
    ),
    "bleu": (
        "BLEU",
        "shared n-grams of one to four words, over all answers together: answers of fewer than four words have no "
        "4-gram, so only longer ones contribute, and it can be 0 where most answers are correct",
    ),
    "bleu_1": ("BLEU-1", "precision of single words: share of the predicted words that are in an answer"),
    "bleu_length_ratio": (
        "length ratio",
        "predicted words divided by words of the answers: far from 1 where predictions are much too long or too "
        "short, or where texts other than the answers were compared, such as whole contexts",
    ),
    "rouge1": (
        "ROUGE-1",
        "F1 of stemmed words against the closest answer: close to the F1 of SQuAD, but with articles; it drops all "
        "letters but a to z",
    ),
    "rouge2": ("ROUGE-2", "F1 of pairs of words: 0 for every answer of one word, even a correct one"),
    "rougeL": ("ROUGE-L", "F1 of the longest common sequence of words: for short answers nearly ROUGE-1"),
}
_LATER = (
    "To have it later without training: evaluate() after QARecipe.from_pretrained(folder, source=...), and then "
    'recipe.state.evaluation.details["overlap"].'
)
_GET_WORDNET = "`python -m nltk.downloader wordnet` installs it"


def overlap_scores(
    predictions: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[dict[str, float], list[str]]:
    """Score answers to answerable questions, each against all of its references.

    BLEU is sacrebleu's with its defaults (Post 2018), ROUGE that of `rouge_score` with stemming (Lin 2004), METEOR
    nltk's (Lavie and Agarwal 2007) of words and punctuation. An empty prediction has no word in common with
    any reference: abstaining where there is an answer scores 0.

    Args:
        predictions: answer to each question, empty for no answer.
        references: the answers of each, at least one.

    Returns:
        Scores by the names of `OVERLAP`, in percent but for the length ratio; and notes on those that could not be
        computed.
    """
    if not predictions:
        return {}, ["No scored question has an answer to compare with."]
    families = {
        "METEOR": lambda: _meteor(predictions, references),
        "BLEU": lambda: bleu(predictions, references),
        "ROUGE": lambda: rouge(predictions, references),
    }
    scores: dict[str, float] = {}
    notes: list[str] = []
    for name, family in families.items():
        result, lines = attempt(f"{name} was skipped", family, _LATER)
        scores |= result or {}
        notes += lines
    return scores, notes


def _meteor(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return METEOR with the WordNet of this machine.

    Raises:
        DataError: it is not installed, or a file of it is missing or damaged, which shows at the first look-up.
    """
    try:
        wordnet = find_wordnet()
        if wordnet is not None:
            return {"meteor": meteor(predictions, references, wordnet)}
    except Exception as error:  # whatever a damaged file leads to
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise DataError(f"it needs WordNet for synonyms, which cannot be read ({reason}); {_GET_WORDNET}") from error
    raise DataError(f"it needs WordNet for synonyms, which is not installed; {_GET_WORDNET}")


def find_wordnet() -> Any | None:
    """Return nltk's reader of WordNet, or none where its files are not installed. Nothing is downloaded."""
    from nltk.corpus import wordnet

    try:
        wordnet.ensure_loaded()
    except LookupError:
        return None
    return wordnet


def meteor(predictions: Sequence[str], references: Sequence[Sequence[str]], wordnet: Any) -> float:
    """Return the mean METEOR in percent.

    Args:
        predictions: answer to each question.
        references: the answers of each.
        wordnet: source of synonyms, with a method `synsets(word)`.
    """
    from nltk.tokenize import wordpunct_tokenize
    from nltk.translate.meteor_score import meteor_score

    scores = [
        meteor_score(
            [wordpunct_tokenize(answer) for answer in answers], wordpunct_tokenize(prediction), wordnet=wordnet
        )
        for prediction, answers in zip(predictions, references, strict=True)
    ]
    return 100.0 * sum(scores) / len(scores)


def bleu(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return BLEU, BLEU-1 (the precision of single words) and the ratio of lengths of all predictions together."""
    from sacrebleu.metrics import BLEU

    streams = list(zip_longest(*references))  # the n-th answers of all questions, or none
    result = BLEU().corpus_score(list(predictions), streams)
    ratio = result.sys_len / result.ref_len if result.ref_len else math.nan
    return {"bleu": result.score, "bleu_1": result.precisions[0], "bleu_length_ratio": ratio}


def rouge(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return mean ROUGE-1, -2 and -L in percent: F1 against the closest answer."""
    from rouge_score.rouge_scorer import RougeScorer

    names = ["rouge1", "rouge2", "rougeL"]
    scorer = RougeScorer(names, use_stemmer=True)
    scores = [scorer.score_multi(list(answers), text) for text, answers in zip(predictions, references, strict=True)]
    return {name: 100.0 * sum(score[name].fmeasure for score in scores) / len(scores) for name in names}

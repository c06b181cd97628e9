"""METEOR, BLEU and ROUGE of answers, for those who must report them.

They were made for sentences of translations and summaries. An answer is a few words long, so each of them says less
than exact match and F1 do; `OVERLAP` says of each what it can and cannot mean.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

# By name: how a table calls it, and what it means for short answers.
OVERLAP = {
    "meteor": (
        "METEOR",
        "words shared with the closest answer, stems and synonyms too, less a penalty for broken order that short "
        "texts cannot escape: a perfect answer of one word has 50, one of two words 93.75, so 100 is out of reach",
    ),
    "bleu": (
        "BLEU",
        "runs of one to four words shared, over all answers together: answers of fewer than four words have no run of "
        "four, so it rests on the long ones alone, and can be 0 where most answers are right",
    ),
    "bleu_1": ("BLEU-1", "share of the words said that stand in an answer; it does not see what was not said"),
    "bleu_length_ratio": (
        "length ratio",
        "words said by words of the answers: far from 1 it means that other texts were compared than meant, such as "
        "whole contexts, or that the model says too much or too little",
    ),
    "rouge1": (
        "ROUGE-1",
        "F1 of stemmed words against the closest answer: nearly the F1 of SQuAD, articles counted; it drops all "
        "letters but a to z",
    ),
    "rouge2": ("ROUGE-2", "F1 of pairs of words: 0 for every answer of one word, the right ones too"),
    "rougeL": ("ROUGE-L", "F1 of the longest common sequence of words: for short answers nearly ROUGE-1"),
}
_NO_WORDNET = (
    "METEOR is left out: it needs WordNet for synonyms, which is not on this machine; "
    "`python -m nltk.downloader wordnet` gets it"
)


def overlap_scores(
    predictions: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[dict[str, float], list[str]]:
    """Score answers to answerable questions, each against all of its references.

    BLEU is sacrebleu's with its defaults (Post 2018), ROUGE that of `rouge_score` with stemming (Lin 2004), METEOR
    nltk's (Lavie and Agarwal 2007) of words and punctuation. An empty prediction has no word in common with
    any reference: abstaining where there is an answer scores 0.

    Args:
        predictions: what was said to each question, empty for no answer.
        references: the answers of each, at least one.

    Returns:
        Scores by the names of `OVERLAP`, in percent but for the length ratio; and what a reader must know of them.
    """
    if not predictions:
        return {}, ["No question among those that count has an answer to compare with."]
    wordnet = find_wordnet()
    scores = {} if wordnet is None else {"meteor": meteor(predictions, references, wordnet)}
    return scores | bleu(predictions, references) | rouge(predictions, references), [] if wordnet else [_NO_WORDNET]


def find_wordnet() -> Any | None:
    """Return nltk's reader of WordNet, or none where its files are not on this machine. Nothing is downloaded."""
    from nltk.corpus import wordnet

    try:
        wordnet.ensure_loaded()
    except LookupError:
        return None
    return wordnet


def meteor(predictions: Sequence[str], references: Sequence[Sequence[str]], wordnet: Any) -> float:
    """Return the mean METEOR in percent.

    Args:
        predictions: what was said to each question.
        references: the answers of each.
        wordnet: tells synonyms, by `synsets(word)`.
    """
    from nltk.tokenize import wordpunct_tokenize
    from nltk.translate.meteor_score import meteor_score

    told = [
        meteor_score([wordpunct_tokenize(one) for one in answers], wordpunct_tokenize(prediction), wordnet=wordnet)
        for prediction, answers in zip(predictions, references, strict=True)
    ]
    return 100.0 * sum(told) / len(told)


def bleu(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return BLEU, BLEU-1 (the precision of single words) and the ratio of lengths of all predictions together."""
    from sacrebleu.metrics import BLEU

    streams = list(zip_longest(*references))  # the first answers of all questions, the second ones, …; none where fewer
    told = BLEU().corpus_score(list(predictions), streams)
    ratio = told.sys_len / told.ref_len if told.ref_len else 0.0
    return {"bleu": told.score, "bleu_1": told.precisions[0], "bleu_length_ratio": ratio}


def rouge(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return mean ROUGE-1, -2 and -L in percent: F1 against the closest answer."""
    from rouge_score.rouge_scorer import RougeScorer

    names = ["rouge1", "rouge2", "rougeL"]
    scorer = RougeScorer(names, use_stemmer=True)
    told = [scorer.score_multi(list(answers), text) for text, answers in zip(predictions, references, strict=True)]
    return {name: 100.0 * sum(one[name].fmeasure for one in told) / len(told) for name in names}

"""What the questions of a split are like, in numbers."""

from typing import Any

import numpy as np
from datasets import Dataset

from ..data.tokenized import padding_shares
from .answers import AnswerCheck
from .config import QAConfig
from .features import QAExamples, Windows


def split_statistics(
    rows: Dataset, examples: QAExamples, windows: Windows, check: AnswerCheck, unk_token_id: int, config: QAConfig,
    batch_size: int,
) -> dict[str, Any]:  # fmt: skip
    """Describe a split.

    Args:
        rows: its questions.
        examples: the windows that are used.
        windows: all windows of its questions.
        check: what was found of the answers.
        unk_token_id: of the tokenizer.
        config: lengths.
        batch_size: windows in a batch.

    Returns:
        Counts of questions, articles, contexts and windows; `without_answer`, `unknown_tokens` and padding as shares;
        lengths in tokens; and what was repaired, cut or left out.
    """
    tokens = examples.tokens
    answerable = np.array([bool(answers["text"]) for answers in rows["answers"]])
    held = np.bincount(windows.question, weights=windows.start > 0) > 0
    cut = np.bincount(windows.question, weights=windows.cuts) > 0
    total = int(tokens.question_lengths.sum()) + sum(len(values) for values in tokens.contexts["input_ids"])
    return {
        "questions": len(rows),
        "articles": len(set(rows["title"]) - {""}),
        "contexts": tokens.contexts.num_rows,
        "windows": len(examples),
        "without_answer": 1 - float(answerable.mean()),
        "unknown_tokens": tokens.count(unk_token_id) / max(total, 1),
        "mean_window": float(examples.windows.lengths.mean()),
        "longest_context": int(tokens.context_lengths.max()),
        "longest_question": int(tokens.question_lengths.max()),
        "questions_cut": int((tokens.question_lengths > config.max_question_length).sum()),
        "empty_contexts": int((tokens.context_lengths == 0).sum()),
        "answers_repaired": check.repaired,
        "answers_not_in_context": check.elsewhere,
        "questions_without_any_of_theirs": len(check.missing),
        "windows_that_cut_an_answer": int(windows.cuts.sum()),
        "answers_in_no_window": int((cut & ~held).sum()),
    } | padding_shares(examples.windows.lengths, config.max_length, batch_size)

"""Published results on SQuAD beside the scores of a run, each with a caveat where it is of other questions."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..tasks.squad import QA_TASKS
from ..tasks.task import Published

_LIMITED = "of all questions of the validation split, here of others or a part"


def published_results(
    train: Any, hub: str | None, references: Sequence[Sequence[str]], is_limited: bool
) -> tuple[Published, ...]:
    """Return the published results on SQuAD for data of that name, and for files.

    A file has no name to tell the data by: with as many questions as SQuAD has, it is taken for SQuAD.

    Args:
        train: data to train on, as the source was given them.
        hub: their id on the Hub; None for files and objects.
        references: answers of each validation question; none where there is no answer.
        is_limited: whether the validation split is not the whole published one.
    """
    if isinstance(train, str) and train in QA_TASKS and hub is not None:
        return _with_caveat(QA_TASKS[train].published, _LIMITED if is_limited else "")
    if hub is not None or not isinstance(train, str | Path | list | tuple):
        return ()
    task = QA_TASKS["squad" if all(references) else "squad_v2"]
    questions = task.published[0].examples["validation"]
    caveat = f"of the {questions:,} questions of SQuAD, here of {len(references):,} others"
    return _with_caveat(task.published, caveat if len(references) != questions else "")


def _with_caveat(results: tuple[Published, ...], caveat: str) -> tuple[Published, ...]:
    return tuple(replace(result, caveat=caveat) for result in results) if caveat else results

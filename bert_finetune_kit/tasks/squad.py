"""SQuAD (Rajpurkar et al. 2016, 2018) as data: Hub ids and published scores."""

from dataclasses import dataclass

from .task import Published


@dataclass(frozen=True)
class QATask:
    """A question answering data set with a bare name."""

    name: str
    dataset: str
    """Hub id."""
    published: Published
    """Scores in percent."""


QA_TASKS = {
    task.name: task
    for task in (
        QATask(
            "squad",
            "rajpurkar/squad",
            Published(
                "BERT-base uncased, 2 epochs (README of transformers' question-answering example)",
                {"exact": 81.22, "f1": 88.52},
            ),
        ),
        QATask(
            "squad_v2",
            "rajpurkar/squad_v2",
            Published("BERT-base uncased (model card of real-jiakai)", {"exact": 72.34, "f1": 76.10}),
        ),
    )
}

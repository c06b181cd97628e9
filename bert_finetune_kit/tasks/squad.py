"""SQuAD (Rajpurkar et al. 2016, 2018) as data: Hub ids and published scores."""

from dataclasses import dataclass

from .task import Published

_V1, _V2 = {"validation": 10_570}, {"validation": 11_873}
_BASE_UNCASED = 109_482_240
_OWN_THRESHOLD = "its threshold was chosen on the questions that it was scored on"


@dataclass(frozen=True)
class QATask:
    """A question answering data set with a bare name."""

    name: str
    dataset: str
    """Hub id."""
    published: tuple[Published, ...]
    """Scores in percent, the first those that are shown beside the scores of a run."""


def _result(
    source: str, exact: float | None, f1: float, parameters: int, *, version: int, caveat: str = ""
) -> Published:
    scores = {"f1": f1} if exact is None else {"exact": exact, "f1": f1}
    return Published(source, scores, parameters, _V1 if version == 1 else _V2, caveat)


QA_TASKS = {
    task.name: task
    for task in (
        QATask(
            "squad",
            "rajpurkar/squad",
            (
                _result(
                    "BERT-base uncased, 2 epochs (README of transformers' question-answering example)", 81.22, 88.52,
                    _BASE_UNCASED, version=1,
                ),
                _result("DistilBERT (README of transformers' distillation example)", None, 86.9, 66_362_880, version=1),
            ),
        ),
        QATask(
            "squad_v2",
            "rajpurkar/squad_v2",
            (
                _result("BERT-base uncased (model card of real-jiakai)", 72.34, 76.10, _BASE_UNCASED, version=2),
                _result("BERT-base uncased (transformers, issue 701)", 73.81, 77.11, _BASE_UNCASED, version=2),
                *(
                    _result(f"BERT {name} (model card of mrm8488)", exact, f1, size, version=2)
                    for name, exact, f1, size in (
                        ("tiny", 48.60, 49.73, 4_385_920), ("mini", 56.31, 59.65, 11_170_560),
                        ("small", 60.49, 64.21, 28_763_648),
                    )
                ),
                *(
                    _result(
                        f"MiniLM-{name} (microsoft/unilm)", None, f1, size, version=2, caveat=_OWN_THRESHOLD
                    )
                    for name, f1, size in (("L12-H384", 81.7, 33_360_000), ("L6-H384", 75.6, 22_713_216))
                ),
            ),
        ),
    )
}  # fmt: skip

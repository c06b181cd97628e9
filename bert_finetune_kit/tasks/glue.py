"""GLUE (Wang et al. 2019) as data: columns and labels in the order of the Hub's `nyu-mll/glue`."""

from typing import Any

from .task import ClassificationTask, Published

_SOURCE = "BERT-base cased, {} epochs (README of transformers' text-classification example)"
_EPOCHS = {"mrpc": 5, "wnli": 5}  # 3 for the others
_SENTENCES = {"text": "sentence1", "text_pair": "sentence2"}
_ENTAILMENT = ("entailment", "neutral", "contradiction")


def _glue(name: str, published: dict[str, float] | None = None, **settings: Any) -> ClassificationTask:
    return ClassificationTask(
        name=name,
        dataset="nyu-mll/glue",
        hub_config=name,
        published=Published(_SOURCE.format(_EPOCHS.get(name, 3)), published) if published else None,
        **({"metrics": ("accuracy",)} | settings),
    )


GLUE_TASKS = (
    _glue(
        "cola",
        {"matthews": 0.5653},
        text="sentence",
        labels=("unacceptable", "acceptable"),
        metrics=("matthews", "accuracy"),
    ),
    _glue("sst2", {"accuracy": 0.9232}, text="sentence", labels=("negative", "positive")),
    _glue(
        "mrpc",
        {"f1": 0.8885, "accuracy": 0.8407},
        **_SENTENCES,
        labels=("not_equivalent", "equivalent"),
        metrics=("f1", "accuracy"),
    ),
    _glue(
        "qqp",
        {"f1": 0.8749, "accuracy": 0.9071},
        text="question1",
        text_pair="question2",
        labels=("not_duplicate", "duplicate"),
        metrics=("f1", "accuracy"),
    ),
    _glue(
        "stsb",
        {"pearson": 0.8864, "spearman": 0.8848},
        **_SENTENCES,
        kind="regression",
        metrics=("pearson", "spearman"),
    ),
    _glue(
        "mnli",
        {"validation_matched_accuracy": 0.8391, "validation_mismatched_accuracy": 0.8410},
        text="premise",
        text_pair="hypothesis",
        labels=_ENTAILMENT,
        validation_splits=("validation_matched", "validation_mismatched"),
    ),
    _glue("qnli", {"accuracy": 0.9066}, text="question", text_pair="sentence", labels=("entailment", "not_entailment")),
    _glue("rte", {"accuracy": 0.6570}, **_SENTENCES, labels=("entailment", "not_entailment")),
    _glue("wnli", {"accuracy": 0.5634}, **_SENTENCES, labels=("not_entailment", "entailment")),
    # The diagnostic set has one split, to predict with a model of mnli; its labels are hidden.
    _glue(
        "ax",
        text="premise",
        text_pair="hypothesis",
        labels=_ENTAILMENT,
        metrics=("matthews",),
        validation_splits=("test",),
    ),
)

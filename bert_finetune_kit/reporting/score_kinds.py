"""What a score of a run measures: only scores of the same kind can be compared."""

from .schema import RunReport
from .statistics.label_scores import OF_TWO_LABELS

_LOSSES = {
    "regression": "a mean squared error",
    "single_label": "a cross-entropy of one label an example",
    "multi_label": "a mean cross-entropy of several labels an example",
}
# Settings of the data of an evaluation in pretraining: other masks and pairs are other questions.
_MASKS = ("mlm_probability", "whole_word_masking", "max_predictions")
_PLURAL = ("labels", "max predictions")
_OWN = ("perplexity", "mlm_loss", "mlm_accuracy", "loss")


def score_kind(report: RunReport, key: str) -> dict[str, str]:
    """Return what a score of a run measures, by the name of each condition.

    Args:
        report: of the run.
        key: of the score, with the prefix of its split.
    """
    if report.recipe == "classification":
        return _of_classification(report, key)
    if report.recipe == "pretraining":
        return _of_pretraining(report, key)
    return {}


def _of_classification(report: RunReport, key: str) -> dict[str, str]:
    task = report.settings.get("task", {})
    kind = str(task.get("kind", ""))
    labels = [str(label) for label in task.get("labels") or ()]
    measured = {"kind": _LOSSES.get(kind, kind) if key.endswith("loss") else f"a score of {kind or 'one'} tasks"}
    if kind == "regression" or not labels:
        return measured
    measured["labels"] = ", ".join(sorted(labels))
    if len(labels) == 2 and any(key == name or key.endswith(f"_{name}") for name in OF_TWO_LABELS):
        measured["label that counts"] = labels[1]
    return measured


def _of_pretraining(report: RunReport, key: str) -> dict[str, str]:
    config = report.settings.get("recipe", {})
    measured = {}
    if key in _OWN:
        measured = {name.replace("_", " "): str(config.get(name)) for name in _MASKS}
        measured["vocabulary"] = str(report.model.get("vocab_size"))
    if key not in _OWN or key == "loss":
        measured["objective"] = str(config.get("objective"))
    return measured


def kind_conflict(reports: tuple[RunReport, RunReport], names: tuple[str, str], key: str) -> str:
    """Return why a score of two runs cannot be compared; empty where it can.

    Args:
        reports: of the runs.
        names: of the runs.
        key: of the score.
    """
    first, second = (score_kind(report, key) for report in reports)
    differing = [name for name in {**first, **second} if first.get(name) != second.get(name)]
    if not differing:
        return ""
    name = differing[0]
    if name == "kind":
        return f"{names[1]} has {second[name]}, {names[0]} {first[name]}"
    verb = "differ" if name in _PLURAL else "differs"
    return f"the {name} {verb}: {names[1]} {second.get(name, 'none')}, {names[0]} {first.get(name, 'none')}"

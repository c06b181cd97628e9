"""Labels of runs that are compared, where runs have other names for the same labels."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import ConfigError, raise_faults, unknown_name
from .compared_run import ComparedRun
from .prediction_scores import Row
from .schema import RunReport

LabelNames = Mapping[str, str]
"""Name of a label in a run → its name in the first run."""
_ARGUMENT = "label_names (--label_names)"
_LEAST_AGREEMENT = 0.5  # of the texts of both: below, the names contradict most of them


def names_by_run(label_names: LabelNames | None, runs: Sequence[tuple[str, RunReport]]) -> list[LabelNames]:
    """Return for each run the names of its labels in the first run; empty where none is renamed, as of the first run.

    Args:
        label_names: as given; None renames nothing.
        runs: name and report of each, the first one first.

    Raises:
        ConfigError: a name is not known, or the labels of a run would not be those of the first one, each once.
    """
    if not label_names:
        return [{} for _ in runs]
    if not isinstance(label_names, Mapping):
        raise ConfigError(
            f"{_ARGUMENT} is {label_names!r}: give the names in a mapping, such as {{'neg': 'negative'}}."
        )
    (first, report), *others = runs
    target = _labels(report)
    known = [label for _, other in others for label in _labels(other)]
    if not target or not known:
        without = first if not target else " and ".join(name for name, _ in others)
        raise ConfigError(f"{_ARGUMENT} renames the labels of classifications, and {without} has none: leave it out.")
    having = f"the runs compared with it have {_listed(list(dict.fromkeys(known)))}"
    faults = [unknown_name("label", name, known, having) for name in label_names]
    faults += [unknown_name("label", name, target, f"{first} has {_listed(target)}") for name in label_names.values()]
    turned = {str(name): str(label) for label, name in label_names.items()}
    is_turned = all(name in known for name in turned) and all(label in target for label in turned.values())
    if any(faults) and is_turned and len(turned) == len(label_names):
        raise ConfigError(
            f"{_ARGUMENT} has the names the wrong way round: the label of a run that is compared comes first, then its "
            f"name in {first}. Give {_as_given(turned)}."
        )
    raise_faults([fault for fault in faults if fault], _ARGUMENT)
    chosen = [{label: label_names[label] for label in _labels(other) if label in label_names} for _, other in others]
    faults = [
        _mismatch(name, _labels(other), names, first, target)
        for (name, other), names in zip(others, chosen, strict=True)
        if names
    ]
    raise_faults([fault for fault in faults if fault], _ARGUMENT)
    return [{}, *chosen]


def with_label_names(run: ComparedRun, names: LabelNames, first: ComparedRun) -> ComparedRun:
    """Return a run with the names that its labels have in the first run.

    Args:
        run: that is compared with the first one.
        names: of its labels, as `names_by_run` returns them.
        first: run.

    Raises:
        ConfigError: most texts that both have scored would have another label than in the first run.
    """
    if not names:
        return run
    order = {label: number for number, label in enumerate(_labels(first.report))}
    renamed = replace(
        run, report=_renamed_report(run.report, names), rows=[_renamed_row(row, names, order) for row in run.rows]
    )
    pairs = _labels_by_text(first.rows, renamed.rows)
    differing = sum(count for (in_first, in_run), count in pairs.items() if in_first != in_run)
    if pairs and 1 - differing / pairs.total() < _LEAST_AGREEMENT:
        raise ConfigError(
            f"{_ARGUMENT}: with these names, {differing:,} of the {pairs.total():,} texts that {first.name} and "
            f"{run.name} share have another label in {run.name}." + _suggestion(_matching(first.rows, run.rows))
        )
    return renamed


def label_notes(runs: Sequence[ComparedRun], chosen: Sequence[LabelNames]) -> list[str]:
    """Return which labels were renamed, and which have other names for the same texts.

    Args:
        runs: the first one, and those that are compared with it, with the names that were chosen.
        chosen: names of the labels of each run.
    """
    first, notes = runs[0], []
    for run, names in zip(runs[1:], chosen[1:], strict=True):
        if names:
            pairs = ", ".join(f"{name} is {other}" for name, other in names.items())
            notes.append(f"Labels of {run.name} by their names in {first.name}: {pairs}.")
            continue
        found = _matching(first.rows, run.rows)
        if set(_labels(run.report)) == set(found) and any(name != other for name, other in found.items()):
            same = f"{run.name} and {first.name} have other names for the labels of the same texts."
            notes.append(same + _suggestion(found))
    return notes


def _labels(report: RunReport) -> list[str]:
    return [str(label) for label in report.settings.get("task", {}).get("labels") or ()]


def _listed(labels: Sequence[str]) -> str:
    return f"the labels {', '.join(labels)}"


def _mismatch(run: str, labels: Sequence[str], names: LabelNames, first: str, target: Sequence[str]) -> str:
    """Return why the labels of a run do not become those of the first one, each once; empty where they do."""
    renamed = [names.get(label, label) for label in labels]
    for name, count in Counter(renamed).items():
        if count > 1:
            same = [label for label in labels if names.get(label, label) == name]
            return f"{' and '.join(same)} of {run} would both be {name!r}: each label needs a name of its own"
    if set(renamed) != set(target):
        return f"{run} would have {_listed(renamed)}, and {first} has {_listed(target)}: all must be the same"
    return ""


def _renamed_report(report: RunReport, names: LabelNames) -> RunReport:
    task = {**report.settings["task"], "labels": [names.get(label, label) for label in _labels(report)]}
    data: dict[str, dict[str, Any]] = {split: dict(values) for split, values in report.data.items()}
    for values in data.values():
        if isinstance(values.get("label_shares"), Mapping):
            values["label_shares"] = {names.get(label, label): share for label, share in values["label_shares"].items()}
    return replace(report, settings={**report.settings, "task": task}, data=data)


def _renamed_row(row: Row, names: LabelNames, order: Mapping[str, int]) -> Row:
    def renamed(value: Any) -> Any:
        if isinstance(value, list):  # in the order of the first run: by its reference an example is found
            return sorted((names.get(label, label) for label in value), key=lambda label: order.get(label, 0))
        return names.get(value, value) if isinstance(value, str) else value

    shares = row.get("probabilities")
    changed = {key: renamed(row[key]) for key in ("reference", "prediction")}
    if isinstance(shares, Mapping):
        changed["probabilities"] = {names.get(label, label): share for label, share in shares.items()}
    return {**row, **changed}


def _labels_by_text(first: Sequence[Row], second: Sequence[Row]) -> Counter[tuple[str, str]]:
    """Return how many texts have a label in the first run and one in the second; texts that repeat do not count."""
    columns = []
    for rows in (first, second):
        counts = Counter(row["text_hash"] for row in rows)
        columns.append({
            row["text_hash"]: row["reference"]
            for row in rows
            if counts[row["text_hash"]] == 1 and isinstance(row.get("reference"), str)
        })  # fmt: skip
    return Counter((columns[0][text], label) for text, label in columns[1].items() if text in columns[0])


def _matching(first: Sequence[Row], second: Sequence[Row]) -> LabelNames:
    """Return the name in the first run of each label of the second one, if the texts of both leave no other."""
    pairs = _labels_by_text(first, second)
    names = {in_second: in_first for in_first, in_second in pairs}
    return names if len(names) == len(set(names.values())) == len(pairs) else {}


def _suggestion(names: LabelNames) -> str:
    return f" By these texts they are {_as_given(names)}." if names else ""


def _as_given(names: LabelNames) -> str:
    """Return names as they are given in Python and on the command line."""
    words = [shlex.quote(f"{name}={other}") for name, other in sorted(names.items())]
    flags = " ".join(word if "'" in word else f"'{word}'" for word in words)
    return f"label_names={dict(sorted(names.items()))!r} (--label_names {flags})"

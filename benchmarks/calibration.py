"""Probabilities before and after calibration, on the half of the validation examples that nothing was fitted on.

Trains a short run for each task, and prints the calibration error over bins of equal mass, what a calibrated model
would have by chance (95th percentile), the loss and the Brier score of that half; how often conformal sets of labels
for 90% hold the true one over 50 random halves; and the share of wrong predictions by coverage.

    OMP_NUM_THREADS=1 python benchmarks/calibration.py --glue GLUE --squad SQUAD --model MINILM --runs RUNS
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from bert_finetune_kit import ClassificationRecipe, QARecipe, RunReport
from bert_finetune_kit.calibration.conformal import lowest_probability
from bert_finetune_kit.reporting.markdown import markdown_table

STEPS = {"sst2": 300, "mrpc": 460, "cola": 400, "squad": 150}
BATCH = {"sst2": 32, "mrpc": 16, "cola": 32, "squad": 16}
COVERAGES = (1.0, 0.9, 0.8, 0.5)
SPLITS = 50


def train(task: str, options: argparse.Namespace) -> Path:
    """Train a short run of a task, or find a finished one, and return its folder."""
    folder = options.runs / task
    if not (folder / "report.json").exists():
        kind = QARecipe if task == "squad" else ClassificationRecipe
        args = kind.default_args(
            str(folder), model=options.model, max_steps=STEPS[task], learning_rate=1e-4, bf16=True, use_cpu=True,
            per_device_train_batch_size=BATCH[task], eval_strategy="no", save_strategy="no",
            load_best_model_at_end=False, disable_tqdm=True,
        )  # fmt: skip
        if task == "squad":
            source, validation = options.squad / "train.json", options.squad / "validation.json"
            config = {"max_length": 192, "doc_stride": 64}
            recipe: Any = QARecipe(source, validation=validation, model=options.model, args=args, config=config)
        else:
            recipe = ClassificationRecipe(task, options.glue / task, model=options.model, args=args)
        recipe.train()
    return Path(folder)


def parts(report: RunReport, task: str) -> dict[str, dict[str, Any]]:
    """Return the details of the calibrations of a run by a name for the reader."""
    if task == "squad":
        details: Any = report.details
        return {"SQuAD, answers": details["calibration"], "SQuAD, no answer": details["no_answer_calibration"]}
    split: Any = report.details["validation"]
    return {task: split["calibration"]}


def curve(report: RunReport, task: str) -> dict[str, list[float]]:
    """Return coverage and risk of a run."""
    details: Any = report.details if task == "squad" else report.details["validation"]
    curve: dict[str, list[float]] = details["risk_coverage"]
    return curve


def set_coverage(folder: Path) -> tuple[float, float, float]:
    """Return mean, least and greatest share of sets for 90% that hold the true label, over random halves."""
    saved = json.loads((folder / "calibration.json").read_text("utf-8"))
    true = np.array([value for half in ("chosen_on", "measured_on") for value in saved[half]["label_probability"]])
    shares = []
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(len(true))
        half = len(true) // 2
        lowest = lowest_probability(0.9, true[order[:half]])
        shares.append(float((true[order[half:]] >= lowest).mean()))
    return float(np.mean(shares)), min(shares), max(shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--glue", type=Path, required=True, help="folder with sst2, mrpc and cola")
    parser.add_argument("--squad", type=Path, required=True, help="folder with train.json and validation.json")
    parser.add_argument("--model", required=True, help="checkpoint to start from")
    parser.add_argument("--runs", type=Path, required=True, help="folder for the runs; finished ones are not repeated")
    parser.add_argument("--tasks", nargs="+", default=list(STEPS), choices=list(STEPS))
    options = parser.parse_args()
    errors, risks, sets = [], [], []
    for task in options.tasks:
        folder = train(task, options)
        report = RunReport.load(folder)
        for name, part in parts(report, task).items():
            used = ", ".join(f"{key} {value:.2f}" for key, value in part["temperatures"].items())
            row = [name, f"{part['judged_on']:,}", used]
            for side in (part["before"], part["after"]):
                row += [f"{side['calibration_error']:.1%} ({side['by_chance']:.1%})"]
            row += [f"{part[side][score]:.4f}" for score in ("nll", "brier") for side in ("before", "after")]
            errors.append(row)
        points = curve(report, task)
        at = [float(np.interp(coverage, points["coverage"], points["risk"])) for coverage in COVERAGES]
        risks.append([task, *(f"{risk:.1%}" for risk in at), f"{points['area']:.1%}"])  # type: ignore[str-format]
        if task != "squad":
            sets.append([task, *(f"{share:.1%}" for share in set_coverage(folder))])
    header = ["", "judged on", "temperature", "error before (by chance)", "after (by chance)", "NLL before", "after"]
    print(markdown_table([*header, "Brier before", "after"], errors), end="\n\n")
    print(
        markdown_table(["wrong at a coverage of", *(f"{c:.0%}" for c in COVERAGES), "mean over all"], risks), end="\n\n"
    )
    print(markdown_table(["sets for 90% that hold the label", "mean", "least", "greatest"], sets))


if __name__ == "__main__":
    main()

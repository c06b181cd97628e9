"""What a regression learns from few examples by the number of steps, with the kit's new head and with a stock one.

    python benchmarks/small_regression.py --train GLUE/stsb/train.parquet --validation GLUE/stsb/validation.parquet \
        --model FOLDER --text sentence1 --text_pair sentence2

Both sides are the kit's recipe, with the same examples, seeds and learning rate; for the stock head, the scaling of
outputs is left out. Scores are means over the seeds, with the lowest and the highest.
"""

import argparse
import contextlib
import os
import statistics
import tempfile
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from bert_finetune_kit import ClassificationRecipe, ClassificationTask, LabelledSource

SCALED = "bert_finetune_kit.classification.model.scale_output"


def pearson(options: argparse.Namespace, steps: int, seed: int, scaled: bool) -> float:
    task = ClassificationTask(
        "benchmark", text=options.text, text_pair=options.text_pair, label=options.label, kind="regression",
        metrics=("pearson",),
    )  # fmt: skip
    source = LabelledSource(train=options.train, validation=options.validation, max_train_examples=options.rows)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        if not scaled:
            stack.enter_context(patch(SCALED, lambda *_: 1.0))
        args = ClassificationRecipe.default_args(
            folder, model=options.model, max_steps=steps, seed=seed, eval_strategy="no", save_strategy="no",
            learning_rate=options.learning_rate, report_to=[], disable_tqdm=True,
        )  # fmt: skip
        stack.enter_context(contextlib.redirect_stdout(stack.enter_context(open(os.devnull, "w"))))
        report = ClassificationRecipe(task, source, model=options.model, args=args).train()
    return report.result["pearson"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "validation", "model", "text"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--text_pair")
    parser.add_argument("--label", default="label")
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--learning_rate", type=float, default=5e-5)
    parser.add_argument("--steps", type=int, nargs="+", default=[25, 50, 100, 200])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    table = Table(title=f"Pearson's correlation, {options.rows} training examples, {options.learning_rate} the rate")
    for column in ("steps", "scaled head", "least to most", "stock head", "least to most"):
        table.add_column(column, justify="right")
    for steps in options.steps:
        row = [str(steps)]
        for scaled in (True, False):
            values = [pearson(options, steps, seed, scaled) for seed in options.seeds]
            row += [f"{statistics.mean(values):.3f}", f"{min(values):.3f} to {max(values):.3f}"]
            print(f"{steps} steps, {'scaled' if scaled else 'stock'}: {row[-2]} ({row[-1]})", flush=True)
        table.add_row(*row)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()

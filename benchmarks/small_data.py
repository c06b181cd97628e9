"""What a classifier learns from few examples: with the kit's defaults, with fixed settings, and without fine-tuning.

    python benchmarks/small_data.py --train GLUE/sst2/train.parquet --test GLUE/sst2/validation.parquet \
        --model FOLDER --text sentence --metric accuracy

Every side of a seed is trained on the same rows, chooses its checkpoint by the same 100 other rows of the train split,
and is scored on the test file, which no side sees before. The last side is a logistic regression on the means of the
token vectors of the encoder. Differences are paired by seed, with a 95% t interval. `--results FILE` keeps what has
been measured, so that a run can be continued.
"""

import argparse
import contextlib
import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, DatasetDict, load_dataset
from rich.console import Console
from rich.table import Table
from scipy.stats import sem, t
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from transformers import AutoModel, AutoTokenizer

from bert_finetune_kit import ClassificationRecipe, ClassificationTask

HELD_OUT, REGRESSION = 100, "logistic regression"
SCORERS = {"matthews": "matthews_corrcoef"}  # names of scikit-learn, where they differ
DEFAULTS = "defaults"


def training_arguments(setting: str) -> dict[str, float]:
    """`RATExEPOCHS` or `RATExEPOCHSxBATCH`, such as 2e-5x3 → Trainer arguments."""
    if setting == DEFAULTS:
        return {}
    names = ("learning_rate", "num_train_epochs", "per_device_train_batch_size")
    return {
        name: kind(value) for name, value, kind in zip(names, setting.split("x"), (float, float, int), strict=False)
    }


def rows_of(options: argparse.Namespace, rows: int, seed: int) -> DatasetDict:
    data = load_dataset("parquet", data_files=options.train, split="train").shuffle(seed=seed)
    splits = {"train": data.select(range(rows)), "validation": data.select(range(rows, rows + HELD_OUT))}
    return DatasetDict(splits)


def fine_tuned(options: argparse.Namespace, rows: int, seed: int, setting: str) -> float:
    task = ClassificationTask(
        "benchmark", text=options.text, text_pair=options.text_pair, label=options.label, kind=options.kind,
        metrics=(options.metric,), best_metric=options.metric,
    )  # fmt: skip
    args: dict[str, Any] = {"seed": seed, "report_to": [], "disable_tqdm": True} | training_arguments(setting)
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        recipe = ClassificationRecipe(
            task, rows_of(options, rows, seed), model=options.model, args=args | {"output_dir": folder}
        )
        recipe.train()
        return float(recipe.evaluate(options.test)[options.metric])


def mean_vectors(model_name: str, data: Dataset, texts: list[str]) -> torch.Tensor:
    tokenizer, model = AutoTokenizer.from_pretrained(model_name), AutoModel.from_pretrained(model_name).eval()
    vectors = []
    for batch in data.select_columns(texts).iter(batch_size=64):
        tokens = tokenizer(*(batch[name] for name in texts), truncation=True, padding=True, return_tensors="pt")
        with torch.no_grad():
            hidden, mask = model(**tokens).last_hidden_state, tokens["attention_mask"].unsqueeze(-1)
        vectors.append((hidden * mask).sum(1) / mask.sum(1))
    return torch.cat(vectors)


def without_finetuning(options: argparse.Namespace, rows: int, seed: int) -> float:
    texts = [options.text] + ([options.text_pair] if options.text_pair else [])
    train, test = rows_of(options, rows, seed)["train"], load_dataset("parquet", data_files=options.test, split="train")
    classifier = LogisticRegression(max_iter=1000)
    classifier.fit(mean_vectors(options.model, train, texts).numpy(), train[options.label])
    scorer = get_scorer(SCORERS.get(options.metric, options.metric))
    return float(scorer(classifier, mean_vectors(options.model, test, texts).numpy(), test[options.label]))


def difference(ours: list[float], theirs: list[float]) -> str:
    """Mean of the paired differences with its 95% t interval."""
    differences = [one - other for one, other in zip(ours, theirs, strict=True)]
    mean = statistics.mean(differences)
    half = float(t.ppf(0.975, len(differences) - 1) * sem(differences))
    return f"{mean:+.1%} ({mean - half:+.1%} to {mean + half:+.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("train", "test", "model", "text"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--text_pair")
    parser.add_argument("--label", default="label")
    parser.add_argument("--kind", default="single_label")
    parser.add_argument("--metric", default="accuracy", help="score, which is also that of the best checkpoint")
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 400, 2000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument(
        "--settings", nargs="+", default=[DEFAULTS, "2e-5x3", "1e-4x10"], help=training_arguments.__doc__
    )
    parser.add_argument("--results", type=Path, help="a file to keep what is measured in")
    options = parser.parse_args()
    known: dict[str, float] = {}
    if options.results is not None and options.results.exists():
        known = dict(json.loads(line) for line in options.results.read_text(encoding="utf-8").splitlines())

    def measured(rows: int, seed: int, setting: str) -> float:
        key = f"{rows} rows, seed {seed}, {setting}"
        if key not in known:
            apart = setting == REGRESSION
            known[key] = without_finetuning(options, rows, seed) if apart else fine_tuned(options, rows, seed, setting)
            if options.results is not None:
                with options.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([key, known[key]]) + "\n")
        print(f"{key}: {known[key]:.1%}", flush=True)
        return known[key]

    first, *others = settings = [*options.settings, *([REGRESSION] if options.kind == "single_label" else [])]
    table = Table(title=f"{options.metric}: mean of {len(options.seeds)} seeds; {first} against each other, paired")
    for column in ("training rows", *settings, *(f"against {other}" for other in others)):
        table.add_column(column, justify="right")
    for rows in options.rows:
        scores = {setting: [measured(rows, seed, setting) for seed in options.seeds] for setting in settings}
        means = [f"{statistics.mean(values):.1%}" for values in scores.values()]
        table.add_row(f"{rows:,}", *means, *(difference(scores[first], scores[other]) for other in others))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()

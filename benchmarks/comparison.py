"""Intervals and paired tests on simulated runs: coverage, false positives, and what pairing gains.

    OMP_NUM_THREADS=1 python benchmarks/comparison.py            # all tables, in Markdown
    OMP_NUM_THREADS=1 python benchmarks/comparison.py coverage --draws 200

Populations are made up: two labels of which 30% are positive, with a normal score of -1 or 1 plus noise; targets that
are uniform from 0 to 5 with a predicted value that is noisy and cut off at both ends; questions in articles of unequal
sizes, some of which are hard; masked words in windows of documents of unequal lengths, some of which are hard.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy import stats

from bert_finetune_kit.data.clusters import cluster_numbers
from bert_finetune_kit.reporting.difference import difference_interval
from bert_finetune_kit.reporting.statistics.clusters import Units, single_units
from bert_finetune_kit.reporting.statistics.paired import compare_shares, compare_statistics
from bert_finetune_kit.reporting.statistics.resampling import difference, estimate
from bert_finetune_kit.reporting.statistics.score_statistics import (
    label_statistics,
    mean_statistics,
    ratio_statistic,
    regression_statistics,
)
from bert_finetune_kit.reporting.statistics.seeds import compare_means
from bert_finetune_kit.reporting.statistics.shares import share_interval

Interval = tuple[float, float]
_LARGE = 1_000_000  # examples of a population by which its true scores are known
_LABEL_SCORES = ("f1", "f1_macro", "matthews")


def chosen(rows: Iterable[Any], only: Sequence[str]) -> list[Any]:
    """Return the rows of a table whose first cell has one of the words; all rows where there are none."""
    return [row for row in rows if not only or set(str(row[0] if isinstance(row, tuple) else row).split()) & set(only)]


# Populations: examples, and their units


def drawn_labels(examples: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    references = (rng.random(examples) < 0.3).astype(int)
    return references, (2 * references - 1 + rng.normal(size=examples) > 0).astype(int)


def drawn_targets(examples: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    targets = rng.uniform(0, 5, size=examples)
    return targets, np.clip(targets + 1.2 * rng.normal(size=examples), 0, 5)


def drawn_articles(articles: int, rng: np.random.Generator) -> Units:
    return Units("articles", np.repeat(np.arange(articles), 1 + rng.negative_binomial(2, 1 / 11, size=articles)))


def drawn_answers(units: Units, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return exact match and F1, whose correlation within an article is about a third."""
    ease = rng.normal(scale=0.7, size=units.count)[units.numbers] + rng.normal(size=len(units.numbers))
    exact = ease > -0.3
    overlap = np.where(rng.random(len(ease)) < 0.5, rng.beta(2, 3, size=len(ease)), 0.0)
    return exact.astype(float), np.where(exact, 1.0, overlap)


def drawn_documents(documents: int, rng: np.random.Generator) -> Units:
    windows = np.maximum(1, rng.lognormal(5, 1, size=documents) / 100).round().astype(int)
    return Units("documents", np.repeat(np.arange(documents), windows))


def drawn_words(units: Units, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the summed loss and the number of masked words of windows."""
    words = rng.binomial(128, 0.15, size=len(units.numbers)) + 1
    mean = rng.normal(2.7, 0.3, size=units.count)[units.numbers]
    return words * mean + 3 * np.sqrt(words) * rng.normal(size=len(words)), words


# Coverage


def coverage(draw: Callable[[np.random.Generator], dict[str, Interval]], truth: dict[str, float], draws: int) -> str:
    """Return the percentage of intervals that cover the truth, of each score, without draws that have no interval."""
    hits: dict[str, list[bool]] = {name: [] for name in truth}
    rng = np.random.default_rng(0)
    for _ in range(draws):
        for name, (low, high) in draw(rng).items():
            if low < high:
                hits[name].append(low <= truth[name] <= high)
    return " | ".join(f"{100 * np.mean(found):.1f}" for found in hits.values())


def intervals(statistics: dict, units: Units, rng: np.random.Generator) -> dict[str, Interval]:
    found = estimate(statistics, units, int(rng.integers(2**31)))
    return {name: (item.low, item.high) for name, item in found.items()}


def coverage_tables(draws: int, only: Sequence[str]) -> Iterator[str]:
    rng = np.random.default_rng(1)
    references, predictions = drawn_labels(_LARGE, rng)
    whole = label_statistics(references, predictions, 2, single_units(_LARGE))
    truth = {name: float(whole[name](np.ones((1, _LARGE)))[0]) for name in ("accuracy", *_LABEL_SCORES)}
    targets, values = drawn_targets(_LARGE, rng)
    truth["pearson"] = float(np.corrcoef(targets, values)[0, 1])
    truth["mse"] = float(((targets - values) ** 2).mean())

    def independent(examples: int) -> Callable[[np.random.Generator], dict[str, Interval]]:
        def draw(rng: np.random.Generator) -> dict[str, Interval]:
            units = single_units(examples)
            references, predictions = drawn_labels(examples, rng)
            statistics = label_statistics(references, predictions, 2, units)
            targets, values = drawn_targets(examples, rng)
            fisher = stats.pearsonr(values, targets).confidence_interval()
            regression = regression_statistics(targets, values, units)
            return {
                "accuracy": share_interval(references == predictions, units),
                **intervals({name: statistics[name] for name in _LABEL_SCORES}, units, rng),
                "pearson": (fisher.low, fisher.high),
                **intervals({"mse": regression["mse"]}, units, rng),
            }

        return draw

    yield "| independent examples | accuracy | F1 | macro F1 | Matthews | Pearson | MSE |\n" + "| ---: " * 7 + "|"
    for examples in chosen((8, 15, 30, 50, 100, 400), only):
        yield f"| {examples} | {coverage(independent(examples), truth, draws)} |"

    rng = np.random.default_rng(2)
    exact, f1 = drawn_answers(drawn_articles(_LARGE // 20, rng), rng)
    losses, words = drawn_words(drawn_documents(_LARGE // 2, rng), rng)
    truth = {"exact": exact.mean(), "f1": f1.mean(), "mlm_loss": losses.sum() / words.sum()}
    repeated = {"accuracy": float(drawn_right(_LARGE, rng).mean())}

    def clustered(count: int) -> Callable[[np.random.Generator], dict[str, Interval]]:
        def draw(rng: np.random.Generator) -> dict[str, Interval]:
            articles, documents = drawn_articles(count, rng), drawn_documents(count, rng)
            exact, f1 = drawn_answers(articles, rng)
            return {
                "exact": share_interval(exact, articles),
                **intervals(mean_statistics({"f1": f1}, articles), articles, rng),
                **intervals({"mlm_loss": ratio_statistic(*drawn_words(documents, rng), documents)}, documents, rng),
            }

        return draw

    def texts(count: int) -> Callable[[np.random.Generator], dict[str, Interval]]:
        def draw(rng: np.random.Generator) -> dict[str, Interval]:
            numbers = np.repeat(np.arange(count), rng.integers(1, 6, size=count))
            right = drawn_right(count, rng)[numbers]
            return {"accuracy": share_interval(right, Units("texts", cluster_numbers(numbers.tolist())))}

        return draw

    yield (
        "\n| articles, documents or texts | exact match | F1 of answers | perplexity | accuracy, repeated texts |\n"
        + "| ---: " * 5 + "|"
    )  # fmt: skip
    for count in chosen((4, 5, 8, 12, 15, 20, 30, 60, 200), only):
        cells = [coverage(clustered(count), truth, draws), coverage(texts(count), repeated, draws)]
        yield f"| {count} | {' | '.join(cells)} |"


def drawn_right(texts: int, rng: np.random.Generator) -> np.ndarray:
    return rng.random(texts) < 0.8


# Pairs of runs


def alike(examples: int, correlation: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return two noises of the same spread with a correlation."""
    common, *own = rng.normal(size=(3, examples))
    first, second = (np.sqrt(correlation) * common + np.sqrt(1 - correlation) * noise for noise in own)
    return first, second


def null_tables(pairs: int, only: Sequence[str]) -> Iterator[str]:
    """Yield how often two runs that are equally good are called different."""

    def shares(examples: int) -> Callable[[np.random.Generator], float]:
        def p_value(rng: np.random.Generator) -> float:
            first, second = (noise > -1 for noise in alike(examples, 0.7, rng))
            return compare_shares(first.astype(float), second.astype(float)).p_value

        return p_value

    def f1(examples: int) -> Callable[[np.random.Generator], float]:
        def p_value(rng: np.random.Generator) -> float:
            references, units = (rng.random(examples) < 0.3).astype(int), single_units(examples)
            sides = [2 * references - 1 + noise > 0 for noise in alike(examples, 0.7, rng)]
            found = [label_statistics(references, side.astype(int), 2, units)["f1"] for side in sides]
            return compare_statistics({"f1": difference(*found)}, units, int(rng.integers(2**31)))["f1"].p_value

        return p_value

    def answers(articles: int) -> Callable[[np.random.Generator], float]:
        def p_value(rng: np.random.Generator) -> float:
            units = drawn_articles(articles, rng)
            ease = rng.normal(size=len(units.numbers))
            effects = rng.normal(scale=0.5, size=(2, units.count))  # an article suits one run, and not the other
            sides = [
                mean_statistics({"f1": ease + own[units.numbers] + rng.normal(size=len(ease)) > 0}, units)["f1"]
                for own in effects
            ]
            return compare_statistics({"f1": difference(*sides)}, units, int(rng.integers(2**31)))["f1"].p_value

        return p_value

    def seeds(count: int) -> Callable[[np.random.Generator], float]:
        def p_value(rng: np.random.Generator) -> float:
            # Seeds differ by a point, the difference of the means by half a point from sample to sample of examples.
            chance = rng.normal(scale=0.005)
            sides = rng.normal(0.8, 0.01, size=(2, count))
            return compare_means(sides[0], sides[1] + chance, 0.005, 400).difference.p_value

        return p_value

    yield "| equally good runs | test | called different, % |\n| --- | --- | ---: |"
    cases = [
        (f"accuracy, {examples} examples", "McNemar's test, mid-p", shares(examples)) for examples in (50, 200, 1000)
    ]
    cases += [(f"F1, {examples} examples", "paired bootstrap", f1(examples)) for examples in (50, 200)]
    cases += [
        (f"F1 of answers, {count} articles", f"paired {'bootstrap' if count >= 30 else 't test'}", answers(count))
        for count in (8, 15, 30, 60)
    ]
    cases += [(f"{count} and {count} seeds", "t test over seeds and examples", seeds(count)) for count in (3, 5, 10)]
    for name, test, draw in chosen(cases, only):
        rng = np.random.default_rng(3)
        yield f"| {name} | {test} | {100 * np.mean([draw(rng) < 0.05 for _ in range(pairs)]):.1f} |"


def width_table(draws: int) -> Iterator[str]:
    """Yield how wide intervals of a difference are with pairing, as a share of those without."""
    yield "| correlation of the examples' outcomes | accuracy | F1 | mean loss |\n" + "| ---: " * 4 + "|"
    examples, units = 800, single_units(800)
    for strength in (0.0, 0.5, 0.8, 0.9, 0.95, 0.98):
        rng = np.random.default_rng(4)
        ratios, correlations = [], []
        for _ in range(draws):
            references = (rng.random(examples) < 0.3).astype(int)
            noises = alike(examples, strength, rng)
            right = [1 + noise > 0 for noise in noises]
            predictions = [np.where(side, references, 1 - references) for side in right]
            paired = compare_shares(*(side.astype(float) for side in right))
            alone = [share_interval(side, units) for side in right]
            values = [float(side.mean()) for side in right]
            low, high = difference_interval(values[0], alone[0], values[1], alone[1])
            ratios.append([(paired.high - paired.low) / (high - low)])
            f1 = [label_statistics(references, side, 2, units)["f1"] for side in predictions]
            loss = [mean_statistics({"loss": np.exp(-noise)}, units)["loss"] for noise in noises]
            for first, second in (f1, loss):
                found = estimate({"a": first, "b": second, "d": difference(first, second)}, units)
                widths = {name: item.high - item.low for name, item in found.items()}
                ratios[-1].append(widths["d"] / np.hypot(widths["a"], widths["b"]))
            correlations.append(float(np.corrcoef(*right)[0, 1]))
        cells = " | ".join(f"{100 * ratio:.0f}%" for ratio in np.mean(ratios, axis=0))
        yield f"| {np.mean(correlations):.2f} | {cells} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", default=["coverage", "null", "width"])
    parser.add_argument("--draws", type=int, default=1000, help="samples of examples of each coverage")
    parser.add_argument("--pairs", type=int, default=10_000, help="pairs of runs of each share of false positives")
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD", help="rows with one of these words or numbers")
    options = parser.parse_args()
    tables = {
        "coverage": lambda: coverage_tables(options.draws, options.only),
        "null": lambda: null_tables(options.pairs, options.only),
        "width": lambda: width_table(max(options.draws // 20, 2)),
    }
    for name in options.tables:
        start = time.perf_counter()
        for line in tables[name]():
            print(line, flush=True)
        print(f"\n{name}: {time.perf_counter() - start:.0f} s\n", flush=True)


if __name__ == "__main__":
    main()

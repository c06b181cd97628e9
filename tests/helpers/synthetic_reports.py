"""Reports of random figures: curves of all shapes, scores of all sizes, with and without what a report can lack."""

import numpy as np

from bert_finetune_kit import RunReport

RECIPES = ("classification", "pretraining", "question_answering")
SHAPES = ("falls", "flat", "falls then rises", "rises", "jumps", "noise")


def empty_report(recipe="classification", **parts):
    """Return a report with nothing but what is given."""
    empty = {
        "summary": [], "scores": [], "result": {}, "baselines": {}, "glossary": [], "data": {}, "history": [],
        "parameters": {"name": "Bert", "total": 1, "trainable": 1, "tied": 0}, "settings": {}, "timings": {},
        "versions": {},
    }  # fmt: skip
    return RunReport(recipe, **(empty | parts))


def loss_curve(shape, count, start=0.7, end=0.2, noise=0.0, rng=None):
    """Return the losses of a curve of a shape, (count,)."""
    place = np.linspace(0, 1, count)
    values = {
        "falls": start + (end - start) * place,
        "flat": np.full(count, start),
        "falls then rises": end + (start - end) * (2 * place - 1) ** 2,
        "rises": end + (start - end) * place,
        "jumps": np.where(place < 0.7, start + (end - start) * place, 3 * start),
        "noise": np.full(count, (start + end) / 2),
    }[shape]
    return values + (0 if rng is None else rng.normal(0, noise, count))


def log_rows(losses, rate=1e-3, norms=None, steps=None):
    """Return training logs, the last one at `steps`."""
    places = np.linspace(1, steps or len(losses), len(losses)).astype(int)
    norms = np.ones(len(losses)) if norms is None else norms
    return [
        {"step": int(step), "epoch": float(step) / 10, "loss": float(loss), "grad_norm": float(norm),
         "learning_rate": rate}
        for step, loss, norm in zip(places, losses, norms, strict=True)
    ]  # fmt: skip


def synthetic_report(rng):
    """Return a report of random figures; what a report can lack is missing in some."""
    recipe = str(rng.choice(RECIPES))
    steps = int(rng.choice([4, 60, 400, 5_000]))
    rate = float(rng.choice([0.0, 1e-9, 1e-5, 1e-3, 1.0]))
    start, end, noise = rng.uniform(0.3, 3), rng.uniform(0.01, 1), rng.choice([0.0, 0.02, 0.3])
    logs = loss_curve(str(rng.choice(SHAPES)), int(rng.choice([1, 3, 12, 40])), start, end, noise, rng)
    norms = np.where(rng.random(len(logs)) < 0.02, 1e5, 1.0)
    if rng.random() < 0.05:
        logs[-1] = np.nan
    losses = loss_curve(str(rng.choice(SHAPES)), int(rng.choice([1, 2, 4, 9])), start, end, noise, rng)
    count = int(rng.choice([8, 40, 400, 5_000]))
    scores, parts = _SCORED[recipe](rng, count)
    key = "mlm_loss" if recipe == "pretraining" else "loss"
    rows = [
        {"epoch": float(n), "step": n * steps // len(losses), key: float(abs(loss)), **scores}
        for n, loss in enumerate(losses, start=1)
    ]
    data = {"train": {}, "validation": dict.fromkeys(("examples", "questions", "examples_per_epoch"), count)}
    settings = {"recipe": {"objective": str(rng.choice(["nsp", "sop", "none"]))}, "task": {}, "training": {}}
    modules = [
        {"name": f"layer.{n}", "trainable": True, "after": 9, "relative_change": float(rng.choice([0.0, 0.1]))}
        for n in range(3)
    ]
    return empty_report(
        recipe, scores=rows, result=rows[int(rng.integers(len(rows)))], data=data, settings=settings,
        history=log_rows(logs, rate, norms, steps) if rng.random() < 0.9 else [],
        change={"modules": modules} if rng.random() < 0.3 else {}, **parts,
    )  # fmt: skip


def _classification(rng, count):
    table = rng.multinomial(count, rng.dirichlet(rng.choice([0.1, 1.0, 5.0]) * np.ones(4))).reshape(2, 2)
    accuracy, share = np.trace(table) / count, table.sum(1).max() / count
    width = 2 * np.sqrt(max(accuracy * (1 - accuracy), 1e-3) / count)
    labels = {
        name: {"precision": None, "recall": None, "f1": None, "support": float(table[n].sum()),
               "predicted": float(table[:, n].sum())}
        for n, name in enumerate(("bad", "good"))
    }  # fmt: skip
    matthews = float(rng.uniform(-1, 1))
    scores = {"accuracy": float(accuracy), "matthews": matthews, "calibration_error": float(rng.uniform(0, 0.4))}
    confidence = float(rng.uniform(0.5, 1))
    details = {
        "examples": count, "scores": scores, "baseline": {"accuracy": float(share), "matthews": 0.0},
        "intervals": {"accuracy": (accuracy - width, accuracy + width),
                      "matthews": (matthews - width, matthews + width)},
        "by_label": labels, "confusion": table.tolist(),
        "reliability": {"calibration_error": 0.2, "bins": [
            {"low": 0.0, "high": 1.0, "count": count, "confidence": confidence, "accuracy": float(accuracy)}]},
    }  # fmt: skip
    return scores, {"details": {"validation": details}}


def _pretraining(rng, count):
    unigram = float(rng.uniform(100, 2_000))
    perplexity = unigram * float(rng.choice([0.1, 0.9, 0.97, 1.0, 1.2, 30.0]))
    spread = float(rng.uniform(1.01, 1.5))
    return {"perplexity": perplexity, "pair_accuracy": float(rng.uniform(0.3, 1))}, {
        "baselines": {"unigram": {"perplexity": unigram}, "uniform": {"perplexity": 10_000.0}},
        "intervals": {"perplexity": (perplexity / spread, perplexity * spread)},
        "evidence": {"from_checkpoint": True, "newly_initialized": ["cls.predictions"]} if rng.random() < 0.3 else {},
    }


def _question_answering(rng, count):
    without = int(rng.integers(0, count + 1))
    answerable = count - without
    has, no = float(rng.choice([0.0, 3.0, 60.0])), float(rng.choice([0.0, 40.0, 100.0]))
    f1 = (has * answerable + no * without) / count
    baseline = 100 * without / count
    scores = {
        "exact": f1, "f1": f1, "total": count, "HasAns_f1": has, "NoAns_f1": no, "HasAns_total": answerable,
        "NoAns_total": without, "best_f1": max(f1, baseline), "best_exact": max(f1, baseline),
    }  # fmt: skip
    details = {"scores": scores, "official": scores, "no_answer_baseline": baseline,
               "abstained": float(rng.choice([0.0, 50.0, 99.5]))}  # fmt: skip
    evidence = {
        "answers_f1": has, "answers_f1_interval": (has * 0.8, has * 1.2 + 2), "answers_scored": answerable,
        "random_span_f1": 4.0, "predicted_words": 9.0, "answer_words": float(rng.choice([2.0, 8.0])),
        "answers_compared": answerable,
    }  # fmt: skip
    return {"f1": f1, "exact": f1}, {"details": details, "evidence": evidence, "intervals": {"f1": (f1 - 3, f1 + 3)}}


_SCORED = {
    "classification": _classification, "pretraining": _pretraining, "question_answering": _question_answering
}  # fmt: skip

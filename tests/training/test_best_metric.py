"""The score that decides has a direction that is known or given; ties go to the lower loss."""

import math

import pytest
from datasets import Dataset
from transformers import EarlyStoppingCallback, TrainerState, TrainingArguments

from bert_finetune_kit import ClassificationRecipe, ClassificationTask, ConfigError, LabelledSource, PreparedData, Score
from bert_finetune_kit.training.arguments import RecipeArguments
from bert_finetune_kit.training.best_metric import best_metric_faults, is_better, record_best, with_best_metric

GLOSSARY = (Score("f1", "F1", ".1%", ""), Score("perplexity", "perplexity", ".1f", "", lower_is_better=True))
DECIDING = (
    {"load_best_model_at_end": True, "save_strategy": "epoch"},
    {"save_strategy": "best"},
    {"lr_scheduler_type": "reduce_lr_on_plateau"},
    {"lr_scheduler_type": "greedy"},
    {},  # a name alone: the best checkpoint is kept
)


def data(**settings):
    further = {"rmse": None, "mse": True}
    defaults = {
        "name": "toy", "tokenizer": None, "train": [], "validation": {"validation": []}, "collator": None,
        "initial_model": "tiny", "glossary": GLOSSARY, "best_metric": "f1", "further_scores": further,
    }  # fmt: skip
    return PreparedData(**(defaults | settings))


def arguments(kind=RecipeArguments, **settings):
    return kind("unused", use_cpu=True, **({"eval_strategy": "epoch"} | settings))


@pytest.mark.parametrize("deciding", DECIDING)
@pytest.mark.parametrize(
    ("metric", "greater", "expected"),
    [("mse", None, False), ("perplexity", None, False), ("eval_f1", None, True), ("eval_loss", None, False),
     ("loss", None, False), ("rmse", False, False), ("rmse", True, True), ("f1", True, True)],
)  # fmt: skip
def test_the_direction_is_that_of_the_score_or_the_one_given(deciding, metric, greater, expected):
    args = with_best_metric(arguments(metric_for_best_model=metric, greater_is_better=greater, **deciding), data())
    assert type(args) is TrainingArguments
    assert (args.metric_for_best_model, args.greater_is_better) == (metric.removeprefix("eval_"), expected)
    if "lr_scheduler_type" in deciding:
        assert args.lr_scheduler_kwargs["mode"] == ("max" if expected else "min")


@pytest.mark.parametrize("kind", [RecipeArguments, TrainingArguments])
@pytest.mark.parametrize("deciding", DECIDING)
@pytest.mark.parametrize(
    ("metric", "greater", "message"),
    [("rmse", None, "whether greater or lower is better is not known: set greater_is_better"),
     ("prplexity", None, "Unknown metric_for_best_model 'prplexity'"),
     ("f1", False, "greater_is_better is False for 'f1', of which the greater is better")],
)  # fmt: skip
def test_a_score_that_cannot_decide_is_refused(kind, deciding, metric, greater, message):
    given = {} if greater is None else {"greater_is_better": greater}
    with pytest.raises(ConfigError, match=message):
        with_best_metric(arguments(kind, metric_for_best_model=metric, **given, **deciding), data())


def test_without_a_name_the_score_of_the_task_decides():
    for deciding in DECIDING[:-1]:
        args = with_best_metric(arguments(**deciding), data())
        assert (args.metric_for_best_model, args.greater_is_better) == ("f1", True)
        args = with_best_metric(arguments(**deciding), data(best_metric=None))
        assert (args.metric_for_best_model, args.greater_is_better) == ("loss", False)
        args = with_best_metric(arguments(greater_is_better=False, **deciding), data(best_metric="rmse"))
        assert (args.metric_for_best_model, args.greater_is_better) == ("rmse", False)
        with pytest.raises(ConfigError, match="not known"):
            with_best_metric(arguments(**deciding), data(best_metric="rmse"))
    assert with_best_metric(arguments(), data()).metric_for_best_model is None


def test_early_stopping_of_the_user_decides_too():
    args = with_best_metric(arguments(), data(), [EarlyStoppingCallback()])
    assert (args.metric_for_best_model, args.greater_is_better) == ("f1", True)
    with pytest.raises(ConfigError, match="EarlyStoppingCallback needs evaluations"):
        with_best_metric(arguments(eval_strategy="no"), data(), [EarlyStoppingCallback()])


def test_a_mode_of_the_scheduler_against_the_score_is_refused():
    args = arguments(lr_scheduler_type="reduce_lr_on_plateau", lr_scheduler_kwargs={"mode": "min"})
    with pytest.raises(ConfigError, match="mode 'min', and for f1 it is 'max'"):
        with_best_metric(args, data())


def test_a_score_that_the_data_leave_undefined_cannot_decide():
    undefined = data(undefined_scores={"f1": "all examples have the same label"})
    with pytest.raises(ConfigError, match=r"'f1' cannot choose .*: all examples have the same label"):
        with_best_metric(arguments(save_strategy="best"), undefined)


def test_faults_that_are_known_without_data():
    assert not list(best_metric_faults(arguments(metric_for_best_model="perplexity"), GLOSSARY))
    (fault,) = best_metric_faults(arguments(metric_for_best_model="perplexty"), GLOSSARY)
    assert "Unknown metric_for_best_model 'perplexty'. Available scores: loss, f1, perplexity" in fault


@pytest.mark.parametrize(
    ("row", "best", "key", "greater", "expected"),
    [
        ({"f1": 0.5}, {}, "f1", True, True),
        ({"f1": math.nan}, {}, "f1", True, False),
        ({}, {}, "f1", True, False),
        ({"f1": math.nan}, {"f1": 0.5}, "f1", True, False),
        ({"f1": 0.6}, {"f1": 0.5}, "f1", True, True),
        ({"f1": 0.6}, {"f1": 0.5}, "f1", False, False),
        ({"f1": 0.5, "loss": 0.2}, {"f1": 0.5, "loss": 0.9}, "f1", True, True),
        ({"f1": 0.5, "loss": 0.9}, {"f1": 0.5, "loss": 0.2}, "f1", True, False),
        ({"f1": 0.5, "loss": 0.2}, {"f1": 0.5, "loss": 0.2}, "f1", True, False),  # the earlier one stays
        ({"f1": 0.5, "loss": math.nan}, {"f1": 0.5, "loss": 0.2}, "f1", True, False),
        ({"f1": 0.5, "loss": 0.2}, {"f1": 0.5, "loss": math.nan}, "f1", True, True),
        ({"f1": 0.5}, {"f1": 0.5}, "f1", True, False),
        # Of several splits and terms, the loss that goes with the score.
        ({"a_f1": 1, "a_loss": 1, "b_loss": 9}, {"a_f1": 1, "a_loss": 2, "b_loss": 0}, "a_f1", True, True),
        ({"mlm_accuracy": 1, "mlm_loss": 1, "loss": 9}, {"mlm_accuracy": 1, "mlm_loss": 2, "loss": 0},
         "mlm_accuracy", True, True),
    ],
)  # fmt: skip
def test_a_better_evaluation(row, best, key, greater, expected):
    assert is_better(row, best, key, greater) is expected


def replay(scores, args, state, save_and_load=None):
    """Record evaluations one after the other, as the Trainer does, and return the step of the best."""
    for step, row in scores.items():
        state.global_step = step
        state.log_history.append({f"eval_{key}": value for key, value in row.items()} | {"step": step})
        record_best(state, args)
        if step == save_and_load:
            state.save_to_json(args.output_dir + "/state.json")
            state = TrainerState.load_from_json(args.output_dir + "/state.json")
    return state.best_global_step


def state_of(steps, save_steps=1):
    state = TrainerState(max_steps=steps, save_steps=save_steps)
    state.log_history = []
    return state


TIES = {step: {"accuracy": 1.0, "loss": loss} for step, loss in ((2, 1.5), (3, 0.98), (4, 0.5), (5, 0.21), (6, 0.3))}


@pytest.mark.parametrize("resumed", [None, 3, 4, 5])
def test_ties_go_to_the_lower_loss_after_a_resume_too(tmp_path, resumed):
    args = arguments(TrainingArguments, metric_for_best_model="accuracy", warmup_steps=0.1, save_strategy="steps")
    args.output_dir = str(tmp_path)
    assert replay(TIES, args, state_of(6), resumed) == 5


def test_weights_that_no_step_has_changed_are_never_the_best():
    args = arguments(TrainingArguments, metric_for_best_model="accuracy", warmup_steps=0.1, save_strategy="steps")
    rows = {0: {"accuracy": 1.0}, 1: {"accuracy": 1.0}, 2: {"accuracy": 0.5}, 3: {"accuracy": 0.4}}
    assert replay(rows, args, state_of(3)) == 2
    args.warmup_steps = 0
    assert replay(rows, args, state_of(3)) == 1


def test_the_best_has_a_checkpoint():
    """Where every second evaluation has none, also at the end, which is always saved."""
    args = arguments(TrainingArguments, metric_for_best_model="f1", save_strategy="steps", eval_strategy="steps")
    rows = {step: {"f1": value} for step, value in ((2, 0.9), (4, 0.5), (6, 0.8), (8, 0.6), (9, 0.7))}
    assert replay(rows, args, state_of(9, save_steps=4)) == 9
    args.save_strategy = "best"
    assert replay(rows, args, state_of(9, save_steps=4)) == 2


class Rmse:
    """A metric of a user's own."""

    name = "rmse"

    def compute(self, predictions, references):
        return {"rmse": float(((predictions - references) ** 2).mean() ** 0.5)}


@pytest.fixture
def regression(tmp_path, tokenizer, config):
    rows = Dataset.from_dict({"text": [f"day {n % 7}" for n in range(24)], "label": [float(n % 7) for n in range(24)]})
    task = ClassificationTask("t", kind="regression", metrics=(Rmse(), "mse"))

    def regression(**settings):
        defaults = {
            "max_steps": 6, "eval_steps": 2, "per_device_train_batch_size": 8, "lr_scheduler_type": "constant",
            "learning_rate": 2e-2, "disable_tqdm": True, "save_total_limit": None,
        }  # fmt: skip
        args = ClassificationRecipe.default_args(str(tmp_path / "run"), **(defaults | settings))
        source = LabelledSource(rows, validation=rows)
        return ClassificationRecipe(task, source, model=config, tokenizer=tokenizer, args=args)

    return regression


@pytest.mark.parametrize("settings", [{"metric_for_best_model": "rmse"}, {"save_strategy": "best"}])
def test_the_lowest_error_is_kept_of_a_metric_of_ones_own(regression, settings):
    with pytest.raises(ConfigError, match="'rmse' is to choose the best checkpoint"):
        regression(**settings).train()
    recipe = regression(greater_is_better=False, **settings)
    report = recipe.train()
    assert (
        report.result["rmse"] == min(row["rmse"] for row in report.scores) < max(row["rmse"] for row in report.scores)
    )
    assert recipe.trainer.state.best_metric == report.result["rmse"]
    assert report.settings["training"]["greater_is_better"] is False

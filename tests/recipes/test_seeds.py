"""The same run with several seeds: each is trained once, and only with the settings of the others."""

from pathlib import Path

import pytest
from small_recipes import Signal, build, small_config

from bert_finetune_kit import ConfigError, OutputError, RunReport
from bert_finetune_kit.recipes.seeds import train_with_seeds
from bert_finetune_kit.reporting.schema import Score
from bert_finetune_kit.runs.checkpoints import finalize

SETTINGS = {"data_seed": None, "learning_rate": 0.1, "num_train_epochs": 3, "data": "the hash of some data"}


class Toy:
    """Stands for a recipe with a seed, whose loss is the seed."""

    is_main = True

    def __init__(self, seed, folder, settings=SETTINGS):
        self.seed, self.output_dir, self.settings, self.trained = seed, str(folder), settings, 0

    def current_fingerprint(self):
        return {**self.settings, "seed": self.seed}

    def train(self, resume=False, force=False):
        self.trained += 1
        report = RunReport(
            recipe="toy", summary=["A toy."], scores=[], result={"loss": float(self.seed)}, baselines={},
            glossary=[Score("loss", "loss", ".2f", "Loss", lower_is_better=True)], data={}, history=[],
            parameters={"name": "Toy", "total": 1, "trainable": 1, "tied": 0}, settings={}, timings={},
            fingerprint=self.current_fingerprint(),
        )  # fmt: skip
        Path(self.output_dir).mkdir(exist_ok=True)
        report.save(self.output_dir)
        return report


@pytest.fixture
def recipes(tmp_path):
    return {seed: Toy(seed, tmp_path / str(seed)) for seed in (3, 4, 5)}


def trained(recipes):
    return {seed: recipe.trained for seed, recipe in recipes.items()}


def test_mean_and_standard_deviation_of_all_seeds(recipes):
    report = train_with_seeds([3, 4, 5], recipes, resume=False)
    assert trained(recipes) == {3: 1, 4: 1, 5: 1}
    assert (report.mean, report.std) == ({"loss": 4.0}, {"loss": 1.0})
    assert report.results == [{"loss": 3.0}, {"loss": 4.0}, {"loss": 5.0}]


def test_a_finished_seed_is_not_trained_again(recipes):
    recipes[4].train()
    report = train_with_seeds([3, 4, 5], recipes, resume=False)
    assert trained(recipes) == {3: 1, 4: 1, 5: 1}
    assert report.mean == {"loss": 4.0}


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"learning_rate": 0.2}, "learning_rate was 0.2 and is now 0.1"),
        ({"data": "another hash"}, "training examples have changed"),
        ({"lora.r": 8}, "lora.r was 8 and is now None"),
        ({"num_train_epochs": 4}, "num_train_epochs was 4 and is now 3"),
        ({"version of torch": "1.0"}, "version of torch was '1.0' and is now None"),
    ],
)
def test_a_seed_that_has_finished_with_other_settings_is_refused_before_any_training(
    recipes, tmp_path, change, difference, resume
):
    Toy(5, tmp_path / "5", SETTINGS | change).train()
    with pytest.raises(OutputError, match=rf"5 has finished with other settings:\s+- {difference}"):
        train_with_seeds([3, 4, 5], recipes, resume)
    assert trained(recipes) == {3: 0, 4: 0, 5: 0}


def test_finished_seeds_train_longer_where_they_are_resumed(recipes, tmp_path):
    for seed in (3, 5):
        Toy(seed, tmp_path / str(seed), SETTINGS | {"num_train_epochs": 2}).train()
    write_checkpoint(tmp_path / "5", SETTINGS | {"num_train_epochs": 2, "seed": 5})
    with pytest.raises(OutputError, match="num_train_epochs was 2 and is now 3"):
        train_with_seeds([3, 4, 5], recipes, resume=False)
    with pytest.raises(OutputError, match="3 holds a finished run, which cannot train longer"):
        train_with_seeds([3, 4, 5], recipes, resume=True)
    assert trained(recipes) == {3: 0, 4: 0, 5: 0}
    write_checkpoint(tmp_path / "3", SETTINGS | {"num_train_epochs": 2, "seed": 3})
    train_with_seeds([3, 4, 5], recipes, resume=True)
    assert trained(recipes) == {3: 1, 4: 1, 5: 1}


def write_checkpoint(run, fingerprint):
    (run / "checkpoint-2").mkdir(parents=True)
    (run / "checkpoint-2" / "weights").touch()
    finalize(run / "checkpoint-2", fingerprint)


def test_an_unfinished_seed_needs_resume_and_the_same_settings(recipes, tmp_path):
    write_checkpoint(tmp_path / "5", SETTINGS | {"seed": 5, "data": "another hash"})
    with pytest.raises(OutputError, match="unfinished run"):
        train_with_seeds([3, 4, 5], recipes, resume=False)
    with pytest.raises(OutputError, match="training examples have changed"):
        train_with_seeds([3, 4, 5], recipes, resume=True)
    assert trained(recipes) == {3: 0, 4: 0, 5: 0}
    assert train_with_seeds([3, 4, 5], recipes, resume=True, force=True).mean == {"loss": 4.0}


@pytest.mark.parametrize("seeds", [[], [3], [3, 3], [3, 4, 3]])
def test_a_standard_deviation_needs_two_different_seeds(recipes, seeds):
    with pytest.raises(ConfigError, match="two or more, each of them once"):
        train_with_seeds(seeds, recipes, resume=False)


def test_a_recipe_with_another_seed_shares_nothing_that_changes(tmp_path):
    recipe = build("pretraining", small_config([0] * 100), tmp_path, tokenizer="vocab.txt", data_seed=9)
    recipe.callbacks.append(Signal(3))
    copied = recipe.with_seed(5)
    assert (copied.args.seed, copied.args.data_seed) == (5, None)
    assert (recipe.args.seed, recipe.args.data_seed) == (42, 9)
    assert copied.output_dir == str(tmp_path / "seed-5")
    assert recipe.output_dir == str(tmp_path)
    copied.callbacks[0].step = 8
    copied.callbacks.append(Signal(9))
    assert [callback.step for callback in recipe.callbacks] == [3]
    assert copied.state.prepared is None

"""The same run with several seeds: each is trained once, and only with the settings of the others."""

import pytest
from small_recipes import Signal, build, small_config

from bert_finetune_kit import ConfigError, OutputError, RunReport
from bert_finetune_kit.recipes.seeds import train_with_seeds
from bert_finetune_kit.reporting.schema import Score
from bert_finetune_kit.runs.directory import RunDirectory

SETTINGS = {"seed": 7, "data_seed": None, "learning_rate": 0.1}


@pytest.fixture
def train(tmp_path):
    """Stands for the training of a seed, whose loss is the seed; `trained` has the seeds."""
    trained = []

    def train(seed, settings=SETTINGS):
        trained.append(seed)
        report = RunReport(
            recipe="toy", summary=["A toy."], scores=[], result={"loss": float(seed)}, baselines={},
            glossary=[Score("loss", "loss", ".2f", "Loss", lower_is_better=True)], data={}, history=[],
            parameters={"name": "Toy", "total": 1, "trainable": 1, "tied": 0}, settings={}, timings={},
            fingerprint={**settings, "seed": seed},
        )  # fmt: skip
        (tmp_path / str(seed)).mkdir(exist_ok=True)
        report.save(tmp_path / str(seed))
        return report

    train.trained = trained
    return train


@pytest.fixture
def folders(tmp_path):
    return {seed: RunDirectory(tmp_path / str(seed)) for seed in (3, 4, 5)}


def test_mean_and_standard_deviation_of_all_seeds(train, folders):
    report = train_with_seeds([3, 4, 5], folders, SETTINGS, train, resume=False)
    assert train.trained == [3, 4, 5]
    assert (report.mean, report.std) == ({"loss": 4.0}, {"loss": 1.0})
    assert report.results == [{"loss": 3.0}, {"loss": 4.0}, {"loss": 5.0}]


def test_a_finished_seed_is_not_trained_again(train, folders):
    train(4)
    report = train_with_seeds([3, 4, 5], folders, SETTINGS, train, resume=False)
    assert train.trained == [4, 3, 5]
    assert report.mean == {"loss": 4.0}


def test_a_seed_that_has_finished_with_other_settings_is_refused_before_any_training(train, folders):
    train(5, SETTINGS | {"learning_rate": 0.2})
    with pytest.raises(
        OutputError, match=r"5 has finished with other settings:\s+- learning_rate was 0.2 and is now 0.1"
    ):
        train_with_seeds([3, 4, 5], folders, SETTINGS, train, resume=False)
    assert train.trained == [5]


def test_an_unfinished_seed_needs_resume(train, folders, tmp_path):
    (tmp_path / "5" / "checkpoint-2").mkdir(parents=True)
    with pytest.raises(OutputError, match="unfinished run"):
        train_with_seeds([3, 4, 5], folders, SETTINGS, train, resume=False)
    assert train.trained == []
    assert train_with_seeds([3, 4, 5], folders, SETTINGS, train, resume=True).mean == {"loss": 4.0}


@pytest.mark.parametrize("seeds", [[], [3], [3, 3], [3, 4, 3]])
def test_a_standard_deviation_needs_two_different_seeds(train, folders, seeds):
    with pytest.raises(ConfigError, match="two or more, each of them once"):
        train_with_seeds(seeds, folders, SETTINGS, train, resume=False)


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

"""A stopped or finished run can be resumed to train longer; with a constant learning rate that is exact."""

import shutil

import pytest
from safetensors.torch import load_file
from small_recipes import KINDS, Signal, assert_same_weights, build, small_config
from transformers import TrainerCallback

from bert_finetune_kit import OutputError, PretrainConfig, RunReport, RunStopped

SETTINGS = {"save_strategy": "steps", "save_steps": 2, "eval_strategy": "no", "lr_scheduler_type": "constant",
            "warmup_steps": 0, "learning_rate": 1e-3}  # fmt: skip


def stopped(make_recipe, folder, **settings):
    recipe = make_recipe(output_dir=folder, **(SETTINGS | settings))
    recipe.callbacks.append(Signal(3))
    with pytest.raises(RunStopped):
        recipe.train()


@pytest.mark.slow
def test_a_stopped_run_trains_longer(make_recipe, tmp_path):
    stopped(make_recipe, tmp_path / "extended", max_steps=4)
    report = make_recipe(output_dir=tmp_path / "extended", **SETTINGS, max_steps=6).train(resume=True)
    make_recipe(output_dir=tmp_path / "longer", **SETTINGS, max_steps=6).train()
    extended, longer = (load_file(tmp_path / name / "model.safetensors") for name in ("extended", "longer"))
    assert_same_weights(extended, longer)
    assert any("extended: up to checkpoint-3, max_steps was 4 and is now 6" in note for note in report.notes)


def test_a_stopped_run_does_not_train_shorter(make_recipe, tmp_path):
    stopped(make_recipe, tmp_path / "run", max_steps=6)
    with pytest.raises(OutputError, match="max_steps was 6 and is now 4"):
        make_recipe(output_dir=tmp_path / "run", **SETTINGS, max_steps=4).train(resume=True)


@pytest.mark.slow
def test_a_run_stopped_in_its_second_phase_trains_both_phases_longer(make_recipe, tmp_path):
    """The second phase starts again, from the weights of the longer first one."""
    phases = {"recipe": PretrainConfig(max_length=24, second_phase_length=48, second_phase_share=0.6)}
    recipe = make_recipe(output_dir=tmp_path / "extended", **phases, **SETTINGS, max_steps=10)
    recipe.callbacks.append(Signal(3))
    with pytest.raises(RunStopped, match="in phase 1 of 2, at step 3 of 4"):
        recipe.train()
    recipe = make_recipe(output_dir=tmp_path / "extended", **phases, **SETTINGS, max_steps=10)
    recipe.callbacks.append(Signal(5))  # the first phase has four steps
    with pytest.raises(RunStopped, match="in phase 2 of 2"):
        recipe.train(resume=True)
    make_recipe(output_dir=tmp_path / "extended", **phases, **SETTINGS, max_steps=15).train(resume=True)
    make_recipe(output_dir=tmp_path / "longer", **phases, **SETTINGS, max_steps=15).train()
    extended, longer = (load_file(tmp_path / name / "model.safetensors") for name in ("extended", "longer"))
    assert_same_weights(extended, longer)


# Finished runs

WARMUP, RATE = 2, 1e-3
EPOCHS = {"warmup_steps": WARMUP, "learning_rate": RATE, "eval_strategy": "epoch", "save_strategy": "epoch",
          "logging_strategy": "epoch", "load_best_model_at_end": False}  # fmt: skip


class Rates(TrainerCallback):
    """Records the learning rate of each step, by its number from 1."""

    def __init__(self):
        self.rates = {}

    def on_pre_optimizer_step(self, args, state, control, optimizer=None, **_):
        self.rates[state.global_step + 1] = optimizer.param_groups[0]["lr"]


@pytest.fixture(scope="module")
def finished_runs(tmp_path_factory, dropout_model):
    """Return the folder of a run of one epoch, of each recipe; pages of the classification are as it wrote them."""
    folders = {}

    def finish(name):
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp("finished") / "run"
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("bert_finetune_kit.runs.pages.write_html", lambda *_: None)
                build(name, dropout_model, folders[name], **EPOCHS, num_train_epochs=1).train()
        return folders[name]

    return finish


@pytest.mark.parametrize(
    "name",
    ["classification", *(pytest.param(name, marks=pytest.mark.slow) for name in KINDS if name != "classification")],
)
def test_a_finished_run_trains_for_another_epoch(finished_runs, dropout_model, tmp_path, name, capsys):
    """Its rates are those of a linear schedule over both epochs: from 0 to the peak in the warmup, then to 0."""
    run, rates = shutil.copytree(finished_runs(name), tmp_path / "run"), Rates()
    before = RunReport.load(run)
    longer = build(name, dropout_model, run, **EPOCHS, num_train_epochs=2, callbacks=[rates])
    capsys.readouterr()
    report = longer.train(resume=True)
    printed = capsys.readouterr().out
    first = next(row["step"] for row in report.scores)
    last = 2 * first
    assert list(rates.rates) == list(range(first + 1, last + 1))
    expected = {step: RATE * (last - (step - 1)) / (last - WARMUP) for step in rates.rates}
    assert rates.rates == pytest.approx(expected)
    assert (
        f"Resuming from {run / f'checkpoint-{first}'} to train longer: num_train_epochs was 1 and is now 2" in printed
    )
    assert [row["epoch"] for row in report.scores] == [1, 2]
    assert report.scores[0] == before.scores[0]
    assert any(note.startswith("extended: ") for note in report.notes)
    assert any("learning rate is that of the same schedule over the whole longer" in note for note in report.notes)
    assert report.change["from_scratch"]
    assert RunReport.load(run / "previous") == before
    assert (run / "README.md").read_text() == str(longer.model_card()) != (run / "previous" / "README.md").read_text()
    assert longer.train(resume=True) == RunReport.load(run)


@pytest.mark.slow
def test_with_a_constant_rate_a_longer_training_is_that_of_an_uninterrupted_run(make_recipe, tmp_path):
    make_recipe(output_dir=tmp_path / "extended", **SETTINGS, max_steps=4).train()
    make_recipe(output_dir=tmp_path / "extended", **SETTINGS, max_steps=6).train(resume=True)
    make_recipe(output_dir=tmp_path / "longer", **SETTINGS, max_steps=6).train()
    extended, longer = (load_file(tmp_path / name / "model.safetensors") for name in ("extended", "longer"))
    assert_same_weights(extended, longer)


@pytest.mark.slow
def test_a_longer_training_that_is_stopped_keeps_the_finished_run_and_is_resumed(
    finished_runs, dropout_model, tmp_path
):
    """A card that the user has changed stays."""
    run = shutil.copytree(finished_runs("classification"), tmp_path / "run")
    before, weights = RunReport.load(run), (run / "model.safetensors").read_bytes()
    (run / "README.md").write_text("My own card.")
    settings = EPOCHS | {"num_train_epochs": 2}
    with pytest.raises(RunStopped):
        build("classification", dropout_model, run, **settings, callbacks=[Signal(8)]).train(resume=True)
    assert (RunReport.load(run), (run / "model.safetensors").read_bytes()) == (before, weights)
    assert build("classification", dropout_model, run, **EPOCHS, num_train_epochs=1).train(resume=True) == before
    report = build("classification", dropout_model, run, **settings).train(resume=True)
    assert report.scores[-1]["epoch"] == 2
    assert (run / "README.md").read_text() == "My own card."


def test_a_finished_run_without_checkpoints_is_not_trained_longer(make_recipe, tmp_path):
    make_recipe(**SETTINGS | {"save_strategy": "no"}, max_steps=2).train()
    before = RunReport.load(tmp_path / "run")
    with pytest.raises(OutputError, match=r"(?s)has no valid checkpoint.*save_strategy.*model='.*run' and another"):
        make_recipe(**SETTINGS | {"save_strategy": "no"}, max_steps=4).train(resume=True)
    assert RunReport.load(tmp_path / "run") == before


def test_nothing_is_said_of_resuming_before_all_checks_are_through(make_recipe, tmp_path, capsys, monkeypatch):
    stopped(make_recipe, tmp_path / "run", max_steps=6)
    capsys.readouterr()
    for settings in ({"seed": 5}, {}):
        monkeypatch.setattr("bert_finetune_kit.training.checks.bytes_needed", lambda *_: 1 << 60)
        with pytest.raises(OutputError):
            make_recipe(output_dir=tmp_path / "run", **SETTINGS, max_steps=6, **settings).train(resume=True)
        assert "Resuming" not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("change", [{"num_hidden_layers": 1}, {"num_hidden_layers": 3}, {"hidden_size": 64}])
def test_a_checkpoint_of_other_layers_cannot_be_forced(make_recipe, tmp_path, tokenizer, change):
    stopped(make_recipe, tmp_path / "run", max_steps=6)
    config = small_config(tokenizer)
    config.update(change)
    with pytest.raises(OutputError, match=r"checkpoint-3 does not fit the model or the optimizer.*Set layers"):
        make_recipe(output_dir=tmp_path / "run", model=config, **SETTINGS, max_steps=6).train(resume=True, force=True)

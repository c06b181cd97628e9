"""A stopped run can be resumed to train longer; with a constant learning rate that is exact."""

import pytest
from safetensors.torch import load_file
from small_recipes import Signal, assert_same_weights

from bert_finetune_kit import OutputError, PretrainConfig, RunStopped

SETTINGS = {"save_strategy": "steps", "save_steps": 2, "eval_strategy": "no", "lr_scheduler_type": "constant",
            "warmup_steps": 0, "learning_rate": 1e-3}  # fmt: skip


def stopped(make_recipe, folder, **settings):
    recipe = make_recipe(output_dir=folder, **(SETTINGS | settings))
    recipe.callbacks.append(Signal(3))
    with pytest.raises(RunStopped):
        recipe.train()


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

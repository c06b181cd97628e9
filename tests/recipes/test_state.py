"""A recipe object holds results; what it trained is never the start of its next training."""

import json
import shutil

import pytest
from safetensors.torch import load_file
from small_recipes import Signal, assert_same_weights
from transformers import BertConfig, TrainerCallback

from bert_finetune_kit import OutputError, RunStopped

SHORT = {"max_steps": 3, "save_strategy": "no", "eval_strategy": "no", "learning_rate": 1e-3}


class Fail(TrainerCallback):
    """Raises in the second step."""

    def on_step_end(self, args, state, control, **_):
        if state.global_step == 2:
            raise KeyboardInterrupt


def weights(recipe):
    return load_file(f"{recipe.output_dir}/model.safetensors")


@pytest.mark.slow
def test_the_same_object_trained_twice_starts_from_the_same_weights(make_recipe):
    recipe = make_recipe(**SHORT)
    report, expected = recipe.train(), weights(recipe)
    shutil.rmtree(recipe.output_dir)
    again = recipe.train()
    assert_same_weights(weights(recipe), expected)
    assert again.result == report.result


def test_a_training_after_an_interruption_starts_from_the_initial_weights(make_recipe, tmp_path):
    expected = make_recipe(output_dir=tmp_path / "expected", **SHORT)
    expected.train()
    recipe = make_recipe(**SHORT)
    recipe.callbacks.append(Fail())
    with pytest.raises(KeyboardInterrupt):
        recipe.train()
    recipe.callbacks.clear()
    recipe.train()
    assert_same_weights(weights(recipe), weights(expected))


@pytest.mark.slow
def test_an_evaluation_before_does_not_change_a_training(make_recipe, tmp_path):
    expected = make_recipe(output_dir=tmp_path / "expected", **SHORT)
    expected.train()
    recipe = make_recipe(**SHORT)
    recipe.evaluate()
    recipe.train()
    assert_same_weights(weights(recipe), weights(expected))


@pytest.mark.slow
def test_another_attention_and_another_config_of_a_folder_are_refused(make_recipe, config, tmp_path):
    recipe = make_recipe(**SHORT)
    recipe.callbacks.append(Signal(2))
    with pytest.raises(RunStopped):
        recipe.train()
    other = BertConfig(**config.to_dict(), attn_implementation="eager")
    with pytest.raises(OutputError, match=r"model\.attention was None and is now 'eager'"):
        make_recipe(model=other, **SHORT).train(resume=True)

    started = make_recipe(output_dir=tmp_path / "started", **SHORT)
    started.train()
    recipe = make_recipe(model=started.output_dir, output_dir=tmp_path / "next", **SHORT)
    recipe.callbacks.append(Signal(2))
    with pytest.raises(RunStopped):
        recipe.train()
    file = tmp_path / "started" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"hidden_dropout_prob": 0.5}))
    with pytest.raises(OutputError, match=r"model\.hidden_dropout_prob was 0\.0 and is now 0\.5"):
        make_recipe(model=started.output_dir, output_dir=tmp_path / "next", **SHORT).train(resume=True)


def test_the_trainer_itself(make_recipe, tmp_path):
    """`build_trainer()` has data and model, and trains as the recipe would."""
    trainer = make_recipe(output_dir=tmp_path / "own", max_steps=3).build_trainer()
    trainer.train()
    recipe = make_recipe(output_dir=tmp_path / "run", max_steps=3)
    recipe.train()
    assert_same_weights(trainer.model.state_dict(), recipe.trainer.model.state_dict())
    assert trainer.evaluate()["eval_perplexity"] == recipe.evaluate()["perplexity"]


@pytest.mark.slow
def test_a_run_is_resumed_from_a_checkpoint_by_its_path(make_recipe, capsys):
    """From an earlier one than the newest, to the same weights."""
    steps = SHORT | {"max_steps": 6, "save_strategy": "steps", "save_steps": 2, "save_total_limit": 9}
    recipe = make_recipe(**steps)
    recipe.callbacks.append(Signal(5))
    with pytest.raises(RunStopped):
        recipe.train()
    run = recipe.output_dir
    with pytest.raises(OutputError, match=r"no checkpoint in the output folder .*there: checkpoint-2, checkpoint-4, c"):
        make_recipe(**steps).train(resume_from_checkpoint=f"{run}/checkpoint-3")
    resumed = make_recipe(**steps)
    report = resumed.train(resume_from_checkpoint=f"{run}/checkpoint-2")
    assert f"Resuming from {run}/checkpoint-2." in capsys.readouterr().out
    finished = weights(resumed)
    assert make_recipe(**steps).train(resume_from_checkpoint=True).result == report.result
    shutil.rmtree(run)
    again = make_recipe(**steps)
    again.train()
    assert_same_weights(weights(again), finished)

import io

from rich.console import Console
from transformers import TrainerControl, TrainerState, TrainingArguments

from bert_finetune_kit.reporting.formatting import format_duration
from bert_finetune_kit.reporting.schema import Score
from bert_finetune_kit.training.progress import ProgressView, describe_log

LOG = {"loss": 6.5, "learning_rate": 1e-4, "tokens_per_second": 5210.3}


def run(terminal, main_process=True):
    stream = io.StringIO()
    glossary = (Score("loss", "loss", ".4f", ""), Score("perplexity", "perplexity", ",.1f", ""))
    view = ProgressView(glossary, console=Console(file=stream, force_terminal=terminal, width=120))
    state = TrainerState(
        max_steps=4, num_train_epochs=2, global_step=0, epoch=0.0, is_world_process_zero=main_process
    )  # fmt: skip
    args, control = TrainingArguments("unused"), TrainerControl()
    view.on_train_begin(args, state, control)
    for step in (1, 2):
        state.global_step, state.epoch = step, step / 2
        view.on_step_end(args, state, control)
        view.on_log(args, state, control, logs=dict(LOG))
    view.on_prediction_step(args, state, control, eval_dataloader=[1, 2])
    view.on_evaluate(args, state, control)
    view.on_log(args, state, control, logs={"eval_loss": 6.0, "eval_perplexity": 300.0})
    view.on_log(args, state, control, logs={"train_runtime": 3.0})
    view.on_train_end(args, state, control)
    return stream.getvalue()


def test_plain_lines_without_a_terminal():
    lines = run(terminal=False).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("epoch 0.50 · step 1/4 · loss 6.5000 · lr 1.00e-04 · tokens/s 5,210 · ")
    assert lines[0].endswith(" left")
    assert lines[2] == "epoch 1.00 · step 2/4 · loss 6.0000 · perplexity 300.0"
    assert "\x1b" not in "".join(lines)


def test_bars_on_a_terminal():
    shown = run(terminal=True)
    for part in ("epoch", "step", "2/4", "loss 6.5000", "perplexity 300.0"):
        assert part in shown


def test_only_the_main_process_prints():
    assert run(terminal=False, main_process=False) == ""
    assert run(terminal=True, main_process=False) == ""


def test_a_log_and_a_duration_in_words():
    assert describe_log({"loss": 1.0}) == "loss 1.0000"
    assert [format_duration(seconds) for seconds in (42, 150, 7500)] == ["42 s", "2 min 30 s", "2 h 5 min"]

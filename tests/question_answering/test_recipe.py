"""The only tests of this slice that train: a few steps each."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import AutoTokenizer, BertForPreTraining, BertForQuestionAnswering, TrainerCallback

from bert_finetune_kit import (
    Answer,
    ConfigError,
    DataError,
    ModelError,
    OutputError,
    QAConfig,
    QARecipe,
    QuestionSource,
    RunReport,
)
from bert_finetune_kit.data.questions import load_questions

SMALL = QuestionSource(max_train_examples=60, max_validation_examples=60)
LENGTHS = QAConfig(max_length=96, doc_stride=16, max_question_length=24)
LONG = "Nobody lives here . " * 40 + "The mill of Ghent opens at six . " + "It is quiet . " * 40


def build_recipe(output_dir, source=SMALL, *, model, tokenizer, recipe=LENGTHS, lora=None, **settings):
    """A recipe on the bundled sample; keywords beside those of the recipe go to the Trainer."""
    settings = {"num_train_epochs": 2, "learning_rate": 2e-3, "per_device_train_batch_size": 16} | settings
    args = QARecipe.default_args(str(output_dir), **settings)
    return QARecipe(source, model=model, tokenizer=tokenizer, config=recipe, args=args, lora=lora)


@pytest.fixture
def make(tmp_path, tokenizer, config):
    def make(source=SMALL, model=None, output_dir=tmp_path / "run", **settings):
        return build_recipe(output_dir, source, model=model or config, tokenizer=tokenizer, **settings)

    return make


@pytest.fixture(scope="module")
def trained(tokenizer, tmp_path_factory):
    """A recipe trained for a few steps, for tests that only use its model."""
    recipe = build_recipe(tmp_path_factory.mktemp("trained"), model="tiny", tokenizer=tokenizer, max_steps=4)
    recipe.train()
    return recipe


def answerable(count):
    rows = load_questions(QuestionSource()).train
    kept = [number for number, answers in enumerate(rows["answers"]) if answers["text"]][:count]
    return rows.select(kept)


@pytest.mark.page
def test_a_run_from_data_to_report(make, capsys):
    recipe = make()
    report = recipe.train()
    folder = Path(recipe.output_dir)
    assert [row["epoch"] for row in report.scores] == [1.0, 2.0]
    assert recipe.trainer.args.metric_for_best_model == "fit_f1"
    details = RunReport.load(folder).details
    assert details == json.loads(json.dumps(report.details))
    assert details["scores"]["f1"] == pytest.approx(report.result["f1"])
    assert details["threshold"] == pytest.approx(report.result["threshold"])
    assert details["official"]["total"] == 60
    assert report.data["train"]["questions"] == 60
    assert 0 < report.data["train"]["without_answer"] < 1
    text = (folder / "report.md").read_text("utf-8")
    for heading in ("Scores", "Result", "Oracle", "Overlap with the answers", "By question word", "Worst errors"):
        assert f"## {heading}" in text
    counts = details["no_answer_histogram"]
    assert sum(counts["answerable"]) == details["official"]["HasAns_total"]
    assert report.baselines["always_abstain"]["f1"] == details["no_answer_baseline"]
    assert list(report.intervals["f1"]) == details["intervals"]["f1"]
    assert "Probability of no answer" in (folder / "report.html").read_text("utf-8")
    printed = capsys.readouterr().out
    assert "Always-abstain baseline" in printed
    files = {file.stem: json.loads(file.read_text("utf-8")) for file in (folder / "predictions").iterdir()}
    assert set(files) == {"predictions", "best_spans", "na_prob", "nbest_predictions"}
    assert list(files["predictions"]) == load_questions(SMALL).validation["id"][:]
    with pytest.raises(OutputError, match="already holds a finished run"):
        make().train()


def test_predicting_needs_a_trained_model(make):
    with pytest.raises(ConfigError, match="Nothing has been trained"):
        make().predict(question="when ?", context="at six .")


def test_a_reloaded_model_gives_the_same_answers(trained):
    rows = load_questions(SMALL).validation.select(range(9))
    reloaded = QARecipe.from_pretrained(trained.output_dir)
    assert reloaded.threshold == trained.threshold
    assert (reloaded.config.max_length, reloaded.config.doc_stride) == (96, 16)
    answers = reloaded.predict(rows)
    for answer, expected in zip(answers, trained.predict(rows), strict=True):
        assert (answer.text, answer.start, answer.end) == (expected.text, expected.start, expected.end)
        assert answer.score == pytest.approx(expected.score, abs=1e-6)
    single = reloaded.predict(question=rows[0]["question"], context=rows[0]["context"])
    assert isinstance(single, Answer)
    assert single.n_best[0][1] == pytest.approx(answers[0].n_best[0][1], abs=1e-6)
    saved = json.loads(Path(trained.output_dir, "predictions", "predictions.json").read_text("utf-8"))
    assert [answer.text or "" for answer in answers] == [saved[question] for question in rows["id"]]


def test_spans_equal_those_of_the_stock_model(trained):
    config = QAConfig(max_length=128, doc_stride=16, max_question_length=24, n_best=128)
    rows = load_questions(SMALL).validation.select(range(8))
    answers = QARecipe.from_pretrained(trained.output_dir, threshold=1.0, config=config).predict(rows)
    stock = BertForQuestionAnswering.from_pretrained(trained.output_dir).eval()
    tokenizer = AutoTokenizer.from_pretrained(trained.output_dir)
    for row, answer in zip(rows, answers, strict=True):
        inputs = tokenizer(row["question"], row["context"], return_offsets_mapping=True, return_tensors="pt")
        offsets, types = inputs.pop("offset_mapping")[0].tolist(), inputs["token_type_ids"][0].tolist()
        with torch.no_grad():
            start, end = (logits[0].numpy() for logits in stock(**inputs).to_tuple())
        context = [position for position, kind in enumerate(types) if kind == 1][:-1]
        best = max(
            ((first, last) for first in context for last in context if first <= last < first + 30),
            key=lambda span: start[span[0]] + end[span[1]],
        )
        assert (answer.start, answer.end) == (offsets[best[0]][0], offsets[best[1]][1])
        assert answer.text == row["context"][answer.start : answer.end]
        null, score = start[0] + end[0], start[best[0]] + end[best[1]]
        assert answer.no_answer == pytest.approx(1 / (1 + np.exp(score - null)), abs=1e-5)


def test_predictions_for_long_contexts_lists_and_thresholds(trained):
    never, always = (QARecipe.from_pretrained(trained.output_dir, threshold=threshold) for threshold in (1.0, 0.0))
    (answer,) = never.predict(question=["When does the mill open ?"], context=LONG)
    assert LONG[answer.start : answer.end] == answer.text
    assert sum(probability for _, probability in answer.n_best) <= 1
    abstained = always.predict(question="When does the mill open ?", context=LONG)
    assert (abstained.text, abstained.start, abstained.end) == (None, None, None)
    assert abstained.n_best == answer.n_best
    answers = never.predict(question=["a ?", "When does the mill open ?"], context=["", LONG])
    assert answers[0].text is None  # an empty context has no span
    assert answers[0].no_answer == 1
    assert answers[1].text == answer.text
    assert len(never.predict(question=["a ?", "b ?"], context=LONG)) == 2


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"question": "a ?"}, "needs question= and context="),
        ({"question": ["a ?"], "context": ["a", "b"]}, "1 questions and 2 contexts"),
        ({"question": 3, "context": "a"}, "question is 3"),
        ({"question": ["a ?", 3], "context": "a"}, "number 1 is 3"),
        ({"inputs": "a file"}, "does not accept a str"),
        ({"inputs": SMALL, "question": "a", "context": "b"}, "not both"),
    ],
)
def test_invalid_inputs_of_predict_are_rejected(trained, inputs, message):
    with pytest.raises(DataError, match=message):
        trained.predict(**inputs)


def test_a_run_whose_questions_all_have_an_answer(make):
    recipe = make(QuestionSource(answerable(60), validation=answerable(20)), max_steps=2)
    report = recipe.train()
    assert recipe.trainer.args.metric_for_best_model == "f1"
    assert {"exact", "f1", "loss"} <= set(report.result)
    assert "NoAns_f1" not in report.result
    assert recipe.threshold == 1
    assert all(answer.text for answer in QARecipe.from_pretrained(recipe.output_dir).predict(answerable(20)))


def test_limits_count_questions_and_keep_all_their_windows(make):
    tight = QAConfig(max_length=40, doc_stride=8, max_question_length=16)
    recipe = make(recipe=tight)
    recipe.evaluate()
    split, evaluation = recipe.prepare().data.validation_split, recipe.state.evaluation
    assert len(split.rows) == 60
    assert len(split.examples) > 60
    assert evaluation.details["official"]["total"] == 60


@pytest.mark.slow
def test_early_stopping(make):
    stopping = QAConfig(max_length=96, doc_stride=16, max_question_length=24, early_stopping_patience=1)
    report = make(recipe=stopping, num_train_epochs=6, learning_rate=1e-12).train()
    assert len(report.scores) == 2  # at a learning rate of nearly 0 the second evaluation is no better
    assert report.result == report.scores[0]


def test_scores_of_non_finite_logits_are_never_the_best(make):
    recipe = make()
    recipe.evaluate()
    with torch.no_grad():
        recipe.prepare().model.qa_outputs.bias.fill_(torch.nan)
    scores = recipe.evaluate()
    assert scores["non_finite_windows"] > 0
    assert np.isnan(scores["f1"])
    assert np.isnan(scores["fit_f1"])


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of peft's own loading
def test_lora_trains_adapters_and_the_head_and_reloads(make, config, tmp_path):
    BertForPreTraining(config).save_pretrained(tmp_path / "pretrained")
    recipe = make(model=str(tmp_path / "pretrained"), lora={"r": 2}, max_steps=4)
    before = {name: value.clone() for name, value in recipe.prepare().model.named_parameters()}
    report = recipe.train()
    assert report.parameters["trainable"] < report.parameters["total"] / 4
    after = recipe.prepare().model.named_parameters()
    changed = {name for name, value in after if not torch.equal(value, before[name])}
    assert all("lora_" in name or "qa_outputs.modules_to_save" in name for name in changed)
    assert any("lora_" in name for name in changed)
    assert any("qa_outputs.modules_to_save" in name for name in changed)
    rows = load_questions(SMALL).validation.select(range(9))
    reloaded = QARecipe.from_pretrained(recipe.output_dir)
    for answer, expected in zip(reloaded.predict(rows), recipe.predict(rows), strict=True):
        assert (answer.text, answer.start) == (expected.text, expected.start)
        assert answer.score == pytest.approx(expected.score, abs=1e-5)
    assert Path(recipe.output_dir, "adapter", "adapter_model.safetensors").exists()


def test_gradient_accumulation_equals_one_batch_and_the_stock_loss(make, tmp_path):
    gradients = {}

    class KeepGradients(TrainerCallback):
        def on_pre_optimizer_step(self, args, state, control, model=None, **_):
            gradients[args.output_dir] = {name: value.grad.clone() for name, value in model.named_parameters()}

    one_step = {"max_steps": 1, "max_grad_norm": 0.0, "eval_strategy": "no", "save_strategy": "no"}
    for name, (batch, accumulation) in {"whole": (16, 1), "split": (4, 4)}.items():
        recipe = make(
            output_dir=tmp_path / name, per_device_train_batch_size=batch, gradient_accumulation_steps=accumulation,
            load_best_model_at_end=False, **one_step,
        )  # fmt: skip
        recipe.callbacks.append(KeepGradients())
        recipe.fit(recipe.prepare())
    whole, split = (gradients[str(tmp_path / name)] for name in ("whole", "split"))
    norm = torch.stack([value.norm() for value in whole.values()]).norm()
    assert torch.stack([(split[name] - value).norm() for name, value in whole.items()]).norm() / norm < 1e-5

    recipe = make(output_dir=tmp_path / "plain")
    prepared = recipe.prepare()
    keys = list(recipe.build_trainer().train_sampler())[:16]
    batch = prepared.data.collator([prepared.data.train[key] for key in keys])
    assert batch["weights"].all()
    prepared.built.forward(prepared.model.train(), batch).losses.mean().backward()
    expected = {name: value.grad for name, value in prepared.model.named_parameters()}
    assert torch.stack([(whole[name] - value).norm() for name, value in expected.items()]).norm() / norm < 1e-5


@pytest.mark.slow
def test_several_seeds(make):
    report = make(max_steps=1, warmup_steps=0).train_seeds([3, 4])
    assert report.std["loss"] > 0
    assert {"exact", "f1", "threshold"} <= set(report.mean)


def test_answers_missing_from_their_context_are_counted_and_not_trained_on(make):
    rows = [dict(row) for row in load_questions(SMALL).train]
    misplaced = next(row for row in rows if row["answers"]["text"])
    misplaced["answers"] = {"text": ["not in this text at all"], "answer_start": [0]}
    recipe = make(QuestionSource(Dataset.from_list(rows), validation=answerable(10)), max_steps=1, warmup_steps=0)
    report = recipe.train()
    assert report.data["train"]["answers_not_in_context"] == 1
    assert any(misplaced["id"] in note and "not trained on" in note for note in report.notes)
    assert rows.index(misplaced) not in recipe.prepare().data.train.windows.question


@pytest.mark.slow
def test_skipping_padding_does_not_change_the_losses(make, tmp_path):
    recipes = {
        name: make(recipe=replace(LENGTHS, unpad=unpad), max_steps=4, output_dir=tmp_path / name)
        for name, unpad in (("unpadded", True), ("padded", False))
    }
    assert {name: recipe.prepare().unpadded for name, recipe in recipes.items()} == {"unpadded": True, "padded": False}
    unpadded, padded = (recipe.train() for recipe in recipes.values())
    for log, expected in zip(unpadded.history, padded.history, strict=True):
        assert log["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    assert unpadded.result["loss"] == pytest.approx(padded.result["loss"], rel=1e-4)


def test_windows_that_cut_an_answer_are_not_in_the_evaluation_loss(make):
    tight = QAConfig(max_length=40, doc_stride=2, max_question_length=16)
    recipe = make(recipe=tight)
    data = recipe.prepare().data
    examples = data.validation["validation"]
    assert examples.windows.cuts.any()
    assert not examples.in_loss[examples.windows.cuts].any()
    loss = recipe.evaluate()["loss"]
    batch = data.collator([examples[number] for number in range(len(examples))])
    built = recipe.prepare().built
    with torch.no_grad():
        losses = built.forward(built.model.eval(), batch).losses
    assert loss == pytest.approx((losses.sum() / batch["weights"].sum()).item(), rel=1e-4)


def test_data_without_any_valid_answer_are_rejected_before_training(make):
    rows = [dict(row) | {"answers": {"text": ["not in this text"], "answer_start": [0]}} for row in answerable(10)]
    with pytest.raises(DataError, match="no answer to train on in 10 questions: 10 have answers that are not at"):
        make(QuestionSource(Dataset.from_list(rows), validation=answerable(5))).train()


def test_a_validation_split_without_answers(make):
    rows = load_questions(QuestionSource()).validation
    empty = rows.select([number for number, answers in enumerate(rows["answers"]) if not answers["text"]][:20])
    recipe = make(QuestionSource(load_questions(SMALL).train, validation=empty), max_steps=1, warmup_steps=0)
    report = recipe.train()
    assert report.details["official"]["total"] == 20
    assert report.result["exact"] == report.result["f1"]  # abstaining is all there is to score
    assert recipe.threshold == 0.5


def test_evaluating_a_loaded_model_needs_data(trained):
    with pytest.raises(ConfigError, match="no data to evaluate"):
        QARecipe.from_pretrained(trained.output_dir).evaluate()
    with_data = QARecipe.from_pretrained(trained.output_dir, source=SMALL)
    assert with_data.evaluate()["f1"] == pytest.approx(RunReport.load(trained.output_dir).result["f1"])
    with pytest.raises(ConfigError, match="has 512 positions"):
        QARecipe.from_pretrained(trained.output_dir, config=QAConfig(max_length=513))


def test_an_untrained_model_can_be_evaluated_and_used(make):
    recipe = make()
    recipe.evaluate()
    assert isinstance(recipe.predict(question="When ?", context="At six ."), Answer)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"recipe": QAConfig(max_length=384)}, ConfigError, "has 128 positions"),
        ({"model": "no/such-folder/here"}, ModelError, "There is no folder"),
        ({"source": "no/such.json"}, DataError, "does not exist"),
        ({"lora": {"rank": 3}}, ConfigError, "not a valid LoraConfig"),
        ({"label_smoothing_factor": 0.1}, ConfigError, "label_smoothing_factor"),
    ],
)
def test_invalid_input_is_rejected_before_training(make, tmp_path, settings, error, message):
    with pytest.raises(error, match=message):
        make(**settings).train()
    assert not list(tmp_path.rglob("checkpoint-*"))


def test_a_checkpoint_without_a_head_cannot_be_loaded_to_predict(config, tmp_path):
    BertForPreTraining(config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"no trained question-answering head.*qa_outputs"):
        QARecipe.from_pretrained(tmp_path)


def test_a_model_is_required_except_for_the_sample(tmp_path):
    with pytest.raises(ConfigError, match="there is no model"):
        QARecipe(answerable(10), args=QARecipe.default_args(str(tmp_path))).train()


def test_a_stock_model_abstains_where_no_answer_is_more_probable(config, tokenizer, tmp_path):
    BertForQuestionAnswering(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    recipe = QARecipe.from_pretrained(tmp_path)
    assert (recipe.threshold, recipe.config.max_length) == (0.5, 128)
    answer = recipe.predict(question="When does the mill open ?", context=LONG)
    assert (answer.text is None) == (answer.no_answer > 0.5)


def test_a_recipe_from_the_command_line(tmp_path):
    flags = f"--train a.json b.json --validation c.json --model tiny --output_dir {tmp_path} --doc_stride 64".split()
    recipe, _ = QARecipe.from_command_line([*flags, "--lora", '{"r": 3}', "--unpad", "false"])
    assert recipe.source == QuestionSource(["a.json", "b.json"], validation="c.json")
    assert (recipe.config.doc_stride, recipe.config.max_length, recipe.config.unpad) == (64, 384, False)
    assert (recipe.model_name_or_path, recipe.lora.r, recipe.args.learning_rate) == ("tiny", 3, 5e-4)
    sample, _ = QARecipe.from_command_line(["--output_dir", str(tmp_path)])
    assert (sample.model_name_or_path, sample.config.max_length, sample.args.learning_rate) == ("tiny", 128, 1e-3)
    large, _ = QARecipe.from_command_line(["--model", "google-bert/bert-base-uncased"])
    assert large.args.learning_rate == 5e-5
    named, _ = QARecipe.from_command_line(["--train", "squad_v2", "--model", "google-bert/bert-base-uncased"])
    assert named.source.train == "squad_v2"

"""The only tests of this slice that train: a few steps each."""

import json
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


@pytest.fixture
def make(tmp_path, tokenizer, config):
    """Build a recipe on the bundled sample; keywords beside those of the recipe go to the Trainer."""

    def make(source=SMALL, model=None, recipe=LENGTHS, lora=None, output_dir=tmp_path / "run", **settings):
        settings = {"num_train_epochs": 2, "learning_rate": 2e-3, "per_device_train_batch_size": 16} | settings
        args = QARecipe.default_args(str(output_dir), **settings)
        return QARecipe(source, model=model or config, tokenizer=tokenizer, config=recipe, args=args, lora=lora)

    return make


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
    assert report.baselines["no-answer"]["f1"] == details["always_abstaining"]
    assert list(report.intervals["f1"]) == details["intervals"]["f1"]
    assert "When it abstains" in (folder / "report.html").read_text("utf-8")
    printed = capsys.readouterr().out
    assert "never answering" in printed
    read = {file.stem: json.loads(file.read_text("utf-8")) for file in (folder / "predictions").iterdir()}
    assert set(read) == {"predictions", "best_spans", "na_prob", "nbest_predictions"}
    assert list(read["predictions"]) == load_questions(SMALL).validation["id"][:]
    with pytest.raises(OutputError, match="already holds a finished run"):
        make().train()


def test_answers_of_a_fresh_recipe_are_those_of_the_trained_one(make):
    recipe = make(max_steps=4)
    with pytest.raises(ConfigError, match="Nothing has been trained"):
        recipe.predict(question="when ?", context="at six .")
    recipe.train()
    rows = load_questions(SMALL).validation.select(range(9))
    again = QARecipe.from_pretrained(recipe.output_dir)
    assert again.threshold == recipe.threshold
    assert (again.config.max_length, again.config.doc_stride) == (96, 16)
    answers = again.predict(rows)
    for one, other in zip(answers, recipe.predict(rows), strict=True):
        assert (one.text, one.start, one.end) == (other.text, other.start, other.end)
        assert one.score == pytest.approx(other.score, abs=1e-6)
    one = again.predict(question=rows[0]["question"], context=rows[0]["context"])
    assert isinstance(one, Answer)
    assert one.n_best[0][1] == pytest.approx(answers[0].n_best[0][1], abs=1e-6)
    saved = json.loads(Path(recipe.output_dir, "predictions", "predictions.json").read_text("utf-8"))
    assert [one.text or "" for one in answers] == [saved[one] for one in rows["id"]]


def test_spans_are_those_of_the_stock_model(make):
    recipe = make(recipe=QAConfig(max_length=128, doc_stride=16, max_question_length=24, n_best=128), max_steps=4)
    recipe.train()
    answers = QARecipe.from_pretrained(recipe.output_dir, threshold=1.0).predict(load_questions(SMALL).validation)
    stock = BertForQuestionAnswering.from_pretrained(recipe.output_dir).eval()
    tokenizer = AutoTokenizer.from_pretrained(recipe.output_dir)
    for row, answer in zip(load_questions(SMALL).validation.select(range(8)), answers, strict=False):
        told = tokenizer(row["question"], row["context"], return_offsets_mapping=True, return_tensors="pt")
        places, kinds = told.pop("offset_mapping")[0].tolist(), told["token_type_ids"][0].tolist()
        with torch.no_grad():
            start, end = (logits[0].numpy() for logits in stock(**told).to_tuple())
        context = [place for place, kind in enumerate(kinds) if kind == 1][:-1]
        best = max(
            ((one, other) for one in context for other in context if one <= other < one + 30),
            key=lambda span: start[span[0]] + end[span[1]],
        )
        assert (answer.start, answer.end) == (places[best[0]][0], places[best[1]][1])
        assert answer.text == row["context"][answer.start : answer.end]
        null, score = start[0] + end[0], start[best[0]] + end[best[1]]
        assert answer.no_answer == pytest.approx(1 / (1 + np.exp(score - null)), abs=1e-5)


def test_long_contexts_batches_and_no_answer(make):
    recipe = make(max_steps=2)
    recipe.train()
    folder = recipe.output_dir
    never, always = (QARecipe.from_pretrained(folder, threshold=one) for one in (1.0, 0.0))
    (one,) = never.predict(question=["When does the mill open ?"], context=LONG)
    assert LONG[one.start : one.end] == one.text
    assert sum(share for _, share in one.n_best) <= 1
    silent = always.predict(question="When does the mill open ?", context=LONG)
    assert (silent.text, silent.start, silent.end) == (None, None, None)
    assert silent.n_best == one.n_best
    several = never.predict(question=["a ?", "When does the mill open ?"], context=["", LONG])
    assert several[0].text is None  # there is nothing in it to answer with
    assert several[0].no_answer == 1
    assert several[1].text == one.text
    shared = never.predict(question=["a ?", "b ?"], context=LONG)
    assert len(shared) == 2
    for wrong in (
        {"question": "a ?"}, {"question": "", "context": "a"}, {"question": ["a ?"], "context": ["a", "b"]},
        {"question": [], "context": []}, {"question": 3, "context": "a"}, {"question": ["a ?", 3], "context": "a"},
        {"given": "a file"}, {"given": SMALL, "question": "a", "context": "b"},
    ):  # fmt: skip
        with pytest.raises(DataError):
            never.predict(**wrong)


def test_all_questions_with_answers(make):
    recipe = make(QuestionSource(answerable(60), validation=answerable(20)), max_steps=3)
    report = recipe.train()
    assert recipe.trainer.args.metric_for_best_model == "f1"
    assert {"exact", "f1", "loss"} <= set(report.result)
    assert "NoAns_f1" not in report.result
    assert recipe.threshold == 1
    assert all(one.text for one in QARecipe.from_pretrained(recipe.output_dir).predict(answerable(20)))


def test_limits_are_of_questions_and_keep_their_windows(make):
    tight = QAConfig(max_length=40, doc_stride=8, max_question_length=16)
    report = make(recipe=tight, max_steps=1).train()
    data = report.data["validation"]
    assert data["questions"] == 60
    assert data["windows"] > 60
    assert report.details["official"]["total"] == 60


def test_early_stopping_stops(make):
    stopping = QAConfig(max_length=96, doc_stride=16, max_question_length=24, early_stopping_patience=1)
    report = make(recipe=stopping, num_train_epochs=6, learning_rate=0.0).train()
    assert len(report.scores) == 2  # nothing is learnt, so the second evaluation is no better
    assert report.result == report.scores[0]


def test_no_score_of_a_broken_model_is_the_best(make):
    recipe = make()
    recipe.evaluate()
    with torch.no_grad():
        recipe.prepared().model.qa_outputs.bias.fill_(torch.nan)
    scores = recipe.evaluate()
    assert scores["non_finite_windows"] > 0
    assert np.isnan(scores["f1"])
    assert np.isnan(scores["fit_f1"])


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of peft's own loading
def test_lora_trains_little_keeps_the_head_and_reloads(make, config, tmp_path):
    BertForPreTraining(config).save_pretrained(tmp_path / "pretrained")
    recipe = make(model=str(tmp_path / "pretrained"), lora={"r": 2}, max_steps=4)
    before = {name: value.clone() for name, value in recipe.prepared().model.named_parameters()}
    report = recipe.train()
    assert report.parameters["trainable"] < report.parameters["total"] / 4
    moved = {name for name, value in recipe.prepared().model.named_parameters() if not torch.equal(value, before[name])}
    assert all("lora_" in name or "qa_outputs.modules_to_save" in name for name in moved)
    assert any("qa_outputs.modules_to_save" in name for name in moved)
    rows = load_questions(SMALL).validation.select(range(9))
    for one, other in zip(QARecipe.from_pretrained(recipe.output_dir).predict(rows), recipe.predict(rows), strict=True):
        assert (one.text, one.start) == (other.text, other.start)
        assert one.score == pytest.approx(other.score, abs=1e-5)
    assert Path(recipe.output_dir, "adapter", "adapter_model.safetensors").exists()


def test_gradient_of_accumulated_batches(make, tmp_path):
    gradients = {}

    class Keep(TrainerCallback):
        def on_pre_optimizer_step(self, args, state, control, model=None, **_):
            gradients[args.output_dir] = {name: value.grad.clone() for name, value in model.named_parameters()}

    quiet = {"max_steps": 1, "max_grad_norm": 0.0, "eval_strategy": "no", "save_strategy": "no"}
    for name, (batch, accumulation) in {"whole": (16, 1), "split": (4, 4)}.items():
        recipe = make(
            output_dir=tmp_path / name, per_device_train_batch_size=batch, gradient_accumulation_steps=accumulation,
            load_best_model_at_end=False, **quiet,
        )  # fmt: skip
        recipe.callbacks.append(Keep())
        recipe.fit(recipe.prepared(), None)
    whole, split = (gradients[str(tmp_path / name)] for name in ("whole", "split"))
    norm = torch.stack([value.norm() for value in whole.values()]).norm()
    assert torch.stack([(split[name] - value).norm() for name, value in whole.items()]).norm() / norm < 1e-5

    recipe = make(output_dir=tmp_path / "plain")
    prepared = recipe.prepared()
    keys = list(recipe.build_trainer(prepared, recipe.args)._get_train_sampler())[:16]
    batch = prepared.collator([prepared.train[key] for key in keys])
    batch.pop("weights")
    prepared.model.train()(**batch).losses.mean().backward()
    theirs = {name: value.grad for name, value in prepared.model.named_parameters()}
    assert torch.stack([(whole[name] - value).norm() for name, value in theirs.items()]).norm() / norm < 1e-5


def test_several_seeds(make):
    report = make(max_steps=2).train_seeds([3, 4])
    assert report.std["loss"] > 0
    assert {"exact", "f1", "threshold"} <= set(report.mean)


def test_answers_that_are_not_there_are_counted_and_not_learnt_as_no_answer(make):
    rows = [dict(row) for row in load_questions(SMALL).train]
    wrong = next(row for row in rows if row["answers"]["text"])
    wrong["answers"] = {"text": ["not in this text at all"], "answer_start": [0]}
    recipe = make(QuestionSource(Dataset.from_list(rows), validation=answerable(10)), max_steps=1)
    report = recipe.train()
    assert report.data["train"]["answers_not_in_context"] == 1
    assert any(wrong["id"] in note and "not learnt from" in note for note in report.notes)
    prepared = recipe.prepared().train
    assert rows.index(wrong) not in prepared.windows.question


def test_padding_makes_no_difference(make, tmp_path):
    plain = QAConfig(max_length=96, doc_stride=16, max_question_length=24, unpad=False)
    reports = [
        make(recipe=one, max_steps=6, output_dir=tmp_path / str(number)).train()
        for number, one in enumerate((LENGTHS, plain))
    ]
    for one, other in zip(reports[0].history, reports[1].history, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
    assert reports[0].result["loss"] == pytest.approx(reports[1].result["loss"], rel=1e-4)


def test_windows_that_cut_an_answer_have_no_part_in_the_loss(make):
    tight = QAConfig(max_length=40, doc_stride=2, max_question_length=16)
    recipe = make(recipe=tight)
    examples = recipe.prepared().validation
    assert examples.windows.cuts.any()
    assert not examples.counted[examples.windows.cuts].any()
    loss = recipe.evaluate()["loss"]
    batch = recipe.prepared().collator([examples[number] for number in range(len(examples))])
    model = recipe.prepared().model.eval()
    with torch.no_grad():
        losses = model(**batch).losses
    assert loss == pytest.approx((losses.sum() / batch["weights"].sum()).item(), rel=1e-4)


def test_answers_that_are_nowhere_are_an_error_before_training(make):
    rows = [dict(row) | {"answers": {"text": ["not in this text"], "answer_start": [0]}} for row in answerable(10)]
    with pytest.raises(DataError, match="no answer to learn from in 10 questions: 10 have answers that do not stand"):
        make(QuestionSource(Dataset.from_list(rows), validation=answerable(5))).train()


def test_a_validation_split_without_answers(make):
    rows = load_questions(QuestionSource()).validation
    empty = rows.select([number for number, answers in enumerate(rows["answers"]) if not answers["text"]][:20])
    report = make(QuestionSource(load_questions(SMALL).train, validation=empty), max_steps=2).train()
    assert report.details["official"]["total"] == 20


def test_evaluating_a_loaded_model_needs_data(make):
    recipe = make(max_steps=2)
    recipe.train()
    again = QARecipe.from_pretrained(recipe.output_dir)
    with pytest.raises(ConfigError, match="no data to evaluate"):
        again.evaluate()
    with_data = QARecipe.from_pretrained(recipe.output_dir, source=SMALL)
    assert with_data.evaluate()["f1"] == pytest.approx(recipe.evaluate()["f1"])
    with pytest.raises(ConfigError, match="has 128 positions"):
        QARecipe.from_pretrained(recipe.output_dir, config=QAConfig())


def test_an_untrained_model_can_be_evaluated_and_asked(make):
    recipe = make()
    recipe.evaluate()
    assert isinstance(recipe.predict(question="When ?", context="At six ."), Answer)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"recipe": QAConfig(max_length=384)}, ConfigError, "has 128 positions"),
        ({"model": "no/such-folder/here"}, ModelError, "cannot be loaded"),
        ({"source": "no/such.json"}, DataError, "does not exist"),
        ({"lora": {"rank": 3}}, ConfigError, "no LoraConfig"),
        ({"label_smoothing_factor": 0.1}, ConfigError, "label_smoothing_factor"),
    ],
)
def test_bad_input_is_refused_before_training(make, tmp_path, settings, error, message):
    with pytest.raises(error, match=message):
        make(**settings).train()
    assert not list(tmp_path.rglob("checkpoint-*"))


def test_a_checkpoint_without_a_head_answers_nothing(config, tmp_path):
    BertForPreTraining(config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="does not answer questions"):
        QARecipe.from_pretrained(tmp_path)


def test_a_model_is_asked_for(tmp_path):
    with pytest.raises(ConfigError, match="there is no model"):
        QARecipe(answerable(10), args=QARecipe.default_args(str(tmp_path))).train()


def test_a_stock_model_abstains_where_no_answer_is_likelier(config, tokenizer, tmp_path):
    BertForQuestionAnswering(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    recipe = QARecipe.from_pretrained(tmp_path)
    assert (recipe.threshold, recipe.config.max_length) == (0.5, 128)
    answer = recipe.predict(question="When does the mill open ?", context=LONG)
    assert (answer.text is None) == (answer.no_answer > 0.5)


def test_from_the_command_line(tmp_path):
    flags = f"--train a.json b.json --validation c.json --model tiny --output_dir {tmp_path} --doc_stride 64".split()
    recipe, _ = QARecipe.from_command_line([*flags, "--lora", '{"r": 3}', "--unpad", "false"])
    assert recipe.source == QuestionSource(["a.json", "b.json"], validation="c.json")
    assert (recipe.config.doc_stride, recipe.config.max_length, recipe.config.unpad) == (64, 384, False)
    assert (recipe.given_model, recipe.lora.r, recipe.args.learning_rate) == ("tiny", 3, 5e-4)
    sample, _ = QARecipe.from_command_line(["--output_dir", str(tmp_path)])
    assert (sample.given_model, sample.config.max_length, sample.args.learning_rate) == ("tiny", 128, 1e-3)
    large, _ = QARecipe.from_command_line(["--model", "google-bert/bert-base-uncased"])
    assert large.args.learning_rate == 5e-5
    named, _ = QARecipe.from_command_line(["--train", "squad_v2", "--model", "google-bert/bert-base-uncased"])
    assert named.source.train == "squad_v2"

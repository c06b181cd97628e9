"""Trainings of a second or two, each with one fault planted in data, settings or code, and healthy ones.

The data are the toys of `tests/findings/toys.py`; healthy classifications and pretrainings are on the bundled sample.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from unittest.mock import patch

import numpy as np
import torch
import toys
from datasets import Dataset
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer, TrainerCallback

from bert_finetune_kit import (
    ClassificationConfig,
    ClassificationRecipe,
    ClassificationTask,
    LabelledSource,
    PretrainConfig,
    PretrainRecipe,
    RunReport,
    TextSource,
    diagnose,
    train_wordpiece,
)
from bert_finetune_kit.data.sample import sample_documents
from bert_finetune_kit.pretraining import evaluation as pretraining_evaluation
from bert_finetune_kit.pretraining.examples import PretrainingExamples
from bert_finetune_kit.question_answering import evaluation as answer_evaluation

C, P, Q = "classification", "pretraining", "question_answering"
MLM_ONLY = PretrainConfig(max_length=32, objective="none")
REVIEWS, HELD_OUT = 240, 100
LEARNT_NOTHING = ("NOTHING_LEARNT", "TOO_FEW_STEPS", "BELOW_MAJORITY", "ONE_CLASS_PREDICTED", "STUCK_AT_UNIGRAM",
                  "TOO_FEW_EXAMPLES_FOR_CLAIM", "ALWAYS_ABSTAINS", "BEST_IS_ABSTAINING")  # fmt: skip


@dataclass
class Bench:
    """Vocabulary and models that all runs share, and how a recipe is trained on toy data."""

    work: Path
    seed: int = 1

    @cached_property
    def tokenizer(self) -> BertTokenizer:
        return train_wordpiece((sentence for text in sample_documents("train") for sentence in text), 800)

    @cached_property
    def config(self) -> BertConfig:
        return BertConfig(
            vocab_size=len(self.tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=64, max_position_embeddings=160, hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )  # fmt: skip

    @cached_property
    def trained(self) -> str:
        """Folder of a model that was pretrained for some steps."""
        folder = self.work / "trained"
        if not (folder / "report.json").exists():
            train, validation = (toys.documents(self.tokenizer, count, count) for count in (48, 24))
            toys.pretraining(folder, self.tokenizer, self.config, train, validation, max_steps=9).train()
        return str(folder)

    def folder(self) -> Path:
        return self.work / "run"

    def finish(self, recipe, callback=None) -> RunReport:
        recipe.callbacks += [] if callback is None else [callback]
        return recipe.train()

    def reviews(self, count: int = REVIEWS, share: float = 0.5, held_out: bool = False) -> Dataset:
        return toys.reviews(self.tokenizer, count, 2 * self.seed + held_out, share)

    def classify(self, train=None, validation=None, model=None, tokenizer=None, callback=None, **settings) -> RunReport:
        train = self.reviews() if train is None else train
        validation = self.reviews(HELD_OUT, held_out=True) if validation is None else validation
        recipe = toys.classification(
            self.folder(), tokenizer or self.tokenizer, model or self.trained, train, validation, seed=self.seed,
            **settings,
        )  # fmt: skip
        return self.finish(recipe, callback)

    def documents(self, count: int, held_out: bool = False, **kinds) -> Dataset:
        return toys.documents(self.tokenizer, count, 2 * self.seed + held_out, **kinds)

    def pretrain(self, train=None, validation=None, model=None, tokenizer=None, callback=None, **settings) -> RunReport:
        train = self.documents(240) if train is None else train
        validation = self.documents(200, held_out=True) if validation is None else validation
        recipe = toys.pretraining(
            self.folder(), tokenizer or self.tokenizer, model or self.config, train, validation, seed=self.seed,
            **settings,
        )  # fmt: skip
        return self.finish(recipe, callback)

    def questions(self, count: int = 320, held_out: bool = False, **kinds) -> Dataset:
        return toys.questions(self.tokenizer, count, 2 * self.seed + held_out, **kinds)

    def answer(self, train=None, validation=None, model=None, tokenizer=None, callback=None, **settings) -> RunReport:
        train = self.questions() if train is None else train
        validation = self.questions(120, held_out=True) if validation is None else validation
        recipe = toys.question_answering(
            self.folder(), tokenizer or self.tokenizer, model or self.trained, train, validation, seed=self.seed,
            **settings,
        )  # fmt: skip
        return self.finish(recipe, callback)


Plant = Callable[[Bench], RunReport]


@dataclass(frozen=True)
class Fault:
    """A kind of fault: the codes any of which reports it, and a training with it for each recipe where it applies."""

    codes: tuple[str, ...]
    plants: dict[str, Plant]


# Faults of every recipe


class NonFinite(TrainerCallback):
    """Sets the embedding of a word to NaN after the last epoch."""

    def on_epoch_end(self, args, state, control, model=None, **_):
        if state.epoch >= args.num_train_epochs:
            with torch.no_grad():
                model.get_input_embeddings().weight[5:] = torch.nan


class ScaledHead(TrainerCallback):
    """Multiplies the weights of the head during one step."""

    def on_step_begin(self, args, state, control, model=None, **_):
        self.scale(state, model, -1e4)

    def on_pre_optimizer_step(self, args, state, control, model=None, **_):
        self.scale(state, model, -1e-4)

    @staticmethod
    def scale(state, model, factor):
        head = next(module for name, module in model.named_modules()
                    if name in ("classifier", "qa_outputs", "cls.predictions.transform.LayerNorm"))  # fmt: skip
        if state.global_step == 60:
            with torch.no_grad():
                head.weight *= factor


def everywhere(**settings) -> dict[str, Plant]:
    """Return the same settings of the Trainer in all recipes."""
    return {
        C: lambda bench: bench.classify(**settings), P: lambda bench: bench.pretrain(**settings),
        Q: lambda bench: bench.answer(**settings),
    }  # fmt: skip


def counted_as_cased(train: Plant) -> Plant:
    """Return a training whose parameters are expected to be those of a model with the cased vocabulary of BERT."""

    def plant(bench: Bench) -> RunReport:
        report = train(bench)
        words, width = 28_996 - bench.config.vocab_size, bench.config.hidden_size
        count = report.parameters["total"]
        report.evidence |= {"parameters": count, "expected_parameters": count + words * width}
        report.findings = diagnose(report)
        return report

    return plant


def without_first_layer(bench: Bench, make: Callable, *data) -> RunReport:
    model = bench.config if make is toys.pretraining else bench.trained
    recipe = make(bench.folder(), bench.tokenizer, model, *data, seed=bench.seed)
    recipe.lr_multiplier = lambda model: lambda name: 0.0 if "layer.0." in name else 1.0
    return recipe.train()


def cased(bench: Bench) -> BertTokenizer:
    return BertTokenizer(vocab=bench.tokenizer.get_vocab(), do_lower_case=False)


def capitals(rows: Dataset, column: str = "text") -> Dataset:
    return rows.map(lambda row: {column: f"Tomorrow {row[column]}"})


def untrained(bench: Bench) -> str:
    folder = bench.work / "untrained"
    BertForSequenceClassification(bench.config).bert.save_pretrained(folder)
    return str(folder)


# Faults of a classification


def swapped(bench: Bench) -> RunReport:
    names = {"good": "bad", "bad": "good"}
    return bench.classify(
        validation=bench.reviews(HELD_OUT, held_out=True).map(lambda row: {"label": names[row["label"]]})
    )


def random_labels(rows: Dataset, seed: int) -> Dataset:
    rng = Random(seed)
    labels = [rng.choice(("good", "bad")) for _ in rows]
    return rows.map(lambda _, number: {"label": labels[number]}, with_indices=True)


def mostly_bad(bench: Bench) -> RunReport:
    validation = bench.reviews(HELD_OUT, held_out=True).map(
        lambda _, number: {"label": "good" if number < 10 else "bad"}, with_indices=True
    )
    return bench.classify(bench.reviews(share=0.4), validation, eval_strategy="no")


def to_front(row):
    words = sorted(row["text"].split(), key=lambda word: word not in toys.POSITIVE + toys.NEGATIVE)
    return {"text": " ".join(words)}


def sorted_and_limited(bench: Bench) -> RunReport:
    rows = Dataset.from_list(sorted(bench.reviews(), key=lambda row: row["label"]))
    return bench.classify(
        LabelledSource(rows, validation=bench.reviews(HELD_OUT, held_out=True), max_train_examples=180)
    )


def rarely_good(bench: Bench) -> RunReport:
    """A fifth of the validation texts praise, and fewer than half of these are labelled so: a model that predicts all
    of them to be good is right no more often than one that predicts none.
    """
    rng, rows = Random(bench.seed), bench.reviews(300, 0.2, True)
    labels = ["good" if row["label"] == "good" and rng.random() < 0.45 else "bad" for row in rows]
    rows = rows.map(lambda _, number: {"label": labels[number]}, with_indices=True)
    return bench.classify(bench.reviews(480), rows, eval_strategy="no")


def memorized_reviews(bench: Bench) -> RunReport:
    train = random_labels(bench.reviews(60), bench.seed)
    validation = random_labels(bench.reviews(HELD_OUT, held_out=True), bench.seed + 1)
    return bench.classify(train, validation, num_train_epochs=40, metric_for_best_model="eval_loss")


def noisy_numbers(bench: Bench) -> RunReport:
    def numbered(rows, seed):
        values = np.random.default_rng(seed).normal(size=len(rows)).tolist()
        return rows.remove_columns("label").add_column("label", values)

    recipe = ClassificationRecipe(
        ClassificationTask("toy", kind="regression"),
        LabelledSource(
            numbered(bench.reviews(), bench.seed),
            validation=numbered(bench.reviews(HELD_OUT, held_out=True), bench.seed + 99),
        ),
        model=bench.trained, tokenizer=bench.tokenizer, config=ClassificationConfig(max_length=32),
        args=ClassificationRecipe.default_args(
            str(bench.folder()), **(toys.DEFAULTS | {"num_train_epochs": 7, "seed": bench.seed})
        ),
    )  # fmt: skip
    return recipe.train()


# Faults of a pretraining


def permuted_vocabulary(bench: Bench) -> RunReport:
    bench.pretrain(config=MLM_ONLY, model=bench.config)
    names = sorted(bench.tokenizer.get_vocab(), key=bench.tokenizer.get_vocab().get)
    permuted = names[:5] + np.random.default_rng(bench.seed).permutation(names[5:]).tolist()
    vocabulary = BertTokenizer(vocab={name: number for number, name in enumerate(permuted)})
    trained = bench.folder().rename(bench.folder().with_name("permuted"))
    return bench.pretrain(model=str(trained), tokenizer=vocabulary, config=MLM_ONLY, max_steps=2)


def one_word_segments(bench: Bench) -> RunReport:
    segment = np.array([bench.tokenizer.convert_tokens_to_ids("the")] * 4, np.int32)
    with patch.object(PretrainingExamples, "_random_segment", lambda *_: segment):
        return bench.pretrain()


def encoder_alone(bench: Bench) -> RunReport:
    BertModel.from_pretrained(bench.trained).save_pretrained(bench.work / "encoder")
    return bench.pretrain(model=str(bench.work / "encoder"))


def summed_perplexity(bench: Bench) -> RunReport:
    """The perplexity is exp of the sum of both losses, as that of an evaluation loss is."""
    scores = pretraining_evaluation.pretraining_scores

    def summed(outputs):
        result = scores(outputs)
        return {**result, "perplexity": float(np.exp(result["loss"]))}

    with ExitStack() as stack:
        for module in ("evaluation", "recipe"):
            stack.enter_context(patch(f"bert_finetune_kit.pretraining.{module}.pretraining_scores", summed))
        return bench.pretrain(num_train_epochs=4)


# Faults of question answering


def longer_texts(bench: Bench) -> RunReport:
    overlap = answer_evaluation.overlap_scores
    with patch.object(
        answer_evaluation, "overlap_scores",
        lambda predictions, references: overlap([f"who says {text} now ?" for text in predictions], references),
    ):  # fmt: skip
        return bench.answer()


def long_questions(rows: Dataset) -> Dataset:
    return rows.map(lambda row: {"question": " ".join([row["question"]] * 8)})


FAULTS: dict[str, Fault] = {
    "weights that are not finite": Fault(("LOSS_NOT_FINITE",), everywhere(callback=NonFinite())),
    "one step with enormous gradients": Fault(
        ("GRADIENTS_EXPLODE",), everywhere(callback=ScaledHead(), logging_steps=1)
    ),
    "learning rate of 1": Fault(("LEARNING_RATE_TOO_HIGH",), everywhere(learning_rate=1.0)),
    "learning rate of 1e-8": Fault(("LEARNING_RATE_TOO_LOW",), everywhere(learning_rate=1e-8)),
    "three steps": Fault(
        ("TOO_FEW_STEPS", "STUCK_AT_UNIGRAM", "ALWAYS_ABSTAINS", "PERPLEXITY_ABOVE_UNIFORM"),
        everywhere(max_steps=3, learning_rate=3e-4),
    ),
    "ended while improving": Fault(
        ("STILL_IMPROVING",),
        {P: lambda bench: bench.pretrain(
            learning_rate=3e-4, lr_scheduler_type="constant", num_train_epochs=4, config=MLM_ONLY)},
    ),
    "memorized, not learnt": Fault(("OVERFITTING",), {
        C: memorized_reviews,
        Q: lambda bench: bench.answer(
            *(bench.questions(60, held, unanswerable=0, random_answers=True) for held in (False, True)),
            num_train_epochs=40, metric_for_best_model="eval_loss"),
    }),
    "validation rows in the training split": Fault(("TRAIN_VALIDATION_LEAK",), {
        C: lambda bench: bench.classify(rows := bench.reviews(), rows.select(range(60))),
        P: lambda bench: bench.pretrain(rows := bench.documents(240), rows.select(range(200))),
        Q: lambda bench: bench.answer(rows := bench.questions(), rows.select(range(120))),
    }),
    "first rows of a sorted file": Fault(("UNSHUFFLED",), {C: sorted_and_limited}),
    "max_length too short": Fault(("TRUNCATED_MUCH",), {
        C: lambda bench: bench.classify(
            bench.reviews().map(to_front), bench.reviews(HELD_OUT, held_out=True).map(to_front),
            config=ClassificationConfig(max_length=6)),
        Q: lambda bench: bench.answer(
            long_questions(bench.questions()), long_questions(bench.questions(120, True))),
    }),
    "cased tokenizer, uncased vocabulary": Fault(("UNKNOWN_WORDS",), {
        C: lambda bench: bench.classify(
            capitals(bench.reviews()), capitals(bench.reviews(HELD_OUT, held_out=True)), tokenizer=cased(bench)),
        P: lambda bench: bench.pretrain(
            capitals(bench.documents(240)), capitals(bench.documents(200, True)), tokenizer=cased(bench)),
        Q: lambda bench: bench.answer(
            capitals(bench.questions(), "question"), capitals(bench.questions(120, True), "question"),
            tokenizer=cased(bench)),
    }),
    "checkpoint that was never trained": Fault(("WEIGHTS_NOT_LOADED",), {
        C: lambda bench: bench.classify(model=untrained(bench)),
        P: lambda bench: bench.pretrain(model=untrained(bench)),
        Q: lambda bench: bench.answer(model=untrained(bench)),
    }),
    "layer without a learning rate": Fault(("LAYERS_UNCHANGED",), {
        C: lambda bench: without_first_layer(
            bench, toys.classification, bench.reviews(), bench.reviews(HELD_OUT, held_out=True)),
        P: lambda bench: without_first_layer(
            bench, toys.pretraining, bench.documents(240), bench.documents(200, True)),
        Q: lambda bench: without_first_layer(
            bench, toys.question_answering, bench.questions(), bench.questions(120, True)),
    }),
    "labels or words at random": Fault(LEARNT_NOTHING, {
        C: lambda bench: bench.classify(
            random_labels(bench.reviews(), bench.seed),
            random_labels(bench.reviews(HELD_OUT, held_out=True), bench.seed + 50)),
        P: lambda bench: bench.pretrain(
            *(bench.documents(count, held, sentences=12, kinds="single") for count, held in ((600, False), (50, True))),
            config=MLM_ONLY, max_steps=120),
    }),
    "numbers at random": Fault(("NOTHING_LEARNT", "TOO_FEW_EXAMPLES_FOR_CLAIM"), {C: noisy_numbers}),
    "five validation examples": Fault(
        ("TOO_FEW_EXAMPLES_FOR_CLAIM",), {C: lambda bench: bench.classify(validation=bench.reviews(5, 0.4, True))}
    ),
    "labels in another order": Fault(("LABELS_PERMUTED",), {C: swapped}),
    "collapsed onto one label": Fault(("ONE_CLASS_PREDICTED",), {C: lambda bench: bench.classify(learning_rate=1.0)}),
    "validation data of another kind": Fault(("BELOW_MAJORITY",), {C: mostly_bad}),
    "one label in seventeen": Fault(("IMBALANCED",), {
        C: lambda bench: bench.classify(bench.reviews(400, 0.06), bench.reviews(HELD_OUT, 0.4, True))}),
    "praise that is rarely labelled so": Fault(("SCORE_AT_BASELINE",), {C: rarely_good}),
    "parameters of another vocabulary": Fault(("PARAMETERS_DISAGREE",), {
        C: counted_as_cased(lambda bench: bench.classify()), P: counted_as_cased(lambda bench: bench.pretrain()),
        Q: counted_as_cased(lambda bench: bench.answer()),
    }),
    "label smoothing of 0.8": Fault(
        ("NOT_CALIBRATED",), {C: lambda bench: bench.classify(label_smoothing_factor=0.8)}
    ),
    "permuted vocabulary": Fault(("PERPLEXITY_ABOVE_UNIFORM",), {P: permuted_vocabulary}),
    "pairs without a relation": Fault(("NSP_AT_CHANCE",), {
        P: lambda bench: bench.pretrain(
            bench.documents(240, kinds="random"), bench.documents(200, True, kinds="random"))}),
    "random segments of one word": Fault(("NSP_TOO_EASY",), {P: one_word_segments}),
    "eight documents": Fault(
        ("FEW_DOCUMENTS",), {P: lambda bench: bench.pretrain(bench.documents(8, sentences=40), num_train_epochs=4)}
    ),
    "encoder without heads": Fault(("HEADS_NEW",), {P: encoder_alone}),
    "perplexity of the summed losses": Fault(("SCORES_DISAGREE",), {P: summed_perplexity}),
    "unanswerable questions like the others": Fault(("NEVER_ABSTAINS",), {
        Q: lambda bench: bench.answer(
            *(bench.questions(count, held, unanswerable=0.15, decoys=True)
              for count, held in ((320, False), (120, True))), eval_strategy="no")}),
    "answers that cannot be learnt": Fault(("ALWAYS_ABSTAINS", "BEST_IS_ABSTAINING"), {
        Q: lambda bench: bench.answer(
            *(bench.questions(count, held, unanswerable=0.7, random_answers=True)
              for count, held in ((320, False), (200, True))), num_train_epochs=2, eval_strategy="no")}),
    "trained on answerable questions": Fault(
        ("V2_DATA_AS_V1",), {Q: lambda bench: bench.answer(bench.questions(unanswerable=0))}
    ),
    "shifted answers": Fault(("OFFSETS_BROKEN",), {Q: lambda bench: bench.answer(bench.questions(shifted=0.1))}),
    "overlap of other texts": Fault(("OVERLAP_METRIC_ON_WRONG_TEXT",), {Q: longer_texts}),
    "longer training answers": Fault(("SPANS_TOO_LONG",), {
        Q: lambda bench: bench.answer(bench.questions(answer_words=4), eval_strategy="no")}),
}  # fmt: skip


# Healthy runs


def healthy(bench: Bench, recipe: str, size: int, rate: float) -> RunReport:
    """Train on the bundled sample by the defaults of the recipe, from a model that was pretrained on its stories.

    Questions are toys: of 1,000 from the sample so small a model learns to answer half, with spans far too long.
    """
    if recipe == Q:
        return bench.answer(bench.questions(size), learning_rate=rate)
    folder, encoder = str(bench.folder()), bench.work / "sample"
    settings = {"per_device_train_batch_size": 16, "disable_tqdm": True, "learning_rate": rate}
    mlm = PretrainConfig(max_length=48, objective="none")
    if recipe == P:
        args = PretrainRecipe.default_args(folder, **settings, seed=bench.seed, num_train_epochs=6)
        source = TextSource(max_documents=size)
        return PretrainRecipe(source, model=bench.config, tokenizer=bench.tokenizer, config=mlm, args=args).train()
    if not (encoder / "report.json").exists():
        args = PretrainRecipe.default_args(str(encoder), **(settings | {"learning_rate": 3e-3}), num_train_epochs=6)
        PretrainRecipe(TextSource(), model=bench.config, tokenizer=bench.tokenizer, config=mlm, args=args).train()
    return ClassificationRecipe(
        source=LabelledSource(max_train_examples=size), model=str(encoder), tokenizer=bench.tokenizer,
        config=ClassificationConfig(max_length=112),
        args=ClassificationRecipe.default_args(folder, **settings, seed=bench.seed, num_train_epochs=4),
    ).train()  # fmt: skip

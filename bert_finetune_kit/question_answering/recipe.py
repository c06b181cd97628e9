"""`QARecipe`: BERT fine-tuned to find the answer to a question in a text, or to say that there is none."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from datasets import Dataset
from transformers import BertConfig, TrainerCallback, TrainingArguments

from ..data.questions import Questions, QuestionSource, load_questions
from ..data.vocabulary import check_vocabulary, load_tokenizer
from ..errors import ConfigError, DataError, ModelError, raise_faults
from ..modeling.finetuning import make_trainable, rate_by_layer
from ..modeling.loading import bert_config, checkpoint_config
from ..modeling.lora import describe_lora, lora_config
from ..reporting.card_facts import CardFacts
from ..reporting.origin import data_origin, hub_id
from ..reporting.report import RunReport, Score, describe_object, describe_settings
from ..tasks.squad import QA_TASKS
from ..training.arguments import FineTuningArguments, RunArguments, parse_arguments
from ..training.finetuning import choose_best_by, early_stopping, finetuning_faults, suited_defaults
from ..training.recipe import Prepared, Recipe
from ..training.trainer import Loss
from .answers import AnswerCheck
from .card import card_facts
from .collator import DataCollatorForQuestionAnswering
from .config import QAConfig
from .decoding import Told, decode
from .evidence import answer_lengths, shared_contexts
from .features import QAExamples, Windows, answer_spans, lay_windows, tokenize_questions
from .judging import Judgement, epoch_scores, judge
from .model import HEAD, build_model, loss_counts, loss_sums
from .postprocess import WindowSpans
from .predict import predict_spans, to_answers, to_rows
from .prediction_files import write_predictions
from .settings_file import load_settings, save_settings
from .statistics import split_statistics
from .summary import details_of, glossary_of, silent_scores, summarize, tables_of

_SAMPLE_ARGS = {"learning_rate": 1e-3, "num_train_epochs": 8, "per_device_train_batch_size": 32}
_SAMPLE_CONFIG = QAConfig(max_length=128, doc_stride=32, max_question_length=32)


@dataclass
class _Split:
    """Questions of a split, and the windows that are made of them."""

    rows: Dataset
    examples: QAExamples
    windows: Windows
    check: AnswerCheck


class QARecipe(Recipe):
    """Extractive question answering, with questions that have no answer (SQuAD v2) or without (v1.1).

    Args:
        source: `"squad"`, `"squad_v2"`, another Hub id, a file, folder or list of files, a `Dataset`, or a
            `QuestionSource` for all there is to say; none means the bundled sample. Whether there are questions without
            an answer is seen in the data.
        model: a Hub id or folder to start from, a `BertConfig`, or a size by name (tiny, mini, small, medium, base,
            large) for fresh weights; the bundled sample alone does without (tiny).
        args: the Trainer's own arguments; none means `QARecipe.default_args()`.
        config: lengths and how to search; none means the defaults of the BERT paper's scripts.
        tokenizer: a Hub id, folder, `vocab.txt` or tokenizer; none means that of the checkpoint, and for fresh weights
            one trained on the contexts and questions.
        lora: peft's `LoraConfig`, or a mapping of its settings; none means to train all weights.
        callbacks: further callbacks for the Trainer.

    >>> from bert_finetune_kit import QARecipe
    >>> report = QARecipe("squad_v2", model="google-bert/bert-base-uncased").train()  # doctest: +SKIP
    """

    name: ClassVar[str] = "question_answering"
    loss: ClassVar[Loss] = Loss(sums=loss_sums, counts=loss_counts)
    defaults: ClassVar[dict[str, Any]] = Recipe.defaults | {
        "load_best_model_at_end": True,
        "num_train_epochs": 2,
        "per_device_train_batch_size": 16,
    }

    def __init__(
        self,
        source: Any = None,
        *,
        model: str | Path | BertConfig | None = None,
        args: TrainingArguments | None = None,
        config: QAConfig | None = None,
        tokenizer: Any = None,
        lora: Any = None,
        callbacks: Sequence[TrainerCallback] = (),
    ) -> None:
        self.source = source if isinstance(source, QuestionSource) else QuestionSource(train=source)
        sample = self.source.is_sample
        if model is None and sample:
            model = "tiny"
        self.config = config or (_SAMPLE_CONFIG if sample else QAConfig())
        self.lora = lora_config(lora)
        if args is None:
            args = self.default_args(model=model, sample=sample, lora=self.lora is not None)
        super().__init__(model, tokenizer, args, callbacks)
        self.glossary: Sequence[Score] = ()
        self.has_data = True
        self.threshold: float | None = None
        self._judged: tuple[Told, Judgement] | None = None

    @classmethod
    def default_args(
        cls,
        output_dir: str | None = None,
        *,
        model: Any = None,
        sample: bool = False,
        lora: bool = False,
        **settings: Any,
    ) -> TrainingArguments:
        """As `Recipe.default_args`, with a learning rate that suits `model` and LoRA."""
        return super().default_args(output_dir, **(_suited(model, sample, lora) | settings))

    @classmethod
    def from_command_line(cls, argv: Sequence[str] | None = None) -> tuple["QARecipe", RunArguments]:
        """Return the recipe that flags ask for, and how to run it."""
        types = (RunArguments, FineTuningArguments, QuestionSource, QAConfig, TrainingArguments)
        defaults = {"output_dir": f"runs/{cls.name}", **cls.machine_defaults()}
        run, tuning, source, _, _ = parse_arguments(types, defaults, argv, show_help=False)
        defaults |= _suited(run.model, source.is_sample, tuning.lora is not None)
        if source.is_sample:
            defaults |= asdict(_SAMPLE_CONFIG)
        run, tuning, source, config, args = parse_arguments(types, defaults, argv)
        recipe = cls(source, model=run.model, tokenizer=run.tokenizer, config=config, args=args, lora=tuning.lora)
        return recipe, run

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        *,
        threshold: float | None = None,
        source: Any = None,
        config: QAConfig | None = None,
        args: TrainingArguments | None = None,
    ) -> "QARecipe":
        """Return a recipe around a trained model, ready to `predict`, and with a source to `evaluate`.

        Args:
            folder: a run's folder, or any stock BERT for question answering (folder or Hub id).
            threshold: probability of no answer above which a question goes unanswered, 1 for never; none means the
                fitted one of the run, and for a stock model 0.5.
            source: data to evaluate on or to train further, as the recipe takes it.
            config: lengths and how to search, where they are to differ from those of the run.
            args: for `per_device_eval_batch_size` and the device.

        Raises:
            ModelError: there is no model, or it has no head for question answering.
            ConfigError: the model has fewer positions than the config asks for.
        """
        model_config = checkpoint_config(folder)
        saved_config, saved_threshold = load_settings(str(folder), model_config)
        recipe = cls(source, model=str(folder), args=args or cls.default_args(), config=config or saved_config)
        raise_faults(recipe.config.model_faults(model_config), "QAConfig")
        recipe.threshold = saved_threshold if threshold is None else threshold
        recipe.has_data = source is not None
        model: Any
        model, new = build_model(str(folder), 0, recipe.config)
        if new:
            raise ModelError(f"{folder} does not answer questions: there are no weights of {', '.join(new)} in it.")
        recipe.load(model, load_tokenizer(str(folder)))
        return recipe

    def predict(self, given: Any = None, *, question: Any = None, context: Any = None) -> Any:
        """Return an `Answer`, or a list of them where there is not one question alone.

        Args:
            given: a `Dataset` or the `Path` of a file with the columns question and context (answers are not needed).
            question: a question, or a list of them.
            context: the text to find the answer in, however long; one for all questions, or a list with one for each.

        Raises:
            DataError: it is none of these, or a question is empty.
            ConfigError: nothing has been trained.
        """
        model, tokenizer = self.trained()
        rows = to_rows(given, question, context)
        tokens = tokenize_questions(rows, tokenizer)
        windows = lay_windows(tokens, self.config)
        examples = QAExamples(tokens, windows, tokenizer.cls_token_id, tokenizer.sep_token_id)
        collator = DataCollatorForQuestionAnswering(tokenizer.pad_token_id, self.batch_lengths(self.config.max_length))
        spans = predict_spans(model, examples, collator, self.config, self.args.per_device_eval_batch_size)
        told = decode(spans, windows, tokens, rows["context"][:])
        if self.threshold is None:
            raise ConfigError("When to abstain is not known: call train() or evaluate(), or load by from_pretrained.")
        answers = to_answers(told, self.threshold)
        return answers[0] if isinstance(question, str) else answers

    # Hooks

    def check(self) -> None:
        """Check the settings against each other and against the model."""
        raise_faults(finetuning_faults(self.args, self.config, self.given_model, self.lora), type(self).__name__)

    def load_examples(self) -> Questions:
        """Source → rows with id, title, context, question and answers."""
        if not self.has_data:
            raise ConfigError("There is no data to evaluate or train on: give from_pretrained a source.")
        return load_questions(self.source)

    def prepare(self) -> Prepared:
        """Questions → token ids → windows with answers; the model beside them."""
        with self.timed("data"), self.args.main_process_first():
            data = self.load_examples()
            self.data_name = data.name
            limited = self.source.validation is not None or self.source.max_validation_examples is not None
            self._own_splits = [] if limited or data.held_out else ["validation"]
            self.notes += data.notes
            columns = (data.train["context"], data.train["question"])
            tokenizer = self.load_tokenizer((text for column in columns for text in column), data.train._fingerprint)
            self._train = self._split(data.train, tokenizer, learn=True)
            self._check_learnable()
            self._validation = self._split(data.validation, tokenizer)
            self._note_missing()
        self._references = [answers["text"] for answers in data.validation["answers"]]
        self._titles, self._contexts = data.validation["title"][:], data.validation["context"][:]
        some = not all(self._references) and any(self._references)
        self.glossary = glossary_of(abstaining=some)
        lower = {score.key: score.lower_is_better for score in self.glossary}
        choose_best_by(self.args, "fit_f1" if some else "f1", lower)
        with self.timed("model"):
            model = self.build_model(tokenizer)
        collator = DataCollatorForQuestionAnswering(tokenizer.pad_token_id, self.batch_lengths(self.config.max_length))
        return Prepared(model, tokenizer, self._train.examples, self._validation.examples, collator)

    def build_model(self, tokenizer: Any) -> Any:
        """Return the model, with what is not to learn frozen and adapters where LoRA is asked for."""
        config = bert_config(self.given_model, len(tokenizer)) or checkpoint_config(str(self.given_model))
        check_vocabulary(tokenizer, config.vocab_size)
        model, new = build_model(self.given_model, len(tokenizer), self.config, tokenizer.pad_token_id)
        self.evidence["new_parts"] = new
        if new:
            self.notes.append(f"new weights, not from a checkpoint: {', '.join(new)}")
        return make_trainable(model, self.config, self.lora, [HEAD])

    def compute_metrics(self, prediction: Any) -> dict[str, float]:
        """Scores of the validation split, with a threshold fitted on one half, and the mean loss of a window."""
        losses, *spans = prediction.predictions
        self._judged = told, judgement = self._judge(spans)
        self.threshold = judgement.threshold
        counted = self._validation.examples.counted
        assert counted is not None
        scores = {**epoch_scores(judgement), "loss": float(losses.sum() / max(counted.sum(), 1))}
        if not told.broken:
            return scores
        if told.broken == len(losses):  # no score of a broken model may be the best one
            scores = dict.fromkeys(scores, math.nan)
        return {**scores, "non_finite_windows": told.broken}

    def rate_of(self) -> Callable[[str], float] | None:
        """Layer-wise decay of the learning rate."""
        return rate_by_layer(self.prepared().model, self.config)

    def own_callbacks(self) -> list[TrainerCallback]:
        """Early stopping."""
        return early_stopping(self.config)

    def save_model(self) -> None:
        """Save a stock checkpoint, and beside it the fitted threshold and what is said of the validation split."""
        super().save_model()
        assert self.trainer is not None
        validation: Any = self._validation.examples
        self.trainer.predict(validation)  # which judges what is said: see compute_metrics
        assert self._judged is not None
        told, judgement = self._judged
        if self.args.process_index == 0:
            save_settings(self.config, judgement.threshold, self.output_dir)
            write_predictions(told, judgement, self._validation.rows["id"][:], self.output_dir)

    def describe(self, result: dict[str, Any]) -> dict[str, Any]:
        """Summary, scores with intervals, tables by kind of question, the worst errors, data and settings."""
        assert self._judged is not None
        told, judgement = self._judged
        prepared, rows = self.prepared(), self._validation.rows
        batch, unk = self.args.per_device_train_batch_size, prepared.tokenizer.unk_token_id
        splits = {"train": self._train, "validation": self._validation}
        data = {
            name: split_statistics(one.rows, one.examples, one.windows, one.check, unk, self.config, batch)
            for name, one in splits.items()
        }
        details = details_of(told, judgement, rows)
        parameters = sum(parameter.numel() for parameter in prepared.model.parameters())
        task = QA_TASKS.get(self.source.train) if isinstance(self.source.train, str) else None
        if self.source.validation is not None or self.source.max_validation_examples is not None:
            task = None  # what was published is of its own validation split
        self.evidence |= answer_lengths(told, judgement, self._references)
        self.evidence["leak"] = {"validation": shared_contexts(*(one.examples.tokens for one in splits.values()))}
        details["answers_not_in_context"] = {name: one.check.missing for name, one in splits.items()}
        return {
            "summary": summarize(self.data_name, data["train"], parameters, self.steps, details),
            "baselines": silent_scores(details),
            "data": data,
            "tables": tables_of(details, task.published if task is not None else None),
            "details": details,
            "intervals": details["intervals"],
            "settings": {
                "source": describe_settings(self.source) | self._origin(),
                "recipe": asdict(self.config),
                "model": {
                    "given": describe_object(self.given_model),
                    "tokenizer": describe_object(self.given_tokenizer),
                    "lora": describe_lora(self.lora),
                },
            },
        }

    @classmethod
    def card_facts(cls, report: RunReport) -> CardFacts:
        """Purpose, scores at the threshold, use and limits."""
        return card_facts(report)

    # Steps

    def _origin(self) -> dict[str, Any]:
        known = {name: task.dataset for name, task in QA_TASKS.items()}
        return data_origin(self.data_name, hub_id(self.source.train, known), self.source.hub_config, self._own_splits)

    def _split(self, rows: Dataset, tokenizer: Any, learn: bool = False) -> _Split:
        tokens = tokenize_questions(rows, tokenizer)
        spans, check = answer_spans(rows, tokens)
        windows = lay_windows(tokens, self.config, spans)
        examples = QAExamples(tokens, windows, tokenizer.cls_token_id, tokenizer.sep_token_id)
        missing = np.isin(rows["id"][:], check.missing)
        examples = examples.to_learn_from(missing) if learn else examples.to_score(missing)
        return _Split(rows, examples, windows, check)

    def _check_learnable(self) -> None:
        split = self._train
        if not (split.examples.windows.start > 0).any():
            raise DataError(
                f"There is no answer to learn from in {len(split.rows):,} questions: {len(split.check.missing):,} have "
                "answers that do not stand where they are said to (`answer_start` counts characters of the context, "
                f"not bytes; ids {', '.join(split.check.missing[:5])}), and the others are longer than a window."
            )

    def _note_missing(self) -> None:
        for name, check in (("train", self._train.check), ("validation", self._validation.check)):
            if check.missing:
                what = "are not learnt from" if name == "train" else "count as told in the scores"
                self.notes.append(
                    f"{len(check.missing):,} questions of the {name} split have an answer that does not stand in the "
                    f"context where it is said to, and {what}: {', '.join(check.missing[:5])}"
                    f"{' …' if len(check.missing) > 5 else ''}"
                )

    def _judge(self, spans: Sequence[np.ndarray]) -> tuple[Told, Judgement]:
        split = self._validation
        told = decode(WindowSpans(*spans), split.windows, split.examples.tokens, self._contexts)
        return told, judge(told, self._references, self._titles)


def _suited(model: Any, sample: bool, lora: bool) -> dict[str, Any]:
    """Return the Trainer's defaults that depend on what is trained."""
    return suited_defaults(model, lora, _SAMPLE_ARGS if sample else None)

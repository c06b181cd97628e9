"""`QARecipe`: BERT fine-tuned to find the answer to a question in a text, or to abstain where there is none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from datasets import Dataset
from transformers import PretrainedConfig, PreTrainedModel, TrainerCallback, TrainingArguments

from ..command_line import FineTuningArguments, RunArguments
from ..contract import BuiltModel, Description, FoldedData, Outputs
from ..data.question_rows import to_answer
from ..data.questions import Questions, load_questions, load_splits
from ..data.sources import QuestionSource, as_source
from ..data.vocabulary import vocabulary_size
from ..errors import ConfigError, ModelError, raise_faults
from ..inference.choices import NO_CHOICES, Choices, choose
from ..inference.device import on_device
from ..modeling.loading import checkpoint_config
from ..modeling.lora import describe_lora, lora_config
from ..modeling.trainable import layer_lr_multiplier
from ..recipes.finetuning import build_trainable, default_hyperparameters, early_stopping, finetuning_faults
from ..recipes.given import as_args, as_config, recipe_settings
from ..recipes.launch import parse_flags
from ..recipes.own_metrics import OwnMetrics, declare_own_scores, own_scores, with_own_scores
from ..recipes.recipe import Recipe
from ..recipes.state import LoadedModel
from ..recipes.tokenizer import check_tokenizer, choose_tokenizer, trained_tokenizer
from ..reporting.card_context import CardContext
from ..reporting.schema import RunReport
from ..training.arguments import RecipeArguments
from ..training.loss import Loss
from .card import card_context
from .config import QAConfig
from .data import QAData, build_data
from .evaluation import QAEvaluation, eval_prediction, evaluate, score_outputs
from .evaluation_data import evaluation_data
from .folds import fold_data
from .model import build_model, loss_sums, num_items, span_forward
from .predict import Answer, predict_rows, to_row, to_rows, write_predictions
from .report import describe, source_settings
from .usage import load_usage, save_usage

_SAMPLE_ARGS = {"learning_rate": 1e-3, "num_train_epochs": 8, "per_device_train_batch_size": 32}
_SAMPLE_CONFIG = QAConfig(max_length=128, doc_stride=32, max_question_length=32)


@recipe_settings(QAConfig)
class QARecipe(Recipe[QAData, QAEvaluation]):
    """Extractive question answering, with questions that have no answer (SQuAD v2) or without (v1.1).

    Args:
        source: `"squad"`, `"squad_v2"`, another Hub id, a file, a folder, a list of files, a DataFrame, a list of
            dicts, a `Dataset`, a `DatasetDict`, or a `QuestionSource` for all settings of a source; none means the
            bundled sample. Whether there are questions without an answer is detected in the data.
        validation: data to evaluate on; none means the data set's own validation split, or a share of its articles.
        model: a Hub id or folder to start from, a config or model object of transformers, or a size of BERT by name
            (tiny, mini, small, medium, base, large) for new weights; only the bundled sample has a default (tiny).
        args: the Trainer's arguments, or a mapping of those that are to differ from `QARecipe.default_args()`.
        config: lengths and search of spans, or a mapping of the fields that differ from the defaults, which are those
            of the BERT paper's scripts.
        tokenizer: a Hub id, folder, `vocab.txt` or tokenizer; none means that of the checkpoint, and for new weights
            one trained on the contexts and questions.
        lora: peft's `LoraConfig`, or a mapping of its settings; none means to train all weights.
        callbacks: further callbacks for the Trainer.
        compute_metrics: your own scores beside those of the recipe, from an `EvalPrediction` of predictions (dicts of
            `id`, `prediction_text`, `no_answer_probability`) and references (dicts of `id` and `answers`).

    >>> from bert_finetune_kit import QARecipe
    >>> report = QARecipe("squad_v2", model="google-bert/bert-base-uncased").train()  # doctest: +SKIP
    """

    name: ClassVar[str] = "question_answering"
    input_columns = ("question", "context")
    loss: ClassVar[Loss] = Loss(sum_fn=loss_sums, num_items_fn=num_items)
    defaults: ClassVar[dict[str, Any]] = Recipe.defaults | {
        "load_best_model_at_end": True,
        "num_train_epochs": 2,
        "per_device_train_batch_size": 16,
    }

    def __init__(
        self,
        source: Any = None,
        *,
        validation: Any = None,
        model: str | Path | PretrainedConfig | PreTrainedModel | None = None,
        args: TrainingArguments | Mapping[str, Any] | None = None,
        config: QAConfig | Mapping[str, Any] | None = None,
        tokenizer: Any = None,
        lora: Any = None,
        callbacks: Sequence[TrainerCallback] = (),
        compute_metrics: OwnMetrics | None = None,
    ) -> None:
        self.source = as_source(QuestionSource, source, validation)
        sample = self.source.is_sample
        if model is None and sample:
            model = "tiny"
        self.config = as_config(config, _SAMPLE_CONFIG if sample else QAConfig())
        self.lora = lora_config(lora)
        defaults = partial(self.default_args, model=model, sample=sample, lora=self.lora is not None)
        super().__init__(model, tokenizer, as_args(args, defaults), callbacks, compute_metrics)
        self.has_data = True

    @classmethod
    def default_hyperparameters(cls, model: Any, sample: bool = False, lora: bool = False) -> dict[str, Any]:
        """A learning rate for `model` and LoRA; for small models on the bundled sample more epochs."""
        return default_hyperparameters(model, lora, _SAMPLE_ARGS if sample else None)

    @classmethod
    def from_command_line(cls, argv: Sequence[str] | None = None) -> tuple["QARecipe", RunArguments]:
        """Return the recipe that flags ask for, and how to run it."""
        types = (RunArguments, FineTuningArguments, QuestionSource, QAConfig, RecipeArguments)

        def further_defaults(run: Any, tuning: Any, source: Any, *_: Any) -> dict[str, Any]:
            hyperparameters = cls.default_hyperparameters(run.model, source.is_sample, tuning.lora is not None)
            return hyperparameters | (asdict(_SAMPLE_CONFIG) if source.is_sample else {})

        defaults = {"output_dir": f"runs/{cls.name}", **cls.machine_defaults()}
        run, tuning, source, config, args = parse_flags(types, defaults, argv, further_defaults)
        recipe = cls(source, model=run.model, tokenizer=run.tokenizer, config=config, args=args, lora=tuning.lora)
        return recipe, run

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        *,
        threshold: float | None = None,
        source: Any = None,
        config: QAConfig | Mapping[str, Any] | None = None,
        args: TrainingArguments | Mapping[str, Any] | None = None,
    ) -> "QARecipe":
        """Return a recipe around a trained model, ready to `predict`, and with a source to `evaluate`.

        Args:
            folder: a run's folder, or any stock encoder with a question-answering head (folder or Hub id).
            threshold: probability of no answer above which the model abstains, 1 for never; none means the fitted one
                of the run, and for a stock model 0.5.
            source: data to evaluate on or to train on, as the recipe takes it.
            config: lengths and search, where they are to differ from those of the run.
            args: for `per_device_eval_batch_size` and the device.

        Raises:
            ModelError: there is no model, or it has no head for question answering.
            ConfigError: the model has fewer positions than the config asks for.
        """
        model_config = checkpoint_config(folder)
        saved_config, saved_threshold = load_usage(str(folder), model_config)
        config, args = as_config(config, saved_config), as_args(args, cls.default_args)
        recipe = cls(source, model=str(folder), args=args, config=config)
        raise_faults(recipe.config.model_faults(model_config), "QAConfig")
        recipe.has_data = source is not None
        model, new = build_model(str(folder), 0)
        if new:
            raise ModelError(f"{folder} has no trained question-answering head: it lacks weights of {', '.join(new)}.")
        usage = saved_threshold if threshold is None else threshold
        parts = model, trained_tokenizer(folder, model.config.vocab_size), usage, span_forward(recipe.config)
        recipe.load(LoadedModel(*parts, str(folder)), decides_as_saved=usage == saved_threshold)
        return recipe

    @property
    def threshold(self) -> float | None:
        """Probability of no answer above which the model abstains; none before training, evaluation or loading."""
        if self.state.loaded is not None:
            return float(self.state.loaded.usage)
        evaluation = self.state.evaluation
        return None if evaluation is None else evaluation.result.threshold

    def predict(
        self, inputs: Any = None, context: Any = None, *, question: Any = None,
        device: str | torch.device | None = None, coverage: float | None = None, max_risk: float | None = None,
    ) -> Any:  # fmt: skip
        """Return an `Answer`, or a list of them where there is not one question alone; nothing for an empty list.

        The answer to an empty question has the text None and no spans; one that is `refused` has the text None.

        Args:
            inputs: with `context`, a question or a list of them; alone, a `Dataset`, a DataFrame, a list of dicts or
                the `Path` of a file with the columns question and context (answers are not needed), or a list of pairs.
                A `str` is always a text.
            context: the text to find the answer in, of any length; one for all questions, or a list with one for each.
            question: the questions by name, in place of `inputs`.
            device: to run on, such as "cpu" or "cuda:1"; the model returns to where it was.
            coverage: share of the answers and abstentions to keep; the least sure ones are refused. See `selection`.
            max_risk: greatest share of the kept ones that may be wrong, in place of `coverage`.

        Raises:
            DataError: it is none of these.
            ConfigError: nothing has been trained, there is no such device, or what is asked for cannot be had.
        """
        trained = self.trained()
        choices = choose(trained.threshold_basis, coverage, max_risk)
        if question is None and context is not None:
            inputs, question = None, inputs
        rows = to_rows(inputs, question, context)
        with on_device(trained.model, device):
            answers = [] if rows is None else self._predict(rows, self.args.per_device_eval_batch_size, choices)
        return answers[0] if isinstance(question, str) else answers

    def predict_rows(
        self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], batch_size: int, choices: Choices = NO_CHOICES
    ) -> list[dict[str, Any]]:
        """`id`, `question`, `answer`, `score`, `start`, `end`, `no_answer`, and `refused` if that is asked for."""
        questions = to_answer(rows, "the file")
        answers = self._predict(questions, batch_size, choices)
        return [to_row(*pair, choices) for pair in zip(questions, answers, strict=True)]

    def _predict(self, rows: Dataset, batch_size: int, choices: Choices) -> list[Answer]:
        settings = self.config, self.trained(), self.batch_lengths(self.config.max_length)
        return predict_rows(rows, *settings, batch_size, choices)

    # Hooks

    def check(self) -> None:
        """Check the settings against each other and against the model."""
        faults = finetuning_faults(self.args, self.config, self.model_name_or_path, self.lora)
        raise_faults(faults, type(self).__name__)
        check_tokenizer(self.model_name_or_path, self.tokenizer_name_or_path)

    def load_examples(self) -> Questions:
        """Source → rows with id, title, context, question and answers."""
        return load_questions(self._known_source)

    def fold_data(self, folds: int) -> FoldedData:
        """Folds of whole articles."""
        return fold_data(load_splits(self._known_source), self.source, folds)

    def prepare_data(self) -> QAData:
        """Questions → token ids → windows with answers."""
        choose = partial(choose_tokenizer, self.model_name_or_path, self.tokenizer_name_or_path, folder=self.output_dir)
        lengths = self.batch_lengths(self.config.max_length)
        data = build_data(self.load_examples(), self.config, choose, lengths, self._is_limited)
        return declare_own_scores(data, self.name, self.own_metrics, lambda _: eval_prediction(data))

    def build_model(self, data: QAData) -> BuiltModel:
        """A model that scores spans, with frozen parts, and with adapters where LoRA is asked for."""
        size, pad_token_id = vocabulary_size(data.tokenizer), data.tokenizer.pad_token_id
        build = partial(build_model, data.initial_model, size, pad_token_id)
        return build_trainable(data, self.config, self.lora, build, span_forward(self.config))

    def compute_metrics(self, data: QAData, outputs: Outputs) -> dict[str, float]:
        """Scores of the validation split, with a threshold fitted on one half, and the mean loss of a window."""
        scores, predictions, result = score_outputs(data, outputs)
        return scores | own_scores(self.own_metrics, lambda: eval_prediction(data, predictions, result))

    def evaluation(self, data: QAData, outputs: Mapping[str, Outputs]) -> QAEvaluation:
        """Scores with intervals and the always-abstain baseline; scores by group, the worst errors, predictions."""
        evaluation = evaluate(data, outputs)
        predictions = evaluation.spans, evaluation.result
        return with_own_scores(evaluation, data, self.own_metrics, lambda _: eval_prediction(data, *predictions))

    def lr_multiplier(self, model: Any) -> Callable[[str], float] | None:
        """Layer-wise decay of the learning rate."""
        return layer_lr_multiplier(model.config.num_hidden_layers, self.config.layer_decay)

    def get_callbacks(self) -> list[TrainerCallback]:
        """Early stopping."""
        return early_stopping(self.config)

    def save_usage(self, data: QAData, evaluation: QAEvaluation, folder: str) -> None:
        """Save the fitted threshold and the predictions of the validation split beside the model."""
        save_usage(self.config, evaluation.result.threshold, folder)
        write_predictions(evaluation.spans, evaluation.result.abstains, data.validation_split.rows["id"][:], folder)

    def usage(self, data: QAData, evaluation: QAEvaluation | None) -> float | None:
        """What `predict` needs: the threshold."""
        return None if evaluation is None else evaluation.result.threshold

    def evaluation_data(self, given: Any, trained: LoadedModel, data: QAData | None) -> QAData:
        """Questions with answers → windows, scored at the threshold of the model."""
        settings = self.batch_lengths(self.config.max_length), self.source, data
        found = evaluation_data(given, self.config, trained, *settings)
        return declare_own_scores(found, self.name, self.own_metrics, lambda _: eval_prediction(found))

    def describe(self, data: QAData, model: Any, evaluation: QAEvaluation, steps: int | None) -> Description:
        """Summary, scores, tables by kind of question, statistics of the data."""
        start = {**self.model_settings(), "lora": describe_lora(self.lora)}
        settings, published = source_settings(data, self.source, start, self._is_limited)
        batch_size = self.args.per_device_train_batch_size
        return describe(data, model, evaluation, steps, self.config, batch_size, published, settings)

    @classmethod
    def card_context(cls, report: RunReport) -> CardContext:
        """Purpose, scores at the threshold, use and limits."""
        return card_context(report)

    @property
    def _known_source(self) -> QuestionSource:
        if self.has_data:
            return self.source
        raise ConfigError("There is no data to evaluate or train on: give from_pretrained a source, or evaluate(data).")

    @property
    def _is_limited(self) -> bool:
        """Whether the validation split is not the whole published one."""
        return self.source.validation is not None or self.source.max_validation_examples is not None

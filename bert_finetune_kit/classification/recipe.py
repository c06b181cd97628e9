"""`ClassificationRecipe`: BERT fine-tuned to classify texts or pairs of texts, or to predict a number for them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from datasets import Dataset
from transformers import PretrainedConfig, PreTrainedModel, TrainerCallback, TrainingArguments

from ..command_line import FineTuningArguments, RunArguments
from ..contract import BuiltModel, Description, Evaluation, FoldedData, Outputs
from ..data.labelled import LabelledData, load_labelled
from ..data.sources import LabelledSource
from ..data.vocabulary import vocabulary_size
from ..errors import raise_faults
from ..inference.choices import NO_CHOICES, Choices, choose
from ..inference.device import on_device
from ..inference.explanation import Explanation, Stop
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
from ..tasks.registry import SAMPLE_TASK
from ..tasks.task import ClassificationTask
from ..training.arguments import RecipeArguments
from ..training.loss import Loss
from .card import card_context
from .command_line import TaskArguments
from .config import ClassificationConfig, task_faults
from .data import ClassificationData, build_data, eval_prediction, trial_prediction
from .evaluation import evaluate
from .evaluation_data import evaluation_data
from .explanation import explain
from .folds import fold_data
from .label_order import with_order_note
from .labels import LabelSet
from .loading import load_classifier
from .metric_set import check_metrics
from .model import build_model_to_train, forward, loss_sums, num_items
from .predict import Prediction, predict_rows, text_columns, to_rows, with_prediction
from .report import describe, source_settings
from .task_choice import TASK_FIELDS, choose_task
from .task_file import find_task, save_task

_SAMPLE_ARGS = {"learning_rate": 1e-3, "num_train_epochs": 6}


@recipe_settings(ClassificationConfig, TASK_FIELDS)
class ClassificationRecipe(Recipe[ClassificationData, Evaluation]):
    """Classification or regression of texts and pairs of texts.

    Args:
        task: data of your own: a file, a folder, a list of files, a Hub id, a DataFrame, a list of dicts, a `Dataset`,
            a `DatasetDict`, or a `LabelledSource` for all settings of a source. Or a `ClassificationTask`, the name of
            one (`"sst2"`), or a YAML file that declares one. None means the reviews of the bundled sample.
        source: data in place of the task's own, where `task` is a task.
        validation: data to evaluate on; none means the data set's own splits, or a share of its train split.
        model: a Hub id or folder to start from, a config or model object of transformers, or a size of BERT by name
            (tiny, mini, small, medium, base, large) for new weights; only the bundled sample has a default (tiny).
        args: the Trainer's arguments, or a mapping of those that are to differ from
            `ClassificationRecipe.default_args()`. Where they ask for the best model and name no metric, it is chosen by
            the task's `best_metric`.
        config: lengths, class weights, what to freeze; or a mapping of the fields that differ from the defaults.
        tokenizer: a Hub id, folder, `vocab.txt` or tokenizer; none means that of the checkpoint, and for new weights
            one trained on the texts.
        lora: peft's `LoraConfig`, or a mapping of its settings; none means to train all weights.
        callbacks: further callbacks for the Trainer.
        compute_metrics: your own scores beside those of the task, from an `EvalPrediction` of logits and label ids.
        task_fields: `text`, `text_pair` and `label`, the columns of the data, and `labels`, `label_separator`, `kind`
            and `metrics`, as in `ClassificationTask`.

    >>> from bert_finetune_kit import ClassificationRecipe
    >>> model = "google-bert/bert-base-uncased"
    >>> report = ClassificationRecipe("sst2", model=model).train()  # doctest: +SKIP
    >>> recipe = ClassificationRecipe("reviews.csv", text="review", label="stars", model=model)
    """

    name: ClassVar[str] = "classification"
    loss: ClassVar[Loss] = Loss(sum_fn=loss_sums, num_items_fn=num_items)
    smooths_labels: ClassVar[bool] = True
    defaults: ClassVar[dict[str, Any]] = Recipe.defaults | {"load_best_model_at_end": True}

    def __init__(
        self,
        task: Any = None,
        source: Any = None,
        *,
        validation: Any = None,
        model: str | Path | PretrainedConfig | PreTrainedModel | None = None,
        args: TrainingArguments | Mapping[str, Any] | None = None,
        config: ClassificationConfig | Mapping[str, Any] | None = None,
        tokenizer: Any = None,
        lora: Any = None,
        callbacks: Sequence[TrainerCallback] = (),
        compute_metrics: OwnMetrics | None = None,
        **task_fields: Any,
    ) -> None:
        self.task, self.source = choose_task(task, source, validation, task_fields)
        if model is None and self.is_sample:
            model = "tiny"
        self.config = as_config(config, ClassificationConfig())
        self.lora = lora_config(lora)
        defaults = partial(self.default_args, model=model, sample=self.is_sample, lora=self.lora is not None)
        super().__init__(model, tokenizer, as_args(args, defaults), callbacks, compute_metrics)

    @property
    def is_sample(self) -> bool:
        """Whether the data are the bundled sample."""
        return self.task == SAMPLE_TASK and self.source.train is None

    @classmethod
    def default_hyperparameters(cls, model: Any, sample: bool = False, lora: bool = False) -> dict[str, Any]:
        """A learning rate for `model` and LoRA; for small models on the bundled sample more epochs."""
        return default_hyperparameters(model, lora, _SAMPLE_ARGS if sample else None)

    @classmethod
    def from_command_line(cls, argv: Sequence[str] | None = None) -> tuple["ClassificationRecipe", RunArguments]:
        """Return the recipe that flags ask for, and how to run it."""
        types = (
            RunArguments, TaskArguments, FineTuningArguments, LabelledSource, ClassificationConfig, RecipeArguments,
        )  # fmt: skip

        def further_defaults(run: Any, task: TaskArguments, tuning: Any, source: Any, *_: Any) -> dict[str, Any]:
            sample = source.train is None and task.find(has_data=False) == SAMPLE_TASK
            return cls.default_hyperparameters(run.model, sample, tuning.lora is not None)

        defaults = {"output_dir": f"runs/{cls.name}", **cls.machine_defaults()}
        run, task_arguments, tuning, source, config, args = parse_flags(types, defaults, argv, further_defaults)
        task = task_arguments.find(has_data=source.train is not None)
        recipe = cls(task, source, model=run.model, tokenizer=run.tokenizer, config=config, args=args, lora=tuning.lora)
        return recipe, run

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        *,
        task: ClassificationTask | str | None = None,
        config: ClassificationConfig | Mapping[str, Any] | None = None,
        args: TrainingArguments | Mapping[str, Any] | None = None,
    ) -> "ClassificationRecipe":
        """Return a recipe with a trained classifier, ready to `predict`.

        Args:
            folder: a run's folder, or any stock encoder with a classification head (folder or Hub id).
            task: that it was trained for; needed for a stock classifier of pairs, whose folder does not declare them.
            config: lengths and threshold; none means those saved in the folder, or the defaults.
            args: for `per_device_eval_batch_size` and the device.

        Raises:
            ModelError: there is no model, or it has no head for classification.
        """
        loaded = load_classifier(str(folder), None if task is None else find_task(task), partial(as_config, config))
        recipe = cls(loaded.task, model=str(folder), args=as_args(args, cls.default_args), config=loaded.config)
        if loaded.note is not None:
            recipe.log_main(loaded.note)
        tokenizer = trained_tokenizer(folder, loaded.model.config.vocab_size)
        score = partial(forward, kind=loaded.labels.kind)
        recipe.load(LoadedModel(loaded.model, tokenizer, loaded.labels, score, str(folder)))
        return recipe

    def predict(
        self, inputs: Any, *, device: str | torch.device | None = None, coverage: float | None = None,
        max_risk: float | None = None, label_sets: float | None = None,
    ) -> list[Prediction]:  # fmt: skip
        """Return a `Prediction` for each text or pair, in their order; nothing for an empty list.

        A text that is empty has the label None, and so has one whose prediction is `refused`.

        Args:
            inputs: a text, a list of texts, for sentence-pair tasks a pair or a list of pairs; a `Dataset`, a
                DataFrame, a list of dicts or the `Path` of a file with the columns of the task (labels are not
                needed). A `str` is always a text.
            device: to run on, such as "cpu" or "cuda:1"; the model returns to where it was.
            coverage: share of the predictions to keep; the least sure ones are refused. See `selection`.
            max_risk: greatest share of the kept ones that may be wrong, in place of `coverage`.
            label_sets: share of the sets of labels (`label_set`) that are to hold the true one.

        Raises:
            DataError: the inputs are of another type, or a column is missing.
            ConfigError: nothing has been trained, there is no such device, or what is asked for cannot be had.
        """
        trained, rows = self.trained(), to_rows(inputs, self.task)
        choices = choose(trained.threshold_basis, coverage, max_risk, label_sets)
        with on_device(trained.model, device):
            return [] if rows is None else self._predict(rows, self.args.per_device_eval_batch_size, choices)

    def predict_rows(
        self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], batch_size: int, choices: Choices = NO_CHOICES
    ) -> list[dict[str, Any]]:
        """The columns of the file, `label`, `score` and `probabilities`, and `refused` and `label_set` if asked for."""
        predictions = self._predict(text_columns(rows, self.input_columns), batch_size, choices)
        known = self.trained().usage.names, self.task.label_separator, choices
        return [with_prediction(row, columns, given, *known) for row, given in zip(rows, predictions, strict=True)]

    def _predict(self, rows: Dataset, batch_size: int, choices: Choices) -> list[Prediction]:
        lengths = self.batch_lengths(self.config.max_length)
        return predict_rows(self.map_rows(rows), self.task, self.config, self.trained(), lengths, batch_size, choices)

    def explain_inputs(self, inputs: Any, label: str | None, max_steps: int, stop: Stop | None) -> list[Explanation]:
        """Integrated gradients over the embeddings of the tokens, summed by words."""
        return explain(inputs, self.map_rows, self.task, self.config, self.trained(), label, max_steps, stop)

    @property
    def input_columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """Columns of the texts."""
        return self.task.text_columns

    # Hooks

    def check(self) -> None:
        """Check the settings against each other and against the model."""
        faults = finetuning_faults(self.args, self.config, self.model_name_or_path, self.lora)
        faults += task_faults(self.task, self.config, self.args.label_smoothing_factor)
        raise_faults(faults, type(self).__name__)
        check_tokenizer(self.model_name_or_path, self.tokenizer_name_or_path)
        check_metrics(self.task)

    def load_examples(self) -> LabelledData:
        """Source → rows with the columns of the task."""
        return load_labelled(self.task, self.source)

    def fold_data(self, folds: int) -> FoldedData:
        """Folds with equal shares of the labels, and with whole groups."""
        return fold_data(self.load_examples(), self.task, self.source, folds)

    def map_rows(self, rows: Dataset) -> Dataset:
        """Change texts before they are tokenized, for training, evaluation and prediction alike."""
        return rows

    def prepare_data(self) -> ClassificationData:
        """Rows → token ids and targets → examples."""
        choose = partial(choose_tokenizer, self.model_name_or_path, self.tokenizer_name_or_path, folder=self.output_dir)
        rows = self.load_examples().map(self.map_rows)
        data = build_data(rows, self.task, self.source, self.config, choose, self.batch_lengths(self.config.max_length))
        return declare_own_scores(data, self.name, self.own_metrics, partial(trial_prediction, data))

    def build_model(self, data: ClassificationData) -> BuiltModel:
        """A classifier, with frozen parts, and with adapters where LoRA is asked for."""
        build = partial(
            build_model_to_train, data.train.labels, data.labels, model_name_or_path=data.initial_model,
            vocab_size=vocabulary_size(data.tokenizer), new_head=self.config.new_head,
            pad_token_id=data.tokenizer.pad_token_id,
        )  # fmt: skip
        score = partial(forward, kind=data.labels.kind, label_smoothing=self.args.label_smoothing_factor)
        built = build_trainable(data, self.config, self.lora, build, score)
        return with_order_note(built, data.labels, self.checkpoint)

    def compute_metrics(self, data: ClassificationData, outputs: Outputs) -> dict[str, float]:
        """Scores of a split, and the mean loss of its examples."""
        _, logits, references = outputs
        scores = data.metrics.score_logits(logits, references, data.threshold)
        return scores | own_scores(self.own_metrics, lambda: eval_prediction(outputs))

    def evaluation(self, data: ClassificationData, outputs: Mapping[str, Outputs]) -> Evaluation:
        """Scores with intervals, beside the majority baseline; scores by label, calibration, the worst errors."""
        evaluation = evaluate(data, outputs)
        return with_own_scores(evaluation, data, self.own_metrics, lambda split: eval_prediction(outputs[split]))

    def lr_multiplier(self, model: Any) -> Callable[[str], float] | None:
        """Layer-wise decay of the learning rate."""
        return layer_lr_multiplier(model.config.num_hidden_layers, self.config.layer_decay)

    def get_callbacks(self) -> list[TrainerCallback]:
        """Early stopping."""
        return early_stopping(self.config)

    def save_usage(self, data: ClassificationData, evaluation: Evaluation, folder: str) -> None:
        """Save the task and its labels beside the model."""
        save_task(self.task, self.config, data.labels.names, folder)

    def evaluation_data(self, given: Any, trained: LoadedModel, data: ClassificationData | None) -> ClassificationData:
        """Labelled rows → token ids and targets of the labels that the model knows."""
        settings = self.batch_lengths(self.config.max_length), self.map_rows, self.source
        found = evaluation_data(given, self.task, self.config, trained, *settings, data)
        return declare_own_scores(found, self.name, self.own_metrics, partial(trial_prediction, found))

    def describe(self, data: ClassificationData, model: Any, evaluation: Evaluation, steps: int | None) -> Description:
        """Summary, results, tables by label, statistics of the data."""
        start, batch_size = self.model_settings(), self.args.per_device_train_batch_size
        settings = source_settings(data, self.task, self.source, start | {"lora": describe_lora(self.lora)})
        return describe(data, model, evaluation, steps, self.task, self.config, batch_size, settings)

    @classmethod
    def card_context(cls, report: RunReport) -> CardContext:
        """Purpose, scores by split, use and limits."""
        return card_context(report)

    def usage(self, data: ClassificationData, evaluation: Evaluation | None) -> LabelSet:
        """What `predict` needs: the labels."""
        return data.labels

"""`ClassificationRecipe`: BERT fine-tuned to classify texts or pairs of texts, or to give them a number."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from datasets import Dataset
from transformers import BertConfig, TrainerCallback, TrainingArguments

from ..data.labelled import (
    LabelledData,
    LabelledSource,
    check_columns,
    check_texts,
    class_names,
    hold_out,
    label_values,
    load_labelled,
)
from ..data.tokenized import tokenize_texts
from ..data.vocabulary import check_vocabulary, load_tokenizer
from ..errors import ModelError, raise_faults
from ..modeling.finetuning import make_trainable, rate_by_layer
from ..modeling.loading import bert_config, checkpoint_config
from ..modeling.lora import describe_lora, lora_config
from ..reporting.card_facts import CardFacts
from ..reporting.origin import data_origin, hub_id
from ..reporting.report import ReportTable, RunReport, Score, describe_object, describe_settings
from ..tasks.registry import SAMPLE_TASK
from ..tasks.task import ClassificationTask
from ..training.arguments import FineTuningArguments, RunArguments, parse_arguments
from ..training.finetuning import choose_best_by, early_stopping, finetuning_faults, suited_defaults
from ..training.recipe import Prepared, Recipe
from ..training.trainer import Loss
from .calibration import reliability
from .card import card_facts
from .collator import DataCollatorForClassification
from .command_line import TaskArguments
from .config import ClassificationConfig
from .evidence import gather
from .features import ClassificationExamples
from .judging import judge, score_split
from .labels import LabelSet, check_classes, label_set, label_weights
from .metrics import MetricSet, Predictions, decode, glossary_of, metric_set
from .mistakes import mistakes_table, worst_errors
from .model import HEAD, build_model, loss_counts, loss_sums
from .predict import Prediction, predict_logits, to_predictions, to_rows
from .statistics import split_statistics
from .summary import label_details, label_tables, result_table, summarize
from .task_file import find_task, load_task, save_task

_SAMPLE_ARGS = {"learning_rate": 1e-3, "num_train_epochs": 6}


class ClassificationRecipe(Recipe):
    """Classification or regression of texts and pairs of texts.

    Args:
        task: a `ClassificationTask`, the name of one (`"sst2"`), or a YAML file that declares one; none means the
            reviews of the bundled sample.
        source: what takes the place of the task's own data set: a Hub id, a file, folder or list of files, a `Dataset`,
            or a `LabelledSource` for all there is to say.
        model: a Hub id or folder to start from, a `BertConfig`, or a size by name (tiny, mini, small, medium, base,
            large) for fresh weights; the bundled sample alone does without (tiny).
        args: the Trainer's own arguments; none means `ClassificationRecipe.default_args()`. Where they ask for the best
            model and name no metric, it is chosen by the task's `best_metric`.
        config: how to classify; none means the defaults.
        tokenizer: a Hub id, folder, `vocab.txt` or tokenizer; none means that of the checkpoint, and for fresh weights
            one trained on the texts.
        lora: peft's `LoraConfig`, or a mapping of its settings; none means to train all weights.
        callbacks: further callbacks for the Trainer.

    >>> from bert_finetune_kit import ClassificationRecipe
    >>> report = ClassificationRecipe("sst2", model="google-bert/bert-base-uncased").train()  # doctest: +SKIP
    """

    name: ClassVar[str] = "classification"
    loss: ClassVar[Loss] = Loss(sums=loss_sums, counts=loss_counts)
    smooths_labels: ClassVar[bool] = True
    defaults: ClassVar[dict[str, Any]] = Recipe.defaults | {"load_best_model_at_end": True}

    def __init__(
        self,
        task: ClassificationTask | str | Path | None = None,
        source: Any = None,
        *,
        model: str | Path | BertConfig | None = None,
        args: TrainingArguments | None = None,
        config: ClassificationConfig | None = None,
        tokenizer: Any = None,
        lora: Any = None,
        callbacks: Sequence[TrainerCallback] = (),
    ) -> None:
        self.task = find_task(task)
        self.source = source if isinstance(source, LabelledSource) else LabelledSource(train=source)
        if model is None and self.is_sample:
            model = "tiny"
        self.config = config or ClassificationConfig()
        self.lora = lora_config(lora)
        if args is None:
            args = self.default_args(model=model, sample=self.is_sample, lora=self.lora is not None)
        super().__init__(model, tokenizer, args, callbacks)
        self._labels: LabelSet | None = None
        self._metrics = MetricSet(self.task.kind, 0)
        self.glossary: Sequence[Score] = ()

    @property
    def is_sample(self) -> bool:
        """Whether this learns the bundled sample."""
        return self.task == SAMPLE_TASK and self.source.train is None

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
    def from_command_line(cls, argv: Sequence[str] | None = None) -> tuple["ClassificationRecipe", RunArguments]:
        """Return the recipe that flags ask for, and how to run it."""
        types = (
            RunArguments, TaskArguments, FineTuningArguments, LabelledSource, ClassificationConfig, TrainingArguments,
        )  # fmt: skip
        defaults = {"output_dir": f"runs/{cls.name}", **cls.machine_defaults()}
        run, chosen, tuning, source, _, _ = parse_arguments(types, defaults, argv, show_help=False)
        task = chosen.find(has_data=source.train is not None)
        sample = task == SAMPLE_TASK and source.train is None
        defaults |= _suited(run.model, sample, tuning.lora is not None)
        run, chosen, tuning, source, config, args = parse_arguments(types, defaults, argv)
        recipe = cls(task, source, model=run.model, tokenizer=run.tokenizer, config=config, args=args, lora=tuning.lora)
        return recipe, run

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        *,
        task: ClassificationTask | str | None = None,
        config: ClassificationConfig | None = None,
        args: TrainingArguments | None = None,
    ) -> "ClassificationRecipe":
        """Return a recipe around a trained classifier, ready to `predict`.

        Args:
            folder: a run's folder, or any stock BERT classifier (folder or Hub id).
            task: what it was trained for, where the folder does not say (a stock classifier of pairs).
            config: how to classify, where the folder does not say.
            args: for `per_device_eval_batch_size` and the device.

        Raises:
            ModelError: there is no model, or it has no head for classification.
        """
        model_config = checkpoint_config(folder)
        saved_task, saved_config = load_task(str(folder), model_config)
        task, config = find_task(task) if task is not None else saved_task, config or saved_config
        task = replace(task, labels=saved_task.labels) if task.kind == saved_task.kind else task
        recipe = cls(task, model=str(folder), args=args or cls.default_args(), config=config)
        recipe._labels = LabelSet(task.labels or (), task.kind, by_column=isinstance(task.label, tuple))
        model: Any
        model, new = build_model(str(folder), recipe._labels, 0)
        if new:
            raise ModelError(f"{folder} is no trained classifier: there are no weights of {', '.join(new)} in it.")
        recipe.load(model, load_tokenizer(str(folder)))
        return recipe

    def predict(self, given: Any) -> list[Prediction]:
        """Return a `Prediction` for each text or pair.

        Args:
            given: a text, a list of texts, for tasks of pairs a pair or a list of pairs, or a `Dataset` with the
                columns of the task, or the `Path` of a file with them (labels are not needed).

        Raises:
            DataError: it is none of these, or a text is empty.
            ConfigError: nothing has been trained.
        """
        model, tokenizer = self.trained()
        assert self._labels is not None
        rows = to_rows(given, self.task.text, self.task.text_pair)
        check_columns(rows, self.task, "given", labelled=False)
        rows = self.map_rows(rows)
        check_texts(rows, self.task, "given", numbers=True)
        examples = self._examples(rows, tokenizer, None)
        lengths = self.batch_lengths(self.config.max_length)
        collator = DataCollatorForClassification(tokenizer.pad_token_id, lengths=lengths)
        logits = predict_logits(model, examples, collator, self.args.per_device_eval_batch_size)
        told = decode(logits, np.zeros(len(logits)), self.task.kind, self.config.threshold)
        return to_predictions(told, self._labels, self.config.threshold)

    # Hooks

    def check(self) -> None:
        """Check the settings against each other and against the model."""
        faults = finetuning_faults(self.args, self.config, self.given_model, self.lora)
        if self.task.text_pair is not None and self.config.max_length < 5:
            faults.append(f"max_length is {self.config.max_length}: at least 5 tokens are needed for pairs")
        weights = self.config.class_weights
        if weights is not None and self.task.kind == "regression":
            faults.append("class_weights are set for a regression, which has no classes")
        if self.args.label_smoothing_factor and self.task.kind != "single_label":
            faults.append(f"label_smoothing_factor is for single labels, and the task is {self.task.kind}")
        raise_faults(faults, type(self).__name__)
        if self.task.labels is not None or self.task.kind == "regression":
            metric_set(self.task.metrics, self.task.kind, len(self.task.labels or ()))

    def load_examples(self) -> LabelledData:
        """Source → rows with the columns of the task."""
        return load_labelled(self.task, self.source)

    def map_rows(self, rows: Dataset) -> Dataset:
        """Change texts before they are tokenized, to learn from, to score and to predict alike."""
        return rows

    def prepare(self) -> Prepared:
        """Rows → token ids and targets → examples; the model beside them."""
        with self.timed("data"), self.args.main_process_first():
            data = self.load_examples().map(self.map_rows)
            for split, rows in {"train": data.train, **data.validation}.items():
                check_texts(rows, self.task, split)
            self.data_name = data.name
            limited = self.source.validation is not None or self.source.max_validation_examples is not None
            self._own_splits = [] if limited else list(data.validation)
            values = label_values(data.train, self.task)
            self._labels = labels = label_set(self.task, values, class_names(data.train, self.task))
            self._metrics = metric_set(self.task.metrics, self.task.kind, labels.outputs)
            tokenizer = self.load_tokenizer(self._texts(data), data.train._fingerprint)
            train = self._examples(data.train, tokenizer, labels.encode(values, "train"))
            validation = {
                split: self._examples(rows, tokenizer, labels.encode(label_values(rows, self.task), split))
                for split, rows in data.validation.items()
            }
            if not validation:
                kept, held_out = hold_out(len(train), self.source.validation_share)
                self.notes.append(
                    f"there is no validation split: {len(held_out):,} of {len(train):,} examples are held out for it, "
                    "whatever the seed the same"
                )
                train, validation = train.subset(kept), {"validation": train.subset(held_out)}
                data = replace(data, validation={"validation": data.train.select(held_out)})
            self._rows = data.validation
            self.glossary = glossary_of(self._metrics, list(validation))
            check_classes(labels, train.labels, {split: one.labels for split, one in validation.items()})
        with self.timed("model"):
            model = self.build_model(labels, tokenizer)
        self._choose_best(list(validation))
        collator = DataCollatorForClassification(
            tokenizer.pad_token_id,
            label_weights(self.config.class_weights, train.labels, labels.outputs),
            self.batch_lengths(self.config.max_length),
        )
        only = next(iter(validation.values()))
        return Prepared(model, tokenizer, train, validation if len(validation) > 1 else only, collator)

    def build_model(self, labels: LabelSet, tokenizer: Any) -> Any:
        """Return the classifier, with what is not to learn frozen and adapters where LoRA is asked for."""
        config = bert_config(self.given_model, len(tokenizer)) or checkpoint_config(str(self.given_model))
        check_vocabulary(tokenizer, config.vocab_size)
        model, new = build_model(self.given_model, labels, len(tokenizer), self.config.new_head, tokenizer.pad_token_id)
        model.label_smoothing = self.args.label_smoothing_factor
        self.evidence["new_parts"] = new
        if new:
            self.notes.append(f"new weights, not from a checkpoint: {', '.join(new)}")
        heads = [HEAD, *(part for part in new if part.endswith("pooler"))]
        return make_trainable(model, self.config, self.lora, heads)

    def compute_metrics(self, prediction: Any) -> dict[str, float]:
        """Scores of a split, and the mean loss of its examples."""
        _, logits, labels = prediction.predictions
        return score_split(self._metrics, logits, labels, self.config.threshold)

    def rate_of(self) -> Callable[[str], float] | None:
        """Layer-wise decay of the learning rate."""
        return rate_by_layer(self.prepared().model, self.config)

    def own_callbacks(self) -> list[TrainerCallback]:
        """Early stopping."""
        return early_stopping(self.config)

    def save_model(self) -> None:
        """Save a stock checkpoint, and beside it what the model was trained for."""
        super().save_model()
        assert self._labels is not None
        if self.args.process_index == 0:
            save_task(self.task, self.config, self._labels.names, self.output_dir)

    def describe(self, result: dict[str, Any]) -> dict[str, Any]:
        """Summary, result with intervals, tables by label, data and settings."""
        prepared, labels = self.prepared(), self._labels
        assert labels is not None
        validation: Any = prepared.validation
        splits = validation if isinstance(validation, dict) else {"validation": validation}
        unk, batch = prepared.tokenizer.unk_token_id, self.args.per_device_train_batch_size
        data = {
            name: split_statistics(examples, labels, unk, batch)
            for name, examples in {"train": prepared.train, **splits}.items()
        }
        judged = {split: self._judge(split, examples) for split, examples in splits.items()}
        tables: list[ReportTable] = []
        mistakes: list[ReportTable] = []
        details: dict[str, Any] = {}
        intervals: dict[str, Any] = {}
        constant: dict[str, float] = {}
        for split, (told, one) in judged.items():
            details[split] = one if labels.kind == "regression" else one | label_details(labels, told)
            if labels.kind != "regression" and len(told.references):
                details[split]["reliability"] = reliability(told)
            prefix = f"{split}_" if len(splits) > 1 else ""
            intervals |= {prefix + name: interval for name, interval in one["intervals"].items()}
            constant |= {prefix + name: score for name, score in one["baseline"].items()}
            tables.append(result_table(split, one, *self._published(split, len(splits))))
            tables += label_tables(split, details[split]) if labels.kind != "regression" else []
            if one["worst_errors"]:
                mistakes.append(mistakes_table(split, one["worst_errors"], self._columns))
        told_of = {split: told for split, (told, _) in judged.items()}
        self.evidence |= gather(prepared.train, splits, told_of, labels.kind)
        parameters = sum(parameter.numel() for parameter in prepared.model.parameters())
        summary = summarize(self.task, self.data_name, len(prepared.train), parameters, self.steps, details)
        return {
            "summary": summary,
            "baselines": {"constant": constant},
            "data": data,
            "tables": [*tables, *mistakes],
            "details": details,
            "intervals": intervals,
            "settings": {
                "source": describe_settings(self.source) | self._origin(),
                "task": describe_settings(self.task) | {"labels": labels.names},
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
        """Purpose, scores by split, use and limits."""
        return card_facts(report)

    # Steps

    @property
    def _columns(self) -> list[str]:
        return [column for column in (self.task.text, self.task.text_pair) if column is not None]

    def _origin(self) -> dict[str, Any]:
        own = self.source.train is None
        given, config = (self.task.dataset, self.task.hub_config) if own else (self.source.train, None)
        return data_origin(self.data_name, hub_id(given), config, self._own_splits)

    def _texts(self, data: LabelledData) -> Any:
        return (text for column in self._columns for text in data.train[column])

    def _examples(self, rows: Any, tokenizer: Any, targets: np.ndarray | None) -> ClassificationExamples:
        return ClassificationExamples(
            tokenize_texts(rows, self.task.text, self.task.text_pair, tokenizer),
            targets,
            self.config.max_length,
            self.config.stride,
            tokenizer.cls_token_id,
            tokenizer.sep_token_id,
        )

    def _choose_best(self, splits: list[str]) -> None:
        prefixes = [f"{split}_" for split in splits] if len(splits) > 1 else [""]
        lower = {prefix + name: one for prefix in prefixes for name, one in self._metrics.lower_is_better().items()}
        best = self.task.best_metric
        if best is None or best == self.task.metrics[0]:  # which may be the path of a module
            best = self._metrics.names[0]
        choose_best_by(self.args, prefixes[0] + best, lower, prefixes[0])

    def _judge(self, split: str, examples: Any) -> tuple[Predictions, dict[str, Any]]:
        """Score the weights that were saved on a split, and find what they get most wrong."""
        assert self.trainer is not None
        assert self._labels is not None
        outputs: Any = self.trainer.predict(examples).predictions
        _, logits, references = outputs
        told, one = judge(self._metrics, logits, references, self.prepared().train.labels, self.config.threshold)
        rows = self._rows[split].select(np.flatnonzero(np.isfinite(logits).all(1)))
        return told, one | {"worst_errors": worst_errors(told, self._labels, rows, self._columns)}

    def _published(self, split: str, splits: int) -> tuple[dict[str, float], str]:
        published = self.task.published
        if published is None:
            return {}, ""
        prefix = f"{split}_" if splits > 1 else ""
        names = [name for name in published.scores if name.startswith(prefix)]
        return {name.removeprefix(prefix): published.scores[name] for name in names}, published.source


def _suited(model: Any, sample: bool, lora: bool) -> dict[str, Any]:
    """Return the Trainer's defaults that depend on what is trained."""
    return suited_defaults(model, lora, _SAMPLE_ARGS if sample else None)

"""The hooks of a recipe: what a subclass fills in, and what its hooks can use."""

import copy
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic

from transformers import TrainerCallback, TrainingArguments, set_seed

from ..command_line import RunArguments, parse_arguments
from ..contract import BuiltModel, DataT, Description, EvaluationT, FoldedData, Outputs
from ..data.padding import batch_lengths
from ..errors import ConfigError, check_names
from ..modeling.loading import config_from_scratch, hidden_size
from ..modeling.parameters import model_phrase
from ..output import show
from ..reporting.card_context import CardContext
from ..reporting.plain import describe_object, describe_settings
from ..reporting.schema import RunReport, Score
from ..reporting.summary import opening_sentence
from ..runs.fingerprint import args_fingerprint, data_fingerprint, settings_fingerprint, tokenizer_digest
from ..settings import field_names
from ..training.arguments import RecipeArguments, fitting_defaults, machine_settings
from ..training.compiled import is_compiled
from ..training.few_examples import FittedArguments, fit_to_examples
from ..training.loss import Loss
from ..training.saving import cache_hint, save_model
from ..training.session import Phase
from ..training.trainer import KitTrainer
from .folds import NO_FOLDS
from .given import as_args
from .model_object import model_object
from .own_metrics import OwnMetrics
from .state import LoadedModel, Prepared, RecipeState

_OF_THE_BASE = ("model", "tokenizer", "args", "callbacks", "compute_metrics")


class RecipeHooks(ABC, Generic[DataT, EvaluationT]):
    """The contract between `Recipe` and its subclasses. A hook reads settings of the recipe and its arguments.

    In the order of a run: `check`, `prepare_data`, `build_model`, `phases`, `get_callbacks`, `lr_multiplier`; after
    each evaluation `compute_metrics`; at the end `save_model`, `evaluation`, `save_usage`, `describe`, `card_context`.
    """

    name: ClassVar[str]
    loss: ClassVar[Loss]
    glossary: ClassVar[tuple[Score, ...]] = ()
    """Scores that are known before the data are; `PreparedData.glossary` has those of a run."""
    smooths_labels: ClassVar[bool] = False
    """Whether the loss uses `label_smoothing_factor`."""
    defaults: ClassVar[dict[str, Any]] = {
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 2,
        "logging_steps": 0.02,
        "logging_first_step": True,
        "weight_decay": 0.01,
        "warmup_steps": 0.1,
        "per_device_train_batch_size": 32,
        "per_device_eval_batch_size": 64,
    }
    config: Any = None
    """Settings of the recipe, a dataclass; with a field `unpad` it decides whether padding is skipped."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        args: TrainingArguments,
        callbacks: Sequence[TrainerCallback] = (),
        compute_metrics: OwnMetrics | None = None,
    ) -> None:
        self.model_object = model_object(model, tokenizer)
        given = model if self.model_object is None else self.model_object.path
        self.model_name_or_path = str(given) if isinstance(given, Path) else given
        self.tokenizer_name_or_path = str(tokenizer) if isinstance(tokenizer, Path) else tokenizer
        self.args = copy.copy(as_args(args, self.default_args))
        self.callbacks, self.own_metrics = list(callbacks), compute_metrics
        self.state: RecipeState[DataT, EvaluationT] = RecipeState()

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
        """Return Trainer arguments with defaults for this recipe, what it trains and this machine.

        Args:
            output_dir: folder of the run; none means `runs/` and the name of the recipe.
            model: as the recipe takes it.
            sample: whether the bundled sample is trained on.
            lora: whether adapters are trained.
            settings: arguments that override the defaults, which give way where they do not fit.

        Raises:
            ConfigError: the settings do not go together.
        """
        defaults = cls.machine_defaults() | cls.default_hyperparameters(model, sample, lora)
        check_names(settings, field_names(RecipeArguments), "TrainingArguments")
        arguments = fitting_defaults(defaults, settings) | settings
        try:
            return RecipeArguments(output_dir=output_dir or f"runs/{cls.name}", **arguments)
        except ValueError as error:
            raise ConfigError(f"TrainingArguments: {error}") from error

    @classmethod
    def default_hyperparameters(cls, model: Any, sample: bool = False, lora: bool = False) -> dict[str, Any]:
        """Return Trainer arguments that depend on what is trained, such as the learning rate; see `default_args`."""
        return {}

    @classmethod
    def machine_defaults(cls) -> dict[str, Any]:
        """Return `defaults`, and what suits this machine."""
        return cls.defaults | machine_settings()

    # Hooks

    def check(self) -> None:
        """Raise a `KitError` that lists every fault that can be known before the data are opened."""

    def load_examples(self) -> Any:
        """Open the source, and return the examples as they are in the files; a pipeline does it before it trains."""

    @abstractmethod
    def prepare_data(self) -> DataT:
        """Return all there is to know of the data: examples by split, tokenizer, collator, scores."""

    @abstractmethod
    def build_model(self, data: DataT) -> BuiltModel:
        """Return the model to train, whose forward returns one row an example."""

    @abstractmethod
    def compute_metrics(self, data: DataT, outputs: Outputs) -> dict[str, float]:
        """Return the scores of a split, keys without a prefix.

        Args:
            data: of the run.
            outputs: fields of the model's output that are not none, each (examples, …).
        """

    @abstractmethod
    def evaluation(self, data: DataT, outputs: Mapping[str, Outputs]) -> EvaluationT:
        """Return what the saved weights score, with intervals and baselines; called where there is a validation split.

        Args:
            data: of the run.
            outputs: of each validation split, as for `compute_metrics`.
        """

    def evaluation_data(self, given: Any, trained: LoadedModel, data: DataT | None) -> DataT:
        """Return given examples as data whose `validation` they are, for `evaluate(given)` of a trained model.

        Args:
            given: as the source of the recipe takes it, or a source.
            trained: the model, with its tokenizer and its labels or threshold.
            data: of the training, where it was one of this process.
        """
        raise ConfigError(f"{type(self).__name__} evaluates its own validation split alone: call evaluate().")

    def fold_data(self, folds: int) -> FoldedData:
        """Return the train split divided into folds, for `cross_validate`; this one refuses."""
        raise ConfigError(NO_FOLDS.format(type(self).__name__))

    def describe(self, data: DataT, model: Any, evaluation: EvaluationT, steps: int | None) -> Description:
        """Return summary, statistics, tables and settings of the report; by default those that every recipe has.

        Args:
            data: of the run.
            model: as it was trained.
            evaluation: of the saved weights.
            steps: of the optimizer; none for an evaluation without a training.
        """
        splits = data.validation if steps is None else {"train": data.train, **data.validation}
        settings: dict[str, dict[str, Any]] = {
            "source": {"name": data.name},
            "recipe": {} if self.config is None else describe_settings(self.config),
            "model": self.model_settings(),
        }
        return Description(
            summary=[opening_sentence("trained", model_phrase(model), data.name, steps)],
            data={split: {"examples": len(examples)} for split, examples in splits.items()},
            settings=settings,
        )

    @classmethod
    @abstractmethod
    def card_context(cls, report: RunReport) -> CardContext:
        """Return the parts of the model card that only this recipe can write, from the report of a run."""

    def usage(self, data: DataT, evaluation: EvaluationT | None) -> Any:
        """Return what `predict` needs beside model and tokenizer, such as labels or a threshold."""
        return None

    def save_usage(self, data: DataT, evaluation: EvaluationT, folder: str) -> None:
        """Save beside the model what its use needs; called in the main process."""
        return

    def save_model(self, prepared: Prepared[DataT], trainer: KitTrainer) -> None:
        """Save the trained model and its tokenizer as a stock checkpoint; with LoRA the adapter beside it."""
        save_model(trainer, prepared.model, prepared.data.tokenizer, self.output_dir)

    def phases(self, prepared: Prepared[DataT]) -> list[Phase[DataT]]:
        """Return the phases of the training; one unless a recipe divides it."""
        return [Phase(prepared.data, prepared.args)]

    def get_callbacks(self) -> list[TrainerCallback]:
        """Return the callbacks that the settings of the recipe ask for."""
        return []

    def lr_multiplier(self, model: Any) -> Callable[[str], float] | None:
        """Return the factor of the learning rate by name of a parameter; none where all learn alike."""
        return None

    @classmethod
    def from_command_line(cls, argv: Sequence[str] | None = None) -> tuple[Any, RunArguments]:
        """Return the recipe that flags ask for, and how to run it; by default flags of model, tokenizer and Trainer."""
        defaults = {"output_dir": f"runs/{cls.name}", **cls.machine_defaults()}
        run, args = parse_arguments((RunArguments, RecipeArguments), defaults, argv, adapt=fitting_defaults)
        return cls(run.model, run.tokenizer, args), run

    # What hooks can use

    @property
    def output_dir(self) -> str:
        """Folder of the run."""
        return str(self.args.output_dir)

    @property
    def is_main(self) -> bool:
        """Whether this is the main process."""
        return bool(self.args.process_index == 0)

    @property
    def on_xla(self) -> bool:
        """Whether the device compiles every new shape, so that there must be few."""
        return bool(self.args.device.type == "xla")

    @property
    def unpad(self) -> bool:
        """Whether the padding of a batch is to be skipped; NEFTune scales its noise by the padded length."""
        return bool(getattr(self.config, "unpad", True)) and not self.args.neftune_noise_alpha

    @property
    def checkpoint(self) -> str | None:
        """The checkpoint to start from; none where the weights are newly initialized."""
        is_new = config_from_scratch(self.model_name_or_path, vocab_size=1) is not None
        return None if is_new else str(self.model_name_or_path)

    def load_data(self) -> DataT:
        """Return what `prepare_data` returns; of several processes, the first one fills the caches for the others."""
        set_seed(self.args.seed)
        with self.args.main_process_first(), cache_hint():
            return self.prepare_data()

    def given(self) -> dict[str, Any]:
        """Return what the constructor was given, but for the Trainer's arguments, by name of the argument."""
        names = inspect.signature(type(self)).parameters
        settings = {name: getattr(self, name) for name in names if hasattr(self, name) and name not in _OF_THE_BASE}
        model = self.model_name_or_path if self.model_object is None else self.model_object.model
        base = {"model": model, "tokenizer": self.tokenizer_name_or_path, "callbacks": self.callbacks or None}
        return settings | base | ({"compute_metrics": self.own_metrics} if self.own_metrics else {})

    def model_settings(self) -> dict[str, Any]:
        """Return what the report says of the model that was asked for."""
        model, tokenizer = self.given()["model"], self.tokenizer_name_or_path
        return {"model_name_or_path": describe_object(model), "tokenizer": describe_object(tokenizer)}

    def fingerprint(self) -> dict[str, Any]:
        """Return all settings that can change the result of a run, as plain data by name."""
        settings = {name: value for name, value in self.given().items() if name != "callbacks"}
        settings["model"] = self.model_name_or_path
        named = {} if self.model_object is None else self.model_object.fingerprint()
        return {"recipe": self.name} | settings_fingerprint({"config": self.config, **settings}, self.args) | named

    def run_fingerprint(self, data: DataT) -> dict[str, Any]:
        """Return all that can change the result of a run: settings, examples, tokenizer, what else its data hold."""
        contents = {"tokenizer.content": tokenizer_digest(data.tokenizer)} | data.fingerprint()
        settings = self.fingerprint() | args_fingerprint(self.fitted_args(data).args)
        return settings | data_fingerprint(data.train, data.validation) | contents

    def fitted_args(self, data: DataT) -> FittedArguments:
        """Return the Trainer's arguments as they suit the number of training examples and the width of the model."""
        return fit_to_examples(self.args, len(data.train), lambda: hidden_size(self.model_name_or_path))

    def log_main(self, text: str) -> None:
        """Print a line in the main process."""
        if self.is_main:
            show(text)

    def batch_lengths(self, max_length: int) -> tuple[int, ...] | None:
        """Return the lengths that batches of sequences of up to `max_length` tokens may have; none means any."""
        return batch_lengths(max_length, self.on_xla, is_compiled(self.args), self.args.world_size)

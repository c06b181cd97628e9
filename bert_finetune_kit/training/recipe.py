"""The base of all recipes: what each of them does around its own data, model and scores."""

import shutil
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn
from transformers import PreTrainedModel, TrainerCallback, TrainingArguments, set_seed
from transformers.trainer_utils import get_last_checkpoint

from ..errors import KitError, OutputError
from ..modeling.parameters import parameter_report
from ..reporting.markdown import write_markdown
from ..reporting.report import REPORT_FILE, RunReport, Score
from ..reporting.terminal import print_report
from .trainer import KitTrainer, Loss

# Numbers of a Trainer log that are about the machine, not about the model.
_NOT_SCORES = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")


@dataclass
class Prepared:
    """What a recipe trains with: the left-hand side of the line from source to batches."""

    model: PreTrainedModel
    tokenizer: Any
    train: Any
    validation: Any | None
    collator: Callable[[list[Any]], dict[str, torch.Tensor]]


class Recipe(ABC):
    """Configures a `Trainer` for one kind of training, runs it, and reports what came out.

    A subclass gives the hooks `check`, `prepare`, `loss`, `compute_metrics` and `describe`.
    """

    name: ClassVar[str]
    glossary: ClassVar[Sequence[Score]]
    loss: ClassVar[Loss]
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

    def __init__(self, args: TrainingArguments | None, callbacks: Sequence[TrainerCallback] = ()) -> None:
        self.args = args if args is not None else self.default_args()
        self.callbacks = list(callbacks)
        self.notes: list[str] = []
        self.timings: dict[str, float] = {}
        self.trainer: KitTrainer | None = None
        self._prepared: Prepared | None = None

    # Hooks

    @abstractmethod
    def check(self) -> None:
        """Raise a `KitError` for every fault that can be known before anything expensive."""

    @abstractmethod
    def prepare(self) -> Prepared:
        """Load text, build features and collator, load the model."""

    @abstractmethod
    def compute_metrics(self, prediction: Any) -> dict[str, float]:
        """Reduce the outputs of an evaluation to scores."""

    @abstractmethod
    def describe(self, scores: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the parts of the report that this recipe alone knows: summary, baselines, data, settings."""

    @property
    def output_dir(self) -> str:
        """Folder of the run."""
        return str(self.args.output_dir)

    # What a user calls

    @classmethod
    def default_args(cls, output_dir: str | None = None, **settings: Any) -> TrainingArguments:
        """Return the Trainer's own arguments with defaults that suit this recipe; `settings` override them."""
        return TrainingArguments(output_dir=output_dir or f"runs/{cls.name}", **(cls.defaults | settings))

    @classmethod
    def main(cls, argv: Sequence[str] | None = None) -> RunReport:
        """Train from a command line; a `KitError` ends it with its message and the exit code 2."""
        try:
            recipe, resume = cls.from_command_line(argv)
            return recipe.train(resume=resume)
        except KitError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
            raise SystemExit(2) from error

    @classmethod
    @abstractmethod
    def from_command_line(cls, argv: Sequence[str] | None = None) -> tuple["Recipe", bool]:
        """Return the recipe that flags ask for, and whether to resume."""

    def train(self, resume: bool = False) -> RunReport:
        """Train, evaluate, save model, tokenizer and report into `args.output_dir`.

        Args:
            resume: go on from the newest checkpoint in the output folder; without one, start afresh.

        Raises:
            KitError: something cannot work; nothing has been trained or overwritten.
            NonFiniteLossError: the loss became NaN or infinite.
        """
        started = time.perf_counter()
        checkpoint = self._check_output(resume)
        prepared = self.prepared()
        self._check_space(prepared.model)
        with self.timed("training"):
            logs = self.fit(prepared, checkpoint)
        assert self.trainer is not None
        with self.timed("saving"):
            self.trainer.save_model(self.output_dir)
        self.timings["whole run"] = time.perf_counter() - started
        report = self.build_report(logs)
        if self.trainer.is_world_process_zero():
            write_markdown(report, self.output_dir)
            report.save(self.output_dir)
            print_report(report, self.output_dir)
        self.trainer.accelerator.wait_for_everyone()
        return report

    def evaluate(self) -> dict[str, float]:
        """Score the model as it is now on the validation split."""
        if self.trainer is None:
            self.trainer = self.build_trainer(self.prepared(), self.args)
        return _strip(self.trainer.evaluate())

    # Steps

    def prepared(self) -> Prepared:
        """Check and prepare once."""
        if self._prepared is None:
            self.check()
            set_seed(self.args.seed)
            self._prepared = self.prepare()
        return self._prepared

    def fit(self, prepared: Prepared, checkpoint: str | None) -> list[dict[str, Any]]:
        """Train, evaluate once at the end if nothing else did, and return the log."""
        return self.run_trainer(prepared, self.args, checkpoint)

    def run_trainer(
        self, prepared: Prepared, args: TrainingArguments, checkpoint: str | None = None
    ) -> list[dict[str, Any]]:
        """Run one Trainer over `prepared` and return its log."""
        self.trainer = self.build_trainer(prepared, args)
        self.trainer.train(resume_from_checkpoint=checkpoint)
        state = self.trainer.state
        evaluated = {log["step"] for log in state.log_history if "eval_loss" in log}
        if prepared.validation is not None and state.global_step not in evaluated:
            self.trainer.evaluate()
        return list(state.log_history)

    def build_trainer(self, prepared: Prepared, args: TrainingArguments) -> KitTrainer:
        """Configure the Trainer."""
        return KitTrainer(
            loss=self.loss,
            model=prepared.model,
            args=args,
            data_collator=prepared.collator,
            train_dataset=prepared.train,
            eval_dataset=prepared.validation,
            processing_class=prepared.tokenizer,
            compute_metrics=self.compute_metrics,
            callbacks=self.callbacks,
        )

    def build_report(self, logs: list[dict[str, Any]]) -> RunReport:
        """Put together what is known of the run."""
        assert self.trainer is not None
        scores = [_strip(log) for log in logs if any(key.startswith("eval_") for key in log)]
        report = RunReport(
            recipe=self.name,
            scores=scores,
            glossary=list(self.glossary),
            history=[log for log in logs if "loss" in log],
            parameters=parameter_report(self.prepared().model).folded().to_dict(),
            timings={name: round(seconds, 2) for name, seconds in self.timings.items()},
            notes=self.notes,
            **self.describe(scores),
        )
        report.settings["training"] = self.args.to_dict()
        return report

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds spent inside to a stage of the report."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.timings[stage] = self.timings.get(stage, 0.0) + time.perf_counter() - started

    # Output folder

    def _check_output(self, resume: bool) -> str | None:
        folder = Path(self.output_dir)
        if (folder / REPORT_FILE).exists():
            raise OutputError(
                f"{folder} already holds a finished run ({REPORT_FILE}). Choose another output_dir, or delete it."
            )
        checkpoint = get_last_checkpoint(str(folder)) if folder.is_dir() else None
        if checkpoint is not None and not resume:
            raise OutputError(
                f"{folder} holds checkpoints of an unfinished run ({Path(checkpoint).name}). Go on from there with "
                "resume=True, choose another output_dir, or delete that folder."
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".write-test-{self.args.process_index}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise OutputError(f"The output folder {folder} cannot be written: {error.strerror}.") from error
        return checkpoint

    def _check_space(self, model: nn.Module) -> None:
        """Weights and two Adam moments for each checkpoint kept and the one being written, and the final weights."""
        weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
        kept = 0 if self.args.save_strategy == "no" else (self.args.save_total_limit or 1) + 1
        needed = weights * (1 + kept * (1 if self.args.save_only_model else 3))
        free = shutil.disk_usage(self.output_dir).free
        if free < needed:
            raise OutputError(
                f"{self.output_dir} has {free / 1e9:.2f} GB free, and the run needs {needed / 1e9:.2f} GB: the "
                f"model and {kept} checkpoints. Free space, choose another output_dir, lower save_total_limit, or set "
                "save_only_model."
            )


def _strip(log: dict[str, Any]) -> dict[str, Any]:
    """Return the scores of an evaluation log without `eval_` and without what is about the machine."""
    scores = {key.removeprefix("eval_"): value for key, value in log.items()}
    return {key: value for key, value in scores.items() if key not in _NOT_SCORES}

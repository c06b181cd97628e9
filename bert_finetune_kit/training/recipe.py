"""The base of all recipes: what each of them does around its own data, model and scores."""

import copy
import errno
import shutil
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import torch
from datasets.config import HF_DATASETS_CACHE
from datasets.fingerprint import Hasher
from huggingface_hub import ModelCard
from safetensors import SafetensorError
from transformers import BertConfig, PreTrainedModel, TrainerCallback, TrainingArguments, set_seed
from transformers.utils import is_torch_xla_available

from ..data.buckets import buckets
from ..data.vocabulary import load_tokenizer, train_wordpiece
from ..errors import ConfigError, HubError, KitError, OutputError, RunStopped, raise_faults
from ..modeling.fixed_shapes import fix_shapes
from ..modeling.freshness import fresh_layers
from ..modeling.loading import bert_config
from ..modeling.lora import is_lora, save_merged
from ..modeling.parameters import parameter_report
from ..modeling.start import START_FILE, change_since_start, forget_start, keep_start
from ..modeling.unpadding import unpad_encoder
from ..modeling.weights import weights_digest
from ..reporting.card_facts import CardFacts
from ..reporting.diagnosis.diagnose import diagnose
from ..reporting.diagnosis.registry import rules_for
from ..reporting.html import REPORT_PAGE, write_html
from ..reporting.hub import command_to_push, open_repository, push_folder
from ..reporting.markdown import MARKDOWN_FILE, write_markdown
from ..reporting.model_card import CARD_FILE, model_card, write_card
from ..reporting.origin import hub_id
from ..reporting.report import REPORT_FILE, RunReport, Score
from ..reporting.reproduce import python_code
from ..reporting.seeds import SeedsReport, summarize_seeds
from ..reporting.terminal import print_report
from .arguments import RunArguments
from .checkpoints import newest_whole
from .checks import argument_faults, check_output, check_space
from .compilations import Compilations, count_compilations
from .fingerprint import check_resumable, check_same_settings, differing_settings, fingerprint
from .logs import evaluations, row_that_was_saved, scores_of
from .preflight import preflight, seconds_a_step
from .sampling import in_order
from .trainer import KitTrainer, Loss

_ORDER_LOOKED_AT = 1000
_NOT_TOLD = "how far weights moved is not told"


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

    A subclass gives the hooks `check`, `load_examples`, `prepare`, `loss`, `compute_metrics` and `describe`.
    """

    name: ClassVar[str]
    glossary: Sequence[Score] = ()
    config: Any
    """Settings of the recipe, a dataclass."""
    loss: ClassVar[Loss]
    smooths_labels: ClassVar[bool] = False
    """Whether the loss heeds `label_smoothing_factor`."""
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

    def __init__(
        self, model: Any, tokenizer: Any, args: TrainingArguments, callbacks: Sequence[TrainerCallback] = ()
    ) -> None:
        self.given_model = str(model) if isinstance(model, Path) else model
        self.given_tokenizer = tokenizer
        self.args = copy.copy(args)
        self.callbacks = list(callbacks)
        self.notes: list[str] = []
        self.evidence: dict[str, Any] = {}  # what the diagnosis needs and the report does not hold otherwise
        self.timings: dict[str, float] = {}
        self.steps = 0  # of the optimizer, in all phases
        self.trainer: KitTrainer | None = None
        self._prepared: Prepared | None = None
        self._unpadded = False
        self._loaded: tuple[Any, Any] | None = None  # a trained model and its tokenizer

    # Hooks

    @abstractmethod
    def check(self) -> None:
        """Raise a `KitError` for every fault that can be known before anything expensive."""

    @abstractmethod
    def load_examples(self) -> Any:
        """Open the source: what there is to learn from and to score, as it is in the files."""

    @abstractmethod
    def prepare(self) -> Prepared:
        """Load text, build features and collator, load the model."""

    @abstractmethod
    def compute_metrics(self, prediction: Any) -> dict[str, float]:
        """Reduce the outputs of an evaluation to scores."""

    @abstractmethod
    def describe(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return the parts of the report that this recipe alone knows: summary, baselines, data, settings.

        Args:
            result: scores of the weights that were saved.
        """

    @classmethod
    @abstractmethod
    def card_facts(cls, report: RunReport) -> CardFacts:
        """Return the parts of the model card that this recipe alone knows, from the report of a run."""

    def save_model(self) -> None:
        """Save the trained model and its tokenizer as a stock checkpoint; with LoRA the adapter beside it."""
        assert self.trainer is not None
        prepared = self.prepared()
        if not is_lora(prepared.model):
            self.trainer.save_model(self.output_dir)
        elif self.args.process_index == 0:
            save_merged(prepared.model, self.output_dir)
            prepared.tokenizer.save_pretrained(self.output_dir)

    def own_callbacks(self) -> list[TrainerCallback]:
        """Return the callbacks that the recipe's settings ask for."""
        return []

    def rate_of(self) -> Callable[[str], float] | None:
        """Return what multiplies the learning rate of a parameter by name; none means that all learn alike."""
        return None

    @property
    def output_dir(self) -> str:
        """Folder of the run."""
        return str(self.args.output_dir)

    @property
    def on_xla(self) -> bool:
        """Whether the device compiles every new shape, so that there must be few."""
        return self.args.device.type == "xla"

    def batch_lengths(self, max_length: int) -> tuple[int, ...] | None:
        """Return the lengths that batches of sequences of up to `max_length` tokens may have; none means any.

        On XLA these are a few buckets; with several processes `max_length` alone, since all of them must run the same
        graph in a step, and none knows the lengths of the others.
        """
        if not self.on_xla:
            return None
        return buckets(max_length) if self.args.world_size == 1 else (max_length,)

    # What a user calls

    @classmethod
    def default_args(cls, output_dir: str | None = None, **settings: Any) -> TrainingArguments:
        """Return the Trainer's own arguments with defaults that suit this recipe; `settings` override them."""
        return TrainingArguments(output_dir=output_dir or f"runs/{cls.name}", **(cls.machine_defaults() | settings))

    @classmethod
    def machine_defaults(cls) -> dict[str, Any]:
        """Return `defaults`, and what this machine needs: `use_cpu` to have bf16 on CPUs, another AdamW on XLA."""
        if is_torch_xla_available():
            return cls.defaults | {"optim": "adamw_torch"}  # the Trainer's own, fused, refuses tensors of XLA
        return cls.defaults if torch.accelerator.is_available() else cls.defaults | {"use_cpu": True}

    @classmethod
    def main(cls, argv: Sequence[str] | None = None) -> RunReport | SeedsReport:
        """Train from a command line; a `KitError` ends it with exit code 2, a signal with 128 + its number."""
        try:
            recipe, run = cls.from_command_line(argv)
            if run.seeds:
                return recipe.train_seeds(run.seeds, run.resume, run.force)
            return recipe.train(run.resume, run.force)
        except RunStopped as stopped:
            recipe._say(str(stopped))
            raise SystemExit(128 + stopped.signal) from stopped
        except KitError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
            raise SystemExit(2) from error

    @classmethod
    @abstractmethod
    def from_command_line(cls, argv: Sequence[str] | None = None) -> tuple["Recipe", RunArguments]:
        """Return the recipe that flags ask for, and how to run it."""

    def train(self, resume: bool = False, force: bool = False) -> RunReport:
        """Train, evaluate, save model, tokenizer and report into `args.output_dir`.

        Args:
            resume: go on from the newest whole checkpoint in the output folder; without one, start afresh. A run that
                has finished is not trained again: its report is returned.
            force: train even where disk or memory seem too little, and go on from a checkpoint that was made with other
                settings, data or versions; the report then says so.

        Raises:
            RunStopped: a signal came; the state is saved.
            KitError: something cannot work; nothing has been trained or overwritten.
            NonFiniteLossError: the loss became NaN or infinite.
        """
        started, folder = time.perf_counter(), Path(self.output_dir)
        compiled_before = count_compilations() if self.on_xla else Compilations()
        if resume and (folder / REPORT_FILE).exists():
            return self._finished(RunReport.load(folder))
        checkpoint, passed_over = check_output(folder, resume, self.given_model)
        if resume:
            self._say(
                f"Going on from {checkpoint}." if checkpoint else f"{folder} has no whole checkpoint: from the start."
            )
        self.notes += passed_over
        prepared = self.prepared()
        if checkpoint is not None:
            ours = self._fingerprint(prepared, self.first_args())
            self.notes += check_resumable(Path(checkpoint), ours, force)
        self._check_hub()
        if not force:
            check_space(folder, prepared.model, self.args)
        with self.timed("preflight"):
            free = shutil.disk_usage(folder).free
            seconds = seconds_a_step(prepared.model, prepared.train, prepared.collator, self.args, self.loss.sums)
            self._say(
                preflight(prepared.model, prepared.train, prepared.collator, self.args, self._unpadded, free, seconds)
            )
        self._keep_start(prepared, going_on=checkpoint is not None)
        logs = self.fit(prepared, checkpoint)
        assert self.trainer is not None
        with self.timed("saving"):
            self._save_or_say_how()
        self.timings["whole run"] = time.perf_counter() - started
        report = self.build_report(logs)
        if self.on_xla:
            compiled = count_compilations().since(compiled_before)
            report.notes.append(str(compiled))
            report.timings["compiling, within the others"] = round(compiled.seconds, 2)
        if self.trainer.is_world_process_zero():
            report.save(self.output_dir)
            forget_start(self.output_dir)
            self._write_pages(report)
            print_report(report, self.output_dir)
            if self.args.push_to_hub:
                self._push_or_say_how()
        self.trainer.accelerator.wait_for_everyone()
        return report

    def _finished(self, report: RunReport) -> RunReport:
        """Return the report of a run that had finished, with its pages made and pushed where they were not."""
        if self.args.process_index:
            return report
        self._say(f"{self.output_dir} holds a finished run: nothing is trained again.")
        for one in differing_settings(report, self.args, self.config, self.given_model):
            self._say(f"  It was run with {one}: to train with that, choose another output_dir or delete that folder.")
        if not all(Path(self.output_dir, name).exists() for name in (MARKDOWN_FILE, REPORT_PAGE, CARD_FILE)):
            self._write_pages(report)
        if self.args.push_to_hub:
            self._push_or_say_how()
        return report

    def _write_pages(self, report: RunReport) -> None:
        write_markdown(report, self.output_dir)
        write_html(report, self.output_dir)
        if not write_card(self.model_card(report), self.output_dir):
            self._say(f"{self.output_dir} had a README.md, which stays: model_card() returns that of this run.")

    def model_card(self, report: RunReport | None = None, **said: Any) -> ModelCard:
        """Return the model card of a finished run, made from its report alone.

        `train` has saved it as README.md beside the model. To say more in it, save it anew:
        `recipe.model_card(license="apache-2.0").save(folder + "/README.md")`.

        Args:
            report: of the run; none means the one in the output folder.
            said: what the report cannot know, as `reporting.model_card.model_card` takes it: `license`,
                `license_name`, `license_link`, `language`, `tags`, `citation`.

        Raises:
            OutputError: no run has finished in the output folder.
            ConfigError: the Hub would refuse what is said.
        """
        report = report or RunReport.load(self.output_dir)
        return model_card(report, self.card_facts(report), self._hub_name, **said)

    def push_to_hub(self, name: str | None = None, *, private: bool = True, token: str | None = None) -> str:
        """Push the finished run in the output folder to the Hub, and return the address of its repository.

        Args:
            name: of the repository, with or without its owner; none means `args.hub_model_id`, or that of the folder.
            private: whether a new repository is private.
            token: none means `args.hub_token`, or the one that `hf auth login` has stored.

        Raises:
            OutputError: no run has finished there.
            HubError: the Hub refuses or does not answer, or it would refuse the metadata of the model card.
        """
        write_card(self.model_card(), self.output_dir)
        message = f"{self.name} with bert_finetune_kit"
        return push_folder(self.output_dir, name or self._hub_name, token or self.args.hub_token, message, private)

    @property
    def _hub_name(self) -> str:
        return self.args.hub_model_id or Path(self.output_dir).resolve().name

    def _check_hub(self) -> None:
        """Open the repository before training; a Hub that does not answer is no reason not to train."""
        if not self.args.push_to_hub or self.args.process_index:
            return
        try:
            open_repository(self._hub_name, self.args.hub_token, self.args.hub_private_repo is not False)
        except HubError as error:
            if error.final:
                raise
            self.notes.append(f"the Hub did not answer before the training ({error})")

    def _push_or_say_how(self) -> None:
        try:
            address = self.push_to_hub(private=self.args.hub_private_repo is not False)
            self._say(f"Pushed to {address}.")
        except HubError as error:
            self._say(
                f"Not pushed: {error}. The run is whole in {self.output_dir}; to push it later:\n"
                f"  {command_to_push(self.output_dir, self._hub_name)}"
            )

    def train_seeds(self, seeds: Sequence[int], resume: bool = False, force: bool = False) -> SeedsReport:
        """Train once with each seed, in folders below the output folder, and return mean and standard deviation.

        Args:
            seeds: at least two; a seed whose run has finished is not run again.
            resume: go on with an unfinished seed from its newest checkpoint.
            force: as for `train`.

        Raises:
            KitError: as `train`; before any training where it can be known.
        """
        if len(set(seeds)) < 2 or len(set(seeds)) < len(seeds):
            raise ConfigError(f"seeds are {list(seeds)}: a standard deviation needs two or more, each of them once.")
        folders = {seed: Path(self.with_seed(seed).output_dir) for seed in seeds}
        open_ones = [seed for seed, folder in folders.items() if not (folder / REPORT_FILE).exists()]
        for seed in open_ones:
            check_output(folders[seed], resume)
        for seed in set(seeds) - set(open_ones):
            report, folder = RunReport.load(folders[seed]), folders[seed]
            check_same_settings(report, folder, self.args, self.config, self.given_model)
        reports = [
            self.with_seed(seed).train(resume, force) if seed in open_ones else RunReport.load(folder)
            for seed, folder in folders.items()
        ]
        summary = summarize_seeds(seeds, reports)
        if self.args.process_index == 0:
            summary.save(self.output_dir)
        return summary

    def with_seed(self, seed: int) -> "Recipe":
        """Return this recipe with another seed and a folder of its own, not yet prepared."""
        run = copy.copy(self)
        run.args = copy.copy(self.args)
        run.args.seed, run.args.data_seed = seed, None
        run.args.output_dir = str(Path(self.output_dir) / f"seed-{seed}")
        run.notes, run.evidence, run.timings, run.steps = [], {}, {}, 0
        run.trainer = run._prepared = run._loaded = None
        return run

    def evaluate(self) -> dict[str, float]:
        """Score the model as it is now on the validation split."""
        if self.trainer is None:
            self.trainer = self.build_trainer(self.prepared(), self.args)
        return scores_of(self.trainer.evaluate())

    # Steps

    def load_tokenizer(self, texts: Iterable[str], fingerprint: str) -> Any:
        """Return the tokenizer given, else that of the checkpoint, else for fresh weights one trained on `texts`.

        Args:
            texts: all there is to train on, read as a stream.
            fingerprint: tells these texts from others.
        """
        fresh = bert_config(self.given_model, vocab_size=30_522)
        if self.given_tokenizer is not None or fresh is None:
            return load_tokenizer(self.given_tokenizer if self.given_tokenizer is not None else self.given_model)
        folder = Path(self.output_dir) / f"vocabulary-{Hasher.hash([fingerprint, fresh.vocab_size])}"
        if not folder.exists():  # another process, or the run that is resumed, may have made it of the same text
            aside = folder.with_suffix(".part")
            train_wordpiece(texts, fresh.vocab_size).save_pretrained(aside)
            aside.replace(folder)
        tokenizer = load_tokenizer(folder)
        self.notes.append(f"the tokenizer was trained on the text: {len(tokenizer):,} word pieces")
        if isinstance(self.given_model, BertConfig) and self.given_model.vocab_size != len(tokenizer):
            self.notes.append(
                f"the vocabulary of the BertConfig, {self.given_model.vocab_size:,}, was set to that size"
            )
            self.given_model = copy.deepcopy(self.given_model)
            self.given_model.vocab_size = len(tokenizer)
        return tokenizer

    def trained(self) -> tuple[Any, Any]:
        """Return the model as it is now, and its tokenizer.

        Raises:
            ConfigError: nothing has been trained or loaded.
        """
        if self._loaded is not None:
            return self._loaded
        if self.trainer is None:
            raise ConfigError(
                "Nothing has been trained: call train(), or load a trained model by from_pretrained(folder)."
            )
        return self.prepared().model, self.prepared().tokenizer

    def load(self, model: Any, tokenizer: Any) -> None:
        """Make a trained model the one that works from now on."""
        self._unpad(model)
        self._loaded = model.to(self.args.device).eval(), tokenizer

    def _unpad(self, model: Any) -> None:
        if self.on_xla:
            fix_shapes(model)
        wanted = self.config.unpad and not self.on_xla  # which compiles every new shape
        self._unpadded = wanted and unpad_encoder(model)
        if wanted and not self._unpadded:
            self.notes.append(
                "padding is computed: only a stock BERT encoder with the attention sdpa can go without it"
            )

    def prepared(self) -> Prepared:
        """Check and prepare once."""
        if self._prepared is None:
            self.check_settings()
            set_seed(self.args.seed)
            self._loaded = None
            try:
                self._prepared = self.prepare()
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                    raise
                raise OutputError(
                    f"There is no space left for the prepared data ({error}). They go to {HF_DATASETS_CACHE}, the "
                    "cache of `datasets`: free space there, or set HF_DATASETS_CACHE to a folder on another disk."
                ) from error
            self.evidence |= fresh_layers(self._prepared.model)
            self.evidence["from_checkpoint"] = not self._is_fresh
            self._unpad(self._prepared.model)
        return self._prepared

    def check_settings(self) -> None:
        """Check all that can be known without the data.

        Raises:
            KitError: something cannot work.
        """
        raise_faults(argument_faults(self.args, self.glossary, self.smooths_labels), "TrainingArguments")
        self.check()

    def fit(self, prepared: Prepared, checkpoint: str | None) -> list[dict[str, Any]]:
        """Train, evaluate once at the end if nothing else did, and return the log."""
        return self.run_trainer(prepared, self.args, checkpoint)

    def run_trainer(
        self, prepared: Prepared, args: TrainingArguments, checkpoint: str | None = None
    ) -> list[dict[str, Any]]:
        """Run one Trainer over `prepared` and return its log."""
        self.trainer = self.build_trainer(prepared, args)
        started = time.perf_counter()
        self.trainer.train(resume_from_checkpoint=checkpoint)
        self._book("training", self.trainer.training_seconds)
        self._book("evaluation and checkpoints", time.perf_counter() - started - self.trainer.training_seconds)
        if self.trainer.stopped_by is not None:
            name, reached = signal.Signals(self.trainer.stopped_by).name, self.trainer.state
            raise RunStopped(
                f"Stopped by {name} at step {reached.global_step:,} of {reached.max_steps:,}; the state is saved in "
                f"{self.output_dir}. Go on with resume=True, or with the same command and --resume.",
                self.trainer.stopped_by,
            )
        state = self.trainer.state
        self.steps += state.global_step
        evaluated = {log["step"] for log in state.log_history if any(key.startswith("eval_") for key in log)}
        if prepared.validation is not None and state.global_step not in evaluated:
            with self.timed("evaluation and checkpoints"):
                self.trainer.evaluate()
        return list(state.log_history)

    def _fingerprint(self, prepared: Prepared, args: TrainingArguments) -> dict[str, Any]:
        return fingerprint(args, self.config, self.given_model, prepared.train)

    def _save_or_say_how(self) -> None:
        """Save the trained model; where the disk does not take it, say that nothing has to be trained again."""
        try:
            self.save_model()
        except (OSError, SafetensorError) as error:
            last, _ = newest_whole(Path(self.output_dir))
            where = f"The last whole checkpoint is {last}" if last else "There is no checkpoint (save_strategy)"
            raise OutputError(
                f"The trained model could not be written to {self.output_dir}: {error}. {where}. See to the disk "
                "(space, rights, whether the folder is there), and go on with resume=True (--resume)."
            ) from error

    @property
    def _is_fresh(self) -> bool:
        """Whether training starts from random numbers, not from a checkpoint."""
        return bert_config(self.given_model, vocab_size=1) is not None

    def first_args(self) -> TrainingArguments:
        """Return the arguments of the training whose checkpoints lie in the folder of the run."""
        return self.args

    def _say(self, text: str) -> None:
        if self.args.process_index == 0:
            print(text)  # noqa: T201

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
            callbacks=[*self.callbacks, *self.own_callbacks()],
            glossary=self.glossary,
            rate_of=self.rate_of(),
            fingerprint=self._fingerprint(prepared, args),
        )

    def _keep_start(self, prepared: Prepared, going_on: bool) -> None:
        """Keep the weights that the run starts from; a run that goes on has them, or draws them anew by its seed."""
        if self.args.process_index or (going_on and Path(self.output_dir, START_FILE).exists()):
            return
        try:
            keep_start(prepared.model, None if self._is_fresh else str(self.given_model), self.output_dir)
        except (OSError, SafetensorError) as error:
            self.notes.append(f"{_NOT_TOLD}: those of the start could not be kept ({error})")

    def _change(self) -> dict[str, Any]:
        """Return what became of the weights, from those that the run started from to those that are saved."""
        if self.args.process_index:
            return {}
        change = change_since_start(self.output_dir)
        if change is None and not any(note.startswith(_NOT_TOLD) for note in self.notes):
            self.notes.append(f"{_NOT_TOLD}: the weights of the start are gone, or the model is not saved in one file")
        return {} if change is None else change.to_dict()

    def build_report(self, logs: list[dict[str, Any]]) -> RunReport:
        """Put together what is known of the run."""
        assert self.trainer is not None
        scores = evaluations(logs)
        result, notes = row_that_was_saved(scores, self.trainer.state, self.args)
        self.notes += notes
        report = RunReport(
            recipe=self.name,
            scores=scores,
            result=result,
            glossary=list(self.glossary),
            history=[log for log in logs if "loss" in log],
            parameters=parameter_report(self.prepared().model).folded().to_dict(),
            change=self._change(),
            timings={name: round(seconds, 2) for name, seconds in self.timings.items()},
            notes=self.notes,
            reproduce=python_code(type(self), self._given(), self.args),
            evidence=self.evidence,
            **self.describe(result),
        )
        report.settings["training"] = self.args.to_dict()
        fresh = self._is_fresh
        report.settings["model"] |= {"fresh": fresh, "hub_id": None if fresh else hub_id(self.given_model)}
        report.settings["model"]["sha256"] = None if fresh else weights_digest(str(self.given_model))
        report.evidence["in_order"] = in_order(islice(self.trainer._get_train_sampler(), _ORDER_LOOKED_AT))
        report.evidence["rules"] = len(rules_for(self.name))
        report.findings = diagnose(report)
        return report

    def _given(self) -> dict[str, Any]:
        """Return what the constructor was given, but for the arguments of the Trainer."""
        own = {name: getattr(self, name, None) for name in ("task", "source", "config", "lora")}
        model = {"model": self.given_model, "tokenizer": self.given_tokenizer}
        return own | model | {"callbacks": self.callbacks or None}

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds spent inside to a stage of the report."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._book(stage, time.perf_counter() - started)

    def _book(self, stage: str, seconds: float) -> None:
        self.timings[stage] = self.timings.get(stage, 0.0) + seconds

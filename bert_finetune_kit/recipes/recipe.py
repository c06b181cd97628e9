"""The base of all recipes: what a user calls, and the hooks that a recipe fills in."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from transformers import EvalPrediction

from ..contract import DataT, EvaluationT
from ..errors import raise_faults
from ..modeling.padding import skip_padding
from ..reporting.evaluation import EvaluationReport, check_folder
from ..reporting.folds import FoldsReport
from ..reporting.schema import RunReport
from ..reporting.seeds import SeedsReport
from ..runs.checkpoints import named_checkpoint
from ..runs.directory import RunDirectory
from ..runs.pages import Publisher, publish_summary
from ..runs.target import HubTarget
from ..training.best_metric import best_metric_faults, with_best_metric
from ..training.checks import argument_faults, check_space
from ..training.evaluation import evaluate_model, evaluate_saved
from ..training.logs import plain_scores
from ..training.preflight import preflight
from ..training.report import RunRecord, initial_evidence
from ..training.saving import save_with_hint
from ..training.schedule import check_learning
from ..training.session import Phase, TrainingOutcome, build_trainer, fit
from ..training.timing import Timings
from ..training.trainer import KitTrainer
from .description import report_run
from .evaluation import data_to_evaluate, evaluation_report
from .folds import cross_validate
from .given import recipe_settings
from .launch import run_command_line
from .model_object import as_given
from .seeds import train_with_seeds
from .series import in_subfolder
from .state import Prepared, RecipeState
from .trained import TrainedRecipe


@recipe_settings()
class Recipe(TrainedRecipe[DataT, EvaluationT]):
    """Configures a `Trainer` for one kind of training, runs it, and reports what came out.

    A subclass fills in the hooks of `RecipeHooks`. After `__init__` a recipe changes in one way: `state` holds the
    result of the last `prepare`, `train`, `evaluate` or `from_pretrained`.
    """

    @classmethod
    def main(cls, argv: Sequence[str] | None = None) -> RunReport | SeedsReport | FoldsReport:
        """Train from a command line; a `KitError` ends it with exit code 2, a signal with 128 + its number."""
        return run_command_line(cls.from_command_line, argv)

    @property
    def trainer(self) -> KitTrainer | None:
        """The Trainer of the last training or evaluation."""
        return self.state.trainer

    def prepare(self, timings: Timings | None = None) -> Prepared[DataT]:
        """Check all settings, then load data and model, once.

        Raises:
            KitError: something cannot work.
        """
        if self.state.prepared is None:
            self.state = replace(self.state, prepared=self._prepared(timings or Timings()))
        assert self.state.prepared is not None
        return self.state.prepared

    def _prepared(self, timings: Timings) -> Prepared[DataT]:
        self.check_settings()
        with timings.stage("data"):
            data = self.load_data()
        fitted = self.fitted_args(data)
        args = with_best_metric(fitted.args, data, self.callbacks)
        with timings.stage("model"):
            built = as_given(self.build_model(data), self.model_object)
        unpadded, notes = skip_padding(built.model, self.unpad, self.on_xla, self.args.device)
        chosen = () if fitted.note is None else (fitted.note,)
        return Prepared(data, built, args, unpadded, (*chosen, *data.notes, *built.notes, *notes))

    def check_settings(self) -> None:
        """Check everything that can be known without the data.

        Raises:
            KitError: something cannot work.
        """
        scores = best_metric_faults(self.args, self.glossary) if self.glossary else ()
        raise_faults([*argument_faults(self.args, self.smooths_labels), *scores], "TrainingArguments")
        self.check()

    def train(
        self, resume: bool = False, force: bool = False, *, resume_from_checkpoint: bool | str | Path | None = None
    ) -> RunReport:
        """Train, evaluate, save model, tokenizer and report into `args.output_dir`.

        Args:
            resume: continue from the newest valid checkpoint in the output folder; without one, start from scratch. A
                run that has finished goes on where more epochs or steps are asked for; else its report is returned.
            force: train even where disk or memory seem too small, and resume from a checkpoint that was made with other
                settings, data or versions; the report then has a note. Of a run that has finished with other settings,
                return the report as it is.
            resume_from_checkpoint: as of `Trainer.train`: True means `resume`; or a checkpoint in the output folder.

        Raises:
            RunStopped: a signal was received; the state is saved.
            KitError: something cannot work; nothing has been trained or overwritten.
            NonFiniteLossError: the loss became NaN or infinite.
        """
        run, record = RunDirectory(Path(self.output_dir), self.is_main), RunRecord.start(self.on_xla)
        named, resume = named_checkpoint(resume_from_checkpoint, run.path), resume or bool(resume_from_checkpoint)
        publisher = self._publisher()
        if resume and run.is_finished and (finished := self._finished(run, force)) is not None:
            publisher.publish_missing(finished)
            return finished
        run.check(resume, self.model_name_or_path)
        is_fresh = self.state.trainer is None  # a trained model is not a start
        prepared = self.prepare(record.timings) if is_fresh else self._prepared(record.timings)
        record.notes += check_learning([(p.args, len(p.data.train)) for p in self.phases(prepared)], prepared.model)
        record.fingerprint |= self.run_fingerprint(prepared.data)
        claim = run.claim(record.fingerprint, resume, force, named)
        record.notes += [*claim.notes, *prepared.notes, *publisher.check()]
        if not force:
            check_space(run.path, prepared.model, prepared.args)
        with record.timings.stage("preflight"):
            self.log_main(preflight(prepared.built, prepared.data, prepared.args, prepared.unpadded, self.loss.sum_fn))
            if (chosen := self.fitted_args(prepared.data).note) is not None:
                self.log_main(f"  {chosen}")
        if resume:
            self.log_main(claim.describe())
        record.notes += run.save_initial_weights(prepared.model, self.checkpoint, claim.checkpoint is not None)
        record.evidence |= initial_evidence(prepared.built, self.checkpoint)
        # After an interruption the model is no longer the initial one; a loaded model is as it was.
        self.state = RecipeState(loaded=self.state.loaded)
        outcome = self.fit(prepared, claim.checkpoint, record)
        with record.timings.stage("saving"), save_with_hint(self.output_dir):
            publisher.set_aside()
            self.save_model(prepared, outcome.trainer)
        with record.timings.stage("evaluation of the saved weights"):
            saved = evaluate_saved(outcome, self.evaluation)
        self.state = RecipeState(prepared, outcome.trainer, saved.evaluation)
        with record.timings.stage("saving"), save_with_hint(self.output_dir):
            record.notes += self.save_beside_model(prepared.data, saved.evaluation)
        record.notes += publisher.write_predictions(saved.evaluation.predictions)
        report = report_run(self, prepared, outcome, saved, record, run)
        run.delete_initial_weights()
        with save_with_hint(self.output_dir, "The report"):
            publisher.publish(report)
        outcome.trainer.accelerator.wait_for_everyone()
        return report

    def fit(
        self, prepared: Prepared[DataT], checkpoint: Path | None = None, record: RunRecord | None = None
    ) -> TrainingOutcome:
        """Train alone, without saving or reporting anything but checkpoints.

        Args:
            prepared: of `prepare`.
            checkpoint: to resume from.
            record: gets the timings, and has the fingerprint of the checkpoints.
        """
        record = record or RunRecord.start(self.on_xla)
        build = partial(self.build_trainer, prepared, fingerprint=record.fingerprint)
        return fit(self.phases(prepared), build, checkpoint, record.timings, record.fingerprint)

    def build_trainer(
        self,
        prepared: Prepared[DataT] | None = None,
        phase: Phase[DataT] | None = None,
        fingerprint: Mapping[str, Any] | None = None,
    ) -> KitTrainer:
        """Return the configured Trainer.

        Args:
            prepared: none means what `prepare` returns.
            phase: data and arguments, where they are not those of `prepared`.
            fingerprint: what its checkpoints are made with.
        """
        prepared = prepared or self.prepare()
        phase = phase or Phase(prepared.data, prepared.args)

        def score(prediction: EvalPrediction) -> dict[str, float]:
            outputs: Any = prediction.predictions
            return plain_scores(self.compute_metrics(phase.data, outputs))

        callbacks, multiplier = [*self.callbacks, *self.get_callbacks()], self.lr_multiplier(prepared.model)
        return build_trainer(phase, prepared.built, self.loss, score, callbacks, multiplier, fingerprint)

    def evaluate(self, data: Any = None, output_dir: str | Path | None = None) -> EvaluationReport:
        """Score the model as it is now on given data, or on the validation split.

        The model is scored as it is used: with the labels and the threshold that it was trained or loaded with.

        Args:
            data: a file, folder, list of files, Hub id, `Dataset`, `DatasetDict`, DataFrame or list of dicts, as the
                source of the recipe takes it, or a source, with labels or answers; none means the validation split.
            output_dir: folder to save the report to; none means that it is only returned.

        Returns:
            The report: a mapping of the scores, with intervals, baselines, tables, findings and worst errors.

        Raises:
            ConfigError: nothing has been trained or loaded, and data are given.
            DataError: the data cannot be read, have no labels, or have labels that the model does not know.
            OutputError: `output_dir` holds a model or the report of a training.
        """
        started = time.perf_counter()
        if output_dir is not None:
            check_folder(output_dir)
        state, loaded = self.state, self.state.loaded
        if data is not None:
            trained = self.trained()
            examples = data_to_evaluate(self, data, trained)
            prepared = Prepared(examples, trained.built, self.args, self.unpad)
        elif loaded is not None and state.trainer is None:
            prepared = Prepared(self.load_data(), loaded.built, self.args, self.unpad)
        else:
            prepared = self.prepare()
        trainer = state.trainer
        if trainer is None or not trainer.is_usable:
            trainer = self.build_trainer(prepared)
        evaluation = evaluate_model(trainer, prepared.data, self.evaluation)
        if data is None:
            self.state = replace(self.state, prepared=prepared, trainer=trainer, evaluation=evaluation)
        seconds = time.perf_counter() - started
        report = evaluation_report(self, prepared.model, prepared.data, evaluation, data is not None, seconds)
        if output_dir is not None and self.is_main:
            report.save(output_dir)
        return report

    def train_seeds(self, seeds: Sequence[int], resume: bool = False, force: bool = False) -> SeedsReport:
        """Train once with each seed, in folders below the output folder, and return mean and standard deviation.

        Args:
            seeds: at least two; a seed whose run has finished is not run again.
            resume: continue an unfinished seed from its newest checkpoint.
            force: as for `train`.

        Raises:
            KitError: as `train`; before any training where it can be known.
        """
        summary = train_with_seeds(seeds, {seed: self.with_seed(seed) for seed in seeds}, resume, force)
        if self.is_main:
            publish_summary(summary.parts(self.output_dir))
        return summary

    def with_seed(self, seed: int) -> Self:
        """Return this recipe with another seed, a folder and callbacks of its own, not yet prepared."""
        recipe = in_subfolder(self, f"seed-{seed}")
        recipe.args.seed, recipe.args.data_seed = seed, None
        return recipe

    def cross_validate(self, folds: int = 5, resume: bool = False, force: bool = False) -> FoldsReport:
        """Divide the train split into folds, and score each by a model that is trained on the others.

        Each fold is a run in a folder below the output folder: a model is trained on the other folds as by `train`,
        with its choices (best checkpoint, threshold) made by the validation split or by a share of its training
        examples, and is then scored on its fold. `predictions.jsonl` in the output folder has the prediction of every
        example.

        Args:
            folds: two or more; a fold whose run has finished is not run again.
            resume: continue an unfinished fold from its newest checkpoint.
            force: as for `train`.

        Returns:
            The scores of each fold, their mean and standard deviation, and those of all predictions together with 95%
            intervals; saved as `folds.json`, `folds.md` and `folds.html`.

        Raises:
            ConfigError: the recipe has no folds, there are fewer than two, or push_to_hub is set.
            DataError: there are too few examples, groups, or examples of a label.
            KitError: as `train`; before any training where it can be known.
        """
        return cross_validate(self, folds, resume, force)

    def current_fingerprint(self) -> dict[str, Any]:
        """Return what the result of a training now would depend on: settings, examples, tokenizer."""
        self.check_settings()
        return self.run_fingerprint(self.load_data())

    def _finished(self, run: RunDirectory, force: bool) -> RunReport | None:
        """Return the report of a run that has finished; none where it is to train longer."""
        different = run.compare_finished(self.current_fingerprint(), force)
        if different.extended:
            return None
        self.log_main(f"Run complete in {run.path}; skipping training.")
        for change in (*different.mixed, *different.versions):
            self.log_main(f"  {change}")
        return run.load_report()

    def _publisher(self) -> Publisher:
        target = HubTarget.from_args(self.args)
        return Publisher(self.output_dir, self.card_context, target, self.args.push_to_hub, self.is_main)

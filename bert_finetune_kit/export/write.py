"""A trained model → the folder of an exported one, with the evidence that it is still the same model."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from ..contract import LoadedModel, Outputs
from ..data.sequences import sequence_formats
from ..errors import ExportError, raise_faults
from ..exported.arguments import count_faults
from ..exported.loading import assemble
from ..exported.session import open_session
from ..exported.settings import ExportedSettings
from ..modeling.architecture import takes_token_types
from ..reporting.exported_forms import ExportedForm, save_form
from ..reporting.optional import attempt_aloud
from ..reporting.schema import REPORT_FILE
from ..runs.saved_report import saved_report
from .calibration import calibrated_as
from .exporter import MODEL_FILES, Program, check_packages, export_program, int8_methods, quantized, stock_model
from .folder import evidence_of, part_folder, save_tokenizer, write_pages
from .kinds import kind_of
from .layers import Quantized, check_kept, layer_names, weighted_modules
from .proof import FP32_TOLERANCE, INT8_TOLERANCE, VALIDATION, Scored, check_enough, prove, score
from .result import Proof
from .validation import calibration_batches, name_of, sample_batch, validation_data

_LATER = "README.md of the exported model has the same figures."
_SHOWN = 3  # layers that a refusal names
_TRIED = 64  # examples that layers are compared on


@dataclass(frozen=True)
class Candidate:
    """A form of the model that may be written, and its proof."""

    folder: Path
    program: Program
    proof: Proof
    outputs: Mapping[str, Outputs]
    """Of the validation splits."""


@dataclass(frozen=True)
class ExportSettings:
    """How a model is exported."""

    format: str = "onnx"
    quantize: str | None = None
    tolerance: float | None = None
    keep_fp32: tuple[str, ...] = ()
    batch_size: int = 32
    threads: int | None = None

    def check(self) -> None:
        """Check all that can be known without the model.

        Raises:
            ConfigError: the settings cannot work.
        """
        counts = {"batch_size": self.batch_size, **({} if self.threads is None else {"threads": self.threads})}
        faults = count_faults(counts)
        if self.tolerance is not None and not is_tolerance(self.tolerance):
            faults.append(f"tolerance is {self.tolerance!r}: a number from 0 up is needed")
        if not all(isinstance(name, str) for name in self.keep_fp32):
            faults.append(f"keep_fp32 is {list(self.keep_fp32)!r}: names of layers are needed")
        if self.keep_fp32 and self.quantize is None:
            faults.append("keep_fp32 goes with quantize='int8': without it, all layers stay in fp32")
        raise_faults(faults, "export")
        check_packages(self.format, self.quantize)


def is_tolerance(value: Any) -> bool:
    """Whether a value is a finite number from 0 up."""
    return isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) < np.inf


class Export:
    """One export, from the trained model to the proof of each candidate."""

    def __init__(self, recipe: Any, settings: ExportSettings, given: Any) -> None:
        self.recipe, self.settings, self.kind = recipe, settings, kind_of(recipe)
        self.trained: LoadedModel = recipe.trained()
        if settings.keep_fp32:
            check_kept(settings.keep_fp32, weighted_modules(stock_model(self.trained.model)))
        tokenizer = self.trained.tokenizer
        single, pair = sequence_formats(tokenizer, takes_token_types(self.trained.model.config))
        self.form = ExportedSettings(
            recipe=recipe.name, format=settings.format, precision=settings.quantize or "fp32",
            model_file=MODEL_FILES[settings.format], single=single, pair=pair, pad_token_id=tokenizer.pad_token_id,
            use=self.kind.use_of(recipe, self.trained),
        )  # fmt: skip
        self.data = self.kind.as_trained(validation_data(recipe, self.trained, given), self.trained)
        self.before: Scored = score(
            recipe, self.data, partial(self.kind.kit_outputs, self.trained, self.data, settings.batch_size)
        )
        self.proven_on = name_of(given)
        if settings.quantize is not None:
            check_enough(len(self.before.rows))

    @property
    def tolerance(self) -> float:
        """Of logits in fp32, of points in int8."""
        default = FP32_TOLERANCE if self.settings.quantize is None else INT8_TOLERANCE
        return default if self.settings.tolerance is None else self.settings.tolerance

    def program(self) -> Program:
        """Return the model in fp32."""
        model = stock_model(self.trained.model)
        format = self.form.pair if self.form.pair.types else self.form.single
        return export_program(model, sample_batch(format), self.settings.format)

    def candidate(self, program: Program, method: str, folder: Path) -> Candidate:
        """Save a program, and prove it as it will be used."""
        folder.mkdir()
        file = program.save(folder)
        save_tokenizer(self.trained.tokenizer, folder)
        self.form.save(folder)
        model = assemble(folder, self.form, open_session(self.form.format, file, self.settings.threads))
        after = score(
            self.recipe, self.data, partial(self.kind.exported_outputs, model, self.data, self.settings.batch_size)
        )
        weights = sum(parameter.numel() for parameter in self.trained.model.parameters())
        sizes = 4 * weights, sum(path.stat().st_size for path in folder.glob(f"{file.stem}*"))
        best_metric = self.data.best_metric or self.recipe_metric
        proof = prove(
            self.recipe.name, method, self.before, after, best_metric, self.tolerance, sizes, self.proven_on,
            self.settings.threads,
        )  # fmt: skip
        return Candidate(folder, program, proof, after.outputs)

    def form_of(self, chosen: Candidate, proofs: list[Proof]) -> ExportedSettings:
        """Return the settings of the candidate that is written, with its calibration and its evidence."""
        trained, calibration = calibrated_as(
            self.trained, self.recipe, self.data, chosen.outputs, self.form.precision, self.proven_on
        )
        evidence = evidence_of(proofs) | ({"calibration": calibration} if calibration else {})
        return replace(self.form, use=self.kind.use_of(self.recipe, trained), evidence=evidence)

    @property
    def recipe_metric(self) -> str | None:
        """The metric of the task, where the data do not say what decides."""
        task = getattr(self.recipe, "task", None)
        return None if task is None else task.best_metric or task.metrics[0]


def export_model(recipe: Any, folder: str | Path, settings: ExportSettings, given: Any = None) -> Proof:
    """Export a trained model into a folder, if it can be shown to be the same model.

    Args:
        recipe: with the trained model.
        folder: to write; an exported model in it is replaced.
        settings: format, precision and tolerance.
        given: data to prove it on; none means the validation split of the run.

    Returns:
        What it scores beside the model in the kit.

    Raises:
        ExportError: it is another model; nothing is written.
        ConfigError: the settings cannot work, or a package is missing.
        DataError: there are no examples to prove it on.
        OutputError: the folder cannot be written.
    """
    settings.check()
    target = Path(folder).expanduser()
    with part_folder(target) as part:
        export = Export(recipe, settings, given)
        program = export.program()
        candidates = _candidates(export, program, part)
        passed = [candidate for candidate in candidates if not candidate.proof.faults]
        if not passed:
            raise ExportError(_refusal(export, program, candidates, part))
        # The closest one: which of two scores is higher by a few examples is chance.
        chosen = min(passed, key=lambda candidate: candidate.proof.mean_difference)
        proofs = [chosen.proof, *(candidate.proof for candidate in candidates if candidate is not chosen)]
        form = export.form_of(chosen, proofs)
        for path in chosen.folder.iterdir():
            path.replace(part / path.name)
        for candidate in candidates:
            shutil.rmtree(candidate.folder)
        form.save(part)
        write_pages(part, form, proofs)
    attempt_aloud(
        "The model card does not show the exported form", partial(_show_in_card, recipe, form, chosen.proof), _LATER
    )
    return chosen.proof


def _show_in_card(recipe: Any, form: ExportedSettings, proof: Proof) -> None:
    """Show in the card of the run what its exported form scores, where the model is in the folder of a run."""
    folder = Path(recipe.model_folder)
    if not (folder / REPORT_FILE).is_file():
        return
    row = proof.scores[proof.main]
    name = f"{form.format} {form.precision}" + (f" ({proof.proven_on})" * (proof.proven_on != VALIDATION))
    save_form(
        folder, saved_report(str(folder)).finished, name,
        ExportedForm(
            score=proof.main, before=row["before"] or 0.0, after=row["after"] or 0.0, low=row.get("low"),
            high=row.get("high"), equal=proof.equal, proven_on=proof.proven_on, examples=proof.examples,
            size=proof.size, size_before=proof.size_before,
        ),
    )  # fmt: skip


def _candidates(export: Export, program: Program, part: Path) -> list[Candidate]:
    if export.settings.quantize is None:
        return [export.candidate(program, "fp32", part / "fp32")]
    check_kept(export.settings.keep_fp32, list(program.layers.values()))
    batches, chosen = calibration_batches(export.data), Quantized(export.settings.keep_fp32)
    return [
        export.candidate(quantized(program, method, batches, chosen), f"int8 {method}", part / method)
        for method in int8_methods(export.settings.format)
    ]


def _refusal(export: Export, program: Program, candidates: Sequence[Candidate], part: Path) -> str:
    """Return why nothing is written, and of int8 which layers do most harm."""
    reasons = "; ".join(f"{candidate.proof.method}: {', '.join(candidate.proof.faults)}" for candidate in candidates)
    text = f"The export is refused, since it is not the same model. {reasons}."
    if export.settings.quantize is None:
        return f"{text} Allow more by tolerance=, or export to another format."
    harm = _harm(export, program, part)
    named = ", ".join(f"{layer} (mean difference of logits {value:.3g})" for layer, value in harm[:_SHOWN])
    return (
        f"{text} The layers that do most harm, each quantized alone: {named}. Keep the first in fp32 by "
        f"keep_fp32={harm[0][0]!r}, or allow more by tolerance=."
    )


def _harm(export: Export, program: Program, part: Path) -> list[tuple[str, float]]:
    """Return the mean difference of logits that each layer makes by itself, the largest first."""
    batches = calibration_batches(export.data)[: _TRIED // 8]
    method = int8_methods(export.settings.format)[0]
    folder = part / "layer"
    folder.mkdir()
    session = open_session(program.format, program.save(folder), export.settings.threads)
    before = [session.run(batch) for batch in batches]
    found = {}
    for layer in layer_names(program.layers.values()):
        chosen = Quantized(export.settings.keep_fp32, only=layer)
        file = quantized(program, method, batches, chosen).save(folder)
        after = open_session(program.format, file, export.settings.threads)
        found[layer] = float(np.mean([
            np.abs(after.run(batch)[name] - outputs[name]).mean()
            for batch, outputs in zip(batches, before, strict=True)
            for name in outputs
        ]))  # fmt: skip
    shutil.rmtree(folder)
    return sorted(found.items(), key=lambda item: -item[1])

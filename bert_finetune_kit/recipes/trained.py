"""What a recipe does with a trained model: the folder it is in, predictions for files, its card, the Hub."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import ModelCard

from ..calibration.saved import NOT_CALIBRATED
from ..calibration.selective import Selection
from ..contract import DataT, EvaluationT
from ..errors import ConfigError, OutputError
from ..export.result import Proof
from ..export.write import ExportSettings, export_model
from ..inference.calibration import LATER, NOT_SAVED, load_calibration, save_calibration
from ..inference.choices import choices_of, choose
from ..inference.device import on_device
from ..inference.explanation import MAX_STEPS, Explanation, Stop
from ..inference.file import predict_file
from ..inference.selection import selection
from ..modeling.padding import skip_padding
from ..modeling.precision import evaluation_dtype, forward_in
from ..reporting.exported_forms import saved_forms, with_forms
from ..reporting.model_card import model_card, write_card
from ..reporting.optional import attempt
from ..reporting.schema import RunReport
from ..runs.saved_report import saved_report
from ..runs.target import HubTarget
from .given import recipe_settings
from .hooks import RecipeHooks
from .identity import model_identity
from .state import LoadedModel, RecipeState


@recipe_settings()
class TrainedRecipe(RecipeHooks[DataT, EvaluationT]):
    """The part of `Recipe` that uses a trained model, whether it was trained in this process or loaded."""

    input_columns: tuple[str, ...] = ()
    """Columns that `predict_file` needs."""

    def load(self, loaded: LoadedModel, decides_as_saved: bool = True) -> None:
        """Hold a trained model, ready for `predict` and `evaluate`.

        Args:
            loaded: the model.
            decides_as_saved: whether its predictions are those that its calibration has measured.
        """
        calibration = load_calibration(loaded.folder)
        if calibration is not None and not decides_as_saved:
            calibration = calibration.without_predictions()
        skip_padding(loaded.model, self.unpad, self.on_xla, self.args.device)
        model = loaded.model.to(self.args.device).eval()
        forward = forward_in(evaluation_dtype(self.args), loaded.forward)
        self.state = RecipeState(loaded=replace(loaded, model=model, forward=forward, calibration=calibration))

    def trained(self) -> LoadedModel:
        """Return the model that was loaded, or as it is now after training.

        Raises:
            ConfigError: nothing has been trained or loaded.
        """
        if self.state.loaded is not None:
            return self.state.loaded
        prepared = self.state.prepared
        if prepared is None or self.state.trainer is None:
            raise ConfigError(
                "Nothing has been trained: call train(), or load a trained model by from_pretrained(folder)."
            )
        usage = self.usage(prepared.data, self.state.evaluation)
        calibration = None if self.state.evaluation is None else self.state.evaluation.calibration
        forward = forward_in(evaluation_dtype(self.args), prepared.built.forward)
        return LoadedModel(prepared.model, prepared.data.tokenizer, usage, forward, calibration=calibration)

    def selection(self, *, coverage: float | None = None, max_risk: float | None = None) -> Selection:
        """Return which predictions to refuse, as `predict` does; `print` says what that is worth on validation data.

        Args:
            coverage: share of the predictions to keep, the surest ones, or
            max_risk: greatest share of the kept predictions that may be wrong, which holds with 95% confidence for
                inputs like the validation examples; the largest coverage for which that is known.

        Raises:
            ConfigError: nothing has been trained, neither or both are given, or it cannot be had.
        """
        calibration = self.trained().calibration or NOT_CALIBRATED
        return selection(calibration.chosen_on.basis, calibration.measured_on, coverage, max_risk)

    def save_beside_model(self, data: DataT, evaluation: EvaluationT) -> tuple[str, ...]:
        """Save what the use of the model needs, in the main process; return notes of what could not be saved."""
        if not self.is_main:
            return ()
        self.save_usage(data, evaluation, self.output_dir)
        save = partial(save_calibration, evaluation.calibration, self.output_dir)
        return attempt(NOT_SAVED, save, LATER)[1]

    @property
    def model_folder(self) -> str:
        """Where the trained model is: the folder or Hub id that it was loaded from, else the output folder."""
        loaded = self.state.loaded
        return self.output_dir if loaded is None or loaded.folder is None else loaded.folder

    @property
    def report(self) -> RunReport:
        """The report of the training in `model_folder`.

        Raises:
            OutputError: no run has finished there.
        """
        return saved_report(self.model_folder)

    def predict_file(
        self,
        path: str | Path,
        output: str | Path,
        *,
        batch_size: int | None = None,
        device: str | torch.device | None = None,
        column_names: Sequence[str] | None = None,
        encoding: str | None = None,
        coverage: float | None = None,
        max_risk: float | None = None,
        label_sets: float | None = None,
    ) -> Path:
        """Predict every row of a file, of any size in flat memory, and write the rows with their predictions.

        A few thousand rows at a time are predicted and written into `OUTPUT.part`. Where it is interrupted, the same
        call goes on after them: with the same model and settings, and as long as the file begins with the same rows.
        Of several processes, the first one predicts.

        Args:
            path: .csv, .tsv, .jsonl or .parquet, or .gz of these; .json is read as a whole.
            output: .csv or .jsonl; it must not exist.
            batch_size: rows that the model reads at once; none means `args.per_device_eval_batch_size`.
            device: to run on, such as "cpu" or "cuda:1"; the model returns to where it was.
            column_names: names of the columns, for .csv and .tsv files without a header line.
            encoding: of a file of text, such as "latin-1"; none means UTF-8, or what a byte order mark says.
            coverage: as of `selection`; rows then have a column `refused`.
            max_risk: the same.
            label_sets: share of the sets of labels that are to hold the true one; rows then have a `label_set`.

        Returns:
            The path of the output.

        Raises:
            ConfigError: nothing has been trained, there is no such device, or what is asked for cannot be had.
            DataError: the file cannot be read, or lacks a column.
            OutputError: the output exists or cannot be written.
        """
        trained = self.trained()
        choices = choose(trained.threshold_basis, coverage, max_risk, label_sets)
        further = choices_of(self.predict_rows, choices)
        if not self.is_main:
            return Path(output)
        batch_size = batch_size or self.args.per_device_eval_batch_size

        def predict_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[dict[str, Any]]:
            return self.predict_rows(rows, columns, batch_size, **further)

        dtype = str(evaluation_dtype(self.args))
        identity = model_identity(trained, [self.name, self.config, trained.calibration, choices, dtype])
        with on_device(trained.model, device):
            return predict_file(
                path, output, predict_rows, self.input_columns, identity, batch_size=batch_size,
                plain=bool(self.args.disable_tqdm), column_names=column_names, encoding=encoding,
            )  # fmt: skip

    def export(
        self,
        folder: str | Path,
        format: str = "onnx",
        quantize: str | None = None,
        *,
        data: Any = None,
        tolerance: float | None = None,
        keep_fp32: Sequence[str] = (),
        batch_size: int = 32,
        threads: int | None = None,
    ) -> Proof:
        """Write the trained model for a runtime without torch, if it is shown to predict the same.

        The exported model scores the whole validation split of the run beside the model in the kit. Where the two
        differ too much, nothing is written. `load_exported(folder)` then predicts, without torch.

        Args:
            folder: to write; an exported model in it is replaced.
            format: `onnx` or `openvino`.
            quantize: `int8` for weights and matrix products in int8; none means fp32.
            data: with labels or answers, to prove it on in place of the validation split, as `evaluate` takes it.
            tolerance: in fp32 the largest difference of logits (1e-4, of logits above 1 as a share of the largest one)
                with equal predictions; in int8 the points of the main score that may be lost (0.5).
            keep_fp32: in int8 the layers that stay in fp32, such as `["encoder.layer.0"]`.
            batch_size: texts, windows or questions that are scored at once.
            threads: for the exported model to compute with; none means as many as there are cores.

        Returns:
            What the exported model scores; `print` shows it.

        Raises:
            ExportError: it predicts something else; the message says what, and of int8 which layers do most harm.
            ConfigError: nothing has been trained, the settings cannot work, or a package is missing.
            DataError: there are no data to prove it on, or for int8 fewer than 100 examples.
            OutputError: the folder cannot be written.
        """
        is_one = isinstance(keep_fp32, str) or not hasattr(keep_fp32, "__iter__")
        kept: tuple[Any, ...] = (keep_fp32,) if is_one else tuple(keep_fp32)
        return export_model(self, folder, ExportSettings(format, quantize, tolerance, kept, batch_size, threads), data)

    def predict(self, *args: Any, **settings: Any) -> Any:
        """Return predictions for texts, of a recipe that has them."""
        raise ConfigError(f"{type(self).__name__} has no predictions: use a recipe that classifies or answers.")

    def predict_rows(
        self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], batch_size: int
    ) -> list[dict[str, Any]]:
        """Return what `predict_file` writes for rows of a file.

        Args:
            rows: of the file by column.
            columns: of its first row.
            batch_size: rows that the model reads at once.
        """
        raise ConfigError(f"{type(self).__name__} has no predictions: use a recipe that classifies or answers.")

    def explain(
        self, inputs: Any, *, label: str | None = None, device: str | torch.device | None = None,
        max_steps: int = MAX_STEPS, stop: Stop | None = None,
    ) -> list[Explanation]:  # fmt: skip
        """Return for each text or pair an `Explanation`: what its words add to the prediction.

        Gradients are integrated from a text of `[MASK]` to the text (Sundararajan et al. 2017), with twice as many
        steps until the sum of all words is what it should be to 1%. Of an empty text there are no words.

        Args:
            inputs: as `predict` takes them.
            label: that is explained; none means the likeliest one of each text.
            device: to run on, such as "cpu" or "cuda:1"; the model returns to where it was.
            max_steps: greatest number of steps.
            stop: is asked between steps; true ends the call by `inference.explanation.Stopped`.

        Raises:
            DataError: the inputs are of another type, or there is no such label.
            ConfigError: nothing has been trained, `max_steps` is 0, or the recipe has no explanations.
            ModelError: the model reads more of a token than its embedding.
        """
        if max_steps < 1:
            raise ConfigError(f"max_steps is {max_steps}: at least one step is needed.")
        with on_device(self.trained().model, device):
            return self.explain_inputs(inputs, label, max_steps, stop)

    def explain_inputs(self, inputs: Any, label: str | None, max_steps: int, stop: Stop | None) -> list[Explanation]:
        """Return what `explain` does, on the device where the model is; the hook of a recipe that can explain."""
        raise ConfigError(f"{type(self).__name__} has no explanations: a classification has.")

    def model_card(self, report: RunReport | None = None, **settings: Any) -> ModelCard:
        """Return the model card of a finished run, made from its report alone.

        `train` saves it as README.md; to change it: `recipe.model_card(license="mit").save(folder + "/README.md")`.

        Args:
            report: of the run; none means the one in `model_folder`.
            settings: what the report cannot know, as `reporting.model_card.model_card` takes it: `license`,
                `license_name`, `license_link`, `language`, `tags`, `citation`.

        Raises:
            OutputError: no run has finished there.
            ConfigError: the Hub would refuse these settings.
        """
        report = report or self.report
        card = model_card(report, self.card_context(report), self._hub_target().name, **settings)
        card.text = with_forms(card.text, saved_forms(self.model_folder, report.finished))
        return card

    def push_to_hub(
        self, name: str | None = None, *, private: bool = True, token: str | None = None, predictions: bool = False
    ) -> str:
        """Push the finished run in `model_folder` to the Hub, and return the address of its repository.

        Args:
            name: of the repository, with or without its owner; none means `args.hub_model_id`, or that of the folder.
            private: whether a new repository is private.
            token: none means `args.hub_token`, or the one that `hf auth login` has stored.
            predictions: whether to push `predictions.jsonl`, too, which has the predictions of all validation examples.

        Raises:
            OutputError: no run has finished there.
            HubError: the Hub refuses or does not answer, or it would refuse the metadata of the model card.
        """
        card, folder, target = self.model_card(), self.model_folder, self._hub_target()
        if not Path(folder).is_dir():
            raise OutputError(f"The model was loaded from {folder} on the Hub: there is no folder of a run to push.")
        write_card(card, folder)
        target = HubTarget(name or target.name, token or target.token, private)
        return target.push(folder, self.name, predictions)

    def _hub_target(self) -> HubTarget:
        return HubTarget.from_args(self.args, self.model_folder)

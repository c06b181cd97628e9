"""The report of a trained model on given data: the scores as a mapping, with all that a report of a run has of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from ..errors import OutputError
from .html import REPORT_PAGE, write_html
from .markdown import MARKDOWN_FILE, write_markdown
from .optional import attempt_all
from .predictions import PREDICTIONS_FILE, write_predictions
from .schema import REPORT_FILE, RunReport
from .terminal import print_report, report_text

EVALUATION = "evaluation"
"""Group of settings that the report of an evaluation has, and that of a training has not."""
_LATER = "The other files are complete; to write it later, repeat save()."


@dataclass(eq=False, repr=False)
class EvaluationReport(RunReport, Mapping[str, float]):
    """What a trained model scores on given data: a mapping of the scores by name, and a `RunReport` of them.

    `print(report)` shows the summary; `tables`, `intervals`, `baselines`, `findings` and `details` hold the rest.

    >>> report = ClassificationRecipe.from_pretrained("runs/reviews").evaluate("test.csv")  # doctest: +SKIP
    >>> report["accuracy"], report.intervals["accuracy"]  # doctest: +SKIP
    (0.91, (0.89, 0.93))
    """

    predictions: Callable[[], Iterable[Mapping[str, object]]] = tuple
    """Returns one row an example, as in `predictions.jsonl`."""

    def __getitem__(self, name: str) -> float:
        return self.result[name]  # type: ignore[return-value]

    def __iter__(self) -> Iterator[str]:
        return iter(self.result)

    def __len__(self) -> int:
        return len(self.result)

    def __eq__(self, other: object) -> bool:
        return dict(self) == dict(other) if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.items())})"

    def __str__(self) -> str:
        return report_text(self)

    def print(self) -> None:
        """Show the summary on the terminal."""
        print_report(self, None)

    def save(self, folder: str | Path) -> Path:
        """Write `report.json`, `report.md`, `report.html` and `predictions.jsonl` into `folder`, which is made.

        An earlier evaluation in it is replaced.

        Raises:
            OutputError: the folder holds a model or the report of a training.
        """
        check_folder(folder)
        Path(folder).mkdir(parents=True, exist_ok=True)
        run_report = RunReport(**{field.name: getattr(self, field.name) for field in fields(RunReport)})
        path = run_report.save(folder)
        parts: dict[str, Callable[[], object]] = {
            f"{MARKDOWN_FILE} was not written": lambda: write_markdown(self, folder),
            f"{REPORT_PAGE} was not written": lambda: write_html(self, folder),
        }
        if self.predictions is not tuple:
            parts[f"{PREDICTIONS_FILE} was not written"] = lambda: write_predictions(self.predictions(), folder)
        attempt_all(parts, _LATER)
        return path


def check_folder(folder: str | Path) -> None:
    """Check that the report of an evaluation can be written into a folder.

    Raises:
        OutputError: it holds a model or the report of a training, which would be taken for another one; or it is a
            file.
    """
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise OutputError(f"{folder} is a file: give a folder for the report of an evaluation.")
    has_training = (path / REPORT_FILE).exists() and EVALUATION not in RunReport.load(path).settings
    if has_training or (path / "config.json").exists():
        raise OutputError(
            f"{folder} holds a {'training run' if has_training else 'model'}, whose report an evaluation must not "
            "replace: choose another output_dir, such as a folder in it."
        )

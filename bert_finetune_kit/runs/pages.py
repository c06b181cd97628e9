"""A finished run as people see it: its pages, the terminal, the Hub."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..output import show
from ..reporting.card_context import CardContext
from ..reporting.html import REPORT_PAGE, write_html
from ..reporting.markdown import MARKDOWN_FILE, write_markdown
from ..reporting.model_card import CARD_FILE, is_unchanged, model_card, write_card
from ..reporting.optional import Parts, attempt, attempt_all, attempt_aloud
from ..reporting.predictions import PREDICTIONS_FILE, write_predictions
from ..reporting.push_command import push_command
from ..reporting.schema import REPORT_FILE, RunReport
from ..reporting.terminal import print_report
from .target import HubTarget

PREVIOUS_FOLDER = "previous"

_LATER = "The run is complete; to write it later: train(resume=True), or the same command with --resume."
_SUMMARY_LATER = "The runs are complete; to have it later, repeat the call: what has finished is not trained again."


def publish_summary(parts: Parts) -> None:
    """Write and show what puts several finished runs together; called in the main process."""
    attempt_all(parts, _SUMMARY_LATER)


@dataclass(frozen=True)
class Publisher:
    """Writes the files of a finished run, shows its report, and pushes it where that is asked for.

    Only `report.json` is needed: whatever else fails costs itself alone.
    """

    folder: str
    card_context: Callable[[RunReport], CardContext]
    """Report → the parts of the model card that only the recipe can write."""
    target: HubTarget
    push_to_hub: bool
    is_main: bool
    """Whether this process writes; the others do nothing."""

    def check(self) -> tuple[str, ...]:
        """Open the repository before the training, where the run is to be pushed; return notes.

        Raises:
            HubError: the Hub refuses the token or the name.
        """
        return self.target.check() if self.push_to_hub and self.is_main else ()

    def set_aside(self) -> None:
        """Move report and pages of a run that was trained longer into `previous`, before its weights are replaced.

        The report goes last. Without it, the run counts as unfinished until it has the report of the new weights.
        """
        folder = Path(self.folder)
        if not self.is_main or not (folder / REPORT_FILE).exists():
            return
        report = RunReport.load(folder)
        card = model_card(report, self.card_context(report), self.target.name)
        (folder / PREVIOUS_FOLDER).mkdir(exist_ok=True)
        for name in (
            *([CARD_FILE] if is_unchanged(card, folder) else []),
            MARKDOWN_FILE,
            REPORT_PAGE,
            PREDICTIONS_FILE,
            REPORT_FILE,
        ):
            if (folder / name).exists():
                (folder / name).replace(folder / PREVIOUS_FOLDER / name)

    def write_predictions(self, rows: Callable[[], Iterable[Mapping[str, object]]]) -> tuple[str, ...]:
        """Write the predictions of single examples, and return a note where that fails.

        Args:
            rows: returns one row an example.
        """
        if not self.is_main or rows is tuple:
            return ()
        fault = f"{PREDICTIONS_FILE} was not written"
        return attempt(fault, lambda: write_predictions(rows(), self.folder), "The scores are in the report.")[1]

    def publish(self, report: RunReport) -> None:
        """Save and show a report, then push the run: whatever the Hub answers, everything is on the disk.

        Raises:
            OSError: `report.json` cannot be written; the report has been shown.
        """
        if not self.is_main:
            return
        try:
            report.save(self.folder)
        except OSError:
            self._show(report)
            raise
        attempt_all(self._pages(report), _LATER)
        self._show(report)
        self._push(report)

    def publish_missing(self, report: RunReport) -> None:
        """Write the pages of a run that had finished where one is missing, and push it."""
        if not self.is_main:
            return
        if not all(Path(self.folder, name).exists() for name in (MARKDOWN_FILE, REPORT_PAGE, CARD_FILE)):
            attempt_all(self._pages(report), _LATER)
        self._push(report)

    def _pages(self, report: RunReport) -> Parts:
        return {
            f"{MARKDOWN_FILE} was not written": lambda: write_markdown(report, self.folder),
            f"{REPORT_PAGE} was not written": lambda: write_html(report, self.folder),
            f"{CARD_FILE}, the model card, was not written": lambda: self._write_card(report),
        }

    def _write_card(self, report: RunReport) -> None:
        if not write_card(model_card(report, self.card_context(report), self.target.name), self.folder):
            show(f"{self.folder} already has a README.md, which was kept; model_card() returns the new card.")

    def _show(self, report: RunReport) -> None:
        attempt_aloud(
            "The report was not shown",
            lambda: print_report(report, self.folder),
            f"The files of the run are in {self.folder}.",
        )

    def _push(self, report: RunReport) -> None:
        if not self.push_to_hub:
            return
        command = push_command(self.folder, self.target.name, self.target.private)
        address = attempt_aloud(
            "Not pushed",
            lambda: self.target.push(self.folder, report.recipe),
            f"The run is complete in {self.folder}; to push it later:\n  {command}",
        )
        if address:
            show(f"Pushed to {address}.")

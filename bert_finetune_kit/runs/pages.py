"""A finished run as people see it: its pages, the terminal, the Hub."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..output import show
from ..reporting.card_context import CardContext
from ..reporting.html import REPORT_PAGE, write_html
from ..reporting.markdown import MARKDOWN_FILE, write_markdown
from ..reporting.model_card import CARD_FILE, is_unchanged, model_card, write_card
from ..reporting.schema import REPORT_FILE, RunReport
from ..reporting.terminal import print_report
from .target import HubTarget

PREVIOUS_FOLDER = "previous"


@dataclass(frozen=True)
class Publisher:
    """Writes the files of a finished run, shows its report, and pushes it where that is asked for."""

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
        for name in (*([CARD_FILE] if is_unchanged(card, folder) else []), MARKDOWN_FILE, REPORT_PAGE, REPORT_FILE):
            if (folder / name).exists():
                (folder / name).replace(folder / PREVIOUS_FOLDER / name)

    def publish(self, report: RunReport) -> None:
        """Save and show a report, then push the run: whatever the Hub answers, everything is on the disk."""
        if not self.is_main:
            return
        report.save(self.folder)
        self._write_pages(report)
        print_report(report, self.folder)
        self._push(report)

    def publish_missing(self, report: RunReport) -> None:
        """Write the pages of a run that had finished where one is missing, and push it."""
        if not self.is_main:
            return
        if not all(Path(self.folder, name).exists() for name in (MARKDOWN_FILE, REPORT_PAGE, CARD_FILE)):
            self._write_pages(report)
        self._push(report)

    def _write_pages(self, report: RunReport) -> None:
        write_markdown(report, self.folder)
        write_html(report, self.folder)
        card = model_card(report, self.card_context(report), self.target.name)
        if not write_card(card, self.folder):
            show(f"{self.folder} already has a README.md, which was kept; model_card() returns the new card.")

    def _push(self, report: RunReport) -> None:
        if self.push_to_hub:
            show(self.target.push_with_hint(self.folder, report.recipe))

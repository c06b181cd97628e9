"""The report of the training that a saved model came from."""

from ..modeling.checkpoint_files import find_file
from ..reporting.schema import REPORT_FILE, RunReport


def saved_report(model: str) -> RunReport:
    """Return the report beside a model.

    Args:
        model: folder of a run, or the Hub id of one that was pushed.

    Raises:
        OutputError: there is none, or it is damaged.
    """
    try:
        file = find_file(model, REPORT_FILE)
    except (OSError, ValueError):  # such a name cannot be one of the Hub
        file = None
    return RunReport.load(model if file is None else file.parent)

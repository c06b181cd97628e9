"""The plots of a report. Each is drawn from the report alone, and absent where the report has no data for it."""

from .curve_plots import gradient_norm_curve, learning_rate_curve, loss_curve, score_curve
from .outcome_plots import confusion_matrices, label_shares, no_answer_histogram, reliability_diagrams, weight_change
from .schema import RunReport
from .svg import Plot

__all__ = ["Plot", "plots", "weight_change"]


def plots(report: RunReport) -> tuple[list[Plot], list[Plot]]:
    """Return the plots of the training, and those of its outcome; no two elements of them have the same id."""
    curves = [draw(report) for draw in (loss_curve, score_curve, learning_rate_curve, gradient_norm_curve)]
    outcome = [*confusion_matrices(report), *reliability_diagrams(report)]
    outcome += [plot for draw in (no_answer_histogram, label_shares) if (plot := draw(report)) is not None]
    return [plot for plot in curves if plot is not None], outcome

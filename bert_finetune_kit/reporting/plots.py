"""The plots of a report. Each is drawn from the report alone, and absent where the report has no data for it."""

from .calibration_plots import calibration_diagrams, risk_coverage_curves
from .curve_plots import gradient_norm_curve, learning_rate_curve, loss_curve, score_curve
from .drawable import drawable
from .group_plots import group_plots
from .label_plots import confusion_matrices, label_shares, scores_by_label
from .probability_plots import no_answer_histogram, reliability_diagrams
from .scatter_plots import scatter_plots
from .schema import RunReport
from .svg import Plot
from .weight_plots import weight_change

__all__ = ["Plot", "plots", "weight_change"]


def plots(report: RunReport) -> tuple[list[Plot], list[Plot]]:
    """Return the plots of the training, and those of its outcome; no two elements of them have the same id."""
    report = drawable(report)
    curves = [draw(report) for draw in (loss_curve, score_curve, learning_rate_curve, gradient_norm_curve)]
    reliability = [*(calibration_diagrams(report) or reliability_diagrams(report)), *risk_coverage_curves(report)]
    by_label = scores_by_label(report)
    outcome = [*confusion_matrices(report), *scatter_plots(report), *([] if by_label else reliability), *by_label]
    outcome += [plot for draw in (no_answer_histogram, label_shares) if (plot := draw(report)) is not None]
    outcome += [*(reliability if by_label else []), *group_plots(report)]
    return [plot for plot in curves if plot is not None], outcome

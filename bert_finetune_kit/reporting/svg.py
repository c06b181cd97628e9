"""Figures of matplotlib as inline SVG: in the colours and the font of the page, light or dark."""

import io
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Placeholders that are replaced by colours of the page, with a default for pages and viewers that define none.
INK, MUTED, FIRST, SECOND, THIRD = "#010203", "#010204", "#010205", "#010206", "#010207"
_PAINT = {
    INK: "currentColor",
    MUTED: "var(--plot-muted, #888)",
    FIRST: "var(--plot-1, #2f6fb5)",
    SECOND: "var(--plot-2, #c8651b)",
    THIRD: "var(--plot-3, #2e8b57)",
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searchable
    "svg.hashsalt": "kit",  # the same figure gives the same file
    "text.parse_math": False,  # a label may be $5
    "text.usetex": False,
    "font.size": 10,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": MUTED,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.6,
}
_SVG, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # not allowed in XML


@dataclass(frozen=True)
class Plot:
    """A plot for a page."""

    title: str
    svg: str
    caption: str = ""
    is_wide: bool = False
    """Whether it needs the whole width of a page."""


class Sketch:
    """A figure with one pair of axes, and its SVG once it is complete."""

    def __init__(self, figure: "Figure") -> None:
        self.figure = figure
        self.axes: Axes = figure.add_subplot()
        self.svg = ""


@contextmanager
def sketch(name: str, label: str, width: float = 4.8, height: float = 2.8) -> Iterator[Sketch]:
    """Yield a figure to draw in, in the style of the kit and not of the user; at the end its `svg` is set.

    Args:
        name: prefix of all ids in it, so that those of several figures on one page differ.
        label: description for screen readers.
        width: inches.
        height: inches.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the reader's fonts are used
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        drawing = Sketch(Figure(figsize=(width, height), layout="constrained"))
        yield drawing
        stream = io.StringIO()
        drawing.figure.savefig(stream, format="svg", metadata={"Date": None})
        drawing.svg = adapt(stream.getvalue(), name, label)


def adapt(svg: str, name: str, label: str) -> str:
    """Return an SVG file as an element for a page.

    Its ids begin with `name`; colours and font are those of the page; styles, metadata and addresses are removed; it is
    as wide as its place on the page.
    """
    ElementTree.register_namespace("", _SVG[1:-1])
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
    for element in root.iter():
        if "id" in element.attrib:
            element.set("id", f"{name}-{element.get('id')}")
        if _LINK in element.attrib:
            element.set("href", f"#{name}-{element.attrib.pop(_LINK)[1:]}")
        for key in ("clip-path", "style"):
            if key in element.attrib:
                element.set(key, _painted(element.attrib[key].replace("url(#", f"url(#{name}-")))
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib |= {"role": "img", "aria-label": without_unprintable(label)}
    root.attrib |= {"stroke-linejoin": "round", "stroke-linecap": "butt"}
    return ElementTree.tostring(root, encoding="unicode")


def printable(text: str, longest: int = 24) -> str:
    """Return a text of the data as a label: on one line, short, without characters that XML does not allow.

    >>> printable("  one   two "), printable("0123456789", 5)
    ('one two', '0123…')
    """
    text = " ".join(without_unprintable(text).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def distinct_labels(texts: Sequence[str], longest: int = 24) -> list[str]:
    """Return texts as labels; of those that are alike where they are cut, the end is shown, or else the whole.

    >>> distinct_labels(["short", "runs of a day/1", "runs of a day/2"], 10)
    ['short', '…f a day/1', '…f a day/2']
    """
    whole = [printable(text, len(text)) for text in texts]
    labels = [printable(text, longest) for text in texts]
    for cut in ([text if len(text) <= longest else f"…{text[1 - longest :]}" for text in whole], whole):
        counts = Counter(labels)
        labels = [other if counts[label] > 1 else label for label, other in zip(labels, cut, strict=True)]
    return labels


def without_unprintable(text: str) -> str:
    """Return a text without the characters that XML does not allow."""
    return _UNPRINTABLE.sub("", text)


def _painted(value: str) -> str:
    """Return an attribute with the colours and the font of the page."""
    for colour, paint in _PAINT.items():
        value = value.replace(colour, paint)
    return re.sub(r"font-family: [^;]*;? ?", "", value)


def legend_above(figure: Sketch, columns: int = 3) -> None:
    """Put the legend above the axes, where it covers nothing."""
    figure.figure.legend(
        loc="outside upper left", ncols=columns, handlelength=1.3, columnspacing=1.3, borderpad=0.1, borderaxespad=0.1
    )


def percent_axis(axis: "Axis") -> None:
    """Label an axis of shares in percent, with as many digits as its ticks have."""
    axis.set_major_formatter(lambda value, _: f"{100 * value:.6g}%")


def plain_axis(axis: "Axis") -> None:
    """Label an axis with plain numbers, with as many digits as its ticks have."""
    axis.set_major_formatter(lambda value, _: f"{value:,.10g}")


def squares(figure: Sketch, places: Sequence[tuple[float, float]], width: float, height: float, **paint: Any) -> None:
    """Draw rectangles of one size and colour around places, (x, y), as one element."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    corners = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    vertices = [(x + across * width, y + up * height) for x, y in places for across, up in corners]
    figure.axes.add_patch(PathPatch(Path(vertices, codes * len(places)), linewidth=0, **paint))

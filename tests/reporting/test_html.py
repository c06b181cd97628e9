import io
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import browser
import pytest
from rich.console import Console

from bert_finetune_kit import RunReport
from bert_finetune_kit.reporting.curve_plots import points
from bert_finetune_kit.reporting.html import to_html, write_html
from bert_finetune_kit.reporting.plots import plots, weight_change
from bert_finetune_kit.reporting.svg import FIRST, sketch
from bert_finetune_kit.reporting.terminal import print_report

LOADS = {"src", "href", "srcset", "data", "action", "poster", "background", "xlink:href"}


class Tags(HTMLParser):
    """Tags with their attributes, ids, and whether all that were opened are closed in their order."""

    VOID = ("meta", "link", "br")

    def __init__(self, page):
        super().__init__()
        self.found, self.open, self.text = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_a_page_that_needs_nothing_else(full_page):
    page, tags = full_page, Tags(full_page)
    assert not tags.open
    assert "script" not in {tag for tag, _ in tags.found}
    for _, attributes in tags.found:
        for name, value in attributes.items():
            assert not name.startswith("on"), name
            if name in LOADS:
                assert value.startswith("#") or value == "data:,", value
    assert not re.search(r"url\((?!#)|@import", page)
    ids = [attributes["id"] for _, attributes in tags.found if "id" in attributes]
    assert len(ids) == len(set(ids)) > 100
    used = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', page)
    assert {url or href for url, href in used} <= set(ids)
    style = page.split("<style>")[1].split("</style>")[0]
    assert page.count("<style") == 1  # none of a picture, which would hold for the whole page
    assert set(re.findall(r"var\((--[\w-]+)", page)) <= set(re.findall(r"(--[\w-]+):", style)) | {"--tone"}


def test_text_of_the_data_is_escaped(full_page):
    assert "<script" not in full_page
    assert full_page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 15
    assert "Of <em>all</em> &lt;script" in full_page


def test_everything_is_on_the_page(full_page):
    text = " ".join(" ".join(Tags(full_page).text).split())
    for part in (
        "A model was trained.", "warning IMBALANCED", "Likely causes, most likely first", "Weigh the labels.",
        "a note", "majority baseline 55.0%", "share of right.", "Confusion, validation", "Reliability, validation",
        "expected calibration error is 8.6%", "Probability of no answer", "threshold 0.4", "Label frequencies",
        "Loss", "Accuracy by step", "Learning rate", "Gradient norm", "clipped to 1",
        "Change of the weights", "1.30%", "frozen", "Before and after training", "Reproduce", "recipe =",
        "max_grad_norm", "bert_finetune_kit",
    ):  # fmt: skip
        assert part in text, part


def test_the_page_says_what_it_is_about(full_report):
    full_report.settings = {
        "source": {"name": "nyu-mll/glue (sst2)"},
        "model": {"model_name_or_path": "/data/ada/tiny", "from_scratch": True},
        "training": {"output_dir": "/home/ada/runs/first"},
    }  # fmt: skip
    full_report.finished = "2026-11-26T12:52:10+00:00"
    full_report.history, full_report.scores, full_report.details, full_report.data = [], [], {}, {}  # nothing to draw
    full_report.change = {}
    page = to_html(full_report)
    text = " ".join(" ".join(Tags(page).text).split())
    assert "<title>Classification on glue (sst2)</title>" in page
    assert (
        "run first model tiny (new weights) parameters 1,234 data nyu-mll/glue (sst2) "
        "finished 26 November 2026, 12:52 UTC took 13 s"
    ) in text
    full_report.settings["task"] = {"kind": "regression"}
    assert "<h1>Regression on glue (sst2)</h1>" in to_html(full_report)
    full_report.recipe, full_report.settings = "question_answering", {}
    assert "<h1>Question answering</h1>" in to_html(full_report)


def test_the_main_figures_come_first_with_intervals_and_baselines(full_page):
    text = " ".join(" ".join(Tags(full_page).text).split())
    assert "Accuracy 80.0% 95% interval 70.0% to 88.0% majority baseline 55.0% A model was trained." in text
    scale = full_page.split('<svg class="scale"')[1].split("</svg>")[0]
    assert 'cx="192.0"' in scale  # 80% of 240
    assert '<rect x="168.0" y="4.0" width="43.2"' in scale  # 70% to 88%
    assert '<rect x="131" y="1" width="2"' in scale  # 55%


def test_contents_lead_to_every_section(full_page):
    tags = Tags(full_page)
    sections = [attributes["id"] for tag, attributes in tags.found if tag == "section"]
    links = [attributes["href"][1:] for tag, attributes in tags.found if tag == "a"]
    assert links == sections
    assert sections[:4] == ["findings", "notes", "results", "training"]


def test_each_score_is_explained_once(full_page):
    assert full_page.count("share of right.") == 1
    assert full_page.count("What the scores mean") == 2  # the section and its link


def test_a_report_with_little_in_it():
    empty = RunReport(
        recipe="pretraining", summary=["Nothing was evaluated."], scores=[], result={}, baselines={}, glossary=[],
        data={}, history=[], parameters={"name": "m", "total": 1, "trainable": 1, "tied": 0}, settings={}, timings={},
    )  # fmt: skip
    page = to_html(empty)
    assert "<svg" not in page
    assert "Findings" not in page  # nothing was looked for
    empty.evidence = {"rules": 1}
    assert "None of the rules of the diagnosis applies." in to_html(empty)


def test_pictures_of_what_is_not_finite(full_report, tmp_path):
    full_report.history[3]["loss"] = float("nan")
    full_report.scores[0]["accuracy"] = float("inf")
    full_report.intervals = {"accuracy": [float("nan"), 0.9]}
    full_report.save(tmp_path)  # which writes them as words
    page = write_html(RunReport.load(tmp_path), tmp_path).read_text("utf-8")
    assert page.count("<figure") == 9
    assert "nan" not in page.split("<svg", 1)[1].split("</svg>")[0].lower()


def test_pictures_are_whole_and_take_the_colours_of_the_page(full_report):
    curves, outcome = plots(full_report)
    assert len(curves) == 4
    assert len(outcome) == 4
    for plot in [*curves, *outcome, weight_change(full_report)]:
        root = ElementTree.fromstring(plot.svg)
        assert root.attrib["role"] == "img"
        assert {"width", "height"}.isdisjoint(root.attrib)
        assert "var(--plot-" in plot.svg
        assert "#0102" not in plot.svg
        assert "font-family" not in plot.svg


def test_curves_of_two_phases_follow_each_other(full_report):
    full_report.history = [{"phase": phase, "step": step, "loss": 1.0} for phase in (1, 2) for step in (5, 10)]
    full_report.scores = [{"phase": 2, "step": 10, "loss": 1.0}]
    steps, _ = points(full_report, full_report.history, "loss")
    assert steps == [5, 10, 15, 20]
    assert points(full_report, full_report.scores, "loss")[0] == [20]


def test_the_style_of_the_user_is_neither_used_nor_changed():
    import matplotlib

    def drawn():
        with sketch("a", "a line") as figure:
            figure.axes.plot([1, 2], [3, 4], color=FIRST)
        return figure.svg

    plain, before = drawn(), dict(matplotlib.rcParams)
    assert dict(matplotlib.rcParams) == before
    with matplotlib.rc_context({"axes.linewidth": 5, "lines.dashed_pattern": [9, 9], "font.size": 30}):
        assert drawn() == plain
        assert matplotlib.rcParams["font.size"] == 30


def test_the_terminal_says_it_in_one_screen(full_report, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs/x").mkdir(parents=True)
    for name in ("report.html", "report.json"):
        (tmp_path / "runs/x" / name).touch()
    full_report.scores = [full_report.scores[0] | {"epoch": epoch} for epoch in range(40)] + full_report.scores[-1:]
    with Console(width=80, record=True, file=io.StringIO()) as console:
        print_report(full_report, "runs/x", console)
    lines = console.export_text().splitlines()
    assert len(lines) < 40
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for part in ("warning IMBALANCED One label", "epoch 1.5", "majority baseline", "a note", "are in runs/x"):
        assert part in text, part
    assert "report.html, report.json, the model" in lines[-2]


@pytest.mark.slow
@pytest.mark.skipif(browser.FOUND is None, reason="there is no Chromium")
def test_in_a_real_browser(full_report, tmp_path):
    path = write_html(full_report, tmp_path)
    with browser.page() as page:
        paper = set()
        for width in (400, 1200):
            for dark in (False, True):
                page.open(path, width, dark=dark)
                assert page.value("document.documentElement.scrollWidth") <= width  # wide tables scroll in themselves
                paper.add(page.value("getComputedStyle(document.body).backgroundColor"))
                assert page.value("document.querySelectorAll('figure svg').length") == 9
                assert page.value("document.querySelector('main').clientWidth") >= 0.95 * width
        assert len(paper) == 2
        shade = page.value("getComputedStyle(document.querySelector('.scroll')).backgroundImage")
        assert shade.count("linear-gradient") == 4
        seen = "[...document.querySelectorAll('details table')].every(table => table.checkVisibility())"
        assert not page.value(seen)
        page.call("Emulation.setEmulatedMedia", media="print")
        assert page.value(seen)  # on paper nothing can be clicked
        page.call("Emulation.setEmulatedMedia", media="")
        page.pdf(tmp_path / "report.pdf")
        assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
        asked = {event["request"]["url"] for event in page.events_of("Network.requestWillBeSent")}
        assert asked == {path.resolve().as_uri()}
        assert not page.events_of("Log.entryAdded")
        assert not page.events_of("Runtime.exceptionThrown")
        assert not page.events_of("Runtime.consoleAPICalled")

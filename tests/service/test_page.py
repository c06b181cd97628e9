"""The page: one file, its own script alone, all text escaped."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from service_stub import stub_model, stub_pairs, stub_questions

from bert_finetune_kit.service.limits import Limits
from bert_finetune_kit.service.page import render_page


class Page(HTMLParser):
    """Collects elements by id, labels, and the script."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.labels, self.attributes, self.script, self.in_script = {}, [], [], "", False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.attributes += attrs.items()
        self.in_script = tag == "script"
        if "id" in attrs:
            assert attrs["id"] not in self.ids
            self.ids[attrs["id"]] = tag
        if tag == "label":
            self.labels.append(attrs["for"])

    def handle_endtag(self, tag):
        self.in_script = False

    def handle_data(self, data):
        self.script += data * self.in_script


def rendered(model):
    html, policy = render_page(model, Limits())
    return html, policy, Page(html)


@pytest.mark.parametrize("model", [stub_model(), stub_pairs(), stub_questions()], ids=["text", "pair", "question"])
def test_every_field_has_its_label_and_every_id_of_the_script_its_element(model):
    _, policy, page = rendered(model)
    fields = [name for name, tag in page.ids.items() if tag in ("input", "textarea")]
    assert tuple(fields) == model.form.fields
    assert set(fields) <= set(page.labels) <= set(page.ids)
    always = {
        "form",
        "error",
        "result",
        "hint",
        "outcome",
        "outcome-name",
        "outcome-value",
        "outcome-note",
        "bars",
        "curl",
    }
    assert always <= set(page.ids)
    used = set(re.findall(r'byId\("([a-z-]+)"\)', page.script))
    kind = {"where", "marked"} if "question" in fields else used - always - {"where", "marked"}
    assert kind <= set(page.ids)
    digest = base64.b64encode(hashlib.sha256(page.script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert ("explained" in page.ids) == (model.explain is not None)


def test_nothing_is_loaded_and_nothing_runs_but_the_script():
    html, policy, page = rendered(stub_model())
    assert policy.startswith("default-src 'none';")
    assert not re.search(r"https?://(?!HOST)", html)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "srcset")]
    assert "innerHTML" not in page.script  # what a text holds is shown as text


def test_text_is_escaped():
    model = stub_model(labels=('<i onclick="a">', "b&c"))
    html, _, _ = rendered(model)
    assert "<i onclick" not in html
    assert "&lt;i onclick=&#34;a&#34;&gt;" in html
    assert "<b>soups" not in html


def test_probabilities_are_called_calibrated_where_they_are():
    for is_calibrated, name in ((True, "calibrated probability"), (False, "probability")):
        page = rendered(stub_model(is_calibrated=is_calibrated))[2]
        assert ("data-probability", name) in page.attributes


def test_why_a_question_has_no_answer_where_a_span_is_likelier_is_said():
    _, _, page = rendered(stub_questions())
    assert "span.score > answer.score" in page.script
    assert "a span is likelier, but the threshold decides, which is on another scale" in page.script

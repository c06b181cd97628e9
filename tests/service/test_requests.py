"""What a request may hold: everything else is refused in words."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bert_finetune_kit.service.limits import Limits
from bert_finetune_kit.service.requests import PAIR, QUESTION, TEXT, RequestError, read_explain, read_predict

LIMITS = Limits(max_texts=3, max_characters=20, max_total_characters=40, max_explained_characters=10)
FORMS = {"text": TEXT, "pair": PAIR, "question": QUESTION}


def encoded(content):
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("form", "content", "items", "is_single"),
    [
        (TEXT, {"text": "a"}, ["a"], True),
        (TEXT, {"texts": ["a", ""]}, ["a", ""], False),
        (TEXT, {"texts": []}, [], False),
        (PAIR, {"text_pair": "b", "text": "a"}, [("a", "b")], True),
        (PAIR, {"texts": [["a", "b"], ["c", "d"]]}, [("a", "b"), ("c", "d")], False),
        (QUESTION, {"question": "who?", "context": "I"}, [("who?", "I")], True),
        (QUESTION, {"questions": ["who?", "when?"], "context": "I"}, [("who?", "I"), ("when?", "I")], False),
    ],
)
def test_what_is_asked_for(form, content, items, is_single):
    inputs = read_predict(encoded(content), form, LIMITS)
    assert (inputs.items, inputs.is_single) == (items, is_single)


@pytest.mark.parametrize(
    ("form", "body", "status", "message"),
    [
        (TEXT, b"", 400, "is not JSON .*line 1, column 1 on.*; send a JSON object"),
        (TEXT, b'{"text": "a"', 400, r"is not JSON \(from line 1, column 13 on\); send a JSON object"),
        (TEXT, b"\x00\xff\xfe", 400, r"not UTF-8 \(byte 1\)"),
        (TEXT, "é".encode("latin-1"), 400, "not UTF-8"),
        (TEXT, b"[" * 100_000, 400, r"is not JSON that can be read \(it is nested too deeply\); send"),
        (TEXT, b'{"text": ' + b"[" * 900 + b"]" * 900 + b"}", 422, "text is .*; send a text"),
        (TEXT, b"1" * 5_000, 400, r"is not JSON that can be read \(a number has too many digits\); send"),
        (TEXT, b"\xef\xbb\xbf" + encoded({"text": "a"}), 400, "begins with a byte order mark, .*; send it without"),
        (TEXT, b'["a"]', 400, r'is \["a"\]; send a JSON object'),
        (TEXT, b'{"text": "a", "text": "b"}', 400, "twice"),
        (TEXT, encoded({}), 422, 'fields of the request are none; send {"text": "…"} or'),
        (TEXT, encoded({"text": "a", "texts": ["b"]}), 422, '"text", "texts"; send'),
        (TEXT, encoded({"text": "a", "text_pair": "b"}), 422, "send"),
        (TEXT, encoded({"text": 3}), 422, "text is 3; send a text"),
        (TEXT, encoded({"text": None}), 422, "text is null"),
        (TEXT, encoded({"texts": "a"}), 422, 'texts is "a"; send a list'),
        (TEXT, encoded({"texts": ["a", {}]}), 422, r"texts\[1\] is {}; send a text"),
        (TEXT, encoded({"text": "\ud800"}), 422, "lone surrogate"),
        (TEXT, encoded({"text": "a" * 21}), 413, "text has 21 characters; send at most 20"),
        (TEXT, encoded({"texts": ["a"] * 4}), 413, "There are 4 texts; send at most 3"),
        (TEXT, encoded({"texts": ["a" * 14] * 3}), 413, "There are 42 characters in all; send at most 40 at once"),
        (QUESTION, encoded({"questions": ["a", "b", "c"], "context": "d" * 13}), 413,
         "42 characters in all, where each of the questions counts its context; send at most 40"),
        (PAIR, encoded({"text": "a"}), 422, "text_pair"),
        (PAIR, encoded({"texts": [["a"]]}), 422, r'texts\[0\] is \["a"\]; send a list of two texts'),
        (PAIR, encoded({"texts": [["a", 1]]}), 422, r"texts\[0\]\[1\] is 1; send a text"),
        (QUESTION, encoded({"question": "a"}), 422, '"context": "…"'),
        (QUESTION, encoded({"questions": ["a"], "context": ["b"]}), 422, r'context is \["b"\]'),
    ],
)  # fmt: skip
def test_what_is_refused(form, body, status, message):
    with pytest.raises(RequestError, match=message) as caught:
        read_predict(body, form, LIMITS)
    assert caught.value.status == status


def test_what_is_explained():
    assert read_explain(encoded({"text": "a", "label": "b"}), TEXT, LIMITS).label == "b"
    assert read_explain(encoded({"text": "a", "text_pair": "c"}), PAIR, LIMITS).items == [("a", "c")]
    for content, message in [
        ({"texts": ["a"]}, 'fields of the request are "texts"; send {"text": "…"}, and "label"'),
        ({"text": "a", "label": 1}, "label is 1; send the name"),
        ({"text": "a" * 11}, "at most 10"),
    ]:
        with pytest.raises(RequestError, match=message):
            read_explain(encoded(content), TEXT, LIMITS)


ODD = [None, True, 3, 1.5, "", "a", "\ud800", "a" * 21, [], ["a"], ["a", 1], [["a", "b"]], [["a"]], {}, {"a": [{}]}]
KEYS = st.sampled_from(["text", "texts", "text_pair", "question", "questions", "context", "label"]) | st.text(
    max_size=3
)
OBJECTS = st.dictionaries(KEYS, st.sampled_from(ODD), max_size=3).map(encoded)
BODIES = st.binary(max_size=40) | OBJECTS | st.sampled_from(ODD).map(encoded)


@settings(max_examples=60, deadline=None)
@given(BODIES, st.sampled_from(sorted(FORMS)), st.sampled_from([read_predict, read_explain]))
def test_any_bytes_are_read_or_refused(body, form, read):
    refused = None
    try:
        items = read(body, FORMS[form], LIMITS).items
    except RequestError as error:
        refused, items = error, []
    if refused is not None:
        assert refused.status in (400, 413, 422)
        assert "; " in str(refused)  # what is wrong, and what to do
    assert all(len(text) <= 20 for item in items for text in ([item] if form == "text" else item))

"""Numbers, intervals and excerpts as text."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bert_finetune_kit.reporting.formatting import excerpt, format_difference, format_duration, format_statistic
from bert_finetune_kit.reporting.numbers import finite_or_none, is_finite_number, is_non_finite

WORDS = st.lists(st.text("abcé.", min_size=1, max_size=12), min_size=1, max_size=60).map(" ".join)


@given(WORDS, st.integers(20, 80), st.data())
def test_an_excerpt_holds_whole_words_and_the_phrase(text, length, data):
    phrase = data.draw(st.sampled_from(text.split()))
    part = excerpt(text, ["not there", phrase], length)
    inner = part.removeprefix("… ").removesuffix(" …")
    assert inner in text
    assert len(inner) <= length
    assert phrase in inner
    assert inner.split() == [word for word in inner.split() if word in text.split()]


@example("a aaa aaaaaaaaaaaa aaaaaaaaaaaa aaaaaaaaaaaa aaa aaaaaaaaaaa", 20, None)
@given(WORDS, st.integers(20, 40), st.data())
def test_an_excerpt_of_a_phrase_that_is_too_long_holds_whole_words(text, length, data):
    if len(text) < 3 * length:
        return
    start = 7 if data is None else data.draw(st.integers(0, len(text) - 2 * length))
    inner = excerpt(text, [text[start : start + length + 9]], length).removeprefix("… ").removesuffix(" …")
    assert len(inner) <= length
    assert f" {inner} " in f" {text} "


def test_an_excerpt_without_a_phrase_is_the_beginning():
    text = "word " * 100
    assert excerpt(text, length=22) == "word word word word …"
    assert excerpt("x" * 500, length=20) == "x" * 20 + " …"  # one long word
    assert excerpt("short", ["other"], 20) == "short"
    assert excerpt("a" * 300 + " mill " + "b" * 300, ["mill"]).count("mill") == 1


@pytest.mark.parametrize(
    ("value", "is_finite"),
    [(3, True), (0.5, True), (True, False), (math.nan, False), (-math.inf, False), ("nan", False), (None, False)],
)
def test_finite_numbers(value, is_finite):
    assert is_finite_number(value) is is_finite
    assert (finite_or_none(value) is not None) is is_finite
    assert is_non_finite(value) is (value == "nan" or (isinstance(value, float) and not math.isfinite(value)))


def test_durations_differences_and_statistics():
    assert [format_duration(seconds) for seconds in (0.4, 59.6, 3599, 3600)] == [
        "0 s", "1 min 0 s", "59 min 59 s", "1 h 0 min"
    ]  # fmt: skip
    assert [format_difference(0.021, spec) for spec in (".1%", ".3f")] == ["+2.1 points", "+0.021"]
    assert [format_statistic(value) for value in (True, 1.5, math.nan, "text", -0.25)] == [
        "1", "1.5", "nan", "text", "-0.2"
    ]  # fmt: skip

"""Rates are compared with binomial bounds of 4 standard deviations; a correct procedure exceeds them by chance in 1 of
16,000 samples."""

import itertools
import math

import numpy as np
import pytest
from datasets import Dataset
from formats import bert_format
from hypothesis import given
from hypothesis import strategies as st

from bert_finetune_kit import PretrainConfig
from bert_finetune_kit.data.randomness import Stream, stateless_rng
from bert_finetune_kit.pretraining.corpus import CONTINUES, TokenizedCorpus, continues_word, token_ids
from bert_finetune_kit.pretraining.examples import PretrainingExamples, truncate_pair, usable_documents, window_start

CLS, SEP, FIRST = 1, 2, 10
DOCUMENTS = 40


def make_corpus(seed=0, documents=DOCUMENTS, sentences=(1, 60), words=(1, 25)):
    """Documents in which every id occurs once in the corpus, so that it identifies its document and position."""
    rng = np.random.default_rng(seed)
    rows, following = {"tokens": [], "sentence_starts": []}, FIRST
    for _ in range(documents):
        lengths = rng.integers(*words, size=rng.integers(*sentences))
        rows["tokens"].append(np.arange(following, following + lengths.sum(), dtype=np.int32))
        rows["sentence_starts"].append(np.cumsum([0, *lengths[:-1]], dtype=np.int32))
        following += int(lengths.sum())
    return TokenizedCorpus(Dataset.from_dict(rows))


def with_continuing(corpus, continues):
    """Return a corpus in which the tokens that `continues` is true of continue a word."""
    rows = corpus.rows[:]
    rows["tokens"] = [
        [token | CONTINUES if continues(token) else token for token in document] for document in rows["tokens"]
    ]
    return TokenizedCorpus(Dataset.from_dict(rows).cast(corpus.rows.features))


def make_examples(corpus=None, seed=7, **settings):
    corpus = corpus or make_corpus()
    config = PretrainConfig(**({"max_length": 64} | settings))
    corpus = corpus.subset(usable_documents(corpus, config))
    return PretrainingExamples(corpus, config, bert_format(CLS, SEP, pair=config.objective != "none"), seed)


def within_binomial(count, trials, probability):
    return abs(count - trials * probability) <= 4 * math.sqrt(trials * probability * (1 - probability))


def document_of(corpus, ids):
    ends = FIRST + np.cumsum(corpus.lengths)
    return {int(np.searchsorted(ends, token, side="right")) for token in ids}


def is_run(ids):
    return (np.diff(ids) == 1).all()


@pytest.fixture(scope="module")
def nsp():
    examples = make_examples()
    return examples, [examples.pair(epoch, index) for epoch in range(8) for index in range(len(examples))]


def test_fields_of_an_example(nsp):
    examples, _ = nsp
    example = examples[2, 5, True]
    ids, types = example["input_ids"], example["token_type_ids"]
    pair = examples.pair(2, 5)
    assert ids.tolist() == [CLS, *pair.segment_a, SEP, *pair.segment_b, SEP]
    assert types.tolist() == [0] * (len(pair.segment_a) + 2) + [1] * (len(pair.segment_b) + 1)
    assert (example["next_sentence_label"], example["rng_key"], example["in_loss"]) == (pair.label, (7, 2, 5), True)
    assert ids.dtype == types.dtype == np.int64


def test_segments_are_runs_of_text_that_fit(nsp):
    examples, pairs = nsp
    for pair in pairs:
        assert len(pair.segment_a) >= 1
        assert len(pair.segment_b) >= 1
        assert len(pair.segment_a) + len(pair.segment_b) <= examples.max_tokens
        assert is_run(pair.segment_a)
        assert is_run(pair.segment_b)


def test_half_of_the_pairs_are_random_and_from_another_document(nsp):
    examples, pairs = nsp
    assert within_binomial(sum(pair.label for pair in pairs), len(pairs), 0.5)
    for pair in pairs:
        of_a, of_b = (document_of(examples.corpus, ids) for ids in (pair.segment_a, pair.segment_b))
        assert (of_a == of_b) is (pair.label == 0)
        if pair.label == 0:
            assert pair.segment_b[0] > pair.segment_a[-1]
            if not pair.truncated:
                assert pair.segment_b[0] == pair.segment_a[-1] + 1


def test_random_segments_come_from_all_documents_alike(nsp):
    examples, pairs = nsp
    drawn = [document_of(examples.corpus, pair.segment_b).pop() for pair in pairs if pair.label == 1]
    counts = np.bincount(drawn, minlength=len(examples.corpus))
    assert counts.min() > 0
    assert counts.max() < 2.5 * len(drawn) / len(examples.corpus)


def test_rate_and_length_of_short_sequences():
    # One sentence a token: nothing but a random shorter target makes an example of a long document short.
    corpus = make_corpus(documents=4, sentences=(2000, 2001), words=(1, 2))
    examples = make_examples(corpus, short_sequence_probability=0.1)
    pairs = [examples.pair(epoch, index) for epoch in range(10) for index in range(len(examples))]
    lengths = np.array([len(pair.segment_a) + len(pair.segment_b) for pair in pairs])
    # A random target is the full length once in (max_tokens - 1) draws, and is then not short.
    short = 0.1 * (1 - 1 / (examples.max_tokens - 1))
    assert within_binomial((lengths < examples.max_tokens).sum(), len(lengths), short)
    assert lengths[lengths < examples.max_tokens].mean() == pytest.approx((2 + examples.max_tokens - 1) / 2, rel=0.15)


def units(documents, length):
    """Documents of sentences of one token."""
    return make_corpus(documents=documents, sentences=(length, length + 1), words=(1, 2))


@pytest.mark.parametrize(("objective", "special"), [("none", 2), ("sop", 3), ("nsp", 3)])
def test_the_length_of_a_short_sequence_is_any_from_2_on(objective, special):
    examples = make_examples(units(2, 400), objective=objective, max_length=12, short_sequence_probability=1.0)
    assert examples.max_tokens == 12 - special
    pairs = [examples.pair(epoch, index) for epoch in range(20) for index in range(len(examples))]
    lengths = [len(pair.segment_a) + len(pair.segment_b) for pair in pairs]
    options = range(2, examples.max_tokens + 1)
    assert set(lengths) == set(options)
    assert all(within_binomial(lengths.count(length), len(lengths), 1 / len(options)) for length in options)


def test_a_random_segment_has_the_length_that_was_wanted_and_starts_anywhere():
    """Its start is any sentence with enough text after it, and its length that of a segment that follows."""
    examples = make_examples(units(3, 12), max_length=11, short_sequence_probability=0.0)
    assert examples.max_tokens == 8
    starts = {length: set() for length in range(1, 8)}
    for epoch, index in itertools.product(range(500), range(len(examples))):
        pair = examples.pair(epoch, index)
        wanted = 8 - len(pair.segment_a)
        assert len(pair.segment_b) == wanted
        assert pair.truncated == 0
        if pair.label == 1:
            starts[wanted].add(int(pair.segment_b[0] - FIRST) % 12)
    assert starts == {wanted: set(range(12 - wanted + 1)) for wanted in range(1, 8)}


def test_a_random_segment_of_a_document_that_is_too_short_is_all_of_it():
    examples = make_examples(units(2, 3), max_length=35, short_sequence_probability=0.0)
    pairs = [examples.pair(epoch, 0) for epoch in range(50)]
    assert {tuple(pair.segment_b - FIRST) for pair in pairs if pair.label == 1} == {(3, 4, 5)}


def test_a_pair_is_cut_at_any_of_its_sentences():
    """Of a document of five sentences of three tokens; and of a single sentence at any of its words."""
    corpus = make_corpus(documents=2, sentences=(5, 6), words=(3, 4))
    examples = make_examples(corpus, objective="sop", short_sequence_probability=0.0)
    pairs = [examples.pair(epoch, 0) for epoch in range(100)]
    assert {len(pair.segment_a) for pair in pairs if not pair.label} == {3, 6, 9, 12}
    assert {(len(pair.segment_a) + len(pair.segment_b)) for pair in pairs} == {15}
    two = make_examples(
        make_corpus(documents=2, sentences=(2, 3), words=(3, 4)), objective="sop", short_sequence_probability=0.0
    )
    assert {len(two.pair(epoch, 0).segment_a) for epoch in range(50)} == {3}
    for continued, cuts in (((2, 3), {1, 4, 5}), (range(6), {1, 2, 3, 4, 5})):  # words at 0, 1, 4, 5; a single word
        corpus = make_corpus(documents=2, sentences=(1, 2), words=(6, 7))
        corpus = with_continuing(corpus, lambda token, pieces=continued: token - FIRST in pieces)
        single = make_examples(corpus, objective="sop", short_sequence_probability=0.0)
        pairs = [single.pair(epoch, 0) for epoch in range(100)]
        assert {int(token_ids(pair.segment_b)[0] - FIRST) for pair in pairs if not pair.label} == cuts


@pytest.mark.parametrize("objective", ["none", "sop"])
def test_windows_hold_the_sentences_of_the_grid(objective):
    """The window of an example, in plain Python: the sentence at its start, and as many as reach the length."""
    corpus = make_corpus(documents=5, sentences=(20, 60), words=(1, 9))
    examples = make_examples(corpus, objective=objective, max_length=24, short_sequence_probability=0.0)
    longest, number = examples.max_tokens, 0
    for document in range(len(corpus)):
        ids, starts = corpus.input_ids(document), corpus.sentence_starts(document).tolist()
        shift = stateless_rng(7, 3, document, Stream.DOCUMENT).random()
        for window in range(math.ceil(len(ids) / longest)):
            pair = examples.pair(3, number)
            place = window_start(len(ids), longest, window, shift)
            first = max(start for start in starts if start <= place)
            end = min([border for border in starts if border >= first + longest], default=len(ids))
            tokens = sorted([*pair.segment_a, *pair.segment_b])
            assert pair.truncated == max(end - first - longest, 0)
            assert len(tokens) == end - first - pair.truncated
            assert ids[first] <= tokens[0] <= tokens[-1] <= ids[end - 1]
            number += 1
    assert number == len(examples)


def test_random_sentences_of_sentence_pairs_are_any_of_another_document():
    corpus = units(3, 4)
    examples = make_examples(corpus, pairs="sentences")
    pairs = [examples.pair(epoch, 0) for epoch in range(200)]
    assert {int(pair.segment_b[0] - FIRST) for pair in pairs if pair.label} == set(range(4, 12))
    assert within_binomial(sum(pair.label for pair in pairs), len(pairs), 0.5)
    follow = [examples.pair(0, index) for index in range(len(examples))]
    assert len(follow) == 9
    assert all(len(pair.segment_a) == len(pair.segment_b) == 1 for pair in follow)
    assert [int(pair.segment_a[0] - FIRST) for pair in follow] == [0, 1, 2, 4, 5, 6, 8, 9, 10]


def test_documents_without_a_sentence_have_no_sentence_pairs():
    rows = {"tokens": [[], [10, 11], [12]], "sentence_starts": [[], [0, 1], [0]]}
    corpus = TokenizedCorpus(Dataset.from_dict(rows))
    examples = PretrainingExamples(corpus, PretrainConfig(pairs="sentences"), bert_format(CLS, SEP))
    assert len(examples) == 1
    assert examples.seed == 42
    assert usable_documents(corpus, PretrainConfig(objective="none")).tolist() == [1, 2]


def test_long_documents_fill_the_length():
    corpus = make_corpus(documents=6, sentences=(300, 400))
    examples = make_examples(corpus, short_sequence_probability=0.0)
    pairs = [examples.pair(0, index) for index in range(len(examples))]
    assert {len(pair.segment_a) + len(pair.segment_b) for pair in pairs} == {examples.max_tokens}


def test_an_epoch_has_about_as_many_tokens_as_the_corpus_and_covers_it():
    corpus = make_corpus(documents=10, sentences=(200, 300))
    examples = make_examples(corpus, objective="none", short_sequence_probability=0.0)
    seen = np.concatenate([examples.pair(0, index).segment_a for index in range(len(examples))])
    assert len(seen) == pytest.approx(corpus.lengths.sum(), rel=0.05)
    assert len(np.unique(seen)) > 0.85 * corpus.lengths.sum()


def test_examples_are_a_pure_function_of_seed_epoch_and_index():
    examples, again, reseeded = make_examples(), make_examples(), make_examples(seed=8)
    for index in np.random.default_rng(0).permutation(len(examples))[:50]:  # in any order
        first, second = examples[3, index, True], again[3, index, True]
        assert all(np.array_equal(first[key], second[key]) for key in first)

    def share_changed(pairs):
        return np.mean([not np.array_equal(first["input_ids"], second["input_ids"]) for first, second in pairs])

    assert share_changed((examples[0, index, True], examples[1, index, True]) for index in range(100)) > 0.9
    assert share_changed((examples[index], reseeded[index]) for index in range(100)) > 0.9


def test_windows_inside_a_document_move_between_epochs():
    """One sentence a token, so that a window starts exactly where the grid puts it."""
    corpus = make_corpus(documents=1, sentences=(950, 951), words=(1, 2))
    examples = make_examples(corpus, objective="none", short_sequence_probability=0.0)
    starts = np.array(
        [[examples.pair(epoch, n).segment_a[0] - FIRST for n in range(len(examples))] for epoch in (0, 1)]
    )
    assert starts[:, 0].tolist() == [0, 0]
    assert (starts[0, 1:-1] != starts[1, 1:-1]).all()
    assert starts[:, -1].tolist() == [950 - examples.max_tokens] * 2


def test_an_index_alone_means_epoch_0(nsp):
    examples, _ = nsp
    assert (examples[3]["input_ids"] == examples[0, 3, True]["input_ids"]).all()
    for index in (-1, len(examples)):
        with pytest.raises(IndexError, match=rf"example {index} of"):
            examples[index]


def test_sop_swaps_half_of_the_pairs():
    examples = make_examples(objective="sop")
    pairs = [examples.pair(epoch, index) for epoch in range(3) for index in range(len(examples))]
    assert within_binomial(sum(pair.label for pair in pairs), len(pairs), 0.5)
    for pair in pairs:
        assert document_of(examples.corpus, pair.segment_a) == document_of(examples.corpus, pair.segment_b)
        assert (pair.segment_a[0] > pair.segment_b[0]) == (pair.label == 1)


def test_examples_without_a_pair_objective():
    examples = make_examples(objective="none")
    example = examples[0]
    assert "next_sentence_label" not in example
    assert (example["input_ids"][0], example["input_ids"][-1]) == (CLS, SEP)
    assert (example["input_ids"] == SEP).sum() == 1
    assert set(example["token_type_ids"]) == {0}


def test_segments_of_sentence_pairs_are_single_sentences():
    corpus = make_corpus(words=(1, 12))
    examples = make_examples(corpus, pairs="sentences")
    assert len(examples) == (examples.corpus.sentence_counts - 1).sum()
    starts = {
        int(examples.corpus.input_ids(document)[start])
        for document in range(len(examples.corpus))
        for start in examples.corpus.sentence_starts(document)
    }
    for index in range(len(examples)):
        pair = examples.pair(0, index)
        for ids in (pair.segment_a, pair.segment_b):
            assert ids[0] in starts
            assert starts.isdisjoint(ids[1:].tolist())


def test_a_single_sentence_is_cut_at_a_word():
    corpus = make_corpus(documents=3, sentences=(1, 2), words=(20, 21))
    examples = make_examples(with_continuing(corpus, lambda token: token % 2))
    cuts = [examples.pair(epoch, index) for epoch in range(20) for index in range(len(examples))]
    first_of_b = [pair.segment_b[0] for pair in cuts if pair.label == 0]
    assert first_of_b
    assert not continues_word(np.array(first_of_b)).any()


def test_a_document_of_two_tokens_is_an_example():
    corpus = make_corpus(documents=3, sentences=(1, 2), words=(2, 3))
    examples = make_examples(corpus, max_length=5)
    assert all(len(examples[epoch, index, True]["input_ids"]) == 5 for epoch in range(5) for index in range(3))


def test_usable_documents():
    corpus = make_corpus(documents=30, sentences=(1, 3), words=(1, 3))
    assert (usable_documents(corpus, PretrainConfig()) == np.flatnonzero(corpus.lengths >= 2)).all()
    sentences = PretrainConfig(pairs="sentences")
    assert (usable_documents(corpus, sentences) == np.flatnonzero(corpus.sentence_counts >= 2)).all()
    assert len(usable_documents(corpus, PretrainConfig(objective="none"))) == 30


@given(st.integers(1, 5000), st.integers(2, 509), st.floats(0, 1))
def test_windows_cover_their_document(length, max_tokens, shift):
    starts = [window_start(length, max_tokens, number, shift) for number in range(-(-length // max_tokens))]
    assert starts[0] == 0
    assert all(0 <= start <= max(length - max_tokens, 0) for start in starts)
    assert all(second - first <= max_tokens for first, second in itertools.pairwise(starts))
    assert starts[-1] + max_tokens >= length


@given(st.integers(1, 300), st.integers(1, 300), st.integers(2, 200), st.integers(0, 2**32))
def test_truncation_equals_that_of_google_research_bert(length_a, length_b, max_tokens, seed):
    a, b = np.arange(length_a), np.arange(1000, 1000 + length_b)
    pair = truncate_pair(a, b, 0, max_tokens, np.random.default_rng(seed))
    left_a, left_b = length_a, length_b
    while left_a + left_b > max_tokens:  # truncate_seq_pair of google-research/bert
        if left_a > left_b:
            left_a -= 1
        else:
            left_b -= 1
    assert (len(pair.segment_a), len(pair.segment_b)) == (left_a, left_b)
    assert pair.truncated == length_a + length_b - left_a - left_b
    assert is_run(pair.segment_a)
    assert is_run(pair.segment_b)


def test_truncation_cuts_both_ends_equally_often():
    fronts = [
        truncate_pair(np.arange(100), np.arange(10), 0, 60, np.random.default_rng(seed)).segment_a[0]
        for seed in range(500)
    ]
    assert within_binomial(sum(fronts), 500 * 50, 0.5)

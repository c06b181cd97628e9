import pickle

import numpy as np
import pytest
from datasets import Dataset, load_from_disk
from formats import bert_format

from bert_finetune_kit import PretrainConfig
from bert_finetune_kit.compat.datasets import arrow_column
from bert_finetune_kit.data.vocabulary import continuation_mask, load_tokenizer
from bert_finetune_kit.pretraining import corpus as corpus_module
from bert_finetune_kit.pretraining.corpus import (
    CONTINUES,
    LONGEST_SENTENCE,
    TokenizedCorpus,
    cut_long,
    token_ids,
    tokenize_corpus,
)
from bert_finetune_kit.pretraining.examples import PretrainingExamples

TEXTS = ["the smithy opens . The bakery is closed .\nan old sailor", "", "Tomorrow .", "the the the"]


@pytest.fixture
def documents():
    return Dataset.from_dict({"text": TEXTS})


@pytest.fixture
def corpus(documents, tokenizer):
    return tokenize_corpus(documents, tokenizer)


def plain_ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def trigrams(ids):
    return set(zip(ids.tolist(), ids[1:].tolist(), ids[2:].tolist(), strict=False))


def test_ids_equal_those_of_the_tokenizer(corpus, tokenizer):
    for number, text in enumerate(TEXTS):
        assert corpus.input_ids(number).tolist() == plain_ids(tokenizer, text.replace("\n", " "))
    assert corpus.lengths.tolist() == [len(plain_ids(tokenizer, text)) for text in TEXTS]


def test_sentence_starts(corpus, tokenizer):
    first, second = plain_ids(tokenizer, "the smithy opens ."), plain_ids(tokenizer, "The bakery is closed .")
    assert corpus.sentence_starts(0).tolist() == [0, len(first), len(first) + len(second)]
    assert corpus.sentence_counts.tolist() == [3, 0, 1, 1]


def test_slices_are_views_into_the_file(documents, tokenizer, tmp_path):
    tokenize_corpus(documents, tokenizer).rows.save_to_disk(tmp_path)
    corpus = TokenizedCorpus(load_from_disk(str(tmp_path)))
    tokens = corpus.tokens(0)
    assert tokens.dtype == np.int32
    assert not tokens.flags.owndata
    assert not tokens.flags.writeable


def test_subset_and_pickle(corpus):
    for view in (corpus.subset(np.array([3, 0])), pickle.loads(pickle.dumps(corpus.subset(np.array([3, 0]))))):
        assert len(view) == 2
        assert view.lengths.tolist() == corpus.lengths[[3, 0]].tolist()
        assert view.input_ids(1).tolist() == corpus.input_ids(0).tolist()
        assert view.subset(np.array([1])).sentence_starts(0).tolist() == corpus.sentence_starts(0).tolist()


def test_a_subset_has_the_counts_and_the_digest_of_its_documents(corpus, documents, tokenizer):
    part = corpus.subset(np.array([3, 0]))
    expected = np.bincount([*corpus.input_ids(3), *corpus.input_ids(0)], minlength=len(tokenizer))
    assert (part.token_counts(len(tokenizer)) == expected).all()
    digests = {view.digest() for view in (corpus, part, corpus.subset(np.array([0, 3])), corpus.subset(np.array([3])))}
    assert len(digests) == 4
    assert part.digest() == tokenize_corpus(documents, tokenizer).subset(np.array([3, 0])).digest()
    assert corpus.digest() == tokenize_corpus(documents, tokenizer).digest()


@pytest.mark.parametrize(("count", "processes"), [(3, None), (5, None), (6, 2), (9, 3), (90, 4)])
def test_a_process_for_every_so_many_documents(tokenizer, monkeypatch, count, processes):
    """Up to the number of processors; one process is the process itself."""
    used = []

    def record(rows, *args, num_proc, **settings):
        used.append(num_proc)
        return tokenized(rows, *args, **settings)

    tokenized = Dataset.map
    monkeypatch.setattr(Dataset, "map", record)
    monkeypatch.setattr(corpus_module, "_DOCUMENTS_PER_WORKER", 3)
    monkeypatch.setattr(corpus_module.os, "cpu_count", lambda: 4)
    tokenize_corpus(Dataset.from_dict({"text": ["the mill ."] * count}), tokenizer)
    monkeypatch.setattr(corpus_module.os, "cpu_count", lambda: None)  # not known
    tokenize_corpus(Dataset.from_dict({"text": ["the bread ."] * count}), tokenizer)
    assert used == [processes, None]


def test_token_counts(corpus, tokenizer):
    everything = np.concatenate([corpus.input_ids(number) for number in range(len(corpus))])
    expected = np.bincount(everything, minlength=len(tokenizer))
    assert (corpus.token_counts(len(tokenizer)) == expected).all()
    assert (corpus.subset(np.arange(4)).token_counts(len(tokenizer)) == expected).all()


def test_documents_across_record_batches(tokenizer):
    """Each record batch of the Arrow file holds 1,000 rows."""
    words = [token for token in tokenizer.get_vocab() if token.isalpha()]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, rng.integers(0, 5))) for _ in range(2_500)]
    corpus = tokenize_corpus(Dataset.from_dict({"text": texts}), tokenizer, num_proc=1)
    assert arrow_column(corpus.rows, "tokens").num_chunks > 1
    for number in (0, 999, 1000, 1001, 2499):
        assert corpus.input_ids(number).tolist() == plain_ids(tokenizer, texts[number])


def test_worker_processes_do_not_change_the_result(documents, tokenizer, tmp_path):
    rows = []
    for count in (1, 2):
        documents.save_to_disk(tmp_path / str(count))  # each in a folder of its own: the cache is in it
        rows.append(tokenize_corpus(load_from_disk(str(tmp_path / str(count))), tokenizer, num_proc=count).rows)
    assert [len(part.cache_files) for part in rows] == [1, 2]
    assert rows[0][:] == rows[1][:]


def test_text_without_sentence_ends_is_cut_at_words(tokenizer):
    """A window starts at a sentence: the middle of an endless one would never be trained on."""
    text = " ".join(f"the bread of greyford was fresh and the miller {n}" for n in range(40))
    corpus = tokenize_corpus(Dataset.from_dict({"text": [text, "a b ."]}), tokenizer)
    lengths = np.diff([*corpus.sentence_starts(0), corpus.lengths[0]])
    assert lengths.max() <= LONGEST_SENTENCE
    assert lengths.mean() > LONGEST_SENTENCE / 2
    continuation = np.array(continuation_mask(tokenizer))
    assert not continuation[corpus.input_ids(0)[corpus.sentence_starts(0)]].any()
    assert corpus.input_ids(0).tolist() == tokenizer(text, add_special_tokens=False)["input_ids"]
    config = PretrainConfig(objective="none", max_length=64, short_sequence_probability=0.0)
    examples = PretrainingExamples(corpus, config, bert_format(2, 3, pair=False))
    covered = token_ids(np.concatenate([examples.pair(0, n).segment_a for n in range(len(examples) - 1)]))
    everything, shown = trigrams(corpus.input_ids(0)), trigrams(covered)
    assert len(everything & shown) > 0.8 * len(everything)


def test_special_tokens_in_a_text_are_plain_text(tokenizer):
    corpus = tokenize_corpus(Dataset.from_dict({"text": ["the [MASK] fox [SEP] dog"]}), load_tokenizer(tokenizer))
    assert not {tokenizer.mask_token_id, tokenizer.sep_token_id} & set(corpus.input_ids(0).tolist())


@pytest.mark.parametrize(
    ("length", "continued", "pieces"),
    [
        (LONGEST_SENTENCE, [], [LONGEST_SENTENCE]),
        (LONGEST_SENTENCE + 1, [], [LONGEST_SENTENCE, 1]),
        (LONGEST_SENTENCE + 5, [LONGEST_SENTENCE, LONGEST_SENTENCE - 1], [LONGEST_SENTENCE - 2, 7]),
        (LONGEST_SENTENCE + 5, range(2, LONGEST_SENTENCE + 5), [1, LONGEST_SENTENCE, 4]),
        (2 * LONGEST_SENTENCE + 2, range(1, 2 * LONGEST_SENTENCE + 2), [LONGEST_SENTENCE, LONGEST_SENTENCE, 2]),
    ],
    ids=["fits", "one too many", "within a word", "before a long word", "a single word"],
)
def test_a_long_sentence_is_cut_before_the_last_word_that_does_not_fit(length, continued, pieces):
    """Ids that are positions, of which some continue a word."""
    tokens = np.arange(length)
    tokens[list(continued)] |= CONTINUES
    cut = cut_long(tokens)
    assert [len(piece) for piece in cut] == pieces
    assert token_ids(np.concatenate(cut)).tolist() == list(range(length))


def test_sentences_are_64_tokens_long_at_most():
    assert LONGEST_SENTENCE == 64

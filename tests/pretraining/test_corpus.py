import pickle

import numpy as np
import pytest
from datasets import Dataset, load_from_disk

from bert_finetune_kit import PretrainConfig
from bert_finetune_kit.data.vocabulary import continuation_mask
from bert_finetune_kit.pretraining.corpus import LONGEST_SENTENCE, tokenize_corpus
from bert_finetune_kit.pretraining.features import PretrainingExamples

TEXTS = ["the smithy opens . The bakery is closed .\nan old sailor", "", "Tomorrow .", "the the the"]


@pytest.fixture
def documents():
    return Dataset.from_dict({"text": TEXTS})


@pytest.fixture
def corpus(documents, tokenizer):
    return tokenize_corpus(documents, tokenizer)


def plain_ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def test_ids_are_those_of_the_tokenizer(corpus, tokenizer):
    for number, text in enumerate(TEXTS):
        assert corpus.input_ids(number).tolist() == plain_ids(tokenizer, text.replace("\n", " "))
    assert corpus.lengths.tolist() == [len(plain_ids(tokenizer, text)) for text in TEXTS]


def test_sentences_start_where_they_start(corpus, tokenizer):
    first, second = plain_ids(tokenizer, "the smithy opens ."), plain_ids(tokenizer, "The bakery is closed .")
    assert corpus.sentence_starts(0).tolist() == [0, len(first), len(first) + len(second)]
    assert corpus.sentence_counts.tolist() == [3, 0, 1, 1]


def test_views_are_not_copies(documents, tokenizer, tmp_path):
    tokenize_corpus(documents, tokenizer).rows.save_to_disk(tmp_path)
    from bert_finetune_kit.pretraining.corpus import TokenizedCorpus

    corpus = TokenizedCorpus(load_from_disk(str(tmp_path)))
    ids = corpus.input_ids(0)
    assert ids.dtype == np.int32
    assert not ids.flags.owndata
    assert not ids.flags.writeable


def test_subset_and_pickle(corpus):
    for view in (corpus.subset(np.array([3, 0])), pickle.loads(pickle.dumps(corpus.subset(np.array([3, 0]))))):
        assert len(view) == 2
        assert view.lengths.tolist() == corpus.lengths[[3, 0]].tolist()
        assert view.input_ids(1).tolist() == corpus.input_ids(0).tolist()
        assert view.subset(np.array([1])).sentence_starts(0).tolist() == corpus.sentence_starts(0).tolist()


def test_token_counts(corpus, tokenizer):
    everything = np.concatenate([corpus.input_ids(number) for number in range(len(corpus))])
    expected = np.bincount(everything, minlength=len(tokenizer))
    assert (corpus.token_counts(len(tokenizer)) == expected).all()
    assert (corpus.subset(np.arange(4)).token_counts(len(tokenizer)) == expected).all()


def test_many_chunks_read_like_one(tokenizer):
    """Rows cross the border between record batches of the Arrow file, of which each holds 1,000."""
    words = [token for token in tokenizer.get_vocab() if token.isalpha()]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, rng.integers(0, 5))) for _ in range(2_500)]
    corpus = tokenize_corpus(Dataset.from_dict({"text": texts}), tokenizer, num_proc=1)
    assert len(corpus._ids.values) > 1
    for number in (0, 999, 1000, 1001, 2499):
        assert corpus.input_ids(number).tolist() == plain_ids(tokenizer, texts[number])


def test_worker_processes_give_the_same(documents, tokenizer, tmp_path):
    stored = tmp_path / "documents"
    documents.save_to_disk(stored)
    one, two = (tokenize_corpus(load_from_disk(str(stored)), tokenizer, num_proc=count).rows for count in (1, 2))
    assert one[:] == two[:]


def test_a_run_without_sentence_ends_is_cut_at_words(tokenizer):
    """A window starts at a sentence: the middle of an endless one would never be seen."""
    text = " ".join(f"the bread of greyford was fresh and the miller {n}" for n in range(40))
    corpus = tokenize_corpus(Dataset.from_dict({"text": [text, "a b ."]}), tokenizer)
    lengths = np.diff([*corpus.sentence_starts(0), corpus.lengths[0]])
    assert lengths.max() <= LONGEST_SENTENCE
    assert lengths.mean() > LONGEST_SENTENCE / 2
    continuation = np.array(continuation_mask(tokenizer))
    assert not continuation[corpus.input_ids(0)[corpus.sentence_starts(0)]].any()
    assert corpus.input_ids(0).tolist() == tokenizer(text, add_special_tokens=False)["input_ids"]
    config = PretrainConfig(objective="none", max_length=64, short_sequence_probability=0.0)
    examples = PretrainingExamples(corpus, config, 2, 3, continuation)
    shown = np.concatenate([examples.pair(0, n).segment_a for n in range(len(examples) - 1)])
    assert len(shown) > 0.8 * corpus.lengths[0]


def test_special_tokens_in_a_text_are_text(tokenizer):
    from bert_finetune_kit.data.vocabulary import load_tokenizer

    corpus = tokenize_corpus(Dataset.from_dict({"text": ["the [MASK] fox [SEP] dog"]}), load_tokenizer(tokenizer))
    assert not {tokenizer.mask_token_id, tokenizer.sep_token_id} & set(corpus.input_ids(0).tolist())

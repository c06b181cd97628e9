import copy

import pytest
from datasets import Dataset
from tokenizers.processors import TemplateProcessing

from bert_finetune_kit import DataError, PretrainConfig
from bert_finetune_kit.data.corpus import Corpus
from bert_finetune_kit.data.sequences import sequence_formats
from bert_finetune_kit.pretraining.data import build_data, split_corpora

SENTENCES = "the smithy of greyford opens at six . A dog guards the dairy ."


def documents(count):
    return Dataset.from_dict({"text": [f"{number} {SENTENCES}" for number in range(count)]})


def ids(corpus):
    return [tuple(corpus.input_ids(number).tolist()) for number in range(len(corpus))]


def split(train, tokenizer, validation=None, **settings):
    return split_corpora(Corpus(train, validation, "toy"), tokenizer, 0.05, PretrainConfig(**settings))


def test_documents_are_held_out_where_there_is_no_validation_split(tokenizer):
    corpora = split(documents(100), tokenizer)
    train, held_out = ids(corpora.train), ids(corpora.validation)
    assert (len(train), len(held_out)) == (95, 5)
    assert len({*train, *held_out}) == 100
    assert ids(split(documents(100), tokenizer).validation) == held_out
    assert any("5 of 100 documents are held out" in note for note in corpora.notes)


def test_two_documents_are_held_out_at_least_for_next_sentence_prediction(tokenizer):
    """A random segment comes from another document of the same split."""
    assert len(split(documents(10), tokenizer).validation) == 2
    assert len(split(documents(10), tokenizer, objective="sop").validation) == 1


def test_a_validation_split_is_used_as_it_is(tokenizer):
    corpora = split(documents(3), tokenizer, validation=documents(2))
    assert (len(corpora.train), len(corpora.validation), corpora.notes) == (3, 2, ())


def test_documents_too_short_for_an_example_are_skipped_and_counted(tokenizer):
    short = Dataset.from_dict({"text": ["a", *documents(4)["text"]]})
    corpora = split(short, tokenizer, validation=short)
    assert (len(corpora.train), len(corpora.validation)) == (4, 4)
    for name in ("train", "validation"):
        assert f"1 documents of the {name} split are too short for an example" in corpora.notes


@pytest.mark.parametrize(
    ("train", "validation", "message"),
    [(3, None, "train split has 3 usable documents"), (3, 1, "validation split has 1 usable document,")],
)
def test_next_sentence_prediction_needs_two_documents_in_each_split(tokenizer, train, validation, message):
    validation = None if validation is None else documents(validation)
    with pytest.raises(DataError, match=message):
        split(documents(train), tokenizer, validation=validation)
    split(documents(train), tokenizer, validation=validation, objective="sop")


@pytest.mark.parametrize("objective", ["sop", "none"])
def test_an_objective_that_is_chosen_is_no_advice(tokenizer, objective):
    with pytest.raises(DataError, match="train split has 1 usable document, and at least 2 are needed") as raised:
        split(documents(1), tokenizer, objective=objective)
    assert "objective" not in str(raised.value)


def test_documents_of_a_single_sentence_are_told(tokenizer):
    """Pairs would be the halves of a sentence, as with a blank line after every sentence."""
    sentences = Dataset.from_dict({"text": [f"A dog guards dairy {number} ." for number in range(40)]})
    note = (
        "38 of 38 documents of the train split are a single sentence, and their pairs are the two halves of it. Leave "
        "blank lines between documents only, not between sentences, or set objective='none'"
    )
    for objective in ("nsp", "sop"):
        assert note in split(sentences, tokenizer, objective=objective).notes
    assert not any("sentence" in note for note in split(sentences, tokenizer, objective="none").notes)
    assert not any("sentence" in note for note in split(documents(40), tokenizer).notes)
    with pytest.raises(DataError, match=r"needs two sentences.*documents='blank_lines'"):
        split(sentences, tokenizer, pairs="sentences")


@pytest.mark.parametrize(
    ("names", "objective", "noted"),
    [
        (["input_ids", "attention_mask"], "nsp", True),
        (["input_ids", "attention_mask"], "none", False),
        (["input_ids", "token_type_ids", "attention_mask"], "nsp", False),
    ],
)
def test_segments_without_token_types_are_noted(tokenizer, names, objective, noted):
    untyped = copy.deepcopy(tokenizer)
    untyped.model_input_names = names
    config = PretrainConfig(objective=objective)
    corpora = split_corpora(Corpus(documents(8), documents(4), "toy"), untyped, 0.05, config)
    data = build_data(corpora, config, untyped, True, 0, None, name="toy", initial_model="tiny")
    assert any("no token types" in note for note in data.notes) == noted
    assert ("token_type_ids" in data.train[0]) == ("token_type_ids" in names)


def test_the_types_of_pairs_differ_in_the_template_or_not(tokenizer):
    same = copy.deepcopy(tokenizer)
    same.backend_tokenizer.post_processor = TemplateProcessing(
        "[CLS] $A [SEP]",
        "[CLS] $A [SEP] $B [SEP]",
        [("[CLS]", tokenizer.cls_token_id), ("[SEP]", tokenizer.sep_token_id)],
    )
    assert [sequence_formats(given, takes_types=True)[1].tells_texts_apart for given in (tokenizer, same)] == [
        True,
        False,
    ]

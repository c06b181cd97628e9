import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bert_finetune_kit import ConfigError, DataCollatorForPreTraining
from bert_finetune_kit.pretraining.collator import IGNORED, _choose_words


@pytest.fixture(scope="module")
def regular(tokenizer):
    return np.setdiff1d(np.arange(len(tokenizer)), tokenizer.all_special_ids)


def make_examples(tokenizer, regular, count=400, length=62, epoch=0):
    rng = np.random.default_rng(0)
    examples = []
    for index in range(count):
        a, b = np.split(rng.choice(regular, length - 3), [length // 2])
        ids = np.concatenate([[tokenizer.cls_token_id], a, [tokenizer.sep_token_id], b, [tokenizer.sep_token_id]])
        types = np.repeat([0, 1], [len(a) + 2, len(b) + 1])
        label = index % 2
        examples.append(
            {"input_ids": ids, "token_type_ids": types, "next_sentence_label": label, "rng_key": (1, epoch, index)}
        )
    return examples


def within_binomial(count, trials, probability):
    return abs(count - trials * probability) <= 4 * math.sqrt(trials * probability * (1 - probability))


def originals(examples):
    return torch.from_numpy(np.stack([example["input_ids"] for example in examples]))


@pytest.mark.parametrize("whole_words", [False, True])
def test_masking_rates(tokenizer, regular, whole_words):
    examples = make_examples(tokenizer, regular)
    batch = DataCollatorForPreTraining(tokenizer, whole_word_masking=whole_words)(examples)
    chosen = batch["labels"] != IGNORED
    if not whole_words:
        assert (chosen.sum(1) == round(62 * 0.15)).all()
    total = int(chosen.sum())
    before, after = originals(examples)[chosen], batch["input_ids"][chosen]
    masked = int((after == tokenizer.mask_token_id).sum())
    assert within_binomial(masked, total, 0.8)
    # A random token is the original itself once in as many cases as there are regular tokens.
    kept = int((after == before).sum())
    assert within_binomial(kept, total, 0.1 + 0.1 / len(regular))
    assert within_binomial(total - masked - kept, total, 0.1 * (1 - 1 / len(regular)))
    assert (batch["input_ids"][~chosen] == originals(examples)[~chosen]).all()
    assert (batch["labels"][chosen] == before).all()


def test_every_position_is_chosen_equally_often(tokenizer, regular):
    examples = make_examples(tokenizer, regular, count=2000)
    chosen = (DataCollatorForPreTraining(tokenizer)(examples)["labels"] != IGNORED).sum(0).numpy()
    special = np.isin(originals(examples)[0], tokenizer.all_special_ids)
    assert (chosen[special] == 0).all()
    probability = round(62 * 0.15) / 59
    assert all(within_binomial(count, 2000, probability) for count in chosen[~special])


def test_special_tokens_are_neither_masked_nor_random_replacements(tokenizer, regular):
    examples = make_examples(tokenizer, regular, count=2000)
    batch = DataCollatorForPreTraining(tokenizer, mlm_probability=1.0)(examples)
    special = torch.tensor(tokenizer.all_special_ids)
    before = originals(examples)
    assert (torch.isin(before, special) == (batch["labels"] == IGNORED)).all()
    not_mask = special[special != tokenizer.mask_token_id]
    drawn = batch["input_ids"][batch["labels"] != IGNORED]
    assert not torch.isin(drawn, not_mask).any()
    # [MASK] is never a random replacement either: test_masking_rates bounds its share to 80%.
    assert set(drawn[drawn != tokenizer.mask_token_id].tolist()) == set(regular.tolist())


def test_masks_depend_on_the_rng_key_alone(tokenizer, regular):
    collator = DataCollatorForPreTraining(tokenizer)
    batch = collator(make_examples(tokenizer, regular, 8))
    again = DataCollatorForPreTraining(tokenizer)(make_examples(tokenizer, regular, 8))
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    # ... in whatever batch an example is
    alone = collator(make_examples(tokenizer, regular, 8)[3:4])
    assert torch.equal(alone["labels"][0], batch["labels"][3])
    next_epoch = collator(make_examples(tokenizer, regular, 8, epoch=1))
    assert not torch.equal(batch["labels"], next_epoch["labels"])


def test_examples_without_rng_key_get_new_masks_each_time(tokenizer):
    collator = DataCollatorForPreTraining(tokenizer)
    examples = [{"input_ids": tokenizer("the smithy opens at eleven o'clock in the morning")["input_ids"]}]
    labels = [tuple(collator(examples)["labels"][0].tolist()) for _ in range(20)]
    assert len(set(labels)) > 1


def test_keys_and_padding_of_a_batch(tokenizer, regular):
    short, long = make_examples(tokenizer, regular, 1, 20)[0], make_examples(tokenizer, regular, 1, 30)[0]
    batch = DataCollatorForPreTraining(tokenizer)([short, long])
    assert set(batch) == {"input_ids", "token_type_ids", "attention_mask", "labels", "next_sentence_label"}
    assert batch["input_ids"].shape == (2, 30)
    assert batch["attention_mask"].sum(1).tolist() == [20, 30]
    assert (batch["input_ids"][0, 20:] == tokenizer.pad_token_id).all()
    assert (batch["labels"][0, 20:] == IGNORED).all()
    assert (batch["token_type_ids"][0, 20:] == 0).all()
    assert (batch["token_type_ids"][0, :20] == torch.from_numpy(short["token_type_ids"])).all()
    assert {values.dtype for values in batch.values()} == {torch.int64}
    bucketed = DataCollatorForPreTraining(tokenizer, lengths=(24, 64))
    assert bucketed([short, long])["labels"].shape == (2, 64)
    assert bucketed([short])["labels"].shape == (1, 24)
    assert torch.equal(bucketed([short, long])["labels"][:, :30], batch["labels"])


def test_max_predictions(tokenizer, regular):
    batch = DataCollatorForPreTraining(tokenizer, max_predictions=4)(make_examples(tokenizer, regular, 10))
    assert ((batch["labels"] != IGNORED).sum(1) == 4).all()


def test_an_example_outside_the_loss_has_no_labels(tokenizer, regular):
    examples = make_examples(tokenizer, regular, 2)
    examples[1]["in_loss"] = False
    batch = DataCollatorForPreTraining(tokenizer)(examples)
    assert (batch["labels"][1] == IGNORED).all()
    assert batch["next_sentence_label"].tolist() == [0, IGNORED]
    assert (batch["labels"][0] != IGNORED).any()


def test_whole_words_are_masked_as_a_whole(tokenizer):
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    starts = [i for i, piece in enumerate(pieces) if piece.isalpha()]
    inner = [i for i, piece in enumerate(pieces) if piece.startswith("##")]
    word = [starts[0], inner[0], inner[1]]
    ids = np.array([tokenizer.cls_token_id, *(word * 12), tokenizer.sep_token_id])
    collator = DataCollatorForPreTraining(tokenizer, whole_word_masking=True)
    for index in range(50):
        labels = collator([{"input_ids": ids, "rng_key": (0, 0, index)}])["labels"][0, 1:-1].numpy().reshape(12, 3)
        chosen = (labels != IGNORED).sum(1)
        assert set(chosen) == {0, 3}
        assert chosen.sum() == 6  # round(38 * 0.15), and words of three


def words_of(candidates, continuation):
    """Return the words of a sequence as tuples of positions, one token after the other."""
    words = []
    for place in candidates:
        if words and continuation[place] and words[-1][-1] == place - 1:
            words[-1] += (place,)
        else:
            words.append((place,))
    return words


@given(st.lists(st.sampled_from("sw#"), min_size=1, max_size=40), st.integers(1, 12), st.integers(0, 10**6))
def test_words_fill_the_number_of_predictions(kinds, count, seed):
    """Of any sequence of special tokens (s), words (w) and continuations (#)."""
    candidates = np.flatnonzero([kind != "s" for kind in kinds])
    continuation = np.array([kind == "#" for kind in kinds])
    count = min(count, len(candidates))
    if count == 0:
        return
    chosen = set(_choose_words(candidates, continuation, count, np.random.default_rng(seed)).tolist())
    words = words_of(candidates.tolist(), continuation)
    taken = [word for word in words if set(word) <= chosen]
    if min(map(len, words)) > count:
        assert chosen == set(words[0][:count])
        return
    assert chosen == {place for word in taken for place in word}
    assert len(chosen) <= count
    assert all(len(word) > count - len(chosen) for word in words if word not in taken)  # none more would fit


def test_every_word_is_chosen_equally_often(tokenizer, regular):
    """The first as often as the others, and as often as the share of tokens says."""
    ids = np.array([tokenizer.cls_token_id, *[tokenizer.get_vocab()["the"]] * 10, tokenizer.sep_token_id])
    collator = DataCollatorForPreTraining(tokenizer, whole_word_masking=True)
    labels = collator([{"input_ids": ids, "rng_key": (0, 0, index)} for index in range(1000)])["labels"]
    chosen = (labels != IGNORED).sum(0).tolist()
    assert chosen[0] == chosen[-1] == 0
    assert all(within_binomial(count, 1000, round(12 * 0.15) / 10) for count in chosen[1:-1])


def test_a_piece_after_a_special_token_is_a_word_of_its_own(tokenizer):
    """A segment that was truncated at its front can begin within a word."""
    the, inner = tokenizer.get_vocab()["the"], next(i for p, i in tokenizer.get_vocab().items() if p.startswith("##"))
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    ids = np.array([cls, inner, inner, sep, inner, inner, the, inner, sep])
    collator = DataCollatorForPreTraining(tokenizer, mlm_probability=2 / 9, whole_word_masking=True)
    labels = collator([{"input_ids": ids, "rng_key": (0, 0, index)} for index in range(60)])["labels"]
    assert {tuple(np.flatnonzero(row != IGNORED)) for row in labels.numpy()} == {(1, 2), (4, 5), (6, 7)}


def test_a_word_longer_than_the_number_of_predictions_is_cut(tokenizer):
    inner = next(i for piece, i in tokenizer.get_vocab().items() if piece.startswith("##"))
    ids = np.array([tokenizer.cls_token_id, tokenizer.get_vocab()["the"], *[inner] * 30, tokenizer.sep_token_id])
    collator = DataCollatorForPreTraining(tokenizer, whole_word_masking=True)
    labels = collator([{"input_ids": ids, "rng_key": (0, 0, 0)}])["labels"]
    assert np.flatnonzero(labels[0] != IGNORED).tolist() == list(range(1, 1 + round(len(ids) * 0.15)))


def test_at_least_one_prediction_unless_all_tokens_are_special(tokenizer):
    collator = DataCollatorForPreTraining(tokenizer, mlm_probability=0.01)
    the = tokenizer.get_vocab()["the"]
    labels = collator([{"input_ids": [tokenizer.cls_token_id, the, tokenizer.sep_token_id]}])["labels"]
    assert labels[0].tolist() == [IGNORED, the, IGNORED]
    assert (collator([{"input_ids": [tokenizer.cls_token_id, *[the] * 20]}])["labels"] != IGNORED).sum() == 1
    for whole_words in (False, True):
        collator = DataCollatorForPreTraining(tokenizer, whole_word_masking=whole_words)
        assert (collator([{"input_ids": [tokenizer.cls_token_id] * 3}])["labels"] == IGNORED).all()


@pytest.mark.parametrize("mlm_probability", [-1, 0, 1.01, 5.0])
def test_invalid_probabilities_are_rejected(tokenizer, mlm_probability):
    with pytest.raises(ConfigError, match=f"mlm_probability is {mlm_probability}"):
        DataCollatorForPreTraining(tokenizer, mlm_probability=mlm_probability)


def test_the_smallest_number_of_predictions_is_one(tokenizer, regular):
    with pytest.raises(ConfigError, match="max_predictions is 0"):
        DataCollatorForPreTraining(tokenizer, max_predictions=0)
    batch = DataCollatorForPreTraining(tokenizer, max_predictions=1)(make_examples(tokenizer, regular, 4))
    assert ((batch["labels"] != IGNORED).sum(1) == 1).all()


def test_the_defaults_are_those_of_the_paper(tokenizer):
    collator = DataCollatorForPreTraining(tokenizer)
    assert (collator.mlm_probability, collator.whole_word_masking) == (0.15, False)
    assert collator.max_predictions is collator.lengths is None

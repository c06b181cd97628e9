import copy
import subprocess
import sys

import pytest
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from bert_finetune_kit import ConfigError, ModelError, train_wordpiece
from bert_finetune_kit.data.vocabulary import check_vocabulary, continuation_mask, load_tokenizer


def test_wordpiece_round_trip(tokenizer, tmp_path):
    text = "the smithy opens at eleven o'clock."
    assert tokenizer.unk_token_id not in tokenizer(text)["input_ids"]
    decoded = tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True)
    assert decoded.replace(" ", "") == text.replace(" ", "")
    tokenizer.save_pretrained(tmp_path)
    assert load_tokenizer(tmp_path)(text)["input_ids"] == tokenizer(text)["input_ids"]


def test_wordpiece_case():
    texts = ["Anton und Anna"] * 5
    assert "Anton" in train_wordpiece(texts, 200, lowercase=False).get_vocab()
    assert "anton" in train_wordpiece(texts, 200).get_vocab()


def test_training_gives_one_vocabulary_in_every_process():
    # Hash maps are seeded anew in each process, so only a second process can show that their order does not matter.
    code = (
        "import bert_finetune_kit as kit, bert_finetune_kit.data.sample as sample;"
        "texts = [' '.join(document) for document in sample.sample_documents('train', count=50)];"
        "print(sorted(kit.train_wordpiece(texts, 600).get_vocab().items()))"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(runs) == 1
    assert "##" in runs.pop()


def test_wordpiece_faults_are_told_together():
    with pytest.raises(ConfigError, match=r"(?s)2 faults.*vocab_size is 10.*min_frequency is 0"):
        train_wordpiece([], 10, min_frequency=0)
    with pytest.raises(ModelError, match="no text"):
        train_wordpiece([], 200)


def test_truncation_and_padding_of_a_tokenizer_are_taken_off(tokenizer):
    given = copy.deepcopy(tokenizer)
    given.backend_tokenizer.enable_truncation(4)
    given.backend_tokenizer.enable_padding(length=4)
    loaded = load_tokenizer(given)
    long = "the smithy of greyford " * 10
    assert len(loaded.backend_tokenizer.encode(long).ids) > 40
    assert given.backend_tokenizer.truncation is not None  # the user's object stays as it was


def test_a_vocabulary_file(tokenizer, tmp_path):
    file = tmp_path / "vocab.txt"
    file.write_text("\n".join(sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)) + "\n", "utf-8")
    assert load_tokenizer(file)("the smithy")["input_ids"] == tokenizer("the smithy")["input_ids"]


def test_what_is_no_tokenizer(tmp_path):
    with pytest.raises(ModelError, match=r"vocab.txt does not exist"):
        load_tokenizer(tmp_path / "vocab.txt")
    with pytest.raises(ModelError, match="No tokenizer can be loaded from"):
        load_tokenizer(tmp_path)
    bare = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(_bare_tokenizer()))
    with pytest.raises(ModelError, match="mask_token"):
        load_tokenizer(bare)


def _bare_tokenizer():
    from tokenizers import models

    return Tokenizer(models.WordLevel({"a": 0}, unk_token="a")).to_str()


def test_check_vocabulary(tokenizer):
    check_vocabulary(tokenizer, len(tokenizer))
    check_vocabulary(tokenizer, 864)  # 800 padded up to a multiple of 8
    for rows in (len(tokenizer) - 1, 801, 2000):
        with pytest.raises(ModelError, match="do not match"):
            check_vocabulary(tokenizer, rows)


def test_continuation_mask(tokenizer):
    mask = continuation_mask(tokenizer)
    assert len(mask) == len(tokenizer)
    assert {mask[id] for piece, id in tokenizer.get_vocab().items() if piece.startswith("##")} == {True}
    assert not mask[tokenizer.get_vocab()["the"]]


def test_the_alphabet_of_a_large_vocabulary_is_not_bounded():
    letters = [chr(0x4E00 + number) for number in range(1500)]
    tokenizer = train_wordpiece([" ".join(letters)] * 2, 8000)
    assert not {tokenizer.unk_token_id} & set(tokenizer(" ".join(letters))["input_ids"])


def test_one_string_is_not_a_list_of_texts():
    with pytest.raises(ConfigError, match="single string"):
        train_wordpiece("a text", 500)

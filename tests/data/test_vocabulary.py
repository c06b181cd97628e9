import copy
import re
import subprocess
import sys

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertConfig, BertTokenizer, PreTrainedTokenizerFast

from bert_finetune_kit import ConfigError, ModelError, train_wordpiece
from bert_finetune_kit.data.vocabulary import (
    check_ids,
    continuation_mask,
    is_padded,
    load_tokenizer,
    open_tokenizer,
    vocabulary_notes,
    vocabulary_size,
)


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


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("needed", "message"),
    [
        (("pad_token",), r"has no pad_token, which pads the texts of a batch: .*\(tokenizer.pad_token = …\)"),
        (("pad_token", "mask_token"), "no pad_token, .*, and no mask_token, which stands for the masked words"),
    ],
)
def test_special_tokens_that_are_needed(needed, message):
    bare = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(_bare_tokenizer()))
    with pytest.raises(ModelError, match=message):
        load_tokenizer(bare, needed)
    bare.pad_token = "a"
    assert load_tokenizer(bare).unk_token is None


def _bare_tokenizer():
    from tokenizers import models

    return Tokenizer(models.WordLevel({"a": 0}, unk_token="a")).to_str()


def test_rows_of_the_embedding(tokenizer):
    """Published checkpoints have more rows: deberta-v3 99, multilingual-e5-small 35, an Italian BERT 1,000."""
    for rows in (800, 801, 864, 835, 899, 927):
        assert vocabulary_notes(tokenizer, rows) == ()
    (note,) = vocabulary_notes(tokenizer, 1_800)
    assert "has 800 entries, the embedding of the model 1,800 rows" in note
    with pytest.raises(ModelError, match=r"799 rows: they do not match.*resize_token_embeddings\(800\)"):
        vocabulary_notes(tokenizer, 799)


def test_rows_that_padding_explains():
    assert [is_padded(rows, 800) for rows in (800, 864, 920)] == [True] * 3
    assert not any(is_padded(rows, 800) for rows in (799, 801, 928, 792))


@pytest.mark.parametrize("how", ["attribute", "from_pretrained"])
def test_what_is_set_on_a_tokenizer_is_saved(tokenizer, tmp_path, how):
    """Else a model that was trained on the ends of texts would read their beginnings where it is loaded."""
    tokenizer.save_pretrained(tmp_path / "given")
    settings = {"truncation_side": "left", "padding_side": "left", "model_input_names": ["input_ids", "attention_mask"]}
    given = AutoTokenizer.from_pretrained(tmp_path / "given", **(settings if how == "from_pretrained" else {}))
    for name, value in settings.items() if how == "attribute" else ():
        setattr(given, name, value)
    load_tokenizer(given).save_pretrained(tmp_path / "saved")
    saved = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert {name: getattr(saved, name) for name in settings} == settings
    text = "the smithy of greyford"
    assert saved(text, max_length=4, truncation=True)["input_ids"][1:-1] == tokenizer(text)["input_ids"][-3:-1]


SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CASED = ("Bank", "of", "Oslo", "bank", "o", "##s", "##lo")
UNCASED = ("bank", "of", "oslo", "##s")


def write(file, *pieces, end="\n"):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes("".join(piece + end for piece in pieces).encode())
    return file


@pytest.mark.parametrize(
    ("pieces", "text", "expected", "note"),
    [
        (CASED, "Bank of Oslo", ["Bank", "of", "Oslo"], "they are not, .*capital letters (such as in 'Bank')"),
        (UNCASED, "Bank of Oslo", ["bank", "of", "oslo"], "they are, since the vocabulary has no capital letters"),
        ((*UNCASED, "öl"), "Öl of Oslo", ["öl", "of", "oslo"], "they are, and keep their accents"),
        ((*UNCASED, "[URL]", *(f"w{n}" for n in range(200)), "A"), "Oslo", ["oslo"], "they are, since"),
    ],
    ids=["cased", "uncased", "accents", "one addition"],
)
@pytest.mark.parametrize("form", ["file", "folder", "folder with a model", "tokenizer.json"])
def test_where_nothing_is_declared_the_entries_tell_the_case(tmp_path, pieces, text, expected, note, form):
    file = write(tmp_path / "vocab.txt", *SPECIAL, *pieces)
    if form in ("folder with a model", "tokenizer.json"):
        BertConfig().save_pretrained(tmp_path)
    if form == "tokenizer.json":
        BertTokenizer(vocab=str(file)).save_pretrained(tmp_path)
        (tmp_path / "tokenizer_config.json").unlink()
    loaded = open_tokenizer(file if form == "file" else tmp_path)
    assert loaded.tokenizer.tokenize(text) == expected
    assert re.search(re.escape(note).replace(r"\.\*", ".*"), *loaded.notes)


def test_a_declared_case_is_kept(tmp_path):
    write(tmp_path / "vocab.txt", *SPECIAL, *CASED)
    BertConfig().save_pretrained(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    loaded = open_tokenizer(tmp_path)
    assert loaded.tokenizer.tokenize("Bank") == ["bank"]
    assert loaded.notes == ()


def test_the_id_of_a_piece_is_its_line(tmp_path):
    """Whatever there is beside it: other line ends, white space, blank lines, a byte order mark, an equal piece."""
    plain = open_tokenizer(write(tmp_path / "plain.txt", *SPECIAL, "cat", "dog")).tokenizer
    assert plain("cat dog")["input_ids"] == [2, 5, 6, 3]
    for name, pieces, end in (
        ("crlf", (*SPECIAL, "cat", "dog"), "\r\n"),
        ("white", (*SPECIAL, "cat", "dog"), " \t\n"),
        ("blank", (*SPECIAL, "cat", "dog", "", ""), "\n"),
        ("mark", ("\ufeff[PAD]", *SPECIAL[1:], "cat", "dog"), "\n"),
    ):
        tokenizer = open_tokenizer(write(tmp_path / f"{name}.txt", *pieces, end=end)).tokenizer
        assert (vocabulary_size(tokenizer), tokenizer.get_vocab()) == (7, plain.get_vocab())
    blank = open_tokenizer(write(tmp_path / "between.txt", *SPECIAL, "", "cat", "dog")).tokenizer
    assert blank("cat dog")["input_ids"] == [2, 6, 7, 3]
    assert (vocabulary_size(blank), len(blank)) == (8, 7)


@pytest.mark.parametrize("form", ["file", "folder", "declared"])
def test_a_repeated_entry_is_named_and_has_the_last_id(tmp_path, form):
    file = write(tmp_path / "vocab.txt", *SPECIAL, "cat", "cat", "dog")
    BertConfig().save_pretrained(tmp_path)
    if form == "declared":
        (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    loaded = open_tokenizer(file if form == "file" else tmp_path)
    assert loaded.tokenizer("cat dog")["input_ids"] == [2, 6, 7, 3]
    assert "vocab.txt has an entry more than once ('cat'), with the id of the last line" in loaded.notes
    assert vocabulary_size(loaded.tokenizer) == len(continuation_mask(loaded.tokenizer)) == 8
    assert vocabulary_notes(loaded.tokenizer, 8) == ()
    with pytest.raises(ModelError, match=r"7 entries with ids up to 7, .* 7 rows.*'dog' \(7\)"):
        check_ids(loaded.tokenizer, 7)


def test_a_vocabulary_without_special_tokens_or_of_other_bytes_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"lacks \[MASK\]"):
        open_tokenizer(write(tmp_path / "vocab.txt", *SPECIAL[:-1], "cat"))
    (tmp_path / "vocab.txt").write_bytes("käse".encode("latin-1"))
    with pytest.raises(ModelError, match="is not UTF-8"):
        open_tokenizer(tmp_path)


def test_a_tokenizer_json_alone_names_no_special_tokens(tokenizer, tmp_path):
    tokenizer.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    loaded = load_tokenizer(tmp_path)
    assert (loaded.mask_token_id, loaded.pad_token_id) == (tokenizer.mask_token_id, tokenizer.pad_token_id)
    assert loaded("the smithy")["input_ids"] == tokenizer("the smithy")["input_ids"]


def test_added_tokens_without_a_row_are_named(tokenizer):
    added = copy.deepcopy(tokenizer)
    added.add_tokens(["[URL]"])
    check_ids(added, 801)
    with pytest.raises(ModelError, match=r"Without a row: '\[URL\]' \(800\)"):
        check_ids(added, 800)


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

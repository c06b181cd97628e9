import copy

import pytest
from small_recipes import KINDS, build
from tokenizers import Tokenizer
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForPreTraining,
    ModernBertConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
)

from bert_finetune_kit import ModelError, PretrainConfig
from bert_finetune_kit.data.tokenizer_kinds import train_byte_level
from bert_finetune_kit.recipes.tokenizer import check_tokenizer, choose_tokenizer
from bert_finetune_kit.reporting.schema import REPORT_FILE


@pytest.mark.parametrize("name", KINDS)
def test_a_tokenizer_that_cannot_be_loaded_is_found_before_the_data_are_read(name, config, tmp_path, monkeypatch):
    """A pipeline checks the settings of all stages before the first one trains."""
    recipe = build(name, config, tmp_path / "run", tokenizer=str(tmp_path / "missing"))
    monkeypatch.setattr(type(recipe), "load_examples", None)
    with pytest.raises(ModelError, match=r"No tokenizer can be loaded from .*missing"):
        recipe.prepare()
    with pytest.raises(ModelError, match="No tokenizer"):
        recipe.check_settings()


def test_a_model_in_a_folder_with_the_name_of_a_repository_is_noted(tokenizer, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config.save_pretrained("google-bert/bert-base-uncased")
    tokenizer.save_pretrained("google-bert/bert-base-uncased")
    choice = choose_tokenizer("google-bert/bert-base-uncased", None, [], "", tmp_path)
    (note,) = choice.notes
    assert note.startswith("google-bert/bert-base-uncased was read from the folder of that name")
    (tmp_path / "google-bert/bert-base-uncased" / REPORT_FILE).write_text("{}", "utf-8")  # the folder of a run
    assert choose_tokenizer("google-bert/bert-base-uncased", None, [], "", tmp_path).notes == ()


@pytest.mark.parametrize("given", [True, False])
def test_a_config_gets_the_size_of_the_tokenizer(tokenizer, tmp_path, given):
    texts = ["the smithy of greyford opens at six"] * 4
    choice = choose_tokenizer(BertConfig(), tokenizer if given else None, texts, "", tmp_path)
    assert choice.model.vocab_size == len(choice.tokenizer)
    assert any("the vocabulary of the config, 30,522, was set to the size of the tokenizer" in n for n in choice.notes)


def test_a_config_whose_vocabulary_is_padded_is_kept(tokenizer, tmp_path):
    choice = choose_tokenizer(BertConfig(vocab_size=864), tokenizer, [], "", tmp_path)
    assert (choice.model.vocab_size, choice.notes) == (864, ())


@pytest.mark.parametrize(
    ("config", "longest"),
    [
        (BertConfig(vocab_size=300), 512),
        (RobertaConfig(vocab_size=400, max_position_embeddings=130), 129),  # from that after padding, 0
        (ModernBertConfig(vocab_size=400), 8_192),
    ],
)
def test_a_new_tokenizer_knows_the_longest_sequence_of_its_model(config, longest, tmp_path):
    """Else `truncation=True`, as of a pipeline, truncates nothing, and a long text ends in an error."""
    choice = choose_tokenizer(config, None, ["the smithy of greyford opens at six"] * 4, "", tmp_path)
    choice.tokenizer.save_pretrained(tmp_path)
    saved = AutoTokenizer.from_pretrained(tmp_path)
    assert saved.model_max_length == longest
    assert len(saved("six " * 9_000, truncation=True)["input_ids"]) == longest


def test_a_longest_sequence_that_is_set_is_kept(tokenizer, tmp_path):
    short = copy.deepcopy(tokenizer)
    short.model_max_length = 100
    assert choose_tokenizer(BertConfig(), short, [], "", tmp_path).tokenizer.model_max_length == 100


def test_new_weights_of_modernbert_get_a_byte_level_tokenizer(tmp_path):
    texts = ["The Smithy of Greyford opens at six"] * 4
    choice = choose_tokenizer(ModernBertConfig(vocab_size=400), None, texts, "", tmp_path)
    tokens = choice.tokenizer.convert_ids_to_tokens(choice.tokenizer("The Smithy")["input_ids"])
    assert (tokens[0], tokens[-1]) == ("[CLS]", "[SEP]")
    assert "".join(tokens[1:-1]) == "TheĠSmithy"
    assert "token_type_ids" not in choice.tokenizer("a", "b")
    ids = choice.tokenizer.convert_tokens_to_ids(["[CLS]", "[SEP]"])
    assert [choice.model.bos_token_id, choice.model.eos_token_id] == ids


@pytest.fixture
def begin_and_end():
    """A byte-level tokenizer with `<s>` and `</s>` as beginning and end of a text, as EuroBERT's, and only padding."""
    rules = train_byte_level(["the smithy of greyford opens at six"] * 4, 400).backend_tokenizer.to_str()
    for name, other in {"CLS": "<s>", "SEP": "</s>", "PAD": "<pad>", "UNK": "<1>", "MASK": "<2>"}.items():
        rules = rules.replace(f"[{name}]", other)
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(rules), bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )


def test_what_no_recipe_reads_of_a_tokenizer_is_not_needed(begin_and_end, tmp_path):
    check_tokenizer("tiny", begin_and_end)
    choice = choose_tokenizer(RobertaConfig(), begin_and_end, [], "", tmp_path)
    assert (choice.model.bos_token_id, choice.model.eos_token_id) == tuple(begin_and_end("")["input_ids"])


@pytest.mark.parametrize("name", ["classification", "question_answering"])
def test_a_fine_tuning_with_a_tokenizer_without_unknown_and_masked_words(name, begin_and_end, tmp_path):
    model = RobertaConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, max_position_embeddings=130
    )
    once = {
        "max_steps": 1,
        "warmup_steps": 0,
        "eval_strategy": "no",
        "save_strategy": "no",
        "load_best_model_at_end": False,
    }
    report = build(name, model, tmp_path, tokenizer=begin_and_end, **once).train()
    assert report.data["train"]["unknown_tokens"] == 0


def test_masked_words_need_a_mask(begin_and_end, tmp_path, monkeypatch):
    config = PretrainConfig(objective="none")
    recipe = build("pretraining", RobertaConfig(), tmp_path, tokenizer=begin_and_end, config=config)
    monkeypatch.setattr(type(recipe), "load_examples", None)
    with pytest.raises(ModelError, match="no mask_token, which stands for the masked words"):
        recipe.prepare()


def test_a_tokenizer_without_special_tokens_around_a_text_is_found_before_the_data_are_read(tokenizer):
    bare = copy.deepcopy(tokenizer)
    bare.backend_tokenizer.post_processor = None
    with pytest.raises(ModelError, match="does not put special tokens around a text"):
        check_tokenizer("tiny", bare)


@pytest.mark.parametrize("name", KINDS)
def test_a_checkpoint_with_more_rows_than_tokens_is_trained_with_a_note(name, config, tokenizer, tmp_path):
    """Rows that no token has are in many published checkpoints; only tokens without a row cannot be trained."""
    config.vocab_size = len(tokenizer) + 1_000
    BertForPreTraining(config).save_pretrained(tmp_path / "model")
    prepared = build(name, str(tmp_path / "model"), tmp_path / "run", tokenizer=tokenizer).prepare()
    assert prepared.model.config.vocab_size == len(tokenizer) + 1_000
    assert any("the embedding of the model 1,800 rows" in note for note in prepared.notes)

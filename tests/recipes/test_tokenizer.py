import pytest
from small_recipes import KINDS, build

from bert_finetune_kit import ModelError
from bert_finetune_kit.recipes.tokenizer import choose_tokenizer
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


def test_a_model_in_a_folder_with_the_name_of_a_repository_is_noted(tokenizer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tokenizer.save_pretrained("google-bert/bert-base-uncased")
    choice = choose_tokenizer("google-bert/bert-base-uncased", None, [], "", tmp_path)
    (note,) = choice.notes
    assert note.startswith("google-bert/bert-base-uncased was read from the folder of that name")
    (tmp_path / "google-bert/bert-base-uncased" / REPORT_FILE).write_text("{}", "utf-8")  # the folder of a run
    assert choose_tokenizer("google-bert/bert-base-uncased", None, [], "", tmp_path).notes == ()

"""How two runs differ: in words, the most important first."""

from bert_finetune_kit.runs.differences import compare, differences

RUN = {
    "recipe": "classification", "seed": 1, "num_train_epochs": 3, "config.max_length": 128, "task.metrics": ["f1"],
    "model": "runs/a", "model.sha256": "12", "model.hidden_act": "gelu", "tokenizer": "vocab.txt",
    "version of torch": "2.13", "training examples": 4, "data": "ab", "validation data": "cd",
    "tokenizer.content": "ef", "labels": ["no", "yes"],
}  # fmt: skip


def test_what_matters_most_is_named_first_and_all_is_named():
    changed = {name: f"not {value}" for name, value in RUN.items()} | {"recipe": RUN["recipe"], "lora.r": 8}
    names = [line.split(" was ")[0] for line in differences(RUN, changed)]
    assert names == [
        "training examples", "training examples have changed", "validation examples have changed", "labels",
        "task.metrics", "model", "model.sha256", "model.hidden_act", "tokenizer",
        "the content of the tokenizer has changed", "lora.r", "config.max_length", "seed", "num_train_epochs",
        "version of torch",
    ]  # fmt: skip


def test_another_recipe_is_named_first_and_settings_that_only_one_has_follow_from_it():
    other = {name: value for name, value in RUN.items() if not name.startswith("task")}
    lines = differences(RUN, other | {"recipe": "question_answering", "config.doc_stride": 64, "seed": 2})
    assert lines == ["recipe was 'classification' and is now 'question_answering'", "seed was 1 and is now 2"]


def test_the_name_of_the_same_weights_or_tokenizer_does_not_matter():
    """A folder that was moved; a tokenizer object in place of its file. Without a digest the name is all there is."""
    assert differences(RUN, RUN | {"model": "/elsewhere/a", "tokenizer": "BertTokenizer"}) == []
    hub = {name: value for name, value in RUN.items() if name != "model.sha256"}
    assert differences(hub, hub | {"model": "bert"}) == ["model was 'runs/a' and is now 'bert'"]


def test_versions_and_a_longer_training_are_told_apart():
    different = compare(RUN, RUN | {"version of torch": "3", "num_train_epochs": 4, "seed": 2})
    assert different.mixed == ("seed was 1 and is now 2",)
    assert different.versions == ("version of torch was '2.13' and is now '3'",)
    assert different.extended == ("num_train_epochs was 3 and is now 4",)
    assert compare(RUN, RUN | {"num_train_epochs": 2}).mixed == ("num_train_epochs was 3 and is now 2",)


def test_what_json_cannot_hold_is_compared_as_it_was_saved():
    assert differences({"limit": "inf", "layers": [1, 2]}, {"limit": float("inf"), "layers": (1, 2)}) == []

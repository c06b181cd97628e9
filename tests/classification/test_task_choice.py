"""What stands in the first place of a `ClassificationRecipe`: data or a task."""

import pandas as pd
import pytest
from datasets import Dataset, DatasetDict

from bert_finetune_kit import (
    ClassificationRecipe,
    ClassificationTask,
    ConfigError,
    DataError,
    LabelledSource,
    Prediction,
    get_task,
)
from bert_finetune_kit.classification.predict import with_prediction
from bert_finetune_kit.classification.task_choice import is_data
from bert_finetune_kit.tasks.registry import SAMPLE_TASK

ROWS = [{"review": f"place {n}", "stars": "good" if n % 2 else "bad"} for n in range(20)]
COLUMNS = {"text": "review", "label": "stars"}


@pytest.fixture
def reviews(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pd.DataFrame(ROWS).to_csv("reviews.csv", index=False)
    pd.DataFrame(ROWS[:4]).to_csv("dev.csv", index=False)
    return "reviews.csv"


def make(*given, **settings):
    return ClassificationRecipe(*given, model="tiny", **settings)


@pytest.mark.parametrize("form", ["name", "path", "folder", "frame", "dicts", "dict", "dataset", "splits", "source"])
def test_data_in_the_first_place_with_their_columns(reviews, tmp_path, form):
    table = Dataset.from_list(ROWS)
    given = {
        "name": reviews, "path": tmp_path / reviews, "folder": tmp_path, "frame": pd.DataFrame(ROWS), "dicts": ROWS,
        "dict": pd.DataFrame(ROWS).to_dict("list"),
        "dataset": table, "splits": DatasetDict(train=table), "source": LabelledSource(reviews),
    }[form]  # fmt: skip
    recipe = make(given, **COLUMNS)
    rows = recipe.load_examples()
    assert rows.train["review"][:] == [row["review"] for row in ROWS]
    assert recipe.task == ClassificationTask("my_task", text="review", label="stars")


def test_data_to_evaluate_on(reviews):
    recipe = make(reviews, validation="dev.csv", **COLUMNS)
    assert recipe.source == LabelledSource(reviews, validation="dev.csv")
    assert len(recipe.load_examples().validation["validation"]) == 4
    with pytest.raises(
        ConfigError, match=r"two data sets, 'reviews.csv' and 'dev.csv'. Pass the one to evaluate on as val"
    ):
        make(reviews, "dev.csv", **COLUMNS)


def test_two_things_that_are_no_two_data_sets(tmp_path):
    texts, labels = [row["review"] for row in ROWS], [row["stars"] for row in ROWS]
    for form in (list, tuple, pd.Series):
        with pytest.raises(ConfigError, match=r'There are two lists.*as in {"text": texts, "label": labels}'):
            make(form(texts), form(labels))
    with pytest.raises(ConfigError, match=r"two data sets, a list and a list. Pass the one to evaluate on"):
        make(ROWS, ROWS)
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_text("{}", "utf-8")
    for data in (pd.DataFrame(ROWS), "reviews.csv"):
        with pytest.raises(ConfigError, match=f"{tmp_path} is the folder of a model: pass it as model="):
            make(data, tmp_path)
    with pytest.raises(ConfigError, match="as validation=, and a model as model="):
        make(pd.DataFrame(ROWS), "google-bert/bert-base-uncased")


def test_tasks_in_the_first_place(reviews, tmp_path):
    own = ClassificationTask("mine", **COLUMNS)
    assert make(own, reviews).task is own
    assert make("sst2").task is get_task("sst2")
    assert make("sst2", reviews, text="review", label="stars").task.text == "review"
    (tmp_path / "mine.yaml").write_text("text: review\nlabel: stars\nlabels: [no, yes, 3]\n", "utf-8")
    assert make("mine.yaml", reviews).task.labels == ("no", "yes", "3")
    assert make().task is SAMPLE_TASK
    assert make(source=reviews).task.labels is None  # and not those of the sample


def test_a_name_of_nothing_says_how_to_pass_a_file():
    with pytest.raises(
        ConfigError, match=r"no task 'sst-2'. Did you mean 'sst2'.*a file with its ending \('reviews.csv'\)"
    ):
        make("sst-2")
    with pytest.raises(DataError, match=r"nothing.csv does not exist"):
        make("nothing.csv").load_examples()


def test_the_name_of_a_task_is_that_task_and_other_names_of_folders_are_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("sst2", "corpus"):
        (tmp_path / name).mkdir()
    assert [is_data(given) for given in ("sst2", "corpus", "org/corpus", "korpus")] == [False, True, True, False]


def test_keywords_that_there_are_not():
    with pytest.raises(
        ConfigError, match=r"(?s)3 faults.*'modle'; did you mean 'model'.*output_dir belongs into args=.*max_l"
    ):
        ClassificationRecipe("a.csv", modle="tiny", output_dir="runs/a", max_length=64)


def test_labels_of_one_column_are_separated():
    rows = [{"text": f"text {n}", "label": "news;sport" if n % 2 else "news" if n % 3 else None} for n in range(12)]
    recipe = make(rows, kind="multi_label", label_separator=";")
    prediction = Prediction(("a", "b"), 0.7, {"a": 0.9, "b": 0.7})
    written = [
        with_prediction({}, [], prediction, ["a", "b"], each)["label"] for each in (recipe.task.label_separator, None)
    ]
    assert written == ["a;b", ["a", "b"]]
    data = recipe.prepare_data()
    assert data.labels.names == ("news", "sport")
    assert sorted({tuple(row) for row in data.train.labels.tolist()}) == [(0, 0), (1, 0), (1, 1)]
    with pytest.raises(ConfigError, match=r"label_separator is ';': .*set kind='multi_label'"):
        make(rows, label_separator=";")


def test_held_out_groups_and_labels():
    rows = [{"text": f"text {n}", "label": n % 10 < 2, "author": n // 10} for n in range(100)]
    split = make(rows).prepare_data()
    assert split.validation["validation"].labels.sum() == 2  # a fifth of ten
    recipe = make(LabelledSource(rows, group="author", validation_share=0.3))
    data = recipe.prepare_data()
    held_out = set(data.validation_rows["validation"]["author"])
    assert len(held_out) == 3
    assert len(data.train) == 70
    assert "3 of 10 groups (by author, 30 examples) are held out" in " ".join(data.notes)


def test_equal_texts_are_held_out_together():
    """A text that is trained on would be a question whose answer is known."""
    texts = [text for n in range(20) for text in (f"Text {n}", f"text  {n}")]
    rows = [{"text": text, "label": number % 4 > 1} for number, text in enumerate(texts)]
    data = make(rows).prepare_data()
    held_out = {" ".join(text.lower().split()) for text in data.validation_rows["validation"]["text"]}
    assert (len(data.train), len(held_out)) == (36, 2)
    assert "4 of 40 examples (equal texts together) are held out" in " ".join(data.notes)
    with pytest.raises(DataError, match="the train split has 1 different text: at least 2 are needed"):
        make([{"text": "the same", "label": label} for label in (0, 1)]).prepare_data()


def test_labels_that_differ_in_case_alone_are_told():
    rows = [{"text": f"text {n}", "label": ("neg", "NEG", "pos")[n % 3]} for n in range(30)]
    assert "the labels 'NEG' and 'neg' differ in case alone" in " ".join(make(rows).prepare_data().notes)
    assert "differ in case" not in " ".join(make(rows, labels=("neg", "NEG", "pos")).prepare_data().notes)


def test_a_column_of_ids_in_place_of_labels_is_a_short_error():
    rows = [{"text": f"text {n}", "label": f"id {n}"} for n in range(500)]
    with pytest.raises(
        DataError, match=r"and 40 more, which no .* 450 labels for 450 examples: set the label"
    ) as error:
        make(rows).prepare_data()
    assert len(str(error.value)) < 500

import datasets
import pytest
from datasets import Dataset, DatasetDict

from bert_finetune_kit import DataError
from bert_finetune_kit.data.files import Files
from bert_finetune_kit.data.opening import describe_source, load_hub, looks_like_path, open_splits

ROWS = Dataset.from_dict({"text": ["a"]})


def names_of(opened, name):
    return sorted(path.name for path in opened.paths) if isinstance(opened, Files) else name


def opened(given, split="train"):
    return open_splits(given, names_of, (".csv", ".txt"), split)


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x", "utf-8")


def test_splits_that_nobody_needs_are_not_read():
    read = []
    splits = open_splits(DatasetDict(train=ROWS, test=ROWS), lambda _, name: read.append(name), ())
    assert ("test" in splits, list(splits), len(splits)) == (True, ["train", "test"], 2)
    assert read == []
    splits.pick("test")
    assert read == ["a data set in memory, split 'test'"]


def test_a_split_that_is_not_there():
    splits = opened(DatasetDict(train=ROWS, test=ROWS))
    with pytest.raises(DataError, match=r"no split 'dev' in a data set in memory. Available splits: train, test"):
        splits.pick("dev")
    with pytest.raises(DataError, match=r"no split 'dev' or 'validation' in"):
        splits.pick_first("dev", "validation")
    with pytest.raises(DataError, match=r"several splits, and one is needed"):
        splits.pick_first()
    assert splits.pick_first("dev", "test").endswith("'test'")
    assert opened(ROWS, "given").pick_first("dev").endswith("'given'")


@pytest.mark.parametrize(
    ("names", "split", "expected"),
    [
        (("a.csv", "b.txt", "c.pdf"), "train", {"train": ["a.csv", "b.txt"]}),
        (
            ("a.csv", "dev.csv", "Test_1.csv"),
            "train",
            {"train": ["a.csv"], "test": ["Test_1.csv"], "validation": ["dev.csv"]},
        ),
        (("a.csv", "train.csv"), "train", {"train": ["train.csv"], "a": ["a.csv"]}),
        (("a.csv", "dev_matched.csv"), "train", {"train": ["a.csv"], "validation_matched": ["dev_matched.csv"]}),
        (("test.csv",), "train", {"test": ["test.csv"]}),
        (("a.csv", "b.csv"), "validation", {"validation": ["a.csv", "b.csv"]}),
        (("a.csv", "dev.csv"), "validation", {"validation": ["dev.csv"], "a": ["a.csv"]}),
        (("train/a.csv", "test/b.csv"), "train", {"train": ["a.csv"], "test": ["b.csv"]}),
    ],
)
def test_the_splits_of_a_folder(tmp_path, names, split, expected):
    write(tmp_path, *names)
    splits = opened(tmp_path, split)
    assert dict(splits) == expected
    assert next(iter(splits)) == next(iter(expected))


def test_lists_are_of_files(tmp_path):
    write(tmp_path, "a.csv", "b.csv")
    files = [tmp_path / "a.csv", str(tmp_path / "b.csv")]
    assert dict(opened(files)) == {"train": ["a.csv", "b.csv"]}
    assert dict(opened([tmp_path])) == {"train": ["a.csv", "b.csv"]}
    for given, message in (
        ([*files, tmp_path], "is a folder, and was given with .*a.csv"),
        ([ROWS, ROWS], "concatenate_datasets"),
        ([], "at least one"),
        (
            ["a fine film", "a bad one"],
            r'A list of strings is a list of files, and a fine film is none.*{"text": texts}',
        ),
        ([*files, tmp_path / "c.csv", tmp_path / "d.csv"], "c.csv, .*d.csv do not exist"),
    ):
        with pytest.raises(DataError, match=message):
            opened(given)


def test_paths_are_never_looked_up_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "load_dataset", None)
    for given in (tmp_path / "missing", str(tmp_path / "missing"), "missing.CSV", "data/some/file", "./missing"):
        with pytest.raises(DataError, match="does not exist"):
            opened(given)
    assert not looks_like_path("nyu-mll/glue")


def test_bare_names_of_hub_data_sets(monkeypatch):
    monkeypatch.setattr(datasets, "load_dataset", lambda *location: {"train": location})
    assert load_hub("squad", None) == {"train": ("rajpurkar/squad", None)}
    assert load_hub("wikitext-2-v1", None) == {"train": ("Salesforce/wikitext", "wikitext-2-v1")}
    assert load_hub("someone/corpus", "en") == {"train": ("someone/corpus", "en")}


def test_a_folder_with_the_name_of_a_hub_data_set_is_read_with_a_note(tmp_path, monkeypatch):
    write(tmp_path, "a.csv", "other.csv")
    (tmp_path / "rajpurkar/squad").mkdir(parents=True)
    (tmp_path / "rajpurkar/squad/a.csv").write_text("x", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets, "load_dataset", None)
    note = "rajpurkar/squad was read from the folder of that name in the working directory, not from the Hub"
    for given in ("rajpurkar/squad", ["squad"]):
        splits = opened(given)
        assert (dict(splits), splits.notes, splits.source) == ({"train": ["a.csv"]}, (note,), "rajpurkar/squad")
    for given in ("./rajpurkar/squad", "rajpurkar", tmp_path, "a.csv"):
        assert opened(given).notes == ()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("Config name is missing.\nPlease pick one among the available configs: ['cola', 'sst2']\nExample",
         r"several configs. .*\['cola', 'sst2'\]. Set hub_config"),
        ("BuilderConfig 'x' not found. Available: ['plain']", r"'x' not found. Available: \['plain'\]. Check the"),
    ],
)  # fmt: skip
def test_the_configs_of_a_hub_data_set_are_listed(monkeypatch, error, message):
    def fail(*_):
        raise ValueError(error)

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(DataError, match=message):
        load_hub("someone/corpus", None)


def test_names_for_reports():
    assert describe_source(["a.csv"]) == "a.csv"
    assert describe_source("someone/corpus", "en") == "someone/corpus (en)"
    assert describe_source(ROWS) == describe_source(DatasetDict(train=ROWS)) == "a data set in memory"


def test_hidden_files_are_no_data(tmp_path):
    write(tmp_path, "a.csv", ".ipynb_checkpoints/a-checkpoint.csv", "._a.csv")
    assert opened(tmp_path).pick("train") == ["a.csv"]


def test_a_folder_that_datasets_has_saved(tmp_path):
    ROWS.save_to_disk(tmp_path / "rows")
    DatasetDict(train=ROWS, test=ROWS).save_to_disk(tmp_path / "splits")
    read = lambda rows, _: rows["text"][:]  # noqa: E731
    assert open_splits(str(tmp_path / "rows"), read, ()).pick("train") == ["a"]
    assert list(open_splits(tmp_path / "splits", read, ())) == ["train", "test"]


@pytest.mark.parametrize(
    ("typo", "similar"),
    [("review.csv", "reviews.csv"), ("dta/reviews.csv", "data"), ("data/review.csv", "reviews.csv")],
)
def test_a_misspelt_path_gets_the_similar_name(tmp_path, monkeypatch, typo, similar):
    write(tmp_path, "reviews.csv", "data/reviews.csv", "other.csv")
    monkeypatch.chdir(tmp_path)
    for given in (typo, tmp_path / typo, ["other.csv", typo]):
        with pytest.raises(DataError, match=rf"does not exist \(did you mean '{similar}'\?\)"):
            opened(given)
    with pytest.raises(DataError, match=r"else.txt does not exist \(searched"):
        opened("else.txt")


def test_the_folder_of_a_model_is_no_data(tmp_path):
    write(tmp_path, "config.json", "model.safetensors")
    with pytest.raises(DataError, match=r"is the folder of a model.*as model="):
        opened(tmp_path)
    write(tmp_path, "a.csv")
    assert opened(tmp_path).pick("train") == ["a.csv"]


def test_a_split_is_of_one_split(tmp_path):
    write(tmp_path, "train.csv", "dev.csv", "other.csv")
    splits = opened({"train": tmp_path / "train.csv", "test": str(tmp_path / "other.csv")})
    assert (dict(splits), splits.source) == (
        {"train": ["train.csv"], "test": ["other.csv"]}, f"{tmp_path / 'train.csv'}, {tmp_path / 'other.csv'}",
    )  # fmt: skip
    with pytest.raises(DataError, match=r"given as the split 'train', has several splits.*: train, val"):
        opened({"train": tmp_path})

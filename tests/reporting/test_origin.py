from pathlib import Path

import pytest

from bert_finetune_kit.reporting.origin import data_origin, hub_id, last_part, path_hider
from bert_finetune_kit.reporting.schema import RunReport


def report_of(**settings):
    return RunReport("r", [], [], {}, {}, [], {}, [], {}, settings, {})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("google-bert/bert-base-uncased", "google-bert/bert-base-uncased"),
        ("imdb", "imdb"),
        (["imdb"], "imdb"),
        (["imdb", "sst2"], None),
        ("runs/mine", None),  # a folder, though it looks like an id
        ("/home/ada/model", None),
        ("~/model", None),
        ("a/b/c", None),
        ("../model", None),
        (r"C:\Users\ada\model", None),
        (Path("imdb"), None),
        (None, None),
    ],
)
def test_what_is_an_id_on_the_hub(given, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs/mine").mkdir(parents=True)
    assert hub_id(given) == expected


def test_bare_names_stand_for_ids_unless_a_folder_has_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert hub_id("squad", {"squad": "rajpurkar/squad"}) == "rajpurkar/squad"
    (tmp_path / "squad").mkdir()
    assert hub_id("squad", {"squad": "rajpurkar/squad"}) is None


def test_a_split_is_known_only_of_data_on_the_hub():
    assert data_origin("x", "imdb", None, ["test"])["own_splits"] == ["test"]
    assert data_origin("x", None, None, ["test"])["own_splits"] == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fine-tuned on /home/ada/data/reviews.csv (96 examples)", "fine-tuned on reviews.csv (96 examples)"),
        ("checkpoint '/scratch/ada/run/checkpoint-8' is torn", "checkpoint 'checkpoint-8' is torn"),
        (r"read C:\Users\ada\x.csv, twice", "read x.csv, twice"),
        ("~ada/runs/x and ~/runs/y", "x and y"),
        ("see https://example.org/a/b/c and and/or 1/2", "see https://example.org/a/b/c and and/or 1/2"),
        ("of ../ada/notes.txt", "of notes.txt"),
        ("google-bert/bert-base-uncased", "google-bert/bert-base-uncased"),
    ],
)
def test_paths_are_hidden(text, shown):
    report = report_of(source={"train": ["../ada/notes.txt"]}, model={"model_name_or_path": "g/b", "hub_id": "g/b"})
    assert path_hider(report)(text) == shown


def test_last_part():
    assert [last_part(path) for path in ("a/b/", "/", "..", "x", "../y", "a\\b")] == ["b", "/", "..", "x", "y", "b"]

import hashlib
from types import SimpleNamespace

import pytest

from bert_finetune_kit import ConfigError, DataError, OutputError, RunReport, read_settings, run_pipeline
from bert_finetune_kit.reporting.report import REPORT_FILE

RUN = {
    "summary": ["It went well."], "scores": [], "result": {}, "baselines": {}, "glossary": [], "data": {},
    "history": [], "parameters": {"name": "Bert", "total": 1, "trainable": 1, "tied": 0},
    "settings": {}, "timings": {"whole run": 1.0},
}  # fmt: skip


def stage(stage_name, log, folder, broken=False):
    """Return what stands for a recipe: it notes what happens to it."""

    class Stage:
        name = stage_name
        args = SimpleNamespace(process_index=0)
        given_model = None

        @classmethod
        def from_command_line(cls, argv):
            log.append((cls.name, *argv))
            return cls(), SimpleNamespace(force=False)

        def check_settings(self):
            log.append(f"{self.name} is checked")
            if stage_name == "wrong":
                raise ConfigError("The learning rate is below 0.")

        def load_examples(self):
            log.append(f"{self.name} opens its source")
            if broken:
                raise DataError("There is no such file.")

        def train(self, resume, force):
            assert resume
            if not (folder / self.name / REPORT_FILE).exists():
                log.append(f"{self.name} trains")
                (folder / self.name).mkdir(parents=True)
                RunReport(recipe=self.name, **RUN).save(folder / self.name)

    return Stage


def test_sources_are_opened_before_anything_is_trained(tmp_path):
    log = []
    stages = [stage("one", log, tmp_path), stage("two", log, tmp_path), stage("three", log, tmp_path, broken=True)]
    with pytest.raises(DataError):
        run_pipeline(stages, tmp_path, {})
    assert not any("trains" in one for one in log)
    assert "three opens its source" in log


def test_settings_are_checked_before_anything_is_trained(tmp_path):
    log = []
    with pytest.raises(ConfigError, match="below 0"):
        run_pipeline([stage("one", log, tmp_path), stage("wrong", log, tmp_path)], tmp_path, {})
    assert not any("trains" in one for one in log)


def test_a_stage_that_started_from_other_weights_is_no_part_of_it(tmp_path):
    """The first stage was run again, and the second had finished before."""
    log, stages = [], []
    stages = [stage("one", log, tmp_path), stage("two", log, tmp_path)]
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "model.safetensors").write_bytes(b"the weights")
    (tmp_path / "two").mkdir()
    given = {"model": {"given": str(tmp_path / "one"), "sha256": hashlib.sha256(b"the weights").hexdigest()}}
    for folder, settings in (("one", {}), ("two", given)):
        RunReport(recipe=folder, **(RUN | {"settings": settings})).save(tmp_path / folder)
    run_pipeline(stages, tmp_path, {})
    (tmp_path / "one" / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(OutputError, match="two has finished, from other weights"):
        run_pipeline(stages, tmp_path, {})


def test_stages_start_from_the_first_and_are_done_once(tmp_path):
    log = []
    stages = [stage("one", log, tmp_path), stage("two", log, tmp_path)]
    settings = {"one.train": ["a file.txt", "b.txt"], "two.bf16": [], "two.model": "mine"}
    overview = run_pipeline(stages, tmp_path, settings)
    assert list(overview.runs) == ["one", "two"]
    assert [one for one in log if "trains" in one] == ["one trains", "two trains"]
    assert ("one", "--output_dir", str(tmp_path / "one"), "--train", "a file.txt", "b.txt") in log
    flags = (
        "two",
        "--output_dir",
        str(tmp_path / "two"),
        "--model",
        str(tmp_path / "one"),
        "--bf16",
        "--model",
        "mine",
    )
    assert flags in log
    log.clear()
    run_pipeline(stages, tmp_path, settings)
    assert "one trains" not in log
    assert "two trains" not in log


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("train", "There is no setting 'train'.*one"),
        ("four.train", "There is no setting 'four.train'.*one"),
        ("one.", "There is no setting 'one.'.*one"),
        ("one.output_dir", "each stage has the folder of its name"),
    ],
)
def test_a_setting_of_no_stage(tmp_path, name, said):
    with pytest.raises(ConfigError, match=said):
        run_pipeline([stage("one", [], tmp_path)], tmp_path, {name: "x"})


def test_the_last_setting_of_a_name_counts():
    assert read_settings(["--one.a=5", "--one.b", "x", "y", "--one.b", "z"]) == {"one.a": ["5"], "one.b": ["z"]}


def test_a_word_before_any_setting():
    with pytest.raises(ConfigError, match=r"'x' stands before any setting"):
        read_settings(["x", "--one.train", "y"])

import hashlib
from types import SimpleNamespace

import pytest

from bert_finetune_kit import ConfigError, DataError, OutputError, RunReport, read_settings, run_pipeline
from bert_finetune_kit.reporting.schema import REPORT_FILE

RUN = {
    "summary": ["It went well."], "scores": [], "result": {}, "baselines": {}, "glossary": [], "data": {},
    "history": [], "parameters": {"name": "Bert", "total": 1, "trainable": 1, "tied": 0},
    "settings": {}, "timings": {"whole run": 1.0},
}  # fmt: skip


def stage(stage_name, log, folder, broken=False):
    """Return a stand-in for a recipe that logs what is called."""

    class Stage:
        name = stage_name
        epochs = 3
        args = SimpleNamespace(process_index=0)
        model_name_or_path = None

        @classmethod
        def from_command_line(cls, argv):
            log.append((cls.name, *argv))
            return cls(), SimpleNamespace(force=False)

        def fingerprint(self):
            return {"num_train_epochs": self.epochs}

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
                (folder / self.name).mkdir(parents=True, exist_ok=True)
                RunReport(recipe=self.name, **RUN, fingerprint=self.fingerprint()).save(folder / self.name)

    return Stage


def test_sources_are_opened_before_anything_is_trained(tmp_path):
    log = []
    stages = [stage("first", log, tmp_path), stage("second", log, tmp_path), stage("third", log, tmp_path, broken=True)]
    with pytest.raises(DataError):
        run_pipeline(stages, tmp_path, {})
    assert not any("trains" in event for event in log)
    assert "third opens its source" in log


def test_settings_are_checked_before_anything_is_trained(tmp_path):
    log = []
    with pytest.raises(ConfigError, match="below 0"):
        run_pipeline([stage("first", log, tmp_path), stage("wrong", log, tmp_path)], tmp_path, {})
    assert not any("trains" in event for event in log)


def test_a_finished_stage_that_started_from_other_weights_is_refused(tmp_path):
    """The first stage was run again, and the second had finished before."""
    log, stages = [], []
    stages = [stage("first", log, tmp_path), stage("second", log, tmp_path)]
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "model.safetensors").write_bytes(b"the weights")
    (tmp_path / "second").mkdir()
    given = {
        "model": {"model_name_or_path": str(tmp_path / "first"), "sha256": hashlib.sha256(b"the weights").hexdigest()}
    }
    for folder, settings in (("first", {}), ("second", given)):
        RunReport(recipe=folder, **(RUN | {"settings": settings})).save(tmp_path / folder)
    run_pipeline(stages, tmp_path, {})
    (tmp_path / "first" / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(OutputError, match="second has finished, from other weights"):
        run_pipeline(stages, tmp_path, {})


def test_a_first_stage_is_not_trained_longer_where_others_have_started_from_it(tmp_path):
    """They would be refused after its training; the stage that has not started from it does not matter."""
    log = []
    stages = [stage("first", log, tmp_path), stage("second", log, tmp_path), stage("third", log, tmp_path)]
    run_pipeline(stages, tmp_path, {})
    given = {"model": {"model_name_or_path": str(tmp_path / "first")}}
    RunReport(recipe="second", **(RUN | {"settings": given})).save(tmp_path / "second")
    stages[0].epochs = 4
    log.clear()
    message = (
        rf"(?s)first would be trained longer \(num_train_epochs was 3 and is now 4\).*: {tmp_path}/second\. Delete"
    )
    with pytest.raises(OutputError, match=message):
        run_pipeline(stages, tmp_path, {})
    assert not any("trains" in event for event in log)
    (tmp_path / "second" / REPORT_FILE).unlink()
    run_pipeline(stages, tmp_path, {})
    assert "second trains" in log


def test_a_damaged_report_of_a_finished_stage_is_found_before_another_trains(tmp_path):
    log = []
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / REPORT_FILE).write_text("{", "utf-8")
    with pytest.raises(OutputError, match=r"second.report\.json is damaged"):
        run_pipeline([stage("first", log, tmp_path), stage("second", log, tmp_path)], tmp_path, {})
    assert "first trains" not in log


def test_stages_start_from_the_first_and_run_once(tmp_path):
    log = []
    stages = [stage("first", log, tmp_path), stage("second", log, tmp_path)]
    settings = {"first.train": ["a file.txt", "b.txt"], "second.bf16": [], "second.model": "mine"}
    overview = run_pipeline(stages, tmp_path, settings)
    assert list(overview.runs) == ["first", "second"]
    assert [event for event in log if "trains" in event] == ["first trains", "second trains"]
    assert ("first", "--output_dir", str(tmp_path / "first"), "--train", "a file.txt", "b.txt") in log
    flags = (
        "second",
        "--output_dir",
        str(tmp_path / "second"),
        "--model",
        str(tmp_path / "first"),
        "--bf16",
        "--model",
        "mine",
    )
    assert flags in log
    log.clear()
    run_pipeline(stages, tmp_path, settings)
    assert "first trains" not in log
    assert "second trains" not in log


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("train", "There is no setting 'train'.*first"),
        ("fourth.train", "There is no setting 'fourth.train'.*first"),
        ("first.", "There is no setting 'first.'.*first"),
        ("first.output_dir", "each stage has the folder of its name"),
        ("first.seeds", "a pipeline trains each stage once"),
        ("first.folds", "a pipeline trains each stage once"),
    ],
)
def test_a_setting_of_no_stage(tmp_path, name, message):
    with pytest.raises(ConfigError, match=message):
        run_pipeline([stage("first", [], tmp_path)], tmp_path, {name: "x"})


def test_the_last_setting_of_a_name_wins():
    assert read_settings(["--first.a=5", "--first.b", "x", "y", "--first.b", "z"]) == {
        "first.a": ["5"],
        "first.b": ["z"],
    }


def test_a_word_before_any_setting():
    with pytest.raises(ConfigError, match=r"'x' .*--STAGE.SETTING VALUE"):
        read_settings(["x", "--first.train", "y"])

from types import SimpleNamespace

import pytest

from bert_finetune_kit import ConfigError, DataError, RunReport, read_settings, run_pipeline
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

        @classmethod
        def from_command_line(cls, argv):
            log.append((cls.name, *argv))
            return cls(), SimpleNamespace(force=False)

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
    assert [one for one in log if isinstance(one, str)] == ["two opens its source", "three opens its source"]


def test_stages_start_from_the_first_and_are_done_once(tmp_path):
    log = []
    stages = [stage("one", log, tmp_path), stage("two", log, tmp_path)]
    settings = {"one.train": ["a file.txt", "b.txt"], "two.bf16": [], "two.model": "mine"}
    overview = run_pipeline(stages, tmp_path, settings)
    assert list(overview.runs) == ["one", "two"]
    assert [one for one in log if isinstance(one, str)] == ["two opens its source", "one trains", "two trains"]
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


@pytest.mark.parametrize("name", ["train", "four.train", "one."])
def test_a_setting_of_no_stage(tmp_path, name):
    with pytest.raises(ConfigError, match=f"There is no setting '{name}'.*one"):
        run_pipeline([stage("one", [], tmp_path)], tmp_path, {name: "x"})


def test_a_word_before_any_setting():
    with pytest.raises(ConfigError, match=r"'x' stands before any setting"):
        read_settings(["x", "--one.train", "y"])

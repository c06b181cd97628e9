"""What a finished run can do without costs itself alone: each optional step is made to fail, and none is unguarded."""

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from safetensors.torch import load_file
from small_recipes import build

import bert_finetune_kit
from bert_finetune_kit import OutputError, Overview, RunReport
from bert_finetune_kit.reporting.seeds import summarize_seeds
from bert_finetune_kit.runs import pages
from bert_finetune_kit.runs.pages import publish_summary

pytestmark = pytest.mark.optional_failure
KIT = "bert_finetune_kit"
SHORT = {"num_train_epochs": 1, "max_steps": 2, "save_strategy": "no", "eval_strategy": "no"}
SHORT |= {"load_best_model_at_end": False}
RESUME = "The run is complete; to write it later: train(resume=True), or the same command with --resume."
PAGES = {"report.md", "report.html", "README.md"}


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory, dropout_model):
    """Folder of a finished run without its pages."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "write_html", lambda *_: None)
        build("classification", dropout_model, folder, **SHORT).train()
    for name in PAGES:
        (folder / name).unlink(missing_ok=True)
    return folder


@pytest.fixture
def publish(finished_run, tmp_path, dropout_model, monkeypatch):
    """Publish that run once more: return its folder; the page has no plots, which take seconds."""
    folder = shutil.copytree(finished_run, tmp_path / "run")
    (folder / "report.json").unlink()
    monkeypatch.setattr(pages, "write_html", lambda _, run: Path(run, "report.html").write_text("<html>", "utf-8"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    recipe = build("classification", dropout_model, folder, **SHORT)

    def publish(push_to_hub=False):
        recipe.args.push_to_hub = push_to_hub
        recipe._publisher().publish(RunReport.load(finished_run))
        return folder

    publish.recipe = recipe
    return publish


def planted(*_, **__):
    raise RuntimeError("planted\nfault")


# Step → what the line says is missing, and how to have it later; files that are then not there.
AFTER_THE_REPORT = {
    f"{KIT}.runs.pages.write_markdown": ("report.md was not written", RESUME, {"report.md"}),
    f"{KIT}.runs.pages.write_html": ("report.html was not written", RESUME, {"report.html"}),
    f"{KIT}.runs.pages.model_card": ("README.md, the model card, was not written", RESUME, {"README.md"}),
    f"{KIT}.runs.pages.write_card": ("README.md, the model card, was not written", RESUME, {"README.md"}),
    f"{KIT}.classification.recipe.card_context": ("README.md, the model card", RESUME, {"README.md"}),
    f"{KIT}.runs.pages.print_report": ("The report was not shown", "The files of the run are in", set()),
    f"{KIT}.runs.target.push_folder": ("Not pushed", "The run is complete in", set()),
}


@pytest.mark.parametrize("step", AFTER_THE_REPORT)
def test_a_step_after_the_report_fails_by_itself(publish, finished_run, monkeypatch, capsys, step):
    missing, later, files = AFTER_THE_REPORT[step]
    monkeypatch.setattr(step, planted)
    folder = publish(push_to_hub="push" in step)
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(missing))
    assert f": RuntimeError: planted fault. {later}" in line
    assert {name for name in PAGES if (folder / name).exists()} == PAGES - files
    assert RunReport.load(folder) == RunReport.load(finished_run)
    assert (folder / "model.safetensors").read_bytes() == (finished_run / "model.safetensors").read_bytes()


@pytest.mark.parametrize("step", [step for step, (*_, files) in AFTER_THE_REPORT.items() if files])
def test_the_line_says_how_to_have_it_later(publish, monkeypatch, capsys, step):
    with monkeypatch.context() as patch:
        patch.setattr(step, planted)
        folder = publish()
    assert RESUME in capsys.readouterr().out
    publish.recipe.train(resume=True)
    assert {name for name in PAGES if (folder / name).exists()} == PAGES


def test_the_command_pushes_later(publish, monkeypatch, capsys):
    monkeypatch.setattr(f"{KIT}.runs.target.push_folder", planted)
    folder = publish(push_to_hub=True)
    assert f"hf upload run {folder} . --private" in capsys.readouterr().out


def test_every_optional_step_at_once(publish, finished_run, monkeypatch, capsys):
    for step in AFTER_THE_REPORT:
        monkeypatch.setattr(step, planted)
    folder = publish(push_to_hub=True)
    assert capsys.readouterr().out.count("planted fault") == 5
    assert RunReport.load(folder) == RunReport.load(finished_run)


class FullDisk:
    """Stands for a disk that takes no more than the files it has: every write of some names fails half-way."""

    def __init__(self, monkeypatch, names):
        self.names, self.write = names, Path.write_bytes
        monkeypatch.setattr(Path, "write_bytes", lambda *args, **settings: self(*args, **settings))

    def __call__(self, path, text, *args, **settings):
        if path.name.removesuffix(".part") in self.names:
            self.write(path, text[: len(text) // 2], *args, **settings)
            raise OSError(28, "No space left on device")
        return self.write(path, text, *args, **settings)


def test_a_full_disk_leaves_no_half_of_a_page(publish, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        FullDisk(patch, {"report.md", "README.md"})
        folder = publish()
    printed = capsys.readouterr().out
    assert printed.count("No space left on device") == 2
    assert "report.html, report.json, the model and its tokenizer" in " ".join(printed.replace("│", "").split())
    assert not {path.name for path in folder.iterdir()} & {"report.md", "README.md", "report.md.part", "README.md.part"}
    publish.recipe.train(resume=True)
    assert all((folder / name).stat().st_size > 0 for name in PAGES)


def test_without_space_for_the_report_it_is_shown(publish, monkeypatch, capsys):
    FullDisk(monkeypatch, {"report.json"})
    with pytest.raises(OSError, match="No space left"):
        publish()
    assert "accuracy" in capsys.readouterr().out
    assert not list(Path(publish.recipe.output_dir).glob("report.json*"))


def test_a_run_without_space_for_its_report_says_how_to_continue(dropout_model, tmp_path, monkeypatch, capsys):
    recipe = build("classification", dropout_model, tmp_path / "run", **SHORT | {"save_strategy": "epoch"})
    with monkeypatch.context() as patch:
        FullDisk(patch, {"report.json"})
        with pytest.raises(OutputError, match=r"(?s)The report could not be written.*No space.*--resume"):
            recipe.train()
    assert "accuracy" in capsys.readouterr().out
    assert (tmp_path / "run" / "model.safetensors").exists()
    assert not list((tmp_path / "run").glob("report.json*"))
    report = recipe.train(resume=True)
    assert report.result == RunReport.load(tmp_path / "run").result
    assert len(report.history) > 0


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_cannot_show_the_report(publish, monkeypatch, encoding):
    with open(Path(publish.recipe.output_dir) / "log.txt", "w", encoding=encoding) as log:
        monkeypatch.setattr(sys, "stdout", log)
        folder = publish()
    assert {name for name in PAGES if (folder / name).exists()} == PAGES


def test_a_terminal_that_is_closed(publish, monkeypatch, tmp_path):
    with open(tmp_path / "log.txt", "w") as log:
        pass
    monkeypatch.setattr(sys, "stdout", log)
    monkeypatch.setattr(pages, "write_markdown", planted)
    folder = publish()
    assert (folder / "README.md").exists()


@pytest.fixture(params=["a pipe whose reader has gone", "a closed file"])
def unread(request):
    """Standard output that nobody reads, as after `| head`."""
    reader, writer = os.pipe()
    os.close(reader)
    pipe = open(writer, "w", buffering=1)  # noqa: SIM115
    if "closed" in request.param:
        pipe.close()
    yield pipe
    with suppress(BrokenPipeError):
        pipe.close()


def test_a_run_that_nobody_reads_is_published(publish, monkeypatch, unread):
    pushed = []
    monkeypatch.setattr(f"{KIT}.runs.target.push_folder", lambda *arguments: pushed.append(arguments) or "address")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", unread)
        publish(push_to_hub=True)
    assert len(pushed) == 1


def test_a_run_that_nobody_reads_ends(dropout_model, tmp_path, monkeypatch, unread):
    recipe = build("classification", dropout_model, tmp_path / "run", **SHORT | {"logging_steps": 1})
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", unread)
        recipe.train()
    assert (tmp_path / "run" / "README.md").exists()


# Before the report is written


def damaged_log(self, logs, *_):
    if "eval_accuracy" in logs:
        planted()


# Step → what the note of the report says.
IN_THE_REPORT = {
    f"{KIT}.runs.directory.change_since_initial": ("the change of the weights is not known", "Parameters by module"),
    f"{KIT}.runs.pages.write_predictions": ("predictions.jsonl was not written", "The scores are in the report."),
    f"{KIT}.recipes.trained.save_calibration": (
        "the probabilities of its logits",
        "In this process predict() has the calibrated ones",
    ),
    f"{KIT}.recipes.description.python_code": ("The report has no code that repeats the run", "It has all settings."),
    f"{KIT}.classification.recipe.describe": ("no tables, since describe() failed", "Correct it, delete report.json"),
    f"{KIT}.training.trainer.KitTrainer.log": ("The scores of the saved weights were not logged", "They are in the"),
}


@pytest.mark.parametrize("step", IN_THE_REPORT)
def test_a_step_of_the_report_fails_by_itself(dropout_model, tmp_path, monkeypatch, step, finished_run):
    monkeypatch.setattr(step, damaged_log if step.endswith("log") else planted)
    report = build("classification", dropout_model, tmp_path / "run", **SHORT).train()
    (note,) = [note for note in report.notes if "planted" in note]
    assert ": RuntimeError: planted fault. ".join(IN_THE_REPORT[step]) in note
    saved = RunReport.load(tmp_path / "run")
    assert saved.result == RunReport.load(finished_run).result
    assert "48,034 parameters" in saved.summary[0]
    expected = load_file(finished_run / "model.safetensors")
    assert all((value == expected[name]).all() for name, value in load_file(tmp_path / "run/model.safetensors").items())


def test_initial_weights_that_cannot_be_deleted(dropout_model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(f"{KIT}.runs.directory.delete_initial_weights", planted)
    report = build("classification", dropout_model, tmp_path / "run", **SHORT).train()
    assert RunReport.load(tmp_path / "run").result == pytest.approx(report.result)
    assert "initial_weights.safetensors was not deleted" in capsys.readouterr().out


# Summaries of several runs


@pytest.fixture(scope="module")
def report(finished_run):
    return RunReport.load(finished_run)


@pytest.mark.parametrize("name", ["seeds", "overview"])
def test_each_part_of_a_summary_fails_by_itself(report, tmp_path, monkeypatch, capsys, name):
    monkeypatch.setattr("bert_finetune_kit.reporting.overview.plots", lambda _: ([], []))
    monkeypatch.setattr("bert_finetune_kit.reporting.seeds.dot_plots", lambda *_, **__: [])
    summary = summarize_seeds([1, 2], [report, report]) if name == "seeds" else Overview({"classification": report})
    parts = summary.parts(tmp_path)
    assert len(parts) == {"seeds": 4, "overview": 3}[name]
    summary.save(tmp_path)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(files) == len(parts) - 1  # the other is the terminal
    for missing in parts:
        for file in files:
            (tmp_path / file).unlink(missing_ok=True)
        capsys.readouterr()
        publish_summary(parts | {missing: planted})
        assert f"{missing}: RuntimeError: planted fault. The runs are complete; " in capsys.readouterr().out
        remaining = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert remaining == {file: content for file, content in files.items() if not missing.startswith(file)}


# A new step

# What runs unguarded once the weights are saved: what a run cannot end without, and thin code around the guards. A new
# step goes through `attempt`, or belongs here because the report is nothing without it.
REQUIRED = {
    "evaluate_saved", "ClassificationRecipe.save_usage", "save_with_hint", "report_run", "describe_run",
    "model_origin", "build_report", "Publisher.publish", "RunReport.save",
}  # fmt: skip
THIN = {
    "Prepared.model", "RecipeHooks.checkpoint", "RecipeHooks.is_main", "RecipeHooks.output_dir",
    "RunDirectory.parameter_change", "RunDirectory.delete_initial_weights", "attempt", "attempt_all", "attempt_aloud",
    "TrainedRecipe.save_beside_model",
    "Publisher._pages", "Publisher._show", "Publisher._push", "Publisher.write_predictions", "push_command", "show",
    "write_to", "flush",
}  # fmt: skip


def test_no_step_after_the_weights_are_saved_is_unguarded(dropout_model, tmp_path, monkeypatch):
    """Walk over all calls within the kit, from the moment when the weights are saved until `train` returns."""
    root = str(Path(bert_finetune_kit.__file__).parent)
    monkeypatch.setattr(f"{KIT}.runs.target.push_folder", lambda *_: "https://the.hub/me/toy")
    monkeypatch.setattr(pages.HubTarget, "check", lambda _: ())
    recipe = build("classification", dropout_model, tmp_path / "run", **SHORT, push_to_hub=True)
    saved, unguarded = [], set()
    callers = {"Recipe.train", "TrainedRecipe.save_beside_model", "report_run", "describe_run"}

    def record(frame, event, _):
        name = frame.f_code.co_qualname
        if event == "return" and name in ("RecipeHooks.save_model", "RunReport.save"):
            saved.append(name)
        if event != "call" or not saved or not frame.f_code.co_filename.startswith(root):
            return
        stack, caller = [], frame.f_back
        while caller is not None:
            stack.append(caller.f_code.co_qualname)
            caller = caller.f_back
        if "attempt" not in stack and (saved[-1] == "RunReport.save" or stack[0] in callers):
            unguarded.add(name.split(".<locals>")[0])

    sys.setprofile(record)
    try:
        recipe.train()
    finally:
        sys.setprofile(None)
    assert saved == ["RecipeHooks.save_model", "RunReport.save"]
    assert unguarded - THIN == REQUIRED - {"RunReport.save"}

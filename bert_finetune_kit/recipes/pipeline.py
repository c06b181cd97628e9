"""Several recipes in a row: the first makes the weights that the others start from, and one page has all reports."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError, OutputError
from ..modeling.checkpoint_files import weights_sha256
from ..reporting.overview import Overview
from ..reporting.schema import REPORT_FILE, RunReport
from ..runs.differences import compare
from ..runs.directory import RunDirectory
from ..runs.pages import publish_summary
from .recipe import Recipe

Settings = Mapping[str, str | Sequence[str]]
AnyRecipe = type[Recipe[Any, Any]]


def run_pipeline(stages: Sequence[AnyRecipe], folder: str | Path, settings: Settings) -> Overview:
    """Run the stages that have not finished, each in a folder named like it, and put their reports together.

    Every source is opened and every setting checked before anything is trained, so that a mistake in the last stage is
    found before the first one trains.

    Args:
        stages: recipes, of which those after the first start from its weights unless `STAGE.model` says otherwise.
        folder: of all stages.
        settings: by `STAGE.SETTING`, what the command line of a stage takes after `--SETTING`: a word or several.

    Returns:
        All reports; saved as a page in `folder`.

    Raises:
        ConfigError: a setting is of no stage, or is the output folder of one.
        OutputError: a stage has finished from weights of the first that are no longer there, or that are to be trained
            longer; or its report is damaged.
        KitError: as `Recipe.train`.
    """
    flags = _flags_by_stage(stages, folder, settings)
    _check_all(stages, folder, flags)
    for stage in stages:
        _check_parent(Path(folder) / stage.name, Path(folder) / stages[0].name)
        recipe, run = stage.from_command_line(flags[stage.name])
        recipe.train(resume=True, force=run.force)
    overview = Overview.load(folder, tuple(stage.name for stage in stages))
    if recipe.args.process_index == 0:
        publish_summary(overview.parts(folder))
    return overview


def _check_all(stages: Sequence[AnyRecipe], folder: str | Path, flags: Mapping[str, list[str]]) -> None:
    first = stages[0].from_command_line(flags[stages[0].name])[0]
    first.check_settings()
    for stage in stages:
        run = RunDirectory(Path(folder) / stage.name)
        if run.is_finished:
            run.load_report()
    _check_children(stages, Path(folder), first)
    for stage in stages[1:]:
        recipe = stage.from_command_line(flags[stage.name])[0]
        if recipe.model_name_or_path == str(Path(folder) / first.name):
            recipe.model_name_or_path = first.model_name_or_path  # which the first stage starts from
        recipe.check_settings()
        recipe.load_examples()


def _check_children(stages: Sequence[AnyRecipe], folder: Path, first: Recipe[Any, Any]) -> None:
    """Check that no stage has finished from weights that the first stage would train longer now."""
    run = RunDirectory(folder / first.name)
    extended = compare(run.load_report().fingerprint, first.fingerprint()).extended if run.is_finished else ()
    finished = [path for stage in stages[1:] if _started_from((path := folder / stage.name), run.path)]
    if extended and finished:
        raise OutputError(
            f"{run.path} would be trained longer ({', '.join(extended)}), and these stages have finished from the "
            f"weights that it has now: {', '.join(map(str, finished))}. Delete these folders to train them again, or "
            "choose another output folder for the whole pipeline."
        )


def _started_from(stage: Path, first: Path) -> bool:
    """Whether a stage has finished that started from the weights of the first."""
    if not (stage / REPORT_FILE).exists():
        return False
    return bool(RunReport.load(stage).settings.get("model", {}).get("model_name_or_path") == str(first))


def _check_parent(stage: Path, first: Path) -> None:
    """Check that a stage which has finished started from the weights that the first stage has now."""
    if stage == first or not _started_from(stage, first):
        return
    if RunReport.load(stage).settings["model"].get("sha256") != weights_sha256(first):
        raise OutputError(
            f"{stage} has finished, from other weights than those in {first} now. Delete {stage} to train it again."
        )


def _flags_by_stage(stages: Sequence[AnyRecipe], folder: str | Path, settings: Settings) -> dict[str, list[str]]:
    first = Path(folder) / stages[0].name
    flags = {
        stage.name: ["--output_dir", str(Path(folder) / stage.name), *([] if place == 0 else ["--model", str(first)])]
        for place, stage in enumerate(stages)
    }
    for name, value in settings.items():
        stage, _, setting = name.partition(".")
        if stage not in flags or not setting:
            raise ConfigError(f"There is no setting {name!r}: it is STAGE.SETTING, with a stage of {', '.join(flags)}.")
        if setting == "output_dir":
            raise ConfigError(f"{name} is set: each stage has the folder of its name in the output folder of them all.")
        if setting in ("seeds", "folds"):
            raise ConfigError(f"{name} is set: a pipeline trains each stage once. Run the stage by itself.")
        flags[stage] += [f"--{setting}", *([value] if isinstance(value, str) else value)]
    return flags


def read_settings(words: Sequence[str]) -> dict[str, list[str]]:
    """Return the settings of a command line, the last one of each name.

    >>> read_settings(["--pretraining.train", "a.txt", "b.txt", "--classification.bf16"])
    {'pretraining.train': ['a.txt', 'b.txt'], 'classification.bf16': []}

    Raises:
        ConfigError: there is a word before the first setting.
    """
    settings: dict[str, list[str]] = {}
    values: list[str] | None = None
    for word in words:
        if word.startswith("--"):
            name, equals, value = word.removeprefix("--").partition("=")
            values = settings[name] = [value] if equals else []
        elif values is None:
            raise ConfigError(f"{word!r} is not a setting: expected --STAGE.SETTING VALUE.")
        else:
            values.append(word)
    return settings

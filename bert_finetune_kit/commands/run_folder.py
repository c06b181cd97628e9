"""The folder of a run: what kind of run it is, and the recipe that loads or pushes it."""

from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import ConfigError, ModelError
from ..exported.settings import is_exported

_RECIPES = {
    "pretraining": ("pretraining", "PretrainRecipe"),
    "classification": ("classification", "ClassificationRecipe"),
    "question_answering": ("question_answering", "QARecipe"),
}
# Of a stock checkpoint, the end of the name of its class, which config.json has.
_HEADS = {
    "ForSequenceClassification": "classification",
    "ForQuestionAnswering": "question_answering",
    "ForPreTraining": "pretraining",
    "ForMaskedLM": "pretraining",
}


def run_kind(run: str | Path) -> str:
    """Return the name of the recipe that a model was trained with, such as `classification`.

    Args:
        run: folder of a finished run, or folder or Hub id of a stock checkpoint.

    Raises:
        ModelError: there is neither a report nor a model with a head that a recipe trains.
        OutputError: the report is damaged.
    """
    from ..reporting.schema import REPORT_FILE, RunReport  # which an exported model can do without

    folder = Path(run)
    if is_exported(folder):
        raise ModelError(
            f"{run} is an exported model, which predict and serve take, and no run: give the folder of the run that it "
            "was made from."
        )
    if (folder / REPORT_FILE).exists():
        return RunReport.load(folder).recipe
    if folder.exists() and not (folder / "config.json").exists():
        unfinished = folder.is_dir() and any(folder.glob("checkpoint-*"))
        raise ModelError(
            f"{run} is no folder of a finished run: it has neither {REPORT_FILE} nor config.json."
            + (" It has checkpoints: resume its training by the command that started it, with --resume." * unfinished)
        )
    from ..modeling.loading import checkpoint_config

    architectures = checkpoint_config(run).architectures or ["no class"]
    for head, kind in _HEADS.items():
        if architectures[0].endswith(head):
            return kind
    raise ModelError(
        f"{run} holds {architectures[0]}, which is no model for classification, question answering or pretraining."
    )


def recipe_class(run: str | Path) -> Any:
    """Return the class of the recipe that a model was trained with.

    Raises:
        ConfigError: it is not one of the kit.
        ModelError: as `run_kind`.
    """
    kind = run_kind(run)
    if kind not in _RECIPES:
        raise ConfigError(
            f"{run} is a run of the recipe {kind!r}, which the kit does not have: use its class in Python."
        )
    package, name = _RECIPES[kind]
    return getattr(import_module(f"..{package}.recipe", __package__), name)


def load_recipe(run: str | Path, settings: dict[str, Any]) -> Any:
    """Return a recipe with the trained model of a run.

    Args:
        run: its folder, or a stock checkpoint.
        settings: Trainer arguments, such as `per_device_eval_batch_size`.

    Raises:
        ConfigError: it is a run of a recipe that the kit does not have.
        ModelError: there is no such model.
    """
    recipe = recipe_class(run)
    folder = str(run) if Path(run).is_dir() else None  # which the Trainer makes where it is not there
    return recipe.from_pretrained(run, args=recipe.default_args(folder, **settings))

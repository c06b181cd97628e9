"""`pipeline`: pretraining, and two fine-tunings of the result."""

from collections.abc import Sequence

from ..argument_parser import ArgumentParser
from .parser import command_parser

PRESETS: dict[str, dict[str, str]] = {
    "sample": {},
    # BERT-base on WikiText-2, SST-2 and SQuAD v2 of the Hub; batches that fit into 16 GB.
    "assignment": {
        "pretraining.model": "google-bert/bert-base-uncased",
        "pretraining.train": "wikitext-2-raw-v1",
        "pretraining.validation_split": "test",
        "pretraining.max_length": "512",
        "pretraining.num_train_epochs": "5",
        "pretraining.learning_rate": "5e-5",
        "pretraining.per_device_train_batch_size": "8",
        "pretraining.gradient_accumulation_steps": "4",
        "classification.task": "sst2",
        "question_answering.train": "squad_v2",
    },
}
_DESCRIPTION = """\
Pretrain, fine-tune the result twice, and put all reports on one page.

  bert-finetune-kit pipeline
  bert-finetune-kit pipeline --preset assignment --output_dir runs/assignment

Without arguments a tiny BERT on the bundled sample, in a few minutes on two CPU cores. --STAGE.SETTING VALUE sets what
the commands pretrain, classify and answer take, with pretraining, classification and question_answering as STAGE:
--pretraining.train FOLDER, --question_answering.learning_rate 3e-5, --classification.push_to_hub. A stopped pipeline
resumes when it is started again, and skips the stages that have finished.
"""


def build_parser() -> ArgumentParser:
    """Return the parser of the command, which leaves settings of stages to `read_settings`."""
    parser = command_parser(_DESCRIPTION)
    parser.add_argument("--output_dir", default="runs/pipeline", help="folder of all stages (default: %(default)s)")
    parser.add_argument(
        "--preset", choices=PRESETS, default="sample", help="settings to start from: sample, assignment"
    )
    parser.add_argument("--resume", action="store_true", help="always on")
    return parser


def pipeline(words: Sequence[str]) -> None:
    """Run the pipeline of a preset, with the settings of the command line."""
    options, rest = build_parser().parse_known_args(words)
    from ..classification.recipe import ClassificationRecipe
    from ..pretraining.recipe import PretrainRecipe
    from ..question_answering.recipe import QARecipe
    from ..recipes.pipeline import read_settings, run_pipeline

    flags = read_settings(rest)
    settings: dict[str, str | list[str]] = {**PRESETS[options.preset], **flags}
    if "pretraining.train" in flags and "pretraining.validation_split" not in flags:
        settings.pop("pretraining.validation_split", None)  # a split of the preset's data
    run_pipeline((PretrainRecipe, ClassificationRecipe, QARecipe), options.output_dir, settings)

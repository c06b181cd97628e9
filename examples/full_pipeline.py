"""Pretrain, fine-tune the result twice, and put all reports on one page.

    accelerate launch examples/full_pipeline.py
    accelerate launch examples/full_pipeline.py --preset assignment --output_dir runs/assignment

Without arguments a tiny BERT on the bundled sample, in a few minutes on two CPU cores. `--STAGE.SETTING VALUE` sets
what the examples of the stages (pretraining, classification, question_answering) take: `--pretraining.train FOLDER`,
`--question_answering.learning_rate 3e-5`, `--classification.push_to_hub`. A stopped pipeline resumes when it is
started again, and skips the stages that have finished.
"""

import argparse
import sys

from bert_finetune_kit import (
    ClassificationRecipe,
    KitError,
    PretrainRecipe,
    QARecipe,
    RunStopped,
    read_settings,
    run_pipeline,
)

PRESETS = {
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


def main() -> None:
    """Run the pipeline of a preset, with the settings of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output_dir", default="runs/pipeline")
    parser.add_argument("--preset", choices=PRESETS, default="sample")
    parser.add_argument("--resume", action="store_true", help="always on")
    options, rest = parser.parse_known_args()
    try:
        flags = read_settings(rest)
        settings = PRESETS[options.preset] | flags
        if "pretraining.train" in flags and "pretraining.validation_split" not in flags:
            settings.pop("pretraining.validation_split", None)  # a split of the preset's data
        run_pipeline((PretrainRecipe, ClassificationRecipe, QARecipe), options.output_dir, settings)
    except RunStopped as stopped:
        print(stopped)
        sys.exit(128 + stopped.signal)
    except KitError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

"""Fine-tune a classifier: `python examples/finetune_classification.py`, with no argument on the bundled sample.

The same as `bert-finetune-kit classify`, for a launcher. A GLUE task, or files of your own, on several GPUs:

    accelerate launch --config_file accelerate_configs/multi_gpu.yaml examples/finetune_classification.py \
        --task sst2 --model google-bert/bert-base-uncased
    accelerate launch --config_file accelerate_configs/multi_gpu.yaml examples/finetune_classification.py \
        --train reviews.csv --text review --label stars --model google-bert/bert-base-uncased

`--help` lists the settings, `--help-all` all of the Trainer, too; `--config settings.yaml` reads them from a file.
"""

from bert_finetune_kit import ClassificationRecipe


def main() -> None:
    """Train; on TPUs each process calls this function."""
    ClassificationRecipe.main()


if __name__ == "__main__":
    main()

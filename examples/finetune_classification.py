"""Fine-tune a classifier: `accelerate launch examples/finetune_classification.py`, with no argument on the sample.

A GLUE task, or files of your own:

    accelerate launch examples/finetune_classification.py --task sst2 --model google-bert/bert-base-uncased
    accelerate launch examples/finetune_classification.py --train reviews.csv --text review --label stars --model ...

`--help` lists every setting; `--config settings.yaml` reads them from a file.
"""

from bert_finetune_kit import ClassificationRecipe


def main() -> None:
    """Train; on TPUs each process calls this function."""
    ClassificationRecipe.main()


if __name__ == "__main__":
    main()
